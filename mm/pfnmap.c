/*
 * mm/pfnmap.c - mappings of frames that a driver chooses: device registers,
 * or pages of its own.
 *
 * remap_pfn_range, vmf_insert_pfn   entries are PTE_SPECIAL: no reference, no
 *     mapcount, not in RSS; the frames must outlive the mapping.
 * vm_insert_page                    an ordinary page: counted like any other,
 *     given back when the entry goes.
 *
 * Private writable mappings of frames are refused unless the whole VMA is one
 * linear range: after a copy on write the entry no longer tells which frame
 * was meant, and only linear ranges can answer from vm_pgoff.
 */
#include <kernel/core/panic.h>
#include <kernel/uapi/errno.h>
#include <mm/internal.h>
#include <mm/physmap.h>

static bool is_cow_mapping(unsigned long vm_flags)
{
    return (vm_flags & (VM_SHARED | VM_MAYWRITE)) == VM_MAYWRITE;
}

/* Fills empty entries, a table at a time. */
static int map_frames(struct vm_area_struct *vma, unsigned long addr,
                      unsigned long end, pfn_t pfn, pgprot_t prot)
{
    struct mm_struct *mm = vma->vm_mm;
    struct pt_cursor c;
    size_t n;

    for (pt_start(&c, mm->root, addr, end); c.slot; pt_skip(&c, n)) {
        if (c.level && userpt_grow(mm, &c) < 0)
            return -ENOMEM;
        n = pt_run(&c);
        spin_lock(&mm->page_table_lock);
        for (size_t i = 0; i < n; i++) {
            BUG_ON(!pte_none(c.slot[i]));
            c.slot[i] = pte_special(pfn++, prot);
        }
        spin_unlock(&mm->page_table_lock);
    }
    return 0;
}

int remap_pfn_range(struct vm_area_struct *vma, unsigned long addr, pfn_t pfn,
                    size_t size, pgprot_t prot)
{
    const pfn_t limit = (PTE_PFN_MASK >> PAGE_SHIFT) + 1;
    size_t len = PAGE_ALIGN(size);
    unsigned long end = addr + len;

    if (len < size || end <= addr || addr & ~PAGE_MASK ||
        addr < vma->vm_start || end > vma->vm_end)
        return -EINVAL;
    if (pfn >= limit || len >> PAGE_SHIFT > limit - pfn)
        return -EINVAL;
    if (is_cow_mapping(vma->vm_flags)) {
        if (addr != vma->vm_start || end != vma->vm_end)
            return -EINVAL;
        vma->vm_pgoff = pfn;
    }
    vma->vm_flags |= VM_IO | VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP;
    return map_frames(vma, addr, end, pfn, prot);
}

int io_remap_pfn_range(struct vm_area_struct *vma, unsigned long addr,
                       pfn_t pfn, size_t size, pgprot_t prot)
{
    return remap_pfn_range(vma, addr, pfn, size, prot);
}

/* The empty level-0 slot of addr, or -errno. */
static int empty_slot(struct vm_area_struct *vma, unsigned long addr,
                      struct pt_cursor *c)
{
    if (addr < vma->vm_start || addr >= vma->vm_end || (addr & ~PAGE_MASK))
        return -EFAULT;
    return userpt_slot(vma->vm_mm, addr, addr + PAGE_SIZE, c);
}

int vm_insert_page(struct vm_area_struct *vma, unsigned long addr,
                   struct page *page)
{
    struct mm_struct *mm = vma->vm_mm;
    struct pt_cursor c;
    int err;

    if (!page || !page_count(page) || page_is_anon(page) ||
        page_test(page, PG_slab))
        return -EINVAL;
    err = empty_slot(vma, addr, &c);
    if (err)
        return err;
    vma->vm_flags |= VM_MIXEDMAP;
    spin_lock(&mm->page_table_lock);
    if (pte_none(*c.slot)) {
        get_page(page);
        atomic_inc(&page->mapcount);
        *c.slot = pte_of_page(page, vma->vm_page_prot);
        atomic_inc(vma->vm_file ? &mm->file_pages : &mm->shmem_pages);
    } else {
        err = -EBUSY;
    }
    spin_unlock(&mm->page_table_lock);
    return err;
}

vm_fault_t vmf_insert_pfn(struct vm_area_struct *vma, unsigned long addr,
                          pfn_t pfn)
{
    struct mm_struct *mm = vma->vm_mm;
    struct pt_cursor c;
    int err;

    /* The driver's bug, not the program's: refuse in words. */
    if (WARN_ON(!(vma->vm_flags & (VM_PFNMAP | VM_MIXEDMAP)) ||
                ((vma->vm_flags & VM_PFNMAP) && is_cow_mapping(vma->vm_flags))))
        return VM_FAULT_SIGBUS;
    err = empty_slot(vma, addr & PAGE_MASK, &c);
    if (err)
        return err == -ENOMEM ? VM_FAULT_OOM : VM_FAULT_SIGBUS;
    spin_lock(&mm->page_table_lock);
    if (pte_none(*c.slot))
        *c.slot = pte_special(pfn, vma->vm_page_prot);
    spin_unlock(&mm->page_table_lock);
    return VM_FAULT_NOPAGE;
}
