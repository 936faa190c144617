/*
 * mm/tlb.h - making CPUs forget translations.
 *
 * One call per operation, not per page.  A range of at most TLB_SINGLE_PAGES
 * pages goes page by page (INVLPG), a larger one whole, by loading CR3: beyond
 * about that many, filling the TLB again costs less than the instructions.
 * Linux draws the line at the same number.
 */
#pragma once

#include <mm/types.h>

#define TLB_SINGLE_PAGES 33

/*
 * After entries of [start, end) of this address space changed.  Returns when
 * no CPU can use an old translation in ring 3, or for ring 3.
 * Context: interrupts on (once several CPUs run), and no lock held on which
 * another CPU may spin with interrupts off: it could not answer.
 */
void tlb_flush_range(struct mm_struct *mm, unsigned long start,
                     unsigned long end);
void tlb_flush_mm(struct mm_struct *mm);
/* The same where tables have been taken out too: afterwards no CPU walks
 * them, not even one that only borrows the address space. */
void tlb_flush_tables(struct mm_struct *mm, unsigned long start,
                      unsigned long end);
/* No CPU can use an old translation at all. */
void tlb_flush_kernel_range(unsigned long start, unsigned long end);

/* This CPU only. */
static inline void tlb_flush_local_page(unsigned long va)
{
    __asm__ volatile("invlpg (%0)" : : "r"(va) : "memory");
}
void tlb_flush_local_range(unsigned long start, unsigned long end);
void tlb_flush_local_all(void); /* also global entries */

/* What happened so far, summed over CPUs; /proc/vmstat has Linux's names. */
enum tlb_event {
    TLB_REMOTE_FLUSH,    /* other CPUs were asked: one per operation */
    TLB_REMOTE_RECEIVED, /* a CPU was asked */
    TLB_LOCAL_ALL,
    TLB_LOCAL_ONE, /* pages */
    NR_TLB_EVENTS,
};
u64 tlb_events(enum tlb_event event);

/* CPUs are not told of other CPUs' changes to address spaces: for experiments
 * that show what comes of it. */
extern bool tlb_deaf;
