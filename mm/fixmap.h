/*
 * mm/fixmap.h - addresses known when the kernel is compiled, whose physical
 * page is chosen at run time.
 */
#pragma once

#include <kernel/core/percpu.h>
#include <mm/kmap.h>
#include <mm/pgtable.h>

#define EARLY_SLOTS 4 /* early_ioremap() can show so many ranges at a time, */
#define EARLY_PAGES 4 /* of so many pages each */

/* Pages below FIXMAP_TOP, counted downwards. */
enum fixmap_index {
    FIX_TEST,  /* self-tests and experiments */
    FIX_EARLY, /* early_ioremap's windows */
    FIX_EARLY_END = FIX_EARLY + EARLY_SLOTS * EARLY_PAGES - 1,
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
void __set_fixmap(enum fixmap_index index, phys_addr_t phys, pgprot_t prot);
void clear_fixmap(enum fixmap_index index);
static inline void set_fixmap(enum fixmap_index index, phys_addr_t phys)
{
    __set_fixmap(index, phys, PAGE_KERNEL);
}

/*
 * Windows for start-up, before there is ioremap(): a device, or memory.  For
 * moments: they are few.  NULL, with a word: none is free, or the range is no
 * range or too long.  One CPU at a time.
 */
void __iomem *early_ioremap(phys_addr_t phys, size_t size);
void *early_memremap(phys_addr_t phys, size_t size);
void early_iounmap(void __iomem *addr, size_t size);
void early_memunmap(void *addr, size_t size);
