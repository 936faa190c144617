/*
 * kernel/x86/upcall.h - the only functions that entry code calls upwards.
 *
 * kernel/x86 declares them; kernel/task/trap.c and kernel/sys/syscall.c define
 * them.  Everything else reaches up through tables of functions.
 */
#pragma once

#include <kernel/x86/regs.h>

/*
 * An exception that x86 code could not settle itself (page faults, and all
 * that a program can cause).  `vector` is the CPU's, the error code stands in
 * regs->orig_rax.  cr2 is the address of a page fault, and DR6 for #DB.
 * Context: interrupts as they were at the fault; may sleep if user_mode(regs).
 * After the call orig_rax of a ring-3 frame becomes -1, so that whoever looks
 * at the frame later sees that it was no system call.  A kernel-mode fault has
 * gone through the exception table only for vectors other than 14; the
 * page-fault handler does that itself once it knows that the access cannot be
 * satisfied.
 */
void upcall_trap(struct pt_regs *regs, unsigned int vector, u64 cr2);

/*
 * System call regs->orig_rax; the answer goes into regs->rax.
 * Context: interrupts on, may sleep.
 */
void upcall_syscall(struct pt_regs *regs);

/*
 * Last stop before ring 3, only called when the current CPU's work flag
 * (percpu.h, user_work) is not zero: signals, rescheduling.  Returns with
 * interrupts off and no work left.
 */
void upcall_user_return(struct pt_regs *regs);
