/*
 * kernel/core/percpu.h - one copy of a variable per CPU, reached through GS.
 *
 * DEFINE_PER_CPU puts the first CPU's copy into .data.percpu of the image.
 * GS.base of a CPU is the distance from that copy to its own, so %gs:variable
 * is right everywhere and is one instruction (base 0 on the first CPU, whose
 * copy is the image's).  In ring 3 the base is the program's; entry code
 * swaps.
 *
 * A sequence of accesses is on one CPU only while the kernel cannot migrate:
 * the kernel never preempts itself, so that is anywhere without a sleep.
 */
#pragma once

#include <kernel/x86/entry_area.h>
#include <kernel/x86/percpu.h>

#define this_cpu_ptr(ptr)                                                      \
    ((__typeof__(ptr))((u64)(ptr) + this_cpu_read(percpu_offset)))

extern u64 percpu_offset_of[NR_CPUS_MAX]; /* constant once the CPU is up */
#define per_cpu_ptr(ptr, cpu)                                                  \
    ((__typeof__(ptr))((u64)(ptr) + percpu_offset_of[cpu]))

/* What entry code and every layer share. */
struct task_struct;
struct mm_struct;
DECLARE_PER_CPU(struct task_struct *, current_task);
DECLARE_PER_CPU(struct mm_struct *, current_mm); /* user table loaded now;
                                                     &init_mm if none */
DECLARE_PER_CPU(u64, kernel_stack_top);          /* of current_task */
DECLARE_PER_CPU(u32, user_work);    /* WORK_*: what to do before ring 3 */
DECLARE_PER_CPU(u32, atomic_depth); /* spinlocks held + IRQs nested;
                                       sleeping is a bug unless 0 */

DECLARE_PER_CPU(u32, irq_depth);   /* interrupt handlers running */
DECLARE_PER_CPU(u32, nmi_depth);   /* inside an NMI: take no lock */
DECLARE_PER_CPU(u64, syscall_rsp); /* scratch of the entry code */
DECLARE_PER_CPU(struct tss *, cpu_tss);

#define WORK_RESCHED BIT(0) /* another task should run */
#define WORK_SIGNAL BIT(1)  /* current has a signal to look at */
#define WORK_OTHER BIT(2)

static inline unsigned int smp_processor_id(void)
{
    return this_cpu_read(cpu_number);
}

extern u32 cpu_apic_id[NR_CPUS_MAX]; /* constant once the CPU is up */
extern unsigned int nr_cpus_online;  /* CPUs 0..n-1 run */

/* Where the next entry from ring 3 pushes; at each switch of tasks. */
static inline void cpu_set_kernel_stack(u64 top)
{
    this_cpu_write(kernel_stack_top, top);
    this_cpu_read(cpu_tss)->rsp0 = top;
}

/* Pages that a CPU's copy needs, as an order; and a fresh copy in them, as the
 * image had it before the first CPU used its own.  Returns its GS.base.  Not
 * after memory_free_init(). */
unsigned int percpu_order(void);
u64 percpu_create(unsigned int cpu, void *memory);

/* The boot CPU: GS.base, tables.  Right after cpu_detect(). */
void percpu_init_boot_cpu(void);
