/*
 * mm/mprotect.c - mprotect(2): other rights for a range.
 *
 * VMA by VMA, as Linux does: where a range fails half way, what came before
 * the failure is done.  Entries are rewritten in one walk per VMA; one flush
 * covers them all, and none is needed where nothing is taken away: a CPU that
 * still knows less faults, and finds the entry that allows it.
 * Locking  do_mprotect takes mmap_lock for writing.
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

/* What has to be flushed; start >= end: nothing. */
struct narrowed {
    unsigned long start, end;
};

/* Whether entries changed. */
static bool protect_pages(struct vm_area_struct *vma, unsigned long start,
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
    return any;
}

/* Something that was writable may not be so any more, page by page. */
static bool may_narrow(unsigned long old, unsigned long flags)
{
    return old & (VM_WRITE | (~flags & VM_ACCESS));
}

/* The part [start, end) of vma, which covers it.  *vmap: what covers it now. */
static int protect_vma(struct mm_struct *mm, struct vm_area_struct **vmap,
                       unsigned long start, unsigned long end, int prot,
                       struct narrowed *narrowed)
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
    if (protect_pages(*vmap, start, end) && may_narrow(old, flags)) {
        narrowed->start = min(narrowed->start, start);
        narrowed->end = end;
    }
    return 0;
}

static int mprotect_locked(struct mm_struct *mm, unsigned long start,
                           unsigned long end, int prot)
{
    struct vm_area_struct *vma = find_vma(mm, start);
    struct narrowed narrowed = {~0ul, 0};
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
        if (!vma || vma->vm_start > at) {
            err = -ENOMEM;
            break;
        }
        stop = min(vma->vm_end, end);
        err = protect_vma(mm, &vma, at, stop, prot, &narrowed);
        at = stop;
        if (vma->vm_end <= at)
            vma = vma->vm_next;
    }
    if (narrowed.start < narrowed.end)
        tlb_flush_range(mm, narrowed.start, narrowed.end);
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
    mm_write_unlock(mm);
    return err;
}
