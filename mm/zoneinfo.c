/*
 * mm/zoneinfo.c - zones, free lists and pageblocks in Linux's formats.
 *
 * Cost       buddyinfo and zoneinfo O(zones * CPUs); pagetypeinfo looks at
 *            each pageblock that is online, and at LISTED_MAX blocks a list.
 * Locking    zone->lock around one list; the figures are of one moment each.
 */
#include <kernel/core/percpu.h>
#include <kernel/lib/printer.h>
#include <mm/alloc.h>
#include <mm/report.h>
#include <mm/slab.h>

#define LISTED_MAX 100000
#define ULL(n) ((unsigned long long)(n))

/* What Linux has between; HIGHATOMIC reserves are not kept here. */
enum { SHOWN_HIGHATOMIC = NR_MIGRATE_TYPES };
static const u8 shown_types[] = {MIGRATE_UNMOVABLE, MIGRATE_MOVABLE,
                                 MIGRATE_RECLAIMABLE, SHOWN_HIGHATOMIC,
                                 MIGRATE_ISOLATE};
static const char *const type_names[] = {
    [MIGRATE_UNMOVABLE] = "Unmovable",     [MIGRATE_MOVABLE] = "Movable",
    [MIGRATE_RECLAIMABLE] = "Reclaimable", [MIGRATE_ISOLATE] = "Isolate",
    [SHOWN_HIGHATOMIC] = "HighAtomic",
};

void buddyinfo_report(struct printer *out)
{
    for (struct zone *zone = zones; zone < &zones[NR_ZONES]; zone++) {
        if (!zone->present)
            continue;
        printer_printf(out, "Node 0, zone %8s ", zone->name);
        for (unsigned int i = 0; i <= MAX_ORDER; i++)
            printer_printf(out, "%6llu ", ULL(zone->free_area[i].blocks));
        printer_puts(out, "\n");
    }
}

/* ---- pagetypeinfo ---- */

static u64 count_list(struct zone *zone, unsigned int order, u8 type)
{
    u64 flags, n = 0;
    struct page *page;

    if (type == SHOWN_HIGHATOMIC)
        return 0;
    flags = spin_lock_irqsave(&zone->lock);
    list_for_each_entry(page, &zone->free_area[order].list[type], link)
        if (++n >= LISTED_MAX)
            break;
    spin_unlock_irqrestore(&zone->lock, flags);
    return n;
}

static void free_by_type(struct zone *zone, struct printer *out)
{
    for (size_t t = 0; t < ARRAY_SIZE(shown_types); t++) {
        printer_printf(out, "Node %4d, zone %8s, type %12s ", 0, zone->name,
                       type_names[shown_types[t]]);
        for (unsigned int i = 0; i <= MAX_ORDER; i++)
            printer_printf(out, "%6llu ",
                           ULL(count_list(zone, i, shown_types[t])));
        printer_puts(out, "\n");
    }
}

/* Pageblocks that begin with a frame of RAM, as Linux counts them. */
static void blocks_by_type(struct zone *zone, struct printer *out)
{
    pfn_t end = min(zone->end, zone->next_section);
    struct pfn_run run = {zone->start, zone->start};
    u64 count[NR_MIGRATE_TYPES + 1] = {0};

    while (physmap_ram_run(run.end, &run) && run.start < end) {
        pfn_t pfn = ALIGN_UP(run.start, PAGEBLOCK_PAGES);

        for (; pfn < min(run.end, end); pfn += PAGEBLOCK_PAGES)
            count[pageblock_type(pfn_to_page(pfn))]++;
    }
    printer_printf(out, "Node 0, zone %8s ", zone->name);
    for (size_t t = 0; t < ARRAY_SIZE(shown_types); t++)
        printer_printf(out, "%12llu ", ULL(count[shown_types[t]]));
    printer_puts(out, "\n");
}

