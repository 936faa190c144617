/*
 * kernel/task/sigdeliver.c - what happens to a signal on the way to ring 3:
 * default actions, stopping, the choice of a handler, restarted calls.
 *
 * upcall_user_return() is only called when the CPU's work flag is set, so a
 * task without signals pays nothing for any of this.
 */
#include <kernel/task/internal.h>

#include <kernel/core/irq.h>
#include <kernel/core/panic.h>
#include <kernel/core/percpu.h>
#include <kernel/core/printk.h>
#include <kernel/task/sigset.h>
#include <kernel/uapi/errno.h>
#include <kernel/x86/trap.h>
#include <kernel/x86/upcall.h>

#define NR_restart_syscall 219 /* asm/unistd_64.h */

/* Tells the parent.  Locks: sighand->lock, which it drops and takes again. */
static u64 report(struct task_struct *task, int code, u64 flags)
{
    int status = code == CLD_STOPPED ? task->signal->stop_signal : SIGCONT;

    spin_unlock_irqrestore(&task->sighand->lock, flags);
    notify_parent(task->signal->leader, code, status);
    return spin_lock_irqsave(&task->sighand->lock);
}

/* Sleeps while the process is stopped; the last thread to do so tells the
 * parent, also of a stop that comes before it has noticed that the one
 * before was over.  Locks: sighand->lock, which it drops and takes again. */
static u64 wait_while_stopped(struct task_struct *task, u64 flags)
{
    struct signal_struct *signal = task->signal;

    while (signal->stopped && !signal->group_exit) {
        if (signal_stop_locked(task)) {
            flags = report(task, CLD_STOPPED, flags);
            continue;
        }
        set_current_state(TASK_STOPPED);
        spin_unlock_irqrestore(&task->sighand->lock, flags);
        if (!(task->pending.set & sig_bit(SIGKILL)) &&
            !(signal->shared_pending.set & sig_bit(SIGKILL)))
            schedule();
        set_current_state(TASK_RUNNING);
        flags = spin_lock_irqsave(&task->sighand->lock);
        if ((task->pending.set | signal->shared_pending.set) & sig_bit(SIGKILL))
            signal->stopped = false;
    }
    return flags;
}

static void stop_process_locked(struct task_struct *task, int sig)
{
    struct signal_struct *signal = task->signal;
    struct task_struct *thread;

    signal->stopped = true;
    signal->continued = signal->stop_unwaited = false;
    signal->report_code = 0;
    signal->stop_signal = sig;
    signal->stop_count = 0;
    list_for_each_entry(thread, &signal->threads, thread_link) {
        if (thread->exiting)
            continue;
        thread->stop_pending = true;
        signal->stop_count++;
        if (thread != task)
            signal_wake(thread, false);
    }
}

static void say_killed(const struct task_struct *task, int sig,
                       const siginfo_t *info)
{
    char words[80];

    if (!(sig_bit(sig) & SIG_SYNCHRONOUS) || info->si_code <= 0)
        return;
    pr_notice("%s[%d]: killed by %s at 0x%llx, rip %#llx: %s (%s)\n",
              task->comm, task->pid, signal_name(sig),
              (unsigned long long)task->fault.cr2,
              (unsigned long long)task_user_regs((void *)task)->rip,
              trap_name(task->fault.trapno),
              trap_error_words(task->fault.trapno, task->fault.error, words,
                               sizeof(words)));
}

static void default_fatal(struct task_struct *task, int sig,
                          const siginfo_t *info, u64 flags) __noreturn;
static void default_fatal(struct task_struct *task, int sig,
                          const siginfo_t *info, u64 flags)
{
    spin_unlock_irqrestore(&task->sighand->lock, flags);
    say_killed(task, sig, info);
    do_exit_group(sig);
}

/*
 * Works through what is pending until a handler has to run.  Returns its
 * signal and a copy of the action, or 0.  May not come back at all.
 */
static int next_with_handler(struct task_struct *task, siginfo_t *info,
                             struct kernel_sigaction *copy)
{
    struct signal_struct *signal = task->signal;
    u64 flags = spin_lock_irqsave(&task->sighand->lock);
    int sig;

