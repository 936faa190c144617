/*
 * kernel/sys/sys_prctl.c - prctl, arch_prctl, personality, and calls that
 * only say what this kernel does not do.
 */
#include <kernel/core/percpu.h>
#include <kernel/core/xcall.h>
#include <kernel/lib/string.h>
#include <kernel/sys/sys_cap.h>
#include <kernel/task/internal.h>
#include <kernel/uapi/errno.h>
#include <asm/prctl.h>
#include <kernel/x86/cpu.h>
#include <linux/membarrier.h>
#include <linux/prctl.h>
#include <mm/layout.h>
#include <mm/mm.h>
#include <mm/uaccess.h>

#include <syscalls_gen.h>

#define MEMBARRIER_KNOWN                                                       \
    (MEMBARRIER_CMD_GLOBAL | MEMBARRIER_CMD_GLOBAL_EXPEDITED |                 \
     MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED |                                \
     MEMBARRIER_CMD_PRIVATE_EXPEDITED |                                        \
     MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED |                               \
     MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE |                              \
     MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE)

static long set_name(const char __user *from)
{
    struct task_struct *task = current;
    char name[sizeof(task->comm)] = {0};

    if (strncpy_from_user(name, from, sizeof(name) - 1) < 0)
        return -EFAULT;
    memcpy(task->comm, name, sizeof(name));
    return 0;
}

static long set_flag(bool *flag, unsigned long value)
{
    if (value > 1)
        return -EINVAL;
    *flag = value;
    return 0;
}

long sys_prctl(int option, unsigned long arg2, unsigned long arg3,
               unsigned long arg4, unsigned long arg5)
{
    struct task_struct *task = current;

    switch (option) {
    case PR_SET_NAME:
        return set_name((const char __user *)arg2);
    case PR_GET_NAME:
        return copy_to_user((void __user *)arg2, task->comm, sizeof(task->comm))
                   ? -EFAULT
                   : 0;
    case PR_SET_PDEATHSIG:
        if (arg2 > 64)
            return -EINVAL;
        task->pdeath_signal = arg2;
        return 0;
    case PR_GET_PDEATHSIG:
        return put_user(task->pdeath_signal, (int __user *)arg2);
    case PR_GET_DUMPABLE:
        return task->mm->dumpable;
    case PR_SET_DUMPABLE:
        return set_flag(&task->mm->dumpable, arg2);
    case PR_SET_NO_NEW_PRIVS:
        if (arg2 != 1 || arg3 || arg4 || arg5)
            return -EINVAL;
        task->no_new_privs = true;
        return 0;
    case PR_GET_NO_NEW_PRIVS:
        return arg2 || arg3 || arg4 || arg5 ? -EINVAL : task->no_new_privs;
    case PR_SET_CHILD_SUBREAPER:
        child_subreaper_set(arg2);
        return 0;
    case PR_GET_CHILD_SUBREAPER:
        return put_user((int)task->signal->is_child_subreaper,
                        (int __user *)arg2);
    case PR_GET_TSC: /* RDTSC is never forbidden */
        return put_user(PR_TSC_ENABLE, (int __user *)arg2);
    case PR_SET_TSC:
        return arg2 == PR_TSC_ENABLE ? 0 : -EINVAL;
    case PR_GET_TID_ADDRESS:
        return put_user((u64)task->clear_child_tid, (u64 __user *)arg2);
    case PR_SET_TIMERSLACK:
        task->timer_slack = arg2 ? arg2 : 50000;
        return 0;
    case PR_GET_TIMERSLACK:
        return task->timer_slack;
    case PR_SET_THP_DISABLE:
        if (arg3 || arg4 || arg5)
            return -EINVAL;
        task->mm->no_huge_pages = arg2;
        return 0;
    case PR_GET_THP_DISABLE:
        if (arg2 || arg3 || arg4 || arg5)
            return -EINVAL;
        return task->mm->no_huge_pages;
    case PR_SET_TIMING: /* 0: statistically, the only way there is */
        return arg2 ? -EINVAL : 0;
    case PR_MCE_KILL_GET:
        return arg2 || arg3 || arg4 || arg5 ? -EINVAL : PR_MCE_KILL_DEFAULT;
    case PR_GET_TIMING:
    case PR_GET_SECCOMP:
    case PR_TASK_PERF_EVENTS_DISABLE: /* it has none */
    case PR_TASK_PERF_EVENTS_ENABLE:
        return 0;
    default:
        return cap_prctl(option, arg2, arg3, arg4, arg5);
    }
}