void pagetypeinfo_report(struct printer *out)
{
    printer_printf(out,
                   "Page block order: %u\n"
                   "Pages per block:  %lu\n\n"
                   "Free pages count per migrate type at order  ",
                   PAGEBLOCK_ORDER, PAGEBLOCK_PAGES);
    for (unsigned int i = 0; i <= MAX_ORDER; i++)
        printer_printf(out, "%6u ", i);
    printer_puts(out, "\n");
    for (struct zone *zone = zones; zone < &zones[NR_ZONES]; zone++)
        if (zone->present)
            free_by_type(zone, out);
    printer_printf(out, "\n%-23s", "Number of blocks type ");
    for (size_t t = 0; t < ARRAY_SIZE(shown_types); t++)
        printer_printf(out, "%12s ", type_names[shown_types[t]]);
    printer_puts(out, "\n");
    for (struct zone *zone = zones; zone < &zones[NR_ZONES]; zone++)
        if (zone->present)
            blocks_by_type(zone, out);
}

/* ---- zoneinfo ---- */

static void line(struct printer *out, const char *name, u64 n)
{
    printer_printf(out, "\n      %-12s %llu", name, ULL(n));
}

/* Linux prints the node's counters with its first zone that has RAM. */
static void node_counters(struct printer *out)
{
    struct page_ledger l;

    page_ledger_count(&l);
    printer_puts(out, "\n  per-node stats");
    line(out, "nr_slab_reclaimable", slab_reclaimable_pages());
    line(out, "nr_slab_unreclaimable",
         l.pages[OWNER_SLAB] - slab_reclaimable_pages());
    line(out, "nr_anon_pages", l.pages[OWNER_ANON]);
    line(out, "nr_file_pages", l.pages[OWNER_PAGECACHE]);
    line(out, "nr_shmem", l.pages[OWNER_PAGECACHE]);
    line(out, "nr_kernel_stack", l.pages[OWNER_STACK] << (PAGE_SHIFT - 10));
    line(out, "nr_page_table_pages", l.pages[OWNER_PAGETABLE]);
}

/* From its start to the last RAM in it. */
static u64 spanned(const struct zone *zone)
{
    pfn_t end = min(zone->end, PFN_UP(physmap_ram_end()));

    return zone->present ? end - zone->start : 0;
}

static void zone_pages(const struct zone *zone, struct printer *out)
{
    printer_printf(out,
                   "\n  pages free     %llu"
                   "\n        boost    0"
                   "\n        min      %llu"
                   "\n        low      %llu"
                   "\n        high     %llu"
                   "\n        spanned  %llu"
                   "\n        present  %llu"
                   "\n        managed  %llu"
                   "\n        cma      0",
                   ULL(zone_available(zone)), ULL(zone->watermark[WMARK_MIN]),
                   ULL(zone->watermark[WMARK_LOW]),
                   ULL(zone->watermark[WMARK_HIGH]), ULL(spanned(zone)),
                   ULL(zone->present),
                   ULL(zone->managed + zone->present - zone->online));
    printer_puts(out, "\n        protection: (");
    for (int i = 0; i < NR_ZONES; i++)
        printer_printf(out, "%s%llu", i ? ", " : "", ULL(zone->protection[i]));
    printer_puts(out, ")");
}

static void zone_counters(struct zone *zone, struct printer *out)
{
    line(out, "nr_free_pages", zone_available(zone));
    line(out, "nr_online", zone->online);
    printer_puts(out, "\n  pagesets");
    for (unsigned int cpu = 0; cpu < nr_cpus_online; cpu++) {
        struct pcp_count pcp = page_pcp_count(cpu, zone->index);

        printer_printf(out,
                       "\n    cpu: %u"
                       "\n              count: %u"
                       "\n              high:  %u"
                       "\n              batch: %u"
                       "\n  vm stats threshold: 0",
                       cpu, pcp.count, pcp.high, pcp.batch);
    }
    printer_printf(out,
                   "\n  node_unreclaimable:  0"
                   "\n  start_pfn:           %lu",
                   zone->start);
}

void zoneinfo_report(struct printer *out)
{
    bool first = true;

    for (struct zone *zone = zones; zone < &zones[NR_ZONES]; zone++) {
        printer_printf(out, "Node 0, zone %8s", zone->name);
        if (zone->present && first) {
            node_counters(out);
            first = false;
        }
        zone_pages(zone, out);
        if (zone->present)
            zone_counters(zone, out);
        printer_puts(out, "\n");
    }
}
