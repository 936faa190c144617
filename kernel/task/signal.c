/*
 * kernel/task/signal.c - sending signals, and the queues they wait in.
 *
 * Structure  each task has a queue of its own (tkill, faults) and shares the
 *            process's. A set of bits says what is pending, a list holds the
 *            siginfo.  Numbers below 32 are queued once at most.
 * Locking    sighand->lock, interrupts off, covers queues, masks and actions
 *            of the whole process, and (with tasklist_lock) its thread list.
 * Invariant  task->work has WORK_SIGNAL if the task must look at signals on
 *            its way to ring 3; a sleeper that has it was woken.
 */
#include <kernel/task/internal.h>

#include <kernel/core/panic.h>
#include <kernel/core/percpu.h>
#include <kernel/lib/string.h>
#include <kernel/task/ptimer.h>
#include <kernel/task/sigset.h>
#include <kernel/uapi/errno.h>
#include <kernel/uapi/resource.h>
#include <kernel/x86/trap.h>
#include <mm/slab.h>
#include <mm/uaccess.h>

DEFINE_WAIT_QUEUE(signalfd_wait);
static struct kmem_cache *signal_cache, *sighand_cache, *sigqueue_cache;

void signal_init(void)
{
    signal_cache = kmem_cache_create("signal_struct",
                                     sizeof(struct signal_struct), 0, 0, NULL);
    sighand_cache = kmem_cache_create(
        "sighand_struct", sizeof(struct sighand_struct), 0, 0, NULL);
    sigqueue_cache =
        kmem_cache_create("sigqueue", sizeof(struct sigqueue), 0, 0, NULL);
    if (!signal_cache || !sighand_cache || !sigqueue_cache)
        panic("no memory for the signal caches");
}

/* What Linux gives its first process. */
static void limits_setup(struct signal_struct *signal)
{
    const u64 threads = 32768 / 2;

    for (size_t i = 0; i < ARRAY_SIZE(signal->rlim); i++)
        signal->rlim[i].cur = signal->rlim[i].max = ~0ull;
    signal->rlim[RLIMIT_STACK].cur = 8 * MIB;
    signal->rlim[RLIMIT_CORE].cur = 0;
    signal->rlim[RLIMIT_NOFILE].cur = 1024;
    signal->rlim[RLIMIT_NOFILE].max = 4096;
    signal->rlim[RLIMIT_MEMLOCK].cur = signal->rlim[RLIMIT_MEMLOCK].max =
        8 * MIB;
    signal->rlim[RLIMIT_NPROC].cur = signal->rlim[RLIMIT_NPROC].max = threads;
    signal->rlim[RLIMIT_SIGPENDING].cur = threads;
    signal->rlim[RLIMIT_SIGPENDING].max = threads;
    signal->rlim[RLIMIT_MSGQUEUE].cur = 819200;
    signal->rlim[RLIMIT_MSGQUEUE].max = 819200;
    signal->rlim[RLIMIT_NICE].cur = signal->rlim[RLIMIT_NICE].max = 0;
    signal->rlim[RLIMIT_RTPRIO].cur = signal->rlim[RLIMIT_RTPRIO].max = 0;
}

static void signal_setup(struct signal_struct *signal)
{
    refcount_set(&signal->refs, 1);
    list_init(&signal->threads);
    list_init(&signal->children);
    list_init(&signal->sibling);
    list_init(&signal->shared_pending.queue);
    list_init(&signal->ptimers);
    wait_queue_init(&signal->wait_child);
    wait_queue_init(&signal->wait_exit);
    itimers_init(signal);
    limits_setup(signal);
}

struct signal_struct *signal_alloc(void)
{
    struct signal_struct *signal = kmem_cache_alloc(signal_cache, GFP_KERNEL);

    if (!signal)
        return NULL;
    memset(signal, 0, sizeof(*signal));
    signal_setup(signal);
    return signal;
}

void signal_put(struct signal_struct *signal)
{
    if (!refcount_dec_and_test(&signal->refs))
        return;
    itimers_cancel(signal);
    sigqueue_flush(&signal->shared_pending);
    kmem_cache_free(signal_cache, signal);
}

struct sighand_struct *sighand_alloc(void)
{
    struct sighand_struct *sighand =
        kmem_cache_alloc(sighand_cache, GFP_KERNEL);

    if (!sighand)
        return NULL;
    memset(sighand, 0, sizeof(*sighand));
    refcount_set(&sighand->refs, 1);
    spin_lock_init(&sighand->lock);
    return sighand;
}

void sighand_put(struct sighand_struct *sighand)
{
    if (refcount_dec_and_test(&sighand->refs))
        kmem_cache_free(sighand_cache, sighand);
}

