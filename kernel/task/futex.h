/*
 * kernel/task/futex.h - sleeping on a word of ring 3.
 */
#pragma once

#include <kernel/lib/types.h>

#define FUTEX_NO_TIMEOUT ~0ull

/* Each takes linux/futex.h's FUTEX_PRIVATE_FLAG as `shared` == false.
 * expires: ktime. */
int futex_wait(u32 __user *uaddr, bool shared, u32 val, u64 expires,
               u32 bitset);
int futex_wake(u32 __user *uaddr, bool shared, int n, u32 bitset);
/* cmp: *uaddr must hold *cmp, else -EAGAIN; NULL: do not look. */
int futex_requeue(u32 __user *from, u32 __user *to, bool shared, int wake,
                  int move, const u32 *cmp);
int futex_wake_op(u32 __user *uaddr, u32 __user *uaddr2, bool shared, int n,
                  int n2, u32 op);

/* Locks whose word holds the owner's thread number.  try: does not wait.
 * 0; -EDEADLK, -ESRCH (the owner is gone), -EAGAIN (try), -EINVAL, -EPERM,
 * -EFAULT, -ETIMEDOUT, -ERESTARTNOINTR. */
int futex_lock_pi(u32 __user *uaddr, bool shared, u64 expires, bool try);
int futex_unlock_pi(u32 __user *uaddr, bool shared);
