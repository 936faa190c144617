/*
 * kernel/task/cputime.c - who used the CPU, in ring 3 or in the kernel, and
 * what happens when it was too much.
 *
 * Measure    each switch of tasks charges the exact time to the task that
 *            leaves.  How it divides into user and system is sampled, because
 *            two clock readings per system call would cost a third of a
 *            short one: while a program runs, a timer per CPU looks every
 *            4 ms whether it has interrupted ring 3, and time since the last
 *            look goes there.  Time between looks, when somebody asks, is
 *            divided as the looks of late were; without any it is user time,
 *            as on Linux.
 * Idle       a CPU without a program has no such timer.
 * Limits     RLIMIT_CPU, ITIMER_VIRTUAL and _PROF and the timers on CPU
 *            clocks are compared at the same looks, of processes that have
 *            any; so they are up to 4 ms late, as on Linux.
 * Locking    a task's figures: its run queue's lock.
 */
#include <kernel/task/cputime.h>

#include <kernel/task/itimer.h>
#include <kernel/task/ptimer.h>
#include <kernel/task/rq.h>
#include <kernel/uapi/resource.h>

#define LOOKS_MAX 256 /* then the older ones weigh half */

/* Divides what no look has claimed.  Locks: the run queue's. */
static void settle(struct task_struct *task)
{
    u64 looks = task->looks_user + task->looks_system;
    u64 rest = task->unsampled, user = rest;

    if (looks)
        user = rest / looks * task->looks_user;
    task->unsampled = 0;
    task->utime += user;
    task->stime += rest - user;
}

struct cpu_time task_times(struct task_struct *task)
{
    u64 flags = local_irq_save();
    struct run_queue *rq = task_rq_lock_charged(task);
    struct cpu_time time;

    settle(task);
    time = (struct cpu_time){task->utime, task->stime};
    spin_unlock(&rq->lock);
    local_irq_restore(flags);
    return time;
}

struct cpu_account cpu_account(unsigned int cpu)
{
    struct run_queue *rq = rq_of(cpu);
    u64 flags = spin_lock_irqsave(&rq->lock), up = ktime_get(), busy;
    struct cpu_account sum;

    rq->spent.user += rq->unsampled;
    rq->unsampled = 0;
    busy = cpu_time_sum(rq->spent);
    if (up > busy)
        rq->idle_told = max(rq->idle_told, up - busy);
    sum = (struct cpu_account){rq->spent, rq->idle_told, rq->switches};
    spin_unlock_irqrestore(&rq->lock, flags);
    return sum;
}

struct cpu_time process_times_locked(const struct signal_struct *signal)
{
    struct cpu_time sum = {signal->utime, signal->stime};
    struct task_struct *thread;

    list_for_each_entry(thread, &signal->threads, thread_link) {
        struct cpu_time one = task_times(thread);

        sum.user += one.user;
        sum.system += one.system;
    }
    return sum;
}

struct cpu_time process_times(struct task_struct *task)
{
    u64 flags = spin_lock_irqsave(&tasklist_lock);
    struct cpu_time sum = process_times_locked(task->signal);

    spin_unlock_irqrestore(&tasklist_lock, flags);
    return sum;
}

/* Since the last look, `task` was where it is now. */
static void look(struct task_struct *task, bool user)
{
    struct run_queue *rq = task_rq_lock_charged(task);

    if (user) {
        task->looks_user++;
        task->utime += task->unsampled;
        rq->spent.user += rq->unsampled;
    } else {
        task->looks_system++;
        task->stime += task->unsampled;
        rq->spent.system += rq->unsampled;
    }
    task->unsampled = rq->unsampled = 0;
    if (task->looks_user + task->looks_system > LOOKS_MAX) {
        task->looks_user /= 2;
        task->looks_system /= 2;
    }
    spin_unlock(&rq->lock);
}

/* RLIMIT_CPU: SIGXCPU once a second from the soft limit on, SIGKILL at the
 * hard one. */
static void check_limit(struct signal_struct *signal, u64 spent)
{
    u64 seconds = spent / NSEC_PER_SEC;

    if (seconds >= signal->rlim[RLIMIT_CPU].max) {
        send_signal(SIGKILL, NULL, signal->leader);
    } else if (seconds >= signal->rlim[RLIMIT_CPU].cur) {
        signal->rlim[RLIMIT_CPU].cur++;
        send_signal(SIGXCPU, NULL, signal->leader);
    }
}

static void check_process(struct task_struct *task)
{
    struct signal_struct *signal = task->signal;
    struct cpu_time spent;

    spin_lock(&task->sighand->lock);
    spent = process_times_locked(signal);
    spin_unlock(&task->sighand->lock);
    if (signal->rlim[RLIMIT_CPU].cur != ~0ull)
        check_limit(signal, cpu_time_sum(spent));
    if (!signal->cpu_watch)
        return;
    itimers_check(signal, spent);
    ptimers_check(signal, spent);
}

/* In the timer's interrupt. */
void cputime_tick(struct timer *timer)
{
    struct task_struct *task = current;

    if (!task->mm)
        return; /* the next program sets it again */
    timer_add(timer, timer->expires + CPUTIME_TICK);
    look(task, this_cpu_read(timer_hit_user));
    if (unlikely(task->signal->cpu_watch ||
                 task->signal->rlim[RLIMIT_CPU].cur != ~0ull))
        check_process(task);
}
