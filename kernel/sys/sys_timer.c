/*
 * kernel/sys/sys_timer.c - timer_create(2) and its family.
 */
#include <kernel/core/time.h>
#include <kernel/lib/string.h>
#include <kernel/task/internal.h>
#include <kernel/task/ptimer.h>
#include <kernel/uapi/errno.h>
#include <linux/time.h>
#include <linux/time_types.h>
#include <mm/uaccess.h>

#include <syscalls_gen.h>

#define NS_MAX (~0ull >> 1)

#define EVENT_SIGNAL 0 /* asm-generic/siginfo.h SIGEV_* */
#define EVENT_NONE 1
#define EVENT_THREAD 2
#define EVENT_THREAD_ID 4

struct user_event { /* struct sigevent */
    u64 value;
    s32 sig;
    s32 notify;
    s32 tid;
    s32 rest[11];
};

static int event_check(struct ptimer_event *event,
                       const struct user_event *from)
{
    const struct user_event in = *from;

    memset(event, 0, sizeof(*event));
    event->notify = in.notify & ~EVENT_THREAD_ID;
    event->sig = in.sig;
    event->value = in.value;
    if (event->notify > EVENT_THREAD || in.notify & ~7)
        return -EINVAL;
    if (event->notify != EVENT_NONE && (in.sig < 1 || in.sig > 64))
        return -EINVAL;
    if (in.notify != EVENT_THREAD_ID)
        return in.notify & EVENT_THREAD_ID ? -EINVAL : 0;
    event->thread = task_find_get(in.tid);
    if (!event->thread)
        return -EINVAL;
    if (event->thread->signal != current->signal) {
        put_task(event->thread);
        return -EINVAL;
    }
    return 0;
}

/* A negative clock: ~pid << 3, 4 for a thread's, and which of its times. */
static int cpu_clock_get(int number, struct ptimer_clock *clock)
{
    pid_t pid = ~(u32)number >> 3;
    struct task_struct *task;

    if ((number & 3) == 3)
        return -EINVAL;
    clock->cpu = true;
    task = task_find_get(pid ? pid : number & 4 ? current->pid : current->tgid);
    if (!task)
        return -EINVAL;
    if (task->signal == current->signal && number & 4) {
        clock->thread = task;
        return 0;
    }
    put_task(task);
    return task == current->signal->leader ? 0 : -EINVAL;
}

/* 0, -EINVAL, or -EOPNOTSUPP. */
static int clock_get(int number, struct ptimer_clock *clock)
{
    *clock = (struct ptimer_clock){.offset = 0};
    switch (number) {
    case CLOCK_MONOTONIC:
    case CLOCK_BOOTTIME:
    case CLOCK_BOOTTIME_ALARM: /* the machine never sleeps */
        return 0;
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_ALARM:
    case CLOCK_TAI:
        clock->offset = ktime_get_real() - ktime_get();
        return 0;
    case CLOCK_PROCESS_CPUTIME_ID:
        clock->cpu = true;
        return 0;
    case CLOCK_THREAD_CPUTIME_ID:
        clock->cpu = true;
        clock->thread = current;
        get_task(current);
        return 0;
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_REALTIME_COARSE:
    case CLOCK_MONOTONIC_COARSE:
        return -EOPNOTSUPP;
    default:
        return number < 0 ? cpu_clock_get(number, clock) : -EINVAL;
    }
}

/* in NULL: SIGALRM. */
static long create(const struct ptimer_clock *clock,
                   const struct user_event *in, void __user *uid)
{
    struct ptimer_event event = {.thread = NULL};
    int id, err;

    if (in) {
        err = event_check(&event, in);
        if (err)
            return err;
    }
    id = ptimer_create(in ? &event : NULL, clock);
    if (id < 0 && event.thread)
        put_task(event.thread);
    if (id < 0)
        return id;
    if (put_user(id, (int __user *)uid)) {
        if (clock->thread)
            get_task(clock->thread); /* the caller's goes with an error */
        ptimer_delete(id);
        return -EFAULT;
    }
    return 0;
}

long sys_timer_create(int number, const void __user *uevent, void __user *uid)
{
    struct ptimer_clock clock;
    struct user_event in;
    long err;

    if (uevent && copy_from_user(&in, uevent, sizeof(in)))
        return -EFAULT;
    if (number < 0 && (number & 7) == 3)
        return -EOPNOTSUPP; /* a clock behind a descriptor */
    if (number < 0 && put_user(0, (int __user *)uid))
        return -EFAULT; /* whose CPU time it is shows last */
    err = clock_get(number, &clock);
    if (err)
        return err;
    err = create(&clock, uevent ? &in : NULL, uid);
    if (err && clock.thread)
        put_task(clock.thread);
    return err;
}

long sys_timer_delete(int id)
{
    return ptimer_delete(id);
}

long sys_timer_getoverrun(int id)
{
    return ptimer_overrun(id);
}

static void to_timespec(u64 ns, struct __kernel_timespec *ts)
{
    ts->tv_sec = ns / NSEC_PER_SEC;
    ts->tv_nsec = ns % NSEC_PER_SEC;
}

static int from_timespec(const struct __kernel_timespec *ts, u64 *ns)
{
    if (ts->tv_sec < 0 || (u64)ts->tv_nsec >= NSEC_PER_SEC)
        return -EINVAL;
    *ns = NS_MAX;
    if ((u64)ts->tv_sec < NS_MAX / NSEC_PER_SEC)
        *ns = ts->tv_sec * NSEC_PER_SEC + ts->tv_nsec;
    return 0;
}

static int put_value(const struct ptimer_value *value, void __user *to)
{
    struct __kernel_itimerspec it;

    to_timespec(value->left, &it.it_value);
    to_timespec(value->interval, &it.it_interval);
    return copy_to_user(to, &it, sizeof(it)) ? -EFAULT : 0;
}

long sys_timer_gettime(int id, void __user *to)
{
    struct ptimer_value value;
    int err = ptimer_get(id, &value);

    return err ? err : put_value(&value, to);
}

long sys_timer_settime(int id, int flags, const void __user *from,
                       void __user *to)
{
    struct __kernel_itimerspec it;
    struct ptimer_value value, old;
    int err;

    if (!from)
        return -EINVAL;
    if (copy_from_user(&it, from, sizeof(it)))
        return -EFAULT;
    if (from_timespec(&it.it_value, &value.left) ||
        from_timespec(&it.it_interval, &value.interval))
        return -EINVAL;
    err = ptimer_set(id, flags & TIMER_ABSTIME, &value, &old);
    if (err)
        return err;
    return to ? put_value(&old, to) : 0;
}
