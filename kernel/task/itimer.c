/*
 * kernel/task/itimer.c - alarm and setitimer: signals after a time.
 *
 * ITIMER_REAL runs on the clock.  The two that count processor time look at
 * the process's sum when their timer fires, which is set for the earliest
 * moment at which the sum could have been reached, and go on waiting for
 * what is missing.
 */
#include <kernel/task/itimer.h>

#include <kernel/lib/string.h>
#include <kernel/task/internal.h>
#include <kernel/uapi/errno.h>

/* A shorter interval would leave no time to anything else. */
#define INTERVAL_MIN (100 * NSEC_PER_USEC)

static u64 process_time(const struct signal_struct *signal)
{
    struct task_struct *thread;
    u64 sum = signal->utime + signal->stime;

    list_for_each_entry(thread, &signal->threads, thread_link)
        sum += task_runtime(thread);
    return sum;
}

static void real_fires(struct timer *timer)
{
    struct signal_struct *signal =
        container_of(timer, struct signal_struct, real_timer);

    send_signal(SIGALRM, NULL, signal->leader);
    if (signal->real_interval)
        timer_add(timer, timer->expires + signal->real_interval);
}

static void cpu_fires(struct signal_struct *signal, int i, int sig)
{
    struct cpu_itimer *it = &signal->cpu_timer[i];
    u64 spent = process_time(signal);

    if (spent < it->target) {
        timer_add(&it->timer, ktime_get() + (it->target - spent));
        return;
    }
    send_signal(sig, NULL, signal->leader);
    if (it->interval) {
        it->target = spent + it->interval;
        timer_add(&it->timer, ktime_get() + it->interval);
    } else {
        it->target = 0;
    }
}

static void virtual_fires(struct timer *timer)
{
    cpu_fires(container_of(timer, struct signal_struct, cpu_timer[0].timer), 0,
              SIGVTALRM);
}

static void prof_fires(struct timer *timer)
{
    cpu_fires(container_of(timer, struct signal_struct, cpu_timer[1].timer), 1,
              SIGPROF);
}

void itimers_init(struct signal_struct *signal)
{
    timer_init(&signal->real_timer, real_fires);
    timer_init(&signal->cpu_timer[0].timer, virtual_fires);
    timer_init(&signal->cpu_timer[1].timer, prof_fires);
}

void itimers_cancel(struct signal_struct *signal)
{
    signal->real_interval = 0;
    timer_cancel(&signal->real_timer);
    for (int i = 0; i < 2; i++) {
        signal->cpu_timer[i].interval = 0;
        timer_cancel(&signal->cpu_timer[i].timer);
    }
}

void itimer_get(int which, struct itimer_value *value)
{
    struct signal_struct *signal = current->signal;
    u64 now, end;

    if (which == ITIMER_REAL) {
        now = ktime_get();
        end = signal->real_timer.pending ? signal->real_timer.expires : 0;
        value->interval = signal->real_interval;
    } else {
        now = process_time(signal);
        end = signal->cpu_timer[which - 1].target;
        value->interval = signal->cpu_timer[which - 1].interval;
    }
    if (!end)
        value->left = 0;
    else /* one that is due is not 0: that would say "none" */
        value->left = end > now ? end - now : NSEC_PER_USEC;
}

void itimer_set(int which, const struct itimer_value *value)
{
    struct signal_struct *signal = current->signal;
    u64 interval = value->interval;

    if (interval && interval < INTERVAL_MIN)
        interval = INTERVAL_MIN;
    if (which == ITIMER_REAL) {
        timer_cancel(&signal->real_timer);
        signal->real_interval = interval;
        if (value->left)
            timer_add(&signal->real_timer, ktime_get() + value->left);
    } else {
        struct cpu_itimer *it = &signal->cpu_timer[which - 1];

        timer_cancel(&it->timer);
        it->interval = interval;
        it->target = 0;
        if (value->left) {
            it->target = process_time(signal) + value->left;
            timer_add(&it->timer, ktime_get() + value->left);
        }
    }
}
