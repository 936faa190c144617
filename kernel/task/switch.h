/*
 * kernel/task/switch.h - what ring 3 sees of a CPU, from one task to the next:
 * address space, segment bases, selectors.  For sched.c only.
 *
 * Context    interrupts off, rq->lock held; on the stack of `prev`.
 */
#pragma once

#include <kernel/task/internal.h>
#include <kernel/x86/cpu.h>
#include <mm/mm.h>

/* The address space of a kernel thread is whichever was loaded. */
static inline void switch_mm(struct task_struct *prev, struct task_struct *next)
{
    struct mm_struct *old = prev->active_mm;

    if (!next->mm) {
        mm_borrow();
        next->active_mm = old;
        if (prev->mm)
            mm_grab(old);
        else
            prev->active_mm = NULL;
        return;
    }
    if (prev->mm != next->mm)
        mm_switch(next->mm);
    if (!prev->mm) {
        prev->active_mm = NULL;
        mm_drop(old);
    }
}

/* Interrupts are off: nobody sees ring 3's base in between. */
static inline u64 read_user_gs_base(void)
{
    u64 base;

    __asm__ volatile("swapgs; rdgsbase %0; swapgs" : "=r"(base));
    return base;
}

/* Where ring 3 cannot write a base itself, loading a selector is the only way
 * that task_struct does not know of. */
void switch_selectors(struct task_struct *prev, struct task_struct *next);

/* Without the instructions ring 3 cannot change a base but by arch_prctl,
 * which keeps task_struct up to date. */
static inline void switch_bases(struct task_struct *prev,
                                struct task_struct *next)
{
    if (likely(cpu_has(CPU_FSGSBASE))) {
        if (prev->mm) {
            __asm__ volatile("rdfsbase %0" : "=r"(prev->fs_base));
            prev->gs_base = read_user_gs_base();
        }
    }
    if (unlikely(user_selectors_any(&next->selectors)))
        switch_selectors(prev, next);
    if (next->mm)
        task_load_bases(next);
}
