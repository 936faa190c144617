/*
 * kernel/task/pidfd.c - a process held by a descriptor, pidfd_open(2).
 *
 * Structure  the file refers to the process's signal_struct, which stays the
 *            same when a thread other than the first runs a program, and
 *            which outlives number and zombie.
 * Locking    tasklist_lock covers the way from there to a task.
 * Invariant  signal->threads is empty exactly before the process is visible
 *            and after it has been reaped: signal->leader means nothing then.
 * Context    may sleep, except poll's wake-up (exit.c).
 */
#include <kernel/task/pidfd.h>

#include <kernel/fs/fdtable.h>
#include <kernel/task/internal.h>
#include <kernel/uapi/errno.h>
#include <kernel/uapi/poll.h>

struct task_struct *process_leader_get(struct signal_struct *process)
{
    u64 flags = spin_lock_irqsave(&tasklist_lock);
    struct task_struct *leader = NULL;

    if (!list_empty(&process->threads)) {
        leader = process->leader;
        get_task(leader);
    }
    spin_unlock_irqrestore(&tasklist_lock, flags);
    return leader;
}

/* The end of its last thread counts, whether anybody has looked or not. */
static u32 pidfd_poll(struct file *file, struct poll_table *table)
{
    struct signal_struct *process = file->private_data;

    poll_wait(file, &process->wait_exit, table);
    return READ_ONCE(process->nr_threads) ? 0 : POLLIN | POLLRDNORM;
}

static void pidfd_release(struct inode *inode, struct file *file)
{
    (void)inode;
    signal_put(file->private_data);
}

static void pidfd_show_fdinfo(struct file *file, struct printer *out)
{
    struct task_struct *leader = process_leader_get(file->private_data);
    pid_t pid = leader ? leader->tgid : -1;

    printer_printf(out, "Pid:\t%d\nNSpid:\t%d\n", pid, pid);
    if (leader)
        put_task(leader);
}

static const struct file_operations pidfd_fops = {
    .poll = pidfd_poll,
    .release = pidfd_release,
    .llseek = no_llseek,
    .show_fdinfo = pidfd_show_fdinfo,
};

int pidfd_install(struct signal_struct *process, u32 flags)
{
    struct file *file =
        anon_file("[pidfd]", &pidfd_fops, process, O_RDWR | flags);
    int fd;

    if (!file)
        return -ENOMEM;
    refcount_inc(&process->refs);
    fd = fd_install(file, 0, true);
    if (fd < 0)
        fput(file);
    return fd;
}

struct signal_struct *pidfd_process(const struct file *file)
{
    return file->ops == &pidfd_fops ? file->private_data : NULL;
}
