/*
 * kernel/task/ptimer.h - POSIX timers of a process: timer_create(2).
 */
#pragma once

#include <kernel/task/cputime.h>
#include <kernel/uapi/signal.h>

struct signal_struct;
struct task_struct;

struct ptimer_event {
    int notify; /* SIGEV_* */
    int sig;
    u64 value;                  /* si_value */
    struct task_struct *thread; /* SIGEV_THREAD_ID: referenced; else NULL */
};

struct ptimer_value { /* ns; left 0: not running */
    u64 left, interval;
};

struct ptimer_clock {
    bool cpu;                   /* CPU time of current's process ... */
    struct task_struct *thread; /* ... or of this thread of it: referenced */
    u64 offset;                 /* else: what it is ahead of ktime */
};

/* The number of a new timer, -EAGAIN (too many), -ENOMEM.  Takes over the
 * references of event and clock if it succeeds; event NULL: SIGALRM with the
 * number as its value. */
int ptimer_create(const struct ptimer_event *event,
                  const struct ptimer_clock *clock);
/* Current's process.  -EINVAL: no such timer. */
int ptimer_delete(int id);
int ptimer_get(int id, struct ptimer_value *value);
int ptimer_overrun(int id);
/* absolute: `left` is a moment of the timer's clock. */
int ptimer_set(int id, bool absolute, const struct ptimer_value *value,
               struct ptimer_value *old);
/* A timer's signal leaves the queue: fills in its overrun.
 * Locks: sighand->lock. */
void ptimer_delivered_locked(struct signal_struct *signal, siginfo_t *info);
/* Those on CPU clocks: current's process has had so much. */
void ptimers_check(struct signal_struct *signal, struct cpu_time spent);
/* exec and the end of a process: all of them. */
void ptimers_delete(struct signal_struct *signal);
