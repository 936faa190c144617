/*
 * tests/kernel/test_sched.c - who gets the CPU: clocks, nice, affinity.
 *
 * Runners are kernel threads that count and offer the CPU after each number,
 * like a program in ring 3 that never sleeps.  What is compared is the time
 * they were charged on one CPU, so a host that lends its own CPUs unevenly
 * changes nothing.
 */
#include <kernel/core/ktest.h>
#include <kernel/core/percpu.h>
#include <kernel/core/time.h>
#include <kernel/task/fair.h>
#include <kernel/uapi/sched.h>
#include <mm/slab.h>

#define MINUTE (60 * NSEC_PER_SEC)
#define RUNNERS_MAX (NR_CPUS_MAX + 6)
#define PATIENCE (20 * NSEC_PER_SEC) /* then a test has failed */

struct runner {
    struct task_struct *task;
    u64 turns;   /* times round its loop */
    bool go;     /* set: it may begin */
    bool yields; /* gives way each time */
    u64 cpus;    /* mask; 0: wherever */
    u64 had;     /* ns before the time that is looked at */
    unsigned int began_on;
};

static struct runner *runners; /* [RUNNERS_MAX] */
static u32 nr_runners;
static bool stop;
static struct wait_queue changed = WAIT_QUEUE_INIT(changed);

static void sleep_for(u64 ns)
{
    set_current_state(TASK_UNINTERRUPTIBLE);
    schedule_until(ktime_get() + ns);
}

static int run(void *arg)
{
    struct runner *r = arg;

    if (r->cpus)
        sched_set_affinity(current, r->cpus);
    wait_event(&changed, READ_ONCE(r->go));
    r->began_on = smp_processor_id();
    while (!READ_ONCE(stop)) {
        WRITE_ONCE(r->turns, r->turns + 1);
        if (r->yields)
            sched_yield_current();
        else
            cond_resched();
    }
    return 0;
}

/* A runner that waits until it is let go; NULL: no memory. */
static struct runner *runner_create(u64 cpus, int (*fn)(void *arg))
{
    struct runner *r;

    if (!runners)
        runners = kcalloc(RUNNERS_MAX, sizeof(*runners), GFP_KERNEL);
    if (!runners)
        return NULL;
    r = &runners[nr_runners];
    r->cpus = cpus;
    if (kthread_run(fn, r, "runner", &r->task)) {
        r->task = NULL;
        return NULL;
    }
    nr_runners++;
    return r;
}

static void let_go(struct runner *r)
{
    WRITE_ONCE(r->go, true);
    wake_up_all(&changed);
}

static void stop_all(void)
{
    pid_t pids[RUNNERS_MAX];
    struct task_struct *task;

    for (u32 i = 0; i < nr_runners; i++)
        pids[i] = runners[i].task->pid;
    WRITE_ONCE(stop, true);
    for (u32 i = 0; i < nr_runners; i++)
        let_go(&runners[i]);
    for (u32 i = 0; i < nr_runners; i++) {
        while ((task = task_find_get(pids[i]))) {
            put_task(task);
            sleep_for(NSEC_PER_MSEC);
        }
    }
    kfree(runners);
    runners = NULL;
    nr_runners = 0;
    stop = false;
}

/* From here on, gained() counts. */
static void look_at_times(void)
{
    for (u32 i = 0; i < nr_runners; i++)
        runners[i].had = task_runtime(runners[i].task);
}

static u64 gained(const struct runner *r)
{
    return task_runtime(r->task) - r->had;
}

/* Until `r` has had that much more; false: it did not get it. */
static bool wait_until_had(const struct runner *r, u64 ns)
{
    u64 end = ktime_get() + PATIENCE;

    look_at_times();
    while (gained(r) < ns) {
        if (ktime_get() > end)
            return false;
        sleep_for(NSEC_PER_MSEC);
    }
    return true;
}

/* Every CPU waits for work, and one runner for each has been made. */
static bool runner_for_each_cpu(void)
{
    for (unsigned int cpu = 0; cpu < nr_cpus_online; cpu++)
        if (!KTEST_EXPECT(runner_create(BIT(cpu), run)))
            return false;
    sleep_for(20 * NSEC_PER_MSEC);
    return true;
}

/* `n` more, which run on `cpus` and begin when let go. */
static bool runners_on(u64 cpus, int n)
{
    while (n-- > 0)
        if (!KTEST_EXPECT(runner_create(cpus, run)))
            return false;
    sleep_for(5 * NSEC_PER_MSEC);
    return true;
}

static void let_all_go(void)
{
    for (u32 i = 0; i < nr_runners; i++)
        let_go(&runners[i]);
}

/* This CPU has been busy for so much longer than the others. */
static void advance_this_clock(u64 ns)
{
    u64 flags = local_irq_save();
    struct run_queue *rq = task_rq_lock_charged(current);

    rq->min_vruntime += ns;
    current->vruntime += ns;
    spin_unlock(&rq->lock);
    local_irq_restore(flags);
}

/* Stays where it begins, and somebody else begins there at the same time. */
static int run_with_rival(void *arg)
{
    struct runner *r = arg;

    r->go = true;
    sched_set_affinity(current, BIT(smp_processor_id()));
    let_go(&runners[smp_processor_id()]);
    return run(r);
}

