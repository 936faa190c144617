/*
 * mm/zone.h - the parts of RAM that some requests must come from.
 *
 * Zones lie side by side in ascending order.  Within a zone sections come
 * online in ascending order too, so "which are online" is one number.
 */
#pragma once

#include <kernel/lib/list.h>
#include <kernel/sync/spinlock.h>
#include <mm/page.h>

enum zone_index { ZONE_DMA, ZONE_DMA32, ZONE_NORMAL, ZONE_HIGHMEM, NR_ZONES };

struct free_area {
    struct list_head
        list[NR_MIGRATE_TYPES]; /* (z) heads of blocks, page.link */
    u64 blocks;                 /* (z) on all of them */
};

/* What a request leaves in the zone: below `low` others are asked first, up
 * to `high` a background reclaimer would go, `min` is for those who cannot
 * wait (__GFP_HIGH). */
enum zone_mark { WMARK_MIN, WMARK_LOW, WMARK_HIGH, NR_WMARK };

/* (z) lock  (s) section lock, (c) constant after zone_init */
struct zone {
    const char *name;
    u8 index;
    pfn_t start, end;   /* (c) frames [start, end), RAM or not */
    u64 present;        /* (c) frames of RAM */
    u64 online;         /* (s) of them, in sections that are online */
    u64 managed;        /* (z) of the online ones, the allocator's */
    pfn_t next_section; /* (s) frame; below it all is online */
    spinlock_t lock;
    struct free_area free_area[MAX_ORDER + 1]; /* (z) */
    u64 free;                                  /* (z) pages in free_area */
    u64 watermark[NR_WMARK];  /* pages; zone_set_min_free changes them */
    u64 protection[NR_ZONES]; /* (c) left besides, by the highest zone that
                               * the request could have used */
};

extern struct zone zones[NR_ZONES];

static inline struct zone *page_zone(const struct page *page)
{
    return &zones[page->zone];
}

struct zone *pfn_zone(pfn_t pfn);

/*
 * Each CPU has stacks of single free pages: per zone one for movable pages
 * and one for the others.  What is reclaimable or isolated goes past them.
 */
#define PCP_NONE (2 * NR_ZONES)

static inline u8 pcp_index(const struct zone *zone, enum migrate_type type)
{
    return type > MIGRATE_MOVABLE ? PCP_NONE : 2 * zone->index + type;
}

/* For machines too small to keep types apart: all pageblocks are UNMOVABLE. */
extern bool page_group_by_mobility_disabled; /* (c) */

/* Fewer pages than a few pageblocks of each type. */
#define GROUP_BY_MOBILITY_MIN (NR_MIGRATE_TYPES * PAGEBLOCK_PAGES)

/* RAM of the zone that can still be given out: free, or not yet online. */
static inline u64 zone_available(const struct zone *zone)
{
    return zone->free + (zone->present - zone->online);
}

/*
 * buddy.c: free blocks of 2^order pages, aligned to their size.
 * Locks: zone->lock.
 */
void buddy_init(struct zone *zone);
struct page *buddy_take(struct zone *zone, unsigned int order,
                        enum migrate_type type); /* or NULL */
/* Up to n single pages into the array; returns how many. */
size_t buddy_take_pages(struct zone *zone, enum migrate_type type, size_t n,
                        struct page **pages);
void buddy_give(struct zone *zone, struct page *page, unsigned int order);
/* Frames whose struct pages say free, in the largest blocks that fit. */
void buddy_give_run(struct zone *zone, pfn_t start, pfn_t end);

/* The head of the free block that the page is part of, or NULL. */
struct page *buddy_find_free(struct page *page);
/* Takes the first 2^order pages of that free block (its head). */
void buddy_take_block(struct zone *zone, struct page *head, unsigned int order);
/* Whether such a block is free without taking from another type. */
bool buddy_has(struct zone *zone, unsigned int order, enum migrate_type type);
/* From now on nothing of the pageblock is given out; and again.  `first` is
 * its first page and no hole; with MAX_ORDER above PAGEBLOCK_ORDER whoever
 * isolates one isolates its neighbour in the largest block too. */
void buddy_isolate(struct zone *zone, struct page *first);
void buddy_unisolate(struct zone *zone, struct page *first);
