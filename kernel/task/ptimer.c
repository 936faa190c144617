/*
 * kernel/task/ptimer.c - POSIX timers: any number per process, each with a
 * signal of its own.
 *
 * Structure  a list in signal_struct, in order of creation; numbers are small
 *            and used again.
 * Expiry     in interrupt context, which sends the signal and sets the timer
 *            again; of a timer on a CPU clock, in cputime.c's tick.  Expiries
 *            that find the last one's signal still pending are counted
 *            instead: its overrun, told when it is delivered.
 * Locking    sighand->lock of the process covers the list and the figures;
 *            an expiry takes it to look and drops it to send.
 */
#include <kernel/task/ptimer.h>

#include <kernel/lib/string.h>
#include <kernel/task/internal.h>
#include <kernel/task/sigset.h>
#include <kernel/uapi/errno.h>
#include <mm/slab.h>

#define TIMERS_MAX 256                     /* of a process */
#define INTERVAL_MIN (100 * NSEC_PER_USEC) /* between two interrupts */
#define OVERRUNS_MAX 0x7fffffffull         /* DELAYTIMER_MAX */

#define SIGEV_NONE 1 /* asm-generic/siginfo.h */

struct ptimer {
    struct list_head link;
    struct timer timer;
    struct signal_struct *signal;
    struct ptimer_event event;
    int id;
    struct ptimer_clock clock; /* (c) */
    u64 target;                /* of a CPU clock; 0: not running */
    u64 interval;
    int missed;  /* expiries while the signal was pending */
    int overrun; /* of the signal delivered last */
};

static u64 lock(struct signal_struct *signal)
{
    return spin_lock_irqsave(&signal->leader->sighand->lock);
}

static void unlock(struct signal_struct *signal, u64 flags)
{
    spin_unlock_irqrestore(&signal->leader->sighand->lock, flags);
}

/* Real-time signals queue: one of another timer is not this one's. */
static bool still_pending(const struct ptimer *pt)
{
    const struct sigpending *pending = pt->event.thread
                                           ? &pt->event.thread->pending
                                           : &pt->signal->shared_pending;

    const struct sigqueue *q;

    if (!(pending->set & sig_bit(pt->event.sig)) || pt->event.sig < 32)
        return pending->set & sig_bit(pt->event.sig);
    list_for_each_entry(q, &pending->queue, link)
        if (q->info.si_signo == pt->event.sig && q->info.si_code == SI_TIMER &&
            q->info.si_tid == pt->id)
            return true;
    return false;
}

/* Whether a signal is to be sent now, which *info then describes; if the last
 * one is still pending it only counts. */
static bool expired_locked(struct ptimer *pt, siginfo_t *info)
{
    if (pt->event.notify == SIGEV_NONE)
        return false;
    if (still_pending(pt)) {
        pt->missed++;
        return false;
    }
    siginfo_clear(info);
    info->si_code = SI_TIMER;
    info->si_tid = pt->id;
    info->si_ptr = (void *)pt->event.value;
    return true;
}

static void send_event(const struct ptimer_event *event,
                       struct signal_struct *signal, const siginfo_t *info)
{
    if (event->thread)
        send_signal_thread(event->sig, info, event->thread);
    else
        send_signal(event->sig, info, signal->leader);
}

static void expire(struct timer *timer)
{
    struct ptimer *pt = container_of(timer, struct ptimer, timer);
    siginfo_t info;
    u64 extra, flags = lock(pt->signal);
    bool send = expired_locked(pt, &info);

    if (pt->interval) {
        extra = timer_missed(timer, pt->interval);
        if (pt->interval < INTERVAL_MIN) /* these are only counted */
            extra = max(extra, INTERVAL_MIN / pt->interval);
        pt->missed = min(pt->missed + extra, OVERRUNS_MAX);
        timer_add(timer, timer->expires + (extra + 1) * pt->interval);
    }
    unlock(pt->signal, flags);
    if (send)
        send_event(&pt->event, pt->signal, &info);
}

/* What a CPU clock says.  Locks: sighand->lock. */
static u64 cpu_now_locked(const struct ptimer *pt)
{
    if (pt->clock.thread)
        return task_runtime(pt->clock.thread);
    return cpu_time_sum(process_times_locked(pt->signal));
}

/* Whether a signal is due.  Locks: sighand->lock. */
static bool check_locked(struct ptimer *pt, u64 spent, siginfo_t *info)
{
    u64 extra;

    if (!pt->target)
        return false;
    if (pt->clock.thread)
        spent = task_runtime(pt->clock.thread);
    if (spent < pt->target)
        return false;
    if (pt->interval) {
        extra = (spent - pt->target) / pt->interval;
        pt->missed += extra;
        pt->target += (extra + 1) * pt->interval;
    } else {
        pt->target = 0;
    }
    return expired_locked(pt, info);
}

void ptimers_check(struct signal_struct *signal, struct cpu_time spent)
{
    struct ptimer_event event;
    struct ptimer *pt;
    siginfo_t info;
    int after = -1;
    u64 flags;

    do {
        bool send = false;

        flags = lock(signal);
        list_for_each_entry(pt, &signal->ptimers, link) {
            if (pt->id <= after || !pt->clock.cpu)
                continue;
            after = pt->id;
            send = check_locked(pt, cpu_time_sum(spent), &info);
            if (send) {
                event = pt->event;
                if (event.thread)
                    get_task(event.thread);
                break;
            }
        }
        unlock(signal, flags);
        if (!send)
            return;
        send_event(&event, signal, &info);
        if (event.thread)
            put_task(event.thread);
    } while (true);
}

