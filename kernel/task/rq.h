/*
 * kernel/task/rq.h - run queues, between sched*.c only.
 *
 * Each queue has a clock of its own, min_vruntime.  A task's vruntime is always
 * a reading on the clock of task->cpu's queue; who takes it to another queue
 * takes along by how much it is ahead or behind.
 */
#pragma once

#include <kernel/core/percpu.h>
#include <kernel/task/cputime.h>
#include <kernel/task/internal.h>

struct run_queue {
    spinlock_t lock;
    struct rb_root tree; /* (lock) waiting tasks */
    u32 nr_queued;       /* (lock) in the tree */
    u32 cpu;             /* (c) */
    u32 load;            /* (lock) weights of those with on_rq */
    u32 slices;          /* (lock) over while others waited */
    u64 min_vruntime;    /* (lock) never goes back */
    struct task_struct *idle;
    struct timer slice;
    struct timer tick;     /* cputime.c */
    struct cpu_time spent; /* (lock) by programs and kernel threads */
    u64 unsampled;         /* (lock) by programs since the last look */
    u64 idle_told;         /* (lock) idle time never goes back */
    u64 switches;          /* (lock) from one task to another */
};

DECLARE_PER_CPU(struct run_queue, run_queue);

static inline struct run_queue *this_rq(void)
{
    return this_cpu_ptr(&run_queue);
}

static inline struct run_queue *rq_of(unsigned int cpu)
{
    return per_cpu_ptr(&run_queue, cpu);
}

static inline bool many_cpus(void)
{
    return unlikely(nr_cpus_online > 1);
}

static inline bool allowed_on(const struct task_struct *task, unsigned int cpu)
{
    return task->cpus_allowed & BIT(cpu);
}

/* The queue that `task` belongs to, locked.  Interrupts off. */
static inline struct run_queue *task_rq_lock(struct task_struct *task)
{
    for (;;) {
        struct run_queue *rq = rq_of(READ_ONCE(task->cpu));

        spin_lock(&rq->lock);
        if (likely(rq->cpu == READ_ONCE(task->cpu)))
            return rq;
        spin_unlock(&rq->lock); /* it has moved */
    }
}

/* sched_fair.c */
/* task_rq_lock, and a running task is charged up to now. */
struct run_queue *task_rq_lock_charged(struct task_struct *task);

/* sched.c */
/* Locks: rq->lock of any CPU's queue.  The CPU hears of it. */
void rq_add(struct run_queue *rq, struct task_struct *task);

/* sched_smp.c; only called when several CPUs run */
/* Where `task`, which waits on no queue, should go. */
unsigned int pick_cpu(const struct task_struct *task);
/* A task that waits elsewhere and may run here, taken; NULL: none.
 * Locks: rq->lock, this CPU's. */
struct task_struct *rq_steal(struct run_queue *rq);
/* A slice of this CPU is over and others wait: gives one of them to a CPU with
 * less to do, if that is fair.  Interrupts off. */
void rq_give(struct run_queue *rq);
/* To the queue of the CPU where a task should go that runs nowhere, waits
 * nowhere, and that nobody else will put anywhere.  Locks: rq->lock, its
 * queue's; returns with the other's instead.  The caller adds it. */
struct run_queue *rq_change(struct run_queue *rq, struct task_struct *task);
/* Puts a task that runs nowhere and waits nowhere on the queue of a CPU it may
 * use. */
void rq_add_elsewhere(struct task_struct *task);
