/*
 * mm/buddy.c - free memory as blocks of 2^order pages, aligned to their size.
 *
 * Structure  a list of block heads per order and migrate type.  A free head
 *            has PG_buddy and its order; all other struct pages of a free
 *            block say nothing.  The partner ("buddy") of a block differs
 *            from it in one bit of the frame number.
 * Types      each pageblock (2 MiB) has one; a block that becomes free goes to
 *            the lists of its pageblock's type.  So pages that can move stand
 *            together, and those that cannot do not spoil every 2 MiB.  A type
 *            whose lists are empty takes the largest block of another, and the
 *            rest of that pageblock too where that is worth it.
 * Cost       take and give O(MAX_ORDER), whatever the amount of memory; taking
 *            over a pageblock O(PAGEBLOCK_PAGES), paid back by its pages.
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

bool page_group_by_mobility_disabled;

/* Whom a type takes from, the first first. */
static const u8 fallbacks[][2] = {
    [MIGRATE_UNMOVABLE] = {MIGRATE_RECLAIMABLE, MIGRATE_MOVABLE},
    [MIGRATE_MOVABLE] = {MIGRATE_RECLAIMABLE, MIGRATE_UNMOVABLE},
    [MIGRATE_RECLAIMABLE] = {MIGRATE_UNMOVABLE, MIGRATE_MOVABLE},
};

void buddy_init(struct zone *zone)
{
    for (unsigned int i = 0; i <= MAX_ORDER; i++) {
        for (int type = 0; type < NR_MIGRATE_TYPES; type++)
            list_init(&zone->free_area[i].list[type]);
        zone->free_area[i].blocks = 0;
    }
    zone->free = 0;
}

static void block_insert(struct zone *zone, struct page *page,
                         unsigned int order, enum migrate_type type)
{
    page->order = order;
    page->flags |= BIT(PG_buddy);
    list_add(&page->link, &zone->free_area[order].list[type]);
    zone->free_area[order].blocks++;
}

static void block_unlink(struct page *page)
{
    page->link.next->prev = page->link.prev;
    page->link.prev->next = page->link.next;
}

static void block_remove(struct zone *zone, struct page *page)
{
    block_unlink(page);
    page->flags &= ~(u32)BIT(PG_buddy);
    zone->free_area[page->order].blocks--;
}

static struct page *first_block(struct zone *zone, unsigned int order,
                                enum migrate_type type)
{
    struct list_head *list = &zone->free_area[order].list[type];

    return list_empty(list) ? NULL : list_first_entry(list, struct page, link);
}

static struct page *find_block(struct zone *zone, unsigned int order,
                               enum migrate_type type)
{
    for (; order <= MAX_ORDER; order++) {
        struct page *page = first_block(zone, order, type);

        if (page)
            return page;
    }
    return NULL;
}

/* Takes a block off its list and gives back what exceeds 2^order pages. */
static void block_carve(struct zone *zone, struct page *page,
                        unsigned int order, enum migrate_type type)
{
    unsigned int have = page->order;

    block_remove(zone, page);
    while (have > order) {
        have--;
        block_insert(zone, page + (1ul << have), have, type);
    }
    page->order = order;
    page->pcp = pcp_index(zone, pageblock_type(page));
}

static void move_block(struct zone *zone, struct page *page,
                       enum migrate_type type)
{
    block_unlink(page);
    list_add(&page->link, &zone->free_area[page->order].list[type]);
}

/* All free blocks of a pageblock change to the lists of a type; how many
 * pages those are, and how many others look as if they could move. */
static unsigned int move_pageblock(struct zone *zone, struct page *first,
                                   enum migrate_type type,
                                   unsigned int *movable)
{
    struct page *end = first + PAGEBLOCK_PAGES, *page = first;
    unsigned int moved = 0;

    *movable = 0;
    while (page < end) {
        if (page->flags & BIT(PG_buddy)) {
            move_block(zone, page, type);
            moved += 1u << page->order;
            page += 1ul << page->order;
            continue;
        }
        if (page->owner == OWNER_ANON || page->owner == OWNER_PAGECACHE)
            ++*movable;
        page++;
    }
    return moved;
}

/* Whether a block of that order is worth more than its own pages. */
static bool worth_pageblock(unsigned int order, enum migrate_type type)
{
    return order >= PAGEBLOCK_ORDER / 2 || type != MIGRATE_MOVABLE;
}

/* Makes a free block of another type one of `type`, and of its pageblock what
 * is worth it: Linux's policy. */