    for (;;) {
        struct kernel_sigaction *action;

        if (signal->group_exit) {
            int status = signal->exit_code;

            spin_unlock_irqrestore(&task->sighand->lock, flags);
            do_exit(status);
        }
        if (signal->stopped) {
            flags = wait_while_stopped(task, flags);
            continue;
        }
        if (unlikely(signal->report_code)) {
            int code = signal->report_code;

            signal->report_code = 0;
            flags = report(task, code, flags);
            continue;
        }
        sig = signal_dequeue_locked(~task->blocked, info);
        if (!sig)
            break;
        action = &task->sighand->action[sig - 1];
        if (action->handler == SIG_IGN)
            continue;
        if (action->handler != SIG_DFL) {
            *copy = *action;
            if (action->flags & SA_RESETHAND)
                action->handler = SIG_DFL;
            break;
        }
        if (sig_bit(sig) & SIG_DEFAULT_IGNORE)
            continue;
        if (task->signal == init_task->signal && info->si_code <= 0)
            continue; /* init dies of its own faults only */
        if (!(sig_bit(sig) & SIG_DEFAULT_STOP))
            default_fatal(task, sig, info, flags);
        if (sig != SIGSTOP) {
            spin_unlock_irqrestore(&task->sighand->lock, flags);
            if (pgrp_is_orphaned(signal->pgrp)) {
                flags = spin_lock_irqsave(&task->sighand->lock);
                continue;
            }
            flags = spin_lock_irqsave(&task->sighand->lock);
        }
        stop_process_locked(task, sig);
    }
    signal_recalc(task);
    spin_unlock_irqrestore(&task->sighand->lock, flags);
    return sig;
}

/* An interrupted call: its number is in orig_rax, -1 if this is none. */
static void restart_before_handler(struct pt_regs *regs, unsigned long flags)
{
    if ((s64)regs->orig_rax < 0)
        return;
    switch ((s64)regs->rax) {
    case -ERESTARTSYS:
        if (flags & SA_RESTART)
            break;
        /* fall through */
    case -ERESTARTNOHAND:
    case -ERESTART_RESTARTBLOCK:
        regs->rax = -EINTR;
        return;
    case -ERESTARTNOINTR:
        break;
    default:
        return;
    }
    regs->rax = regs->orig_rax;
    regs->rip -= 2; /* the SYSCALL instruction */
}

static void restart_without_handler(struct pt_regs *regs)
{
    if ((s64)regs->orig_rax < 0)
        return;
    switch ((s64)regs->rax) {
    case -ERESTARTSYS:
    case -ERESTARTNOHAND:
    case -ERESTARTNOINTR:
        regs->rax = regs->orig_rax;
        break;
    case -ERESTART_RESTARTBLOCK:
        regs->rax = NR_restart_syscall;
        break;
    default:
        return;
    }
    regs->rip -= 2;
}

/* Acts on all that is pending: default actions, or a handler's frame. */
static void signal_deliver(struct pt_regs *regs)
{
    struct task_struct *task = current;
    struct kernel_sigaction action;
    siginfo_t info;
    sigset_t mask, old;
    int sig = next_with_handler(task, &info, &action);

    if (!sig) {
        restart_without_handler(regs);
        signal_restore_user_mask();
        return;
    }
    restart_before_handler(regs, action.flags);
    rseq_resume(task, regs);
    old = task->restore_sigmask ? task->saved_sigmask : task->blocked;
    if (sigframe_setup(sig, &info, &action, &old, regs) < 0) {
        force_signal(SIGSEGV, SI_KERNEL, 0, TRAP_GP, 0);
        if (sig == SIGSEGV) { /* its own handler cannot run: no way on */
            u64 flags = spin_lock_irqsave(&task->sighand->lock);

            task->sighand->action[SIGSEGV - 1].handler = SIG_DFL;
            spin_unlock_irqrestore(&task->sighand->lock, flags);
        }
        return;
    }
    task->restore_sigmask = false;
    mask = task->blocked | action.mask;
    if (!(action.flags & SA_NODEFER))
        mask |= sig_bit(sig);
    signal_set_blocked(&mask);
}

void upcall_user_return(struct pt_regs *regs)
{
    u32 work;

    while ((work = this_cpu_read(user_work))) {
        local_irq_enable();
        if (work & WORK_RESCHED)
            schedule();
        if (work & WORK_OTHER) {
            local_irq_disable();
            this_cpu_write(user_work, this_cpu_read(user_work) & ~WORK_OTHER);
            local_irq_enable();
            rseq_resume(current, regs);
        }
        if (work & WORK_SIGNAL)
            signal_deliver(regs);
        local_irq_disable();
    }
}
