/*
 * mm/set_memory.h - changing the rights of kernel mappings that exist.
 *
 * addr is page-aligned, in the direct map, the image or the vmalloc region;
 * every page of the range must be mapped.  Large pages are split where the
 * range begins and ends, and put together again once their parts are equal.
 *
 * Returns: 0, -EINVAL (not a kernel mapping), -ENOMEM (nothing changed).
 * Context: interrupts on, no lock held that an interrupt takes; other CPUs
 * see the change on return.
 */
#pragma once

#include <mm/page.h>

int set_memory_ro(unsigned long addr, size_t pages);
int set_memory_rw(unsigned long addr, size_t pages); /* drops x first */
int set_memory_x(unsigned long addr, size_t pages);  /* -EINVAL if writable */
int set_memory_nx(unsigned long addr, size_t pages);
int set_memory_uc(unsigned long addr, size_t pages);
int set_memory_wb(unsigned long addr, size_t pages);

/*
 * Takes pages out of the direct map, and puts them back: an access in between
 * is a bug that faults.
 */
int set_direct_map_invalid(struct page *page, size_t pages);
int set_direct_map_default(struct page *page, size_t pages);
