/*
 * mm/huge.h - anonymous memory in blocks of 2 MiB, one entry each; inside mm/
 * only.
 */
#pragma once

#include <mm/userpt.h>

#define HUGE_ORDER 9
#define HUGE_PAGES (1ul << HUGE_ORDER)
#define HUGE_SIZE (HUGE_PAGES * PAGE_SIZE)

extern bool huge_enabled; /* constant after boot */
void huge_init(void);

/* Whether the cursor stands at an entry that maps (or hides) a block. */
static inline bool pt_at_huge(const struct pt_cursor *c)
{
    return c->level == 1 && pte_present(*c->slot);
}

/* The frame of addr inside the block that the entry maps. */
static inline struct page *huge_subpage(pte_t pte, unsigned long addr)
{
    return pfn_to_page(pte_pfn(pte)) + pt_index(addr, 0);
}

/*
 * A write to an empty part of vma: a block if one fits there and there is
 * memory.  Locks: mmap_lock for reading.  The cursor stands at addr, above
 * level 0, and may be further down afterwards.  Returns whether it is done.
 */
bool huge_fault(struct vm_area_struct *vma, struct pt_cursor *c);

/* An empty block as programs have them, its contents whatever they are; NULL.
 * gfp: a GFP_TRANSHUGE. */
struct page *huge_alloc(gfp_t gfp);

/* The block that the frame is a part of now, or NULL: a hint, unless the caller
 * holds the block. */
static inline struct page *huge_block_of(struct page *page)
{
    struct page *head = page_pageblock(page);

    return page_test(head, PG_head) && READ_ONCE(head->order) == HUGE_ORDER &&
                   head->owner == OWNER_ANON
               ? head
               : NULL;
}

/* Where what maps addr ends: its block or its page. */
unsigned long huge_next(struct mm_struct *mm, unsigned long addr);

/* A fault on a block's entry.  Locks: as above. */
vm_fault_t huge_write_protected(struct vm_area_struct *vma, unsigned long addr,
                                pte_t seen);

/*
 * Afterwards no block reaches across start or end: its entry has become a
 * table of 512.  Contents and counts stay.  0 or -ENOMEM (nothing changed but
 * that).  Locks: mmap_lock for reading.
 */
int huge_split_edges(struct mm_struct *mm, unsigned long start,
                     unsigned long end);
/* No block touches [start, end) afterwards. */
int huge_split_range(struct mm_struct *mm, unsigned long start,
                     unsigned long end);
