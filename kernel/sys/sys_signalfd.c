/*
 * kernel/sys/sys_signalfd.c - signals read from a file, signalfd(2).
 *
 * A read takes signals of whoever reads, not of who made the file, as on
 * Linux.  They must be blocked, or they are delivered as ever.
 *
 * Locking    sighand->lock covers what is pending; the mask is one word.
 */
#include <kernel/fs/fdtable.h>
#include <kernel/fs/fs.h>
#include <kernel/lib/string.h>
#include <kernel/task/internal.h>
#include <kernel/task/sigset.h>
#include <kernel/uapi/errno.h>
#include <kernel/uapi/poll.h>
#include <linux/signalfd.h>
#include <mm/slab.h>
#include <mm/uaccess.h>

#include <syscalls_gen.h>

_Static_assert(sizeof(struct signalfd_siginfo) == 128, "signalfd(2)");

struct signalfd {
    sigset_t mask; /* that can be read */
};

static bool any_pending(const struct signalfd *s)
{
    const struct task_struct *task = current;

    return (READ_ONCE(task->pending.set) |
            READ_ONCE(task->signal->shared_pending.set)) &
           READ_ONCE(s->mask);
}

static int dequeue(const struct signalfd *s, siginfo_t *info)
{
    struct task_struct *task = current;
    u64 flags = spin_lock_irqsave(&task->sighand->lock);
    int sig = signal_dequeue_locked(READ_ONCE(s->mask), info);

    if (sig)
        signal_recalc(task);
    spin_unlock_irqrestore(&task->sighand->lock, flags);
    return sig;
}

/* Which fields mean something depends on the signal and on its sender. */
static void translate(struct signalfd_siginfo *to, const siginfo_t *from)
{
    *to = (struct signalfd_siginfo){.ssi_signo = from->si_signo,
                                    .ssi_errno = from->si_errno,
                                    .ssi_code = from->si_code};
    if (from->si_code == SI_TIMER) {
        to->ssi_tid = from->si_tid;
        to->ssi_overrun = from->si_overrun;
        to->ssi_ptr = (u64)from->si_ptr;
        to->ssi_int = from->si_int;
        return;
    }
    to->ssi_pid = from->si_pid;
    to->ssi_uid = from->si_uid;
    if (from->si_code > 0 && from->si_signo == SIGCHLD) {
        to->ssi_status = from->si_status;
        to->ssi_utime = from->si_utime;
        to->ssi_stime = from->si_stime;
    } else if (from->si_code < 0) {
        to->ssi_ptr = (u64)from->si_ptr;
        to->ssi_int = from->si_int;
    }
}

static ssize_t signalfd_read(struct file *file, char __user *buf, size_t count,
                             loff_t *pos)
{
    struct signalfd *s = file->private_data;
    struct signalfd_siginfo out;
    siginfo_t info;
    size_t total = 0;

    (void)pos;
    if (count < sizeof(out))
        return -EINVAL;
    while (count - total >= sizeof(out)) {
        if (!dequeue(s, &info)) {
            if (total)
                break;
            if (file->flags & O_NONBLOCK)
                return -EAGAIN;
            if (wait_event_interruptible(&signalfd_wait, any_pending(s)))
                return -ERESTARTSYS;
            continue;
        }
        translate(&out, &info);
        if (copy_to_user(buf + total, &out, sizeof(out)))
            return total ? (ssize_t)total : -EFAULT;
        total += sizeof(out);
    }
    return total;
}

static u32 signalfd_poll(struct file *file, struct poll_table *table)
{
    poll_wait(file, &signalfd_wait, table);
    return any_pending(file->private_data) ? POLLIN : 0;
}

static void signalfd_release(struct inode *inode, struct file *file)
{
    (void)inode;
    kfree(file->private_data);
}

static const struct file_operations signalfd_fops = {
    .read = signalfd_read,
    .poll = signalfd_poll,
    .release = signalfd_release,
};

static long create(sigset_t mask, u32 flags)
{
    struct signalfd *s = kmalloc(sizeof(*s), GFP_KERNEL);
    struct file *file;
    int fd;

    if (!s)
        return -ENOMEM;
    s->mask = mask;
    file = anon_file("[signalfd]", &signalfd_fops, s,
                     O_RDWR | (flags & O_NONBLOCK));
    if (!file) {
        kfree(s);
        return -ENOMEM;
    }
    fd = fd_install(file, 0, flags & O_CLOEXEC);
    if (fd < 0)
        fput(file);
    return fd;
}

long sys_signalfd4(int fd, const void __user *umask, size_t size, int flags)
{
    const sigset_t never = sig_bit(SIGKILL) | sig_bit(SIGSTOP);
    struct file *file;
    sigset_t mask;
    long ret = fd;

    if (size != sizeof(mask))
        return -EINVAL;
    if (copy_from_user(&mask, umask, sizeof(mask)))
        return -EFAULT;
    if (flags & ~(O_CLOEXEC | O_NONBLOCK))
        return -EINVAL;
    mask &= ~never;
    if (fd == -1)
        return create(mask, flags);
    file = fget(fd);
    if (!file)
        return -EBADF;
    if (file->ops == &signalfd_fops) {
        WRITE_ONCE(((struct signalfd *)file->private_data)->mask, mask);
        wake_up_all(&signalfd_wait);
    } else {
        ret = -EINVAL;
    }
    fput(file);
    return ret;
}

long sys_signalfd(int fd, const void __user *umask, size_t size)
{
    return sys_signalfd4(fd, umask, size, 0);
}
