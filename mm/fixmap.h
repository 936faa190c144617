/*
 * mm/fixmap.h - addresses known when the kernel is compiled, whose physical
 * page is chosen at run time.
 */
#pragma once

#include <kernel/core/percpu.h>
#include <mm/kmap.h>
#include <mm/pgtable.h>

/* Pages below FIXMAP_TOP, counted downwards. */
enum fixmap_index {
    FIX_TEST,  /* self-tests and experiments */
    FIX_EARLY, /* 16 pages for what start-up looks at */
    FIX_EARLY_END = FIX_EARLY + 15,
    FIX_PKMAP, /* kmap.c; tables from here on only with HIGHMEM */
    FIX_PKMAP_END = FIX_PKMAP + PKMAP_SLOTS - 1,
    FIX_KMAP_LOCAL,
    FIX_KMAP_LOCAL_END = FIX_KMAP_LOCAL + KMAP_LOCAL_MAX * NR_CPUS_MAX - 1,
    NR_FIXMAP,
};
_Static_assert(FIXMAP_TOP - NR_FIXMAP * 4096ul >= MODULES_END,
               "above the modules");

static inline unsigned long fix_to_virt(enum fixmap_index index)
{
    return FIXMAP_TOP - (index + 1ul) * PAGE_SIZE;
}

/* Points the page at phys; this CPU's old translation is forgotten.  Never
 * fails: the tables are there from the beginning. */
void fixmap_set(enum fixmap_index index, phys_addr_t phys, pgprot_t prot);
void fixmap_clear(enum fixmap_index index);
