/*
 * kernel/sync/waitq.h - tasks waiting for a condition to become true.
 *
 *     err = wait_event_interruptible(&q, queue->count > 0);
 *
 * The condition is evaluated without a lock of ours; take your own inside it
 * or afterwards.  Wakers make the condition true first, then wake.
 */
#pragma once

#include <kernel/lib/list.h>
#include <kernel/sync/sched_hook.h>
#include <kernel/sync/spinlock.h>

struct wait_queue {
    spinlock_t lock;
    struct list_head waiters; /* (lock) wait_entry.link, first come first */
};

/* One waiter; normally on its stack.  func is called under the queue's lock
 * (poll uses its own); the default wakes `task`. */
struct wait_entry {
    struct task_struct *task;
    void (*func)(struct wait_entry *entry);
    bool exclusive; /* wake_up() stops after the first of these */
    struct list_head link;
};

#define WAIT_QUEUE_INIT(q)                                                     \
    {                                                                          \
        .lock = SPINLOCK_INIT(q), .waiters = LIST_HEAD_INIT((q).waiters)       \
    }
#define DEFINE_WAIT_QUEUE(q) struct wait_queue q = WAIT_QUEUE_INIT(q)

#define wait_queue_init(q) wait_queue_init_named(q, #q)
void wait_queue_init_named(struct wait_queue *q, const char *name);
void wait_entry_init(struct wait_entry *entry); /* for current */
void wait_add(struct wait_queue *q, struct wait_entry *entry);
void wait_remove(struct wait_queue *q, struct wait_entry *entry);

void wake_up(struct wait_queue *q);     /* any context */
void wake_up_all(struct wait_queue *q); /* any context */

#define wait_event_state_(q, cond, state, expires)                             \
    ({                                                                         \
        struct wait_entry wait_e_;                                             \
        int wait_err_ = 0;                                                     \
        wait_entry_init(&wait_e_);                                             \
        wait_add(q, &wait_e_);                                                 \
        for (;;) {                                                             \
            set_current_state(state);                                          \
            if (cond)                                                          \
                break;                                                         \
            if ((state) == TASK_INTERRUPTIBLE && signal_pending()) {           \
                wait_err_ = -4; /* EINTR */                                    \
                break;                                                         \
            }                                                                  \
            if (!schedule_until(expires)) {                                    \
                if (!(cond))                                                   \
                    wait_err_ = -110; /* ETIMEDOUT */                          \
                break;                                                         \
            }                                                                  \
        }                                                                      \
        set_current_state(TASK_RUNNING);                                       \
        wait_remove(q, &wait_e_);                                              \
        wait_err_;                                                             \
    })

/* 0 once cond holds. */
#define wait_event(q, cond)                                                    \
    ((void)wait_event_state_(q, cond, TASK_UNINTERRUPTIBLE, ~0ull))
/* 0, or -EINTR: turn that into -ERESTARTSYS if the call may restart. */
#define wait_event_interruptible(q, cond)                                      \
    wait_event_state_(q, cond, TASK_INTERRUPTIBLE, ~0ull)
/* 0, -EINTR, or -ETIMEDOUT at `expires` (ktime_get's scale). */
#define wait_event_until(q, cond, expires)                                     \
    wait_event_state_(q, cond, TASK_INTERRUPTIBLE, expires)
