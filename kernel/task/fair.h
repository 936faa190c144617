/*
 * kernel/task/fair.h - the order in which tasks get the CPU: the short half of
 * sched_fair.c, which has the theory.  For sched*.c only.
 */
#pragma once

#include <kernel/task/rq.h>

#define SLICE (3 * NSEC_PER_MSEC)
#define SLEEPER_CREDIT (3 * NSEC_PER_MSEC)
#define WAKEUP_GRANULARITY (1 * NSEC_PER_MSEC)
#define WEIGHT_NICE_0 1024

static inline void rq_insert(struct run_queue *rq, struct task_struct *task)
{
    struct rb_node **link = &rq->tree.node, *parent = NULL;

    while (*link) {
        struct task_struct *other;

        parent = *link;
        other = rb_entry(parent, struct task_struct, rq_node);
        link = (s64)(task->vruntime - other->vruntime) < 0 ? &parent->left
                                                           : &parent->right;
    }
    rb_insert(&rq->tree, &task->rq_node, parent, link, NULL);
    rq->nr_queued++;
}

static inline void rq_remove(struct run_queue *rq, struct task_struct *task)
{
    rb_erase(&rq->tree, &task->rq_node, NULL);
    rq->nr_queued--;
}

/* Who waits with the least vruntime; NULL: nobody. */
static inline struct task_struct *rq_first(const struct run_queue *rq)
{
    struct rb_node *node = rq->tree.node;

    if (!node)
        return NULL;
    while (node->left)
        node = node->left;
    return rb_entry(node, struct task_struct, rq_node);
}

/* As vruntime counts it. */
static inline u64 weighted(const struct task_struct *task, u64 delta)
{
    if (unlikely(task->weight != WEIGHT_NICE_0))
        delta = delta * WEIGHT_NICE_0 / task->weight;
    return delta;
}

static inline void slice_arm(struct run_queue *rq, u64 now)
{
    if (rq->nr_queued && !rq->slice.pending)
        timer_add(&rq->slice, now + SLICE);
}

/* Whether `task` should run before what its CPU runs now. */
static inline bool should_preempt(struct run_queue *rq,
                                  struct task_struct *task, u64 now)
{
    struct task_struct *running = current;

    if (running == rq->idle)
        return true;
    return (s64)(running->vruntime +
                 weighted(running, now - running->exec_start) -
                 task->vruntime) > (s64)WAKEUP_GRANULARITY;
}

/* Charges the running task for its time since the last look. */
void rq_account(struct run_queue *rq, struct task_struct *task, u64 now);
/* rq->slice: whether somebody else should run. */
void slice_over(struct timer *timer);
