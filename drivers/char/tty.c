/*
 * drivers/char/tty.c - terminals as files.
 *
 *     device --tty_receive--> ldisc --read--> program
 *     device <----write------ ldisc <-write-- program
 *
 * Structure  ttyS0, tty0 ... are struct ttys of their drivers; /dev/console
 *            leads to the one that console= names, /dev/tty to current's
 *            controlling terminal.  The ring of input is allocated at the
 *            first open.
 * Cost       O(1) a byte; output goes to the device in bursts.
 * Locking    tty->lock covers the line discipline and is never held while
 *            user memory is touched, so bytes pass through a small buffer on
 *            the stack.  Signals typed are sent after it is dropped.
 * Context    file operations may sleep; tty_receive any.
 */
#include <drivers/char/tty.h>

#include <drivers/char/console.h>
#include <drivers/driver.h>
#include <kernel/core/printk.h>
#include <kernel/core/time.h>
#include <kernel/lib/string.h>
#include <kernel/task/task.h>
#include <kernel/uapi/errno.h>
#include <kernel/uapi/poll.h>
#include <mm/slab.h>
#include <mm/uaccess.h>

#define TTY_CHUNK 256 /* bytes between user memory and the terminal at once */
#define TTY_ROWS 24
#define TTY_COLUMNS 80
#define DEV_TTY MKDEV(5, 0) /* Linux's devices.txt */
#define DEV_CONSOLE MKDEV(5, 1)

static struct tty *console_tty; /* where /dev/console leads */
static const struct file_operations tty_fops;

/* --- the line discipline's side ---------------------------------------------
 */

static struct tty *tty_of(struct ldisc *ld)
{
    return container_of(ld, struct tty, ld);
}

static void tty_echo(struct ldisc *ld, const u8 *bytes, size_t n)
{
    struct tty *tty = tty_of(ld);

    tty->ops->write(tty, bytes, n);
}

static void tty_signal(struct ldisc *ld, enum ldisc_signal sig)
{
    tty_of(ld)->signals |= BIT(sig);
}

static void tty_flow(struct ldisc *ld, bool stop)
{
    struct tty *tty = tty_of(ld);

    if (tty->ops->flow)
        tty->ops->flow(tty, stop);
}

static void tty_discard_output(struct ldisc *ld)
{
    struct tty *tty = tty_of(ld);

    tty->ops->discard(tty);
}

static const struct ldisc_ops tty_ldisc_ops = {
    .echo = tty_echo,
    .signal = tty_signal,
    .flow = tty_flow,
    .discard_output = tty_discard_output,
};

/* --- the device's side
 * -------------------------------------------------------- */

void tty_wake_writers(struct tty *tty)
{
    wake_up_all(&tty->write_wait);
}

static void send_typed_signals(pid_t pgrp, u32 signals)
{
    int sig;

    for (sig = 1; signals >> sig; sig++)
        if (signals & BIT(sig))
            send_signal_pgrp(sig, pgrp);
}

void tty_update_throttle(struct tty *tty)
{
    bool full = ldisc_is_full(&tty->ld);

    if (full == tty->throttled || !tty->ops->throttle)
        return;
    tty->throttled = full;
    tty->ops->throttle(tty, full);
}

void tty_receive(struct tty *tty, const u8 *bytes, size_t n)
{
    u64 flags = spin_lock_irqsave(&tty->lock);
    pid_t pgrp;
    u32 signals;
    size_t i;

    if (tty->ld.buf)
        for (i = 0; i < n; i++)
            ldisc_receive(&tty->ld, bytes[i]);
    tty_update_throttle(tty);
    signals = tty->signals;
    tty->signals = 0;
    spin_unlock_irqrestore(&tty->lock, flags);

    pgrp = READ_ONCE(tty->pgrp);
    if (signals && pgrp)
        send_typed_signals(pgrp, signals);
    wake_up_all(&tty->read_wait);
    if (!list_empty(&tty->write_wait.waiters)) /* Ctrl-Q, Ctrl-C */
        wake_up_all(&tty->write_wait);
}

void tty_hangup(struct tty *tty)
{
    u64 flags = spin_lock_irqsave(&tty->lock);

    tty->hangups++;
    if (tty->ld.buf)
        ldisc_flush_input(&tty->ld);
    tty_update_throttle(tty);
    spin_unlock_irqrestore(&tty->lock, flags);
    wake_up_all(&tty->read_wait);
    wake_up_all(&tty->write_wait);
}

