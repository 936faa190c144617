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
    struct list_head list; /* (z) heads of free blocks, page.link */
    u64 blocks;            /* (z) */
};

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
    u64 watermark_min;                         /* (c) left for GFP_ATOMIC */
    u64 watermark_low; /* (c) below: reclaim should run */
    u64 keep;          /* (c) left for requests that need this zone */
};

extern struct zone zones[NR_ZONES];

static inline struct zone *page_zone(const struct page *page)
{
    return &zones[page->zone];
}

struct zone *pfn_zone(pfn_t pfn);

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
struct page *buddy_take(struct zone *zone, unsigned int order); /* or NULL */
/* Up to n single pages into the array; returns how many. */
size_t buddy_take_pages(struct zone *zone, size_t n, struct page **pages);
void buddy_give(struct zone *zone, struct page *page, unsigned int order);
/* Frames whose struct pages say free, in the largest blocks that fit. */
void buddy_give_run(struct zone *zone, pfn_t start, pfn_t end);

struct printer;
void buddyinfo_report(struct printer *out);
void zoneinfo_report(struct printer *out);
