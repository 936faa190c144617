/*
 * kernel/sync/sched_hook.h - how a lock blocks, without knowing the
 * scheduler.  kernel/task/sched.c defines these.
 *
 * The protocol against lost wake-ups: publish yourself as a waiter, set the
 * state, check the condition, then schedule().  A wake-up between the state
 * and schedule() makes schedule() return at once.
 */
#pragma once

#include <kernel/lib/types.h>

struct task_struct;

enum task_state { /* what schedule() may assume about the caller */
                  TASK_RUNNING,
                  TASK_INTERRUPTIBLE, /* a signal wakes it too */
                  TASK_UNINTERRUPTIBLE,
                  TASK_STOPPED,
                  TASK_ZOMBIE,
                  TASK_DEAD,
};

void set_current_state(enum task_state state);

/* Gives up the CPU; returns when woken (at once if already woken, or if
 * TASK_RUNNING lets the caller keep it).  Context: may sleep. */
void schedule(void);

/* The same for at most until `expires` (ktime_get's scale; ~0: no limit).
 * Returns whether it was woken before that. */
bool schedule_until(u64 expires);

/* Lets others run whose turn it is: for loops whose length ring 3 decides, as
 * nothing takes the CPU away inside the kernel. */
void cond_resched(void);

/* Makes `task` runnable if it waits.  Any context, also interrupts. */
void wake_up_task(struct task_struct *task);

/* Whether an interruptible wait of current must end with -EINTR. */
bool signal_pending(void);
