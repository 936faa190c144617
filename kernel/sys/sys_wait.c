/*
 * kernel/sys/sys_wait.c - waiting for children, and what they and we used.
 */
#include <kernel/core/time.h>
#include <kernel/fs/fdtable.h>
#include <kernel/lib/string.h>
#include <kernel/task/cputime.h>
#include <kernel/task/internal.h>
#include <kernel/task/pidfd.h>
#include <kernel/task/wait.h>
#include <kernel/uapi/errno.h>
#include <kernel/uapi/resource.h>
#include <linux/times.h>
#include <linux/wait.h>
#include <mm/mm.h>
#include <mm/uaccess.h>

#include <syscalls_gen.h>

#define STATE_FLAGS (WNOHANG | WUNTRACED | WCONTINUED)
#define CHILD_FLAGS (__WNOTHREAD | __WCLONE | __WALL)
#define CLOCKS_PER_SECOND 100 /* AT_CLKTCK */

static void usage_to_user(const struct task_usage *usage, struct rusage *ru)
{
    memset(ru, 0, sizeof(*ru));
    ru->ru_utime.tv_sec = usage->utime / NSEC_PER_SEC;
    ru->ru_utime.tv_usec = usage->utime % NSEC_PER_SEC / NSEC_PER_USEC;
    ru->ru_stime.tv_sec = usage->stime / NSEC_PER_SEC;
    ru->ru_stime.tv_usec = usage->stime % NSEC_PER_SEC / NSEC_PER_USEC;
    ru->ru_minflt = usage->min_flt;
    ru->ru_majflt = usage->maj_flt;
    ru->ru_nvcsw = usage->nvcsw;
    ru->ru_nivcsw = usage->nivcsw;
    ru->ru_maxrss = usage->maxrss * (PAGE_SIZE / KIB);
}

static int put_usage(const struct task_usage *usage, void __user *to)
{
    struct rusage ru;

    if (!to)
        return 0;
    usage_to_user(usage, &ru);
    return copy_to_user(to, &ru, sizeof(ru)) ? -EFAULT : 0;
}

long sys_wait4(pid_t pid, void __user *status, int options, void __user *rusage)
{
    struct wait_request req = {.options = options | WEXITED};
    int found;

    if (options & ~(STATE_FLAGS | CHILD_FLAGS))
        return -EINVAL;
    if (pid == (pid_t)0x80000000)
        return -ESRCH;
    if (pid > 0) {
        req.type = P_PID;
        req.id = pid;
    } else if (pid == -1) {
        req.type = P_ALL;
    } else {
        req.type = P_PGID;
        req.id = pid ? -pid : current->signal->pgrp;
    }
    found = do_wait(&req);
    if (found <= 0)
        return found;
    if (status && put_user(req.word, (int __user *)status))
        return -EFAULT;
    if (put_usage(&req.usage, rusage))
        return -EFAULT;
    return req.pid;
}

static int wait_info(const struct wait_request *req, int found, void __user *to)
{
    siginfo_t info;

    if (!to)
        return 0;
    memset(&info, 0, sizeof(info));
    if (found) {
        info.si_signo = SIGCHLD;
        info.si_code = req->code;
        info.si_pid = req->pid;
        info.si_uid = req->uid;
        info.si_status = req->status;
    }
    /* Linux leaves the rest of the structure alone. */
    return copy_to_user(to, &info, offsetof(siginfo_t, si_utime)) ? -EFAULT : 0;
}

/* A pidfd that does not wait says so by an error. */
static int waitid_pidfd(struct wait_request *req)
{
    struct file *file = req->id < 0 ? NULL : fget(req->id);
    bool nonblock = false;
    int found = -EBADF;

    if (!file)
        return req->id < 0 ? -EINVAL : -EBADF;
    req->process = pidfd_process(file);
    if (req->process) {
        nonblock = file->flags & O_NONBLOCK && !(req->options & WNOHANG);
        if (nonblock)
            req->options |= WNOHANG;
        found = do_wait(req);
    }
    fput(file);
    return !found && nonblock ? -EAGAIN : found;
}

