/*
 * kernel/sync/mutex.c - sleeping locks.
 *
 * State      locked: 0 free, 1 held, 2 held and someone waits.
 * Hand-over  an unlock with waiters gives the mutex to the first of them
 *            (owner changes, locked stays), so nobody can push in and the
 *            order is that of arrival.
 * Locking    waiters.lock covers the list and the change from 1 to 2 and
 *            back.
 * Cost       one locked instruction each way while nobody waits.
 */
#include <kernel/core/panic.h>
#include <kernel/core/percpu.h>
#include <kernel/sync/lockdep.h>
#include <kernel/sync/mutex.h>
#include <kernel/sync/spinlock.h>

enum { MUTEX_FREE, MUTEX_HELD, MUTEX_CONTENDED };

static const char *lock_name(const struct mutex *m __maybe_unused)
{
#ifdef PAGEWALK_DEBUG
    return m->waiters.lock.name;
#else
    return NULL;
#endif
}

static bool change(struct mutex *m, u32 from, u32 to)
{
    return __atomic_compare_exchange_n(&m->locked, &from, to, false,
                                       __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

void mutex_init_named(struct mutex *m, const char *name)
{
    m->locked = MUTEX_FREE;
    m->owner = NULL;
    wait_queue_init_named(&m->waiters, name);
}

static void wait_for_hand_over(struct mutex *m, struct task_struct *me)
{
    struct wait_entry entry;
    u64 flags;

    wait_entry_init(&entry);
    flags = spin_lock_irqsave(&m->waiters.lock);
    if (__atomic_exchange_n(&m->locked, MUTEX_CONTENDED, __ATOMIC_SEQ_CST) ==
        MUTEX_FREE) {
        /* released meanwhile; nobody can be waiting then */
        WRITE_ONCE(m->locked, MUTEX_HELD);
        WRITE_ONCE(m->owner, me);
        spin_unlock_irqrestore(&m->waiters.lock, flags);
        return;
    }
    list_add_tail(&entry.link, &m->waiters.waiters);
    spin_unlock_irqrestore(&m->waiters.lock, flags);
    for (;;) {
        set_current_state(TASK_UNINTERRUPTIBLE);
        if (READ_ONCE(m->owner) == me)
            break;
        schedule();
    }
    set_current_state(TASK_RUNNING);
    /* the waker may still hold the lock that covers our stack's entry */
    flags = spin_lock_irqsave(&m->waiters.lock);
    spin_unlock_irqrestore(&m->waiters.lock, flags);
}

void mutex_lock(struct mutex *m)
{
    struct task_struct *me = this_cpu_read(current_task);

    lockdep_acquire(m, lock_name(m), LOCK_SLEEP, __builtin_return_address(0));
    if (likely(change(m, MUTEX_FREE, MUTEX_HELD))) {
        WRITE_ONCE(m->owner, me);
        return;
    }
    ASSERT(m->owner != me);
    wait_for_hand_over(m, me);
}

bool mutex_trylock(struct mutex *m)
{
    if (!change(m, MUTEX_FREE, MUTEX_HELD))
        return false;
    WRITE_ONCE(m->owner, this_cpu_read(current_task));
    lockdep_acquired_by_try(m, lock_name(m), LOCK_SLEEP,
                            __builtin_return_address(0));
    return true;
}

void mutex_unlock(struct mutex *m)
{
    struct wait_entry *first;
    u64 flags;

    ASSERT(mutex_is_held(m));
    lockdep_release(m);
    WRITE_ONCE(m->owner, NULL);
    if (likely(change(m, MUTEX_HELD, MUTEX_FREE)))
        return;
    flags = spin_lock_irqsave(&m->waiters.lock);
    if (list_empty(&m->waiters.waiters)) {
        WRITE_ONCE(m->locked, MUTEX_FREE);
    } else {
        first = list_first_entry(&m->waiters.waiters, struct wait_entry, link);
        list_del(&first->link);
        if (list_empty(&m->waiters.waiters))
            WRITE_ONCE(m->locked, MUTEX_HELD);
        WRITE_ONCE(m->owner, first->task);
        first->func(first);
    }
    spin_unlock_irqrestore(&m->waiters.lock, flags);
}

bool mutex_is_held(const struct mutex *m)
{
    return READ_ONCE(m->locked) != MUTEX_FREE &&
           READ_ONCE(m->owner) == this_cpu_read(current_task);
}
