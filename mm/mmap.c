/*
 * mm/mmap.c - mmap(2): choosing an address, making a VMA.
 *
 * Order    all checks, then the VMA and its charges (prepare), then the old
 *          mappings at a fixed address go, then the new one is linked or
 *          merged.  As on Linux a driver's mmap operation that fails after
 *          that leaves the range empty.
 * Cost     O(log VMAs), and what munmap of the old range costs.
 * Locking  do_mmap takes mmap_lock for writing.
 */
#include <kernel/core/panic.h>
#include <kernel/uapi/errno.h>
#include <kernel/uapi/mman.h>
#include <mm/anon_vma.h>
#include <mm/huge.h>
#include <mm/internal.h>

unsigned long mmap_min_addr = 64 * KIB;

/* ---- where ---- */

/* Aligned, so that all of it may be blocks of 2 MiB; 0 if that needs more
 * room than there is. */
static unsigned long search_gap_for_blocks(struct mm_struct *mm, size_t len,
                                           unsigned long low, unsigned long top)
{
    const size_t slack = HUGE_SIZE - PAGE_SIZE;
    unsigned long addr = vma_gap_topdown(mm, len + slack, low, top);

    return addr ? ALIGN_DOWN(addr + slack, HUGE_SIZE) : 0;
}

static unsigned long search_gap(struct mm_struct *mm, unsigned long hint,
                                size_t len, int flags)
{
    const int private_anon = MAP_PRIVATE | MAP_ANONYMOUS;
    unsigned long low = max(PAGE_SIZE, mmap_min_addr);
    unsigned long top = mm->mmap_base, addr = 0;

    if (flags & MAP_32BIT)
        return vma_gap_bottomup(mm, len, GIB, 2 * GIB);
    if (hint > TASK_SIZE_4L) /* asks for the part that 5 levels add */
        top += user_limit() - TASK_SIZE_4L;
    if (len >= HUGE_SIZE && huge_enabled && !mm->no_huge_pages &&
        (flags & (private_anon | MAP_STACK)) == private_anon)
        addr = search_gap_for_blocks(mm, len, low, top);
    if (!addr)
        addr = vma_gap_topdown(mm, len, low, top);
    if (!addr)
        addr =
            vma_gap_bottomup(mm, len, PAGE_ALIGN(TASK_SIZE / 3),
                             hint > TASK_SIZE_4L ? user_limit() : TASK_SIZE_4L);
    return addr;
}

long get_unmapped_area(struct mm_struct *mm, unsigned long addr, size_t len,
                       int flags, bool privileged)
{
    unsigned long limit = user_limit(), hints = limit;

    if (flags & MAP_32BIT && !(flags & MAP_FIXED))
        hints = 2 * GIB;
    if (len > hints)
        return -ENOMEM;
    if (flags & MAP_FIXED) {
        if (addr > limit - len)
            return -ENOMEM;
        if (addr & ~PAGE_MASK)
            return -EINVAL;
    } else {
        unsigned long hint = addr & PAGE_MASK;

        addr = hint;
        if (!hint || hint > hints - len ||
            !vma_range_free(mm, hint, hint + len))
            addr = search_gap(mm, hint, len, flags);
        if (!addr)
            return -ENOMEM;
    }
    if (addr < mmap_min_addr && !privileged)
        return -EPERM;
    return addr;
}

/* ---- mmap ---- */

/* Whether the file may be mapped so; adds to the flags of the VMA. */
static long check_file(const struct mmap_request *req, unsigned long *flags)
{
    unsigned long may = req->vm_flags_may;
    u64 len = PAGE_ALIGN(req->len);

    if (req->file_max && (len > req->file_max ||
                          req->pgoff > (req->file_max - len) >> PAGE_SHIFT))
        return -EOVERFLOW;
    if ((req->flags & MAP_TYPE) != MAP_PRIVATE) {
        if (req->prot & PROT_WRITE && !(may & VM_MAYWRITE))
            return -EACCES;
        *flags |= VM_SHARED | VM_MAYSHARE;
        if (!(may & VM_MAYWRITE))
            *flags &= ~(VM_MAYWRITE | VM_SHARED);
    }
    if (!(may & VM_MAYREAD))
        return -EACCES;
    if (!(may & VM_MAYEXEC)) {
        if (req->prot & PROT_EXEC)
            return -EPERM;
        *flags &= ~VM_MAYEXEC;
    }
    if (!req->mmap)
        return -ENODEV;
    return *flags & VM_GROWSDOWN ? -EINVAL : 0;
}

