/*
 * kernel/task/futex_pi.c - futexes that are locks with an owner.
 *
 *     word       owner's thread number | FUTEX_WAITERS | FUTEX_OWNER_DIED
 *
 * Uncontended locks never come here.  A waiter sets FUTEX_WAITERS, so that the
 * owner must come to unlock; then the lock is handed to the waiter that has
 * waited longest, by writing its number into the word.  If the owner dies, the
 * waiter writes it, because the word may not be mapped where the owner was.
 *
 * Inheritance  There are no real-time classes here, and the fair scheduler
 *            starves nobody who holds a lock; so nothing is inherited.
 * Deadlock   each waiter knows the owner, each task the lock it waits for: the
 *            chain is walked before a wait begins.
 * Locking    bucket->lock (futex.c) > pi_lock, which covers owners and counts
 *            of all locks.  The word is touched under bucket->lock without
 *            faulting; where that fails it is touched without, and again.
 * Invariant  owner->pi_waiters counts the waiters whose pi->owner it is; a
 *            task leaves nothing behind in futex_exit_pi(), so owners need no
 *            reference.
 */
#include <kernel/task/futex_bucket.h>

#include <kernel/core/percpu.h>
#include <kernel/uapi/errno.h>
#include <linux/futex.h>

#define CHAIN_MAX 1024 /* owners that wait for owners */

struct futex_pi {
    struct task_struct *owner; /* (pi_lock) NULL once granted */
    bool granted;              /* (bucket->lock) the lock is the waiter's */
    bool by_death;             /* (bucket->lock) ... which writes the word */
};

static DEFINE_SPINLOCK(pi_lock);

/* The one whose turn it is; NULL: nobody waits.  Locks: bucket->lock. */
static struct futex_sleeper *first_waiter(struct futex_bucket *bucket,
                                          const struct futex_key *key)
{
    struct futex_sleeper *sleeper;

    list_for_each_entry(sleeper, &bucket->sleepers, link)
        if (futex_key_equal(&sleeper->key, key))
            return sleeper;
    return NULL;
}

/* Makes the word writable.  No lock held. */
static int fault_in(u32 __user *uaddr)
{
    u32 word;

    if (get_user(word, uaddr))
        return -EFAULT;
    return user_cmpxchg32(uaddr, &word, word) < 0 ? -EFAULT : 0;
}

/* 0; -EAGAIN: it is not `old` any more; -EFAULT.  Locks: bucket->lock. */
static int change_word(u32 __user *uaddr, u32 old, u32 new)
{
    int err = user_cmpxchg32(uaddr, &old, new);

    return err > 0 ? -EAGAIN : err;
}

/* Locks: pi_lock. */
static bool would_deadlock(const struct task_struct *owner)
{
    for (int i = 0; i < CHAIN_MAX; i++) {
        const struct futex_sleeper *blocked = owner->pi_blocked;

        if (owner == current)
            return true;
        if (!blocked)
            return false;
        owner = blocked->pi->owner;
    }
    return true;
}

/* The sleeper waits for `owner`, unless that makes no sense.
 * Locks: bucket->lock. */
static int attach(struct futex_sleeper *sleeper, struct task_struct *owner,
                  bool try)
{
    int err = 0;

    spin_lock(&pi_lock);
    if (owner->pi_dead)
        err = -ESRCH;
    else if (owner->kthread_fn && !owner->mm)
        err = -EPERM;
    else if (try)
        err = -EAGAIN;
    else if (would_deadlock(owner))
        err = -EDEADLK;
    if (!err) {
        sleeper->pi->owner = owner;
        owner->pi_waiters++;
        current->pi_blocked = sleeper;
    }
    spin_unlock(&pi_lock);
    return err;
}

/* The same with the owner that the word names.  Who has died since the word
 * was read may have changed it: *again. */
static int attach_to_word(struct futex_sleeper *sleeper, u32 __user *uaddr,
                          u32 word, bool try, bool *again)
{
    struct task_struct *owner = task_find_get(word & FUTEX_TID_MASK);
    int err = owner ? attach(sleeper, owner, try) : -ESRCH;
    u32 now;

    if (err == -ESRCH && !futex_read_word(uaddr, &now) && now != word)
        *again = true;
    if (owner)
        put_task(owner);
    return err;
}

