/*
 * kernel/sys/sys_signal.c - the calls about signals.
 */
#include <kernel/lib/string.h>
#include <kernel/sys/sys_signal.h>
#include <kernel/task/internal.h>
#include <kernel/task/sigset.h>
#include <kernel/uapi/errno.h>
#include <linux/time_types.h>
#include <mm/uaccess.h>

#include <syscalls_gen.h>

#define MINSIGSTKSZ_LINUX 2048

/* What is kept of sa_flags; others read back as 0. */
#define SA_KNOWN                                                               \
    (SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO | SA_ONSTACK | SA_RESTART |      \
     SA_NODEFER | SA_RESETHAND | SA_RESTORER | SA_EXPOSE_TAGBITS)

const char *signal_name(int sig)
{
    static const char *const names[] = {
        "0",       "SIGHUP",  "SIGINT",    "SIGQUIT", "SIGILL",    "SIGTRAP",
        "SIGABRT", "SIGBUS",  "SIGFPE",    "SIGKILL", "SIGUSR1",   "SIGSEGV",
        "SIGUSR2", "SIGPIPE", "SIGALRM",   "SIGTERM", "SIGSTKFLT", "SIGCHLD",
        "SIGCONT", "SIGSTOP", "SIGTSTP",   "SIGTTIN", "SIGTTOU",   "SIGURG",
        "SIGXCPU", "SIGXFSZ", "SIGVTALRM", "SIGPROF", "SIGWINCH",  "SIGIO",
        "SIGPWR",  "SIGSYS",
    };

    if (sig >= 0 && (size_t)sig < ARRAY_SIZE(names))
        return names[sig];
    return sig <= 64 ? "SIGRT" : "?";
}

static bool would_ignore(int sig, const void *handler)
{
    return handler == SIG_IGN ||
           (handler == SIG_DFL && (sig_bit(sig) & SIG_DEFAULT_IGNORE));
}

static void put_action(struct kernel_sigaction *to,
                       const struct kernel_sigaction *from)
{
    to->handler = from->handler;
    to->flags = from->flags & SA_KNOWN;
    to->restorer = from->restorer;
    to->mask = from->mask & ~SIG_UNBLOCKABLE;
}

/* Puts *in, unless NULL, where `action` is; *out: what was there. */
static __noinline void exchange_action(struct kernel_sigaction *action,
                                       const struct kernel_sigaction *in,
                                       struct kernel_sigaction *out)
{
    struct task_struct *task = current;
    int sig = action - task->sighand->action + 1;
    u64 flags = spin_lock_irqsave(&task->sighand->lock);

    *out = *action;
    if (in) {
        put_action(action, in);
        if (would_ignore(sig, in->handler))
            signal_discard_locked(task, sig);
    }
    spin_unlock_irqrestore(&task->sighand->lock, flags);
}

static __noinline long sigaction_locked(int sig, const void __user *act,
                                        void __user *oldact)
{
    struct kernel_sigaction in, out;

    if (act && get_user_4_words(act, &in))
        return -EFAULT;
    if (sig < 1 || sig > 64 || (act && (sig_bit(sig) & SIG_UNBLOCKABLE)))
        return -EINVAL;
    exchange_action(&current->sighand->action[sig - 1], act ? &in : NULL, &out);
    return oldact && copy_to_user(oldact, &out, sizeof(out)) ? -EFAULT : 0;
}

/*
 * The table of a process with one thread is written by that thread alone;
 * others look at the handler only, one word.  So a handler that takes nothing
 * off the queues needs no lock.
 */
long sys_rt_sigaction(int sig, const void __user *act, void __user *oldact,
                      size_t setsize)
{
    struct sighand_struct *sighand = current->sighand;
    struct kernel_sigaction *action, in, out;
    u32 index = sig - 1;

    if (unlikely(setsize != sizeof(sigset_t)))
        return -EINVAL;
    if (!act || oldact || index >= 64 || SIG_UNBLOCKABLE >> index & 1 ||
        refcount_read(&sighand->refs) != 1)
        return sigaction_locked(sig, act, oldact);
    action = &sighand->action[index];
    if (get_user_4_words(act, &in))
        return -EFAULT;
    if ((u64)in.handler > (u64)SIG_IGN)
        put_action(action, &in);
    else
        exchange_action(action, &in, &out);
    return 0;
}