static long set_base(bool fs, u64 addr)
{
    struct task_struct *task = current;
    struct user_selectors selectors;
    u64 flags;

    if (addr >= TASK_SIZE)
        return -EPERM;
    flags = local_irq_save();
    if (cpu_has(CPU_FSGSBASE)) { /* the other one may be newer in the CPU */
        __asm__ volatile("rdfsbase %0" : "=r"(task->fs_base));
        task->gs_base = task_user_gs_base();
    }
    selectors = user_selectors_read();
    if (fs) {
        task->fs_base = addr;
        selectors.fs = 0;
    } else {
        task->gs_base = addr;
        selectors.gs = 0;
    }
    user_selectors_load(selectors);
    task_load_bases(task);
    local_irq_restore(flags);
    return 0;
}

static long get_base(bool fs, u64 __user *to)
{
    struct task_struct *task = current;
    u64 base = fs ? task->fs_base : task->gs_base;

    if (cpu_has(CPU_FSGSBASE)) {
        if (fs)
            __asm__ volatile("rdfsbase %0" : "=r"(base));
        else
            base = task_user_gs_base();
    }
    return put_user(base, to);
}

long sys_arch_prctl(unsigned int option, unsigned long arg2)
{
    switch (option) {
    case ARCH_SET_FS:
    case ARCH_SET_GS:
        return set_base(option == ARCH_SET_FS, arg2);
    case ARCH_GET_FS:
    case ARCH_GET_GS:
        return get_base(option == ARCH_GET_FS, (u64 __user *)arg2);
    case ARCH_GET_CPUID:
        return 1; /* CPUID is not trapped */
    case ARCH_SET_CPUID:
        return -ENODEV;
    default:
        return -EINVAL;
    }
}

long sys_personality(unsigned int persona)
{
    u32 old = current->personality;

    if (persona != 0xffffffff)
        current->personality = persona;
    return old;
}

static void nothing(void *unused)
{
    (void)unused; /* the interrupt and the return from it are the barrier */
}

/*
 * A barrier on every CPU that may run threads of the process (or of any): a
 * call to all of them, which costs the same for one thread or many.
 */
static long barrier_everywhere(bool allowed)
{
    if (!allowed)
        return -EPERM;
    smp_mb();
    xcall(~0ull, nothing, NULL);
    smp_mb();
    return 0;
}

static long membarrier_register(u32 bit)
{
    __atomic_fetch_or(&current->mm->membarriers, bit, __ATOMIC_SEQ_CST);
    return 0;
}

long sys_membarrier(int cmd, unsigned int flags, int cpu)
{
    u32 registered = READ_ONCE(current->mm->membarriers);

    (void)cpu;
    if (flags)
        return -EINVAL;
    switch (cmd) {
    case MEMBARRIER_CMD_QUERY:
        return MEMBARRIER_KNOWN;
    case MEMBARRIER_CMD_GLOBAL:
    case MEMBARRIER_CMD_GLOBAL_EXPEDITED:
        return barrier_everywhere(true);
    case MEMBARRIER_CMD_PRIVATE_EXPEDITED:
    case MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE:
        return barrier_everywhere(registered & cmd);
    case MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED:
        return 0;
    case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED:
    case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE:
        return membarrier_register(cmd >> 1);
    default:
        return -EINVAL;
    }
}
