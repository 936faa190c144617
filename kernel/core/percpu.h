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

#include <kernel/lib/types.h>
#include <kernel/x86/entry_area.h>

#define DEFINE_PER_CPU(type, name) __section(".data.percpu") type name
#define DECLARE_PER_CPU(type, name) extern type name

/* Scalars of 1, 2, 4 or 8 bytes: one %gs: instruction. */
#define this_cpu_read(var)                                                     \
    ({                                                                         \
        __typeof__(var) this_cpu_v_;                                           \
        __asm__ volatile("mov %%gs:%1, %0" : "=r"(this_cpu_v_) : "m"(var));    \
        this_cpu_v_;                                                           \
    })
#define this_cpu_write(var, val)                                               \
    __asm__ volatile("mov %1, %%gs:%0"                                         \
                     : "=m"(var)                                               \
                     : "r"((__typeof__(var))(val)))
#define this_cpu_add_sized_(suffix, var, val)                                  \
    __asm__ volatile("add" suffix " %1, %%gs:%0"                               \
                     : "+m"(var)                                               \
                     : "er"((__typeof__(var))(val))                            \
                     : "cc")
#define this_cpu_add(var, val)                                                 \
    do {                                                                       \
        _Static_assert(sizeof(var) == 4 || sizeof(var) == 8, "u32 or u64");    \
        if (sizeof(var) == 4)                                                  \
            this_cpu_add_sized_("l", var, val);                                \
        else                                                                   \
            this_cpu_add_sized_("q", var, val);                                \
    } while (0)
#define this_cpu_inc(var) this_cpu_add(var, 1)
#define this_cpu_dec(var) this_cpu_add(var, -1)

/* Distance from the image's copy to this CPU's: what GS.base holds. */
DECLARE_PER_CPU(u64, percpu_offset);
#define this_cpu_ptr(ptr)                                                      \
    ((__typeof__(ptr))((u64)(ptr) + this_cpu_read(percpu_offset)))

extern u64 percpu_offset_of[NR_CPUS_MAX]; /* constant once the CPU is up */
#define per_cpu_ptr(ptr, cpu)                                                  \
    ((__typeof__(ptr))((u64)(ptr) + percpu_offset_of[cpu]))

/* What entry code and every layer share. */
struct task_struct;
struct mm_struct;
DECLARE_PER_CPU(u32, cpu_number);                 /* 0 is the boot CPU */
DECLARE_PER_CPU(struct task_struct *, current_task);
DECLARE_PER_CPU(struct mm_struct *, current_mm);  /* user table loaded now;
                                                     &init_mm if none */
DECLARE_PER_CPU(u64, kernel_stack_top);           /* of current_task */
DECLARE_PER_CPU(u32, user_work); /* WORK_*: what to do before ring 3 */
DECLARE_PER_CPU(u32, atomic_depth); /* spinlocks held + IRQs nested;
                                       sleeping is a bug unless 0 */

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

extern unsigned int nr_cpus_online; /* CPUs 0..n-1 run */

/* Where the next entry from ring 3 pushes; at each switch of tasks. */
static inline void cpu_set_kernel_stack(u64 top)
{
    this_cpu_write(kernel_stack_top, top);
    this_cpu_read(cpu_tss)->rsp0 = top;
}

/* The boot CPU: GS.base, tables.  Right after cpu_detect(). */
void percpu_init_boot_cpu(void);