long sys_rt_sigprocmask(int how, const void __user *uset, void __user *oldset,
                        size_t setsize)
{
    sigset_t old = current->blocked, set;

    if (setsize != sizeof(sigset_t))
        return -EINVAL;
    if (uset) {
        if (copy_from_user(&set, uset, sizeof(set)))
            return -EFAULT;
        switch (how) {
        case SIG_BLOCK:
            set |= old;
            break;
        case SIG_UNBLOCK:
            set = old & ~set;
            break;
        case SIG_SETMASK:
            break;
        default:
            return -EINVAL;
        }
        signal_set_blocked(&set);
    }
    return oldset ? put_user(old, (sigset_t __user *)oldset) : 0;
}

long sys_rt_sigpending(void __user *uset, size_t setsize)
{
    struct task_struct *task = current;
    sigset_t set;

    if (setsize > sizeof(set))
        return -EINVAL;
    set =
        (task->pending.set | task->signal->shared_pending.set) & task->blocked;
    return copy_to_user(uset, &set, setsize) ? -EFAULT : 0;
}

static long sleep_for_signal(void)
{
    while (!signal_pending()) {
        set_current_state(TASK_INTERRUPTIBLE);
        if (!signal_pending())
            schedule();
    }
    set_current_state(TASK_RUNNING);
    return -ERESTARTNOHAND;
}

long sys_pause(void)
{
    return sleep_for_signal();
}

long sys_rt_sigsuspend(const void __user *uset, size_t setsize)
{
    struct task_struct *task = current;
    sigset_t set;

    if (setsize != sizeof(sigset_t))
        return -EINVAL;
    if (copy_from_user(&set, uset, sizeof(set)))
        return -EFAULT;
    task->saved_sigmask = task->blocked;
    signal_set_blocked(&set);
    sleep_for_signal();
    task->restore_sigmask = true; /* the handler's return brings it back */
    return -ERESTARTNOHAND;
}

static int try_dequeue(sigset_t set, siginfo_t *info)
{
    struct task_struct *task = current;
    u64 flags = spin_lock_irqsave(&task->sighand->lock);
    int sig = signal_dequeue_locked(set, info);

    if (sig)
        signal_recalc(task);
    spin_unlock_irqrestore(&task->sighand->lock, flags);
    return sig;
}

/* Waits with the wanted ones unblocked, so that they wake it. */
static int wait_dequeue(sigset_t set, siginfo_t *info, u64 expires)
{
    struct task_struct *task = current;
    sigset_t old = task->blocked, open = old & ~set;
    bool timely = true;
    int sig;

    signal_set_blocked(&open);
    for (;;) {
        set_current_state(TASK_INTERRUPTIBLE);
        sig = try_dequeue(set, info);
        if (sig || !timely || signal_pending())
            break;
        timely = schedule_until(expires);
    }
    set_current_state(TASK_RUNNING);
    signal_set_blocked(&old);
    if (!sig)
        sig = try_dequeue(set, info);
    if (sig)
        return sig;
    return timely ? -EINTR : -EAGAIN;
}

long sys_rt_sigtimedwait(const void __user *uset, void __user *uinfo,
                         const void __user *utimeout, size_t setsize)
{
    struct __kernel_timespec ts;
    u64 expires = ~0ull;
    siginfo_t info;
    sigset_t set;
    int sig;

    if (setsize != sizeof(sigset_t))
        return -EINVAL;
    if (copy_from_user(&set, uset, sizeof(set)))
        return -EFAULT;
    if (utimeout) {
        if (copy_from_user(&ts, utimeout, sizeof(ts)))
            return -EFAULT;
        if (ts.tv_sec < 0 || (u64)ts.tv_nsec >= NSEC_PER_SEC)
            return -EINVAL;
        expires = ktime_get() + ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
    }
    set &= ~SIG_UNBLOCKABLE;
    sig = try_dequeue(set, &info);
    if (!sig && utimeout && !ts.tv_sec && !ts.tv_nsec)
        return -EAGAIN;
    if (!sig)
        sig = wait_dequeue(set, &info, expires);
    if (sig > 0 && uinfo) {
        siginfo_clear_rest(&info);
        if (copy_to_user(uinfo, &info, sizeof(info)))
            return -EFAULT;
    }
    return sig;
}