/* The idle task's, which are never freed and come before the allocator. */
void signal_boot_init(struct signal_struct *signal,
                      struct sighand_struct *sighand,
                      struct task_struct *leader)
{
    signal_setup(signal);
    signal->leader = leader;
    signal->parent = leader;
    refcount_set(&sighand->refs, 1);
    spin_lock_init(&sighand->lock);
}

void sigqueue_flush(struct sigpending *pending)
{
    struct sigqueue *q, *next;

    list_for_each_entry_safe(q, next, &pending->queue, link)
        kmem_cache_free(sigqueue_cache, q);
    list_init(&pending->queue);
    pending->set = 0;
    pending->count = 0;
}

static void sigqueue_remove(struct sigpending *pending, struct sigqueue *q)
{
    list_del(&q->link);
    pending->count--;
    kmem_cache_free(sigqueue_cache, q);
}

static void sigqueue_drop(struct sigpending *pending, sigset_t mask)
{
    struct sigqueue *q, *next;

    if (!(pending->set & mask))
        return;
    pending->set &= ~mask;
    list_for_each_entry_safe(q, next, &pending->queue, link) {
        if (mask & sig_bit(q->info.si_signo))
            sigqueue_remove(pending, q);
    }
}

static bool signal_has_work(const struct task_struct *task)
{
    const struct signal_struct *signal = task->signal;

    return ((task->pending.set | signal->shared_pending.set) &
            ~task->blocked) ||
           signal->group_exit || signal->stopped || signal->report_code;
}

void signal_recalc(struct task_struct *task)
{
    if (signal_has_work(task)) {
        task->work |= WORK_SIGNAL;
        if (task == current)
            this_cpu_write(user_work, this_cpu_read(user_work) | WORK_SIGNAL);
        else
            sched_kick(task);
    } else {
        task->work &= ~WORK_SIGNAL;
        if (task == current)
            this_cpu_write(user_work, this_cpu_read(user_work) & ~WORK_SIGNAL);
    }
}

void signal_wake(struct task_struct *task, bool fatal)
{
    unsigned long states = BIT(TASK_INTERRUPTIBLE);

    task->work |= WORK_SIGNAL;
    if (task == current) {
        this_cpu_write(user_work, this_cpu_read(user_work) | WORK_SIGNAL);
        if (likely(task->state == TASK_RUNNING))
            return;
    } else {
        sched_kick(task);
    }
    wake_up_state(task, fatal ? states | BIT(TASK_STOPPED) : states);
}

/*
 * A sender adds the signal and then reads the mask, we change the mask and
 * then look for signals: one of the two sees the other, so that the lock is
 * needed only if something is pending.
 */
void signal_set_blocked(const sigset_t *set)
{
    struct task_struct *task = current;
    u64 flags;

    WRITE_ONCE(task->blocked, *set & ~SIG_UNBLOCKABLE);
    smp_mb();
    if (!(task->pending.set | task->signal->shared_pending.set) &&
        !(task->work & WORK_SIGNAL))
        return;
    flags = spin_lock_irqsave(&task->sighand->lock);
    signal_recalc(task);
    spin_unlock_irqrestore(&task->sighand->lock, flags);
}

static bool signal_is_ignored(struct task_struct *task, int sig)
{
    void *handler = task->sighand->action[sig - 1].handler;

    if (task->blocked & sig_bit(sig))
        return false;
    if (task == init_task && handler == SIG_DFL)
        return true; /* init dies of its own faults only */
    return handler == SIG_IGN ||
           (handler == SIG_DFL && (sig_bit(sig) & SIG_DEFAULT_IGNORE));
}

static bool thread_wants(const struct task_struct *task, int sig)
{
    if (task->exiting)
        return false;
    return sig == SIGKILL || !(task->blocked & sig_bit(sig));
}

/* Who of the process shall take it; NULL: nobody for now. */
static struct task_struct *choose_thread(struct task_struct *task, int sig)
{
    struct task_struct *thread;

    if (thread_wants(task, sig))
        return task;
    list_for_each_entry(thread, &task->signal->threads, thread_link)
        if (thread_wants(thread, sig))
            return thread;
    return NULL;
}

