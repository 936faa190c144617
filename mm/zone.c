/*
 * mm/zone.c - the zones, and which of them serves a request.
 *
 * Policy     a request names the highest zone it can use.  It is served from
 *            low sections first (their tables exist, devices reach them), but
 *            each lower zone keeps `keep` pages for those who can use nothing
 *            else.  Memory that is not online counts as available: it comes
 *            online, section by section, before the next zone is asked.
 * Cost       zone_init is linear in firmware ranges, never in RAM.
 * Locking    zone->lock around the buddy allocator only; interrupts off.
 */
#include <kernel/core/cmdline.h>
#include <kernel/core/panic.h>
#include <kernel/lib/printer.h>
#include <kernel/lib/string.h>
#include <mm/alloc.h>
#include <mm/fail.h>
#include <mm/physmap.h>
#include <mm/tlb.h>

struct zone zones[NR_ZONES];
pfn_t lowmem_end_pfn = PFN_DOWN(PHYS_LIMIT);
bool debug_pagealloc;

#define DMA_END PFN_DOWN(16 * MIB)
#define DMA32_END PFN_DOWN(4 * GIB)
#define NO_ZONE NR_ZONES

/*
 * Where a request goes, in order, by its zone bits (DMA 1, DMA32 2,
 * HIGHMEM 4; DMA wins over DMA32).
 */
static const u8 zonelists[8][NR_ZONES + 1] = {
    [0] = {ZONE_DMA32, ZONE_NORMAL, ZONE_DMA, NO_ZONE},
    [1] = {ZONE_DMA, NO_ZONE},
    [2] = {ZONE_DMA32, ZONE_DMA, NO_ZONE},
    [3] = {ZONE_DMA, NO_ZONE},
    [4] = {ZONE_HIGHMEM, ZONE_DMA32, ZONE_NORMAL, ZONE_DMA, NO_ZONE},
    [5] = {ZONE_DMA, NO_ZONE},
    [6] = {ZONE_DMA32, ZONE_DMA, NO_ZONE},
    [7] = {ZONE_DMA, NO_ZONE},
};

struct zone *pfn_zone(pfn_t pfn)
{
    struct zone *zone = zones;

    while (zone < &zones[ZONE_HIGHMEM] && pfn >= zone->end)
        zone++;
    return zone;
}

u64 pages_available(void)
{
    u64 n = page_cached_count();

    for (struct zone *zone = zones; zone < &zones[NR_ZONES]; zone++)
        n += zone_available(zone);
    return n;
}

static u64 count_ram(pfn_t start, pfn_t end)
{
    struct pfn_run run = {start, start};
    u64 pages = 0;

    while (physmap_ram_run(run.end, &run) && run.start < end) {
        run.end = min(run.end, end);
        pages += run.end - run.start;
    }
    return pages;
}

static void __init zone_setup(enum zone_index index, const char *name,
                              pfn_t start, pfn_t end)
{
    struct zone *zone = &zones[index];

    spin_lock_init_named(&zone->lock, name);
    zone->name = name;
    zone->index = index;
    zone->start = start;
    zone->end = max(start, end);
    zone->next_section = ALIGN_DOWN(start, SECTION_PAGES);
    zone->present = count_ram(zone->start, zone->end);
    zone->watermark_min = min(zone->present / 256, 1024ul);
    zone->watermark_low = zone->watermark_min * 2;
    buddy_init(zone);
}

void __init zone_init(void)
{
    u64 low = cmdline_size("lowmem", PHYS_LIMIT);
    const char *word = cmdline_get("debug_pagealloc");
    pfn_t limit;

    debug_pagealloc = word && (!*word || !strcmp(word, "on"));
    low = max(ALIGN_DOWN(low, SECTION_PAGES << PAGE_SHIFT), 16 * MIB);
    lowmem_end_pfn = limit = PFN_DOWN(min(low, (u64)PHYS_LIMIT));
    zone_setup(ZONE_DMA, "DMA", 0, min(DMA_END, limit));
    zone_setup(ZONE_DMA32, "DMA32", min(DMA_END, limit), min(DMA32_END, limit));
    zone_setup(ZONE_NORMAL, "Normal", min(DMA32_END, limit), limit);
    zone_setup(ZONE_HIGHMEM, "HighMem", limit, PFN_DOWN(PHYS_LIMIT));

    page_fast_path(true);

    /* A zone keeps something back only if others can serve the rest. */
    if (zones[ZONE_DMA32].present + zones[ZONE_NORMAL].present)
        zones[ZONE_DMA].keep = zones[ZONE_DMA].present / 4;
    if (zones[ZONE_NORMAL].present)
        zones[ZONE_DMA32].keep = zones[ZONE_DMA32].present / 8;
}

