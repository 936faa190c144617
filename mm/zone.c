/*
 * mm/zone.c - the zones, and which of them serves a request.
 *
 * Policy     a request names the highest zone it can use.  It is served from
 *            low sections first (their tables exist, devices reach them), but
 *            each lower zone keeps `protection` pages for those who can use
 *            nothing else, and each zone its `min` for those who cannot wait.
 *            First all zones are asked down to their `low`, then to `min`.
 *            Memory that is not online counts as available: it comes online,
 *            section by section, before the next zone is asked.
 * Cost       zone_init is linear in firmware ranges, never in RAM.
 * Locking    zone->lock around the buddy allocator only; interrupts off.
 */
#include <kernel/core/cmdline.h>
#include <kernel/core/panic.h>
#include <kernel/core/xcall.h>
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
#define MIN_FREE_MAX 1024ul /* pages of a zone, unless somebody asks for more */

/*
 * Where a request goes, in order, by its zone bits (DMA 1, DMA32 2,
 * HIGHMEM 4; of several, which is a mistake, the lowest).
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

static void set_watermarks(struct zone *zone, u64 min_free)
{
    u64 step = max(min_free / 4, zone->present / 1000);

    if (!min_free)
        step = 0;
    zone->watermark[WMARK_MIN] = min_free;
    zone->watermark[WMARK_LOW] = min_free + step;
    zone->watermark[WMARK_HIGH] = min_free + 2 * step;
}

u64 zone_min_free(void)
{
    u64 n = 0;

    for (struct zone *zone = zones; zone < &zones[NR_ZONES]; zone++)
        n += zone->watermark[WMARK_MIN];
    return n;
}

void zone_set_min_free(u64 pages)
{
    u64 present = physmap_ram_pages();

    for (struct zone *zone = zones; zone < &zones[NR_ZONES]; zone++)
        set_watermarks(zone, min(pages, present / 4) * zone->present / present);
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
    set_watermarks(zone, min(zone->present / 256, MIN_FREE_MAX));
    buddy_init(zone);
}

/* One page for so many of the zones above that the request could have had
 * (Linux's lowmem_reserve_ratio), but no large part of the zone. */
static void __init zone_protect(struct zone *zone)
{
    static const u16 ratio[NR_ZONES] = {256, 256, 32, 1};
    u64 above = 0;

    for (int class = zone->index + 1; class < NR_ZONES; class ++) {
        above += zones[class].present;
        zone->protection[class] =
            min(above / ratio[zone->index], zone->present / 8);
    }
}

/* Whole sections, one at least. */
static u64 __init lowmem_limit(void)
{
    const u64 section = SECTION_PAGES << PAGE_SHIFT;
    u64 wanted = cmdline_size("lowmem", PHYS_LIMIT);
    u64 low = min(max(ALIGN_DOWN(wanted, section), section), (u64)PHYS_LIMIT);

    if (low != min(wanted, (u64)PHYS_LIMIT))
        pr_info("lowmem: %llu MiB, because it goes by 16 MiB\n",
                (unsigned long long)(low / MIB));
    if (wanted < PHYS_LIMIT && low >= physmap_ram_end())
        pr_info("lowmem: no RAM lies above, so there is no high memory\n");
    return low;
}

void __init zone_init(void)
{
    const char *word = cmdline_get("debug_pagealloc");
    pfn_t limit;

    debug_pagealloc =
        word && (!*word || cmdline_is("debug_pagealloc", "on", "off"));
    page_group_by_mobility_disabled =
        physmap_ram_pages() < GROUP_BY_MOBILITY_MIN;
    lowmem_end_pfn = limit = PFN_DOWN(lowmem_limit());
    zone_setup(ZONE_DMA, "DMA", 0, min(DMA_END, limit));
    zone_setup(ZONE_DMA32, "DMA32", min(DMA_END, limit), min(DMA32_END, limit));
    zone_setup(ZONE_NORMAL, "Normal", min(DMA32_END, limit), limit);
    zone_setup(ZONE_HIGHMEM, "HighMem", limit, PFN_DOWN(PHYS_LIMIT));

    for (struct zone *zone = zones; zone < &zones[NR_ZONES]; zone++)
        zone_protect(zone);
    page_fast_path(true);
}

