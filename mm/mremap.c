/*
 * mm/mremap.c - mremap(2): shrinking, growing in place, moving.
 *
 * Prepare  checks, charges, memory for the new VMA and for the cuts of the
 *          old one, tables at the destination.  All of it can be undone.
 * Commit   what was at the destination goes, entries move from slot to slot,
 *          the source is unmapped.
 * Cost     a move is two loads and stores an entry; no page is touched.
 */
#include <kernel/uapi/errno.h>
#include <kernel/uapi/mman.h>
#include <mm/anon_vma.h>
#include <mm/huge.h>
#include <mm/internal.h>
#include <mm/tlb.h>

struct remap {
    struct mm_struct *mm;
    struct vm_area_struct *vma; /* covers addr */
    unsigned long addr, old_len, new_len, new_addr;
    unsigned long unmap_len; /* of the source: more than old_len if it shrinks
                                on its way */
    int flags;               /* MREMAP_* */
};

/* Whether the part may have the new length at all. */
static int check_resize(const struct remap *r)
{
    const struct vm_area_struct *vma = r->vma;
    unsigned long pgoff = vma_pgoff(vma, r->addr);
    struct mm_struct *mm = r->mm;
    u64 more;

    if (!r->old_len && !(vma->vm_flags & (VM_SHARED | VM_MAYSHARE)))
        return -EINVAL;
    if (r->flags & MREMAP_DONTUNMAP &&
        vma->vm_flags & (VM_DONTEXPAND | VM_PFNMAP))
        return -EINVAL;
    if (r->old_len > vma->vm_end - r->addr)
        return -EFAULT;
    if (r->new_len == r->old_len)
        return 0;
    if (pgoff + (r->new_len >> PAGE_SHIFT) < pgoff)
        return -EINVAL;
    if (vma->vm_flags & (VM_DONTEXPAND | VM_PFNMAP))
        return -EFAULT;
    more = (r->new_len - r->old_len) >> PAGE_SHIFT;
    if (vma->vm_flags & VM_LOCKED && !(r->flags & MREMAP_PRIVILEGED) &&
        mm->locked_vm + more > mm->limits.memlock >> PAGE_SHIFT)
        return -EAGAIN;
    return mm_may_expand(mm, vma->vm_flags, more) ? 0 : -ENOMEM;
}

/* ---- in place ---- */

/* Takes over the free range behind the VMA.  -ENOMEM: not free. */
static int grow_in_place(struct remap *r)
{
    struct vm_area_struct *vma = r->vma, *gone, *merged;
    unsigned long end = r->addr + r->new_len;
    u64 more = (r->new_len - r->old_len) >> PAGE_SHIFT;
    struct vma_shape shape = vma_shape_of(vma);

    if (vma->vm_end != r->addr + r->old_len || end < r->addr ||
        end > user_limit() || !vma_range_free(r->mm, vma->vm_end, end))
        return -ENOSPC;
    if (vma->vm_flags & VM_ACCOUNT && vm_commit(r->mm, more) < 0)
        return -ENOMEM;
    shape.pgoff = vma_pgoff(vma, vma->vm_end);
    shape.start = vma->vm_end;
    shape.end = end;
    merged = vma_merge(r->mm, vma, NULL, &shape, &gone);
    if (!merged) { /* a close operation forbids merging, not growing */
        rmap_hold(vma->vm_mapping, vma->anon_vma);
        vma_resize(vma, vma->vm_start, end);
        rmap_release(vma->vm_mapping, vma->anon_vma);
    }
    vma_close_chain(gone);
    mm_account(r->mm, shape.flags, more);
    return 0;
}

/* ---- moving ---- */

/* Tables at the destination for whatever has one at the source. */
static int grow_destination(const struct remap *r)
{
    struct pt_cursor src, dst;
    size_t n;

    for (pt_start(&src, r->mm->root, r->addr, r->addr + r->old_len); src.slot;
         pt_skip(&src, n)) {
        unsigned long to = r->new_addr + (src.va - r->addr);

        n = 1;
        if (src.level)
            continue;
        if (userpt_slot(r->mm, to, r->new_addr + r->old_len, &dst) < 0)
            return -ENOMEM;
        n = min(pt_run(&src), pt_run(&dst));
    }
    return 0;
}

static void shrink_destination(const struct remap *r)
{
    struct vm_area_struct *prev = find_vma_prev(r->mm, r->new_addr + 1);
    struct vm_area_struct *next = prev ? prev->vm_next : r->mm->first;
    struct mmu_gather g;

    if (find_vma_intersection(r->mm, r->new_addr, r->new_addr + r->new_len))
        return; /* the tables serve what is there: it keeps them */
    gather_start(&g, r->mm);
    gather_tables(&g, r->new_addr, r->new_addr + r->new_len,
                  prev ? prev->vm_end : 0, next ? next->vm_start : ~0ul);
    gather_finish(&g);
}