bool tty_file_is_dead(const struct tty_file *tf)
{
    return !tf->is_console && READ_ONCE(tf->tty->hangups) != tf->hangups;
}

/* --- open
 * ----------------------------------------------------------------------- */

static int tty_alloc_buffers(struct tty *tty)
{
    u8 *buf = (u8 *)__get_free_page(GFP_KERNEL);
    u64 *marks = kcalloc(LDISC_MARKS, sizeof(*marks), GFP_KERNEL);
    u64 flags;

    if (!buf || !marks) {
        free_page((unsigned long)buf);
        kfree(marks);
        return -ENOMEM;
    }
    flags = spin_lock_irqsave(&tty->lock);
    tty->ld.marks = marks;
    tty->ld.buf = buf;
    spin_unlock_irqrestore(&tty->lock, flags);
    return 0;
}

/* The first open; what it allocates stays for good. */
int tty_start(struct tty *tty)
{
    int err = 0;

    mutex_lock(&tty->open_mutex);
    if (!tty->ld.buf)
        err = tty_alloc_buffers(tty);
    if (!err && !tty->started && tty->ops->start)
        err = tty->ops->start(tty);
    if (!err)
        tty->started = true;
    mutex_unlock(&tty->open_mutex);
    return err;
}

static int open_tty(struct tty *tty, struct file *file, bool is_console)
{
    struct tty_file *tf;
    int err = tty_start(tty);

    if (err)
        return err;
    tf = kmalloc(sizeof(*tf), GFP_KERNEL);
    if (!tf)
        return -ENOMEM;
    err = tty->ops->open ? tty->ops->open(tty) : 0;
    if (err) {
        kfree(tf);
        return err;
    }
    tf->tty = tty;
    tf->hangups = READ_ONCE(tty->hangups);
    tf->is_console = is_console;
    file->private_data = tf;
    file->ops = &tty_fops;
    file->fmode |= FMODE_STREAM;
    return 0;
}

static int tty_open(struct inode *inode, struct file *file)
{
    struct tty *tty = chrdev_private(inode);
    int err = open_tty(tty, file, false);

    if (!err)
        tty_open_as_controlling(tty, file);
    return err;
}

static int tty_open_current(struct inode *inode, struct file *file)
{
    struct tty *tty = tty_of_current();

    return tty ? open_tty(tty, file, false) : -ENXIO;
}

static int tty_open_console(struct inode *inode, struct file *file)
{
    return console_tty ? open_tty(console_tty, file, true) : -ENODEV;
}

static void tty_release(struct inode *inode, struct file *file)
{
    struct tty_file *tf = file->private_data;

    if (tf->tty->ops->close)
        tf->tty->ops->close(tf->tty);
    kfree(tf);
}

/* --- write
 * ------------------------------------------------------------------------ */

/* Puts what fits of n bytes through output processing into the device. */
static size_t output_some(struct tty *tty, const u8 *bytes, size_t n)
{
    u64 flags = spin_lock_irqsave(&tty->lock);
    size_t room = tty->ops->room(tty), done = 0;

    while (done < n && room >= LDISC_OUT_MAX) {
        u8 out[64];
        size_t fill = 0, limit = min(room, sizeof(out)) - LDISC_OUT_MAX;

        while (done < n && fill <= limit)
            fill += ldisc_output(&tty->ld, bytes[done++], out + fill);
        tty->ops->write(tty, out, fill);
        room -= fill;
    }
    spin_unlock_irqrestore(&tty->lock, flags);
    return done;
}

static size_t room_of(struct tty *tty)
{
    u64 flags = spin_lock_irqsave(&tty->lock);
    size_t room = tty->ops->room(tty);

    spin_unlock_irqrestore(&tty->lock, flags);
    return room;
}

/* All n bytes, or -errno with *done of them written. */
static int output_all(struct file *file, const u8 *bytes, size_t n,
                      size_t *done)
{
    struct tty_file *tf = file->private_data;
    struct tty *tty = tf->tty;

    for (*done = 0; *done < n;) {
        if (tty_file_is_dead(tf))
            return -EIO;
        *done += output_some(tty, bytes + *done, n - *done);
        if (*done == n)
            break;
        if (file->flags & O_NONBLOCK)
            return -EAGAIN;
        if (wait_event_interruptible(&tty->write_wait,
                                     room_of(tty) >= LDISC_OUT_MAX ||
                                         tty_file_is_dead(tf)))
            return -ERESTARTSYS;
    }
    return 0;
}

