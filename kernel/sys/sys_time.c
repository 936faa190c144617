/*
 * kernel/sys/sys_time.c - clocks, sleeping, interval timers.
 */
#include <kernel/core/time.h>
#include <kernel/lib/string.h>
#include <kernel/task/internal.h>
#include <kernel/task/itimer.h>
#include <kernel/uapi/errno.h>
#include <linux/time.h>
#include <linux/time_types.h>
#include <mm/uaccess.h>

#include <syscalls_gen.h>

#define NS_MAX (~0ull >> 1)
#define COARSE_RESOLUTION (4 * NSEC_PER_MSEC) /* what Linux says of a tick */

static int get_timespec(const void __user *from, u64 *ns)
{
    struct __kernel_timespec ts;

    if (copy_from_user(&ts, from, sizeof(ts)))
        return -EFAULT;
    if (ts.tv_sec < 0 || (u64)ts.tv_nsec >= NSEC_PER_SEC)
        return -EINVAL;
    if ((u64)ts.tv_sec >= NS_MAX / NSEC_PER_SEC)
        *ns = NS_MAX;
    else
        *ns = ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
    return 0;
}

static int put_timespec(u64 ns, void __user *to)
{
    struct __kernel_timespec ts = {ns / NSEC_PER_SEC, ns % NSEC_PER_SEC};

    return copy_to_user(to, &ts, sizeof(ts)) ? -EFAULT : 0;
}

static u64 process_cpu_time(struct task_struct *task)
{
    return cpu_time_sum(process_times(task));
}

/* A negative clock names a process or a thread: ~pid << 3 | kind. */
static int cpu_clock(int clock, u64 *ns)
{
    pid_t pid = ~clock >> 3;
    struct task_struct *task;

    if ((clock & 3) == 3) /* a clock's file descriptor */
        return -EINVAL;
    task = pid ? task_find_get(pid) : current;
    if (!task)
        return -EINVAL;
    *ns = clock & 4 ? task_runtime(task) : process_cpu_time(task);
    if (pid)
        put_task(task);
    return 0;
}

/* The time used by a process or thread that the number names, existing or
 * not; CLOCKFD's numbers name descriptors. */
static bool is_cpu_clock(int clock)
{
    return clock < 0 && (clock & 7) != 3;
}

static int clock_read(int clock, u64 *ns)
{
    switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
    case CLOCK_REALTIME_ALARM:
    case CLOCK_TAI:
        *ns = ktime_get_real();
        return 0;
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_BOOTTIME:
    case CLOCK_BOOTTIME_ALARM:
        *ns = ktime_get();
        return 0;
    case CLOCK_PROCESS_CPUTIME_ID:
        *ns = process_cpu_time(current);
        return 0;
    case CLOCK_THREAD_CPUTIME_ID:
        *ns = task_runtime(current);
        return 0;
    default:
        return clock < 0 ? cpu_clock(clock, ns) : -EINVAL;
    }
}

long sys_clock_gettime(int clock, void __user *to)
{
    u64 ns;
    int err = clock_read(clock, &ns);

    return err ? err : put_timespec(ns, to);
}

long sys_clock_getres(int clock, void __user *to)
{
    bool coarse =
        clock == CLOCK_REALTIME_COARSE || clock == CLOCK_MONOTONIC_COARSE;
    u64 ns;
    int err = clock_read(clock, &ns);

    if (err || !to)
        return err;
    return put_timespec(coarse ? COARSE_RESOLUTION : 1, to);
}

long sys_clock_settime(int clock, const void __user *from)
{
    u64 ns;
    int err;

    if (clock != CLOCK_REALTIME && !is_cpu_clock(clock))
        return -EINVAL;
    err = get_timespec(from, &ns);
    if (!err && clock != CLOCK_REALTIME)
        err = cpu_clock(clock, &ns);
    if (err)
        return err;
    if (!capable(CAP_SYS_TIME) || clock != CLOCK_REALTIME)
        return -EPERM;
    if (ns < ktime_get())
        return -EINVAL; /* the machine did not start before 1970 */
    ktime_set_real(ns);
    return 0;
}

long sys_gettimeofday(void __user *utv, void __user *utz)
{
    u64 ns = ktime_get_real();
    struct __kernel_old_timeval tv = {ns / NSEC_PER_SEC,
                                      ns % NSEC_PER_SEC / NSEC_PER_USEC};
    struct timezone tz = {0, 0};

    if (utv && copy_to_user(utv, &tv, sizeof(tv)))
        return -EFAULT;
    if (utz && copy_to_user(utz, &tz, sizeof(tz)))
        return -EFAULT;
    return 0;
}

long sys_settimeofday(const void __user *utv, const void __user *utz)
{
    struct __kernel_old_timeval tv;

    if (utv) {
        if (copy_from_user(&tv, utv, sizeof(tv)))
            return -EFAULT;
        if (tv.tv_sec < 0 || (u64)tv.tv_usec >= 1000000)
            return -EINVAL;
    }
    if (!capable(CAP_SYS_TIME))
        return -EPERM;
    if (utv)
        ktime_set_real(tv.tv_sec * NSEC_PER_SEC + tv.tv_usec * NSEC_PER_USEC);
    return 0;
}

long sys_time(void __user *tloc)
{
    long now = ktime_get_real() / NSEC_PER_SEC;

    if (tloc && put_user(now, (long __user *)tloc))
        return -EFAULT;
    return now;
}

/* Until `expires` (ktime): 0, or -EINTR. */
static int sleep_until(u64 expires)
{
    for (;;) {
        set_current_state(TASK_INTERRUPTIBLE);
        if (signal_pending()) {
            set_current_state(TASK_RUNNING);
            return -EINTR;
        }
        if (!schedule_until(expires))
            return 0;
    }
}

