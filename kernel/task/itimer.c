/*
 * kernel/task/itimer.c - alarm and setitimer: signals after a time.
 *
 * ITIMER_REAL runs on the clock.  The two that count processor time are
 * compared with it in cputime.c's tick; signal->cpu_watch asks for that.
 *
 * Locking    sighand->lock covers the two.
 */
#include <kernel/task/itimer.h>

#include <kernel/task/internal.h>

/* A shorter interval would leave no time to anything else. */
#define INTERVAL_MIN (100 * NSEC_PER_USEC)

static void real_fires(struct timer *timer)
{
    struct signal_struct *signal =
        container_of(timer, struct signal_struct, real_timer);

    u64 interval = READ_ONCE(signal->real_interval);

    send_signal(SIGALRM, NULL, signal->leader);
    if (interval)
        timer_add(timer, timer->expires +
                             (timer_missed(timer, interval) + 1) * interval);
}

/* Whether its signal is due; the next one is then set. */
static bool cpu_fires(struct cpu_itimer *it, u64 spent)
{
    if (!it->target || spent < it->target)
        return false;
    it->target = it->interval ? it->target + it->interval : 0;
    return true;
}

void itimers_check(struct signal_struct *signal, struct cpu_time spent)
{
    spinlock_t *lock = &signal->leader->sighand->lock;
    struct cpu_itimer *it = signal->cpu_timer;
    u64 flags = spin_lock_irqsave(lock);
    bool virtual = cpu_fires(&it[0], spent.user);
    bool prof = cpu_fires(&it[1], cpu_time_sum(spent));

    spin_unlock_irqrestore(lock, flags);
    if (virtual)
        send_signal(SIGVTALRM, NULL, signal->leader);
    if (prof)
        send_signal(SIGPROF, NULL, signal->leader);
}

void itimers_init(struct signal_struct *signal)
{
    timer_init(&signal->real_timer, real_fires);
}

void itimers_cancel(struct signal_struct *signal)
{
    signal->real_interval = 0;
    timer_cancel(&signal->real_timer);
    signal->cpu_timer[0].target = signal->cpu_timer[1].target = 0;
}

/* What the timer `which` counts, of current's process. */
static u64 spent_by(int which)
{
    struct cpu_time spent = process_times(current);

    return which == ITIMER_VIRTUAL ? spent.user : cpu_time_sum(spent);
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
        now = spent_by(which);
        end = signal->cpu_timer[which - 1].target;
        value->interval = signal->cpu_timer[which - 1].interval;
    }
    if (!end)
        value->left = 0;
    else /* one that is due is not 0: that would say "none" */
        value->left = end > now ? end - now : NSEC_PER_USEC;
}

static void cpu_timer_set(int which, u64 left, u64 interval)
{
    struct signal_struct *signal = current->signal;
    struct cpu_itimer *it = &signal->cpu_timer[which - 1];
    u64 target = left ? spent_by(which) + left : 0;
    u64 flags = spin_lock_irqsave(&current->sighand->lock);

    it->interval = interval;
    it->target = target;
    if (target)
        signal->cpu_watch = true;
    spin_unlock_irqrestore(&current->sighand->lock, flags);
}

void itimer_set(int which, const struct itimer_value *value)
{
    struct signal_struct *signal = current->signal;
    u64 interval = value->interval;

    if (interval && interval < INTERVAL_MIN)
        interval = INTERVAL_MIN;
    if (which != ITIMER_REAL) {
        cpu_timer_set(which, value->left, interval);
        return;
    }
    timer_cancel(&signal->real_timer);
    signal->real_interval = interval;
    if (value->left)
        timer_add(&signal->real_timer, ktime_get() + value->left);
}
