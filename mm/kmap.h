/*
 * mm/kmap.h - reaching a page that may have no logical address.
 *
 * With `lowmem=SIZE` RAM above SIZE (zone HIGHMEM) is not in the direct map.
 * It is reached through windows: kmap() through one that all CPUs share and
 * that can be kept, kmap_local_page() through one of this CPU's, at once and
 * without sleeping.  For every other page both give the logical address.
 */
#pragma once

#include <mm/page.h>

#define PKMAP_SLOTS 128   /* pages that kmap() can show at a time */
#define KMAP_LOCAL_MAX 16 /* nesting of kmap_local_page() on a CPU */

void *kmap_high(struct page *page);
void kunmap_high(struct page *page);
void *kmap_local_high(struct page *page);
void kunmap_local_high(const void *addr);

/* The page's address until kunmap(); the same for all who map it meanwhile.
 * Context: may sleep, while the window is full. */
static inline void *kmap(struct page *page)
{
    if (unlikely(page_test(page, PG_highmem)))
        return kmap_high(page);
    return __va(page_to_phys(page));
}

static inline void kunmap(struct page *page)
{
    if (unlikely(page_test(page, PG_highmem)))
        kunmap_high(page);
}

/* Context: any, also interrupts; no sleep until kunmap_local().  Calls nest:
 * the last mapped is the first unmapped. */
static inline void *kmap_local_page(struct page *page)
{
    if (unlikely(page_test(page, PG_highmem)))
        return kmap_local_high(page);
    return __va(page_to_phys(page));
}

static inline void kunmap_local(const void *addr)
{
    if (unlikely((unsigned long)addr >= MODULES_END))
        kunmap_local_high(addr);
}

#define kmap_atomic(page) kmap_local_page(page)
#define kunmap_atomic(addr) kunmap_local(addr)

/* Fills and copies through the windows. */
void clear_highpage(struct page *page);
void copy_highpage(struct page *to, struct page *from);

/* The window's address of a page that kmap() shows now; NULL. */
void *kmap_address(const struct page *page);
/* Slots of the shared window in use, and how many exist (0: no HIGHMEM). */
void kmap_usage(unsigned int *used, unsigned int *slots);
void kmap_init(void);
