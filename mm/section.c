/*
 * mm/section.c - RAM comes online 16 MiB at a time, when the allocator needs
 * it.
 *
 * Bringing a section online maps the RAM around it at page_offset, gives it
 * its part of the struct page array, and hands its free frames to the buddy
 * allocator.  The array's pages come out of the section itself; where there
 * is no RAM the array shows one shared read-only page of "hole" entries, so
 * that every entry of an online section can be looked at.
 *
 *      RAM        |##### section k #####|      16 MiB
 *      its array  |=|                          256 KiB, its first frames
 *
 * Cost       per section, once: about 50 000 instructions for 16 MiB.
 * Locking    section_lock, interrupts off; zone->lock inside.
 * Invariant  within a zone sections come online in ascending order:
 *            zone->next_section says it all, and no metadata exists for RAM
 *            that was never needed.
 * Invariant  the tables for the next section are always in stock: bringing
 *            one online never allocates.
 */
#include <kernel/core/panic.h>
#include <kernel/lib/string.h>
#include <kernel/uapi/errno.h>
#include <mm/alloc.h>
#include <mm/physmap.h>

#define GROUP_PAGES (PAGE_SIZE / sizeof(struct page)) /* frames per page */
#define SECTION_GROUPS (SECTION_PAGES / GROUP_PAGES)

/*
 * Page tables that one section normally needs, at most: its GiB in 2-MiB
 * pages with a table of 4-KiB entries at both ends, two tables for the array,
 * and with 5 levels one more for each.
 */
#define SPARE_TABLES 8
#define SPARE_TABLES_MAX                                                       \
    16 /* with debug_pagealloc: eight more for 4-KiB pages */

static DEFINE_SPINLOCK(section_lock);
static pte_t *spare[SPARE_TABLES_MAX]; /* (section_lock) zeroed */
static unsigned int nr_spare;          /* (section_lock) */
static u64 tables_made;                /* (section_lock) */

#define HOLE                                                                   \
    {                                                                          \
        .flags = BIT(PG_reserved) | BIT(PG_hole), .owner = OWNER_RESERVED      \
    }
static const struct page hole_entries[GROUP_PAGES] __aligned(4096) = {
    [0 ... GROUP_PAGES - 1] = HOLE};

/* Frames of a zone's section, and what its array needs. */
struct section {
    struct zone *zone;
    pfn_t start, end;
    u64 groups; /* bit i: the frames of group i include RAM */
    u64 ram;    /* frames of RAM */
    u64 own;    /* frames for the array that the section itself gives */
    pfn_t frames[SECTION_GROUPS]; /* for the array, one per set bit */
};

_Static_assert(SECTION_GROUPS <= 64, "a bit each in a word");

/* A page of what is online already; NULL if there is none. */
static struct page *take_online(enum page_owner owner)
{
    struct page *page;
    struct zone *zone;

    if (!zone_alloc(__GFP_MEMALLOC | __GFP_NO_ONLINE, 0, 1, &page, &zone))
        return NULL;
    page_hand_out(page, owner, __builtin_return_address(0));
    clear_page(page_address(page));
    return page;
}

static void untake(struct page *page)
{
    __free_pages(page, 0);
}

static pte_t *spare_take(void)
{
    struct page *page;

    if (nr_spare == 0) {
        page = take_online(OWNER_PAGETABLE);
        if (!page)
            return NULL;
        spare[nr_spare++] = page_address(page);
    }
    tables_made++;
    return spare[--nr_spare];
}

static void spare_refill(void)
{
    unsigned int want = debug_pagealloc ? SPARE_TABLES_MAX : SPARE_TABLES;

    while (nr_spare < want) {
        struct page *page = take_online(OWNER_PAGETABLE);

        if (!page)
            return;
        spare[nr_spare++] = page_address(page);
    }
}

u64 section_table_pages(void)
{
    return tables_made + nr_spare;
}

static void section_survey(struct section *s)
{
    struct pfn_run run = {s->start, s->start};

    while (physmap_ram_run(run.end, &run) && run.start < s->end) {
        pfn_t end = min(run.end, s->end);
        pfn_t last = (end - 1 - s->start) / GROUP_PAGES;

        s->ram += end - run.start;
        for (pfn_t i = (run.start - s->start) / GROUP_PAGES; i <= last; i++)
            s->groups |= BIT(i);
    }
}

