/*
 * mm/rmap.h - the reverse map: from a page to every entry that shows it;
 * inside mm/ only.
 */
#pragma once

#include <mm/anon_vma.h>
#include <mm/huge.h>
#include <mm/userpt.h>

/* A page's family or page cache, held: its VMAs neither change bounds nor
 * exchange entries until rmap_close(). */
struct rmap {
    struct page *page;
    struct anon_vma *family;       /* one of the two */
    struct address_space *mapping; /* ... or the other */
    unsigned long index;           /* of the page in it */
};

/* Whether the page has a reverse map: private, or in a page cache.  Drivers'
 * pages have none, and private ones that no entry shows any more.  The caller
 * holds a reference.  Context: may sleep; see mm/mm.h for the order. */
bool rmap_open(struct rmap *rmap, struct page *page);
void rmap_close(struct rmap *rmap);

/* A place where a VMA would show the page, if it does. */
struct rmap_place {
    struct vm_area_struct *vma;
    unsigned long addr;
    pte_t *slot; /* of a page, or of a block */
    bool block;
};

/* Called for each place that has an entry, even an empty one, with the
 * page_table_lock of its mm held.  Returns whether to go on. */
typedef bool rmap_fn(struct rmap_place *place, struct page *page, void *arg);
void rmap_walk(const struct rmap *rmap, rmap_fn *fn, void *arg);

/* Whether the entry is one of the page's. */
static inline bool rmap_shows(const struct rmap_place *place,
                              const struct page *page)
{
    if (place->block)
        return huge_subpage(*place->slot, place->addr) == page;
    return pte_page(*place->slot) == page;
}

/* Entries that show the page; page_mapcount(), if nothing changes and no
 * block is involved.  0 if it has no reverse map. */
size_t rmap_count(struct page *page);
