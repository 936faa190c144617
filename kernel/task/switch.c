/*
 * kernel/task/switch.c - segment bases and selectors of ring 3: the slower
 * half of switch.h, and what other files ask of them.
 */
#include <kernel/task/switch.h>

#include <kernel/core/irq.h>

u64 task_user_gs_base(void)
{
    u64 flags = local_irq_save(), base = read_user_gs_base();

    local_irq_restore(flags);
    return base;
}

static inline void write_user_gs_base(u64 base)
{
    __asm__ volatile("swapgs; wrgsbase %0; swapgs" : : "r"(base) : "memory");
}

void task_load_bases(struct task_struct *task)
{
    if (cpu_has(CPU_FSGSBASE)) {
        __asm__ volatile("wrfsbase %0" : : "r"(task->fs_base) : "memory");
        write_user_gs_base(task->gs_base);
    } else {
        wrmsr(MSR_FS_BASE, task->fs_base);
        wrmsr(MSR_KERNEL_GS_BASE, task->gs_base);
    }
}

void switch_selectors(struct task_struct *prev, struct task_struct *next)
{
    if (prev->mm) {
        prev->selectors = user_selectors_read();
        if (!cpu_has(CPU_FSGSBASE) && prev->selectors.fs > 3)
            prev->fs_base = 0;
        if (!cpu_has(CPU_FSGSBASE) && prev->selectors.gs > 3)
            prev->gs_base = 0;
    }
    if (next->mm)
        user_selectors_load(next->selectors);
}
