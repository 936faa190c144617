/*
 * kernel/task/cpu_up.c - a CPU's memory, its first steps, its place in line.
 *
 * Order      the boot CPU makes per-CPU data, tables and a stack for the next
 *            CPU, fills in the page on which it begins, kicks it, and waits
 *            until it has said that it is there.
 * Memory     per CPU: a copy of .data.percpu as it was before anyone used it,
 *            a struct entry_store (8 pages), a kernel stack.  They stay if the
 *            CPU does not come: it may come late.
 * Context    process, before the first program.
 */
#include <kernel/core/cmdline.h>
#include <kernel/core/irq.h>
#include <kernel/core/panic.h>
#include <kernel/core/percpu.h>
#include <kernel/core/printk.h>
#include <kernel/core/time.h>
#include <kernel/core/timer.h>
#include <kernel/core/watchdog.h>
#include <kernel/core/xcall.h>
#include <kernel/lib/string.h>
#include <kernel/sync/atomic.h>
#include <kernel/task/cpu_up.h>
#include <kernel/task/internal.h>
#include <kernel/x86/apic.h>
#include <kernel/x86/cpu.h>
#include <kernel/x86/entry_area.h>
#include <kernel/x86/fpu.h>
#include <kernel/x86/smp.h>
#include <kernel/x86/trap.h>
#include <mm/gfp.h>
#include <mm/init.h>
#include <mm/mm.h>
#include <mm/page.h>
#include <mm/physmap.h>
#include <mm/slab.h>
#include <mm/vmalloc.h>

#define CR4_KEPT (BIT(5) | BIT(12)) /* PAE, LA57: SDM 3A 2.5 */
#define ENTRY_STORE_ORDER 3

_Static_assert(sizeof(struct entry_store) == PAGE_SIZE << ENTRY_STORE_ORDER,
               "a block of pages");

extern char ap_high[]; /* boot/ap_entry.asm */

/* What the new CPU finds; one is started at a time. */
static struct {
    unsigned int cpu;
    u64 percpu; /* its GS.base */
    struct entry_store *store;
    void *stack;
    struct task_struct *idle;
    u32 here; /* (a) it has come */
} next;

/* maxcpus= on the command line, or as many as there can be; CPUs beyond stay
 * asleep. */
static unsigned int cpus_wanted(void)
{
    return min(cmdline_size("maxcpus", NR_CPUS_MAX), (u64)NR_CPUS_MAX);
}

void cpus_reserve(void)
{
    if (cpus_wanted() > 1)
        physmap_reserve(AP_TRAMPOLINE, AP_TRAMPOLINE + AP_TRAMPOLINE_SIZE,
                        "start of other CPUs");
}

void ap_main(void *argument __maybe_unused)
{
    entry_store_load(next.store, next.percpu); /* GS is ours from here on */
    this_cpu_write(cpu_tss, &next.store->tables.tss);
    cpu_set_kernel_stack((u64)next.stack + KERNEL_STACK_SIZE);
    sched_init_cpu(next.idle);
    this_cpu_write(current_mm, &init_mm);
    cpu_enable_protections();
    syscall_init();
    fpu_init_cpu();
    lapic_init_cpu(irq_hardware()->lapic, VECTOR_SPURIOUS);
    timer_hardware_init();
    entry_area_map(next.store, next.cpu);
    __atomic_store_n(&next.here, 1, __ATOMIC_RELEASE);
    cpu_idle_loop();
}

static bool next_is_here(void)
{
    return __atomic_load_n(&next.here, __ATOMIC_ACQUIRE);
}

static void wait_us(u64 us)
{
    u64 end = ktime_get() + us * NSEC_PER_USEC;

    while (ktime_get() < end)
        cpu_relax();
}

