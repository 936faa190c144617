/*
 * drivers/char/pty.c - pseudo-terminals: a terminal whose device is a program.
 *
 *     master (open of /dev/ptmx)           slave (/dev/pts/N, a tty)
 *       write --tty_receive--> ldisc --read-->
 *       <--read-- ring <------------- write, echo
 *
 * Hangup     the master's end hangs the slave up; when the last file of the
 *            slave is closed, the master reads what is left, then -EIO, until
 *            somebody opens the slave again.
 * Structure  a table by number.  A pty is never freed: a controlling terminal
 *            is looked at without a lock; it is used again once nobody has it
 *            open, buffers and all.
 * Locking    ptys_lock (mutex): the table, who has what open.  tty->lock: the
 *            ring.  Order: ptys_lock > tty->lock.
 * Context    may sleep, but for tty_ops.
 */
#include <drivers/char/tty.h>

#include <drivers/driver.h>
#include <kernel/fs/fdtable.h>
#include <kernel/lib/format.h>
#include <kernel/task/task.h>
#include <kernel/uapi/errno.h>
#include <kernel/uapi/poll.h>
#include <mm/slab.h>
#include <mm/uaccess.h>

#define PTYS_MAX 64
#define PTY_RING 4096        /* bytes of output that may wait */
#define PTY_CHUNK 64         /* bytes at once between user memory and the pty */
#define DEV_PTMX MKDEV(5, 2) /* Linux's devices.txt */

struct pty {
    struct tty tty;          /* the slave */
    struct tty_file control; /* the master's: ioctls act on the slave */
    char name[12];
    u8 *ring;       /* (c) PTY_RING bytes */
    u32 head, tail; /* (tty->lock) bytes since the beginning */
    bool stopped;   /* (tty->lock) Ctrl-S */
    struct wait_queue master_wait;
    u32 number;          /* (c) */
    u32 slaves;          /* (ptys_lock) files of the slave */
    bool locked;         /* TIOCSPTLCK: the slave cannot be opened */
    bool master_open;    /* (ptys_lock) */
    bool slave_was_open; /* since the master was opened */
};

static DEFINE_MUTEX(ptys_lock);
static struct pty *ptys[PTYS_MAX]; /* (ptys_lock) */

static struct pty *pty_of(struct tty *tty)
{
    return container_of(tty, struct pty, tty);
}

/* --- the slave's device: the ring -------------------------------------------
 */

static size_t pty_room(struct tty *tty)
{
    struct pty *pty = pty_of(tty);

    return pty->stopped ? 0 : PTY_RING - (pty->head - pty->tail);
}

static size_t pty_write(struct tty *tty, const u8 *bytes, size_t n)
{
    struct pty *pty = pty_of(tty);

    n = min(n, (size_t)(PTY_RING - (pty->head - pty->tail)));
    for (size_t i = 0; i < n; i++)
        pty->ring[pty->head++ % PTY_RING] = bytes[i];
    wake_up_all(&pty->master_wait);
    return n;
}

/* What the master has been given counts as sent. */
static size_t pty_queued(struct tty *tty)
{
    return 0;
}

static void pty_discard(struct tty *tty)
{
    struct pty *pty = pty_of(tty);

    pty->tail = pty->head;
}

static void pty_flow(struct tty *tty, bool stop)
{
    pty_of(tty)->stopped = stop;
}

static void pty_throttle(struct tty *tty, bool stop)
{
    if (!stop)
        wake_up_all(&pty_of(tty)->master_wait);
}

static int pty_open_slave(struct tty *tty)
{
    struct pty *pty = pty_of(tty);
    int err = 0;

    mutex_lock(&ptys_lock);
    if (!pty->master_open || pty->locked) {
        err = -EIO;
    } else {
        pty->slaves++;
        WRITE_ONCE(pty->slave_was_open, true);
    }
    mutex_unlock(&ptys_lock);
    return err;
}

static void pty_close_slave(struct tty *tty)
{
    struct pty *pty = pty_of(tty);

    mutex_lock(&ptys_lock);
    pty->slaves--;
    mutex_unlock(&ptys_lock);
    wake_up_all(&pty->master_wait);
}

