/*
 * mm/check.c - recounts an address space from its tables up.
 *
 * What must hold, besides the counters:
 *   - every leaf of the user half lies in a VMA, and every table covers one;
 *   - an entry is writable or executable only if its VMA is;
 *   - a page that several entries share privately is writable through none;
 *   - the reverse map leads from a page to the entry;
 *   - special entries (no counts) show the zero page or a driver's frame.
 */
#include <kernel/core/panic.h>
#include <mm/check.h>
#include <mm/huge.h>
#include <mm/internal.h>

struct check {
    struct mm_struct *mm;
    struct printer *out;
    size_t findings;
    s64 anon, other, tables, huge;
};

static void found(struct check *check, unsigned long addr, const char *what)
{
    check->findings++;
    printer_printf(check->out, "%012lx: %s\n", addr, what);
}

static void check_rights(struct check *check, const struct vm_area_struct *vma,
                         unsigned long addr, pte_t pte)
{
    const struct page *page = pte_page(pte);

    if (!pte_accessible(pte))
        return;
    if (!pte_user(pte))
        found(check, addr, "entry of the user half without the user bit");
    if (pte_write(pte) && !(vma->vm_flags & VM_WRITE))
        found(check, addr, "writable, but the mapping is not");
    if (!(pte.val & PTE_NX) && pte_supported_mask & PTE_NX &&
        !(vma->vm_flags & VM_EXEC))
        found(check, addr, "executable, but the mapping is not");
    if (!page || !pte_write(pte) || vma->vm_flags & VM_SHARED)
        return;
    if (atomic_read(&page->mapcount) > 1)
        found(check, addr, "privately writable and mapped elsewhere");
    if (!page_is_anon(page))
        found(check, addr, "privately writable page of an object");
}

/* Whether a walk for the page comes to this address: the VMA is in the trees,
 * which vma_tree_check() has seen, so what the page says of itself decides. */
static bool is_found(const struct vm_area_struct *vma, unsigned long addr,
                     struct page *page)
{
    const struct page *head = compound_head(page);
    unsigned long index = head->index + (page - head);

    if (page_is_anon(page))
        return head->anon_vma == vma->anon_vma && index == vma_pgoff(vma, addr);
    if (!page_test(page, PG_cache)) /* a driver's, or truncated */
        return true;
    return page->mapping == vma->vm_mapping && index == vma_pgoff(vma, addr);
}

static void check_page(struct check *check, const struct vm_area_struct *vma,
                       unsigned long addr, pte_t pte)
{
    struct page *page = pte_page(pte);
    enum page_owner owner;

    if (!page) {
        if (pte_pfn(pte) != PFN_DOWN(__pa_symbol(&empty_zero_page)) &&
            !(vma->vm_flags & (VM_PFNMAP | VM_MIXEDMAP)))
            found(check, addr, "uncounted frame in an ordinary mapping");
        return;
    }
    if (page_count(page) < 1 || page_mapcount(page) < 1)
        found(check, addr, "mapped page without counts");
    if (!is_found(vma, addr, page))
        found(check, addr, "the reverse map does not lead here");
    owner = page_owner_of(page); /* its block has it */
    if (owner == OWNER_FREE || owner == OWNER_PAGETABLE)
        found(check, addr, "mapped page that is not ring 3's");
    if (page_is_anon(page))
        check->anon++;
    else
        check->other++;
}

static void check_leaf(struct check *check, const struct pt_cursor *c)
{
    const struct vm_area_struct *vma = find_vma(check->mm, c->va);
    unsigned long end = (c->va & -pt_span(c->level)) + pt_span(c->level);

    if (!vma || vma->vm_start > c->va || vma->vm_end < end) {
        found(check, c->va, "entry without a mapping");
        return;
    }
    check_rights(check, vma, c->va, *c->slot);
    if (c->level == 0) {
        check_page(check, vma, c->va, *c->slot);
    } else {
        check->huge++;
        check->anon += HUGE_PAGES;
        if (!is_found(vma, c->va & -HUGE_SIZE, pfn_to_page(pte_pfn(*c->slot))))
            found(check, c->va, "the reverse map does not lead to the block");
    }
}

