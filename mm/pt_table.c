/*
 * mm/pt_table.c - the pages that page tables are made of.
 */
#include <mm/memory.h>

DEFINE_PER_CPU(pt_source_fn *, pt_table_source);

pte_t *pt_table_alloc(void)
{
    pt_source_fn *source = this_cpu_read(pt_table_source);
    struct page *page;

    if (unlikely(source))
        return source();
    page = alloc_pages_owner(GFP_KERNEL | __GFP_ZERO, 0, OWNER_PAGETABLE);
    return page ? page_address(page) : NULL;
}

void pt_table_free(pte_t *table)
{
    __free_page(virt_to_page(table));
}

bool pt_table_reachable(phys_addr_t pa)
{
    return pfn_valid(PFN_DOWN(pa)) && PFN_DOWN(pa) < lowmem_end_pfn;
}