/* A stop takes back a continue that is pending, and the other way round. */
static void cancel_opposite(struct task_struct *task, int sig)
{
    struct signal_struct *signal = task->signal;
    struct task_struct *thread;
    sigset_t mask;

    if (sig_bit(sig) & SIG_DEFAULT_STOP)
        mask = sig_bit(SIGCONT);
    else if (sig == SIGCONT)
        mask = SIG_DEFAULT_STOP;
    else
        return;
    sigqueue_drop(&signal->shared_pending, mask);
    list_for_each_entry(thread, &signal->threads, thread_link)
        sigqueue_drop(&thread->pending, mask);
    if (sig != SIGCONT || !signal->stopped)
        return;
    signal->stopped = false;
    signal->continued = true;
    /* As on Linux: of a stop that never came about, that is what is told. */
    signal->report_code = signal->stop_count ? CLD_STOPPED : CLD_CONTINUED;
    signal->stop_count = 0;
    list_for_each_entry(thread, &signal->threads, thread_link) {
        thread->stop_pending = false;
        wake_up_state(thread, BIT(TASK_STOPPED));
    }
}

static int queue_info(struct sigpending *pending, int sig,
                      const siginfo_t *info, u64 limit)
{
    struct sigqueue *q = NULL;

    if (sig < 32 || pending->count < limit)
        q = kmem_cache_alloc(sigqueue_cache, GFP_ATOMIC);
    if (!q) /* below 32 the bit alone says enough */
        return sig >= 32 && info && info->si_code < 0 ? -EAGAIN : 0;
    if (info) {
        siginfo_copy(&q->info, info);
        q->info.si_signo = sig;
    } else {
        siginfo_clear(&q->info);
        q->info.si_signo = sig;
        q->info.si_code = SI_KERNEL;
    }
    list_add_tail(&q->link, &pending->queue);
    pending->count++;
    return 0;
}

/* Locks: sighand->lock. */
static int send_locked(int sig, const siginfo_t *info, struct task_struct *task,
                       bool group)
{
    struct sigpending *pending =
        group ? &task->signal->shared_pending : &task->pending;
    struct task_struct *taker;
    int err;

    if (task->signal->group_exit && sig != SIGKILL)
        return 0;
    cancel_opposite(task, sig);
    if (signal_is_ignored(task, sig))
        return 0;
    if (sig < 32 && (pending->set & sig_bit(sig)))
        return 0;
    err = queue_info(pending, sig, info,
                     task->signal->rlim[RLIMIT_SIGPENDING].cur);
    if (err)
        return err;
    pending->set |= sig_bit(sig);
    smp_mb(); /* before any mask is read: signal_set_blocked() */
    if (unlikely(!list_empty(&signalfd_wait.waiters)))
        wake_up_all(&signalfd_wait);
    taker = group ? choose_thread(task, sig)
                  : (thread_wants(task, sig) ? task : NULL);
    if (taker)
        signal_wake(taker, sig == SIGKILL);
    return 0;
}

static int send_any(int sig, const siginfo_t *info, struct task_struct *task,
                    bool group)
{
    u64 flags;
    int err;

    if (sig < 0 || sig > 64)
        return -EINVAL;
    if (!sig || !task->pid || (task->kthread_fn && !task->mm))
        return 0;
    flags = spin_lock_irqsave(&task->sighand->lock);
    err = send_locked(sig, info, task, group);
    spin_unlock_irqrestore(&task->sighand->lock, flags);
    return err;
}

int send_signal(int sig, const siginfo_t *info, struct task_struct *task)
{
    return send_any(sig, info, task, true);
}

int send_signal_thread(int sig, const siginfo_t *info, struct task_struct *task)
{
    return send_any(sig, info, task, false);
}

void send_signal_self(int sig)
{
    siginfo_t info;

    siginfo_clear(&info);
    info.si_signo = sig;
    info.si_code = SI_USER;
    info.si_pid = current->tgid;
    info.si_uid = current->cred.uid;
    send_signal_thread(sig, &info, current);
}

int send_signal_pgrp(int sig, pid_t pgrp)
{
    struct task_struct *task;
    u64 flags = spin_lock_irqsave(&tasklist_lock);
    int err = -ESRCH;

    list_for_each_entry(task, &task_list, all_link)
        if (task->signal->leader == task && task->signal->pgrp == pgrp)
            err = send_any(sig, NULL, task, true);
    spin_unlock_irqrestore(&tasklist_lock, flags);
    return err;
}

void force_signal(int sig, int code, unsigned long addr, u32 trapno,
                  u64 error_code)
{
    struct task_struct *task = current;
    struct kernel_sigaction *action = &task->sighand->action[sig - 1];
    siginfo_t info;
    u64 flags;

    siginfo_clear(&info);
    info.si_signo = sig;
    info.si_code = code;
    info.si_addr = (void *)addr;
    task->fault.trapno = trapno;
    task->fault.error = error_code;
    if (trapno == TRAP_PF)
        task->fault.cr2 = addr;
    flags = spin_lock_irqsave(&task->sighand->lock);
    if ((task->blocked & sig_bit(sig)) || action->handler == SIG_IGN) {
        action->handler = SIG_DFL;
        task->blocked &= ~sig_bit(sig);
    }
    sigqueue_drop(&task->pending, sig_bit(sig));
    queue_info(&task->pending, sig, &info, 0);
    task->pending.set |= sig_bit(sig);
    signal_wake(task, true);
    spin_unlock_irqrestore(&task->sighand->lock, flags);
}

