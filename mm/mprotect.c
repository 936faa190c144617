/*
 * mm/mprotect.c - giving a part of the map other properties: protection,
 * locking, advice.
 *
 * vma_change()  one VMA's part gets new flags: merged with a neighbour where
 *               the result agrees, else split off.  Order and results are
 *               Linux's, also where a range fails half way: what came before
 *               the failure is done.
 * Entries       are rewritten in one walk per VMA and flushed once.
 */
#include <kernel/uapi/errno.h>
#include <kernel/uapi/mman.h>
#include <mm/filemap.h>
#include <mm/huge.h>
#include <mm/internal.h>
#include <mm/tlb.h>

/* Cache bits that a driver chose stay. */
static pgprot_t changed_prot(const struct vm_area_struct *vma)
{
    const u64 cache = PTE_PWT | PTE_PCD | PTE_PAT_4K;
    unsigned long flags = vma->vm_flags;
    pgprot_t prot;

    if (vma->vm_ops && vma->vm_ops->page_mkwrite)
        flags &= ~VM_SHARED; /* first write asks */
    prot = vm_get_page_prot(flags);
    prot.bits |= vma->vm_page_prot.bits & cache;
    return prot;
}

/* Cuts [start, end) out of *vmap, which becomes it; all or nothing. */
static int isolate(struct mm_struct *mm, struct vm_area_struct **vmap,
                   unsigned long start, unsigned long end)
{
    struct vm_area_struct *vma = *vmap, *low = NULL, *high = NULL;
    bool cut_low = vma->vm_start<start, cut_high = vma->vm_end> end;
    int err = 0;

    if (cut_low)
        err = vma_may_split(vma, start);
    if (!err && cut_high)
        err = vma_may_split(vma, end);
    if (err)
        return err;
    if (mm->map_count + cut_low + cut_high > VM_MAP_COUNT_MAX)
        return -ENOMEM;
    if (cut_low && !(low = vma_alloc(mm)))
        return -ENOMEM;
    if (cut_high && !(high = vma_alloc(mm))) {
        if (low)
            vma_free(low);
        return -ENOMEM;
    }
    if (high)
        vma_split_open(mm, vma, high, end);
    if (low) {
        vma_split_open(mm, vma, low, start);
        *vmap = low;
    }
    return 0;
}

int vma_change(struct mm_struct *mm, struct vm_area_struct **vmap,
               unsigned long start, unsigned long end, unsigned long flags)
{
    struct vm_area_struct *vma = *vmap, *merged, *gone;
    struct vma_shape shape = vma_shape_of(vma);
    struct address_space *mapping = vma->vm_mapping;
    int err;

    if (vma->vm_flags == flags)
        return 0;
    if (huge_split_edges(mm, start, end) < 0)
        return -ENOMEM;
    shape.start = start;
    shape.end = end;
    shape.flags = flags;
    shape.pgoff = vma_pgoff(vma, start);
    mapping_hold(mapping);
    merged = vma_merge(mm, vma->vm_prev, vma, &shape, &gone);
    mapping_release(mapping);
    if (merged) {
        vma_close_chain(gone);
        *vmap = merged;
        return 0;
    }
    err = isolate(mm, vmap, start, end);
    if (!err)
        (*vmap)->vm_flags = flags;
    return err;
}

/*
 * A private page may become writable at once if it has no other owner; else
 * the first write will look.
 */
static inline bool may_write_now(pte_t pte)
{
    const struct page *page = pte_page(pte);

    return page && page_is_anon(page) && atomic_read(&page->refs) == 1;
}

static void protect_run(pte_t *slot, size_t n, pgprot_t prot,
                        bool private_write)
{
    for (pte_t *end = slot + n; slot < end; slot++) {
        pte_t pte = *slot;

        if (pte_none(pte))
            continue;
        pte = pte_modify(pte, prot);
        if (private_write && may_write_now(pte))
            pte.val |= PTE_WRITE;
        *slot = pte;
    }
}

