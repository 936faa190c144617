/*
 * mm/gfp.h - what an allocation may do and where its memory may lie; and the
 * calls that give whole pages.  Linux's names and meaning.
 */
#pragma once

#include <mm/types.h>

typedef u32 gfp_t;

/* Which zone: at most one of the three. */
#define __GFP_DMA BIT(0)     /* below 16 MiB */
#define __GFP_DMA32 BIT(1)   /* below 4 GiB */
#define __GFP_HIGHMEM BIT(2) /* need not be in the direct map */
/* How long-lived: at most one; neither: it stays where it is. */
#define __GFP_MOVABLE BIT(3)     /* compaction may move it */
#define __GFP_RECLAIMABLE BIT(4) /* a cache that gives back on demand */
#define __GFP_ZERO BIT(5)
#define __GFP_SLEEP BIT(6)     /* may reclaim, compact and sleep */
#define __GFP_HIGH BIT(7)      /* may dip into the reserve */
#define __GFP_NOFAIL BIT(8)    /* retries for ever; order 0 or 1, may sleep */
#define __GFP_NORETRY BIT(9)   /* one light attempt; the caller has a plan B */
#define __GFP_NOWARN BIT(10)   /* failure is not worth a message */
#define __GFP_COMP BIT(11)     /* pages of the block lead to their head */
#define __GFP_MEMALLOC BIT(12) /* helps to free memory: no limit at all */

#define GFP_ZONE_BITS (__GFP_DMA | __GFP_DMA32 | __GFP_HIGHMEM)
#define GFP_TYPE_BITS (__GFP_MOVABLE | __GFP_RECLAIMABLE)
#define GFP_PLACE_BITS (GFP_ZONE_BITS | GFP_TYPE_BITS) /* the lowest five */

#define __GFP_DIRECT_RECLAIM __GFP_SLEEP /* Linux's name */
#define GFP_KERNEL __GFP_SLEEP
#define GFP_NOIO GFP_KERNEL /* nothing here writes to a device for memory */
#define GFP_NOFS GFP_KERNEL
#define GFP_ATOMIC __GFP_HIGH
#define GFP_NOWAIT 0u
#define GFP_DMA (GFP_KERNEL | __GFP_DMA)
#define GFP_DMA32 (GFP_KERNEL | __GFP_DMA32)
#define GFP_USER GFP_KERNEL
#define GFP_HIGHUSER (GFP_USER | __GFP_HIGHMEM)
#define GFP_HIGHUSER_MOVABLE (GFP_HIGHUSER | __GFP_MOVABLE)
/* A block that is nice to have: no search, no message. */
#define GFP_TRANSHUGE_LIGHT                                                    \
    ((GFP_HIGHUSER_MOVABLE & ~__GFP_SLEEP) | __GFP_COMP | __GFP_NOWARN)
/* The same, worth one attempt at compaction. */
#define GFP_TRANSHUGE (GFP_TRANSHUGE_LIGHT | __GFP_SLEEP | __GFP_NORETRY)

#define MAX_ORDER 10       /* largest block: 2^10 pages, 4 MiB */
#define PAGEBLOCK_ORDER 9u /* pages of one migrate type lie together */
#define PAGEBLOCK_PAGES (1ul << PAGEBLOCK_ORDER)

/* The type bits of a request, in this order. */
enum migrate_type {
    MIGRATE_UNMOVABLE,
    MIGRATE_MOVABLE,
    MIGRATE_RECLAIMABLE,
    MIGRATE_ISOLATE, /* of a pageblock only: nothing of it is given out */
    NR_MIGRATE_TYPES,
};

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
 * Returns: the first page, or NULL (no memory, or a request that makes no
 * sense: the log names the caller).
 * Context: may sleep with __GFP_SLEEP, else any, also interrupts.
 */
struct page *alloc_pages_owner(gfp_t gfp, unsigned int order,
                               enum page_owner owner);
/* Gives the block back when the count drops to zero.  NULL is fine.  What
 * cannot be freed (a free page, a part of a block, reserved or mapped pages,
 * another order) stays as it is, and the log names the caller. */
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

/* Contiguous pages for `size` bytes, not more; NULL: no memory, or a size of 0
 * or beyond the largest block. */
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

/* The pages that all zones together keep for who cannot wait; changing it
 * moves the watermarks (at most a quarter of RAM). */
u64 zone_min_free(void);
void zone_set_min_free(u64 pages);

/*
 * mm/contig.c: frames [start, end), wherever they lie and however many.  What
 * is movable there moves away; each page has one reference then.  gfp: its
 * type and __GFP_ZERO count.
 * Returns 0, -EINVAL (no RAM, not online, more than one zone), -EBUSY (a page
 * stays where it is); on failure all is as before.
 * Context: may sleep.
 */
int alloc_contig_range(unsigned long start, unsigned long end, gfp_t gfp,
                       enum page_owner owner);
/* The lowest n contiguous frames that can be had so, in the zones that gfp
 * allows; NULL: none.  Linear in the RAM that is online. */
struct page *alloc_contig_pages(unsigned long n, gfp_t gfp,
                                enum page_owner owner);
void free_contig_range(unsigned long start, unsigned long n);
