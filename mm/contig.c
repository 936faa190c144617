/*
 * mm/contig.c - a given range of frames, or any of a given length.
 *
 * The pageblocks around the range are isolated: what is free there, or becomes
 * so, is given to nobody.  Then what is in use is moved away; if all of the
 * range is free in the end, it is taken out of the free lists.
 *
 * Cost       linear in the range, and in the moves.
 * Locking    contig_lock: one range at a time; zone->lock inside.
 * Invariant  a pageblock is isolated only while contig_lock is held.
 * Context    may sleep.
 */
#include <kernel/sync/mutex.h>
#include <kernel/uapi/errno.h>
#include <mm/alloc.h>
#include <mm/huge.h>
#include <mm/kmap.h>
#include <mm/migrate.h>

#define ISOLATE_PAGES (1ul << MAX_ORDER) /* a largest block is not cut */
#define ROUNDS 5

static DEFINE_MUTEX(contig_lock);

struct range {
    struct zone *zone;
    pfn_t start, end;
    pfn_t blocked; /* a frame in the way */
};

static bool same_zone_of_ram(struct range *r)
{
    r->zone = pfn_zone(r->start);
    if (r->end > min(r->zone->end, r->zone->next_section))
        return false;
    return physmap_all_ram(PFN_PHYS(r->start), PFN_PHYS(r->end));
}

/* A frame that is free on a list, or on the way to one. */
static bool is_free(struct page *page)
{
    return buddy_find_free(page) ||
           (page->owner == OWNER_FREE && !page_count(page) &&
            page_block(page) == page);
}

static bool is_possible(struct range *r)
{
    for (pfn_t pfn = r->start; pfn < r->end; pfn++) {
        struct page *page = pfn_to_page(pfn);

        if (!page_may_move(page) && !huge_may_move(page) && !is_free(page)) {
            r->blocked = pfn;
            return false;
        }
    }
    return true;
}

/* Calls fn on the first page of each pageblock to isolate. */
static void each_pageblock(const struct range *r,
                           void (*fn)(struct zone *zone, struct page *first))
{
    pfn_t end = ALIGN_UP(r->end, ISOLATE_PAGES);
    pfn_t pfn = ALIGN_DOWN(r->start, ISOLATE_PAGES);

    for (; pfn < end; pfn += PAGEBLOCK_PAGES) {
        u64 flags = spin_lock_irqsave(&r->zone->lock);

        if (!page_test(pfn_to_page(pfn), PG_hole))
            fn(r->zone, pfn_to_page(pfn));
        spin_unlock_irqrestore(&r->zone->lock, flags);
    }
}

/* Which stack the frames go to when somebody frees them: none while they are
 * isolated, so that they come back to the lists at once. */
static void isolate(struct zone *zone, struct page *first)
{
    buddy_isolate(zone, first);
    for (size_t i = 0; i < PAGEBLOCK_PAGES; i++)
        if (!page_test(first + i, PG_hole))
            first[i].pcp = PCP_NONE;
}

static void unisolate(struct zone *zone, struct page *first)
{
    buddy_unisolate(zone, first);
    for (size_t i = 0; i < PAGEBLOCK_PAGES; i++)
        if (!page_test(first + i, PG_hole))
            first[i].pcp = pcp_index(zone, first->block_type);
}

/* A page, or the whole block of 2 MiB that it is a part of. */
static void move_away(struct page *page)
{
    struct page *block = huge_block_of(page);
    pfn_t to;

    if (!(block ? huge_may_move(block) : page_may_move(page)))
        return;
    if (block)
        page = block;
    if (!get_page_unless_zero(page))
        return;
    migrate_away(page, &to);
    put_page(page);
}

/* Whether nothing is left in the range. */
static bool empty_range(struct range *r)
{
    for (int round = 0; round < ROUNDS; round++) {
        bool empty = true;
        struct page *head;

        page_drain_all();
        for (pfn_t pfn = r->start; pfn < r->end;) {
            struct page *page = pfn_to_page(pfn);

            head = buddy_find_free(page);
            if (head) { /* isolated: it stays free, though it may grow */
                pfn = page_to_pfn(head) + (1ul << READ_ONCE(head->order));
                continue;
            }
            move_away(page);
            r->blocked = pfn;
            empty = false;
            pfn = huge_block_of(page) ? ALIGN_UP(pfn + 1, HUGE_PAGES) : pfn + 1;
        }
        if (empty)
            return true;
    }
    return false;
}

/* Cuts the free blocks of the range out of the lists, what hangs over goes
 * back.  False, nothing changed: some frame is not free after all. */