static ssize_t tty_write(struct file *file, const char __user *buf,
                         size_t count, loff_t *pos)
{
    struct tty_file *tf = file->private_data;
    u8 chunk[TTY_CHUNK];
    size_t total = 0, done = 0;
    int err = 0;

    if (tty_file_is_dead(tf))
        return -EIO;
    if ((tf->tty->ld.termios.c_lflag & TOSTOP) && !tf->is_console)
        err = tty_check_foreground(tf->tty, SIGTTOU);
    while (!err && total < count) {
        size_t n = min(count - total, sizeof(chunk));

        if (copy_from_user(chunk, buf + total, n)) {
            err = -EFAULT;
            break;
        }
        err = output_all(file, chunk, n, &done);
        total += done;
    }
    return total ? (ssize_t)total : err;
}

static size_t queued_of(struct tty *tty)
{
    u64 flags = spin_lock_irqsave(&tty->lock);
    size_t queued = tty->ops->queued(tty);

    spin_unlock_irqrestore(&tty->lock, flags);
    return queued;
}

int tty_drain(struct tty *tty)
{
    return wait_event_interruptible(&tty->write_wait, !queued_of(tty))
               ? -ERESTARTSYS
               : 0;
}

/* --- read
 * ---------------------------------------------------------------------------
 */

/* When a read comes back, by VMIN and VTIME (termios(3)). */
struct read_rule {
    size_t first; /* bytes to wait for before anything is taken; 0: none */
    size_t enough;
    u64 timeout; /* ns; for the first byte if first is 0, else between */
};

static bool is_canonical(const struct tty *tty)
{
    return tty->ld.termios.c_lflag & ICANON;
}

static struct read_rule read_rule(const struct tty *tty, size_t count)
{
    const u8 *cc = tty->ld.termios.c_cc;
    struct read_rule rule = {1, 1, 0};

    if (is_canonical(tty))
        return rule;
    rule.enough = min(count, (size_t)cc[VMIN]);
    rule.timeout = cc[VTIME] * 100 * NSEC_PER_MSEC;
    rule.first = !cc[VMIN] ? 0 : rule.timeout ? 1 : rule.enough;
    return rule;
}

static size_t readable(struct tty *tty)
{
    u64 flags = spin_lock_irqsave(&tty->lock);
    size_t n = ldisc_readable(&tty->ld);

    spin_unlock_irqrestore(&tty->lock, flags);
    return n;
}

/* Sleeps until `enough` bytes are there, the terminal is hung up (0), a
 * signal (-ERESTARTSYS) or the time (-ETIMEDOUT) has come. */
static int wait_readable(const struct tty_file *tf, size_t enough, u64 expires)
{
    struct tty *tty = tf->tty;
    int err = wait_event_until(&tty->read_wait,
                               readable(tty) >= enough || tty_file_is_dead(tf),
                               expires);

    return err == -EINTR ? -ERESTARTSYS : err;
}

/*
 * Waits as the rule says: 0 (look what is there), -EAGAIN, -ERESTARTSYS.
 * `first` bytes without a limit; then, with a timeout, for each further byte
 * up to `enough` no longer than that.
 */
static int wait_by_rule(struct file *file, const struct read_rule *rule)
{
    struct tty_file *tf = file->private_data;
    size_t have = readable(tf->tty);
    int err = 0;

    if (have < rule->first || (!have && rule->timeout)) {
        if (file->flags & O_NONBLOCK)
            return have ? 0 : -EAGAIN;
        if (rule->first)
            err = wait_readable(tf, rule->first, ~0ull);
        else
            err = wait_readable(tf, 1, ktime_get() + rule->timeout);
    }
    while (!err && rule->first && rule->timeout) {
        have = readable(tf->tty);
        if (have >= rule->enough || tty_file_is_dead(tf))
            break;
        err = wait_readable(tf, have + 1, ktime_get() + rule->timeout);
    }
    return err == -ETIMEDOUT || readable(tf->tty) ? 0 : err;
}

