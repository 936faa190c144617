/*
 * kernel/sys/sys_sched.c - priorities, policies, affinity.
 *
 * All tasks are scheduled fairly by nice value, those of SCHED_IDLE with
 * hardly any weight; the other policies can be set and read back under
 * Linux's rules, without a further meaning.
 */
#include <kernel/core/percpu.h>
#include <kernel/core/time.h>
#include <kernel/task/internal.h>
#include <kernel/uapi/errno.h>
#include <kernel/uapi/resource.h>
#include <kernel/uapi/sched.h>
#include <linux/time_types.h>
#include <mm/uaccess.h>

#include <syscalls_gen.h>

#define RT_PRIORITY_MAX 99
#define RR_INTERVAL (100 * NSEC_PER_MSEC)

long sys_sched_yield(void)
{
    sched_yield_current();
    return 0;
}

/* The caller, or another by number, referenced; NULL: no such thread. */
static struct task_struct *target_get(pid_t pid)
{
    if (pid)
        return task_find_get(pid);
    get_task(current);
    return current;
}

static bool may_change(const struct task_struct *task)
{
    uid_t euid = current->cred.euid;

    return capable(CAP_SYS_NICE) || euid == task->cred.uid ||
           euid == task->cred.euid;
}

/* Whether a user may make it as nice as that. */
static bool nice_allowed(const struct task_struct *task, int nice)
{
    return 20 - nice <= (long)task->signal->rlim[RLIMIT_NICE].cur ||
           capable(CAP_SYS_NICE);
}

static int set_nice(struct task_struct *task, int nice)
{
    if (!may_change(task))
        return -EPERM;
    if (nice < task->nice && !nice_allowed(task, nice))
        return -EACCES;
    sched_set_nice(task, nice);
    return 0;
}

/* Whether `task` is one of those that (which, who) names. */
static bool named(const struct task_struct *task, int which, int who)
{
    switch (which) {
    case PRIO_PROCESS:
        return task->pid == who;
    case PRIO_PGRP:
        return task->signal->pgrp == who;
    default:
        return task->cred.uid == (uid_t)who;
    }
}

static int who_or_self(int which, int who)
{
    if (who)
        return who;
    if (which == PRIO_PROCESS)
        return current->pid;
    return which == PRIO_PGRP ? current->signal->pgrp : (int)current->cred.uid;
}

long sys_setpriority(int which, int who, int nice)
{
    struct task_struct *task;
    int err = -ESRCH;
    u64 flags;

    if (which < PRIO_PROCESS || which > PRIO_USER)
        return -EINVAL;
    nice = max(-20, min(nice, 19));
    who = who_or_self(which, who);
    flags = spin_lock_irqsave(&tasklist_lock);
    list_for_each_entry(task, &task_list, all_link) {
        int one;

        if (!named(task, which, who))
            continue;
        one = set_nice(task, nice);
        if (err == -ESRCH || one)
            err = one;
    }
    spin_unlock_irqrestore(&tasklist_lock, flags);
    return err;
}

long sys_getpriority(int which, int who)
{
    struct task_struct *task;
    long best = -ESRCH;
    u64 flags;

    if (which < PRIO_PROCESS || which > PRIO_USER)
        return -EINVAL;
    who = who_or_self(which, who);
    flags = spin_lock_irqsave(&tasklist_lock);
    list_for_each_entry(task, &task_list, all_link)
        if (named(task, which, who))
            best = max(best, 20l - task->nice);
    spin_unlock_irqrestore(&tasklist_lock, flags);
    return best;
}

static bool policy_known(int policy)
{
    return policy >= SCHED_NORMAL && policy <= SCHED_IDLE && policy != 4;
}

static bool is_rt(u32 policy)
{
    return policy == SCHED_FIFO || policy == SCHED_RR;
}

static int priority_check(int policy, int priority)
{
    bool bad = is_rt(policy) ? priority < 1 || priority > RT_PRIORITY_MAX
                             : priority != 0;

    return bad ? -EINVAL : 0;
}

static bool policy_allowed(const struct task_struct *task, u32 policy,
                           u32 priority, bool reset)
{
    u64 limit = task->signal->rlim[RLIMIT_RTPRIO].cur;

    if (capable(CAP_SYS_NICE))
        return true;
    if (!may_change(task) || (task->reset_on_fork && !reset))
        return false;
    if (is_rt(policy) && ((policy != task->policy && !limit) ||
                          (priority > task->rt_priority && priority > limit)))
        return false;
    return task->policy != SCHED_IDLE || policy == SCHED_IDLE ||
           nice_allowed(task, task->nice);
}