static bool take_range(const struct range *r)
{
    u64 flags = spin_lock_irqsave(&r->zone->lock);
    pfn_t pfn = r->start, end;
    struct page *head;
    bool all = true;

    while (all && pfn < r->end) {
        head = buddy_find_free(pfn_to_page(pfn));
        all = head;
        if (all)
            pfn = page_to_pfn(head) + (1ul << head->order);
    }
    for (pfn = r->start; all && pfn < r->end; pfn = end) {
        pfn_t first;

        head = buddy_find_free(pfn_to_page(pfn));
        first = page_to_pfn(head);
        end = first + (1ul << head->order);
        buddy_take_block(r->zone, head, head->order);
        head->order = 0;
        buddy_give_run(r->zone, first, pfn);
        buddy_give_run(r->zone, min(end, r->end), end);
    }
    spin_unlock_irqrestore(&r->zone->lock, flags);
    return all;
}

static void hand_out_range(const struct range *r, gfp_t gfp,
                           enum page_owner owner, void *caller)
{
    if (debug_pagealloc)
        page_show(pfn_to_page(r->start), r->end - r->start);
    for (pfn_t pfn = r->start; pfn < r->end; pfn++) {
        struct page *page = pfn_to_page(pfn);

        page->order = 0;
        page_hand_out(page, owner, caller);
        if (gfp & __GFP_ZERO)
            clear_highpage(page);
    }
}

/* Locks: contig_lock. */
static int take_isolated(struct range *r, gfp_t gfp, enum page_owner owner,
                         void *caller)
{
    bool taken;

    r->blocked = r->start;
    if (!same_zone_of_ram(r))
        return -EINVAL;
    if (!is_possible(r))
        return -EBUSY;
    each_pageblock(r, isolate);
    taken = empty_range(r) && take_range(r);
    if (taken)
        hand_out_range(r, gfp, owner, caller);
    each_pageblock(r, unisolate);
    return taken ? 0 : -EBUSY;
}

int alloc_contig_range(unsigned long start, unsigned long end, gfp_t gfp,
                       enum page_owner owner)
{
    struct range r = {.start = start, .end = end};
    int err;

    if (start >= end)
        return -EINVAL;
    mutex_lock(&contig_lock);
    err = take_isolated(&r, gfp, owner, __builtin_return_address(0));
    mutex_unlock(&contig_lock);
    return err;
}

/* What a search for n frames goes by. */
struct search {
    unsigned long n, align;
    gfp_t gfp;
    enum page_owner owner;
    void *caller;
};

/* The lowest range at or above `from` that is online; behind a frame in the
 * way the search goes on. */
static struct page *find_online(const struct search *s, struct zone *zone,
                                pfn_t from)
{
    struct pfn_run run = {from, from};

    while (physmap_ram_run(run.end, &run)) {
        pfn_t end = min(min(run.end, zone->end), zone->next_section);
        pfn_t start = ALIGN_UP(run.start, s->align);

        while (start + s->n <= end) {
            struct range r = {.start = start, .end = start + s->n};

            if (!take_isolated(&r, s->gfp, s->owner, s->caller))
                return pfn_to_page(start);
            start = ALIGN_UP(r.blocked + 1, s->align);
        }
        if (end < run.end)
            break;
    }
    return NULL;
}

static struct page *find_in_zone(const struct search *s, struct zone *zone)
{
    pfn_t from = zone->start, seen;
    struct page *page;

    if (zone_available(zone) < s->n + zone->watermark[WMARK_MIN])
        return NULL;
    do {
        seen = zone->next_section;
        page = find_online(s, zone, from);
        if (seen > zone->start + s->n)
            from = seen - s->n; /* a range may begin below the new section */
    } while (!page && section_online_next(zone, seen) == 0);
    return page;
}

struct page *alloc_contig_pages(unsigned long n, gfp_t gfp,
                                enum page_owner owner)
{
    struct search s = {.n = n,
                       .align = 1,
                       .gfp = gfp,
                       .owner = owner,
                       .caller = __builtin_return_address(0)};
    struct page *page = NULL;

    if (!n || n > physmap_ram_pages())
        return NULL;
    while (2 * s.align <= min(n, PAGEBLOCK_PAGES))
        s.align *= 2;
    mutex_lock(&contig_lock);
    for (const u8 *z = gfp_zonelist(gfp); *z != NR_ZONES && !page; z++)
        page = find_in_zone(&s, &zones[*z]);
    mutex_unlock(&contig_lock);
    return page;
}

void free_contig_range(unsigned long start, unsigned long n)
{
    for (unsigned long i = 0; i < n; i++)
        __free_page(pfn_to_page(start + i));
}