static bool next_create(unsigned int cpu)
{
    struct page *store = alloc_pages_owner(GFP_KERNEL | __GFP_ZERO,
                                           ENTRY_STORE_ORDER, OWNER_PERCPU);
    struct page *data =
        alloc_pages_owner(GFP_KERNEL, percpu_order(), OWNER_PERCPU);
    void *stack = kernel_stack_alloc();
    struct task_struct *idle = kzalloc(sizeof(*idle), GFP_KERNEL);

    if (!store || !data || !stack || !idle) {
        __free_pages(store, ENTRY_STORE_ORDER);
        __free_pages(data, percpu_order());
        kernel_stack_free(stack);
        kfree(idle);
        return false;
    }
    idle->stack = stack;
    next.cpu = cpu;
    next.store = page_address(store);
    next.percpu = percpu_create(cpu, page_address(data));
    next.stack = stack;
    next.idle = idle;
    next.here = 0;
    return true;
}

/* A table below 4 GiB with the kernel's half and the page of the first steps
 * at its own address; NULL without memory. */
static pte_t *boot_root_create(struct mm_struct *mm)
{
    pte_t *root = (pte_t *)__get_free_pages(GFP_DMA32, 0);

    if (!root)
        return NULL;
    if (pt_map_range(mm->root, AP_TRAMPOLINE, AP_TRAMPOLINE, AP_TRAMPOLINE_SIZE,
                     PAGE_KERNEL_EXEC, 0)) {
        free_page((unsigned long)root);
        return NULL;
    }
    memcpy(root, mm->root, PAGE_SIZE);
    if (pti_on) /* the half from which may be executed */
        memcpy(root, pti_user_root(mm->root), PAGE_SIZE / 2);
    return root;
}

static void boot_root_destroy(struct mm_struct *mm, pte_t *root)
{
    unsigned long end = AP_TRAMPOLINE + AP_TRAMPOLINE_SIZE;

    free_page((unsigned long)root);
    pt_unmap_range(mm->root, AP_TRAMPOLINE, end);
    pt_free_tables(mm->root, 0, pt_span(pgtable_levels - 1));
}

static bool cpu_start(unsigned int cpu, u32 apic_id, const pte_t *boot_root)
{
    void *page = __va(AP_TRAMPOLINE);

    if (!next_create(cpu)) {
        pr_warn("CPU %u: no memory for it", cpu);
        return false;
    }
    ap_trampoline_fill(page, &(struct ap_parameters){
                                 .cr4 = read_cr4() & CR4_KEPT,
                                 .boot_root = __pa(boot_root),
                                 .kernel_root = __pa(master_table),
                                 .stack = (u64)next.stack + KERNEL_STACK_SIZE,
                                 .entry = (u64)ap_high,
                             });
    cpu_apic_id[cpu] = apic_id;
    if (!ap_kick(apic_id, next_is_here, wait_us)) {
        pr_warn("CPU %u (APIC %u) does not answer; going on without it", cpu,
                apic_id);
        return false;
    }
    WRITE_ONCE(nr_cpus_online, cpu + 1);
    pr_info("CPU %u runs: APIC %u, began in real mode at %04llx:0000", cpu,
            apic_id, (unsigned long long)ap_trampoline_real_cs(page));
    return true;
}

static void start_all(const pte_t *boot_root)
{
    const struct irq_hardware *hw = irq_hardware();

    for (unsigned int i = 0; i < hw->nr_cpus; i++) {
        if (hw->apic_id[i] == lapic_id())
            continue;
        if (nr_cpus_online >= cpus_wanted())
            break;
        /* one that failed may still come late and use its memory: stop */
        if (!cpu_start(nr_cpus_online, hw->apic_id[i], boot_root))
            break;
    }
}

static void watch_here(void *arg __maybe_unused)
{
    watchdog_start();
}

void cpus_start(void)
{
    struct mm_struct *mm;
    pte_t *boot_root;

    cpu_apic_id[0] = lapic_id();
    if (cpus_wanted() <= 1 || irq_hardware()->nr_cpus <= 1)
        return;
    if (memory_open_reserved(AP_TRAMPOLINE,
                             AP_TRAMPOLINE + AP_TRAMPOLINE_SIZE) ||
        !(mm = mm_create())) {
        pr_warn("No memory to start other CPUs");
        return;
    }
    boot_root = boot_root_create(mm);
    if (boot_root) {
        timer_settle_rate();
        xcall_init();
        fpu_many_cpus();
        start_all(boot_root);
        boot_root_destroy(mm, boot_root);
        xcall(~0ull, watch_here, NULL);
        watchdog_start();
    }
    mm_put(mm);
}
