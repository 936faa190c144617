/*
 * kernel/core/percpu.c - the per-CPU variables that every layer shares.
 */
#include <kernel/core/percpu.h>
#include <kernel/x86/cpu.h>

DEFINE_PER_CPU(u64, percpu_offset);
DEFINE_PER_CPU(u32, cpu_number);
DEFINE_PER_CPU(struct task_struct *, current_task);
DEFINE_PER_CPU(struct mm_struct *, current_mm);
DEFINE_PER_CPU(u64, kernel_stack_top);
DEFINE_PER_CPU(u32, user_work);
DEFINE_PER_CPU(u32, atomic_depth);
DEFINE_PER_CPU(u32, irq_depth);
DEFINE_PER_CPU(u32, nmi_depth);
DEFINE_PER_CPU(u64, syscall_rsp);
DEFINE_PER_CPU(struct tss *, cpu_tss);

u64 percpu_offset_of[NR_CPUS_MAX];
unsigned int nr_cpus_online = 1;

extern char boot_stack_end[]; /* boot/entry.asm */

void percpu_init_boot_cpu(void)
{
    entry_store_load(&boot_entry_store, 0);
    cpu_tss = &boot_entry_store.tables.tss;
    cpu_set_kernel_stack((u64)boot_stack_end);
}
