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
#include <kernel/task/rq.h>

#define MINUTE (60 * NSEC_PER_SEC)
#define RUNNERS_MAX (NR_CPUS_MAX + 4)
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

static struct runner runners[RUNNERS_MAX];
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
    struct runner *r = &runners[nr_runners];

    *r = (struct runner){.cpus = cpus};
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
    nr_runners = 0;
    stop = false;
}

/* Until `r` has had that much more; false: it did not get it. */
static bool wait_until_had(struct runner *r, u64 ns)
{
    u64 end = ktime_get() + PATIENCE, from = task_runtime(r->task);

    for (u32 i = 0; i < nr_runners; i++)
        runners[i].had = task_runtime(runners[i].task);
    while (task_runtime(r->task) - from < ns) {
        if (ktime_get() > end)
            return false;
        sleep_for(NSEC_PER_MSEC);
    }
    return true;
}

static u64 gained(const struct runner *r)
{
    return task_runtime(r->task) - r->had;
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

    for (unsigned int cpu = 0; cpu < nr_cpus_online; cpu++)
        if (!KTEST_EXPECT(runner_create(BIT(cpu), run)))
            goto out;
    sleep_for(20 * NSEC_PER_MSEC); /* all wait, and CPUs are idle */
    advance_this_clock(MINUTE);
    child = runner_create(0, run_with_rival);
    if (!KTEST_EXPECT(child))
        goto out;
    for (u64 end = ktime_get() + PATIENCE;
         !READ_ONCE(child->turns) && ktime_get() < end;)
        sleep_for(NSEC_PER_MSEC);
    rival = &runners[child->began_on];
    KTEST_EXPECT(wait_until_had(rival, 60 * NSEC_PER_MSEC));
    KTEST_EXPECT(gained(child) > 15 * NSEC_PER_MSEC);
out:
    stop_all();
}
