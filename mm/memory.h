/*
 * mm/memory.h - what the files behind the kernel's own memory share; nobody
 * outside mm/ includes this.
 */
#pragma once

#include <kernel/core/percpu.h>
#include <mm/page.h>
#include <mm/pgtable.h>
#include <mm/physmap.h>
#include <mm/vmalloc.h>

/*
 * Where page tables come from: a zeroed table, or NULL.  While this CPU
 * brings a section online (or before there is a page allocator) the source
 * is pt_table_source; NULL means the page allocator.
 */
pte_t *pt_table_alloc(void);
void pt_table_free(pte_t *table);
typedef pte_t *pt_source_fn(void);
DECLARE_PER_CPU(pt_source_fn *, pt_table_source);

/* Whether a table could be there: a dump meets rubbish. */
bool pt_table_reachable(phys_addr_t pa);

/* direct_map.c: once, in this order; the second loads the master table. */
void direct_map_init(void);
void direct_map_switch(void);
/* Maps the RAM around the run: its GiB of its firmware range.  0, -ENOMEM. */
int direct_map_cover(struct pfn_run run);
/* Frames below this have a logical address (lowmem=). */
extern pfn_t lowmem_end_pfn;

/* Free pages are not mapped (debug_pagealloc=on); a fault names who uses one.
 * Then nothing is cached per CPU, and RAM is mapped by 4-KiB pages. */
extern bool debug_pagealloc; /* (c) */

/* Pages that could still be given out, whatever the zone. */
u64 pages_available(void);

/* section.c */
#define SECTION_PAGES (16 * MIB >> PAGE_SHIFT)
struct zone;
/* Makes the zone's next section available to its buddy allocator, unless
 * zone->next_section is no longer what the caller has seen.
 * Returns 0, -ENOENT (all are online), -ENOMEM. */
int section_online_next(struct zone *zone, pfn_t seen);
void section_init(void);
u64 section_table_pages(void); /* page tables made for sections, for ever */
/* Gives back frames that were reserved (initramfs, start-up code). */
void section_free_reserved(phys_addr_t start, phys_addr_t end);

/* vmalloc.c: an area with n pages of its own, mapped; NULL without memory.
 * free_vm_area() frees the pages as well. */
struct vm_struct *vm_area_alloc(size_t n, u32 flags, enum page_owner owner,
                                void *caller);
void vm_area_free_pages(struct vm_struct *area); /* for the purge */

/*
 * vmregion.c.  Freeing an area in steps: claim it (NULL, with a line in the
 * log, unless an area of this kind starts at addr and nobody else frees it),
 * retire it (its entries go; it may be gone itself on return), purge.
 */
struct vm_struct *vm_area_claim(unsigned long addr, u32 kind, const char *call,
                                void *caller);
void vm_area_retire(struct vm_struct *area);
/* Flushes for all that is retired and gives its addresses and pages back;
 * false: nothing was.  Context: may sleep. */
bool vm_purge(void);
void vm_purge_if_many(void); /* any context but interrupts */
/* The same if CPUs may still see device memory with another type than mode. */
void vm_purge_other_modes(enum cache_mode mode);
extern struct vm_purge_stats {
    u64 areas, flushes; /* so far */
} vm_purge_stats;
u64 vmalloc_used_bytes(void);
struct vm_struct *find_vm_area_nolock(const void *addr);

/* What the ledger must not count as in use: each gives back what it merely
 * caches. */
void kernel_stack_shrink(void);
void vmalloc_shrink(void);
void pt_stock_shrink(void);
u64 pt_stock_pages(void); /* of OWNER_PAGETABLE, but merely kept */

/* One-time set-up, called by memory_init() in its order. */
void zone_init(void);
void slab_init(void);
void vmalloc_init(void);
void fixmap_init(void);
void resource_init(void);