static long sleep_and_tell(u64 expires, void __user *rem);

static long sleep_restart(struct restart_block *block)
{
    return sleep_and_tell(block->expires, (void __user *)block->arg[0]);
}

/* A relative sleep: what is left goes to *rem, and the call can go on. */
static long sleep_and_tell(u64 expires, void __user *rem)
{
    struct restart_block *block = &current->restart;
    u64 now;

    if (!sleep_until(expires))
        return 0;
    now = ktime_get();
    if (now >= expires)
        return 0;
    if (rem && put_timespec(expires - now, rem))
        return -EFAULT;
    block->fn = sleep_restart;
    block->expires = expires;
    block->arg[0] = (u64)rem;
    return -ERESTART_RESTARTBLOCK;
}

static u64 deadline(u64 ns)
{
    u64 now = ktime_get();

    return ns > NS_MAX - now ? NS_MAX : now + ns;
}

long sys_nanosleep(const void __user *req, void __user *rem)
{
    u64 ns;
    int err = get_timespec(req, &ns);

    return err ? err : sleep_and_tell(deadline(ns), rem);
}

/* The moment of an absolute time on ktime_get's scale. */
static u64 absolute_deadline(int clock, u64 ns)
{
    u64 offset;

    if (clock != CLOCK_REALTIME && clock != CLOCK_TAI)
        return ns;
    offset = ktime_get_real() - ktime_get();
    return ns > offset ? ns - offset : 0;
}

/* Until the process has had that much of the CPU. */
static long sleep_cpu_time(u64 target)
{
    u64 spent;

    while ((spent = process_cpu_time(current)) < target)
        if (sleep_until(deadline(target - spent)))
            return -ERESTARTNOHAND;
    return 0;
}

long sys_clock_nanosleep(int clock, int flags, const void __user *req,
                         void __user *rem)
{
    u64 ns, now;
    int err;

    if (clock < 0 ? !is_cpu_clock(clock) : clock_read(clock, &now))
        return clock < 0 ? -EOPNOTSUPP : -EINVAL;
    if (clock == CLOCK_THREAD_CPUTIME_ID || clock == CLOCK_MONOTONIC_RAW ||
        clock == CLOCK_REALTIME_COARSE || clock == CLOCK_MONOTONIC_COARSE)
        return -EOPNOTSUPP;
    err = get_timespec(req, &ns);
    if (err)
        return err;
    if (clock < 0)
        return clock_read(clock, &now) ? -EINVAL : -EOPNOTSUPP;
    if (clock == CLOCK_PROCESS_CPUTIME_ID)
        return sleep_cpu_time(flags & TIMER_ABSTIME ? ns : now + ns);
    if (!(flags & TIMER_ABSTIME))
        return sleep_and_tell(deadline(ns), rem);
    err = sleep_until(absolute_deadline(clock, ns));
    return err ? -ERESTARTNOHAND : 0;
}

static void value_to_user(const struct itimer_value *value,
                          struct __kernel_old_itimerval *it)
{
    it->it_value.tv_sec = value->left / NSEC_PER_SEC;
    it->it_value.tv_usec = value->left % NSEC_PER_SEC / NSEC_PER_USEC;
    it->it_interval.tv_sec = value->interval / NSEC_PER_SEC;
    it->it_interval.tv_usec = value->interval % NSEC_PER_SEC / NSEC_PER_USEC;
}

static int value_from_user(struct itimer_value *value,
                           const struct __kernel_old_itimerval *it)
{
    if (it->it_value.tv_sec < 0 || (u64)it->it_value.tv_usec >= 1000000 ||
        it->it_interval.tv_sec < 0 || (u64)it->it_interval.tv_usec >= 1000000)
        return -EINVAL;
    value->left = min((u64)it->it_value.tv_sec, NS_MAX / NSEC_PER_SEC / 4) *
                      NSEC_PER_SEC +
                  it->it_value.tv_usec * NSEC_PER_USEC;
    value->interval =
        min((u64)it->it_interval.tv_sec, NS_MAX / NSEC_PER_SEC / 4) *
            NSEC_PER_SEC +
        it->it_interval.tv_usec * NSEC_PER_USEC;
    return 0;
}

long sys_getitimer(int which, void __user *to)
{
    struct __kernel_old_itimerval it;
    struct itimer_value value;

    if (which < ITIMER_REAL || which > ITIMER_PROF)
        return -EINVAL;
    itimer_get(which, &value);
    value_to_user(&value, &it);
    return copy_to_user(to, &it, sizeof(it)) ? -EFAULT : 0;
}

long sys_setitimer(int which, const void __user *from, void __user *to)
{
    struct __kernel_old_itimerval it, old;
    struct itimer_value value = {0, 0};

    if (from) {
        if (copy_from_user(&it, from, sizeof(it)))
            return -EFAULT;
        if (value_from_user(&value, &it))
            return -EINVAL;
    }
    if (which < ITIMER_REAL || which > ITIMER_PROF)
        return -EINVAL;
    if (to) {
        struct itimer_value before;

        itimer_get(which, &before);
        value_to_user(&before, &old);
    }
    itimer_set(which, &value);
    return to && copy_to_user(to, &old, sizeof(old)) ? -EFAULT : 0;
}

long sys_alarm(unsigned int seconds)
{
    struct itimer_value value = {seconds * NSEC_PER_SEC, 0}, old;

    itimer_get(ITIMER_REAL, &old);
    itimer_set(ITIMER_REAL, &value);
    /* Rounded, but a pending one never reads as none. */
    if (old.left && old.left < NSEC_PER_SEC)
        return 1;
    return (old.left + NSEC_PER_SEC / 2) / NSEC_PER_SEC;
}
