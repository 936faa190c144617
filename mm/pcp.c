/*
 * mm/pcp.c - each CPU's stacks of single free pages.
 *
 * Structure  two stacks per zone, one for movable pages; they are filled and
 *            emptied in batches.  page->pcp names the stack that a page goes
 *            to when it is freed.
 * Cost       a batch under zone->lock, once for many pages.
 * Locking    interrupts off on the stacks' CPU; zone->lock is taken inside.
 * Context    any.
 */
#include <kernel/core/xcall.h>
#include <mm/alloc.h>
#include <mm/fail.h>
#include <mm/page_bad.h>
#include <mm/pcp.h>

DEFINE_PER_CPU(struct pcp, page_pcp[PCP_NONE + 1]);
u8 pcp_hint[GFP_PLACE_BITS + 1];

/* Small zones cache little: 62 pages of 3 MiB would be missed. */
static void pcp_setup(struct pcp *pcp, const struct zone *zone)
{
    pcp->batch = min(max(zone->present / 512, 2ul), PCP_MAX / 2ul);
    pcp->high = 2 * pcp->batch;
}

static struct zone *pcp_zone(const struct pcp *pcp)
{
    return &zones[(pcp - this_cpu_ptr(&page_pcp[0])) / 2];
}

static void pcp_drain(struct pcp *pcp, u32 n)
{
    struct zone *zone = pcp_zone(pcp);

    spin_lock(&zone->lock);
    while (n-- > 0)
        buddy_give(zone, pcp->pages[--pcp->count], 0);
    spin_unlock(&zone->lock);
}

struct page *pcp_refill(gfp_t gfp)
{
    struct page *pages[PCP_MAX / 2];
    u8 *hint = &pcp_hint[gfp & GFP_PLACE_BITS];
    struct pcp *pcp = pcp_for(gfp);
    u32 batch = pcp->batch ? pcp->batch : 1;
    struct zone *zone;
    size_t got = zone_alloc(gfp, 0, batch, pages, &zone);
    u8 index;

    if (!got)
        return NULL;
    index = pcp_index(zone, gfp_migratetype(gfp));
    if (index == PCP_NONE)
        return pages[0]; /* one is what was asked for */
    if (likely(!fail_nth_armed && place_makes_sense(gfp)))
        *hint = index;
    pcp = this_cpu_ptr(&page_pcp[index]);
    if (unlikely(!pcp->high) && !debug_pagealloc)
        pcp_setup(pcp, zone);
    if (unlikely(pcp->count + got > PCP_MAX))
        pcp_drain(pcp, got);
    while (got > 1)
        pcp->pages[pcp->count++] = pages[--got];
    return pages[0];
}

void pcp_make_room(struct pcp *pcp, const struct zone *zone)
{
    if (!pcp->high)
        pcp_setup(pcp, zone);
    else if (pcp->count >= pcp->high)
        pcp_drain(pcp, pcp->batch);
}

static u8 first_stack(gfp_t gfp)
{
    enum zone_index zone = ZONE_DMA32;

    if (!place_makes_sense(gfp))
        return PCP_NONE; /* the slow path says so */
    if (gfp & __GFP_DMA)
        zone = ZONE_DMA;
    else if (gfp & __GFP_HIGHMEM && zones[ZONE_HIGHMEM].present)
        zone = ZONE_HIGHMEM;
    return pcp_index(&zones[zone], gfp_migratetype(gfp));
}

void page_fast_path(bool on)
{
    for (size_t i = 0; i < ARRAY_SIZE(pcp_hint); i++)
        pcp_hint[i] = on ? first_stack(i) : PCP_NONE;
}

void page_drain_local(void)
{
    u64 flags = local_irq_save();

    for (int i = 0; i < PCP_NONE; i++) {
        struct pcp *pcp = this_cpu_ptr(&page_pcp[i]);

        if (pcp->count)
            pcp_drain(pcp, pcp->count);
    }
    local_irq_restore(flags);
}

static void drain_here(void *arg)
{
    page_drain_local();
}

void page_drain_all(void)
{
    xcall(~0ull, drain_here, NULL);
    page_drain_local();
}

struct pcp_count page_pcp_count(unsigned int cpu, enum zone_index zone)
{
    const struct pcp *pcp = per_cpu_ptr(&page_pcp[2 * zone], cpu);

    return (struct pcp_count){pcp[0].count + pcp[1].count,
                              pcp[0].high + pcp[1].high,
                              max(pcp[0].batch, pcp[1].batch)};
}

u64 page_cached_count(void)
{
    u64 n = 0;

    for (unsigned int cpu = 0; cpu < nr_cpus_online; cpu++)
        for (int i = 0; i < NR_ZONES; i++)
            n += page_pcp_count(cpu, i).count;
    return n;
}