/* A walk of the reverse map, which looks at one VMA and then at the other,
 * must find each entry in one of them: it waits until all is flushed. */
static void move_pages(const struct remap *r)
{
    struct vm_area_struct *vma = r->vma;
    struct mm_struct *mm = r->mm;
    struct pt_cursor src, dst;
    size_t n;

    rmap_hold(vma->vm_mapping, vma->anon_vma);
    spin_lock(&mm->page_table_lock);
    for (pt_start(&src, mm->root, r->addr, r->addr + r->old_len); src.slot;
         pt_skip(&src, n)) {
        n = 1;
        if (src.level)
            continue;
        pt_start(&dst, mm->root, r->new_addr + (src.va - r->addr),
                 r->new_addr + r->old_len);
        n = min(pt_run(&src), pt_run(&dst));
        for (size_t i = 0; i < n; i++) {
            dst.slot[i] = src.slot[i];
            src.slot[i].val = 0;
        }
    }
    spin_unlock(&mm->page_table_lock);
    tlb_flush_range(mm, r->addr, r->addr + r->old_len);
    rmap_release(vma->vm_mapping, vma->anon_vma);
}

/* What a move needs before it may change anything. */
struct move_plan {
    struct vm_area_struct *new;
    struct unmap_plan from, to;
    u64 charged;
};

static int plan_move(struct remap *r, struct move_plan *plan)
{
    struct mm_struct *mm = r->mm;
    u64 kept = r->flags & MREMAP_DONTUNMAP ? 0 : r->old_len;
    int err;

    *plan = (struct move_plan){0};
    if (mm->map_count + 2 >= VM_MAP_COUNT_MAX - 3)
        return -ENOMEM;
    if (r->vma->vm_flags & VM_ACCOUNT) {
        plan->charged = (r->new_len - kept) >> PAGE_SHIFT;
        if (vm_commit(mm, plan->charged) < 0)
            return -ENOMEM;
    }
    err = huge_split_range(mm, r->addr, r->addr + r->old_len);
    if (!err) /* its tables will be used, so there must be tables */
        err = huge_split_range(mm, r->new_addr, r->new_addr + r->new_len);
    if (err)
        goto uncommit;
    err = -ENOMEM;
    plan->new = vma_alloc(mm);
    if (!plan->new)
        goto uncommit;
    err = plan_unmap(mm, r->addr, r->addr + r->unmap_len, &plan->from);
    if (err)
        goto free_new;
    err = plan_unmap(mm, r->new_addr, r->new_addr + r->new_len, &plan->to);
    if (err)
        goto drop_from;
    plan->to.keep_tables = true;
    err = grow_destination(r);
    if (err)
        goto drop_to;
    return 0;

drop_to:
    shrink_destination(r);
    drop_plan(&plan->to);
drop_from:
    drop_plan(&plan->from);
free_new:
    vma_free(plan->new);
uncommit:
    vm_uncommit(mm, plan->charged);
    return err;
}

/* The new VMA, filled in and linked: the tables that its entries go to are
 * not anybody's to free from now on. */
static void link_new(struct remap *r, struct vm_area_struct *new)
{
    struct vm_area_struct *vma = r->vma;
    bool untouched = vma_is_anonymous(vma) && !vma->anon_vma;

    vma_copy(new, vma);
    new->vm_pgoff =
        untouched ? r->new_addr >> PAGE_SHIFT : vma_pgoff(vma, r->addr);
    new->vm_start = r->new_addr;
    new->vm_end = r->new_addr + r->new_len;
    vma_open(new);
    rmap_link(new, NULL);
    vma_link(r->mm, new, find_vma_prev(r->mm, new->vm_start));
}

static void merge_new(struct mm_struct *mm, struct vm_area_struct *new)
{
    struct vma_shape shape = vma_shape_of(new);
    struct vm_area_struct *gone;

    vma_merge(mm, new->vm_prev, new, &shape, &gone);
    vma_close_chain(gone);
}

