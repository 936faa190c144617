/*
 * kernel/fs/epoll.c - waiting for many files, told once.
 *
 * Structure  an item per watched descriptor stays on its file's wait queues;
 *            a wake-up puts it on the list of those that may be ready, which
 *            epoll_wait looks through. A level-triggered item that was
 *            reported goes to the end of the list again.
 * Cost       epoll_wait O(items that were woken), however many are watched.
 * Locking    links_lock (mutex): which file has which items. Then ep->lock
 *            (mutex): the items. Then a wait queue's lock, then
 *            ep->ready_lock (spin, irq-safe): the list of woken ones.
 * Invariant  an item does not hold its file: the file's last close removes
 *            the item before anything of the file goes.
 * Context    may sleep; the wake function does not.
 */
#include <kernel/fs/epoll.h>
#include <kernel/fs/internal.h>
#include <kernel/fs/poll.h>

#include <kernel/uapi/epoll.h>

#define PRIVATE_BITS (EPOLLONESHOT | EPOLLET | EPOLLWAKEUP | EPOLLEXCLUSIVE)
#define POLL_DEFAULT (POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM)

struct epoll {
    struct mutex lock;
    struct list_head items; /* (lock) epoll_item.link */
    spinlock_t ready_lock;
    struct list_head ready;  /* (ready_lock) epoll_item.ready_link */
    struct wait_queue queue; /* tasks in epoll_wait, and who polls us */
};

struct epoll_item {
    struct epoll *ep;
    struct file *file; /* not referenced */
    int fd;
    struct epoll_event event; /* (ep->lock) */
    struct list_head link, ready_link;
    struct epoll_item *next_watcher; /* (links_lock) of the same file */
    struct poll_table table;
};

static DEFINE_MUTEX(links_lock);
static const struct file_operations epoll_fops;

static void mark_ready(struct epoll_item *item)
{
    struct epoll *ep = item->ep;
    u64 flags = spin_lock_irqsave(&ep->ready_lock);

    if (list_empty(&item->ready_link))
        list_add_tail(&item->ready_link, &ep->ready);
    spin_unlock_irqrestore(&ep->ready_lock, flags);
}

static void item_wake(struct poll_table *table)
{
    struct epoll_item *item = container_of(table, struct epoll_item, table);

    mark_ready(item);
    wake_up_all(&item->ep->queue);
}

static bool any_ready(struct epoll *ep)
{
    return !list_empty(&ep->ready);
}

static u32 ask(struct epoll_item *item, struct poll_table *table)
{
    const struct file_operations *ops = item->file->ops;
    u32 ready = ops->poll ? ops->poll(item->file, table) : POLL_DEFAULT;

    return ready & (item->event.events | POLLERR | POLLHUP);
}

/* ---- items ---- */

static void unlink_watcher(struct epoll_item *item)
{
    struct epoll_item **at = &item->file->watchers;

    while (*at != item)
        at = &(*at)->next_watcher;
    *at = item->next_watcher;
}

/* Locks: links_lock, ep->lock. */
static void item_free(struct epoll_item *item)
{
    struct epoll *ep = item->ep;
    u64 flags;

    poll_end(&item->table); /* no wake-up from here on */
    unlink_watcher(item);
    list_del(&item->link);
    flags = spin_lock_irqsave(&ep->ready_lock);
    list_del(&item->ready_link);
    spin_unlock_irqrestore(&ep->ready_lock, flags);
    kfree(item);
}

void epoll_file_gone(struct file *file)
{
    struct epoll_item *item;

    mutex_lock(&links_lock);
    while ((item = file->watchers)) {
        struct epoll *ep = item->ep;

        mutex_lock(&ep->lock);
        item_free(item);
        mutex_unlock(&ep->lock);
    }
    mutex_unlock(&links_lock);
}

static struct epoll_item *item_find(struct epoll *ep, struct file *file, int fd)
{
    struct epoll_item *item;

    list_for_each_entry(item, &ep->items, link)
        if (item->file == file && item->fd == fd)
            return item;
    return NULL;
}

static int item_add(struct epoll *ep, struct file *file, int fd,
                    const struct epoll_event *event)
{
    struct epoll_item *item = kzalloc(sizeof(*item), GFP_KERNEL);

    if (!item)
        return -ENOMEM;
    item->ep = ep;
    item->file = file;
    item->fd = fd;
    item->event = *event;
    item->table.wake = item_wake;
    list_init(&item->ready_link);
    list_add_tail(&item->link, &ep->items);
    item->next_watcher = file->watchers;
    file->watchers = item;
    if (ask(item, &item->table))
        item_wake(&item->table);
    item->table.filled = true;
    if (!item->table.err)
        return 0;
    item_free(item);
    return -ENOMEM;
}

static void item_change(struct epoll_item *item,
                        const struct epoll_event *event)
{
    item->event = *event;
    if (ask(item, NULL))
        item_wake(&item->table);
}

static int change_locked(struct epoll *ep, int op, struct file *file, int fd,
                         const struct epoll_event *event)
{
    struct epoll_item *item = item_find(ep, file, fd);

    switch (op) {
    case EPOLL_CTL_ADD:
        return item ? -EEXIST : item_add(ep, file, fd, event);
    case EPOLL_CTL_MOD:
        if (item)
            item_change(item, event);
        return item ? 0 : -ENOENT;
    case EPOLL_CTL_DEL:
        if (item)
            item_free(item);
        return item ? 0 : -ENOENT;
    default:
        return -EINVAL;
    }
}

