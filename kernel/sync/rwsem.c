/*
 * kernel/sync/rwsem.c - reader-writer semaphores.
 *
 * State      count: RW_WRITER if a writer holds it, RW_WAITERS if the list is
 *            not empty, below that the number of readers.
 * Fast path  one compare-and-exchange each way while nobody waits.
 * Hand-over  whoever releases with waiters gives the lock to the first in
 *            line: one writer, or all readers up to the next writer.  Nobody
 *            pushes in, because RW_WAITERS sends everyone to the list.
 * Locking    sem->lock covers the list and every change of count while
 *            RW_WAITERS is set, except a reader or writer taking itself out.
 */
#include <kernel/core/panic.h>
#include <kernel/core/percpu.h>
#include <kernel/sync/lockdep.h>
#include <kernel/sync/rwsem.h>

#define RW_WRITER (1 << 30)
#define RW_WAITERS (1 << 29)
#define RW_READERS (RW_WAITERS - 1)

struct rwsem_waiter { /* on the waiter's stack */
    struct list_head link;
    struct task_struct *task;
    bool writer;
    bool granted; /* last thing the waker writes */
};

static const char *lock_name(const struct rw_semaphore *sem __maybe_unused)
{
#ifdef PAGEWALK_DEBUG
    return sem->lock.name;
#else
    return NULL;
#endif
}

static void note_try(struct rw_semaphore *sem, void *place)
{
    lockdep_acquired_by_try(sem, lock_name(sem), LOCK_SLEEP, place);
}

static bool change(struct rw_semaphore *sem, s32 *from, s32 to)
{
    return __atomic_compare_exchange_n(&sem->count, from, to, false,
                                       __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

void rwsem_init_named(struct rw_semaphore *sem, const char *name)
{
    sem->count = 0;
    sem->writer = NULL;
    spin_lock_init_named(&sem->lock, name);
    list_init(&sem->waiters);
}

static bool may_take(s32 count, bool writer)
{
    return writer ? count == 0 : !(count & (RW_WRITER | RW_WAITERS));
}

/* Under sem->lock: gives the lock to who is first in line, if it is free for
 * that one. */
static void grant_locked(struct rw_semaphore *sem)
{
    struct rwsem_waiter *waiter;

    while (!list_empty(&sem->waiters)) {
        s32 count = READ_ONCE(sem->count), taken;
        struct task_struct *task;
        bool writer;

        waiter = list_first_entry(&sem->waiters, struct rwsem_waiter, link);
        writer = waiter->writer;
        if (count & (writer ? RW_WRITER | RW_READERS : RW_WRITER))
            return;
        taken = writer ? count | RW_WRITER : count + 1;
        if (sem->waiters.next == sem->waiters.prev)
            taken &= ~RW_WAITERS;
        if (!change(sem, &count, taken))
            continue;
        list_del(&waiter->link);
        task = waiter->task;
        if (writer)
            WRITE_ONCE(sem->writer, task);
        __atomic_store_n(&waiter->granted, true, __ATOMIC_RELEASE);
        wake_up_task(task);
    }
}

/* The unlucky half of both down functions. */
static void __noinline wait_in_line(struct rw_semaphore *sem, bool writer)
{
    struct rwsem_waiter waiter = {.task = this_cpu_read(current_task),
                                  .writer = writer};
    u64 flags = spin_lock_irqsave(&sem->lock);

    list_add_tail(&waiter.link, &sem->waiters);
    __atomic_fetch_or(&sem->count, RW_WAITERS, __ATOMIC_SEQ_CST);
    grant_locked(sem); /* it may have become free before the bit was set */
    spin_unlock_irqrestore(&sem->lock, flags);
    for (;;) {
        set_current_state(TASK_UNINTERRUPTIBLE);
        if (__atomic_load_n(&waiter.granted, __ATOMIC_ACQUIRE))
            break;
        schedule();
    }
    set_current_state(TASK_RUNNING);
    /* the waker may still be inside wake_up_task for us */
    flags = spin_lock_irqsave(&sem->lock);
    spin_unlock_irqrestore(&sem->lock, flags);
}

static void __noinline grant_next(struct rw_semaphore *sem)
{
    u64 flags = spin_lock_irqsave(&sem->lock);

    grant_locked(sem);
    spin_unlock_irqrestore(&sem->lock, flags);
}

static inline bool try_read(struct rw_semaphore *sem)
{
    s32 count = READ_ONCE(sem->count);

    while (may_take(count, false))
        if (change(sem, &count, count + 1))
            return true;
    return false;
}

bool down_read_trylock(struct rw_semaphore *sem)
{
    if (!try_read(sem))
        return false;
    note_try(sem, __builtin_return_address(0));
    return true;
}

void down_read(struct rw_semaphore *sem)
{
    lockdep_acquire(sem, lock_name(sem), LOCK_SLEEP,
                    __builtin_return_address(0));
    if (unlikely(!try_read(sem)))
        wait_in_line(sem, false);
}

void up_read(struct rw_semaphore *sem)
{
    s32 count;

    lockdep_release(sem);
    count = __atomic_sub_fetch(&sem->count, 1, __ATOMIC_SEQ_CST);

    if (unlikely((count & RW_WAITERS) && !(count & RW_READERS)))
        grant_next(sem);
}

static inline bool try_write(struct rw_semaphore *sem)
{
    s32 count = 0;

    if (!change(sem, &count, RW_WRITER))
        return false;
    WRITE_ONCE(sem->writer, this_cpu_read(current_task));
    return true;
}

bool down_write_trylock(struct rw_semaphore *sem)
{
    if (!try_write(sem))
        return false;
    note_try(sem, __builtin_return_address(0));
    return true;
}

void down_write(struct rw_semaphore *sem)
{
    lockdep_acquire(sem, lock_name(sem), LOCK_SLEEP,
                    __builtin_return_address(0));
    if (unlikely(!try_write(sem)))
        wait_in_line(sem, true);
}

void up_write(struct rw_semaphore *sem)
{
    s32 count;

    ASSERT(sem->writer == this_cpu_read(current_task));
    lockdep_release(sem);
    WRITE_ONCE(sem->writer, NULL);
    count = __atomic_and_fetch(&sem->count, ~RW_WRITER, __ATOMIC_SEQ_CST);
    if (unlikely(count & RW_WAITERS))
        grant_next(sem);
}

void downgrade_write(struct rw_semaphore *sem)
{
    s32 count;

    WRITE_ONCE(sem->writer, NULL);
    count = __atomic_sub_fetch(&sem->count, RW_WRITER - 1, __ATOMIC_SEQ_CST);
    if (count & RW_WAITERS)
        grant_next(sem); /* readers that stand first in line */
}

bool rwsem_is_locked(const struct rw_semaphore *sem)
{
    return READ_ONCE(sem->count) & (RW_WRITER | RW_READERS);
}

bool rwsem_is_write_locked(const struct rw_semaphore *sem)
{
    return READ_ONCE(sem->count) & RW_WRITER;
}
