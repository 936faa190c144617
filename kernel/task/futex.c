/*
 * kernel/task/futex.c - futex(2): sleeping on a word of ring 3.
 *
 * Key        (mm, address) in private memory; in a shared mapping the file's
 *            page cache and the offset in the file, so that every mapping of
 *            the file finds the same sleepers.
 * Structure  BUCKETS hashed lists of sleepers, each with a spinlock.
 * Protocol   a sleeper queues itself under the bucket's lock and then compares
 *            the word with the lock still held; a waker changes the word
 *            first and takes the lock after.  The word may not be in memory:
 *            it is touched before, without the lock, and read under it
 *            without faulting; if that fails, again.
 * Cost       O(sleepers in the bucket); a wake with nobody there is one lock.
 * Locking    two buckets are locked in order of their addresses.
 */
#include <kernel/task/futex.h>

#include <kernel/core/percpu.h>
#include <kernel/sync/atomic.h>
#include <kernel/task/internal.h>
#include <kernel/uapi/errno.h>
#include <linux/futex.h>
#include <mm/uaccess.h>
#include <mm/vma.h>

#define BUCKETS 64
#define ROBUST_LIMIT 2048 /* links followed of a list of ring 3's */

struct futex_key {
    u64 object; /* mm, or mapping */
    u64 offset; /* address, or offset in the file */
};

struct futex_bucket {
    spinlock_t lock;
    struct list_head sleepers;
};

struct futex_sleeper {
    struct list_head link;       /* (bucket->lock) empty: woken */
    struct futex_bucket *bucket; /* changes with both buckets locked */
    struct futex_key key;
    struct task_struct *task;
    u32 bitset;
};

static struct futex_bucket buckets[BUCKETS];

void futex_init(void)
{
    for (int i = 0; i < BUCKETS; i++) {
        spin_lock_init(&buckets[i].lock);
        list_init(&buckets[i].sleepers);
    }
}

static struct futex_bucket *bucket_of(const struct futex_key *key)
{
    u64 hash = (key->object ^ key->offset >> 2) * 0x9e3779b97f4a7c15ull;

    return &buckets[hash >> 58];
}

static bool key_equal(const struct futex_key *a, const struct futex_key *b)
{
    return a->object == b->object && a->offset == b->offset;
}

/* Private memory has one owner, whatever the caller says about sharing. */
static int shared_key(u32 __user *uaddr, struct futex_key *key)
{
    struct mm_struct *mm = current->mm;
    unsigned long addr = (unsigned long)uaddr;
    struct vm_area_struct *vma;
    u32 word;

    if (get_user(word, uaddr))
        return -EFAULT;
    (void)word;
    key->object = (u64)mm;
    key->offset = addr;
    down_read(&mm->mmap_lock);
    vma = find_vma(mm, addr);
    if (vma && vma->vm_start <= addr && (vma->vm_flags & VM_SHARED) &&
        vma->vm_mapping) {
        key->object = (u64)vma->vm_mapping;
        key->offset =
            (vma_pgoff(vma, addr) << PAGE_SHIFT) + (addr & ~PAGE_MASK);
    }
    up_read(&mm->mmap_lock);
    return 0;
}

static int key_make(u32 __user *uaddr, bool shared, struct futex_key *key)
{
    if ((unsigned long)uaddr % sizeof(u32))
        return -EINVAL;
    if (!access_ok(uaddr, sizeof(u32)))
        return -EFAULT;
    if (shared)
        return shared_key(uaddr, key);
    key->object = (u64)current->mm;
    key->offset = (u64)uaddr;
    return 0;
}

static void bucket_lock(struct futex_bucket *bucket)
{
    spin_lock(&bucket->lock);
}

static void bucket_unlock(struct futex_bucket *bucket)
{
    spin_unlock(&bucket->lock);
}

/* Takes it off its list; its task may return and end right after. */
static void wake_sleeper(struct futex_sleeper *sleeper)
{
    struct task_struct *task = sleeper->task;

    get_task(task);
    list_del(&sleeper->link);
    smp_store_release(&sleeper->bucket, NULL);
    wake_up_task(task);
    put_task(task);
}