static long check_type(const struct mmap_request *req, unsigned long *flags)
{
    int type = req->flags & MAP_TYPE;

    if (type != MAP_SHARED && type != MAP_PRIVATE &&
        (type != MAP_SHARED_VALIDATE || !req->file))
        return -EINVAL;
    if (type == MAP_SHARED_VALIDATE && req->unknown_flags)
        return -EOPNOTSUPP;
    if (req->file)
        return check_file(req, flags);
    if (type == MAP_SHARED) {
        if (*flags & VM_GROWSDOWN)
            return -EINVAL;
        *flags |= VM_SHARED | VM_MAYSHARE;
    }
    return 0;
}

static unsigned long request_flags(struct mm_struct *mm,
                                   const struct mmap_request *req)
{
    unsigned long flags = vm_flags_of_prot(req->prot) | mm->def_flags |
                          VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC;

    if (req->flags & MAP_GROWSDOWN)
        flags |= VM_GROWSDOWN;
    if (req->flags & MAP_LOCKED)
        flags |= VM_LOCKED;
    if (req->flags & MAP_NORESERVE && vm_overcommit_memory != 2)
        flags |= VM_NORESERVE;
    return flags;
}

static long check_locked(struct mm_struct *mm, const struct mmap_request *req,
                         unsigned long flags, size_t len)
{
    if (!(flags & VM_LOCKED) || req->privileged)
        return 0;
    if (req->flags & MAP_LOCKED && !mm->limits.memlock)
        return -EPERM;
    if (len > mm->limits.memlock ||
        mm->locked_vm << PAGE_SHIFT > mm->limits.memlock - len)
        return -EAGAIN;
    return 0;
}

/* Files whose operation sets no vm_ops: nothing answers a fault. */
static const struct vm_operations_struct dummy_vm_ops;

/* Before the operation that fills it in: what every mapping has. */
static struct vm_area_struct *make_vma(struct mm_struct *mm,
                                       const struct vma_shape *shape)
{
    struct vm_area_struct *vma = vma_alloc(mm);

    if (!vma)
        return NULL;
    vma->vm_start = shape->start;
    vma->vm_end = shape->end;
    vma->vm_flags = shape->flags;
    vma->vm_pgoff = shape->pgoff;
    vma->vm_page_prot = vm_get_page_prot(shape->flags);
    return vma;
}

/* Entries that a failed mmap operation wrote already, and the VMA. */
static void drop_unlinked(struct mm_struct *mm, struct vm_area_struct *vma)
{
    struct vm_area_struct *prev = find_vma_prev(mm, vma->vm_start);
    struct vm_area_struct *next = prev ? prev->vm_next : mm->first;
    struct mmu_gather g;

    gather_start(&g, mm);
    gather_zap(&g, vma, vma->vm_start, vma->vm_end);
    gather_tables(&g, vma->vm_start, vma->vm_end, prev ? prev->vm_end : 0,
                  next ? next->vm_start : ~0ul);
    gather_finish(&g);
    vma_free(vma);
}

/* The file's operation sets vm_ops and may change flags and protection. */
static int ask_file(struct mm_struct *mm, struct vm_area_struct *vma,
                    const struct mmap_request *req)
{
    int err;

    vma->vm_ops = &dummy_vm_ops;
    vma->vm_file = req->file;
    err = req->mmap(req->file, vma);
    if (err) {
        drop_unlinked(mm, vma);
        return err;
    }
    mm_file_ops->get(req->file);
    if (vma->vm_mapping)
        mapping_link(vma);
    if (vma->vm_ops && vma->vm_ops->page_mkwrite)
        vma->vm_page_prot = vm_get_page_prot(vma->vm_flags & ~VM_SHARED);
    return 0;
}

