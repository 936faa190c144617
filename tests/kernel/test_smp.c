/*
 * tests/kernel/test_smp.c - other CPUs; skipped where only one runs (maxcpus=N
 * and QEMU's -smp N start more).
 */
#include <kernel/core/irq.h>
#include <kernel/core/ktest.h>
#include <kernel/core/percpu.h>
#include <kernel/core/xcall.h>
#include <kernel/x86/entry_area.h>
#include <mm/layout.h>
#include <mm/slab.h>
#include <mm/tlb.h>
#include <mm/vmalloc.h>
#include <tests/kernel/probe.h>

#define ROUNDS 200

static bool have_others(void)
{
    if (nr_cpus_online > 1)
        return true;
    ktest_skip("one CPU");
    return false;
}

/* As a mask.  A test stays on its CPU as long as it does not sleep. */
static u64 neighbour(void)
{
    return BIT((smp_processor_id() + 1) % nr_cpus_online);
}

struct roll {
    u64 present; /* (a) who came */
    u64 calls;   /* (a) */
    bool irqs_on;
};

static void call_roll(void *arg)
{
    struct roll *roll = arg;

    __atomic_fetch_or(&roll->present, BIT(smp_processor_id()),
                      __ATOMIC_SEQ_CST);
    __atomic_fetch_add(&roll->calls, 1, __ATOMIC_SEQ_CST);
    if (!irqs_disabled())
        roll->irqs_on = true;
}

KTEST(smp, call_reaches_every_other_cpu_once)
{
    struct roll roll = {0, 0, false};

    if (!have_others())
        return;
    for (int i = 0; i < ROUNDS; i++)
        xcall(~0ull, call_roll, &roll);
    KTEST_EXPECT(roll.present ==
                 ((~0ull >> (64 - nr_cpus_online)) & ~BIT(smp_processor_id())));
    KTEST_EXPECT(roll.calls == ROUNDS * (nr_cpus_online - 1ull));
    KTEST_EXPECT(!roll.irqs_on);
}

KTEST(smp, call_goes_only_where_asked)
{
    struct roll roll = {0, 0, false};

    if (!have_others())
        return;
    xcall(BIT(smp_processor_id()), call_roll, &roll);
    KTEST_EXPECT(roll.calls == 0);
    xcall(neighbour(), call_roll, &roll);
    KTEST_EXPECT(roll.present == neighbour());
}

struct tables {
    u64 gdt, percpu, gs_base, tss;
    u16 tr;
};

static void read_tables(void *arg)
{
    struct tables *t = (struct tables *)arg + smp_processor_id();
    struct {
        u16 limit;
        u64 base;
    } __packed gdt;

    __asm__ volatile("sgdt %0; str %1" : "=m"(gdt), "=m"(t->tr));
    t->gdt = gdt.base;
    t->percpu = this_cpu_read(percpu_offset);
    t->gs_base = rdmsr(MSR_GS_BASE);
    t->tss = (u64)this_cpu_read(cpu_tss);
}

KTEST(smp, every_cpu_has_tables_of_its_own)
{
    struct tables *tables;

    if (!have_others())
        return;
    tables = kcalloc(NR_CPUS_MAX, sizeof(*tables), GFP_KERNEL);
    KTEST_REQUIRE(tables);
    xcall(~0ull, read_tables, tables);
    read_tables(tables);
    for (unsigned int cpu = 0; cpu < nr_cpus_online; cpu++) {
        KTEST_EXPECT(tables[cpu].gdt == entry_window(CPU_ENTRY_AREA_BASE, cpu));
        KTEST_EXPECT(tables[cpu].tr == TSS_SELECTOR);
        KTEST_EXPECT(tables[cpu].percpu == percpu_offset_of[cpu]);
        KTEST_EXPECT(tables[cpu].gs_base == percpu_offset_of[cpu]);
        for (unsigned int other = 0; other < cpu; other++)
            KTEST_EXPECT(tables[cpu].tss != tables[other].tss);
    }
    kfree(tables);
}

struct sight {
    const volatile u64 *where;
    u64 seen;
};

static void look(void *arg)
{
    struct sight *sight = arg;

    if (copy_from_kernel_nofault(&sight->seen, (void *)sight->where, 8))
        sight->seen = ~0ull;
}

/* The other CPU has the page in its TLB when it is unmapped here. */
KTEST(smp, unmapped_kernel_page_is_gone_everywhere)
{
    struct sight sight;
    u64 *page, other;

    if (!have_others())
        return;
    for (int i = 0; i < 20; i++) {
        page = vmalloc(PAGE_SIZE);
        KTEST_REQUIRE(page);
        *page = 4711;
        sight = (struct sight){page, 0};
        other = neighbour();
        xcall(other, look, &sight);
        KTEST_EXPECT(sight.seen == 4711);
        vfree(page);
        tlb_flush_kernel_range((unsigned long)page,
                               (unsigned long)page + PAGE_SIZE);
        xcall(other, look, &sight);
        KTEST_EXPECT(sight.seen == ~0ull);
    }
}
