/*
 * mm/page_bad.h - requests of the page allocator that make no sense: what is
 * wrong with them, in words, with the caller's name.  Inside mm/ only.
 */
#pragma once

#include <mm/page.h>

/* A free page has none of these; a page that is freed neither. */
#define PAGE_FLAGS_IN_USE                                                      \
    (BIT(PG_reserved) | BIT(PG_buddy) | BIT(PG_slab) | BIT(PG_lru) |           \
     BIT(PG_locked) | BIT(PG_hole))

/* At most one zone, at most one type. */
static inline bool place_makes_sense(gfp_t gfp)
{
    gfp_t zone = gfp & GFP_ZONE_BITS, type = gfp & GFP_TYPE_BITS;

    return !(zone & (zone - 1)) && type != GFP_TYPE_BITS;
}

/* False: an order that no block has.  What can be served all the same is
 * only talked about. */
bool request_makes_sense(gfp_t gfp, unsigned int order, void *caller);

/* The same for a block that is wanted by its logical address: HIGHMEM is
 * taken out of *gfp, with a word. */
bool block_makes_sense(gfp_t *gfp, unsigned int order, void *caller);

/* Why this page, or block of 2^order, cannot be freed. */
void page_free_complain(struct page *page, unsigned int order, void *caller);

/* NULL, with a word, if addr is no logical address of a page's first byte. */
struct page *page_of_address(unsigned long addr, void *caller);

/* The lists are wrong: the kernel cannot go on. */
void __noreturn page_broken(struct page *page, const char *what);
