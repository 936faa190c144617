/*
 * kernel/task/exit.c - the end of a thread, and of a process.
 *
 * A thread that ends gives back what it holds while it can still sleep, then
 * changes the lists under tasklist_lock, then leaves its stack for ever;
 * sched.c frees the stack.  The leader of a process stays as a zombie until
 * its last thread has gone and its parent has looked (kernel/task/wait.c).
 */
#include <kernel/task/internal.h>

#include <kernel/core/panic.h>
#include <kernel/core/percpu.h>
#include <kernel/fs/fdtable.h>
#include <kernel/lib/string.h>
#include <kernel/task/cputime.h>
#include <kernel/task/ctty.h>
#include <kernel/task/ptimer.h>
#include <kernel/x86/fpu.h>
#include <mm/mm.h>
#include <mm/vmalloc.h>

/* Locks: tasklist_lock. */
static bool parent_ignores_child(struct task_struct *parent, int sig)
{
    const struct kernel_sigaction *action;

    if (sig != SIGCHLD)
        return false;
    action = &parent->sighand->action[SIGCHLD - 1];
    return action->handler == SIG_IGN || (action->flags & SA_NOCLDWAIT);
}

static void child_info(siginfo_t *info, struct task_struct *leader, int code,
                       int status)
{
    siginfo_clear(info);
    info->si_signo = SIGCHLD;
    info->si_code = code;
    info->si_pid = leader->tgid;
    info->si_uid = leader->cred.uid;
    info->si_status = status;
    info->si_utime = leader->signal->utime / (NSEC_PER_SEC / 100);
    info->si_stime = leader->signal->stime / (NSEC_PER_SEC / 100);
}

void notify_parent(struct task_struct *leader, int code, int status)
{
    u64 flags = spin_lock_irqsave(&tasklist_lock);
    struct task_struct *parent = leader->signal->parent;
    siginfo_t info;

    child_info(&info, leader, code, status);
    if (!(parent->sighand->action[SIGCHLD - 1].flags & SA_NOCLDSTOP))
        send_signal(SIGCHLD, &info, parent);
    wake_up_all(&parent->signal->wait_child);
    spin_unlock_irqrestore(&tasklist_lock, flags);
}

/* Tells the parent of a finished process.  Returns whether nobody will wait
 * for it.  Locks: tasklist_lock. */
static bool notify_exit_locked(struct task_struct *leader)
{
    struct task_struct *parent = leader->signal->parent;
    int status = leader->signal->exit_code, sig = leader->exit_signal;
    siginfo_t info;

    if (status & 0x7f)
        child_info(&info, leader, status & 0x80 ? CLD_DUMPED : CLD_KILLED,
                   status & 0x7f);
    else
        child_info(&info, leader, CLD_EXITED, status >> 8 & 0xff);
    info.si_signo = sig;
    if (sig > 0)
        send_signal(sig, &info, parent);
    wake_up_all(&parent->signal->wait_child);
    return sig < 0 || parent_ignores_child(parent, sig);
}

/* Who looks after the children of `task`. */
static struct task_struct *new_parent(struct task_struct *task)
{
    struct task_struct *up = task->signal->parent;

    if (!task->signal->has_subreaper) /* thousands may fork in a chain */
        return init_task;
    for (; up->pid > 1; up = up->signal->parent)
        if (up->signal->is_child_subreaper && up->signal->nr_threads)
            return up;
    return init_task;
}

/* Parents mostly come first in the list, so one round tells all, and a second
 * one that there are no others. */
static void tell_descendants_locked(void)
{
    struct task_struct *task;
    bool more;

    do {
        more = false;
        list_for_each_entry(task, &task_list, all_link) {
            struct signal_struct *signal = task->signal, *parent;

            if (signal->has_subreaper || !signal->parent)
                continue;
            parent = signal->parent->signal;
            if (parent->has_subreaper || parent->is_child_subreaper)
                signal->has_subreaper = more = true;
        }
    } while (more);
}

void child_subreaper_set(bool is_one)
{
    u64 flags = spin_lock_irqsave(&tasklist_lock);

    current->signal->is_child_subreaper = is_one;
    if (is_one && !list_empty(&current->signal->children))
        tell_descendants_locked();
    spin_unlock_irqrestore(&tasklist_lock, flags);
}