/* Locks: tasklist_lock or a reference. */
static bool may_signal(int sig, const struct task_struct *task)
{
    const struct cred *me = &current->cred, *it = &task->cred;

    if (task->signal == current->signal || me->euid == it->suid ||
        me->euid == it->uid || me->uid == it->suid || me->uid == it->uid ||
        capable(CAP_KILL))
        return true;
    return sig == SIGCONT && task->signal->session == current->signal->session;
}

void kill_info(siginfo_t *info, int sig, int code)
{
    siginfo_clear(info);
    info->si_signo = sig;
    info->si_code = code;
    info->si_pid = current->tgid;
    info->si_uid = current->cred.uid;
}

static bool valid_signal(int sig)
{
    return sig >= 0 && sig <= 64;
}

long kill_process(struct task_struct *task, int sig, const siginfo_t *info)
{
    if (!valid_signal(sig))
        return -EINVAL;
    return may_signal(sig, task) ? send_signal(sig, info, task) : -EPERM;
}

static long kill_one(pid_t pid, int sig, const siginfo_t *info)
{
    struct task_struct *task = task_find_get(pid);
    long err;

    if (!task)
        return -ESRCH;
    err = kill_process(task, sig, info);
    put_task(task);
    return err;
}

/* pgrp 0: everybody but init and the caller. */
static long kill_many(pid_t pgrp, int sig, const siginfo_t *info)
{
    struct task_struct *task;
    long result = -ESRCH;
    u64 flags = spin_lock_irqsave(&tasklist_lock);

    list_for_each_entry(task, &task_list, all_link) {
        long err;

        if (task->signal->leader != task)
            continue;
        if (pgrp ? task->signal->pgrp != pgrp
                 : task->pid <= 1 || task->signal == current->signal ||
                       !task->mm)
            continue;
        err = kill_process(task, sig, info);
        if (!err || result == -ESRCH)
            result = err;
    }
    spin_unlock_irqrestore(&tasklist_lock, flags);
    return result;
}

long sys_kill(pid_t pid, int sig)
{
    siginfo_t info;

    kill_info(&info, sig, SI_USER);
    if (pid > 0)
        return kill_one(pid, sig, &info);
    if (pid == -1)
        return kill_many(0, sig, &info);
    if (pid == (pid_t)0x80000000)
        return -ESRCH;
    return kill_many(pid ? -pid : current->signal->pgrp, sig, &info);
}

static long kill_thread(pid_t tgid, pid_t tid, int sig, const siginfo_t *info)
{
    struct task_struct *task;
    long err;

    task = task_find_get(tid);
    if (!task)
        return -ESRCH;
    if (tgid > 0 && task->tgid != tgid)
        err = -ESRCH;
    else if (!valid_signal(sig))
        err = -EINVAL;
    else if (!may_signal(sig, task))
        err = -EPERM;
    else
        err = send_signal_thread(sig, info, task);
    put_task(task);
    return err;
}

long sys_tgkill(pid_t tgid, pid_t tid, int sig)
{
    siginfo_t info;

    if (tgid <= 0 || tid <= 0)
        return -EINVAL;
    kill_info(&info, sig, SI_TKILL);
    return kill_thread(tgid, tid, sig, &info);
}

long sys_tkill(pid_t tid, int sig)
{
    siginfo_t info;

    if (tid <= 0)
        return -EINVAL;
    kill_info(&info, sig, SI_TKILL);
    return kill_thread(0, tid, sig, &info);
}

/* Whether the kernel knows what a siginfo_t of this kind holds: then it is
 * all within what it has of it. */