static void protect_pages(struct vm_area_struct *vma, unsigned long start,
                          unsigned long end)
{
    struct mm_struct *mm = vma->vm_mm;
    bool private_write = (vma->vm_flags & (VM_WRITE | VM_SHARED)) == VM_WRITE;
    struct pt_cursor c;
    bool any = false;
    size_t n;

    spin_lock(&mm->page_table_lock);
    for (pt_start(&c, mm->root, start, end); c.slot; pt_skip(&c, n)) {
        n = pt_run(&c);
        if (c.level && !pt_at_huge(&c))
            continue;
        protect_run(c.slot, n, vma->vm_page_prot, private_write);
        any = true;
    }
    spin_unlock(&mm->page_table_lock);
    if (any)
        tlb_flush_range(mm, start, end);
}

/* The part [start, end) of vma, which covers it.  *vmap: what covers it now. */
static int protect_vma(struct mm_struct *mm, struct vm_area_struct **vmap,
                       unsigned long start, unsigned long end, int prot)
{
    unsigned long old = (*vmap)->vm_flags;
    unsigned long flags = (old & ~VM_ACCESS) | vm_flags_of_prot(prot);
    u64 pages = (end - start) >> PAGE_SHIFT;
    bool charge = flags & VM_WRITE &&
                  !(old & (VM_ACCOUNT | VM_WRITE | VM_SHARED | VM_NORESERVE));
    int err;

    if (flags == old)
        return 0;
    if (flags & VM_ACCESS & ~(flags >> 4)) /* VM_MAY* are 4 bits higher */
        return -EACCES;
    if (flags & VM_WRITE && !mm_may_expand(mm, flags, pages) &&
        mm_may_expand(mm, old, pages))
        return -ENOMEM;
    if (charge) {
        if (vm_commit(mm, pages) < 0)
            return -ENOMEM;
        flags |= VM_ACCOUNT;
    }
    err = vma_change(mm, vmap, start, end, flags);
    if (err) {
        if (charge)
            vm_uncommit(mm, pages);
        return err;
    }
    (*vmap)->vm_page_prot = changed_prot(*vmap);
    mm_account(mm, old, -pages);
    mm_account(mm, flags, pages);
    protect_pages(*vmap, start, end);
    return 0;
}

static int mprotect_locked(struct mm_struct *mm, unsigned long start,
                           unsigned long end, int prot)
{
    struct vm_area_struct *vma = find_vma(mm, start);
    unsigned long at = start, stop;
    int err = 0;

    if (!vma)
        return -ENOMEM;
    if (prot & PROT_GROWSDOWN) {
        if (vma->vm_start >= end)
            return -ENOMEM;
        if (!(vma->vm_flags & VM_GROWSDOWN))
            return -EINVAL;
        at = vma->vm_start;
    } else if (vma->vm_start > start) {
        return -ENOMEM;
    }
    while (!err && at < end) {
        if (!vma || vma->vm_start > at)
            return -ENOMEM;
        stop = min(vma->vm_end, end);
        err = protect_vma(mm, &vma, at, stop, prot);
        at = stop;
        if (vma->vm_end <= at)
            vma = vma->vm_next;
    }
    return err;
}

int do_mprotect(struct mm_struct *mm, unsigned long addr, size_t len, int prot)
{
    unsigned long end;
    int err;

    if ((prot & PROT_GROWSDOWN && prot & PROT_GROWSUP) || addr & ~PAGE_MASK)
        return -EINVAL;
    if (!len)
        return 0;
    end = addr + PAGE_ALIGN(len);
    if (end <= addr)
        return -ENOMEM;
    if (prot & ~(PROT_READ | PROT_WRITE | PROT_EXEC | PROT_SEM |
                 PROT_GROWSDOWN | PROT_GROWSUP))
        return -EINVAL;
    down_write(&mm->mmap_lock);
    err = prot & PROT_GROWSUP ? -EINVAL : mprotect_locked(mm, addr, end, prot);
    up_write(&mm->mmap_lock);
    return err;
}

/* ---- mlock ---- */