int futex_wake(u32 __user *uaddr, bool shared, int n, u32 bitset)
{
    struct futex_sleeper *sleeper, *next;
    struct futex_bucket *bucket;
    struct futex_key key;
    int woken = 0, err;

    if (!bitset)
        return -EINVAL;
    err = key_make(uaddr, shared, &key);
    if (err)
        return err;
    bucket = bucket_of(&key);
    bucket_lock(bucket);
    list_for_each_entry_safe(sleeper, next, &bucket->sleepers, link) {
        if (!key_equal(&sleeper->key, &key) || !(sleeper->bitset & bitset))
            continue;
        wake_sleeper(sleeper);
        if (++woken >= n)
            break;
    }
    bucket_unlock(bucket);
    return woken;
}

/* Reads the word while a spinlock is held: a fault is not served. */
static int read_word(u32 __user *uaddr, u32 *word)
{
    return copy_from_user(word, uaddr, sizeof(*word)) ? -EFAULT : 0;
}

/* Queues the sleeper if the word still holds `val`.  0, -EAGAIN, -EFAULT. */
static int futex_queue(struct futex_sleeper *sleeper, u32 __user *uaddr,
                       u32 val)
{
    struct futex_bucket *bucket = bucket_of(&sleeper->key);
    u32 word;

    for (int tries = 0; tries < 8; tries++) {
        if (get_user(word, uaddr))
            return -EFAULT;
        if (word != val)
            return -EAGAIN;
        sleeper->bucket = bucket;
        bucket_lock(bucket);
        if (!read_word(uaddr, &word)) {
            if (word == val) {
                list_add_tail(&sleeper->link, &bucket->sleepers);
                set_current_state(TASK_INTERRUPTIBLE);
            }
            bucket_unlock(bucket);
            return word == val ? 0 : -EAGAIN;
        }
        bucket_unlock(bucket);
    }
    return -EFAULT;
}

/* Off the list, whichever it is on by now.  Whether it was still on one. */
static bool futex_unqueue(struct futex_sleeper *sleeper)
{
    for (;;) {
        struct futex_bucket *bucket = smp_load_acquire(&sleeper->bucket);

        if (!bucket)
            return false;
        bucket_lock(bucket);
        if (sleeper->bucket == bucket) {
            list_del(&sleeper->link);
            bucket_unlock(bucket);
            return true;
        }
        bucket_unlock(bucket);
    }
}

int futex_wait(u32 __user *uaddr, bool shared, u32 val, u64 expires, u32 bitset)
{
    struct futex_sleeper sleeper = {.task = current, .bitset = bitset};
    bool timely = true;
    int err;

    if (!bitset)
        return -EINVAL;
    err = key_make(uaddr, shared, &sleeper.key);
    if (!err)
        err = futex_queue(&sleeper, uaddr, val);
    if (err)
        return err;
    while (smp_load_acquire(&sleeper.bucket) && timely && !signal_pending()) {
        timely = schedule_until(expires);
        set_current_state(TASK_INTERRUPTIBLE);
    }
    set_current_state(TASK_RUNNING);
    if (!futex_unqueue(&sleeper))
        return 0;
    return timely ? -ERESTARTSYS : -ETIMEDOUT;
}

static void lock_two(struct futex_bucket *a, struct futex_bucket *b)
{
    if (a > b) {
        struct futex_bucket *swap = a;

        a = b;
        b = swap;
    }
    bucket_lock(a);
    if (a != b)
        bucket_lock(b);
}

static void unlock_two(struct futex_bucket *a, struct futex_bucket *b)
{
    bucket_unlock(a);
    if (a != b)
        bucket_unlock(b);
}

int futex_requeue(u32 __user *from, u32 __user *to, bool shared, int wake,
                  int move, const u32 *cmp)
{
    struct futex_sleeper *sleeper, *next;
    struct futex_bucket *source, *target;
    struct futex_key key, new_key;
    int woken = 0, moved = 0, err;
    u32 word = 0;

    if (wake < 0 || move < 0)
        return -EINVAL;
    err = key_make(from, shared, &key);
    if (!err)
        err = key_make(to, shared, &new_key);
    if (!err && cmp && get_user(word, from))
        err = -EFAULT;
    if (err)
        return err;
    source = bucket_of(&key);
    target = bucket_of(&new_key);
    lock_two(source, target);
    if (cmp && (read_word(from, &word) || word != *cmp)) {
        unlock_two(source, target);
        return -EAGAIN;
    }
    list_for_each_entry_safe(sleeper, next, &source->sleepers, link) {
        if (!key_equal(&sleeper->key, &key))
            continue;
        if (woken < wake) {
            wake_sleeper(sleeper);
            woken++;
            continue;
        }
        if (moved >= move)
            break;
        list_move_tail(&sleeper->link, &target->sleepers);
        sleeper->bucket = target;
        sleeper->key = new_key;
        moved++;
    }
    unlock_two(source, target);
    return cmp ? woken + moved : woken;
}