/*
 * One attempt.  1: the lock is current's; 0: it waits in the bucket; *again:
 * the word has changed; -EFAULT: it was not there; or the error.
 * Locks: bucket->lock.
 */
static int lock_attempt(struct futex_sleeper *sleeper, u32 __user *uaddr,
                        bool try, bool *again)
{
    struct futex_bucket *bucket = sleeper->bucket;
    struct futex_sleeper *first = first_waiter(bucket, &sleeper->key);
    struct task_struct *owner = NULL;
    u32 word, tid, pid = current->pid;
    int err;

    if (futex_read_word(uaddr, &word))
        return -EFAULT;
    tid = word & FUTEX_TID_MASK;
    if (tid == pid)
        return -EDEADLK;
    if (first && !first->pi)
        return -EINVAL; /* sleeps on it as on a plain futex */
    if (first) {
        owner = first->pi->granted ? first->task : first->pi->owner;
        if (!first->pi->granted && !(word & FUTEX_OWNER_DIED) &&
            tid != (u32)owner->pid)
            return -EINVAL; /* ring 3 has written nonsense */
    } else if (!tid) {
        err = change_word(uaddr, word, pid | (word & FUTEX_OWNER_DIED));
        *again = err == -EAGAIN;
        return err ? err : 1;
    }
    if (!(word & FUTEX_WAITERS)) {
        err = change_word(uaddr, word, word | FUTEX_WAITERS);
        *again = err == -EAGAIN;
        if (err)
            return err;
        word |= FUTEX_WAITERS;
    }
    err = owner ? attach(sleeper, owner, try)
                : attach_to_word(sleeper, uaddr, word, try, again);
    if (err)
        return err;
    list_add_tail(&sleeper->link, &bucket->sleepers);
    set_current_state(TASK_INTERRUPTIBLE);
    return 0;
}

/*
 * The lock becomes that of `first`, whose next owner-to-be the others wait
 * for now.  Locks: bucket->lock.
 */
static void grant(struct futex_bucket *bucket, struct futex_sleeper *first,
                  bool by_death)
{
    struct task_struct *task = first->task;
    struct futex_sleeper *other;

    spin_lock(&pi_lock);
    list_for_each_entry(other, &bucket->sleepers, link) {
        if (!other->pi || !futex_key_equal(&other->key, &first->key))
            continue;
        other->pi->owner->pi_waiters--;
        if (other != first) {
            other->pi->owner = task;
            task->pi_waiters++;
        }
    }
    first->pi->owner = NULL;
    task->pi_blocked = NULL;
    spin_unlock(&pi_lock);
    first->pi->by_death = by_death;
    if (!by_death)
        list_del(&first->link);
    WRITE_ONCE(first->pi->granted, true);
    wake_up_task(task); /* needs bucket->lock to return */
}

/* Back from sleep: 0, the lock is current's; -EAGAIN: it is not, and is not
 * waited for any more; -EFAULT: again.  Locks: bucket->lock. */
static int leave(struct futex_sleeper *sleeper, u32 __user *uaddr)
{
    struct task_struct *task = current;
    u32 word;
    int err;

    if (!sleeper->pi->granted) {
        spin_lock(&pi_lock);
        sleeper->pi->owner->pi_waiters--;
        task->pi_blocked = NULL;
        spin_unlock(&pi_lock);
        list_del(&sleeper->link);
        return -EAGAIN;
    }
    if (!sleeper->pi->by_death)
        return 0;
    do {
        if (futex_read_word(uaddr, &word))
            return -EFAULT;
        err = change_word(uaddr, word,
                          task->pid | FUTEX_WAITERS | FUTEX_OWNER_DIED);
    } while (err == -EAGAIN);
    if (!err)
        list_del(&sleeper->link);
    return err;
}

