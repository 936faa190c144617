/*
 * tests/kernel/test_smp.c - other CPUs; skipped where only one runs (maxcpus=N
 * and QEMU's -smp N start more).
 */
#include <kernel/core/irq.h>
#include <kernel/core/ktest.h>
#include <kernel/core/percpu.h>
#include <kernel/core/time.h>
#include <kernel/core/xcall.h>
#include <kernel/task/internal.h>
#include <kernel/x86/cpu.h>
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

/* Threads, one for each CPU, that call all others at the same time. */
#define STORM_ROUNDS 3000
#define STORM_LIMIT (2 * NSEC_PER_SEC)

static struct {
    u32 *calls; /* [caller * NR_CPUS_MAX + who ran it] */
    u32 rounds[NR_CPUS_MAX];
    u32 left;  /* (a) threads */
    u32 wrong; /* (a) calls that were not over when xcall returned */
    u64 end;
    struct wait_queue done;
} storm;

static void count_call(void *arg)
{
    u32 *calls = arg;

    for (int i = 0; i < 20; i++) /* long enough to be missed */
        cpu_relax();
    calls[smp_processor_id()]++; /* nobody else's cell */
}

static int call_all(void *arg)
{
    u64 me = (u64)arg;
    u32 *calls = storm.calls + me * NR_CPUS_MAX, round = 0;

    sched_set_affinity(current, BIT(me));
    while (round < STORM_ROUNDS && ktime_get() < storm.end) {
        round++;
        xcall(~0ull, count_call, calls);
        for (unsigned int cpu = 0; cpu < nr_cpus_online; cpu++)
            if (calls[cpu] != (cpu == me ? 0 : round))
                __atomic_fetch_add(&storm.wrong, 1, __ATOMIC_RELAXED);
        cond_resched();
    }
    storm.rounds[me] = round;
    if (!__atomic_sub_fetch(&storm.left, 1, __ATOMIC_SEQ_CST))
        wake_up(&storm.done);
    return 0;
}

KTEST(smp, all_cpus_call_each_other_at_once)
{
    u32 least = ~0u;

    if (!have_others())
        return;
    storm.calls = kcalloc(NR_CPUS_MAX * NR_CPUS_MAX, sizeof(u32), GFP_KERNEL);
    KTEST_REQUIRE(storm.calls);
    storm.wrong = 0;
    storm.left = nr_cpus_online;
    storm.end = ktime_get() + STORM_LIMIT;
    wait_queue_init(&storm.done);
    for (u64 cpu = 0; cpu < nr_cpus_online; cpu++)
        if (!KTEST_EXPECT(!kthread_run(call_all, (void *)cpu, "caller", NULL)))
            __atomic_sub_fetch(&storm.left, 1, __ATOMIC_SEQ_CST);
    wait_event(&storm.done, !READ_ONCE(storm.left));
    for (unsigned int cpu = 0; cpu < nr_cpus_online; cpu++)
        least = min(least, storm.rounds[cpu]);
    ktest_note("%u rounds or more", least);
    KTEST_EXPECT(least > 0);
    KTEST_EXPECT(!storm.wrong);
    kfree(storm.calls);
}

/* A call that takes until it is let go, and who waits for it. */
static struct {
    u64 target;
    u32 begun, release, over, left; /* (a) */
} slow;

static void take_long(void *arg)
{
    u64 end = ktime_get() + 2 * NSEC_PER_SEC;

    WRITE_ONCE(slow.begun, 1);
    while (!READ_ONCE(slow.release) && ktime_get() < end)
        cpu_relax();
    WRITE_ONCE(slow.over, 1);
}

static int call_slow_one(void *arg)
{
    sched_set_affinity(current, (u64)arg);
    xcall(slow.target, take_long, NULL);
    WRITE_ONCE(slow.left, 0);
    return 0;
}

/* The other two are the fourth CPU, or with three the one that waits. */
KTEST(smp, a_slow_answer_holds_up_its_caller_only)
{
    struct roll roll = {0, 0, false};
    u64 caller, other;
    unsigned int me;

    if (nr_cpus_online < 3) {
        ktest_skip("fewer than three CPUs");
        return;
    }
    sched_set_affinity(current, BIT(smp_processor_id()));
    me = smp_processor_id();
    caller = BIT((me + 1) % nr_cpus_online);
    slow.target = BIT((me + 2) % nr_cpus_online);
    other = nr_cpus_online > 3 ? BIT((me + 3) % nr_cpus_online) : caller;
    slow.begun = slow.release = slow.over = 0;
    slow.left = 1;
    KTEST_REQUIRE(!kthread_run(call_slow_one, (void *)caller, "caller", NULL));
    while (!READ_ONCE(slow.begun)) {
        set_current_state(TASK_UNINTERRUPTIBLE);
        schedule_until(ktime_get() + NSEC_PER_MSEC);
    }
    xcall(other, call_roll, &roll);
    KTEST_EXPECT(roll.present == other);
    xcall(caller, call_roll, &roll);
    KTEST_EXPECT(roll.present == (other | caller));
    KTEST_EXPECT(!READ_ONCE(slow.over));
    KTEST_EXPECT(READ_ONCE(slow.left));
    WRITE_ONCE(slow.release, 1);
    while (READ_ONCE(slow.left)) {
        set_current_state(TASK_UNINTERRUPTIBLE);
        schedule_until(ktime_get() + NSEC_PER_MSEC);
    }
    sched_set_affinity(current, ~0ull);
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
