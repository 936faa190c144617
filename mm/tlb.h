/*
 * mm/tlb.h - making CPUs forget translations.
 *
 * One call per operation, not per page.  A range of at most
 * TLB_SINGLE_PAGES pages goes page by page, a larger one by reloading CR3.
 */
#pragma once

#include <mm/types.h>

#define TLB_SINGLE_PAGES 33

/*
 * After entries of [start, end) of this address space changed.  Returns when
 * no CPU can use an old translation.
 * Context: interrupts on (once several CPUs run), and no lock held on which
 * another CPU may spin with interrupts off: it could not answer.
 */
void tlb_flush_range(struct mm_struct *mm, unsigned long start,
                     unsigned long end);
void tlb_flush_mm(struct mm_struct *mm);
void tlb_flush_kernel_range(unsigned long start, unsigned long end);

/* This CPU only. */
static inline void tlb_flush_local_page(unsigned long va)
{
    __asm__ volatile("invlpg (%0)" : : "r"(va) : "memory");
}
void tlb_flush_local_range(unsigned long start, unsigned long end);
void tlb_flush_local_all(void); /* also global entries */

/*
 * How other CPUs are told: runs tlb_flush_local_range (all of it, with start
 * 0 and end ~0) on each CPU of the mask but this one, and returns when they
 * are done.  NULL while one CPU runs; set by who can send interrupts.
 */
extern void (*tlb_flush_remote)(u64 cpus, unsigned long start,
                                unsigned long end);
/* Flushes so far: single pages, whole, and requests to other CPUs. */
extern u64 tlb_stat_pages, tlb_stat_all, tlb_stat_remote;