static int section_map_ram(const struct section *s)
{
    struct pfn_run run = {s->start, s->start};

    while (physmap_ram_run(run.end, &run) && run.start < s->end) {
        struct pfn_run part = {run.start, min(run.end, s->end)};

        if (direct_map_cover(part) < 0)
            return -ENOMEM;
        run.end = part.end;
    }
    return 0;
}

/* The lowest free frames of the section; false if they do not suffice. */
static bool section_own_frames(struct section *s, size_t n)
{
    struct pfn_run run = {s->start, s->start};
    size_t got = 0;

    if (s->zone->index == ZONE_HIGHMEM)
        return false;
    while (got < n && physmap_free_run(run.end, &run) && run.start < s->end) {
        run.end = min(run.end, s->end);
        for (pfn_t pfn = run.start; pfn < run.end && got < n; pfn++)
            s->frames[got++] = pfn;
    }
    s->own = got == n ? n : 0;
    return got == n;
}

static int section_take_frames(struct section *s)
{
    size_t n = 0;

    for (u64 left = s->groups; left; left &= left - 1)
        n++;
    if (section_own_frames(s, n)) {
        for (size_t i = 0; i < n; i++)
            clear_page(__va(PFN_PHYS(s->frames[i])));
        return 0;
    }
    for (size_t i = 0; i < n; i++) {
        struct page *page = take_online(OWNER_MEMMAP);

        if (!page) {
            while (i > 0)
                untake(pfn_to_page(s->frames[--i]));
            return -ENOMEM;
        }
        s->frames[i] = page_to_pfn(page);
    }
    return 0;
}

/* Puts the frames under the entries of RAM and the shared page elsewhere.
 * The tables are there. */
static void section_map_array(const struct section *s)
{
    unsigned long va = (unsigned long)pfn_to_page(s->start);
    unsigned long end = va + SECTION_GROUPS * PAGE_SIZE;
    pte_t hole = pte_make_leaf(__pa_symbol(hole_entries), PAGE_KERNEL_RO, 0);
    const pfn_t *frame = s->frames;
    struct pt_cursor c;

    for (pt_start(&c, master_table, va, end); c.slot; pt_next(&c)) {
        if (s->groups & BIT((c.va - va) / PAGE_SIZE))
            pt_set(&c, pte_make_leaf(PFN_PHYS(*frame++), PAGE_KERNEL, 0));
        else
            pt_set(&c, hole);
    }
}

static void entries_mark_holes(const struct section *s, pfn_t start, pfn_t end)
{
    for (pfn_t pfn = start; pfn < end; pfn++) {
        struct page *page = pfn_to_page(pfn);

        if (!(s->groups & BIT((pfn - s->start) / GROUP_PAGES)))
            continue;
        page->flags = BIT(PG_hole) | BIT(PG_reserved);
        page->owner = OWNER_RESERVED;
    }
}

/* The array's pages came zeroed, which is right for zone DMA. */
static void entries_init(const struct section *s, pfn_t start, pfn_t end)
{
    const struct page in = {.zone = s->zone->index,
                            .pcp = pcp_index(s->zone, MIGRATE_UNMOVABLE)};
    u8 zone = s->zone->index;

    if (zone == ZONE_DMA)
        return;
    for (struct page *p = pfn_to_page(start); p < pfn_to_page(end); p++)
        p->place = in.place;
    if (zone != ZONE_HIGHMEM)
        return;
    for (struct page *p = pfn_to_page(start); p < pfn_to_page(end); p++)
        p->flags = BIT(PG_highmem);
}

/* All is movable that nobody has used; where a pageblock begins with a hole,
 * nothing is. */
static void pageblocks_init(const struct section *s)
{
    for (pfn_t pfn = s->start; pfn < s->end; pfn += PAGEBLOCK_PAGES)
        if (!page_test(pfn_to_page(pfn), PG_hole))
            pfn_to_page(pfn)->block_type = MIGRATE_MOVABLE;
}

static void section_init_entries(const struct section *s)
{
    struct pfn_run run = {s->start, s->start};
    pfn_t done = s->start;

    while (physmap_ram_run(run.end, &run) && run.start < s->end) {
        run.end = min(run.end, s->end);
        entries_mark_holes(s, done, run.start);
        entries_init(s, run.start, run.end);
        done = run.end;
    }
    entries_mark_holes(s, done, s->end);
    if (!page_group_by_mobility_disabled)
        pageblocks_init(s);
}

