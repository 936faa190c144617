/*
 * kernel/task/fork.c - a new task from the running one: fork, vfork, clone.
 *
 * Order   everything that can fail is made first and hangs on the child only;
 *         then, under tasklist_lock, the child gets its number and becomes
 *         visible, after which nothing fails any more.
 * Cost    O(areas + populated pages) for a copied address space (mm_fork),
 *         otherwise constant.
 */
#include <kernel/task/internal.h>

#include <kernel/core/percpu.h>
#include <kernel/fs/fdtable.h>
#include <kernel/lib/string.h>
#include <kernel/task/futex.h>
#include <kernel/task/pidfd.h>
#include <kernel/task/sigset.h>
#include <kernel/uapi/errno.h>
#include <kernel/uapi/resource.h>
#include <kernel/uapi/sched.h>
#include <kernel/x86/cpu.h>
#include <kernel/x86/fpu.h>
#include <mm/mm.h>
#include <mm/uaccess.h>

#define MAX_TASKS 16384

/* Namespaces and the like: not here. */
#define CLONE_REFUSED                                                          \
    (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |             \
     CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWTIME |             \
     CLONE_INTO_CGROUP)

static int clone_check(const struct clone_args_kernel *args)
{
    u64 flags = args->flags;

    if (flags & CLONE_REFUSED)
        return -EINVAL;
    if ((flags & CLONE_THREAD) && !(flags & CLONE_SIGHAND))
        return -EINVAL;
    if ((flags & CLONE_SIGHAND) && !(flags & CLONE_VM))
        return -EINVAL;
    if ((flags & CLONE_PARENT) && current->signal == init_task->signal)
        return -EINVAL;
    if ((flags & CLONE_CLEAR_SIGHAND) && (flags & CLONE_SIGHAND))
        return -EINVAL;
    if ((flags & CLONE_PIDFD) && (flags & (CLONE_DETACHED | CLONE_THREAD)))
        return -EINVAL;
    if ((flags & CLONE_PIDFD) && (flags & CLONE_PARENT_SETTID) &&
        args->pidfd == args->parent_tid)
        return -EINVAL;
    if ((flags & CLONE_SETTLS) && args->tls >= TASK_SIZE)
        return -EPERM;
    return 0;
}

/* Whether current's user may have one more. */
static bool nproc_allows(const struct task_struct *parent)
{
    u64 limit = parent->signal->rlim[RLIMIT_NPROC].cur, count = 0;
    struct task_struct *task;
    u64 flags;

    if (nr_tasks >= MAX_TASKS)
        return false;
    if (limit == ~0ull || capable(CAP_SYS_RESOURCE) || capable(CAP_SYS_ADMIN))
        return true;
    flags = spin_lock_irqsave(&tasklist_lock);
    list_for_each_entry(task, &task_list, all_link)
        count += task->cred.uid == parent->cred.uid;
    spin_unlock_irqrestore(&tasklist_lock, flags);
    return count < limit;
}

/* A copy of the parent's fields, without what belongs to the parent alone. */
static struct task_struct *copy_struct(struct task_struct *parent)
{
    struct task_struct *child = task_alloc();
    void *stack;

    if (!child)
        return NULL;
    stack = child->stack;
    *child = *parent;
    child->stack = stack;
    refcount_set(&child->refs, 2);
    list_init(&child->all_link);
    list_init(&child->thread_link);
    list_init(&child->pending.queue);
    child->pending.set = 0;
    child->pending.count = 0;
    child->on_rq = child->on_cpu = false;
    child->work = 0;
    child->utime = child->stime = child->unsampled = 0;
    child->looks_user = child->looks_system = 0;
    child->min_flt = child->maj_flt = child->nvcsw = child->nivcsw = 0;
    child->restore_sigmask = false;
    child->clear_child_tid = child->set_child_tid = NULL;
    child->robust_list.head = NULL;
    groups_get(child->cred.groups);
    child->pi_blocked = NULL;
    child->stop_pending = false;
    child->pi_waiters = 0;
    child->vfork_done = NULL;
    child->pdeath_signal = 0;
    child->restart.fn = NULL;
    child->kthread_fn = NULL;
    child->mm = child->active_mm = NULL;
    child->files = NULL;
    child->fs = NULL;
    child->signal = NULL;
    child->sighand = NULL;
    child->sighand_before = NULL;
    child->fpu = NULL;
    return child;
}

