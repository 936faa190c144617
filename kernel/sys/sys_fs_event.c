/*
 * kernel/sys/sys_fs_event.c - epoll and timerfd.
 */
#include <kernel/fs/epoll.h>
#include <kernel/fs/internal.h>
#include <kernel/fs/timerfd.h>
#include <kernel/task/signal.h>
#include <syscalls_gen.h>

#include <kernel/uapi/epoll.h>
#include <linux/time.h>
#include <linux/time_types.h>

static long install(struct file *file, u32 flags)
{
    int fd = fd_install(file, 0, flags & O_CLOEXEC);

    if (fd < 0)
        fput(file);
    return fd;
}

/* ---- epoll ---- */

long sys_epoll_create1(int flags)
{
    struct file *file;
    long err;

    if (flags & ~EPOLL_CLOEXEC)
        return -EINVAL;
    err = epoll_open(&file);
    return err ? err : install(file, flags);
}

long sys_epoll_create(int size)
{
    return size > 0 ? sys_epoll_create1(0) : -EINVAL;
}

long sys_epoll_ctl(int epfd, int op, int fd, const void __user *event)
{
    struct epoll_event e = {0, 0};
    struct file *ep, *file;
    long err = -EBADF;

    if (op != EPOLL_CTL_DEL && copy_from_user(&e, event, sizeof(e)))
        return -EFAULT;
    ep = fget(epfd);
    file = fget(fd);
    if (ep && file)
        err = epoll_control(ep, op, file, fd, &e);
    if (ep)
        fput(ep);
    if (file)
        fput(file);
    return err;
}

static long wait_events(int epfd, struct epoll_event __user *events, int max,
                        int timeout_ms)
{
    u64 expires = timeout_ms < 0    ? ~0ull
                  : timeout_ms == 0 ? 0
                                    : ktime_get() + timeout_ms * NSEC_PER_MSEC;
    struct file *ep;
    long n;

    if (max <= 0 || max > INT32_MAX / (int)sizeof(*events))
        return -EINVAL;
    if (!user_range_ok(events, max * sizeof(*events)))
        return -EFAULT;
    ep = fget(epfd);
    if (!ep)
        return -EBADF;
    n = epoll_collect(ep, events, max, expires);
    fput(ep);
    return n;
}

long sys_epoll_wait(int epfd, void __user *events, int maxevents,
                    int timeout_ms)
{
    return wait_events(epfd, events, maxevents, timeout_ms);
}

long sys_epoll_pwait(int epfd, void __user *events, int maxevents,
                     int timeout_ms, const void __user *sigmask, size_t setsize)
{
    long n = signal_set_user_mask(sigmask, setsize);

    if (n)
        return n;
    n = wait_events(epfd, events, maxevents, timeout_ms);
    if (n != -EINTR)
        signal_restore_user_mask();
    return n;
}

/* ---- timerfd ---- */

#define TFD_ABSTIME 1
#define TFD_CANCEL_ON_SET 2

long sys_timerfd_create(int clock, int flags)
{
    struct file *file;
    long err;

    if (flags & ~(O_CLOEXEC | O_NONBLOCK) ||
        (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC &&
         clock != CLOCK_BOOTTIME && clock != CLOCK_REALTIME_ALARM &&
         clock != CLOCK_BOOTTIME_ALARM))
        return -EINVAL;
    err = timerfd_open(clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_ALARM,
                       flags, &file);
    return err ? err : install(file, flags);
}

static struct __kernel_timespec to_timespec(u64 ns)
{
    return (struct __kernel_timespec){ns / NSEC_PER_SEC, ns % NSEC_PER_SEC};
}

static long give_times(void __user *to, const struct timerfd_times *times)
{
    struct __kernel_itimerspec spec = {to_timespec(times->interval),
                                       to_timespec(times->value)};

    return copy_to_user(to, &spec, sizeof(spec)) ? -EFAULT : 0;
}

static bool to_ns(const struct __kernel_timespec *ts, u64 *ns)
{
    if (ts->tv_sec < 0 || (u64)ts->tv_nsec >= NSEC_PER_SEC)
        return false;
    *ns = (u64)ts->tv_sec < ~0ull / NSEC_PER_SEC - 1
              ? ts->tv_sec * NSEC_PER_SEC + ts->tv_nsec
              : ~0ull;
    return true;
}

long sys_timerfd_settime(int fd, int flags, const void __user *value,
                         void __user *ovalue)
{
    struct __kernel_itimerspec spec;
    struct timerfd_times times, old;
    struct file *file;
    long err;

    if (copy_from_user(&spec, value, sizeof(spec)))
        return -EFAULT;
    if (flags & ~(TFD_ABSTIME | TFD_CANCEL_ON_SET) ||
        !to_ns(&spec.it_value, &times.value) ||
        !to_ns(&spec.it_interval, &times.interval))
        return -EINVAL;
    file = fget(fd);
    if (!file)
        return -EBADF;
    err = timerfd_set(file, flags & TFD_ABSTIME, &times, &old);
    fput(file);
    return err || !ovalue ? err : give_times(ovalue, &old);
}

long sys_timerfd_gettime(int fd, void __user *value)
{
    struct timerfd_times times;
    struct file *file = fget(fd);
    long err;

    if (!file)
        return -EBADF;
    err = timerfd_get(file, &times);
    fput(file);
    return err ? err : give_times(value, &times);
}