/* One attempt at one zone, bringing sections online while it lasts. */
static size_t zone_take(struct zone *zone, gfp_t gfp, unsigned int order,
                        size_t n, struct page **pages)
{
    size_t got;
    pfn_t seen;

    do {
        u64 flags = spin_lock_irqsave(&zone->lock);

        seen = zone->next_section;
        if (order == 0) {
            got = buddy_take_pages(zone, n, pages);
        } else {
            pages[0] = buddy_take(zone, order);
            got = pages[0] ? 1 : 0;
        }
        spin_unlock_irqrestore(&zone->lock, flags);
    } while (!got && !(gfp & __GFP_NO_ONLINE) &&
             section_online_next(zone, seen) == 0);
    return got;
}

/* What of the zone this request must leave. */
static u64 zone_must_leave(const struct zone *zone, gfp_t gfp, bool first)
{
    u64 leave = gfp & __GFP_HIGH ? 0 : zone->watermark_min;

    if (!first)
        return leave;
    if (zone->index == ZONE_DMA && !(gfp & __GFP_DMA))
        leave += zone->keep;
    if (zone->index == ZONE_DMA32 && !(gfp & (__GFP_DMA | __GFP_DMA32)))
        leave += zone->keep;
    return leave;
}

/*
 * debug_pagealloc: RAM is mapped by 4-KiB entries, so there is nothing to
 * split and nothing to fail.  Any context; only this CPU forgets a
 * translation at once, which is enough to catch most.
 */
static void debug_show(struct page *page, unsigned long pages, bool shown)
{
    unsigned long va = page_offset + page_to_phys(page);
    unsigned long end = va + pages * PAGE_SIZE;

    if (page_test(page, PG_highmem))
        return;
    if (shown)
        BUG_ON(pt_map_range(master_table, va, page_to_phys(page), end - va,
                            PAGE_KERNEL, 0));
    else
        pt_unmap_range(master_table, va, end);
    tlb_flush_local_range(va, end);
}

void zone_give(struct page *page, unsigned int order)
{
    struct zone *zone = page_zone(page);
    u64 flags;

    if (unlikely(debug_pagealloc))
        debug_show(page, 1ul << order, false);
    flags = spin_lock_irqsave(&zone->lock);
    buddy_give(zone, page, order);
    spin_unlock_irqrestore(&zone->lock, flags);
}

void zone_give_run(struct zone *zone, pfn_t start, pfn_t end)
{
    u64 flags;

    if (start >= end)
        return;
    if (debug_pagealloc)
        debug_show(pfn_to_page(start), end - start, false);
    flags = spin_lock_irqsave(&zone->lock);
    buddy_give_run(zone, start, end);
    zone->managed += end - start;
    spin_unlock_irqrestore(&zone->lock, flags);
}

size_t zone_alloc(gfp_t gfp, unsigned int order, size_t n, struct page **pages,
                  struct zone **from)
{
    const u8 *list = zonelists[gfp & 7];

    for (int round = 0; round < 2; round++) {
        for (const u8 *z = list; *z != NO_ZONE; z++) {
            struct zone *zone = &zones[*z];
            u64 available = zone_available(zone);
            u64 leave = zone_must_leave(zone, gfp, round == 0);
            size_t got;

            if (available < (1ul << order) + leave)
                continue;
            got = zone_take(zone, gfp, order, min(n, available - leave), pages);
            if (!got)
                continue;
            if (unlikely(debug_pagealloc))
                for (size_t i = 0; i < got; i++)
                    debug_show(pages[i], 1ul << order, true);
            *from = zone;
            return got;
        }
    }
    return 0;
}

void buddyinfo_report(struct printer *out)
{
    for (struct zone *zone = zones; zone < &zones[NR_ZONES]; zone++) {
        if (!zone->present)
            continue;
        printer_printf(out, "Node 0, zone %8s ", zone->name);
        for (unsigned int i = 0; i <= MAX_ORDER; i++)
            printer_printf(out, "%6llu ",
                           (unsigned long long)zone->free_area[i].blocks);
        printer_puts(out, "\n");
    }
}

void zoneinfo_report(struct printer *out)
{
    for (struct zone *zone = zones; zone < &zones[NR_ZONES]; zone++) {
        if (!zone->present)
            continue;
        printer_printf(out,
                       "Node 0, zone %8s\n"
                       "  pages free     %llu\n"
                       "        min      %llu\n"
                       "        low      %llu\n"
                       "        high     %llu\n"
                       "        spanned  %llu\n"
                       "        present  %llu\n"
                       "        managed  %llu\n"
                       "        online   %llu\n",
                       zone->name, (unsigned long long)zone->free,
                       (unsigned long long)zone->watermark_min,
                       (unsigned long long)zone->watermark_low,
                       (unsigned long long)zone->watermark_low * 2,
                       (unsigned long long)(zone->end - zone->start),
                       (unsigned long long)zone->present,
                       (unsigned long long)zone->managed,
                       (unsigned long long)zone->online);
        printer_printf(out, "  start_pfn:           %lu\n", zone->start);
    }
}
