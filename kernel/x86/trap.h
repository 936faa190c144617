/*
 * kernel/x86/trap.h - from a vector number to who handles it.
 */
#pragma once

#include <kernel/x86/regs.h>

#define NR_VECTORS 256
#define VECTOR_DEVICE_FIRST 32 /* below: the CPU's own, SDM 3A 6.3.1 */

enum trap_vector {
    TRAP_DE = 0,
    TRAP_DB = 1,
    TRAP_NMI = 2,
    TRAP_BP = 3,
    TRAP_OF = 4,
    TRAP_BR = 5,
    TRAP_UD = 6,
    TRAP_NM = 7,
    TRAP_DF = 8,
    TRAP_TS = 10,
    TRAP_NP = 11,
    TRAP_SS = 12,
    TRAP_GP = 13,
    TRAP_PF = 14,
    TRAP_MF = 16,
    TRAP_AC = 17,
    TRAP_MC = 18,
    TRAP_XM = 19,
};

/*
 * Interrupts off; vectors NMI, #DF, #MC and #DB on their own stacks.  Returns
 * whether that was all; false hands an exception on to upcall_trap.
 */
typedef bool vector_handler_t(struct pt_regs *regs, unsigned int vector);

/* Written before the vector can arrive, constant while it can. */
extern vector_handler_t *vector_handlers[NR_VECTORS];

/* Where kernel code that expected to fault at `rip` goes on; 0: it did not
 * expect to.  mm's exception table, once main.c has set it. */
extern unsigned long (*trap_fixup_find)(unsigned long rip);

/* "#PF page fault": mnemonic and words. */
const char *trap_name(unsigned int vector);

/*
 * The error code of `vector` in words, for people: "write to a page that is
 * not present, from ring 3".  Returns buf.
 */
char *trap_error_words(unsigned int vector, u64 error, char *buf, size_t size);

/* Loads the IDT with the 256 stubs of isr.asm.  First thing in kmain. */
void trap_init(void);

/* SYSCALL's MSRs, on each CPU. */
void syscall_init(void);