static int copy_signal(struct task_struct *child, struct task_struct *parent,
                       u64 flags)
{
    struct signal_struct *from = parent->signal, *to;

    if (flags & CLONE_THREAD) {
        refcount_inc(&from->refs);
        child->signal = from;
        return 0;
    }
    to = child->signal = signal_alloc();
    if (!to)
        return -ENOMEM;
    to->pgrp = from->pgrp;
    to->session = from->session;
    to->tty = from->tty;
    to->oom_score_adj = from->oom_score_adj;
    memcpy(to->rlim, from->rlim, sizeof(to->rlim));
    return 0;
}

static int copy_sighand(struct task_struct *child, struct task_struct *parent,
                        u64 flags)
{
    struct sighand_struct *from = parent->sighand;
    u64 irq;

    if (flags & CLONE_SIGHAND) {
        refcount_inc(&from->refs);
        if (!(flags & CLONE_THREAD))
            WRITE_ONCE(from->shared, true);
        child->sighand = from;
        return 0;
    }
    child->sighand = sighand_alloc();
    if (!child->sighand)
        return -ENOMEM;
    irq = spin_lock_irqsave(&from->lock);
    memcpy(child->sighand->action, from->action, sizeof(from->action));
    spin_unlock_irqrestore(&from->lock, irq);
    if (flags & CLONE_CLEAR_SIGHAND)
        signal_exec_reset(child);
    return 0;
}

static int copy_mm(struct task_struct *child, struct task_struct *parent,
                   u64 flags)
{
    int err = 0;

    if (flags & CLONE_VM) {
        mm_get(parent->mm);
        child->mm = parent->mm;
    } else {
        err = mm_fork(parent->mm, &child->mm);
    }
    if (!err)
        child->active_mm = child->mm;
    return err;
}

static int copy_files(struct task_struct *child, struct task_struct *parent,
                      u64 flags)
{
    if (flags & CLONE_FILES) {
        files_get(parent->files);
        child->files = parent->files;
    } else {
        child->files = files_copy(parent->files);
    }
    if (!child->files)
        return -ENOMEM;
    if (flags & CLONE_FS) {
        fs_get(parent->fs);
        child->fs = parent->fs;
    } else {
        child->fs = fs_copy(parent->fs);
    }
    return child->fs ? 0 : -ENOMEM;
}

static void copy_registers(struct task_struct *child,
                           struct task_struct *parent,
                           const struct clone_args_kernel *args)
{
    struct pt_regs *regs = task_user_regs(child);

    *regs = *task_user_regs(parent);
    regs->rax = 0;
    if (args->stack)
        regs->rsp = args->stack;
    child->selectors = user_selectors_read();
    if (cpu_has(CPU_FSGSBASE)) {
        __asm__ volatile("rdfsbase %0" : "=r"(child->fs_base));
        child->gs_base = task_user_gs_base();
    }
    if (args->flags & CLONE_SETTLS)
        child->fs_base = args->tls;
}

/* Gives back what a child that never ran holds. */
static void child_undo(struct task_struct *child)
{
    if (child->mm)
        mm_put(child->mm);
    if (child->fs)
        fs_put(child->fs);
    if (child->files)
        files_put(child->files);
    fpu_free(child->fpu);
    child->mm = NULL;
    refcount_set(&child->refs, 1);
    put_task(child); /* signal, sighand, stack, itself */
}

static int child_make(struct task_struct *child, struct task_struct *parent,
                      const struct clone_args_kernel *args)
{
    u64 flags = args->flags;
    int err;

    err = fpu_fork(parent->fpu, &child->fpu);
    if (!err)
        err = copy_files(child, parent, flags);
    if (!err)
        err = copy_sighand(child, parent, flags);
    if (!err)
        err = copy_signal(child, parent, flags);
    if (!err)
        err = copy_mm(child, parent, flags);
    if (err)
        return err;
    if ((flags & CLONE_VM) && !(flags & CLONE_VFORK)) {
        memset(&child->sigaltstack, 0, sizeof(child->sigaltstack));
        child->sigaltstack.flags = SS_DISABLE;
    }
    if (flags & CLONE_VM)
        child->rseq = NULL;
    if (flags & CLONE_CHILD_SETTID)
        child->set_child_tid = args->child_tid;
    if (flags & CLONE_CHILD_CLEARTID)
        child->clear_child_tid = args->child_tid;
    child->start_time = ktime_get();
    copy_registers(child, parent, args);
    sched_fork(child);
    return 0;
}

