/*
 * mm/tlb_cpu.h - what a CPU knows about its TLB; for mm/tlb.c and
 * mm/mm_switch.c.
 */
#pragma once

#include <kernel/x86/percpu.h>
#include <mm/asid.h>
#include <mm/tlb.h>

/* Written by its CPU; `lazy` is read by others. */
struct tlb_cpu {
    u64 seen;  /* generation of current_mm that has been flushed here */
    bool lazy; /* current_mm is borrowed: ring 3 does not run on it */
    struct asid_table asids;
};
DECLARE_PER_CPU(struct tlb_cpu, tlb_cpu);

/* With interrupts off: the borrowed table is left for the master table. */
void mm_leave_borrowed(void);
