/*
 * mm/compact.c - making large free blocks by moving what can move.
 *
 *      zone   |m.mm.m.m|mm..m..m|   ...   |..m.....|.m......|
 *              migration scanner ->         <- free scanner
 *
 * Structure  two scanners per zone.  The one from below looks through the
 *            pageblocks of movable pages and moves their pages (migrate_page)
 *            to frames that the other finds free from above.  They go on where
 *            they stopped, and begin again once they have met.
 * Policy     for a block of 2^order only such stretches are emptied that hold
 *            nothing but free and movable pages; the others would cost moves
 *            and gain nothing.  Kernel pages, pinned pages, pages a driver
 *            mapped stay where they are.  After a failure a zone is left
 *            alone for a while, twice as long each time (Linux's policy).
 * Cost       one attempt at most SCAN_MAX frames looked at by each scanner
 *            and MOVE_MAX moved; the cursors stay, so that RAM is looked at
 *            once per round however often somebody tries.
 * Locking    compact_lock: one attempt at a time; who comes meanwhile does
 *            without.  zone->lock inside, around one pageblock's free blocks.
 * Context    may sleep.
 */
#include <kernel/sync/mutex.h>
#include <mm/alloc.h>
#include <mm/compact.h>
#include <mm/migrate.h>

#define SCAN_MAX (32 * PAGEBLOCK_PAGES)
#define MOVE_MAX (2 * PAGEBLOCK_PAGES)
#define TARGETS_MAX 64 /* free frames in hand */
#define DEFER_SHIFT_MAX 6

static DEFINE_MUTEX(compact_lock);
struct compact_stats compact_stats;

/* All under compact_lock. */
static struct compact_state {
    pfn_t from, to;      /* where the scanners go on; 0: from the ends */
    u32 considered;      /* attempts wanted since the last failure */
    u32 defer_shift;     /* 2^this of them are left out */
    unsigned int failed; /* the lowest order that failed; 0: none */
} states[NR_ZONES];

/* One attempt. */
struct compaction {
    struct zone *zone;
    unsigned int order; /* what is wanted, and the stretch that is emptied */
    bool whole;         /* the whole zone, whatever it costs */
    pfn_t from;         /* the migration scanner's next frame */
    pfn_t to, at;       /* the free scanner's pageblock, its next frame there */
    u64 scanned, free_scanned, moved;
    struct list_head targets; /* free frames in hand, by page->link */
    unsigned int nr_targets;
};

/* ---- the free scanner ---- */

static bool scanners_met(const struct compaction *c)
{
    return c->to < c->from + 2 * PAGEBLOCK_PAGES;
}

static bool block_is_movable(pfn_t pfn, bool any)
{
    enum migrate_type type = pfn_to_page(pfn)->block_type;

    return type == MIGRATE_MOVABLE || page_group_by_mobility_disabled ||
           (any && type != MIGRATE_ISOLATE);
}

/* The pageblock below; over what is not online.  False: the scanners meet. */
static bool next_target_block(struct compaction *c)
{
    while (!scanners_met(c)) {
        c->to -= PAGEBLOCK_PAGES;
        c->at = c->to;
        if (pfn_valid(c->to) && block_is_movable(c->to, false))
            return true;
    }
    return false;
}

/* A free block that is no gain as it is; what is large already stays whole. */
static void take_target(struct compaction *c, struct page *head)
{
    unsigned int order = head->order;

    while (order && c->nr_targets + (1u << order) > TARGETS_MAX)
        order--;
    buddy_take_block(c->zone, head, order);
    if (debug_pagealloc)
        page_show(head, 1ul << order);
    for (unsigned long i = 0; i < 1ul << order; i++) {
        head[i].order = 0;
        head[i].pcp = head->pcp;
        page_hand_out(&head[i], OWNER_ANON, (void *)take_target);
        list_add(&head[i].link, &c->targets);
        c->nr_targets++;
    }
}

