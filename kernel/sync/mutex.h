/*
 * kernel/sync/mutex.h - a lock that sleeps; one owner, first come first.
 */
#pragma once

#include <kernel/sync/waitq.h>

struct mutex {
    u32 locked;                /* atomic */
    struct task_struct *owner; /* while locked */
    struct wait_queue waiters;
};

#define MUTEX_INIT(m)                                                          \
    {                                                                          \
        .waiters = WAIT_QUEUE_INIT((m).waiters)                                \
    }
#define DEFINE_MUTEX(m) struct mutex m = MUTEX_INIT(m)

#define mutex_init(m) mutex_init_named(m, #m)
void mutex_init_named(struct mutex *m, const char *name);
void mutex_lock(struct mutex *m); /* may sleep, not interruptible */
bool mutex_trylock(struct mutex *m);
void mutex_unlock(struct mutex *m);
bool mutex_is_held(const struct mutex *m); /* by current */
