/*
 * mm/page_addr.c - pages by their logical address, and which block, frame and
 * address a struct page stands for.
 *
 * Cost       that of page.c; page_block() looks at one entry per order.
 * Context    any.
 */
#include <kernel/core/printk.h>
#include <mm/alloc.h>
#include <mm/kmap.h>
#include <mm/page_bad.h>

unsigned long __get_free_pages(gfp_t gfp, unsigned int order)
{
    struct page *page;

    if (!block_makes_sense(&gfp, order, __builtin_return_address(0)))
        return 0;
    page = alloc_pages(gfp, order);
    return page ? (unsigned long)page_address(page) : 0;
}

unsigned long get_zeroed_page(gfp_t gfp)
{
    return __get_free_pages(gfp | __GFP_ZERO, 0);
}

void free_pages(unsigned long addr, unsigned int order)
{
    void *caller = __builtin_return_address(0);
    struct page *page = addr ? page_of_address(addr, caller) : NULL;

    if (page)
        page_drop(page, order, caller);
}

void *alloc_pages_exact(size_t size, gfp_t gfp)
{
    void *caller = __builtin_return_address(0);
    unsigned int order = 0;
    struct page *page;

    while (PAGE_SIZE << order < size && order <= MAX_ORDER)
        order++;
    if (!size)
        pr_err("alloc_pages_exact(0) by %pS: nothing is asked for\n", caller);
    if (!size || !block_makes_sense(&gfp, order, caller))
        return NULL;
    page = alloc_pages(gfp, order);
    if (!page)
        return NULL;
    split_page(page, order);
    for (size_t i = PFN_UP(size); i < 1ul << order; i++)
        put_page(page + i);
    return page_address(page);
}

void free_pages_exact(void *addr, size_t size)
{
    void *caller = __builtin_return_address(0);
    struct page *page =
        addr ? page_of_address((unsigned long)addr, caller) : NULL;

    for (size_t i = 0; page && i < PFN_UP(size); i++)
        page_drop(page + i, 0, caller);
}

void clear_page(void *addr)
{
    size_t words = PAGE_SIZE / 8;

    __asm__ volatile("rep stosq" : "+D"(addr), "+c"(words) : "a"(0) : "memory");
}

void copy_page(void *to, const void *from)
{
    size_t words = PAGE_SIZE / 8;

    __asm__ volatile("rep movsq"
                     : "+D"(to), "+S"(from), "+c"(words)
                     :
                     : "memory");
}

struct page *page_block(struct page *page)
{
    pfn_t pfn = page_to_pfn(page);

    for (unsigned int order = 1; order <= MAX_ORDER; order++) {
        struct page *head = pfn_to_page(ALIGN_DOWN(pfn, 1ul << order));

        if (page_test(head, PG_head) && head->order >= order)
            return head;
    }
    return page;
}

void *page_address(const struct page *page)
{
    if (page_test(page, PG_highmem))
        return kmap_address(page);
    return __va(page_to_phys(page));
}

bool pfn_valid(pfn_t pfn)
{
    struct zone *zone = pfn_zone(pfn);

    return pfn < zone->next_section &&
           physmap_all_ram(PFN_PHYS(pfn), PFN_PHYS(pfn + 1));
}

bool virt_addr_valid(const void *addr)
{
    unsigned long offset = (unsigned long)addr - page_offset;

    return offset < PHYS_LIMIT && PFN_DOWN(offset) < lowmem_end_pfn &&
           pfn_valid(PFN_DOWN(offset));
}