/* Neighbours take the new mapping over, or it joins the tree itself. */
static void link_or_merge(struct mm_struct *mm, struct vm_area_struct *vma)
{
    struct vm_area_struct *prev = find_vma_prev(mm, vma->vm_start), *gone;
    struct vma_shape shape = vma_shape_of(vma);

    shape.fresh = true;
    if (vma_merge(mm, prev, NULL, &shape, &gone)) {
        vma_close_chain(gone);
        vma_close(vma);
    } else {
        vma_link(mm, vma, prev);
    }
}

/* Everything that may fail and changes nothing that others see. */
static int prepare_mapping(struct mm_struct *mm, const struct mmap_request *req,
                           const struct vma_shape *shape,
                           struct unmap_plan *plan,
                           struct vm_area_struct **new_vma)
{
    u64 pages = (shape->end - shape->start) >> PAGE_SHIFT;
    struct vm_area_struct *vma;
    int err = -ENOMEM;

    if (!mm_may_expand(mm, shape->flags, pages))
        return -ENOMEM;
    vma = make_vma(mm, shape);
    if (!vma)
        return -ENOMEM;
    if (shape->flags & VM_ACCOUNT && vm_commit(mm, pages) < 0)
        goto free_vma;
    if (!req->file && shape->flags & VM_SHARED) {
        err = shmem_zero_setup(vma);
        if (err)
            goto uncommit;
        mapping_link(vma);
    }
    if (req->flags & MAP_FIXED) {
        err = plan_unmap(mm, shape->start, shape->end, plan);
        if (err)
            goto unlink;
        plan->keep_tables = true; /* the new one covers the same range */
    }
    *new_vma = vma;
    return 0;

unlink:
    if (vma->vm_mapping) {
        rmap_unlink(vma);
        mapping_leave(vma->vm_mapping);
    }
uncommit:
    if (shape->flags & VM_ACCOUNT)
        vm_uncommit(mm, pages);
free_vma:
    vma_free(vma);
    return err;
}

static long mmap_region(struct mm_struct *mm, const struct mmap_request *req,
                        struct vma_shape *shape)
{
    u64 pages = (shape->end - shape->start) >> PAGE_SHIFT;
    struct unmap_plan plan = {0};
    struct vm_area_struct *vma;
    long err;

    if (vm_flags_accountable(shape->flags, req->file))
        shape->flags |= VM_ACCOUNT;
    err = prepare_mapping(mm, req, shape, &plan, &vma);
    if (err)
        return err;
    commit_unmap(mm, &plan);
    if (req->file) {
        err = ask_file(mm, vma, req);
        if (err) {
            if (shape->flags & VM_ACCOUNT)
                vm_uncommit(mm, pages);
            return err;
        }
    }
    mm_account(mm, vma->vm_flags, pages);
    link_or_merge(mm, vma);
    return shape->start;
}

static long mmap_locked(struct mm_struct *mm, const struct mmap_request *req,
                        size_t len, unsigned long *vm_flags)
{
    unsigned long pgoff = req->pgoff;
    struct vma_shape shape;
    long addr, err;

    if (pgoff + (len >> PAGE_SHIFT) < pgoff)
        return -EOVERFLOW;
    if (mm->map_count > VM_MAP_COUNT_MAX)
        return -ENOMEM;
    addr = req->addr;
    if (!(req->flags & MAP_FIXED) && addr & PAGE_MASK && addr < mmap_min_addr)
        addr = PAGE_ALIGN(mmap_min_addr);
    addr = get_unmapped_area(mm, addr, len, req->flags, req->privileged);
    if (addr < 0)
        return addr;
    if (req->flags & MAP_FIXED_NOREPLACE &&
        find_vma_intersection(mm, addr, addr + len))
        return -EEXIST;
    *vm_flags = request_flags(mm, req);
    err = check_locked(mm, req, *vm_flags, len);
    if (!err)
        err = check_type(req, vm_flags);
    if (!err && req->sealed &&
        (*vm_flags & (VM_SHARED | VM_WRITE)) == (VM_SHARED | VM_WRITE))
        err = -EPERM; /* before anything is unmapped */
    if (err)
        return err;
    if (!req->file)
        pgoff = *vm_flags & VM_SHARED ? 0 : (unsigned long)addr >> PAGE_SHIFT;
    shape = (struct vma_shape){.start = addr,
                               .end = addr + len,
                               .flags = *vm_flags,
                               .pgoff = pgoff,
                               .file = req->file};
    return mmap_region(mm, req, &shape);
}