static void commit_move(struct remap *r, struct move_plan *plan)
{
    struct mm_struct *mm = r->mm;
    struct vm_area_struct *new = plan->new;

    commit_unmap(mm, &plan->to);
    r->vma = find_vma(mm, r->addr); /* that may have cut it */
    link_new(r, new);
    move_pages(r);
    if (new->vm_ops &&new->vm_ops->mremap)
        new->vm_ops->mremap(new);
    mm_account(mm, new->vm_flags, r->new_len >> PAGE_SHIFT);
    if (r->flags & MREMAP_DONTUNMAP || !r->unmap_len) {
        drop_plan(&plan->from);
    } else {
        if (new->vm_flags & VM_ACCOUNT) /* the unmapping takes it off */
            vm_commit_unchecked(mm, r->old_len >> PAGE_SHIFT);
        commit_unmap(mm, &plan->from);
    }
    merge_new(mm, new);
}

static long move_vma(struct remap *r)
{
    struct move_plan plan;
    int err = plan_move(r, &plan);

    if (err)
        return err;
    commit_move(r, &plan);
    return r->new_addr;
}

/* ---- the call ---- */

/* Linux has done this by the time it finds that the source will not do, and
 * programs can see it; so it is done here, too. */
static int give_up_to(const struct remap *r, int err)
{
    if (r->flags & MREMAP_FIXED)
        munmap_locked(r->mm, r->new_addr, r->new_len);
    if (r->unmap_len > r->new_len)
        munmap_locked(r->mm, r->addr + r->new_len, r->unmap_len - r->new_len);
    return err;
}

/* MREMAP_FIXED, MREMAP_DONTUNMAP: to a place of its own. */
static long remap_to(struct remap *r)
{
    struct mm_struct *mm = r->mm;
    long addr;
    int err;

    if (r->new_addr & ~PAGE_MASK || r->new_len > user_limit() ||
        r->new_addr > user_limit() - r->new_len)
        return -EINVAL;
    if (r->addr + r->old_len > r->new_addr &&
        r->new_addr + r->new_len > r->addr)
        return -EINVAL;
    if (r->old_len > r->new_len &&
        (r->old_len > user_limit() || r->addr > user_limit() - r->old_len)) {
        r->unmap_len = 0;
        return give_up_to(r, -EINVAL);
    }
    r->old_len = min(r->old_len, r->new_len);
    err = check_resize(r);
    if (err)
        return give_up_to(r, err);
    if (!(r->flags & MREMAP_FIXED)) {
        addr = get_unmapped_area(mm, r->new_addr, r->new_len, 0,
                                 r->flags & MREMAP_PRIVILEGED);
        if (addr < 0)
            return addr;
        r->new_addr = addr;
    }
    return move_vma(r);
}

static long remap_locked(struct remap *r)
{
    struct mm_struct *mm = r->mm;
    long addr;
    int err;

    r->vma = find_vma(mm, r->addr);
    if (!r->vma || r->vma->vm_start > r->addr)
        return -EFAULT;
    if (r->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP))
        return remap_to(r);
    if (r->old_len >= r->new_len) {
        if (r->old_len > r->new_len)
            err = munmap_locked(mm, r->addr + r->new_len,
                                r->old_len - r->new_len);
        else
            err = 0;
        return err ? err : (long)r->addr;
    }
    err = check_resize(r);
    if (err)
        return err;
    err = grow_in_place(r);
    if (err != -ENOSPC)
        return err ? err : (long)r->addr;
    if (!(r->flags & MREMAP_MAYMOVE))
        return -ENOMEM;
    addr = get_unmapped_area(mm, 0, r->new_len, 0, false);
    if (addr < 0)
        return addr;
    r->new_addr = addr;
    return move_vma(r);
}

long do_mremap(struct mm_struct *mm, unsigned long addr, size_t old_len,
               size_t new_len, int flags, unsigned long new_addr)
{
    struct remap r = {.mm = mm,
                      .addr = addr,
                      .new_addr = new_addr,
                      .old_len = PAGE_ALIGN(old_len),
                      .unmap_len = PAGE_ALIGN(old_len),
                      .new_len = PAGE_ALIGN(new_len),
                      .flags = flags};
    bool populate;
    long ret;

    if (flags & ~(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP |
                  MREMAP_PRIVILEGED) ||
        (flags & MREMAP_FIXED && !(flags & MREMAP_MAYMOVE)) ||
        (flags & MREMAP_DONTUNMAP &&
         (!(flags & MREMAP_MAYMOVE) || old_len != new_len)) ||
        addr & ~PAGE_MASK || !r.new_len)
        return -EINVAL;
    down_write(&mm->mmap_lock);
    ret = remap_locked(&r);
    populate = ret > 0 && r.new_len > r.old_len &&
               find_vma(mm, ret)->vm_flags & VM_LOCKED;
    mm_write_unlock(mm);
    if (populate)
        mm_populate(mm, ret + r.old_len, ret + r.new_len);
    return ret;
}
