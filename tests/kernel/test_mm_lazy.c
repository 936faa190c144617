/*
 * tests/kernel/test_mm_lazy.c - areas that are freed, and the flush that many
 * of them share.
 */
#include <kernel/core/irq.h>
#include <kernel/core/ktest.h>
#include <kernel/core/xcall.h>
#include <kernel/lib/string.h>
#include <kernel/x86/cpu.h>
#include <mm/io.h>
#include <mm/memory.h>
#include <mm/slab.h>
#include <mm/tlb.h>
#include <mm/vmarea.h>
#include <tests/kernel/probe.h>
#include <tests/kernel/said.h>

#define AREAS 3 /* few enough to wait on the smallest machine */

static void purge_all(void)
{
    while (vm_purge())
        ;
}

KTEST(vm_purge, many_areas_one_flush)
{
    u64 flushes, areas;
    void *p[AREAS];

    if (debug_pagealloc) {
        ktest_skip("debug_pagealloc=on flushes for each");
        return;
    }
    purge_all();
    flushes = vm_purge_stats.flushes;
    areas = vm_purge_stats.areas;
    for (int i = 0; i < AREAS; i++)
        KTEST_EXPECT(p[i] = get_vm_area(1, VM_MAP));
    for (int i = 0; i < AREAS; i++)
        if (p[i])
            vm_area_retire(p[i]);
    KTEST_EXPECT(vm_purge_stats.flushes == flushes);
    KTEST_EXPECT(vm_purge());
    KTEST_EXPECT(vm_purge_stats.flushes == flushes + 1);
    KTEST_EXPECT(vm_purge_stats.areas == areas + AREAS);
    KTEST_EXPECT(!vm_purge()); /* nothing is left */
}

/* The largest machine has 2 MiB of addresses wait per power of two of CPUs. */
KTEST(vm_purge, what_waits_has_a_limit)
{
    u64 flushes = vm_purge_stats.flushes;
    size_t most = 8 * 2 * MIB;

    for (size_t bytes = 0; bytes < most; bytes += MIB) {
        struct vm_struct *area = get_vm_area(MIB, VM_MAP);

        KTEST_REQUIRE(area);
        free_vm_area(area);
    }
    KTEST_EXPECT(vm_purge_stats.flushes > flushes);
}

KTEST(vm_purge, neither_addresses_nor_frames_are_reused_before_it)
{
    struct page *frame;
    char *p, *q;

    purge_all();
    p = vmalloc(PAGE_SIZE);
    KTEST_REQUIRE(p);
    frame = vmalloc_to_page(p);
    vm_area_retire(find_vm_area(p));
    KTEST_EXPECT(!vmalloc_to_page(p)); /* the entry goes at once */
    KTEST_EXPECT(!find_vm_area(p));
    KTEST_EXPECT(page_count(frame) == 1 && frame->owner == OWNER_VMALLOC);
    q = vmalloc(PAGE_SIZE);
    KTEST_EXPECT(q && q != p && vmalloc_to_page(q) != frame);
    vfree(q);
    purge_all();
    KTEST_EXPECT(page_count(frame) == 0 || frame->owner != OWNER_VMALLOC);
    KTEST_EXPECT(access_faults(p));
    q = vmalloc(PAGE_SIZE);
    KTEST_EXPECT(q == p); /* the lowest gap again */
    vfree(q);
}

KTEST(vm_purge, a_late_access_faults_at_once_with_debug_pagealloc)
{
    char *p;

    if (!debug_pagealloc) {
        ktest_skip("boot with debug_pagealloc=on");
        return;
    }
    p = vmalloc(PAGE_SIZE);
    KTEST_REQUIRE(p);
    memset(p, 1, PAGE_SIZE); /* the CPU has the translation now */
    vm_area_retire(find_vm_area(p));
    KTEST_EXPECT(access_faults(p));
}

KTEST(vm_purge, areas_side_by_side_go_as_one)
{
    enum { N = 9, PAGES = 100 };
    static const u8 order[N] = {4, 5, 3, 0, 8, 1, 7, 2, 6};
    struct vm_struct *area[N];
    unsigned long first, end;

    purge_all();
    for (int i = 0; i < N; i++)
        KTEST_REQUIRE(area[i] = get_vm_area(PAGES * PAGE_SIZE, VM_MAP));
    first = area[0]->addr;
    end = vm_area_end(area[N - 1]);
    KTEST_EXPECT(end - first == N * (PAGES + 1) * PAGE_SIZE);
    for (int i = 0; i < N; i++)
        vm_area_retire(area[order[i]]);
    for (unsigned long addr = first; addr < end; addr += PAGE_SIZE)
        KTEST_EXPECT(!find_vm_area((void *)addr));
    purge_all();
    area[0] = get_vm_area(end - first - PAGE_SIZE, VM_MAP);
    KTEST_REQUIRE(area[0]);
    KTEST_EXPECT(area[0]->addr == first);
    free_vm_area(area[0]);
}