static const struct tty_ops pty_ops = {
    .open = pty_open_slave,
    .close = pty_close_slave,
    .write = pty_write,
    .room = pty_room,
    .queued = pty_queued,
    .discard = pty_discard,
    .flow = pty_flow,
    .throttle = pty_throttle,
    .has_master = true,
};

/* --- the master -------------------------------------------------------------
 */

static struct pty *pty_create(u32 number)
{
    struct pty *pty = kzalloc(sizeof(*pty), GFP_KERNEL);

    if (!pty)
        return NULL;
    pty->ring = (u8 *)__get_free_page(GFP_KERNEL);
    pty->number = number;
    snprintf(pty->name, sizeof(pty->name), "pts/%u", number);
    pty->tty.name = pty->name;
    pty->tty.dev = MKDEV(PTS_MAJOR, number);
    pty->tty.ops = &pty_ops;
    wait_queue_init(&pty->master_wait);
    tty_prepare(&pty->tty);
    if (!pty->ring || tty_start(&pty->tty)) {
        free_page((unsigned long)pty->ring);
        kfree(pty);
        return NULL;
    }
    return pty;
}

/* One that nobody has open, made if there is none.  Locks: ptys_lock. */
static int find_free_locked(struct pty **found)
{
    for (u32 i = 0; i < PTYS_MAX; i++) {
        if (!ptys[i])
            ptys[i] = pty_create(i);
        if (!ptys[i])
            return -ENOMEM;
        if (!ptys[i]->master_open && !ptys[i]->slaves) {
            *found = ptys[i];
            return 0;
        }
    }
    return -ENOSPC;
}

static int ptmx_open(struct inode *inode, struct file *file)
{
    struct pty *pty;
    int err;

    mutex_lock(&ptys_lock);
    err = find_free_locked(&pty);
    if (!err) {
        tty_reset(&pty->tty);
        pty->tty.ld.termios.c_cflag = B38400 | CS8 | CREAD; /* as Linux's */
        pty->tty.ld.termios.c_ispeed = pty->tty.ld.termios.c_ospeed = 38400;
        pty->head = pty->tail = 0;
        pty->stopped = pty->slave_was_open = false;
        pty->locked = true;
        err = tty_add_node(&pty->tty, 0620);
    }
    if (!err) {
        pty->master_open = true;
        pty->control = (struct tty_file){.tty = &pty->tty, .is_console = true};
        file->private_data = &pty->control;
        file->fmode |= FMODE_STREAM;
    }
    mutex_unlock(&ptys_lock);
    return err;
}

static struct pty *pty_of_master(const struct file *file)
{
    return container_of((struct tty_file *)file->private_data, struct pty,
                        control);
}

static void ptmx_release(struct inode *inode, struct file *file)
{
    struct pty *pty = pty_of_master(file);

    chrdev_unregister(pty->tty.dev);
    tty_vanish(&pty->tty);
    mutex_lock(&ptys_lock);
    pty->master_open = false;
    mutex_unlock(&ptys_lock);
}

static size_t pty_waiting(struct pty *pty)
{
    return READ_ONCE(pty->head) - READ_ONCE(pty->tail);
}

static bool slave_is_gone(const struct pty *pty)
{
    return READ_ONCE(pty->slave_was_open) && !READ_ONCE(pty->slaves);
}

static size_t ring_take(struct pty *pty, u8 *to, size_t n)
{
    u64 flags = spin_lock_irqsave(&pty->tty.lock);

    n = min(n, (size_t)(pty->head - pty->tail));
    for (size_t i = 0; i < n; i++)
        to[i] = pty->ring[pty->tail++ % PTY_RING];
    spin_unlock_irqrestore(&pty->tty.lock, flags);
    return n;
}

