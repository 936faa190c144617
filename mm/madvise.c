/*
 * mm/madvise.c - madvise(2), msync(2), mincore(2): talking about pages
 * without changing what is mapped.
 *
 * madvise goes through the range VMA by VMA; a hole is passed over and makes
 * the answer -ENOMEM at the end, as on Linux.
 */
#include <kernel/lib/string.h>
#include <kernel/uapi/errno.h>
#include <kernel/uapi/mman.h>
#include <mm/filemap.h>
#include <mm/huge.h>
#include <mm/internal.h>

/* Advice that only sets or clears flags of the VMA. */
struct flag_advice {
    int advice;
    unsigned long clear, set;
};

static const struct flag_advice flag_advice[] = {
    {MADV_NORMAL, VM_RAND_READ | VM_SEQ_READ, 0},
    {MADV_RANDOM, VM_SEQ_READ, VM_RAND_READ},
    {MADV_SEQUENTIAL, VM_RAND_READ, VM_SEQ_READ},
    {MADV_DONTFORK, 0, VM_DONTCOPY},
    {MADV_DOFORK, VM_DONTCOPY, 0},
    {MADV_WIPEONFORK, 0, VM_WIPEONFORK},
    {MADV_KEEPONFORK, VM_WIPEONFORK, 0},
    {MADV_DONTDUMP, 0, VM_DONTDUMP},
    {MADV_DODUMP, VM_DONTDUMP, 0},
    {MADV_MERGEABLE, 0, VM_MERGEABLE},
    {MADV_UNMERGEABLE, VM_MERGEABLE, 0},
    {MADV_HUGEPAGE, VM_NOHUGEPAGE, VM_HUGEPAGE},
    {MADV_NOHUGEPAGE, VM_HUGEPAGE, VM_NOHUGEPAGE},
};

static const struct flag_advice *find_flag_advice(int advice)
{
    for (size_t i = 0; i < ARRAY_SIZE(flag_advice); i++)
        if (flag_advice[i].advice == advice)
            return &flag_advice[i];
    return NULL;
}

static int advise_flags(struct vm_area_struct **vmap, unsigned long start,
                        unsigned long end, const struct flag_advice *a)
{
    struct vm_area_struct *vma = *vmap;

    if ((a->advice == MADV_DOFORK && vma->vm_flags & VM_IO) ||
        (a->advice == MADV_DODUMP && vma->vm_flags & VM_SPECIAL_MASK) ||
        (a->advice == MADV_WIPEONFORK &&
         (vma->vm_file || vma->vm_flags & VM_SHARED)))
        return -EINVAL;
    return vma_change(vma->vm_mm, vmap, start, end,
                      (vma->vm_flags & ~a->clear) | a->set);
}

static int advise_pages(struct vm_area_struct *vma, unsigned long start,
                        unsigned long end, int advice, struct mmu_gather *g)
{
    unsigned long refused = VM_PFNMAP;

    switch (advice) {
    case MADV_DONTNEED:
    case MADV_DONTNEED_LOCKED:
        if (advice == MADV_DONTNEED)
            refused |= VM_LOCKED;
        if (vma->vm_flags & refused)
            return -EINVAL;
        gather_zap(g, vma, start, end);
        return 0;
    case MADV_FREE:
        if (!vma_is_anonymous(vma) || vma->vm_flags & (refused | VM_LOCKED))
            return -EINVAL;
        gather_zap(g, vma, start, end);
        return 0;
    case MADV_COLD:
    case MADV_PAGEOUT:
        return vma->vm_flags & (refused | VM_LOCKED) ? -EINVAL : 0;
    default: /* MADV_WILLNEED: everything there is in memory already */
        return 0;
    }
}

static bool advice_known(int advice)
{
    switch (advice) {
    case MADV_DONTNEED:
    case MADV_DONTNEED_LOCKED:
    case MADV_FREE:
    case MADV_COLD:
    case MADV_PAGEOUT:
    case MADV_WILLNEED:
    case MADV_POPULATE_READ:
    case MADV_POPULATE_WRITE:
        return true;
    default:
        return find_flag_advice(advice);
    }
}

