/*
 * kernel/fs/eventfd.c - a counter that one side raises and the other waits
 * for.
 *
 * Locking    e->lock (spin) covers the count; one queue for readers and
 *            writers, who check again after waking.
 */
#include <kernel/fs/internal.h>
#include <kernel/fs/poll.h>

#define EFD_SEMAPHORE 1 /* eventfd(2) */
#define EFD_CLOEXEC O_CLOEXEC
#define EFD_NONBLOCK O_NONBLOCK
#define COUNT_MAX (~0ull - 1)

struct eventfd {
    spinlock_t lock;
    u64 count; /* (lock) */
    bool semaphore;
    struct wait_queue queue;
};

/* Takes what a read gives (0: nothing there yet). */
static u64 take(struct eventfd *e)
{
    u64 value;

    spin_lock(&e->lock);
    value = e->semaphore ? min(e->count, 1ull) : e->count;
    e->count -= value;
    spin_unlock(&e->lock);
    return value;
}

static bool give(struct eventfd *e, u64 value)
{
    bool fits;

    spin_lock(&e->lock);
    fits = value <= COUNT_MAX - e->count;
    if (fits)
        e->count += value;
    spin_unlock(&e->lock);
    return fits;
}

static ssize_t eventfd_read(struct file *file, char __user *buf, size_t count,
                            loff_t *pos)
{
    struct eventfd *e = file->private_data;
    u64 value;

    (void)pos;
    if (count < sizeof(value))
        return -EINVAL;
    while (!(value = take(e))) {
        if (file->flags & O_NONBLOCK)
            return -EAGAIN;
        if (wait_event_interruptible(&e->queue, READ_ONCE(e->count)))
            return -ERESTARTSYS;
    }
    wake_up_all(&e->queue);
    return copy_to_user(buf, &value, sizeof(value)) ? -EFAULT : 8;
}

static ssize_t eventfd_write(struct file *file, const char __user *buf,
                             size_t count, loff_t *pos)
{
    struct eventfd *e = file->private_data;
    u64 value;

    (void)pos;
    if (count < sizeof(value))
        return -EINVAL;
    if (copy_from_user(&value, buf, sizeof(value)))
        return -EFAULT;
    if (value == ~0ull)
        return -EINVAL;
    while (!give(e, value)) {
        if (file->flags & O_NONBLOCK)
            return -EAGAIN;
        if (wait_event_interruptible(&e->queue,
                                     value <= COUNT_MAX - READ_ONCE(e->count)))
            return -ERESTARTSYS;
    }
    wake_up_all(&e->queue);
    return sizeof(value);
}

static u32 eventfd_poll(struct file *file, struct poll_table *table)
{
    struct eventfd *e = file->private_data;
    u64 count;

    poll_wait(file, &e->queue, table);
    count = READ_ONCE(e->count);
    return (count ? POLLIN | POLLRDNORM : 0) |
           (count < COUNT_MAX ? POLLOUT | POLLWRNORM : 0);
}

static void eventfd_release(struct inode *inode, struct file *file)
{
    (void)inode;
    kfree(file->private_data);
}

static const struct file_operations eventfd_fops = {
    .read = eventfd_read,
    .write = eventfd_write,
    .poll = eventfd_poll,
    .release = eventfd_release,
};

int eventfd_create(u64 count, u32 flags, struct file **file)
{
    struct eventfd *e;

    if (flags & ~(EFD_SEMAPHORE | EFD_CLOEXEC | EFD_NONBLOCK))
        return -EINVAL;
    e = kzalloc(sizeof(*e), GFP_KERNEL);
    if (!e)
        return -ENOMEM;
    spin_lock_init(&e->lock);
    wait_queue_init(&e->queue);
    e->count = count;
    e->semaphore = flags & EFD_SEMAPHORE;
    *file =
        anon_file("[eventfd]", &eventfd_fops, e, O_RDWR | (flags & O_NONBLOCK));
    if (!*file)
        kfree(e);
    return *file ? 0 : -ENOMEM;
}