KTEST(sched, a_new_task_starts_on_its_queues_own_clock)
{
    struct runner *child, *rival;

    if (!runner_for_each_cpu())
        goto out;
    advance_this_clock(MINUTE);
    child = runner_create(0, run_with_rival);
    if (!KTEST_EXPECT(child))
        goto out;
    for (u64 end = ktime_get() + PATIENCE;
         !READ_ONCE(child->turns) && ktime_get() < end;)
        sleep_for(NSEC_PER_MSEC);
    rival = &runners[child->began_on];
    KTEST_EXPECT(wait_until_had(rival, 10 * NSEC_PER_MSEC));
    KTEST_EXPECT(wait_until_had(child, 20 * NSEC_PER_MSEC));
out:
    stop_all();
}

/* Slept while the others' clock went on by a minute: soon there, no more. */
static void late_comer(unsigned long state)
{
    struct runner *late, *busy;
    u64 flags;

    if (!runners_on(BIT(0), 2))
        goto out;
    late = &runners[0];
    busy = &runners[1];
    let_go(busy);
    KTEST_EXPECT(wait_until_had(busy, 10 * NSEC_PER_MSEC));
    while (READ_ONCE(late->task->on_rq)) /* it has looked, too */
        sleep_for(NSEC_PER_MSEC);
    flags = spin_lock_irqsave(&rq_of(0)->lock);
    late->task->vruntime -= MINUTE;
    late->task->state = state;
    late->go = true;
    spin_unlock_irqrestore(&rq_of(0)->lock, flags);
    KTEST_EXPECT(wake_up_state(late->task, BIT(state)));
    KTEST_EXPECT(wait_until_had(late, 10 * NSEC_PER_MSEC));
    KTEST_EXPECT(wait_until_had(busy, 20 * NSEC_PER_MSEC));
out:
    stop_all();
}

KTEST(sched, a_long_sleep_is_no_credit)
{
    late_comer(TASK_UNINTERRUPTIBLE);
}

KTEST(sched, a_stop_is_no_credit)
{
    late_comer(TASK_STOPPED);
}

/* As if it had been the only one for a long time. */
static void put_ahead(struct runner *r, u64 ns)
{
    u64 flags = local_irq_save();
    struct run_queue *rq = task_rq_lock_charged(r->task);
    bool waits = r->task->on_rq && !r->task->on_cpu;

    if (waits)
        rq_remove(rq, r->task);
    r->task->vruntime += ns;
    if (waits)
        rq_insert(rq, r->task);
    spin_unlock(&rq->lock);
    local_irq_restore(flags);
}

KTEST(sched, giving_way_is_for_the_next_in_line_only)
{
    struct runner *polite, *busy, *lazy;
    u64 end;

    if (!runners_on(BIT(0), 3))
        goto out;
    polite = &runners[0];
    busy = &runners[1];
    lazy = &runners[2];
    sched_set_policy(lazy->task, SCHED_IDLE, 0);
    polite->yields = true;
    let_go(lazy);
    let_go(busy);
    KTEST_EXPECT(wait_until_had(lazy, 3 * NSEC_PER_MSEC));
    put_ahead(lazy, MINUTE);
    let_go(polite);
    for (end = ktime_get() + PATIENCE;
         READ_ONCE(polite->turns) < 10 && ktime_get() < end;)
        sleep_for(NSEC_PER_MSEC);
    KTEST_EXPECT(polite->turns >= 10);
out:
    stop_all();
}

/* 5 minutes of the lazy one's time are a second of anybody else's. */
KTEST(sched, a_better_nice_counts_at_once)
{
    struct runner *lazy, *busy;

    if (!runners_on(BIT(0), 2))
        goto out;
    lazy = &runners[0];
    busy = &runners[1];
    sched_set_policy(lazy->task, SCHED_IDLE, 0);
    let_all_go();
    KTEST_EXPECT(wait_until_had(lazy, 3 * NSEC_PER_MSEC));
    put_ahead(lazy, 5 * MINUTE);
    KTEST_EXPECT(wait_until_had(busy, 10 * NSEC_PER_MSEC));
    sched_set_policy(lazy->task, SCHED_NORMAL, 0);
    KTEST_EXPECT(wait_until_had(lazy, 20 * NSEC_PER_MSEC));
out:
    stop_all();
}

/* By how much `r` is ahead on the clock of its queue. */
static s64 ahead(const struct runner *r)
{
    u64 flags = local_irq_save();
    struct run_queue *rq = task_rq_lock_charged(r->task);
    s64 ns = (s64)(r->task->vruntime - rq->min_vruntime);

    spin_unlock(&rq->lock);
    local_irq_restore(flags);
    return ns;
}