static int advise_locked(struct mm_struct *mm, unsigned long start,
                         unsigned long end, int advice)
{
    const struct flag_advice *flags = find_flag_advice(advice);
    struct vm_area_struct *vma = find_vma(mm, start);
    struct mmu_gather g;
    unsigned long stop;
    int err = 0, hole = 0;

    gather_start(&g, mm);
    while (!err && start < end) {
        if (!vma) {
            err = -ENOMEM;
            break;
        }
        if (vma->vm_start > start) {
            hole = -ENOMEM;
            start = vma->vm_start;
            if (start >= end)
                break;
        }
        stop = min(vma->vm_end, end);
        err = flags ? advise_flags(&vma, start, stop, flags)
                    : advise_pages(vma, start, stop, advice, &g);
        start = stop;
        if (vma->vm_end <= start)
            vma = vma->vm_next;
    }
    gather_finish(&g);
    return err ? err : hole;
}

int do_madvise(struct mm_struct *mm, unsigned long addr, size_t len, int advice)
{
    unsigned long end = addr + PAGE_ALIGN(len);
    int err;

    if (!advice_known(advice) || addr & ~PAGE_MASK ||
        (len && !PAGE_ALIGN(len)) || end < addr)
        return -EINVAL;
    if (end == addr)
        return 0;
    if (advice == MADV_POPULATE_READ)
        return mm_populate_as(mm, addr, end, 0);
    if (advice == MADV_POPULATE_WRITE)
        return mm_populate_as(mm, addr, end, FAULT_WRITE);
    if (find_flag_advice(advice)) {
        down_write(&mm->mmap_lock);
        err = advise_locked(mm, addr, end, advice);
        mm_write_unlock(mm);
    } else {
        down_read(&mm->mmap_lock);
        err = huge_split_edges(mm, addr, end);
        if (!err)
            err = advise_locked(mm, addr, end, advice);
        up_read(&mm->mmap_lock);
    }
    return err;
}

/*
 * Files live in the page cache only, so there is nothing to write back: what
 * is left of msync is finding out whether the range is mapped.
 */
int do_msync(struct mm_struct *mm, unsigned long addr, size_t len, int flags)
{
    unsigned long end = addr + PAGE_ALIGN(len);
    const struct vm_area_struct *vma;
    int err = 0;

    if (flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC) || addr & ~PAGE_MASK ||
        (flags & MS_ASYNC && flags & MS_SYNC))
        return -EINVAL;
    if (end < addr)
        return -ENOMEM;
    down_read(&mm->mmap_lock);
    for (vma = find_vma(mm, addr); addr < end && !err; vma = vma->vm_next) {
        if (!vma)
            err = -ENOMEM;
        else if (vma->vm_start > addr)
            err = -ENOMEM;
        else if (flags & MS_INVALIDATE && vma->vm_flags & VM_LOCKED)
            err = -EBUSY;
        else
            addr = vma->vm_end;
        if (err)
            break;
    }
    up_read(&mm->mmap_lock);
    return err;
}

/* ---- mincore ---- */

/* A page without an entry may still be in the file's cache. */
static u8 page_is_cached(const struct vm_area_struct *vma, unsigned long addr)
{
    struct page *page;

    if (!vma->vm_mapping)
        return 0;
    page = filemap_find(vma->vm_mapping, vma_pgoff(vma, addr));
    if (page)
        put_page(page);
    return page != NULL;
}

static void mincore_vma(const struct vm_area_struct *vma, unsigned long start,
                        unsigned long end, u8 *vec)
{
    struct pt_cursor c;

    memset(vec, 0, (end - start) >> PAGE_SHIFT);
    for (pt_start(&c, vma->vm_mm->root, start, end); c.slot; pt_next(&c)) {
        size_t first = (c.va - start) >> PAGE_SHIFT;
        size_t n = c.level ? HUGE_PAGES - pt_index(c.va, 0) : 1;

        if (c.level <= 1 && pte_present(*c.slot))
            memset(vec + first, 1, min(n, (end - c.va) >> PAGE_SHIFT));
    }
    if (!vma->vm_mapping)
        return;
    for (; start < end; start += PAGE_SIZE, vec++)
        if (!*vec)
            *vec = page_is_cached(vma, start);
}

int do_mincore(struct mm_struct *mm, unsigned long addr, size_t pages, u8 *vec)
{
    unsigned long end = addr + (pages << PAGE_SHIFT), stop;
    const struct vm_area_struct *vma;
    int err = 0;

    down_read(&mm->mmap_lock);
    while (addr < end && !err) {
        vma = find_vma(mm, addr);
        if (!vma || vma->vm_start > addr) {
            err = -ENOMEM;
            break;
        }
        stop = min(end, vma->vm_end);
        mincore_vma(vma, addr, stop, vec);
        vec += (stop - addr) >> PAGE_SHIFT;
        addr = stop;
    }
    up_read(&mm->mmap_lock);
    return err;
}
