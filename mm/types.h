/*
 * mm/types.h - page sizes and page frame numbers.
 *
 * A page-table entry is a struct (pgtable.h), a physical address is
 * phys_addr_t, a frame number counts 4-KiB frames from physical 0.  Kernel
 * and user virtual addresses are unsigned long where they are computed with
 * and pointers (the latter with __user) where they are used.
 */
#pragma once

#include <kernel/lib/types.h>

#define PAGE_SHIFT 12
#define PAGE_SIZE (1ul << PAGE_SHIFT)
#define PAGE_MASK (~(PAGE_SIZE - 1))
#define PAGE_ALIGN(x) ALIGN_UP((unsigned long)(x), PAGE_SIZE)
#define PFN_UP(pa) (((pa) + PAGE_SIZE - 1) >> PAGE_SHIFT)
#define PFN_DOWN(pa) ((pa) >> PAGE_SHIFT)
#define PFN_PHYS(pfn) ((phys_addr_t)(pfn) << PAGE_SHIFT)

typedef unsigned long pfn_t;

struct page;
struct mm_struct;
struct vm_area_struct;
struct address_space;
