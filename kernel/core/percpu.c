/*
 * kernel/core/percpu.c - the per-CPU variables that every layer shares.
 */
#include <kernel/core/percpu.h>
#include <kernel/lib/string.h>
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
u32 cpu_apic_id[NR_CPUS_MAX];
unsigned int nr_cpus_online = 1;

extern char boot_stack_end[]; /* boot/entry.asm */

/* linker.ld: the boot CPU's copy, and room for one nobody has touched. */
extern char __percpu_start[], __percpu_end[], __percpu_template[];

static size_t percpu_size(void)
{
    return __percpu_end - __percpu_start;
}

unsigned int percpu_order(void)
{
    unsigned int order = 0;

    while ((4096ul << order) < percpu_size())
        order++;
    return order;
}

u64 percpu_create(unsigned int cpu, void *memory)
{
    u64 offset = (u64)memory - (u64)__percpu_start;

    memcpy(memory, __percpu_template, percpu_size());
    percpu_offset_of[cpu] = offset;
    *per_cpu_ptr(&percpu_offset, cpu) = offset;
    *per_cpu_ptr(&cpu_number, cpu) = cpu;
    return offset;
}

void percpu_init_boot_cpu(void)
{
    memcpy(__percpu_template, __percpu_start, percpu_size());
    entry_store_load(&boot_entry_store, 0);
    cpu_tss = &boot_entry_store.tables.tss;
    cpu_set_kernel_stack((u64)boot_stack_end);
}