/* The lowest number, but faults first: they belong to this instruction.  And
 * before all the one that nothing may keep from ending the process. */
static int next_signal(sigset_t set)
{
    if (unlikely(set & sig_bit(SIGKILL)))
        return SIGKILL;
    if (set & SIG_SYNCHRONOUS)
        set &= SIG_SYNCHRONOUS;
    return set ? __builtin_ctzl(set) + 1 : 0;
}

static void collect(struct sigpending *pending, int sig, siginfo_t *info)
{
    struct sigqueue *q, *first = NULL;
    bool more = false;

    list_for_each_entry(q, &pending->queue, link) {
        if (q->info.si_signo != sig)
            continue;
        if (first) {
            more = true;
            break;
        }
        first = q;
    }
    if (first) {
        siginfo_copy(info, &first->info);
        sigqueue_remove(pending, first);
    } else {
        siginfo_clear(info);
        info->si_signo = sig;
    }
    if (!more)
        pending->set &= ~sig_bit(sig);
}

int signal_dequeue_locked(sigset_t mask, siginfo_t *info)
{
    struct task_struct *task = current;
    struct sigpending *shared = &task->signal->shared_pending;
    struct sigpending *pending = &task->pending;
    int sig = next_signal(pending->set & mask);

    if (!sig || unlikely(shared->set & mask & sig_bit(SIGKILL))) {
        pending = shared;
        sig = next_signal(pending->set & mask);
    }
    if (!sig)
        return 0;
    collect(pending, sig, info);
    if (unlikely(info->si_code == SI_TIMER))
        ptimer_delivered_locked(task->signal, info);
    return sig;
}

/* Takes away what a new action SIG_IGN makes pointless. */
void signal_discard_locked(struct task_struct *task, int sig)
{
    struct task_struct *thread;

    sigqueue_drop(&task->signal->shared_pending, sig_bit(sig));
    list_for_each_entry(thread, &task->signal->threads, thread_link) {
        sigqueue_drop(&thread->pending, sig_bit(sig));
        if (thread == task)
            signal_recalc(thread);
    }
}

/* A thread stops, or ends: whether all have, and the parent is to be told. */
bool signal_stop_locked(struct task_struct *task)
{
    struct signal_struct *signal = task->signal;

    if (!task->stop_pending)
        return false;
    task->stop_pending = false;
    if (--signal->stop_count || !signal->stopped)
        return false;
    signal->stop_unwaited = true;
    return true;
}

/* All other threads shall end with `status`.  Locks: sighand->lock. */
void signal_zap_threads_locked(struct task_struct *task, int status)
{
    struct signal_struct *signal = task->signal;
    struct task_struct *thread;

    signal->group_exit = true;
    signal->exit_code = status;
    signal->stopped = false;
    list_for_each_entry(thread, &signal->threads, thread_link)
        if (thread != task && !thread->exiting)
            signal_wake(thread, true);
}

/* A program keeps what it ignores, but no handlers of the program before. */
void signal_exec_reset(struct task_struct *task)
{
    u64 flags = spin_lock_irqsave(&task->sighand->lock);

    for (int i = 0; i < 64; i++) {
        struct kernel_sigaction *action = &task->sighand->action[i];

        if (action->handler != SIG_IGN)
            action->handler = SIG_DFL;
        action->flags = 0;
        action->restorer = NULL;
        action->mask = 0;
    }
    spin_unlock_irqrestore(&task->sighand->lock, flags);
    memset(&task->sigaltstack, 0, sizeof(task->sigaltstack));
    task->sigaltstack.flags = SS_DISABLE;
}

int signal_set_user_mask(const void __user *set, size_t size)
{
    sigset_t mask;

    if (!set)
        return 0;
    if (size != sizeof(mask))
        return -EINVAL;
    if (copy_from_user(&mask, set, sizeof(mask)))
        return -EFAULT;
    current->saved_sigmask = current->blocked;
    current->restore_sigmask = true;
    signal_set_blocked(&mask);
    return 0;
}

void signal_restore_user_mask(void)
{
    struct task_struct *task = current;

    if (!task->restore_sigmask)
        return;
    task->restore_sigmask = false;
    signal_set_blocked(&task->saved_sigmask);
}
