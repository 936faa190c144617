/*
 * mm/fixmap.h - addresses known when the kernel is compiled, whose physical
 * page is chosen at run time.
 */
#pragma once

#include <mm/pgtable.h>

enum fixmap_index {            /* pages below FIXMAP_TOP, counted downwards */
                    FIX_TEST,  /* self-tests and experiments */
                    FIX_EARLY, /* 16 pages: early_memremap */
                    FIX_EARLY_END = FIX_EARLY + 15,
                    NR_FIXMAP,
};

static inline unsigned long fix_to_virt(enum fixmap_index index)
{
    return FIXMAP_TOP - (index + 1ul) * PAGE_SIZE;
}

/* Points the page at phys; this CPU's old translation is forgotten.  Never
 * fails: the tables are there from the beginning. */
void fixmap_set(enum fixmap_index index, phys_addr_t phys, pgprot_t prot);
void fixmap_clear(enum fixmap_index index);
