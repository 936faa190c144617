/*
 * mm/gfp.h - what an allocation may do and where its memory may lie; and the
 * calls that give whole pages.  Linux's names and meaning.
 */
#pragma once

#include <mm/types.h>

typedef u32 gfp_t;

#define __GFP_DMA BIT(0)     /* below 16 MiB */
#define __GFP_DMA32 BIT(1)   /* below 4 GiB */
#define __GFP_HIGHMEM BIT(2) /* need not be in the direct map */
#define __GFP_MOVABLE BIT(3) /* compaction may move it */
#define __GFP_ZERO BIT(4)
#define __GFP_SLEEP BIT(5)  /* may reclaim and sleep */
#define __GFP_HIGH BIT(6)   /* may dip into the reserve */
#define __GFP_NOFAIL BIT(7) /* retries for ever */
#define __GFP_NORETRY BIT(8)
#define __GFP_NOWARN BIT(9)
#define __GFP_COMP BIT(10) /* pages of the block lead to their head */

#define GFP_KERNEL __GFP_SLEEP
#define GFP_ATOMIC __GFP_HIGH
#define GFP_NOWAIT 0u
#define GFP_DMA (GFP_KERNEL | __GFP_DMA)
#define GFP_DMA32 (GFP_KERNEL | __GFP_DMA32)
#define GFP_USER GFP_KERNEL
#define GFP_HIGHUSER (GFP_USER | __GFP_HIGHMEM)
#define GFP_HIGHUSER_MOVABLE (GFP_HIGHUSER | __GFP_MOVABLE)

#define MAX_ORDER 10 /* largest block: 2^10 pages, 4 MiB */

/*
 * Who holds a page: the columns of the ledger.  Every allocation names one;
 * RAM is always the sum over them.
 */
enum page_owner {
    OWNER_FREE,
    OWNER_RESERVED, /* firmware, holes inside RAM ranges, first page */
    OWNER_IMAGE,    /* kernel text and data */
    OWNER_MEMMAP,   /* struct page array, section tables */
    OWNER_PAGETABLE,
    OWNER_SLAB,
    OWNER_KMALLOC_LARGE,
    OWNER_VMALLOC,
    OWNER_STACK, /* kernel stacks */
    OWNER_PERCPU,
    OWNER_ANON,      /* user, no file behind */
    OWNER_PAGECACHE, /* file contents */
    OWNER_PIPE,
    OWNER_DRIVER, /* alloc_pages by anyone who did not say more */
    OWNER_INITRD,
    OWNER_TEST,
    NR_PAGE_OWNERS,
};

extern const char *const page_owner_names[NR_PAGE_OWNERS];

/*
 * 2^order pages, contiguous, aligned to their size; refcount 1.
 * Returns: the first page, or NULL (no memory).
 * Context: may sleep with __GFP_SLEEP, else any, also interrupts.
 */
struct page *alloc_pages_owner(gfp_t gfp, unsigned int order,
                               enum page_owner owner);
/* Gives the block back when the count drops to zero.  NULL is fine. */
void __free_pages(struct page *page, unsigned int order);

static inline struct page *alloc_pages(gfp_t gfp, unsigned int order)
{
    return alloc_pages_owner(gfp, order, OWNER_DRIVER);
}

static inline struct page *alloc_page(gfp_t gfp)
{
    return alloc_pages(gfp, 0);
}

static inline void __free_page(struct page *page)
{
    __free_pages(page, 0);
}

/* Contiguous pages for `size` bytes, not more; NULL: no memory. */
void *alloc_pages_exact(size_t size, gfp_t gfp);
void free_pages_exact(void *addr, size_t size);

/* The same by logical address (never HIGHMEM); 0 is failure. */
unsigned long __get_free_pages(gfp_t gfp, unsigned int order);
unsigned long get_zeroed_page(gfp_t gfp);
void free_pages(unsigned long addr, unsigned int order);
#define __get_free_page(gfp) __get_free_pages(gfp, 0)
#define free_page(addr) free_pages(addr, 0)

/* Pages by the array, one pass over the free lists; returns how many. */
size_t alloc_pages_bulk(gfp_t gfp, enum page_owner owner, size_t n,
                        struct page **pages);