static ssize_t ptmx_read(struct file *file, char __user *buf, size_t count,
                         loff_t *pos)
{
    struct pty *pty = pty_of_master(file);
    size_t total = 0;

    if (!count)
        return 0;
    if (!pty_waiting(pty)) {
        if (slave_is_gone(pty))
            return -EIO;
        if (file->flags & O_NONBLOCK)
            return -EAGAIN;
        if (wait_event_interruptible(&pty->master_wait,
                                     pty_waiting(pty) || slave_is_gone(pty)))
            return -ERESTARTSYS;
        if (!pty_waiting(pty))
            return -EIO;
    }
    while (total < count) {
        u8 chunk[PTY_CHUNK];
        size_t n = ring_take(pty, chunk, min(count - total, sizeof(chunk)));

        if (!n)
            break;
        if (copy_to_user(buf + total, chunk, n))
            return total ? (ssize_t)total : -EFAULT;
        total += n;
    }
    tty_wake_writers(&pty->tty);
    return total;
}

static ssize_t ptmx_write(struct file *file, const char __user *buf,
                          size_t count, loff_t *pos)
{
    struct pty *pty = pty_of_master(file);
    size_t total = 0;
    int err = 0;

    while (total < count) {
        u8 chunk[PTY_CHUNK];
        size_t n = min(count - total, sizeof(chunk));

        if (READ_ONCE(pty->tty.throttled)) {
            err = -EAGAIN;
            if (file->flags & O_NONBLOCK)
                break;
            err = wait_event_interruptible(&pty->master_wait,
                                           !READ_ONCE(pty->tty.throttled))
                      ? -ERESTARTSYS
                      : 0;
            if (err)
                break;
        }
        err = copy_from_user(chunk, buf + total, n) ? -EFAULT : 0;
        if (err)
            break;
        tty_receive(&pty->tty, chunk, n);
        total += n;
    }
    return total ? (ssize_t)total : err;
}

static u32 ptmx_poll(struct file *file, struct poll_table *table)
{
    struct pty *pty = pty_of_master(file);
    u32 ready = 0;

    poll_wait(file, &pty->master_wait, table);
    if (pty_waiting(pty))
        ready |= POLLIN | POLLRDNORM;
    if (slave_is_gone(pty))
        ready |= POLLHUP;
    if (!READ_ONCE(pty->tty.throttled))
        ready |= POLLOUT | POLLWRNORM;
    return ready;
}

/* A descriptor of the slave, also where no name leads to it. */
static long open_peer(const struct file *master, const struct pty *pty,
                      u32 flags)
{
    struct file *slave;
    long fd;

    fd = chrdev_open_node(master, pty->name,
                          flags & (O_ACCMODE | O_NOCTTY | O_NONBLOCK), &slave);
    if (fd)
        return fd;
    fd = fd_install(slave, 0, flags & O_CLOEXEC);
    if (fd < 0)
        fput(slave);
    return fd;
}

static long put_number(void __user *arg, int value)
{
    return copy_to_user(arg, &value, sizeof(value)) ? -EFAULT : 0;
}

static long ptmx_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
    struct pty *pty = pty_of_master(file);
    void __user *user = (void __user *)arg;
    int value;

    switch (cmd) {
    case TIOCGPTN:
        return put_number(user, pty->number);
    case TIOCGPTLCK:
        return put_number(user, pty->locked);
    case TIOCSPTLCK:
        if (copy_from_user(&value, user, sizeof(value)))
            return -EFAULT;
        pty->locked = value;
        return 0;
    case TIOCINQ:
        return put_number(user, pty_waiting(pty));
    case TIOCGPGRP:
        return put_number(user, READ_ONCE(pty->tty.pgrp));
    case TIOCSCTTY:
    case TIOCNOTTY:
        return -ENOTTY;
    case TIOCGPTPEER:
        return open_peer(file, pty, arg);
    }
    return tty_ioctl(file, cmd, arg);
}

static const struct file_operations ptmx_fops = {
    .open = ptmx_open,
    .release = ptmx_release,
    .read = ptmx_read,
    .write = ptmx_write,
    .poll = ptmx_poll,
    .ioctl = ptmx_ioctl,
    .llseek = no_llseek,
};

static int pty_init(void)
{
    return chrdev_register(DEV_PTMX, "ptmx", 0666, &ptmx_fops, NULL);
}
DRIVER_INITCALL(pty_init);