static void claim(struct zone *zone, struct page *page, enum migrate_type type)
{
    struct page *first = page_pageblock(page);
    enum migrate_type was = first->block_type;
    unsigned int moved, movable, alike;

    if (page->order >= PAGEBLOCK_ORDER) {
        for (first = page; first < page + (1ul << page->order);
             first += PAGEBLOCK_PAGES)
            first->block_type = type;
        move_block(zone, page, type);
        return;
    }
    if (!worth_pageblock(page->order, type)) {
        move_block(zone, page, type);
        return;
    }
    moved = move_pageblock(zone, first, type, &movable);
    if (type == MIGRATE_MOVABLE)
        alike = movable;
    else /* what is neither free nor movable came from such requests */
        alike = was == MIGRATE_MOVABLE ? PAGEBLOCK_PAGES - moved - movable : 0;
    if (moved + alike >= PAGEBLOCK_PAGES / 2 && !page_test(first, PG_hole))
        first->block_type = type;
}

static struct page *fallback_block(struct zone *zone, unsigned int order,
                                   enum migrate_type type)
{
    for (int i = 0; i < 2; i++) {
        struct page *page = first_block(zone, order, fallbacks[type][i]);

        if (page)
            return page;
    }
    return NULL;
}

/* A block of another type: the largest; but movable pages, which do no harm
 * anywhere, take the smallest that serves if the largest is not worth its
 * pageblock. */
static struct page *steal_choice(struct zone *zone, unsigned int order,
                                 enum migrate_type type)
{
    struct page *page = NULL;

    for (int have = MAX_ORDER; have >= (int)order && !page; have--) {
        page = fallback_block(zone, have, type);
        if (page && worth_pageblock(have, type))
            return page;
    }
    if (!page)
        return NULL;
    while (!(page = fallback_block(zone, order, type)))
        order++;
    return page;
}

static struct page *steal_block(struct zone *zone, unsigned int order,
                                enum migrate_type type)
{
    struct page *page;

    if (page_group_by_mobility_disabled)
        return NULL;
    page = steal_choice(zone, order, type);
    if (!page)
        return NULL;
    claim(zone, page, type);
    return find_block(zone, order, type);
}

static struct page *any_block(struct zone *zone, unsigned int order,
                              enum migrate_type type)
{
    struct page *page = find_block(zone, order, type);

    return likely(page) ? page : steal_block(zone, order, type);
}

struct page *buddy_take(struct zone *zone, unsigned int order,
                        enum migrate_type type)
{
    struct page *page = any_block(zone, order, type);

    if (!page)
        return NULL;
    block_carve(zone, page, order, type);
    zone->free -= 1ul << order;
    return page;
}

size_t buddy_take_pages(struct zone *zone, enum migrate_type type, size_t n,
                        struct page **pages)
{
    size_t got = 0;

    while (got < n) {
        struct page *page = any_block(zone, 0, type);
        unsigned int order = 0;

        if (!page)
            break;
        while (order < page->order && (2ul << order) <= n - got)
            order++;
        block_carve(zone, page, order, type);
        page->order = 0;
        for (size_t i = 0; i < 1ul << order; i++) {
            page[i].pcp = page->pcp;
            pages[got++] = page + i;
        }
    }
    zone->free -= got;
    return got;
}

void buddy_take_block(struct zone *zone, struct page *page, unsigned int order)
{
    block_carve(zone, page, order, pageblock_type(page));
    zone->free -= 1ul << order;
}

bool buddy_has(struct zone *zone, unsigned int order, enum migrate_type type)
{
    return find_block(zone, order, type);
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
    page = pfn_to_page(pfn);
    block_insert(zone, page, order, pageblock_type(page));
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

struct page *buddy_find_free(struct page *page)
{
    pfn_t pfn = page_to_pfn(page);

    for (unsigned int order = 0; order <= MAX_ORDER; order++) {
        struct page *head = pfn_to_page(ALIGN_DOWN(pfn, 1ul << order));

        if (head->flags & BIT(PG_buddy) && head->order >= order)
            return head;
    }
    return NULL;
}

/* A free block that is larger than a pageblock goes with its first one. */
static void relist(struct zone *zone, struct page *first)
{
    unsigned int movable;

    move_pageblock(zone, first, pageblock_type(first), &movable);
}

void buddy_isolate(struct zone *zone, struct page *first)
{
    first->block_was = first->block_type;
    first->block_type = MIGRATE_ISOLATE;
    relist(zone, first);
}

void buddy_unisolate(struct zone *zone, struct page *first)
{
    first->block_type = first->block_was;
    relist(zone, first);
}
