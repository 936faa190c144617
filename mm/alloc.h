/*
 * mm/alloc.h - between zone.c (which zone) and page.c (per-CPU lists, state
 * of an allocated page); inside mm/ only.
 */
#pragma once

#include <mm/memory.h>
#include <mm/zone.h>

#define __GFP_NO_ONLINE BIT(16) /* only what is online already */

static inline enum migrate_type gfp_migratetype(gfp_t gfp)
{
    unsigned int type = (gfp & GFP_TYPE_BITS) / __GFP_MOVABLE;

    return page_group_by_mobility_disabled || type > MIGRATE_RECLAIMABLE
               ? MIGRATE_UNMOVABLE
               : type;
}

/* The highest zone that may serve the request. */
static inline enum zone_index gfp_zone(gfp_t gfp)
{
    if (gfp & __GFP_DMA)
        return ZONE_DMA;
    if (gfp & __GFP_DMA32)
        return ZONE_DMA32;
    return gfp & __GFP_HIGHMEM ? ZONE_HIGHMEM : ZONE_NORMAL;
}

/* Those that may, in order; ends with NR_ZONES. */
const u8 *gfp_zonelist(gfp_t gfp);

/*
 * Blocks of 2^order pages, one (or with order 0 up to n), all from one zone,
 * in no defined state yet.  Returns how many; *from is the zone.
 */
size_t zone_alloc(gfp_t gfp, unsigned int order, size_t n, struct page **pages,
                  struct zone **from);

/* debug_pagealloc: the page is about to be free.  This CPU has no translation
 * when it returns, each other CPU none any more once it has taken interrupts:
 * whoever frees may have them off, so nobody is waited for. */
void page_hide(struct page *page, unsigned long pages);
void page_show(struct page *page, unsigned long pages); /* it is taken */

/* The way back, and the first way for a section's frames. */
void zone_give(struct page *page, unsigned int order);
void zone_give_run(struct zone *zone, pfn_t start, pfn_t end);

/* Whether the zone keeps its reserves after giving 2^order pages. */
bool zone_watermark_ok(const struct zone *zone, gfp_t gfp, unsigned int order,
                       enum zone_mark mark);

/* Moves this CPU's single free pages back into blocks; all CPUs' (may
 * sleep). */
void page_drain_local(void);
void page_drain_all(void);
/* One reference less of a page or block of that order. */
void page_drop(struct page *page, unsigned int order, void *caller);
/* A page out of the buddy allocator gets an owner and a reference. */
void page_hand_out(struct page *page, enum page_owner owner, void *caller);
/* What a CPU's stack of single pages holds and when it is full. */
struct pcp_count {
    u32 count, high, batch;
};
struct pcp_count page_pcp_count(unsigned int cpu, enum zone_index zone);

/* Pages per owner, by CPU; differences only make sense summed up. */
extern s64 page_owned[NR_PAGE_OWNERS]; /* per CPU */

extern u32 page_serial;

/* How many pages wait on CPUs' lists. */
u64 page_cached_count(void);

/*
 * compact.c: moves pages until a block of 2^order is free in one of the
 * request's zones, or that is not to be had at a bounded cost.
 * Context: may sleep.
 */
bool compact_for(gfp_t gfp, unsigned int order);