/* Sleeps until the lock is current's or there is a reason not to. */
static int lock_wait(struct futex_sleeper *sleeper, u32 __user *uaddr,
                     u64 expires)
{
    struct futex_bucket *bucket = sleeper->bucket;
    bool timely = true;
    int err;

    while (!READ_ONCE(sleeper->pi->granted) && timely && !signal_pending()) {
        timely = schedule_until(expires);
        set_current_state(TASK_INTERRUPTIBLE);
    }
    set_current_state(TASK_RUNNING);
    do {
        spin_lock(&bucket->lock);
        err = leave(sleeper, uaddr);
        spin_unlock(&bucket->lock);
    } while (err == -EFAULT && !fault_in(uaddr));
    if (err == -EFAULT) { /* current's exit hands it on */
        spin_lock(&bucket->lock);
        list_del(&sleeper->link);
        spin_unlock(&bucket->lock);
    }
    if (err != -EAGAIN)
        return err;
    return timely ? -ERESTARTNOINTR : -ETIMEDOUT;
}

int futex_lock_pi(u32 __user *uaddr, bool shared, u64 expires, bool try)
{
    struct futex_pi pi = {.owner = NULL};
    struct futex_sleeper sleeper = {.task = current, .pi = &pi};
    bool again;
    int err = futex_key_make(uaddr, shared, &sleeper.key);

    if (err)
        return err;
    sleeper.bucket = futex_bucket_of(&sleeper.key);
    do {
        again = false;
        spin_lock(&sleeper.bucket->lock);
        err = lock_attempt(&sleeper, uaddr, try, &again);
        spin_unlock(&sleeper.bucket->lock);
        if (err == -EFAULT)
            again = !fault_in(uaddr);
    } while (again);
    if (err)
        return min(err, 0);
    return lock_wait(&sleeper, uaddr, expires);
}

/* Locks: bucket->lock. */
static int unlock_attempt(struct futex_bucket *bucket,
                          const struct futex_key *key, u32 __user *uaddr)
{
    struct futex_sleeper *first = first_waiter(bucket, key);
    u32 word;
    int err;

    if (futex_read_word(uaddr, &word))
        return -EFAULT;
    if ((word & FUTEX_TID_MASK) != (u32)current->pid)
        return -EPERM;
    if (!first)
        return change_word(uaddr, word, 0);
    if (!first->pi || first->pi->owner != current)
        return -EINVAL;
    err = change_word(uaddr, word, first->task->pid | FUTEX_WAITERS);
    if (!err)
        grant(bucket, first, false);
    return err;
}

int futex_unlock_pi(u32 __user *uaddr, bool shared)
{
    struct futex_bucket *bucket;
    struct futex_key key;
    u32 word;
    int err;

    if (get_user(word, uaddr))
        return -EFAULT;
    if ((word & FUTEX_TID_MASK) != (u32)current->pid)
        return -EPERM;
    err = futex_key_make(uaddr, shared, &key);
    if (err)
        return err;
    bucket = futex_bucket_of(&key);
    do {
        spin_lock(&bucket->lock);
        err = unlock_attempt(bucket, &key, uaddr);
        spin_unlock(&bucket->lock);
        if (err == -EFAULT && !fault_in(uaddr))
            err = -EAGAIN;
    } while (err == -EAGAIN);
    return err;
}

/* One that waits for a lock of `task`; NULL: none.  Locks: bucket->lock. */
static struct futex_sleeper *waiter_for(struct futex_bucket *bucket,
                                        const struct task_struct *task)
{
    struct futex_sleeper *sleeper;

    list_for_each_entry(sleeper, &bucket->sleepers, link)
        if (sleeper->pi && READ_ONCE(sleeper->pi->owner) == task)
            return sleeper;
    return NULL;
}

/* Thread exit and execve: who waits gets the locks. */
void futex_exit_pi(struct task_struct *task)
{
    u32 waiters;

    spin_lock(&pi_lock);
    task->pi_dead = task->exiting;
    waiters = task->pi_waiters;
    spin_unlock(&pi_lock);
    for (int i = 0; waiters && i < FUTEX_BUCKETS; i++) {
        struct futex_bucket *bucket = &futex_buckets[i];
        struct futex_sleeper *sleeper;

        spin_lock(&bucket->lock);
        while ((sleeper = waiter_for(bucket, task)))
            grant(bucket, first_waiter(bucket, &sleeper->key), true);
        spin_unlock(&bucket->lock);
    }
}