/* Walks VMAs of [start, end), which must be without holes. */
static int lock_range(struct mm_struct *mm, unsigned long start,
                      unsigned long end, unsigned long lock_flags)
{
    struct vm_area_struct *vma = find_vma(mm, start);
    unsigned long at = start, stop, flags;
    int err = 0;

    while (!err && at < end) {
        if (!vma || vma->vm_start > at)
            return -ENOMEM;
        stop = min(vma->vm_end, end);
        flags = (vma->vm_flags & ~(VM_LOCKED | VM_LOCKONFAULT)) | lock_flags;
        if (flags != vma->vm_flags && !(vma->vm_flags & VM_SPECIAL_MASK)) {
            bool was = vma->vm_flags & VM_LOCKED;
            long pages = (stop - at) >> PAGE_SHIFT;

            err = vma_change(mm, &vma, at, stop, flags);
            if (!err)
                mm->locked_vm += pages * (!!(lock_flags & VM_LOCKED) - was);
        }
        at = stop;
        if (vma->vm_end <= at)
            vma = vma->vm_next;
    }
    return err;
}

/* Pages of the range that are locked already count only once. */
static u64 locked_pages(struct mm_struct *mm, unsigned long start,
                        unsigned long end)
{
    struct vm_area_struct *vma = find_vma(mm, start);
    u64 bytes = 0;

    for (; vma && vma->vm_start < end; vma = vma->vm_next)
        if (vma->vm_flags & VM_LOCKED)
            bytes += min(vma->vm_end, end) - max(vma->vm_start, start);
    return bytes >> PAGE_SHIFT;
}

int do_mlock(struct mm_struct *mm, unsigned long addr, size_t len,
             unsigned long vm_flags, bool privileged)
{
    unsigned long start = addr & PAGE_MASK;
    unsigned long end = PAGE_ALIGN(addr + len);
    u64 limit = mm->limits.memlock >> PAGE_SHIFT, want;
    int err = 0;

    if (vm_flags && !privileged && !mm->limits.memlock)
        return -EPERM;
    if (end < start)
        return vm_flags ? -ENOMEM : -EINVAL;
    if (end == start)
        return 0;
    down_write(&mm->mmap_lock);
    want = ((end - start) >> PAGE_SHIFT) + mm->locked_vm;
    if (vm_flags && !privileged && want > limit &&
        want - locked_pages(mm, start, end) > limit)
        err = -ENOMEM;
    if (!err)
        err = lock_range(mm, start, end, vm_flags);
    up_write(&mm->mmap_lock);
    if (!err && (vm_flags & (VM_LOCKED | VM_LOCKONFAULT)) == VM_LOCKED)
        mm_populate(mm, start, end);
    return err;
}

static void lock_all(struct mm_struct *mm, unsigned long lock_flags)
{
    struct vm_area_struct *vma;
    unsigned long at = 0, end;

    while ((vma = find_vma(mm, at))) { /* merging may take it away */
        end = vma->vm_end;
        lock_range(mm, vma->vm_start, end, lock_flags);
        at = end;
    }
}

int do_mlockall(struct mm_struct *mm, int flags, bool privileged)
{
    unsigned long lock = VM_LOCKED;
    struct vm_area_struct *vma;
    unsigned long start, end;
    int err = 0;

    if (!flags || flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) ||
        flags == MCL_ONFAULT)
        return -EINVAL;
    if (!privileged && !mm->limits.memlock)
        return -EPERM;
    if (flags & MCL_ONFAULT)
        lock |= VM_LOCKONFAULT;
    down_write(&mm->mmap_lock);
    if (flags & MCL_CURRENT && !privileged &&
        mm->total_vm > mm->limits.memlock >> PAGE_SHIFT)
        err = -ENOMEM;
    if (!err) {
        mm->def_flags = flags & MCL_FUTURE ? lock : 0;
        if (flags & MCL_CURRENT)
            lock_all(mm, lock);
    }
    vma = mm->first;
    start = vma ? vma->vm_start : 0;
    end = start;
    for (; vma; vma = vma->vm_next)
        end = vma->vm_end;
    up_write(&mm->mmap_lock);
    if (!err && flags & MCL_CURRENT && !(flags & MCL_ONFAULT))
        mm_populate(mm, start, end);
    return err;
}

int do_munlockall(struct mm_struct *mm)
{
    down_write(&mm->mmap_lock);
    mm->def_flags = 0;
    lock_all(mm, 0);
    up_write(&mm->mmap_lock);
    return 0;
}