/* Tables below `table`, which stands at `level` and starts to cover va. */
static void count_tables(struct check *check, pte_t *table, int level,
                         unsigned long va)
{
    int entries = level == (int)pgtable_levels - 1 ? 256 : 512;

    check->tables += level == (int)pgtable_levels - 1 ? pt_root_pages() : 1;
    for (int i = 0; i < entries; i++, va += pt_span(level)) {
        if (!pte_is_table(table[i], level))
            continue;
        if (!find_vma_intersection(check->mm, va, va + pt_span(level)))
            found(check, va, "table that serves no mapping");
        count_tables(check, page_address(pfn_to_page(pte_pfn(table[i]))),
                     level - 1, va);
    }
}

static void check_sum(struct check *check, const char *what, s64 counter,
                      s64 counted)
{
    if (counter == counted)
        return;
    check->findings++;
    printer_printf(check->out, "%s: %lld, but there are %lld\n", what,
                   (long long)counter, (long long)counted);
}

static void check_charges(struct check *check)
{
    const struct mm_struct *mm = check->mm;
    const struct vm_area_struct *vma = mm->first;
    s64 total = 0, locked = 0, committed = 0;

    for (; vma; vma = vma->vm_next) {
        total += vma_pages(vma);
        if (vma->vm_flags & VM_LOCKED)
            locked += vma_pages(vma);
        if (vma->vm_flags & VM_ACCOUNT)
            committed += vma_pages(vma);
    }
    check_sum(check, "total_vm", mm->total_vm, total);
    check_sum(check, "locked_vm", mm->locked_vm, locked);
    check_sum(check, "committed", mm->committed, committed);
}

size_t mm_check(struct mm_struct *mm, struct printer *out)
{
    struct check check = {.mm = mm, .out = out};
    struct pt_cursor c;
    const char *why;

    down_read(&mm->mmap_lock);
    if (!vma_tree_check(mm, &why))
        found(&check, 0, why);
    check_charges(&check);
    spin_lock(&mm->page_table_lock); /* others may move pages */
    for (pt_start(&c, mm->root, 0, user_limit()); c.slot; pt_next(&c))
        if (!pte_none(*c.slot))
            check_leaf(&check, &c);
    count_tables(&check, mm->root, pgtable_levels - 1, 0);
    check_sum(&check, "anonymous pages", atomic_read(&mm->anon_pages),
              check.anon);
    check_sum(&check, "other pages",
              atomic_read(&mm->file_pages) + atomic_read(&mm->shmem_pages),
              check.other);
    check_sum(&check, "tables", atomic_read(&mm->table_pages), check.tables);
    check_sum(&check, "blocks", atomic_read(&mm->huge_pages), check.huge);
    spin_unlock(&mm->page_table_lock);
    up_read(&mm->mmap_lock);
    return check.findings;
}

static void write_to_log(struct printer *out, const char *text, size_t len)
{
    printk(LOG_ERR, "%.*s", (int)len, text);
}

static void write_nothing(struct printer *out __maybe_unused,
                          const char *text __maybe_unused,
                          size_t len __maybe_unused)
{
}

/* Whoever truncates a file takes entries away before he counts them: a
 * finding must be there three times. */
void mm_check_at_exit(struct mm_struct *mm)
{
    struct printer log = {.write = write_to_log};
    struct printer none = {.write = write_nothing};
    size_t findings = DEBUG_ON;

    for (int i = 0; i < 2 && findings; i++)
        findings = mm_check(mm, &none);
    if (findings)
        findings = mm_check(mm, &log);
    if (findings)
        panic("%zu findings in an address space at its end", findings);
}
