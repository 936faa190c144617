/*
 * kernel/fs/timerfd.c - a timer that is a file: reading it gives how often
 * it has rung.
 *
 * Structure  one kernel timer per file, set to the next time.  With an
 *            interval it is set again by who looks at the file, who then
 *            counts what was missed: no interval is so short that ringing
 *            takes all of a CPU.
 *            CLOCK_REALTIME is kept as its difference to the monotonic clock
 *            at the time of setting.
 * Locking    t->lock (spin, irq-safe): count and times. The timer's function
 *            runs in interrupt context.
 */
#include <kernel/core/time.h>
#include <kernel/fs/internal.h>
#include <kernel/fs/poll.h>
#include <kernel/fs/timerfd.h>

struct timerfd {
    spinlock_t lock;
    struct timer timer;
    u64 next, interval; /* (lock) ktime; 0: not running, once */
    u64 count;          /* (lock) rung since the last read */
    bool rung;          /* (lock) `next` is past and not set again */
    bool realtime;      /* (c) */
    struct wait_queue queue;
};

static const struct file_operations timerfd_fops;

static void ring(struct timer *timer)
{
    struct timerfd *t = container_of(timer, struct timerfd, timer);
    u64 flags = spin_lock_irqsave(&t->lock);

    if (t->next && ktime_get() >= t->next) {
        t->count++;
        t->rung = t->interval != 0;
        if (!t->interval)
            t->next = 0;
    } else if (t->next) {
        timer_add(&t->timer, t->next);
    }
    spin_unlock_irqrestore(&t->lock, flags);
    wake_up_all(&t->queue);
}

/* Counts what was missed since the timer rang, and sets it again. */
static void go_on_locked(struct timerfd *t)
{
    u64 missed;

    if (!t->rung)
        return;
    missed = (ktime_get() - t->next) / t->interval;
    t->count += missed;
    t->next += (missed + 1) * t->interval;
    t->rung = false;
    timer_add(&t->timer, t->next);
}

static u64 take(struct timerfd *t)
{
    u64 flags = spin_lock_irqsave(&t->lock), count;

    go_on_locked(t);
    count = t->count;
    t->count = 0;
    spin_unlock_irqrestore(&t->lock, flags);
    return count;
}

static ssize_t timerfd_read(struct file *file, char __user *buf, size_t count,
                            loff_t *pos)
{
    struct timerfd *t = file->private_data;
    u64 n;

    if (count < sizeof(n))
        return -EINVAL;
    while (!(n = take(t))) {
        if (file->flags & O_NONBLOCK)
            return -EAGAIN;
        if (wait_event_interruptible(&t->queue, READ_ONCE(t->count)))
            return -ERESTARTSYS;
    }
    return copy_to_user(buf, &n, sizeof(n)) ? -EFAULT : (ssize_t)sizeof(n);
}

static u32 timerfd_poll(struct file *file, struct poll_table *table)
{
    struct timerfd *t = file->private_data;

    poll_wait(file, &t->queue, table);
    return READ_ONCE(t->count) ? POLLIN | POLLRDNORM : 0;
}

static void timerfd_release(struct inode *inode, struct file *file)
{
    struct timerfd *t = file->private_data;
    u64 flags = spin_lock_irqsave(&t->lock);

    t->next = 0; /* ring() sets it no more */
    spin_unlock_irqrestore(&t->lock, flags);
    timer_cancel(&t->timer);
    kfree(t);
}

static const struct file_operations timerfd_fops = {
    .read = timerfd_read,
    .poll = timerfd_poll,
    .release = timerfd_release,
};

int timerfd_open(bool realtime, u32 flags, struct file **file)
{
    struct timerfd *t = kzalloc(sizeof(*t), GFP_KERNEL);

    if (!t)
        return -ENOMEM;
    spin_lock_init(&t->lock);
    wait_queue_init(&t->queue);
    timer_init(&t->timer, ring);
    t->realtime = realtime;
    *file =
        anon_file("[timerfd]", &timerfd_fops, t, O_RDWR | (flags & O_NONBLOCK));
    if (!*file)
        kfree(t);
    return *file ? 0 : -ENOMEM;
}

int timerfd_get(struct file *file, struct timerfd_times *times)
{
    struct timerfd *t = file->private_data;
    u64 flags, now;

    if (file->ops != &timerfd_fops)
        return -EINVAL;
    flags = spin_lock_irqsave(&t->lock);
    go_on_locked(t);
    now = ktime_get();
    times->interval = t->interval;
    times->value = !t->next ? 0 : t->next > now ? t->next - now : 1;
    spin_unlock_irqrestore(&t->lock, flags);
    return 0;
}

int timerfd_set(struct file *file, bool absolute,
                const struct timerfd_times *times, struct timerfd_times *old)
{
    struct timerfd *t = file->private_data;
    u64 flags, value = times->value, now = ktime_get();
    int err = timerfd_get(file, old);

    if (err)
        return err;
    if (value && absolute && t->realtime) {
        u64 real = ktime_get_real();

        value = value > real ? now + (value - real) : now;
    } else if (value && !absolute) {
        value = value < ~0ull - now ? now + value : ~0ull;
    }
    timer_cancel(&t->timer);
    flags = spin_lock_irqsave(&t->lock);
    t->count = 0;
    t->rung = false;
    t->interval = times->interval;
    t->next = value;
    if (value)
        timer_add(&t->timer, value);
    spin_unlock_irqrestore(&t->lock, flags);
    return 0;
}
