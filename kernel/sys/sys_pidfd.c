/*
 * kernel/sys/sys_pidfd.c - processes by descriptor: to get one, to signal it,
 * to take what it has open.  waitid(P_PIDFD) is in sys_wait.c, clone's way to
 * one in kernel/task/fork.c.
 */
#include <kernel/fs/proc_pid.h>
#include <kernel/sys/sys_signal.h>
#include <kernel/task/internal.h>
#include <kernel/task/pidfd.h>
#include <kernel/uapi/errno.h>
#include <kernel/uapi/signal.h>

#include <syscalls_gen.h>

#define PIDFD_NONBLOCK O_NONBLOCK /* pidfd_open(2) */

/* Process `pid`, referenced: 0, -EINVAL (a thread), -ESRCH.  Under the lock,
 * as execve by a thread exchanges numbers. */
static int process_get(pid_t pid, struct signal_struct **process)
{
    u64 flags = spin_lock_irqsave(&tasklist_lock);
    struct task_struct *task = task_find_locked(pid);
    int err = task ? -EINVAL : -ESRCH;

    if (task && thread_group_leader(task)) {
        *process = task->signal;
        refcount_inc(&task->signal->refs);
        err = 0;
    }
    spin_unlock_irqrestore(&tasklist_lock, flags);
    return err;
}

long sys_pidfd_open(pid_t pid, int flags)
{
    struct signal_struct *process;
    int err;

    if (flags & ~PIDFD_NONBLOCK || pid <= 0)
        return -EINVAL;
    err = process_get(pid, &process);
    if (err) /* -EINVAL, too, if only a group still has the number */
        return err == -ESRCH && pgrp_exists(pid, -1) ? -EINVAL : err;
    err = pidfd_install(process, flags);
    signal_put(process);
    return err;
}

/* By pidfd or open /proc/PID: 0, -EBADF, or -ESRCH and NULL. */
static int process_of(const struct file *file, struct task_struct **leader)
{
    struct signal_struct *process = pidfd_process(file);

    if (!process)
        return proc_dir_process(file, leader);
    *leader = process_leader_get(process);
    return *leader ? 0 : -ESRCH;
}

/* What is sent to `leader`; NULL: to one that has gone. */
static int info_get(siginfo_t *info, const void __user *from, int sig,
                    const struct task_struct *leader)
{
    int err;

    if (!from) {
        kill_info(info, sig, SI_USER);
        return 0;
    }
    err = siginfo_get(info, from, SIGINFO_OWN);
    if (err)
        return err;
    if (info->si_signo != sig)
        return -EINVAL;
    if ((info->si_code >= 0 || info->si_code == SI_TKILL) && leader != current)
        return -EPERM;
    return 0;
}

static long signal_pidfd(const struct file *file, int sig,
                         const void __user *uinfo)
{
    struct task_struct *leader;
    siginfo_t info;
    long found = process_of(file, &leader), err;

    if (found == -EBADF)
        return found;
    err = info_get(&info, uinfo, sig, leader);
    if (!err)
        err = found ? found : kill_process(leader, sig, &info);
    if (leader)
        put_task(leader);
    return err;
}

long sys_pidfd_send_signal(int pidfd, int sig, const void __user *info,
                           int flags)
{
    struct fd f;
    long err;

    if (flags)
        return -EINVAL;
    f = fdget(pidfd);
    if (!f.file)
        return -EBADF;
    err = signal_pidfd(f.file, sig, info);
    fdput(f);
    return err;
}

/* Its open file, referenced, as ptrace(2) lets current have it. */
static int take_file(struct signal_struct *process, int fd, struct file **file)
{
    struct task_struct *leader = process_leader_get(process);
    struct files_struct *files;
    int err = -EPERM;

    if (!leader)
        return -ESRCH;
    if (ptrace_may_access(leader, PTRACE_MODE_REALCREDS)) {
        files = task_get_files(leader);
        *file = files ? files_find(files, fd) : NULL;
        err = *file ? 0 : files ? -EBADF : -ESRCH; /* it ends */
        if (files)
            files_put(files);
    }
    put_task(leader);
    return err;
}

long sys_pidfd_getfd(int pidfd, int fd, unsigned int flags)
{
    struct signal_struct *process;
    struct file *file;
    struct fd f;
    long got = -EBADF;

    if (flags)
        return -EINVAL;
    f = fdget(pidfd);
    if (!f.file)
        return -EBADF;
    process = pidfd_process(f.file);
    if (process)
        got = take_file(process, fd, &file);
    fdput(f);
    if (got)
        return got;
    got = fd_install(file, 0, true);
    if (got < 0)
        fput(file);
    return got;
}