/* Copies out what is there, a line at most: bytes or -EFAULT. */
static ssize_t take_input(struct tty *tty, char __user *buf, size_t count)
{
    size_t total = 0;
    bool more = true;

    while (more && total < count) {
        u8 chunk[TTY_CHUNK];
        u64 flags = spin_lock_irqsave(&tty->lock);
        size_t n = ldisc_read(&tty->ld, chunk,
                              min(count - total, sizeof(chunk)), &more);

        tty_update_throttle(tty);
        spin_unlock_irqrestore(&tty->lock, flags);
        if (copy_to_user(buf + total, chunk, n))
            return total ? (ssize_t)total : -EFAULT;
        total += n;
    }
    return total;
}

static ssize_t tty_read(struct file *file, char __user *buf, size_t count,
                        loff_t *pos)
{
    struct tty_file *tf = file->private_data;
    struct read_rule rule;
    int err;

    if (tty_file_is_dead(tf) || !count)
        return 0;
    if (!tf->is_console) {
        err = tty_check_foreground(tf->tty, SIGTTIN);
        if (err)
            return err;
    }
    rule = read_rule(tf->tty, count);
    err = wait_by_rule(file, &rule);
    if (err)
        return err;
    if (tty_file_is_dead(tf))
        return tf->tty->ops->has_master ? -EIO : 0;
    return take_input(tf->tty, buf, count);
}

static u32 tty_poll(struct file *file, struct poll_table *table)
{
    struct tty_file *tf = file->private_data;
    struct tty *tty = tf->tty;
    const u8 *cc = tty->ld.termios.c_cc;
    size_t enough = 1;
    u32 ready = 0;

    poll_wait(file, &tty->read_wait, table);
    poll_wait(file, &tty->write_wait, table);
    if (tty_file_is_dead(tf))
        return POLLIN | POLLOUT | POLLERR | POLLHUP | POLLRDNORM | POLLWRNORM;
    if (!is_canonical(tty) && !cc[VTIME] && cc[VMIN])
        enough = cc[VMIN];
    if (readable(tty) >= enough)
        ready |= POLLIN | POLLRDNORM;
    if (room_of(tty) >= LDISC_OUT_MAX)
        ready |= POLLOUT | POLLWRNORM;
    return ready;
}

static const struct file_operations tty_fops = {
    .open = tty_open,
    .release = tty_release,
    .read = tty_read,
    .write = tty_write,
    .poll = tty_poll,
    .ioctl = tty_ioctl,
    .llseek = no_llseek,
};

/* Their open() leads to a terminal, whose operations the file has then. */
static const struct file_operations current_tty_fops = {
    .open = tty_open_current,
};
static const struct file_operations console_fops = {
    .open = tty_open_console,
};

/* --- registration
 * ------------------------------------------------------------------- */

void tty_prepare(struct tty *tty)
{
    spin_lock_init(&tty->lock);
    wait_queue_init(&tty->read_wait);
    wait_queue_init(&tty->write_wait);
    mutex_init(&tty->open_mutex);
    ldisc_init(&tty->ld, &tty_ldisc_ops);
}

void tty_reset(struct tty *tty)
{
    u64 flags = spin_lock_irqsave(&tty->lock);
    u8 *buf = tty->ld.buf;
    u64 *marks = tty->ld.marks;

    ldisc_init(&tty->ld, &tty_ldisc_ops);
    tty->ld.buf = buf;
    tty->ld.marks = marks;
    memset(marks, 0, LDISC_MARKS * sizeof(*marks));
    tty->winsize = (struct winsize){0};
    tty->throttled = false;
    spin_unlock_irqrestore(&tty->lock, flags);
}

int tty_add_node(struct tty *tty, mode_t mode)
{
    return chrdev_register(tty->dev, tty->name, mode, &tty_fops, tty);
}

int tty_register(struct tty *tty)
{
    tty_prepare(tty);
    tty->winsize.ws_row = TTY_ROWS;
    tty->winsize.ws_col = TTY_COLUMNS;
    if (!console_tty || console_preferred(tty->name))
        console_tty = tty;
    return tty_add_node(tty, 0600);
}

static int tty_init(void)
{
    int err;

    tty_job_init();
    err = chrdev_register(DEV_TTY, "tty", 0666, &current_tty_fops, NULL);
    if (!err)
        err =
            chrdev_register(DEV_CONSOLE, "console", 0600, &console_fops, NULL);
    return err;
}
BUS_INITCALL(tty_init);
