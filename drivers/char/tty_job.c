/*
 * drivers/char/tty_job.c - whose terminal it is: sessions, foreground groups.
 *
 * A session leader without a terminal gets the first one it opens; the
 * terminal then has a session and a foreground group, which the keys' signals
 * go to.  Processes of other groups are in the background: reading stops
 * them.
 *
 * Locking    tasklist_lock covers signal->tty, tty->pgrp and tty->session, so
 *            that a session and its terminal never disagree.  Readers that
 *            only compare take a look without it.
 * Invariant  signal->tty != NULL <=> signal->session == tty->session != 0.
 */
#include <drivers/char/tty.h>

#include <kernel/task/ctty.h>
#include <kernel/task/sigset.h>
#include <kernel/task/task.h>
#include <kernel/uapi/errno.h>

static bool is_session_leader(const struct task_struct *task)
{
    return task->signal->session == task->tgid;
}

struct tty *tty_of_current(void)
{
    return READ_ONCE(current->signal->tty);
}

/* Locks: tasklist_lock. */
static void take_locked(struct tty *tty)
{
    struct signal_struct *signal = current->signal;

    tty->session = signal->session;
    tty->pgrp = signal->pgrp;
    signal->tty = tty;
}

/* Nobody of the session has a terminal any more.  Locks: tasklist_lock. */
static void clear_session_locked(struct tty *tty)
{
    struct task_struct *task;

    list_for_each_entry(task, &task_list, all_link)
        if (task->signal && task->signal->tty == tty)
            task->signal->tty = NULL;
    tty->session = 0;
    tty->pgrp = 0;
}

void tty_open_as_controlling(struct tty *tty, const struct file *file)
{
    u64 flags;

    if ((file->flags & O_NOCTTY) || !(file->fmode & FMODE_READ) ||
        !is_session_leader(current) || current->signal->tty)
        return;
    flags = spin_lock_irqsave(&tasklist_lock);
    if (!tty->session && !current->signal->tty)
        take_locked(tty);
    spin_unlock_irqrestore(&tasklist_lock, flags);
}

/* Whether current would not notice the signal. */
static bool current_ignores(int sig)
{
    struct sighand_struct *sighand = current->sighand;

    return (current->blocked & sig_bit(sig)) ||
           READ_ONCE(sighand->action[sig - 1].handler) == (void *)SIG_IGN;
}

int tty_check_foreground(struct tty *tty, int sig)
{
    const struct signal_struct *signal = current->signal;
    pid_t foreground = READ_ONCE(tty->pgrp);

    if (signal->tty != tty || !foreground || signal->pgrp == foreground)
        return 0;
    if (current_ignores(sig))
        return sig == SIGTTIN ? -EIO : 0;
    if (pgrp_is_orphaned(signal->pgrp))
        return -EIO;
    send_signal_pgrp(sig, signal->pgrp);
    return -ERESTARTSYS;
}

long tty_get_pgrp(struct tty *tty)
{
    return tty_of_current() == tty ? READ_ONCE(tty->pgrp) : -ENOTTY;
}

long tty_get_session(struct tty *tty)
{
    return tty_of_current() == tty ? READ_ONCE(tty->session) : -ENOTTY;
}

static bool process_exists(pid_t pid)
{
    struct task_struct *task = task_find_get(pid);

    if (task)
        put_task(task);
    return task != NULL;
}

long tty_set_pgrp(struct tty *tty, pid_t pgrp)
{
    int err = tty_check_foreground(tty, SIGTTOU);

    if (err)
        return err == -EIO ? -ENOTTY : err;
    if (tty_of_current() != tty || tty->session != current->signal->session)
        return -ENOTTY;
    if (pgrp < 0)
        return -EINVAL;
    if (!pgrp_exists(pgrp, current->signal->session))
        return pgrp_exists(pgrp, -1) || process_exists(pgrp) ? -EPERM : -ESRCH;
    WRITE_ONCE(tty->pgrp, pgrp);
    return 0;
}

long tty_take(struct tty *tty, bool steal)
{
    u64 flags = spin_lock_irqsave(&tasklist_lock);
    long err = 0;

    if (is_session_leader(current) && tty->session == current->signal->session)
        goto out; /* it is ours already */
    err = -EPERM;
    if (!is_session_leader(current) || current->signal->tty)
        goto out;
    if (tty->session) {
        if (!steal || !capable(CAP_SYS_ADMIN))
            goto out;
        clear_session_locked(tty);
    }
    take_locked(tty);
    err = 0;
out:
    spin_unlock_irqrestore(&tasklist_lock, flags);
    return err;
}

/* Takes the terminal from its session; the group that was in the foreground,
 * 0 if there was none. */
static pid_t end_session(struct tty *tty)
{
    u64 flags = spin_lock_irqsave(&tasklist_lock);
    pid_t pgrp = tty->pgrp;

    clear_session_locked(tty);
    spin_unlock_irqrestore(&tasklist_lock, flags);
    return pgrp;
}

long tty_give_up(struct tty *tty)
{
    pid_t pgrp;

    if (tty_of_current() != tty)
        return -ENOTTY;
    if (!is_session_leader(current)) {
        WRITE_ONCE(current->signal->tty, NULL);
        return 0;
    }
    pgrp = end_session(tty);
    if (pgrp) {
        send_signal_pgrp(SIGHUP, pgrp);
        send_signal_pgrp(SIGCONT, pgrp);
    }
    return 0;
}

/* As on Linux a terminal does not outlive its session's leader: programs that
 * still have it open read end of file.  But a pty is its master's. */
static void session_exit(struct task_struct *leader)
{
    struct tty *tty = leader->signal->tty;
    pid_t pgrp;

    if (!tty || !is_session_leader(leader))
        return;
    pgrp = end_session(tty);
    if (pgrp)
        send_signal_pgrp(SIGHUP, pgrp);
    if (!tty->ops->has_master)
        tty_hangup(tty);
}

void tty_vanish(struct tty *tty)
{
    struct task_struct *leader = NULL;
    pid_t session = READ_ONCE(tty->session);

    if (session)
        leader = task_find_get(session);
    if (leader) {
        send_signal(SIGHUP, NULL, leader);
        send_signal(SIGCONT, NULL, leader);
        put_task(leader);
    }
    end_session(tty);
    tty_hangup(tty);
}

static dev_t tty_dev(const struct tty *tty)
{
    return tty->dev;
}

static pid_t tty_foreground(const struct tty *tty)
{
    return READ_ONCE(tty->pgrp);
}

static const struct ctty_ops tty_ctty_ops = {
    .dev = tty_dev,
    .foreground = tty_foreground,
    .session_exit = session_exit,
};

void tty_job_init(void)
{
    ctty_ops = &tty_ctty_ops;
}