KTEST(sched, moving_does_not_make_young)
{
    struct runner *mover;
    u64 end = ktime_get() + PATIENCE;

    if (nr_cpus_online < 2) {
        ktest_skip("one CPU");
        return;
    }
    if (!runners_on(BIT(0), 2) || !runners_on(BIT(1), 1))
        goto out;
    mover = &runners[0];
    let_all_go();
    for (int i = 0; i < 3; i++)
        KTEST_EXPECT(wait_until_had(&runners[i], 3 * NSEC_PER_MSEC));
    put_ahead(mover, MINUTE);
    sched_set_affinity(mover->task, BIT(1));
    while (READ_ONCE(mover->task->cpu) != 1 && ktime_get() < end)
        sleep_for(NSEC_PER_MSEC);
    KTEST_EXPECT(mover->task->cpu == 1);
    KTEST_EXPECT(ahead(mover) > (s64)(MINUTE / 2));
out:
    stop_all();
}

static bool wait_until_apart(const struct runner *a, const struct runner *b)
{
    u64 end = ktime_get() + PATIENCE;

    while (READ_ONCE(a->task->cpu) == READ_ONCE(b->task->cpu)) {
        if (ktime_get() > end)
            return false;
        sleep_for(NSEC_PER_MSEC);
    }
    return true;
}

/* The only other CPU that they may use is not the first one. */
KTEST(sched, an_idle_cpu_gets_who_may_use_it)
{
    u64 ends = BIT(0) | BIT(nr_cpus_online - 1);

    if (nr_cpus_online < 2) {
        ktest_skip("one CPU");
        return;
    }
    if (!runners_on(BIT(0), 2))
        goto out;
    let_all_go();
    KTEST_EXPECT(wait_until_had(&runners[0], 10 * NSEC_PER_MSEC));
    sched_set_affinity(runners[0].task, ends);
    sched_set_affinity(runners[1].task, ends);
    KTEST_EXPECT(wait_until_apart(&runners[0], &runners[1]));
out:
    stop_all();
}

KTEST(sched, a_cpu_with_lazy_work_is_as_good_as_idle)
{
    if (nr_cpus_online < 2) {
        ktest_skip("one CPU");
        return;
    }
    if (!runners_on(BIT(0), 2) || !runners_on(BIT(1), 1))
        goto out;
    sched_set_policy(runners[2].task, SCHED_IDLE, 0);
    let_all_go();
    KTEST_EXPECT(wait_until_had(&runners[0], 10 * NSEC_PER_MSEC));
    sched_set_affinity(runners[0].task, BIT(0) | BIT(1));
    sched_set_affinity(runners[1].task, BIT(0) | BIT(1));
    KTEST_EXPECT(wait_until_apart(&runners[0], &runners[1]));
out:
    stop_all();
}

/* Whether none has had less than a third of what another has. */
static bool all_had_alike(void)
{
    u64 least = ~0ull, most = 0;

    for (u32 i = 0; i < nr_runners; i++) {
        least = min(least, gained(&runners[i]));
        most = max(most, gained(&runners[i]));
    }
    ktest_note("least %llu us, most %llu us", least / 1000ull, most / 1000ull);
    return least > most / 3;
}

/* Six tasks on the first CPU to begin with, one on each other.  A host that
 * takes a CPU away for a while is given time to make up for it. */
KTEST(sched, all_cpus_are_everybodys)
{
    bool alike = false;

    if (nr_cpus_online < 2) {
        ktest_skip("one CPU");
        return;
    }
    if (!runners_on(BIT(0), 5) || !runner_for_each_cpu())
        goto out;
    let_all_go();
    KTEST_EXPECT(wait_until_had(&runners[0], 10 * NSEC_PER_MSEC));
    for (u32 i = 0; i < nr_runners; i++)
        sched_set_affinity(runners[i].task, ~0ull);
    for (int tries = 0; tries < 5 && !alike; tries++) {
        KTEST_EXPECT(wait_until_had(&runners[0], 300 * NSEC_PER_MSEC));
        alike = all_had_alike();
    }
    KTEST_EXPECT(alike);
out:
    stop_all();
}

static int doze(void *arg)
{
    struct runner *r = arg;

    while (!READ_ONCE(stop)) {
        WRITE_ONCE(r->turns, r->turns + 1);
        sleep_for(20 * NSEC_PER_USEC);
    }
    return 0;
}

/* While its waker carries it to another queue, others look for it. */
KTEST(sched, who_is_changed_while_it_wakes_stands_in_one_line)
{
    u64 end = ktime_get() + 300 * NSEC_PER_MSEC, turns[6];
    u32 n = 0;

    for (u32 i = 0; i < ARRAY_SIZE(turns); i++)
        if (!KTEST_EXPECT(runner_create(0, doze)))
            goto out;
    while (ktime_get() < end) {
        struct runner *r = &runners[n % nr_runners];
        u64 mask = n & 8 ? ~0ull : BIT(n % nr_cpus_online);

        sched_set_nice(r->task, n++ % 20);
        sched_set_affinity(r->task, mask);
        cond_resched();
    }
    for (u32 i = 0; i < nr_runners; i++)
        turns[i] = READ_ONCE(runners[i].turns);
    sleep_for(20 * NSEC_PER_MSEC);
    for (u32 i = 0; i < nr_runners; i++)
        KTEST_EXPECT(READ_ONCE(runners[i].turns) != turns[i]);
out:
    stop_all();
}
