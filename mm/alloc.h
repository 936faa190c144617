/*
 * mm/alloc.h - between zone.c (which zone) and page.c (per-CPU lists, state
 * of an allocated page); inside mm/ only.
 */
#pragma once

#include <mm/memory.h>
#include <mm/zone.h>

#define __GFP_NO_ONLINE BIT(16) /* only what is online already */

/*
 * Blocks of 2^order pages, one (or with order 0 up to n), all from one zone,
 * in no defined state yet.  Returns how many; *from is the zone.
 */
size_t zone_alloc(gfp_t gfp, unsigned int order, size_t n, struct page **pages,
                  struct zone **from);

/* The way back, and the first way for a section's frames. */
void zone_give(struct page *page, unsigned int order);
void zone_give_run(struct zone *zone, pfn_t start, pfn_t end);

/* Moves this CPU's single free pages back into blocks. */
void page_drain_local(void);

/* Pages per owner, by CPU; differences only make sense summed up. */
extern s64 page_owned[NR_PAGE_OWNERS]; /* per CPU */

extern u32 page_serial;

/* How many pages wait on CPUs' lists. */
u64 page_cached_count(void);