KTEST(vm_purge, a_reading_of_the_ledger_purges)
{
    struct page_ledger ledger;
    char *p = vmalloc(3 * PAGE_SIZE);

    KTEST_REQUIRE(p);
    vm_area_retire(find_vm_area(p));
    page_ledger_read(&ledger);
    KTEST_EXPECT(!vm_purge());
}

/* One's memory type may not linger in a TLB when another's begins. */
KTEST(vm_purge, another_memory_type_waits_for_the_flush)
{
    u64 flushes;
    void __iomem *p, *q;

    purge_all();
    p = ioremap(0xd0000000, PAGE_SIZE);
    KTEST_REQUIRE(p);
    iounmap(p);
    flushes = vm_purge_stats.flushes;
    p = ioremap(0xd0000000, PAGE_SIZE); /* the same type: no reason to wait */
    KTEST_EXPECT(p && vm_purge_stats.flushes == flushes);
    iounmap(p);
    flushes = vm_purge_stats.flushes;
    q = ioremap_wc(0xd0000000, PAGE_SIZE);
    KTEST_EXPECT(q && vm_purge_stats.flushes > flushes);
    iounmap(q);
}

/* A dead thread's stack is given back with interrupts off, where one cannot
 * wait for another CPU's flush. */
static void free_stacks_here(void *arg)
{
    void **stacks = arg;

    kernel_stack_free(stacks[2 * smp_processor_id()]);
    kernel_stack_free(stacks[2 * smp_processor_id() + 1]);
}

KTEST(stack, may_be_given_back_with_interrupts_off)
{
    void *stacks[2 * NR_CPUS_MAX], *more[12];
    u64 flags;

    for (size_t i = 0; i < ARRAY_SIZE(more); i++)
        more[i] = kernel_stack_alloc();
    for (unsigned int i = 0; i < 2 * nr_cpus_online; i++)
        KTEST_REQUIRE(stacks[i] = kernel_stack_alloc());
    for (size_t i = 0; i < ARRAY_SIZE(more); i++)
        if (more[i])
            kernel_stack_free(more[i]); /* now a few are kept already */
    xcall(~0ull, free_stacks_here, stacks);
    flags = local_irq_save();
    free_stacks_here(stacks);
    local_irq_restore(flags);
    kernel_stack_trim();
}

/* Some CPU's translation of `at`, and what it reads there later. */
static struct {
    volatile u8 *at;
    atomic_t read, wrong;
} late;

static void read_late(void *arg)
{
    u8 byte = 0x11;

    if (copy_from_kernel_nofault(&byte, (void *)late.at, 1))
        return;
    atomic_inc(&late.read);
    if (byte != 0x11)
        atomic_inc(&late.wrong);
}

KTEST(vm_purge, a_late_access_never_meets_anothers_contents)
{
    enum { N = 16 };
    struct page *page[N];
    size_t n;
    u8 *p;

    purge_all();
    atomic_set(&late.wrong, 0);
    p = vmalloc(PAGE_SIZE);
    KTEST_REQUIRE(p);
    memset(p, 0x11, PAGE_SIZE);
    late.at = p;
    xcall(~0ull, read_late, NULL);
    read_late(NULL);
    vm_area_retire(find_vm_area(p));
    n = alloc_pages_bulk(GFP_KERNEL, OWNER_TEST, N, page);
    for (size_t i = 0; i < n; i++)
        memset(page_address(page[i]), 0x22, PAGE_SIZE);
    xcall(~0ull, read_late, NULL);
    read_late(NULL);
    KTEST_EXPECT(atomic_read(&late.wrong) == 0);
    purge_all();
    atomic_set(&late.read, 0);
    xcall(~0ull, read_late, NULL);
    read_late(NULL);
    KTEST_EXPECT(atomic_read(&late.read) == 0); /* all CPUs have forgotten it */
    while (n > 0)
        put_page(page[--n]);
}
