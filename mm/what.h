/*
 * mm/what.h - what an address is: its region, who holds it, its translation.
 */
#pragma once

#include <mm/mm.h>

struct printer;

/* Name of the region of the address map that va lies in; never NULL. */
const char *what_region(unsigned long va);

/*
 * A line each: class and region of the address, the mapping, area or part of
 * the image that it belongs to, each level of the table of `mm` with index and
 * entry, the frame behind it.
 * Gives back the frame's number, or WHAT_NO_FRAME.
 * Locks: takes mm->mmap_lock for reading.
 */
#define WHAT_NO_FRAME (~0ul)
pfn_t what_print(struct mm_struct *mm, unsigned long va, struct printer *out);

/* What struct page says of a frame. */
void what_print_frame(pfn_t pfn, struct printer *out);

/*
 * Where programs have a frame, by its reverse map: at most `max` places are
 * noted.  The mm's are for comparing only.  Cost: O(mappings).
 * Returns how many there are; -ENOENT: the frame has no reverse map (a
 * device's, a driver's, the kernel's), so only a look at all tables tells.
 */
struct what_place {
    struct mm_struct *mm;
    unsigned long addr;
};
long what_find_places(pfn_t pfn, struct what_place *places, size_t max);
/* One of them, as what_print_mappings() has it. */
void what_print_place(unsigned long va, const char *whose, struct printer *out);

/*
 * A line for each leaf of [start, end) that maps the frame, at most `max` of
 * them.  `whose`: the words that stand before the address.  Cost: O(leaves).
 * Returns how many there were.
 */
size_t what_print_mappings(pte_t *root, unsigned long start, unsigned long end,
                           pfn_t pfn, const char *whose, size_t max,
                           struct printer *out);

/* The walk, a level a line. */
void what_print_walk(pte_t *root, unsigned long va, struct printer *out);