/* policy -1: as it is. */
static long set_scheduler(pid_t pid, int policy, const void __user *param)
{
    struct task_struct *task;
    int priority, err;
    bool reset;

    if (!param || pid < 0)
        return -EINVAL;
    if (get_user(priority, (const int __user *)param))
        return -EFAULT;
    task = target_get(pid);
    if (!task)
        return -ESRCH;
    reset = policy < 0 ? task->reset_on_fork : policy & SCHED_RESET_ON_FORK;
    policy = policy < 0 ? (int)task->policy : policy & ~SCHED_RESET_ON_FORK;
    err = policy_known(policy) ? priority_check(policy, priority) : -EINVAL;
    if (!err && !policy_allowed(task, policy, priority, reset))
        err = -EPERM;
    if (!err) {
        task->reset_on_fork = reset;
        sched_set_policy(task, policy, priority);
    }
    put_task(task);
    return err;
}

long sys_sched_setscheduler(pid_t pid, int policy, const void __user *param)
{
    return policy < 0 ? -EINVAL : set_scheduler(pid, policy, param);
}

long sys_sched_setparam(pid_t pid, const void __user *param)
{
    return set_scheduler(pid, -1, param);
}

long sys_sched_getscheduler(pid_t pid)
{
    struct task_struct *task;
    int policy;

    if (pid < 0)
        return -EINVAL;
    task = target_get(pid);
    if (!task)
        return -ESRCH;
    policy = task->policy | (task->reset_on_fork ? SCHED_RESET_ON_FORK : 0);
    put_task(task);
    return policy;
}

long sys_sched_getparam(pid_t pid, void __user *param)
{
    struct task_struct *task;
    int priority;

    if (!param || pid < 0)
        return -EINVAL;
    task = target_get(pid);
    if (!task)
        return -ESRCH;
    priority = task->rt_priority;
    put_task(task);
    return put_user(priority, (int __user *)param);
}

long sys_sched_get_priority_max(int policy)
{
    if (!policy_known(policy) && policy != SCHED_DEADLINE)
        return -EINVAL;
    return is_rt(policy) ? RT_PRIORITY_MAX : 0;
}

long sys_sched_get_priority_min(int policy)
{
    if (!policy_known(policy) && policy != SCHED_DEADLINE)
        return -EINVAL;
    return is_rt(policy);
}

long sys_sched_rr_get_interval(pid_t pid, void __user *interval)
{
    struct __kernel_timespec ts = {0, 0};
    long policy = sys_sched_getscheduler(pid);

    if (policy < 0)
        return policy;
    policy &= ~SCHED_RESET_ON_FORK;
    if (policy == SCHED_RR)
        ts.tv_nsec = RR_INTERVAL;
    else if (policy != SCHED_FIFO)
        ts.tv_nsec = 4 * NSEC_PER_MSEC;
    return copy_to_user(interval, &ts, sizeof(ts)) ? -EFAULT : 0;
}

static u64 cpus_online(void)
{
    unsigned int n = max(nr_cpus_online, 1u);

    return n >= 64 ? ~0ull : BIT(n) - 1;
}

long sys_sched_setaffinity(pid_t pid, unsigned int len,
                           const void __user *umask)
{
    struct task_struct *task;
    u64 mask = 0;
    int err = 0;

    if (copy_from_user(&mask, umask, min(len, (unsigned int)sizeof(mask))))
        return -EFAULT;
    task = target_get(pid);
    if (!task)
        return -ESRCH;
    if (!may_change(task))
        err = -EPERM;
    else if (!(mask & cpus_online()))
        err = -EINVAL;
    else
        sched_set_affinity(task, mask);
    put_task(task);
    return err;
}

long sys_sched_getaffinity(pid_t pid, unsigned int len, void __user *umask)
{
    struct task_struct *task;
    u64 mask;

    if (len * 8 < nr_cpus_online || len % sizeof(u64))
        return -EINVAL;
    task = target_get(pid);
    if (!task)
        return -ESRCH;
    mask = task->cpus_allowed & cpus_online();
    put_task(task);
    if (copy_to_user(umask, &mask, sizeof(mask)))
        return -EFAULT;
    return sizeof(mask);
}

long sys_getcpu(void __user *cpu, void __user *node, void __user *cache)
{
    u32 number = smp_processor_id();

    if (cpu && put_user(number, (u32 __user *)cpu))
        return -EFAULT;
    return node ? put_user(0u, (u32 __user *)node) : 0;
}