static bool pgrp_orphaned_locked(pid_t pgrp)
{
    struct task_struct *task;

    list_for_each_entry(task, &task_list, all_link) {
        const struct signal_struct *signal = task->signal;
        const struct signal_struct *parent;

        if (signal->leader != task || signal->pgrp != pgrp ||
            !signal->nr_threads || signal->parent == init_task)
            continue;
        parent = signal->parent->signal;
        if (parent->pgrp != pgrp && parent->session == signal->session)
            return false;
    }
    return true;
}

bool pgrp_is_orphaned(pid_t pgrp)
{
    u64 flags = spin_lock_irqsave(&tasklist_lock);
    bool orphaned = pgrp_orphaned_locked(pgrp);

    spin_unlock_irqrestore(&tasklist_lock, flags);
    return orphaned;
}

static bool pgrp_has_stopped_locked(pid_t pgrp)
{
    struct task_struct *task;

    list_for_each_entry(task, &task_list, all_link)
        if (task->signal->leader == task && task->signal->pgrp == pgrp &&
            task->signal->stopped && !task->signal->stop_count)
            return true;
    return false;
}

/* The link between `child`'s group and the group of `parent`, which could
 * continue it, ends.  If it was the last one, and somebody there is stopped,
 * the group gets a hang-up. */
static void hang_up_orphans_locked(const struct signal_struct *child,
                                   const struct signal_struct *parent)
{
    pid_t pgrp = child->pgrp;
    struct task_struct *task;

    if (parent->pgrp == pgrp || parent->session != child->session ||
        !pgrp_has_stopped_locked(pgrp) || !pgrp_orphaned_locked(pgrp))
        return;
    list_for_each_entry(task, &task_list, all_link) {
        if (task->signal->leader == task && task->signal->pgrp == pgrp) {
            send_signal(SIGHUP, NULL, task);
            send_signal(SIGCONT, NULL, task);
        }
    }
}

/* Whether a child was a zombie that the new parent does not want either. */
static void reparent_locked(struct task_struct *task, struct list_head *reap)
{
    struct task_struct *parent = new_parent(task);
    struct signal_struct *child, *next;

    list_for_each_entry_safe(child, next, &task->signal->children, sibling) {
        struct task_struct *leader = child->leader;

        list_move_tail(&child->sibling, &parent->signal->children);
        child->parent = parent;
        if (leader->pdeath_signal)
            send_signal(leader->pdeath_signal, NULL, leader);
        leader->exit_signal = SIGCHLD;
        if (child->nr_threads == 0 && notify_exit_locked(leader)) {
            leader->state = TASK_DEAD;
            list_del(&leader->thread_link);
            list_del(&child->sibling);
            task_unlink_locked(leader);
            list_add_tail(&leader->all_link, reap);
        } else {
            hang_up_orphans_locked(child, task->signal);
        }
    }
}

static void exit_mm(struct task_struct *task)
{
    struct mm_struct *mm = task->mm;
    u64 rss, flags;

    if (!mm)
        return;
    mm_release_task(task);
    rss = atomic_read(&mm->anon_pages) + atomic_read(&mm->file_pages) +
          atomic_read(&mm->shmem_pages);
    rss = max(rss, mm->hiwater_rss);
    if (rss > task->signal->maxrss)
        task->signal->maxrss = rss;
    flags = spin_lock_irqsave(&task->sighand->lock);
    mm_grab(mm); /* stays loaded until somebody else runs */
    mm_borrow();
    task->mm = NULL;
    spin_unlock_irqrestore(&task->sighand->lock, flags);
    mm_put(mm);
}

static void exit_files(struct task_struct *task)
{
    u64 flags = spin_lock_irqsave(&task->sighand->lock);
    struct files_struct *files = task->files;
    struct fs_struct *fs = task->fs;

    task->files = NULL;
    task->fs = NULL;
    spin_unlock_irqrestore(&task->sighand->lock, flags);
    if (files)
        files_put(files);
    if (fs)
        fs_put(fs);
}

