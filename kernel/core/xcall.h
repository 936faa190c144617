/*
 * kernel/core/xcall.h - running a function on other CPUs, and stopping them.
 */
#pragma once

#include <kernel/lib/types.h>

/* On the boot CPU, after irq_init(). */
void xcall_init(void);

/*
 * Calls fn(arg) on every CPU of the mask but this one, in their interrupt
 * context, and returns when all have done it.  Calls of other CPUs do not
 * wait for this one, nor it for them, unless they want the same CPU.
 * Context: interrupts on, or in the handler of one; never an NMI, never inside
 * another's fn.  Runs others' calls while it waits, as interrupts would.
 * Locks: none on which another CPU may spin with interrupts off: it could not
 * answer.
 */
void xcall(u64 cpus, void (*fn)(void *arg), void *arg);

/*
 * Has fn run on all other CPUs in their interrupt context, as soon as they
 * take interrupts; does not wait.  Several requests before that are one.  The
 * function is the same in all calls.
 * Context: any.
 */
void xcall_soon(void (*fn)(void));

/* The CPU leaves hlt, or ring 3, and calls the hook on the way (the scheduler
 * sets it; interrupts are off). */
extern void (*xcall_reschedule_hook)(void);
void xcall_reschedule(unsigned int cpu);

/* All other CPUs say where they are and go on; or, once a panic is under way,
 * stop for good. */
void xcall_nmi_others(void);
