/*
 * mm/fork.c - a copy of an address space.
 *
 * Pages  of private memory are shared: each entry is copied read-only, and
 *        write-protected in the parent; the first write on either side copies.
 *        Mappings whose pages can be found again (shared ones, files without
 *        private copies) are left empty and fault; frames of devices are
 *        copied as they are.
 * Cost   one walk per VMA over the tables that exist, about 25 instructions a
 *        page.
 * Locks  both mmap_locks for writing; page_table_lock of the parent while a
 *        table's entries are copied, so that truncation sees either none or
 *        both (the child's VMA stands right after the parent's in the trees
 *        of the reverse map).
 */
#include <kernel/core/panic.h>
#include <kernel/uapi/errno.h>
#include <mm/anon_vma.h>
#include <mm/huge.h>
#include <mm/internal.h>
#include <mm/tlb.h>

static bool needs_copy(const struct vm_area_struct *vma)
{
    if (vma->vm_flags & VM_WIPEONFORK)
        return false;
    if (vma->vm_flags & (VM_PFNMAP | VM_MIXEDMAP) || vma->anon_vma)
        return true;
    /* The zero page alone need not be copied: reading brings it back. */
    return false;
}

struct copied {
    long anon, other;
};

/* n entries side by side.  protect: private memory. */
static void copy_run(pte_t *from, pte_t *to, size_t n, bool protect,
                     struct copied *copied)
{
    for (pte_t *end = from + n; from < end; from++, to++) {
        pte_t pte = *from;
        struct page *page;

        if (pte_none(pte))
            continue;
        if (protect && pte_write(pte)) {
            pte = pte_wrprotect(pte);
            *from = pte;
        }
        page = pte_page(pte);
        if (page) {
            get_page(page);
            atomic_inc(&page->mapcount);
            if (page_is_anon(page))
                copied->anon++;
            else
                copied->other++;
        }
        *to = pte;
    }
}

/* A block: one entry, shared like a page. */
static int copy_huge(struct mm_struct *mm, struct mm_struct *child_mm,
                     struct pt_cursor *src, struct copied *copied)
{
    struct page *head = pfn_to_page(pte_pfn(*src->slot));
    struct pt_cursor dst;
    int err;

    pt_start(&dst, child_mm->root, src->va, src->va + PAGE_SIZE);
    err = pt_grow(&dst, 1);
    atomic_add(&child_mm->table_pages, dst.tables);
    if (err)
        return err;
    spin_lock(&mm->page_table_lock);
    *src->slot = pte_wrprotect(*src->slot);
    *dst.slot = *src->slot;
    get_page(head);
    atomic_inc(&head->mapcount);
    spin_unlock(&mm->page_table_lock);
    atomic_inc(&child_mm->huge_pages);
    copied->anon += HUGE_PAGES;
    return 0;
}

static int copy_pages(struct vm_area_struct *vma, struct vm_area_struct *child)
{
    struct mm_struct *mm = vma->vm_mm, *child_mm = child->vm_mm;
    bool protect = !(vma->vm_flags & VM_SHARED);
    struct copied copied = {0};
    struct pt_cursor src, dst;
    int err = 0;
    size_t n;

    for (pt_start(&src, mm->root, vma->vm_start, vma->vm_end); src.slot;
         pt_skip(&src, n)) {
        n = pt_run(&src);
        if (pt_at_huge(&src))
            err = copy_huge(mm, child_mm, &src, &copied);
        if (err)
            break;
        if (src.level)
            continue;
        err = userpt_slot(child_mm, src.va, vma->vm_end, &dst);
        if (err)
            break;
        spin_lock(&mm->page_table_lock);
        copy_run(src.slot, dst.slot, n, protect, &copied);
        spin_unlock(&mm->page_table_lock);
    }
    atomic_add(&child_mm->anon_pages, copied.anon);
    atomic_add(vma->vm_file ? &child_mm->file_pages : &child_mm->shmem_pages,
               copied.other);
    return err;
}

/* The child's VMA after `prev`; pages follow. */
static int copy_vma(struct vm_area_struct *vma, struct mm_struct *child_mm,
                    struct vm_area_struct **prev)
{
    struct vm_area_struct *child;
    int err = 0;

    if (vma->vm_flags & VM_ACCOUNT && vm_commit(child_mm, vma_pages(vma)) < 0)
        return -ENOMEM;
    child = vma_alloc(child_mm);
    if (!child) {
        if (vma->vm_flags & VM_ACCOUNT)
            vm_uncommit(child_mm, vma_pages(vma));
        return -ENOMEM;
    }
    vma_copy(child, vma);
    child->vm_mm = child_mm;
    child->vm_flags &= ~(VM_LOCKED | VM_LOCKONFAULT);
    if (!needs_copy(vma))
        child->anon_vma = NULL;
    child->anon_id =
        child->anon_vma ? ++child_mm->anon_ids | ANON_ID_FORKED : 0;
    vma_link(child_mm, child, *prev);
    mm_account(child_mm, child->vm_flags, vma_pages(child));
    vma_open(child);
    rmap_link(child, vma);
    if (needs_copy(vma))
        err = copy_pages(vma, child);
    *prev = child;
    return err;
}

static void copy_layout(const struct mm_struct *mm, struct mm_struct *child)
{
    child->mmap_base = mm->mmap_base;
    child->start_code = mm->start_code;
    child->end_code = mm->end_code;
    child->start_data = mm->start_data;
    child->end_data = mm->end_data;
    child->start_brk = mm->start_brk;
    child->brk = mm->brk;
    child->start_stack = mm->start_stack;
    child->arg_start = mm->arg_start;
    child->arg_end = mm->arg_end;
    child->env_start = mm->env_start;
    child->env_end = mm->env_end;
    child->limits = mm->limits;
    child->no_huge_pages = mm->no_huge_pages;
    child->dumpable = mm->dumpable;
    for (size_t i = 0; i < ARRAY_SIZE(mm->auxv); i++)
        child->auxv[i] = mm->auxv[i];
    child->exe_file = mm->exe_file;
    if (child->exe_file)
        mm_file_ops->get(child->exe_file);
}

int mm_fork(struct mm_struct *parent, struct mm_struct **childp)
{
    struct mm_struct *child = mm_create();
    struct vm_area_struct *vma, *prev = NULL;
    int err = 0;

    if (!child)
        return -ENOMEM;
    down_write(&parent->mmap_lock);
    copy_layout(parent, child);
    for (vma = parent->first; vma && !err; vma = vma->vm_next)
        if (!(vma->vm_flags & VM_DONTCOPY))
            err = copy_vma(vma, child, &prev);
    tlb_flush_mm(parent); /* what was writable there is not any more */
    mm_write_unlock(parent);
    if (err) {
        mm_put(child);
        return err;
    }
    *childp = child;
    return 0;
}