/* Locks: the process's sighand->lock. */
static struct ptimer *find_locked(struct signal_struct *signal, int id)
{
    struct ptimer *pt;

    list_for_each_entry(pt, &signal->ptimers, link)
        if (pt->id == id)
            return pt;
    return NULL;
}

/* Puts it where the first number is free; the list stays ascending. */
static int insert_locked(struct signal_struct *signal, struct ptimer *pt)
{
    struct list_head *before = &signal->ptimers;
    struct ptimer *other;
    int id = 0;

    list_for_each_entry(other, &signal->ptimers, link) {
        if (other->id != id)
            break;
        before = &other->link;
        id++;
    }
    if (id >= TIMERS_MAX)
        return -EAGAIN;
    pt->id = id;
    list_add(&pt->link, before);
    return id;
}

int ptimer_create(const struct ptimer_event *event,
                  const struct ptimer_clock *clock)
{
    struct signal_struct *signal = current->signal;
    struct ptimer *pt = kzalloc(sizeof(*pt), GFP_KERNEL);
    u64 flags;
    int id;

    if (!pt)
        return -ENOMEM;
    timer_init(&pt->timer, expire);
    pt->signal = signal;
    pt->clock = *clock;
    if (event)
        pt->event = *event;
    flags = lock(signal);
    id = insert_locked(signal, pt);
    if (!event) {
        pt->event.sig = SIGALRM;
        pt->event.value = id;
    }
    unlock(signal, flags);
    if (id < 0)
        kfree(pt);
    return id;
}

static void destroy(struct ptimer *pt)
{
    pt->interval = 0;
    timer_cancel(&pt->timer);
    if (pt->event.thread)
        put_task(pt->event.thread);
    if (pt->clock.thread)
        put_task(pt->clock.thread);
    kfree(pt);
}

void ptimer_delivered_locked(struct signal_struct *signal, siginfo_t *info)
{
    struct ptimer *pt = find_locked(signal, info->si_tid);

    if (!pt)
        return;
    info->si_overrun = pt->overrun = pt->missed;
    pt->missed = 0;
}

int ptimer_delete(int id)
{
    struct signal_struct *signal = current->signal;
    u64 flags = lock(signal);
    struct ptimer *pt = find_locked(signal, id);

    if (pt)
        list_del(&pt->link);
    unlock(signal, flags);
    if (!pt)
        return -EINVAL;
    destroy(pt);
    return 0;
}

void ptimers_delete(struct signal_struct *signal)
{
    struct ptimer *pt, *next;
    LIST_HEAD(gone);
    u64 flags;

    if (list_empty(&signal->ptimers))
        return;
    flags = lock(signal);
    list_splice_tail(&signal->ptimers, &gone);
    unlock(signal, flags);
    list_for_each_entry_safe(pt, next, &gone, link)
        destroy(pt);
}

static void value_locked(const struct ptimer *pt, struct ptimer_value *value)
{
    u64 now, end = pt->target;

    if (pt->clock.cpu) {
        now = cpu_now_locked(pt);
    } else {
        now = ktime_get();
        end = pt->timer.pending ? pt->timer.expires : 0;
    }
    value->interval = pt->interval;
    value->left = 0;
    if (end) /* one that is due is not 0: that says "none" */
        value->left = end > now ? end - now : 1;
}

int ptimer_get(int id, struct ptimer_value *value)
{
    struct signal_struct *signal = current->signal;
    u64 flags = lock(signal);
    struct ptimer *pt = find_locked(signal, id);

    if (pt)
        value_locked(pt, value);
    unlock(signal, flags);
    return pt ? 0 : -EINVAL;
}

int ptimer_overrun(int id)
{
    struct signal_struct *signal = current->signal;
    u64 flags = lock(signal);
    struct ptimer *pt = find_locked(signal, id);
    int overrun = pt ? pt->overrun : -EINVAL;

    unlock(signal, flags);
    return overrun;
}

static u64 after(u64 now, u64 left)
{
    return left > ~0ull - 1 - now ? ~0ull - 1 : now + left;
}

static u64 expiry(const struct ptimer *pt, bool absolute, u64 left)
{
    u64 now = ktime_get(), offset = pt->clock.offset;

    if (!absolute)
        return after(now, left);
    return left > offset ? left - offset : now;
}

/* Locks: sighand->lock. */
static void cpu_set_locked(struct ptimer *pt, bool absolute, u64 left)
{
    pt->target = left;
    if (left && !absolute)
        pt->target = after(cpu_now_locked(pt), left);
    if (left)
        pt->signal->cpu_watch = true;
}

int ptimer_set(int id, bool absolute, const struct ptimer_value *value,
               struct ptimer_value *old)
{
    struct signal_struct *signal = current->signal;
    u64 flags = lock(signal);
    struct ptimer *pt = find_locked(signal, id);

    if (!pt) {
        unlock(signal, flags);
        return -EINVAL;
    }
    value_locked(pt, old);
    pt->interval = value->interval;
    pt->missed = pt->overrun = 0;
    if (pt->clock.cpu)
        cpu_set_locked(pt, absolute, value->left);
    else if (value->left)
        timer_add(&pt->timer, expiry(pt, absolute, value->left));
    unlock(signal, flags);
    if (!value->left)
        timer_cancel(&pt->timer);
    return 0;
}