/* One attempt at one zone, bringing sections online while it lasts. */
static size_t zone_take(struct zone *zone, gfp_t gfp, unsigned int order,
                        size_t n, struct page **pages)
{
    enum migrate_type type = gfp_migratetype(gfp);
    size_t got;
    pfn_t seen;

    do {
        u64 flags = spin_lock_irqsave(&zone->lock);

        seen = zone->next_section;
        if (order == 0) {
            got = buddy_take_pages(zone, type, n, pages);
        } else {
            pages[0] = buddy_take(zone, order, type);
            got = pages[0] ? 1 : 0;
        }
        spin_unlock_irqrestore(&zone->lock, flags);
    } while (!got && !(gfp & __GFP_NO_ONLINE) &&
             section_online_next(zone, seen) == 0);
    return got;
}

const u8 *gfp_zonelist(gfp_t gfp)
{
    return zonelists[gfp & GFP_ZONE_BITS];
}

/* What of the zone this request must leave.  Who cannot wait gets five
 * eighths of the reserve (as on Linux); who helps to free memory all of it. */
static u64 zone_must_leave(const struct zone *zone, gfp_t gfp,
                           enum zone_mark mark)
{
    u64 leave = zone->watermark[mark];

    if (gfp & __GFP_MEMALLOC)
        return 0;
    if (gfp & __GFP_HIGH) {
        leave -= leave / 2;
        leave -= leave / 4;
    }
    return leave + zone->protection[gfp_zone(gfp)];
}

bool zone_watermark_ok(const struct zone *zone, gfp_t gfp, unsigned int order,
                       enum zone_mark mark)
{
    return zone_available(zone) >=
           (1ul << order) + zone_must_leave(zone, gfp, mark);
}

/*
 * debug_pagealloc: RAM is mapped by 4-KiB entries, so there is nothing to
 * split and nothing to fail.
 */
void page_show(struct page *page, unsigned long pages)
{
    unsigned long va = page_offset + page_to_phys(page);
    phys_addr_t pa = page_to_phys(page);

    if (!page_test(page, PG_highmem))
        BUG_ON(pt_map_range(master_table, va, pa, pages * PAGE_SIZE,
                            PAGE_KERNEL, 0));
}

void page_hide(struct page *page, unsigned long pages)
{
    unsigned long va = page_offset + page_to_phys(page);
    unsigned long end = va + pages * PAGE_SIZE;

    if (page_test(page, PG_highmem))
        return;
    pt_unmap_range(master_table, va, end);
    tlb_flush_local_range(va, end);
    xcall_soon(tlb_flush_local_all);
}

void zone_give(struct page *page, unsigned int order)
{
    struct zone *zone = page_zone(page);
    u64 flags = spin_lock_irqsave(&zone->lock);

    buddy_give(zone, page, order);
    spin_unlock_irqrestore(&zone->lock, flags);
}

void zone_give_run(struct zone *zone, pfn_t start, pfn_t end)
{
    u64 flags;

    if (start >= end)
        return;
    if (debug_pagealloc)
        page_hide(pfn_to_page(start), end - start);
    flags = spin_lock_irqsave(&zone->lock);
    buddy_give_run(zone, start, end);
    zone->managed += end - start;
    spin_unlock_irqrestore(&zone->lock, flags);
}

size_t zone_alloc(gfp_t gfp, unsigned int order, size_t n, struct page **pages,
                  struct zone **from)
{
    for (int mark = WMARK_LOW; mark >= WMARK_MIN; mark--) {
        for (const u8 *z = gfp_zonelist(gfp); *z != NO_ZONE; z++) {
            struct zone *zone = &zones[*z];
            u64 available = zone_available(zone);
            u64 leave = zone_must_leave(zone, gfp, mark);
            size_t got;

            if (available < (1ul << order) + leave)
                continue;
            got = zone_take(zone, gfp, order, min(n, available - leave), pages);
            if (!got)
                continue;
            if (unlikely(debug_pagealloc))
                for (size_t i = 0; i < got; i++)
                    page_show(pages[i], 1ul << order);
            *from = zone;
            return got;
        }
    }
    return 0;
}
