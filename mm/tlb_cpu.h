/*
 * mm/tlb_cpu.h - what a CPU knows about its TLB; for mm/tlb.c and
 * mm/mm_switch.c.
 */
#pragma once

#include <kernel/x86/cpu.h>
#include <kernel/x86/entry_area.h>
#include <mm/asid.h>
#include <mm/tlb.h>

/* Written by its CPU; `lazy` is read by others. */
struct tlb_cpu {
    u64 seen;  /* generation of current_mm that has been flushed here */
    bool lazy; /* current_mm is borrowed: ring 3 does not run on it */
    struct asid_table asids;
};
DECLARE_PER_CPU(struct tlb_cpu, tlb_cpu);

/* What was flushed of the loaded table goes from ring 3's PCID on the way
 * there (pti=on). */
static inline void user_table_is_old(void)
{
    __asm__ volatile("btrq $63, %%gs:%0" : "+m"(user_cr3) : : "cc");
}

/* Drops what is not global of the loaded table. */
static inline void tlb_reload(void)
{
    user_table_is_old();
    write_cr3(read_cr3());
}

/* With interrupts off: the borrowed table is left for the master table. */
void mm_leave_borrowed(void);
