/*
 * kernel/task/cputime.h - the CPU time of threads and processes.
 */
#pragma once

#include <kernel/lib/types.h>

struct run_queue;
struct signal_struct;
struct task_struct;
struct timer;

struct cpu_time { /* ns */
    u64 user, system;
};

/* Up to now, running or not.  Neither figure ever goes back. */
struct cpu_time task_times(struct task_struct *task);

struct cpu_account {
    struct cpu_time spent;
    u64 idle; /* ns */
    u64 switches;
};

/* Of a CPU since the machine started; nothing of it goes back, whoever ends. */
struct cpu_account cpu_account(unsigned int cpu);

/* Live and ended threads, without children.
 * Locks: tasklist_lock or the process's sighand->lock. */
struct cpu_time process_times_locked(const struct signal_struct *signal);
struct cpu_time process_times(struct task_struct *task);

static inline u64 cpu_time_sum(struct cpu_time time)
{
    return time.user + time.system;
}

/* sched.c: the CPU whose queue this is begins or ends to be watched. */
void cputime_tick(struct timer *timer);
#define CPUTIME_TICK (4 * NSEC_PER_MSEC)