static void scan_targets(struct compaction *c)
{
    pfn_t end = c->to + PAGEBLOCK_PAGES;
    u64 flags = spin_lock_irqsave(&c->zone->lock);

    while (c->at < end && c->nr_targets < TARGETS_MAX) {
        struct page *page = pfn_to_page(c->at);

        c->free_scanned++;
        if (!page_test(page, PG_buddy)) {
            c->at++;
        } else if (page->order >= min(c->order, PAGEBLOCK_ORDER)) {
            c->at += 1ul << page->order;
        } else {
            take_target(c, page);
            c->at++;
        }
    }
    spin_unlock_irqrestore(&c->zone->lock, flags);
}

static struct page *next_target(struct compaction *c)
{
    struct page *page;

    while (!c->nr_targets) {
        if (!c->whole && c->free_scanned >= SCAN_MAX)
            return NULL;
        if (c->at >= c->to + PAGEBLOCK_PAGES && !next_target_block(c))
            return NULL;
        scan_targets(c);
    }
    page = list_first_entry(&c->targets, struct page, link);
    list_del(&page->link);
    c->nr_targets--;
    return page;
}

static void drop_targets(struct compaction *c)
{
    while (c->nr_targets) {
        struct page *page = list_first_entry(&c->targets, struct page, link);

        list_del(&page->link);
        c->nr_targets--;
        put_page(page);
    }
    page_drain_local();
}

/* ---- the migration scanner ---- */

/* Frames from here on that are free, or on the way there; 0: this is not. */
static unsigned long free_here(const struct page *page)
{
    u8 order = READ_ONCE(page->order); /* without the lock: a hint */

    if (page_test(page, PG_buddy))
        return order <= MAX_ORDER ? 1ul << order : 1;
    return !atomic_read(&page->refs) && page->owner == OWNER_FREE;
}

/* Whether emptying these frames can make a block of them. */
static bool worth_emptying(struct compaction *c, pfn_t start, pfn_t end)
{
    for (pfn_t pfn = start; pfn < end;) {
        struct page *page = pfn_to_page(pfn);
        unsigned long n = free_here(page);

        c->scanned++;
        if (!n && !page_may_move(page))
            return false;
        pfn += n ? n : 1;
    }
    return true;
}

enum moved { MOVED, STAYS, NO_TARGET };

static enum moved move_page(struct compaction *c, struct page *page)
{
    struct page *to;
    int err;

    if (!get_page_unless_zero(page))
        return MOVED; /* it has just become free */
    to = next_target(c);
    if (!to) {
        put_page(page);
        return NO_TARGET;
    }
    err = migrate_page(page, to);
    put_page(page);
    compact_stats.isolated += 2;
    c->moved++;
    if (err)
        compact_stats.migrate_fail++;
    else
        compact_stats.migrate_success++;
    return err ? STAYS : MOVED;
}

/* Moves what [start, end) holds; false: the frames above are used up. */
static bool empty_frames(struct compaction *c, pfn_t start, pfn_t end)
{
    for (pfn_t pfn = start; pfn < end;) {
        struct page *page = pfn_to_page(pfn);
        unsigned long n = free_here(page);
        enum moved moved = STAYS;

        pfn += n ? n : 1;
        c->scanned += c->whole; /* else already counted */
        if (n)
            continue;
        if (page_may_move(page))
            moved = move_page(c, page);
        if (moved == NO_TARGET)
            return false;
        if (moved == STAYS && !c->whole)
            return true; /* no block will be made of these */
    }
    return true;
}

/* The next stretch; false: the scanners have met. */
static bool next_stretch(struct compaction *c, pfn_t *start, pfn_t *end)
{
    unsigned long size = 1ul << min(c->order, PAGEBLOCK_ORDER);

    while (c->from + PAGEBLOCK_PAGES <= c->to) {
        pfn_t block = ALIGN_DOWN(c->from, PAGEBLOCK_PAGES);

        if (pfn_valid(block) && block_is_movable(block, c->whole)) {
            *start = c->from;
            *end = c->from += size;
            return true;
        }
        c->scanned++;
        c->from = block + PAGEBLOCK_PAGES;
    }
    return false;
}

/* ---- attempts ---- */

static bool have_block(struct zone *zone, unsigned int order)
{
    bool have = false;
    u64 flags = spin_lock_irqsave(&zone->lock);

    for (int type = 0; type < MIGRATE_ISOLATE && !have; type++)
        have = buddy_has(zone, order, type);
    spin_unlock_irqrestore(&zone->lock, flags);
    return have;
}

