/*
 * kernel/task/wait.c - wait4 and waitid: what became of a child.
 *
 * The children of a process are a list of signal_structs; each call looks at
 * all of them under tasklist_lock, so its cost is linear in the children.  A
 * waiter sleeps on its process's wait_child queue, which every change of a
 * child's state wakes.
 */
#include <kernel/task/internal.h>

#include <kernel/task/wait.h>
#include <kernel/uapi/errno.h>
#include <linux/wait.h>

static bool wanted(const struct wait_request *req,
                   const struct signal_struct *child)
{
    bool is_clone = child->leader->exit_signal != SIGCHLD;

    if (req->type == P_PID && child->leader->tgid != req->id)
        return false;
    if (req->type == P_PGID && child->pgrp != req->id)
        return false;
    if (req->type == P_PIDFD && child != req->process)
        return false;
    return (req->options & __WALL) || is_clone == !!(req->options & __WCLONE);
}

static void fill(struct wait_request *req, struct task_struct *leader, int code,
                 int status, int word)
{
    req->pid = leader->tgid;
    req->uid = leader->cred.uid;
    req->code = code;
    req->status = status;
    req->word = word;
}

static void usage_of(struct task_usage *usage, const struct signal_struct *sig)
{
    usage->utime = sig->utime + sig->cutime;
    usage->stime = sig->stime + sig->cstime;
    usage->min_flt = sig->min_flt + sig->cmin_flt;
    usage->maj_flt = sig->maj_flt + sig->cmaj_flt;
    usage->nvcsw = sig->nvcsw;
    usage->nivcsw = sig->nivcsw;
    usage->maxrss = max(sig->maxrss, sig->cmaxrss);
}

/* The zombie's figures become the parent's.  Locks: tasklist_lock. */
static void reap_locked(struct task_struct *leader)
{
    struct signal_struct *child = leader->signal;
    struct signal_struct *parent = child->parent->signal;
    struct task_usage usage;

    usage_of(&usage, child);
    parent->cutime += usage.utime;
    parent->cstime += usage.stime;
    parent->cmin_flt += usage.min_flt;
    parent->cmaj_flt += usage.maj_flt;
    parent->cmaxrss = max(parent->cmaxrss, usage.maxrss);
    list_del(&child->sibling);
    list_del(&leader->thread_link);
    task_unlink_locked(leader);
}

/* 1: this child has news of the wanted kind; 0: not yet; -ECHILD: never.
 * *reap is set if its tree reference goes with it.  Locks: tasklist_lock. */
static int look_at(struct wait_request *req, struct signal_struct *child,
                   struct task_struct **reap)
{
    struct task_struct *leader = child->leader;
    bool keep = req->options & WNOWAIT;
    int word = child->exit_code;

    if (child->nr_threads == 0) {
        if (!(req->options & WEXITED))
            return -ECHILD; /* nothing else will come of it */
        if (word & 0x7f)
            fill(req, leader, word & 0x80 ? CLD_DUMPED : CLD_KILLED,
                 word & 0x7f, word);
        else
            fill(req, leader, CLD_EXITED, word >> 8 & 0xff, word);
        usage_of(&req->usage, child);
        if (!keep) {
            reap_locked(leader);
            *reap = leader;
        }
        return 1;
    }
    if (child->stopped && child->stop_unwaited && (req->options & WSTOPPED)) {
        fill(req, leader, CLD_STOPPED, child->stop_signal,
             child->stop_signal << 8 | 0x7f);
        usage_of(&req->usage, child);
        child->stop_unwaited = keep;
        return 1;
    }
    if (child->continued && (req->options & WCONTINUED)) {
        fill(req, leader, CLD_CONTINUED, SIGCONT, 0xffff);
        usage_of(&req->usage, child);
        child->continued = keep;
        return 1;
    }
    return 0;
}

/* 1: found; 0: none yet; -ECHILD: nothing to wait for. */
static int look(struct wait_request *req)
{
    struct signal_struct *child;
    struct task_struct *reap = NULL;
    u64 flags = spin_lock_irqsave(&tasklist_lock);
    int result = -ECHILD;

    list_for_each_entry(child, &current->signal->children, sibling) {
        int news;

        if (!wanted(req, child))
            continue;
        news = look_at(req, child, &reap);
        result = max(result, news);
        if (news > 0)
            break;
    }
    spin_unlock_irqrestore(&tasklist_lock, flags);
    if (reap)
        put_task(reap);
    return result;
}

int do_wait(struct wait_request *req)
{
    struct wait_queue *q = &current->signal->wait_child;
    struct wait_entry entry;
    int result = look(req);

    if (result || (req->options & WNOHANG))
        return result;
    wait_entry_init(&entry);
    wait_add(q, &entry);
    for (;;) {
        set_current_state(TASK_INTERRUPTIBLE);
        result = look(req);
        if (result)
            break;
        if (signal_pending()) {
            result = -ERESTARTSYS;
            break;
        }
        schedule();
    }
    set_current_state(TASK_RUNNING);
    wait_remove(q, &entry);
    return result;
}
