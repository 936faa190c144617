/*
 * mm/pcp.h - each CPU's stacks of single free pages, as page.c's fast paths see
 * them; inside mm/ only.
 *
 * Locks: a CPU's stacks are touched with interrupts off on that CPU only.
 */
#pragma once

#include <kernel/core/percpu.h>
#include <mm/zone.h>

#define PCP_MAX 62 /* a struct pcp is 512 bytes */

struct pcp {
    u32 count; /* of pages[] */
    u32 high;  /* a full stack; 0: not set up */
    u32 batch; /* pages that move at a time */
    u32 unused;
    struct page *pages[PCP_MAX];
};

/* The last one, PCP_NONE, is always empty and always full. */
DECLARE_PER_CPU(struct pcp, page_pcp[PCP_NONE + 1]);

/* By the place bits of a request: which stack serves it.  A hint that the
 * last refill left; any zone that the request allows is right. */
extern u8 pcp_hint[GFP_PLACE_BITS + 1];

/* The stack that may serve the request, though it may be empty. */
static __always_inline struct pcp *pcp_for(gfp_t gfp)
{
    return this_cpu_ptr(&page_pcp[pcp_hint[gfp & GFP_PLACE_BITS]]);
}

/* One page, after filling a stack from a zone; NULL: none is to be had.  Locks:
 * interrupts off. */
struct page *pcp_refill(gfp_t gfp);
/* Sets the stack up at its first use, or makes room on a full one.  Locks:
 * interrupts off. */
void pcp_make_room(struct pcp *pcp, const struct zone *zone);