static void link_process_locked(struct task_struct *child,
                                struct task_struct *parent,
                                const struct clone_args_kernel *args)
{
    struct signal_struct *signal = child->signal;

    child->tgid = child->pid;
    child->exit_signal = args->exit_signal;
    signal->leader = child;
    signal->start_time = child->start_time;
    signal->parent = parent->signal->leader;
    if (args->flags & CLONE_PARENT) {
        signal->parent = parent->signal->parent;
        child->exit_signal = parent->signal->leader->exit_signal;
    }
    signal->has_subreaper =
        parent->signal->has_subreaper || parent->signal->is_child_subreaper;
    list_add_tail(&signal->sibling, &signal->parent->signal->children);
}

/* The parent's descriptor of the child, and where ring 3 finds its number:
 * fd or -errno. */
static int child_pidfd(struct task_struct *child, int __user *to)
{
    int fd = pidfd_install(child->signal, 0);

    if (fd >= 0 && put_user(fd, to)) {
        fd_close(fd);
        fd = -EFAULT;
    }
    return fd;
}

/* From here on the child is there for everybody. */
static int child_publish(struct task_struct *child, struct task_struct *parent,
                         const struct clone_args_kernel *args)
{
    u64 flags = spin_lock_irqsave(&tasklist_lock);
    int err;

    spin_lock(&parent->sighand->lock);
    err = signal_pending() ? -ERESTARTNOINTR : pid_alloc(child);
    if (!err) {
        if (args->flags & CLONE_THREAD) {
            child->tgid = parent->tgid;
            child->exit_signal = -1;
        } else {
            link_process_locked(child, parent, args);
        }
        child->signal->nr_threads++;
        list_add_tail(&child->thread_link, &child->signal->threads);
        task_link_locked(child);
    }
    spin_unlock(&parent->sighand->lock);
    spin_unlock_irqrestore(&tasklist_lock, flags);
    return err;
}

static int child_appear(struct task_struct *child, struct task_struct *parent,
                        const struct clone_args_kernel *args)
{
    int err, pidfd = -1;

    if (args->flags & CLONE_PIDFD) {
        pidfd = child_pidfd(child, args->pidfd);
        if (pidfd < 0)
            return pidfd;
    }
    err = child_publish(child, parent, args);
    if (err && pidfd >= 0)
        fd_close(pidfd);
    return err;
}

long do_clone(const struct clone_args_kernel *args)
{
    struct task_struct *parent = current, *child;
    struct vfork_done vfork = {.done = false};
    pid_t pid;
    int err = clone_check(args);

    if (err)
        return err;
    if (!nproc_allows(parent))
        return -EAGAIN;
    child = copy_struct(parent);
    if (!child)
        return -ENOMEM;
    err = child_make(child, parent, args);
    if (!err)
        err = child_appear(child, parent, args);
    if (err) {
        child_undo(child);
        return err;
    }
    pid = child->pid;
    if (args->flags & CLONE_PARENT_SETTID) {
        pid_t __user *tid = args->parent_tid;

        if (put_user(pid, tid))
            err = 0; /* as on Linux: the child exists all the same */
    }
    if (args->flags & CLONE_VFORK) {
        wait_queue_init(&vfork.wait);
        child->vfork_done = &vfork;
    }
    sched_wake_new(child);
    if (args->flags & CLONE_VFORK)
        wait_event(&vfork.wait, READ_ONCE(vfork.done));
    return pid;
}

void fork_child_first(struct task_struct *task)
{
    u32 __user *tid = task->set_child_tid;

    if (put_user((u32)task->pid, tid))
        return; /* as on Linux: nobody is told */
}

static void vfork_release(struct task_struct *task)
{
    struct vfork_done *vfork = task->vfork_done;

    if (!vfork)
        return;
    task->vfork_done = NULL;
    WRITE_ONCE(vfork->done, true);
    wake_up(&vfork->wait);
}

void mm_release_task(struct task_struct *task)
{
    u32 __user *tid = task->clear_child_tid;

    futex_exit_robust(task);
    futex_exit_pi(task);
    if (tid) {
        task->clear_child_tid = NULL;
        if (refcount_read(&task->mm->users) > 1 && !put_user(0u, tid))
            futex_wake(tid, true, 1, ~0u);
    }
    vfork_release(task);
}
