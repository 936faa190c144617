/*
 * kernel/sys/sys_futex.c - futex(2): operations and timeouts decoded.
 */
#include <kernel/core/time.h>
#include <kernel/task/futex.h>
#include <kernel/task/task.h>
#include <kernel/uapi/errno.h>
#include <linux/futex.h>
#include <linux/time_types.h>
#include <mm/uaccess.h>

#include <syscalls_gen.h>

/* FUTEX_WAIT's count from now, the others' are moments: FUTEX_LOCK_PI's of
 * CLOCK_REALTIME, the rest's of the clock that is asked for. */
static int futex_deadline(int op, unsigned long timeout, u64 *expires)
{
    int cmd = op & FUTEX_CMD_MASK;
    struct __kernel_timespec ts;
    u64 ns;

    *expires = FUTEX_NO_TIMEOUT;
    if (!timeout)
        return 0;
    if (copy_from_user(&ts, (void __user *)timeout, sizeof(ts)))
        return -EFAULT;
    if (ts.tv_sec < 0 || (u64)ts.tv_nsec >= NSEC_PER_SEC)
        return -EINVAL;
    ns = ts.tv_sec > 1l << 33 ? FUTEX_NO_TIMEOUT - 1
                              : ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
    if (cmd == FUTEX_WAIT)
        ns += min(ktime_get(), FUTEX_NO_TIMEOUT - 1 - ns);
    else if (op & FUTEX_CLOCK_REALTIME || cmd == FUTEX_LOCK_PI)
        ns -= min(ns, ktime_get_real() - ktime_get());
    *expires = ns;
    return 0;
}

static long futex_restart(struct restart_block *block)
{
    return futex_wait((u32 __user *)block->arg[0], block->arg[1], block->arg[2],
                      block->expires, block->arg[3]);
}

static long do_futex_wait(u32 __user *uaddr, int op, u32 val, u64 expires,
                          u32 bitset)
{
    struct restart_block *block = &current->restart;
    bool shared = !(op & FUTEX_PRIVATE_FLAG);
    int err;

    err = futex_wait(uaddr, shared, val, expires, bitset);
    if (err != -ERESTARTSYS || expires == FUTEX_NO_TIMEOUT)
        return err;
    *block = (struct restart_block){
        futex_restart, expires, {(u64)uaddr, shared, val, bitset}};
    return -ERESTART_RESTARTBLOCK;
}

long sys_futex(void __user *uaddr, int op, unsigned int val,
               unsigned long timeout, void __user *uaddr2, unsigned int val3)
{
    int cmd = op & FUTEX_CMD_MASK;
    bool shared = !(op & FUTEX_PRIVATE_FLAG);
    u64 expires = FUTEX_NO_TIMEOUT;
    int err = 0;

    if (cmd == FUTEX_WAIT || cmd == FUTEX_WAIT_BITSET || cmd == FUTEX_LOCK_PI ||
        cmd == FUTEX_LOCK_PI2)
        err = futex_deadline(op, timeout, &expires);
    if (err)
        return err;
    if ((op & FUTEX_CLOCK_REALTIME) && cmd != FUTEX_WAIT_BITSET &&
        cmd != FUTEX_LOCK_PI2)
        return -ENOSYS;
    switch (cmd) {
    case FUTEX_WAIT:
        val3 = FUTEX_BITSET_MATCH_ANY;
        /* fall through */
    case FUTEX_WAIT_BITSET:
        return do_futex_wait(uaddr, op, val, expires, val3);
    case FUTEX_WAKE:
        val3 = FUTEX_BITSET_MATCH_ANY;
        /* fall through */
    case FUTEX_WAKE_BITSET:
        return futex_wake(uaddr, shared, val, val3);
    case FUTEX_REQUEUE:
        return futex_requeue(uaddr, uaddr2, shared, val, timeout, NULL);
    case FUTEX_CMP_REQUEUE:
        return futex_requeue(uaddr, uaddr2, shared, val, timeout, &val3);
    case FUTEX_WAKE_OP:
        return futex_wake_op(uaddr, uaddr2, shared, val, timeout, val3);
    case FUTEX_LOCK_PI:
    case FUTEX_LOCK_PI2:
        return futex_lock_pi(uaddr, shared, expires, false);
    case FUTEX_TRYLOCK_PI:
        return futex_lock_pi(uaddr, shared, expires, true);
    case FUTEX_UNLOCK_PI:
        return futex_unlock_pi(uaddr, shared);
    default:
        return -ENOSYS;
    }
}
