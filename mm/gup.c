/*
 * mm/gup.c - pages of user memory held by the kernel.
 *
 * A page is looked up in the table; if the entry does not allow the access, a
 * fault is taken by hand and the entry looked at again.  The reference is
 * taken under page_table_lock, so the page cannot go between look and get.
 * Device frames have no struct page and cannot be held: -EFAULT.
 */
#include <kernel/lib/string.h>
#include <kernel/uapi/errno.h>
#include <mm/gup.h>
#include <mm/huge.h>
#include <mm/internal.h>
#include <mm/kmap.h>

#define FAULT_TRIES 8 /* others may undo what a fault did */

static bool is_zero_page(pte_t pte)
{
    return pte_pfn(pte) == PFN_DOWN(__pa_symbol(&empty_zero_page));
}

/* A debugger may write to the process's own page where the program may not,
 * and read behind PROT_NONE. */
static bool entry_allows(pte_t pte, const struct page *page, u32 flags)
{
    bool force = flags & FOLL_FORCE;

    if (!pte_present(pte) || (!pte_accessible(pte) && !force))
        return false;
    if (!(flags & FOLL_WRITE) || pte_write(pte))
        return true;
    return force && !is_zero_page(pte) && page_is_anon(page) &&
           atomic_read(&page->refs) == 1;
}

/* The page if the entry allows the access; NULL: fault first. */
static struct page *follow_page(struct vm_area_struct *vma, unsigned long addr,
                                u32 flags)
{
    struct mm_struct *mm = vma->vm_mm;
    struct page *page = NULL;
    struct pt_cursor c;

    spin_lock(&mm->page_table_lock);
    pt_start(&c, mm->root, addr, addr + PAGE_SIZE);
    if (pt_at_huge(&c))
        page = huge_subpage(*c.slot, addr);
    else if (c.level == 0 && is_zero_page(*c.slot))
        page = pfn_to_page(pte_pfn(*c.slot));
    else if (c.level == 0)
        page = pte_page(*c.slot);
    if (page && entry_allows(*c.slot, compound_head(page), flags))
        get_page(page);
    else
        page = NULL;
    spin_unlock(&mm->page_table_lock);
    return page;
}

static bool may_hold(const struct vm_area_struct *vma, u32 flags)
{
    unsigned long want = flags & FOLL_WRITE ? VM_WRITE : VM_READ;

    if (vma->vm_flags & (VM_IO | VM_PFNMAP))
        return false;
    if (vma->vm_flags & want)
        return true;
    if (!(flags & FOLL_FORCE))
        return false;
    /* Writing where the program may not is only for private copies. */
    if (flags & FOLL_WRITE && vma->vm_flags & VM_SHARED)
        return false;
    return vma->vm_flags & (want << 4); /* VM_MAY* */
}

static int get_one(struct mm_struct *mm, unsigned long addr, u32 flags,
                   struct page **out)
{
    struct vm_area_struct *vma = find_vma(mm, addr);
    u32 fault = flags & FOLL_WRITE ? FAULT_WRITE : 0;

    if (!vma || vma->vm_start > addr || !may_hold(vma, flags))
        return -EFAULT;
    for (int i = 0; i < FAULT_TRIES; i++) {
        vm_fault_t ret;

        *out = follow_page(vma, addr, flags);
        if (*out)
            return 0;
        ret = fault_in_vma(vma, addr, fault);
        if (ret & VM_FAULT_OOM)
            return -ENOMEM;
        if (ret & (VM_FAULT_SIGBUS | VM_FAULT_SIGSEGV))
            return -EFAULT;
    }
    return -EFAULT;
}

long get_user_pages(struct mm_struct *mm, unsigned long start, size_t n,
                    u32 flags, struct page **pages)
{
    unsigned long addr = start & PAGE_MASK;

    for (size_t i = 0; i < n; i++, addr += PAGE_SIZE) {
        int err = get_one(mm, addr, flags, &pages[i]);

        if (err)
            return i ? (long)i : err;
    }
    return n;
}

size_t access_process_vm(struct mm_struct *mm, unsigned long addr, void *buf,
                         size_t len, u32 flags)
{
    size_t done = 0;

    down_read(&mm->mmap_lock);
    while (done < len) {
        size_t offset = (addr + done) & ~PAGE_MASK;
        size_t n = min(PAGE_SIZE - offset, len - done);
        struct page *page;
        char *there;

        if (get_user_pages(mm, addr + done, 1, flags, &page) != 1)
            break;
        there = kmap_local_page(page);
        if (flags & FOLL_WRITE)
            memcpy(there + offset, (char *)buf + done, n);
        else
            memcpy((char *)buf + done, there + offset, n);
        kunmap_local(there);
        put_page(page);
        done += n;
    }
    up_read(&mm->mmap_lock);
    return done;
}