long do_mmap(struct mm_struct *mm, const struct mmap_request *request)
{
    struct mmap_request req = *request;
    size_t len = PAGE_ALIGN(req.len);
    unsigned long vm_flags;
    long addr;

    if (!req.len)
        return -EINVAL;
    if (!len)
        return -ENOMEM;
    if (req.flags & MAP_FIXED_NOREPLACE)
        req.flags |= MAP_FIXED;
    down_write(&mm->mmap_lock);
    addr = mmap_locked(mm, &req, len, &vm_flags);
    mm_write_unlock(mm);
    if (addr < 0)
        return addr;
    if ((vm_flags & (VM_LOCKED | VM_LOCKONFAULT)) == VM_LOCKED ||
        (req.flags & (MAP_POPULATE | MAP_NONBLOCK)) == MAP_POPULATE)
        mm_populate(mm, addr, addr + len);
    return addr;
}

/* ---- mappings that the kernel makes ---- */

int mm_add_stack(struct mm_struct *mm, unsigned long top, size_t size,
                 unsigned long vm_flags)
{
    struct vma_shape shape = {
        .start = top - PAGE_ALIGN(size),
        .end = top,
        .flags = vm_flags | VM_GROWSDOWN | VM_READ | VM_WRITE | VM_MAYREAD |
                 VM_MAYWRITE | VM_MAYEXEC | VM_ACCOUNT,
        .pgoff = (top - PAGE_ALIGN(size)) >> PAGE_SHIFT,
    };
    u64 pages = (shape.end - shape.start) >> PAGE_SHIFT;
    struct vm_area_struct *vma = make_vma(mm, &shape);
    int err = -ENOMEM;

    if (!vma)
        return -ENOMEM;
    down_write(&mm->mmap_lock);
    if (mm_may_expand(mm, shape.flags, pages) &&
        vma_range_free(mm, shape.start, top))
        err = vm_commit(mm, pages);
    if (!err) {
        vma_link(mm, vma, find_vma_prev(mm, shape.start));
        mm_account(mm, shape.flags, pages);
    }
    mm_write_unlock(mm);
    if (err)
        vma_free(vma);
    return err;
}

static void link_special(struct mm_struct *mm, struct vm_area_struct *vma,
                         unsigned long addr, const struct special_part *part,
                         struct vm_area_struct *prev)
{
    vma->vm_start = addr;
    vma->vm_end = addr + PAGE_SIZE;
    vma->vm_flags = part->vm_flags | VM_DONTEXPAND;
    vma->vm_page_prot = vm_get_page_prot(part->vm_flags);
    vma->vm_ops = part->ops;
    vma_link(mm, vma, prev);
    mm_account(mm, vma->vm_flags, 1);
}

long mm_install_special(struct mm_struct *mm, unsigned long hint,
                        const struct special_part *parts, size_t n)
{
    struct vm_area_struct *vma[SPECIAL_PARTS_MAX], *prev;
    long addr = -ENOMEM;
    size_t i;

    BUG_ON(n > SPECIAL_PARTS_MAX);
    for (i = 0; i < n; i++) {
        vma[i] = vma_alloc(mm);
        if (!vma[i])
            goto free;
    }
    down_write(&mm->mmap_lock);
    addr = get_unmapped_area(mm, hint, n * PAGE_SIZE, 0, false);
    if (addr > 0) {
        prev = find_vma_prev(mm, addr);
        for (i = 0; i < n; i++) {
            link_special(mm, vma[i], addr + i * PAGE_SIZE, &parts[i], prev);
            prev = vma[i];
        }
    }
    mm_write_unlock(mm);
free:
    while (addr < 0 && i--)
        vma_free(vma[i]);
    return addr;
}
