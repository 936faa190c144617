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
#include <kernel/task/futex_bucket.h>

#include <kernel/core/percpu.h>
#include <kernel/sync/atomic.h>
#include <kernel/task/internal.h>
#include <kernel/uapi/errno.h>
#include <linux/futex.h>
#include <mm/uaccess.h>
#include <mm/vma.h>

#define ROBUST_LIMIT 2048 /* links followed of a list of ring 3's */
#define ROBUST_PI 1ull    /* in a link: the lock is a PI lock */

struct futex_bucket futex_buckets[FUTEX_BUCKETS];

void futex_init(void)
{
    for (int i = 0; i < FUTEX_BUCKETS; i++) {
        spin_lock_init(&futex_buckets[i].lock);
        list_init(&futex_buckets[i].sleepers);
    }
}

/* Private memory has one owner, whatever the caller says about sharing. */
static int shared_key(u32 __user *uaddr, struct futex_key *key)
{
    struct mm_struct *mm = current->mm;
    unsigned long addr = (unsigned long)uaddr;
    struct vm_area_struct *vma;
    int err = 0;
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
    /* private memory that nobody can write never changes */
    if (vma && !(vma->vm_flags & VM_WRITE) && !vma->vm_mapping)
        err = -EFAULT;
    up_read(&mm->mmap_lock);
    return err;
}

int futex_key_make(u32 __user *uaddr, bool shared, struct futex_key *key)
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
    err = futex_key_make(uaddr, shared, &key);
    if (err)
        return err;
    bucket = futex_bucket_of(&key);
    spin_lock(&bucket->lock);
    list_for_each_entry_safe(sleeper, next, &bucket->sleepers, link) {
        if (!futex_key_equal(&sleeper->key, &key))
            continue;
        if (unlikely(sleeper->pi)) {
            woken = -EINVAL; /* only the owner gives that lock away */
            break;
        }
        if (!(sleeper->bitset & bitset))
            continue;
        wake_sleeper(sleeper);
        if (++woken >= n)
            break;
    }
    spin_unlock(&bucket->lock);
    return woken;
}

/* Queues the sleeper if the word still holds `val`.  0, -EAGAIN, -EFAULT. */
static int futex_queue(struct futex_sleeper *sleeper, u32 __user *uaddr,
                       u32 val)
{
    struct futex_bucket *bucket = futex_bucket_of(&sleeper->key);
    u32 word;

    for (int tries = 0; tries < 8; tries++) {
        if (get_user(word, uaddr))
            return -EFAULT;
        if (word != val)
            return -EAGAIN;
        sleeper->bucket = bucket;
        spin_lock(&bucket->lock);
        if (!futex_read_word(uaddr, &word)) {
            if (word == val) {
                list_add_tail(&sleeper->link, &bucket->sleepers);
                set_current_state(TASK_INTERRUPTIBLE);
            }
            spin_unlock(&bucket->lock);
            return word == val ? 0 : -EAGAIN;
        }
        spin_unlock(&bucket->lock);
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
        spin_lock(&bucket->lock);
        if (sleeper->bucket == bucket) {
            list_del(&sleeper->link);
            spin_unlock(&bucket->lock);
            return true;
        }
        spin_unlock(&bucket->lock);
    }
}

int futex_wait(u32 __user *uaddr, bool shared, u32 val, u64 expires, u32 bitset)
{
    struct futex_sleeper sleeper = {.task = current, .bitset = bitset};
    bool timely = true;
    int err;

    if (!bitset)
        return -EINVAL;
    err = futex_key_make(uaddr, shared, &sleeper.key);
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
    spin_lock(&a->lock);
    if (a != b)
        spin_lock(&b->lock);
}

static void unlock_two(struct futex_bucket *a, struct futex_bucket *b)
{
    spin_unlock(&a->lock);
    if (a != b)
        spin_unlock(&b->lock);
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
    err = futex_key_make(from, shared, &key);
    if (!err)
        err = futex_key_make(to, shared, &new_key);
    if (!err && cmp && get_user(word, from))
        err = -EFAULT;
    if (err)
        return err;
    source = futex_bucket_of(&key);
    target = futex_bucket_of(&new_key);
    lock_two(source, target);
    if (cmp && (futex_read_word(from, &word) || word != *cmp)) {
        unlock_two(source, target);
        return -EAGAIN;
    }
    list_for_each_entry_safe(sleeper, next, &source->sleepers, link) {
        if (!futex_key_equal(&sleeper->key, &key))
            continue;
        if (sleeper->pi) {
            unlock_two(source, target);
            return -EINVAL;
        }
        if (woken < wake) {
            wake_sleeper(sleeper);
            woken++;
            continue;
        }
        if (moved >= move)
            break;
        if (source != target) /* else this loop would meet it again */
            list_move_tail(&sleeper->link, &target->sleepers);
        sleeper->bucket = target;
        sleeper->key = new_key;
        moved++;
    }
    unlock_two(source, target);
    return woken + moved;
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
    struct futex_key key;
    u32 old, new;
    int err, again, woken;

    err = futex_key_make(uaddr, shared, &key);
    if (!err)
        err = futex_key_make(uaddr2, shared, &key);
    if (err)
        return err;
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

/*
 * The owner of this lock has died: says so in the word, wakes one; who waits
 * for a PI lock gets it from futex_exit_pi().  A `pending` one may have been
 * unlocked without the wake that follows.
 */
static void robust_died(struct task_struct *task, u64 entry, u64 offset,
                        bool pending)
{
    u32 __user *uaddr = (u32 __user *)((entry & ~ROBUST_PI) + offset);
    bool pi = entry & ROBUST_PI;
    u32 word, new;
    int err;

    if ((unsigned long)uaddr % sizeof(u32))
        return;
    do {
        if (get_user(word, uaddr))
            return;
        if (pending && !pi && !(word & FUTEX_TID_MASK))
            futex_wake(uaddr, true, 1, FUTEX_BITSET_MATCH_ANY);
        if ((word & FUTEX_TID_MASK) != (u32)task->pid)
            return;
        new = (word & FUTEX_WAITERS) | FUTEX_OWNER_DIED;
        err = user_cmpxchg32(uaddr, &word, new);
    } while (err > 0);
    if (!err && !pi && (word & FUTEX_WAITERS))
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
        u64 entry = next;

        if (!(entry & ~ROBUST_PI) || (entry & ~ROBUST_PI) == (u64)head)
            break;
        if (get_user(next, (u64 __user *)(entry & ~ROBUST_PI)))
            return;
        if ((entry ^ pending) & ~ROBUST_PI)
            robust_died(task, entry, offset, false);
    }
    if (pending & ~ROBUST_PI)
        robust_died(task, pending, offset, true);
}