/* What an exclusive wait may ask for, epoll_ctl(2). */
#define EXCLUSIVE_OK                                                           \
    (POLLIN | POLLOUT | POLLERR | POLLHUP | EPOLLWAKEUP | EPOLLET |            \
     EPOLLEXCLUSIVE)

int epoll_control(struct file *epfile, int op, struct file *file, int fd,
                  const struct epoll_event *event)
{
    struct epoll *ep = epfile->private_data;
    int err;

    if (!file->ops->poll)
        return -EPERM; /* always ready: regular files, directories */
    if (epfile->ops != &epoll_fops || file->ops == &epoll_fops)
        return -EINVAL; /* nesting is not there */
    if (op != EPOLL_CTL_DEL && event->events & EPOLLEXCLUSIVE &&
        (op == EPOLL_CTL_MOD || event->events & ~EXCLUSIVE_OK))
        return -EINVAL;
    mutex_lock(&links_lock);
    mutex_lock(&ep->lock);
    err = change_locked(ep, op, file, fd, event);
    mutex_unlock(&ep->lock);
    mutex_unlock(&links_lock);
    return err;
}

/* ---- waiting ---- */

static struct epoll_item *take_ready(struct epoll *ep, struct list_head *from)
{
    struct epoll_item *item = NULL;
    u64 flags = spin_lock_irqsave(&ep->ready_lock);

    if (!list_empty(from)) {
        item = list_first_entry(from, struct epoll_item, ready_link);
        list_del(&item->ready_link);
    }
    spin_unlock_irqrestore(&ep->ready_lock, flags);
    return item;
}

/* Reports one item.  1, 0 (it is not ready after all), -EFAULT. */
static int report(struct epoll_item *item, struct epoll_event __user *to)
{
    struct epoll_event event = {ask(item, NULL), item->event.data};

    if (!event.events)
        return 0;
    if (copy_to_user(to, &event, sizeof(event))) {
        mark_ready(item);
        return -EFAULT;
    }
    if (item->event.events & EPOLLONESHOT)
        item->event.events &= PRIVATE_BITS;
    else if (!(item->event.events & EPOLLET))
        mark_ready(item);
    return 1;
}

/* Looks once through what was woken: number of events, or -EFAULT. */
static long collect(struct epoll *ep, struct epoll_event __user *to, int max)
{
    struct epoll_item *item;
    LIST_HEAD(woken);
    long n = 0;
    int one = 0;
    u64 flags;

    mutex_lock(&ep->lock);
    flags = spin_lock_irqsave(&ep->ready_lock);
    list_splice_tail(&ep->ready, &woken);
    spin_unlock_irqrestore(&ep->ready_lock, flags);
    while (n < max && one >= 0 && (item = take_ready(ep, &woken))) {
        one = report(item, to + n);
        n += one > 0;
    }
    flags = spin_lock_irqsave(&ep->ready_lock);
    list_splice_tail(&ep->ready, &woken); /* those left over come first */
    list_splice_tail(&woken, &ep->ready);
    spin_unlock_irqrestore(&ep->ready_lock, flags);
    mutex_unlock(&ep->lock);
    if (any_ready(ep)) /* who looked meanwhile found the list empty */
        wake_up_all(&ep->queue);
    return n ? n : one < 0 ? one : 0;
}

long epoll_collect(struct file *epfile, struct epoll_event __user *to, int max,
                   u64 expires)
{
    struct epoll *ep = epfile->private_data;
    long n;
    int err;

    if (epfile->ops != &epoll_fops)
        return -EINVAL;
    for (;;) {
        n = collect(ep, to, max);
        if (n || !expires)
            return n;
        err = wait_event_until(&ep->queue, any_ready(ep), expires);
        if (err)
            return err == -ETIMEDOUT ? 0 : err;
    }
}

/* ---- the file ---- */

static u32 epoll_poll(struct file *file, struct poll_table *table)
{
    struct epoll *ep = file->private_data;
    struct epoll_item *item;
    u32 ready = 0;

    poll_wait(file, &ep->queue, table);
    mutex_lock(&ep->lock);
    list_for_each_entry(item, &ep->items, link)
        if (!list_empty(&item->ready_link) && ask(item, NULL))
            ready = POLLIN | POLLRDNORM;
    mutex_unlock(&ep->lock);
    return ready;
}

static void epoll_release(struct inode *inode, struct file *file)
{
    struct epoll *ep = file->private_data;

    mutex_lock(&links_lock);
    mutex_lock(&ep->lock);
    while (!list_empty(&ep->items))
        item_free(list_first_entry(&ep->items, struct epoll_item, link));
    mutex_unlock(&ep->lock);
    mutex_unlock(&links_lock);
    kfree(ep);
}

static const struct file_operations epoll_fops = {
    .poll = epoll_poll,
    .release = epoll_release,
};

int epoll_open(struct file **file)
{
    struct epoll *ep = kzalloc(sizeof(*ep), GFP_KERNEL);

    if (!ep)
        return -ENOMEM;
    mutex_init(&ep->lock);
    list_init(&ep->items);
    spin_lock_init(&ep->ready_lock);
    list_init(&ep->ready);
    wait_queue_init(&ep->queue);
    *file = anon_file("[eventpoll]", &epoll_fops, ep, O_RDWR);
    if (!*file)
        kfree(ep);
    return *file ? 0 : -ENOMEM;
}