static void scanners_to_ends(struct compaction *c)
{
    pfn_t top = min(c->zone->end, c->zone->next_section);

    c->from = ALIGN_UP(c->zone->start, PAGEBLOCK_PAGES);
    c->to = ALIGN_UP(top, PAGEBLOCK_PAGES);
    c->at = c->to + PAGEBLOCK_PAGES; /* nothing in hand: the next one below */
}

static bool is_enough(const struct compaction *c)
{
    return !c->whole && (c->scanned >= SCAN_MAX ||
                         c->free_scanned >= SCAN_MAX || c->moved >= MOVE_MAX);
}

/* From where they stand, until the block is made, or they meet, or it is
 * enough.  Whether it was made. */
static bool run_scanners(struct compaction *c)
{
    bool targets = true;
    pfn_t start, end;

    while (targets && !is_enough(c) && next_stretch(c, &start, &end)) {
        if (!c->whole && !worth_emptying(c, start, end))
            continue;
        targets = empty_frames(c, start, end);
        page_drain_local();
        if (!c->whole && have_block(c->zone, c->order))
            return true;
    }
    return false;
}

/* Whether the block was made.  Locks: compact_lock. */
static bool compact_zone(struct zone *zone, unsigned int order, bool whole)
{
    struct compact_state *state = &states[zone->index];
    struct compaction c = {.zone = zone, .order = order, .whole = whole};
    bool resumed = state->from && !whole, made;

    list_init(&c.targets);
    scanners_to_ends(&c);
    if (resumed) {
        c.from = ALIGN_DOWN(state->from, 1ul << min(order, PAGEBLOCK_ORDER));
        c.to = min(state->to, c.to);
        c.at = c.to + PAGEBLOCK_PAGES;
    }
    made = run_scanners(&c);
    if (!made && resumed && scanners_met(&c)) {
        drop_targets(&c);
        scanners_to_ends(&c);
        made = run_scanners(&c);
    }
    drop_targets(&c);
    if (c.at < c.to + PAGEBLOCK_PAGES)
        c.to += PAGEBLOCK_PAGES; /* the rest of it next time */
    state->from = scanners_met(&c) ? 0 : c.from;
    state->to = c.to;
    compact_stats.migrate_scanned += c.scanned;
    compact_stats.free_scanned += c.free_scanned;
    return made;
}

static bool deferred(struct compact_state *state, unsigned int order)
{
    if (!state->failed || order < state->failed)
        return false;
    if (++state->considered < 1u << state->defer_shift)
        return true;
    state->considered = 1u << state->defer_shift;
    return false;
}

static void note_result(struct compact_state *state, unsigned int order,
                        bool made)
{
    if (made) {
        if (order >= state->failed)
            *state =
                (struct compact_state){.from = state->from, .to = state->to};
        return;
    }
    state->considered = 0;
    state->defer_shift = min(state->defer_shift + 1, (u32)DEFER_SHIFT_MAX);
    if (!state->failed || order < state->failed)
        state->failed = order;
}

bool compact_for(gfp_t gfp, unsigned int order)
{
    bool made = false, tried = false;

    if (!mutex_trylock(&compact_lock))
        return false;
    for (const u8 *z = gfp_zonelist(gfp); *z != NR_ZONES && !made; z++) {
        struct zone *zone = &zones[*z];

        /* Twice: as many frames again are in hand meanwhile. */
        if (!zone->present ||
            !zone_watermark_ok(zone, gfp, order + 1, WMARK_MIN) ||
            deferred(&states[*z], order))
            continue;
        tried = true;
        made = compact_zone(zone, order, false);
        note_result(&states[*z], order, made);
    }
    if (tried) {
        compact_stats.stall++;
        *(made ? &compact_stats.success : &compact_stats.fail) += 1;
    }
    mutex_unlock(&compact_lock);
    return made;
}

void compact_all(void)
{
    page_drain_all();
    mutex_lock(&compact_lock);
    for (struct zone *zone = zones; zone < &zones[NR_ZONES]; zone++)
        if (zone->present) {
            states[zone->index] = (struct compact_state){0}; /* hope again */
            compact_zone(zone, PAGEBLOCK_ORDER, true);
        }
    mutex_unlock(&compact_lock);
}