/* linux/futex.h: what FUTEX_WAKE_OP does with the second word. */
static int apply_op(u32 op, u32 old, u32 *new)
{
    u32 arg = (s32)(op << 8) >> 20;

    if (op >> 28 & FUTEX_OP_OPARG_SHIFT)
        arg = 1u << (arg & 31);
    switch (op >> 28 & 7) {
    case FUTEX_OP_SET:
        *new = arg;
        return 0;
    case FUTEX_OP_ADD:
        *new = old + arg;
        return 0;
    case FUTEX_OP_OR:
        *new = old | arg;
        return 0;
    case FUTEX_OP_ANDN:
        *new = old & ~arg;
        return 0;
    case FUTEX_OP_XOR:
        *new = old ^ arg;
        return 0;
    default:
        return -ENOSYS;
    }
}

static int compare_op(u32 op, s32 old)
{
    s32 arg = (s32)(op << 20) >> 20;

    switch (op >> 24 & 15) {
    case FUTEX_OP_CMP_EQ:
        return old == arg;
    case FUTEX_OP_CMP_NE:
        return old != arg;
    case FUTEX_OP_CMP_LT:
        return old < arg;
    case FUTEX_OP_CMP_LE:
        return old <= arg;
    case FUTEX_OP_CMP_GT:
        return old > arg;
    case FUTEX_OP_CMP_GE:
        return old >= arg;
    default:
        return -ENOSYS;
    }
}

int futex_wake_op(u32 __user *uaddr, u32 __user *uaddr2, bool shared, int n,
                  int n2, u32 op)
{
    u32 old, new;
    int err, again, woken;

    if ((unsigned long)uaddr2 % sizeof(u32))
        return -EINVAL;
    do {
        if (get_user(old, uaddr2))
            return -EFAULT;
        err = apply_op(op, old, &new);
        if (err)
            return err;
        err = user_cmpxchg32(uaddr2, &old, new);
        if (err < 0)
            return err;
    } while (err);
    again = compare_op(op, old);
    if (again < 0)
        return again;
    woken = futex_wake(uaddr, shared, n, FUTEX_BITSET_MATCH_ANY);
    if (woken < 0 || !again)
        return woken;
    err = futex_wake(uaddr2, shared, n2, FUTEX_BITSET_MATCH_ANY);
    return err < 0 ? err : woken + err;
}

/* The owner of this lock has died: says so in the word, wakes one. */
static void robust_died(struct task_struct *task, u32 __user *uaddr)
{
    u32 word, new;
    int err;

    if ((unsigned long)uaddr % sizeof(u32))
        return;
    do {
        if (get_user(word, uaddr) || (word & FUTEX_TID_MASK) != (u32)task->pid)
            return;
        new = (word & FUTEX_WAITERS) | FUTEX_OWNER_DIED;
        err = user_cmpxchg32(uaddr, &word, new);
    } while (err > 0);
    if (!err && (word & FUTEX_WAITERS))
        futex_wake(uaddr, true, 1, FUTEX_BITSET_MATCH_ANY);
}

void futex_exit_robust(struct task_struct *task)
{
    u64 __user *head = task->robust_list.head;
    u64 next, offset, pending = 0;

    if (!head)
        return;
    task->robust_list.head = NULL;
    if (get_user(next, head) || get_user(offset, head + 1) ||
        get_user(pending, head + 2))
        return;
    for (int i = 0; i < ROBUST_LIMIT; i++) {
        u64 entry = next & ~1ull; /* bit 0: a PI lock */

        if (!entry || entry == (u64)head)
            break;
        if (get_user(next, (u64 __user *)entry))
            return;
        if (entry != (pending & ~1ull))
            robust_died(task, (u32 __user *)(entry + offset));
    }
    if (pending & ~1ull)
        robust_died(task, (u32 __user *)((pending & ~1ull) + offset));
}