static bool siginfo_known(int sig, int code)
{
    if (code == SI_KERNEL)
        return true;
    if (code <= SI_USER)
        return code >= SI_DETHREAD || code == SI_ASYNCNL;
    switch (sig) {
    case SIGILL:
        return code <= NSIGILL;
    case SIGFPE:
        return code <= NSIGFPE;
    case SIGSEGV:
        return code <= NSIGSEGV;
    case SIGBUS:
        return code <= NSIGBUS;
    case SIGTRAP:
        return code <= NSIGTRAP;
    case SIGCHLD:
        return code <= NSIGCHLD;
    case SIGSYS:
        return code <= NSIGSYS;
    default:
        return code <= NSIGPOLL;
    }
}

/* The part that the kernel has; beyond it only zeroes may be unknown. */
int siginfo_get(siginfo_t *info, const void __user *from, int sig)
{
    char rest[sizeof(*info) - SIGINFO_USED];

    memset(info, 0, sizeof(*info));
    if (copy_from_user(info, from, SIGINFO_USED))
        return -EFAULT;
    if (sig != SIGINFO_OWN)
        info->si_signo = sig;
    if (siginfo_known(info->si_signo, info->si_code))
        return 0;
    if (copy_from_user(rest, from + SIGINFO_USED, sizeof(rest)))
        return -EFAULT;
    for (size_t i = 0; i < sizeof(rest); i++)
        if (rest[i])
            return -E2BIG;
    return 0;
}

/* Only the kernel, and kill, may say that they are the kernel, or kill. */
static int queue_info_get(siginfo_t *info, const void __user *uinfo, int sig,
                          pid_t pid)
{
    int err = siginfo_get(info, uinfo, sig);

    if (err)
        return err;
    if ((info->si_code >= 0 || info->si_code == SI_TKILL) &&
        pid != current->pid && pid != current->tgid)
        return -EPERM;
    return 0;
}

long sys_rt_sigqueueinfo(pid_t tgid, int sig, const void __user *uinfo)
{
    siginfo_t info;
    int err = queue_info_get(&info, uinfo, sig, tgid);

    return err ? err : kill_one(tgid, sig, &info);
}

long sys_rt_tgsigqueueinfo(pid_t tgid, pid_t tid, int sig,
                           const void __user *uinfo)
{
    siginfo_t info;
    int err;

    err = siginfo_get(&info, uinfo, sig);
    if (err)
        return err;
    if (tgid <= 0 || tid <= 0)
        return -EINVAL;
    err = queue_info_get(&info, uinfo, sig, tid);
    return err ? err : kill_thread(tgid, tid, sig, &info);
}

struct user_stack { /* stack_t */
    u64 sp;
    s32 flags;
    u64 size;
};

static int altstack_set(struct task_struct *task, const struct user_stack *in,
                        bool busy)
{
    u32 mode = in->flags & ~SS_AUTODISARM;

    if (busy)
        return -EPERM;
    if (mode != SS_DISABLE && mode != SS_ONSTACK && mode != 0)
        return -EINVAL;
    if (mode == SS_DISABLE) {
        task->sigaltstack.sp = 0;
        task->sigaltstack.size = 0;
        task->sigaltstack.flags = in->flags;
        return 0;
    }
    if (in->size < MINSIGSTKSZ_LINUX)
        return -ENOMEM;
    task->sigaltstack.sp = in->sp;
    task->sigaltstack.size = in->size;
    task->sigaltstack.flags = in->flags;
    return 0;
}

long sys_sigaltstack(const void __user *uss, void __user *uold)
{
    struct task_struct *task = current;
    u64 sp = task_user_regs(task)->rsp;
    bool busy = task->sigaltstack.size && on_altstack(task, sp);
    struct user_stack in, old;
    int err;

    memset(&old, 0, sizeof(old));
    old.sp = task->sigaltstack.sp;
    old.size = task->sigaltstack.size;
    old.flags =
        (task->sigaltstack.flags & SS_AUTODISARM) | (!old.size ? SS_DISABLE
                                                     : busy    ? SS_ONSTACK
                                                               : 0);
    if (uss) {
        if (copy_from_user(&in, uss, sizeof(in)))
            return -EFAULT;
        err = altstack_set(task, &in, busy);
        if (err)
            return err;
    }
    return uold && copy_to_user(uold, &old, sizeof(old)) ? -EFAULT : 0;
}