/* A frame that is never the allocator's, or not yet. */
static void hold_frame(pfn_t pfn, enum page_owner owner)
{
    struct page *page = pfn_to_page(pfn);

    page->flags |= BIT(PG_reserved);
    page->owner = owner;
    atomic_set(&page->refs, 1);
    this_cpu_inc(page_owned[owner]);
}

static void hold_run(pfn_t start, pfn_t end)
{
    while (start < end) {
        struct pfn_run run;
        enum page_owner owner = physmap_owner_run(start, &run);

        for (run.end = min(run.end, end); start < run.end; start++)
            hold_frame(start, owner);
    }
}

static void give_run(struct section *s, pfn_t start, pfn_t end, u64 *taken)
{
    for (; *taken && start < end; start++, (*taken)--)
        hold_frame(start, OWNER_MEMMAP);
    zone_give_run(s->zone, start, end);
}

/* Frees what nobody holds and notes who holds the rest. */
static void section_hand_over(struct section *s)
{
    struct pfn_run ram = {s->start, s->start};
    u64 taken = s->own;

    while (physmap_ram_run(ram.end, &ram) && ram.start < s->end) {
        struct pfn_run run = {ram.start, ram.start};

        for (ram.end = min(ram.end, s->end); run.end < ram.end;) {
            pfn_t done = run.end;

            if (!physmap_free_run(done, &run) || run.start > ram.end)
                run.start = run.end = ram.end;
            run.end = min(run.end, ram.end);
            hold_run(done, run.start);
            give_run(s, run.start, run.end, &taken);
        }
    }
    s->zone->online += s->ram;
}

static int section_online(struct zone *zone, pfn_t start)
{
    struct section s = {
        .zone = zone, .start = start, .end = start + SECTION_PAGES};
    unsigned long va = (unsigned long)pfn_to_page(start);
    unsigned long end = va + SECTION_GROUPS * PAGE_SIZE;

    section_survey(&s);
    if (section_map_ram(&s) < 0 ||
        pt_add_tables(master_table, va, end, 0) < 0 ||
        section_take_frames(&s) < 0)
        return -ENOMEM; /* what was mapped serves the next attempt */
    section_map_array(&s);
    section_init_entries(&s);
    section_hand_over(&s);
    zone->next_section = s.end;
    return 0;
}

/* First frame of the zone's next section with RAM; false: there is none. */
static bool next_section(const struct zone *zone, pfn_t *start)
{
    struct pfn_run run;

    if (!physmap_ram_run(max(zone->next_section, zone->start), &run) ||
        run.start >= zone->end)
        return false;
    *start = ALIGN_DOWN(run.start, SECTION_PAGES);
    return true;
}

int section_online_next(struct zone *zone, pfn_t seen)
{
    u64 flags = spin_lock_irqsave(&section_lock);
    int err = 0;
    pfn_t start;

    if (zone->next_section != seen) {
        /* another CPU brought one online meanwhile */
    } else if (!next_section(zone, &start)) {
        err = -ENOENT;
    } else {
        this_cpu_write(pt_table_source, spare_take);
        err = section_online(zone, start);
        this_cpu_write(pt_table_source, NULL);
        spare_refill();
    }
    spin_unlock_irqrestore(&section_lock, flags);
    return err;
}

void __init section_init(void)
{
    struct zone *zone;
    pfn_t start;

    for (zone = zones; !next_section(zone, &start); zone++)
        if (zone == &zones[NR_ZONES - 1])
            panic("the firmware reports no usable RAM");
    if (section_online(zone, start) < 0)
        panic("no memory for the array of struct page");
    this_cpu_write(pt_table_source, NULL);
    if (physmap_ram_pages() > zone->online)
        spare_refill();
}

void section_free_reserved(phys_addr_t start, phys_addr_t end)
{
    physmap_unreserve(start, end);
    for (pfn_t pfn = PFN_UP(start); pfn < PFN_DOWN(end); pfn++) {
        struct page *page = pfn_to_page(pfn);

        if (!pfn_valid(pfn) || !page_test(page, PG_reserved))
            continue; /* free once its section is online */
        page_clear(page, PG_reserved);
        __atomic_fetch_add(&page_zone(page)->managed, 1, __ATOMIC_RELAXED);
        __free_pages(page, 0);
    }
}
