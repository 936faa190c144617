/*
 * mm/tlb.h - making CPUs forget translations.
 *
 * One call per operation, not per page.  A range of at most
 * TLB_SINGLE_PAGES pages goes page by page, a larger one by reloading CR3.
 */
#pragma once

#include <mm/types.h>

#define TLB_SINGLE_PAGES 33

/* After entries of [start, end) of this address space changed.  Returns when
 * no CPU can use an old translation. */
void tlb_flush_range(struct mm_struct *mm, unsigned long start,
                     unsigned long end);
void tlb_flush_mm(struct mm_struct *mm);
void tlb_flush_kernel_range(unsigned long start, unsigned long end);

/* This CPU only. */
void tlb_flush_local_page(unsigned long va);
void tlb_flush_local_all(void); /* also global entries */