static void account_thread_locked(struct task_struct *task)
{
    struct signal_struct *signal = task->signal;
    struct cpu_time time = task_times(task);

    signal->utime += time.user;
    signal->stime += time.system;
    signal->min_flt += task->min_flt;
    signal->maj_flt += task->maj_flt;
    signal->nvcsw += task->nvcsw;
    signal->nivcsw += task->nivcsw;
    task->utime = task->stime = 0;
    task->min_flt = task->maj_flt = task->nvcsw = task->nivcsw = 0;
}

static void check_init(const struct task_struct *task, int status)
{
    if (!init_task || task->signal != init_task->signal ||
        task->signal->nr_threads > 1)
        return;
    if (task->signal->group_exit)
        status = task->signal->exit_code;
    if (status & 0x7f)
        panic("init (%s) was killed by %s", task->comm,
              signal_name(status & 0x7f));
    panic("init (%s) ended with exit status %d", task->comm,
          status >> 8 & 0xff);
}

/* Leaves all lists that a thread that has ended is not on.  Returns whether
 * the tree's reference to the process's leader goes now. */
static bool exit_lists_locked(struct task_struct *task, struct list_head *reap)
{
    struct signal_struct *signal = task->signal;
    struct task_struct *leader = signal->leader;
    bool gone;

    account_thread_locked(task);
    if (task != leader) {
        spin_lock(&task->sighand->lock);
        list_del(&task->thread_link);
        spin_unlock(&task->sighand->lock);
        task_unlink_locked(task);
        list_add_tail(&task->all_link, reap);
        task->state = TASK_DEAD;
    } else {
        task->state = TASK_ZOMBIE;
    }
    if (--signal->nr_threads) {
        if (signal->exec_task)
            wake_up_task(signal->exec_task);
        return false;
    }
    itimers_cancel(signal); /* no signal reaches what is left */
    ptimers_delete(signal);
    reparent_locked(task, reap);
    if (!signal->group_exit)
        signal->exit_code = task->exit_code;
    hang_up_orphans_locked(signal, signal->parent->signal);
    wake_up_all(&signal->wait_exit);
    gone = notify_exit_locked(leader);
    if (gone) {
        leader->state = TASK_DEAD;
        list_del(&leader->thread_link);
        list_del(&signal->sibling);
        task_unlink_locked(leader);
        list_add_tail(&leader->all_link, reap);
    }
    return gone;
}

void do_exit(int status)
{
    struct task_struct *task = current, *dead, *next;
    LIST_HEAD(reap);
    bool last_to_stop;
    u64 flags;

    check_init(task, status);
    flags = spin_lock_irqsave(&task->sighand->lock);
    task->exiting = true;
    task->blocked = ~0ul;
    last_to_stop = signal_stop_locked(task);
    signal_recalc(task);
    spin_unlock_irqrestore(&task->sighand->lock, flags);
    if (last_to_stop)
        notify_parent(task->signal->leader, CLD_STOPPED,
                      task->signal->stop_signal);
    task->exit_code = status;
    exit_files(task);
    sched_account_current();
    exit_mm(task);
    if (thread_group_leader(task) && task->signal->session == task->pid &&
        ctty_ops)
        ctty_ops->session_exit(task);
    fpu_free(task->fpu);
    task->fpu = NULL;
    kernel_stack_trim(); /* of those who left before */

    flags = spin_lock_irqsave(&tasklist_lock);
    spin_lock(&task->sighand->lock);
    if (task->signal->group_exit)
        task->exit_code = task->signal->exit_code;
    spin_unlock(&task->sighand->lock);
    exit_lists_locked(task, &reap);
    spin_unlock_irqrestore(&tasklist_lock, flags);
    list_for_each_entry_safe(dead, next, &reap, all_link) {
        list_del(&dead->all_link);
        put_task(dead); /* the tree's; a running one has the CPU's left */
    }
    schedule();
    panic("%s[%d] ran after its end", task->comm, task->pid);
}

void do_exit_group(int status)
{
    struct task_struct *task = current;
    struct signal_struct *signal = task->signal;
    u64 flags = spin_lock_irqsave(&task->sighand->lock);

    if (signal->group_exit)
        status = signal->exit_code;
    else
        signal_zap_threads_locked(task, status);
    spin_unlock_irqrestore(&task->sighand->lock, flags);
    do_exit(status);
}
