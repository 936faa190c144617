/*
 * mm/buddy.c - free memory as blocks of 2^order pages, aligned to their size.
 *
 * Structure  one list of block heads per order.  A free head has PG_buddy and
 *            its order; all other struct pages of a free block say nothing.
 *            The partner ("buddy") of a block differs from it in one bit of
 *            the frame number.
 * Cost       take and give O(MAX_ORDER), whatever the amount of memory.
 * Locking    zone->lock, the caller's.
 * Invariant  two free buddies of one order never exist side by side: they
 *            would be one block of the next.  zone->free is the sum of the
 *            lists.  A block never crosses a section, and the entries of
 *            frames that are no RAM are never PG_buddy, so looking at a
 *            buddy's entry is always allowed.
 */
#include <kernel/core/panic.h>
#include <mm/zone.h>

_Static_assert((1ul << MAX_ORDER) * PAGE_SIZE <= 16 * MIB,
               "a block lies inside one section");

void buddy_init(struct zone *zone)
{
    for (unsigned int i = 0; i <= MAX_ORDER; i++) {
        list_init(&zone->free_area[i].list);
        zone->free_area[i].blocks = 0;
    }
    zone->free = 0;
}

static void block_insert(struct zone *zone, struct page *page,
                         unsigned int order)
{
    page->order = order;
    page->flags |= BIT(PG_buddy);
    list_add(&page->link, &zone->free_area[order].list);
    zone->free_area[order].blocks++;
}

static void block_remove(struct zone *zone, struct page *page)
{
    page->link.next->prev = page->link.prev;
    page->link.prev->next = page->link.next;
    page->flags &= ~(u32)BIT(PG_buddy);
    zone->free_area[page->order].blocks--;
}

static struct page *find_block(struct zone *zone, unsigned int order)
{
    for (; order <= MAX_ORDER; order++)
        if (zone->free_area[order].blocks)
            return list_first_entry(&zone->free_area[order].list, struct page,
                                    link);
    return NULL;
}

/* Takes a block off its list and gives back what exceeds 2^order pages. */
static void block_carve(struct zone *zone, struct page *page,
                        unsigned int order)
{
    unsigned int have = page->order;

    block_remove(zone, page);
    while (have > order) {
        have--;
        block_insert(zone, page + (1ul << have), have);
    }
    page->order = order;
}

struct page *buddy_take(struct zone *zone, unsigned int order)
{
    struct page *page = find_block(zone, order);

    if (!page)
        return NULL;
    block_carve(zone, page, order);
    zone->free -= 1ul << order;
    return page;
}

size_t buddy_take_pages(struct zone *zone, size_t n, struct page **pages)
{
    size_t got = 0;

    while (got < n) {
        struct page *page = find_block(zone, 0);
        unsigned int order = 0;

        if (!page)
            break;
        while (order < page->order && (2ul << order) <= n - got)
            order++;
        block_carve(zone, page, order);
        for (size_t i = 0; i < 1ul << order; i++)
            pages[got++] = page + i;
        page->order = 0;
    }
    zone->free -= got;
    return got;
}

void buddy_give(struct zone *zone, struct page *page, unsigned int order)
{
    pfn_t pfn = page_to_pfn(page);

    ASSERT(IS_ALIGNED(pfn, 1ul << order));
    zone->free += 1ul << order;
    while (order < MAX_ORDER) {
        struct page *buddy = pfn_to_page(pfn ^ (1ul << order));

        if (!(buddy->flags & BIT(PG_buddy)) || buddy->order != order)
            break;
        block_remove(zone, buddy);
        buddy->order = 0;
        pfn &= ~(1ul << order);
        order++;
    }
    block_insert(zone, pfn_to_page(pfn), order);
}

void buddy_give_run(struct zone *zone, pfn_t start, pfn_t end)
{
    while (start < end) {
        unsigned int order = start ? __builtin_ctzl(start) : MAX_ORDER;

        if (order > MAX_ORDER)
            order = MAX_ORDER;
        while (start + (1ul << order) > end)
            order--;
        buddy_give(zone, pfn_to_page(start), order);
        start += 1ul << order;
    }
}