/* 1, 0, or what is wrong with the question, or do_wait's error. */
static int waitid_ask(struct wait_request *req)
{
    if (req->options &
        ~(WNOHANG | WNOWAIT | WEXITED | WSTOPPED | WCONTINUED | CHILD_FLAGS))
        return -EINVAL;
    if (!(req->options & (WEXITED | WSTOPPED | WCONTINUED)))
        return -EINVAL;
    switch (req->type) {
    case P_ALL:
        break;
    case P_PID:
        if (req->id <= 0)
            return -EINVAL;
        break;
    case P_PGID:
        if (req->id < 0)
            return -EINVAL;
        if (!req->id)
            req->id = current->signal->pgrp;
        break;
    case P_PIDFD:
        return waitid_pidfd(req);
    default:
        return -EINVAL;
    }
    return do_wait(req);
}

long sys_waitid(int which, pid_t id, void __user *info, int options,
                void __user *rusage)
{
    struct wait_request req = {.type = which, .id = id, .options = options};
    int found = waitid_ask(&req);

    if (found > 0 && put_usage(&req.usage, rusage))
        return -EFAULT;
    /* As on Linux the structure is written even if nothing was found. */
    if (wait_info(&req, found > 0, info))
        return -EFAULT;
    return min(found, 0);
}

/* Threads that live and those that have ended. */
static void usage_of_process(struct task_usage *usage)
{
    struct signal_struct *signal = current->signal;
    struct task_struct *thread;
    u64 flags = spin_lock_irqsave(&tasklist_lock), rss;
    struct cpu_time time;

    time = process_times_locked(signal);
    *usage = (struct task_usage){
        time.user,     time.system,    signal->min_flt, signal->maj_flt,
        signal->nvcsw, signal->nivcsw, signal->maxrss};
    list_for_each_entry(thread, &signal->threads, thread_link) {
        usage->min_flt += thread->min_flt;
        usage->maj_flt += thread->maj_flt;
        usage->nvcsw += thread->nvcsw;
        usage->nivcsw += thread->nivcsw;
    }
    spin_unlock_irqrestore(&tasklist_lock, flags);
    rss = mm_hiwater_rss(current->mm);
    usage->maxrss = max(usage->maxrss, rss);
}

static void usage_of_children(struct task_usage *usage)
{
    const struct signal_struct *signal = current->signal;

    *usage = (struct task_usage){.utime = signal->cutime,
                                 .stime = signal->cstime,
                                 .min_flt = signal->cmin_flt,
                                 .maj_flt = signal->cmaj_flt,
                                 .maxrss = signal->cmaxrss};
}

static void usage_of_thread(struct task_usage *usage)
{
    struct task_struct *task = current;
    struct cpu_time time = task_times(task);

    *usage = (struct task_usage){
        time.user,   time.system,  task->min_flt,           task->maj_flt,
        task->nvcsw, task->nivcsw, mm_hiwater_rss(task->mm)};
}

long sys_getrusage(int who, void __user *to)
{
    struct task_usage usage;

    switch (who) {
    case RUSAGE_SELF:
        usage_of_process(&usage);
        break;
    case RUSAGE_CHILDREN:
        usage_of_children(&usage);
        break;
    case RUSAGE_THREAD:
        usage_of_thread(&usage);
        break;
    default:
        return -EINVAL;
    }
    if (!to)
        return -EFAULT;
    return put_usage(&usage, to);
}

long sys_times(void __user *to)
{
    const u64 tick = NSEC_PER_SEC / CLOCKS_PER_SECOND;
    struct task_usage self, children;
    struct tms tms;

    if (to) {
        usage_of_process(&self);
        usage_of_children(&children);
        tms.tms_utime = self.utime / tick;
        tms.tms_stime = self.stime / tick;
        tms.tms_cutime = children.utime / tick;
        tms.tms_cstime = children.stime / tick;
        if (copy_to_user(to, &tms, sizeof(tms)))
            return -EFAULT;
    }
    return ktime_get() / tick;
}
