/*
 * kernel/task/rseq.c - restartable sequences: ring 3 learns its CPU's number
 * without asking, and a sequence that must not be interrupted starts again.
 *
 * A thread registers a structure.  After each time it lost the CPU, and
 * before each handler, the numbers in it are refreshed; if it was between
 * start and commit of a sequence that it announced there, it goes on at the
 * sequence's abort address, which a signature in front of it proves to be
 * one.  Threads without a structure pay one test per switch.
 */
#include <kernel/task/internal.h>

#include <kernel/core/percpu.h>
#include <kernel/uapi/errno.h>
#include <kernel/x86/trap.h>
#include <linux/rseq.h>
#include <mm/uaccess.h>

#include <syscalls_gen.h>

#define RSEQ_SIZE 32 /* sizeof(struct rseq) of Linux 6.1 */

static int put_ids(struct rseq __user *rseq, u32 start, u32 cpu)
{
    if (put_user(start, &rseq->cpu_id_start) || put_user(cpu, &rseq->cpu_id))
        return -EFAULT;
    return 0;
}

/* 0, or -EFAULT, -EINVAL for a structure that makes no sense. */
static int abort_sequence(struct rseq __user *rseq, u32 signature,
                          struct pt_regs *regs)
{
    struct rseq_cs cs;
    u64 addr;
    u32 found;

    if (get_user(addr, (u64 __user *)&rseq->rseq_cs))
        return -EFAULT;
    if (!addr)
        return 0;
    if (copy_from_user(&cs, (void __user *)addr, sizeof(cs)))
        return -EFAULT;
    if (cs.version || cs.start_ip >= TASK_SIZE || cs.abort_ip >= TASK_SIZE ||
        cs.start_ip + cs.post_commit_offset < cs.start_ip ||
        cs.abort_ip - cs.start_ip < cs.post_commit_offset)
        return -EINVAL;
    if (get_user(found, (u32 __user *)(cs.abort_ip - sizeof(u32))))
        return -EFAULT;
    if (found != signature)
        return -EINVAL;
    if (put_user(0ull, (u64 __user *)&rseq->rseq_cs))
        return -EFAULT;
    if (regs->rip - cs.start_ip < cs.post_commit_offset)
        regs->rip = cs.abort_ip;
    return 0;
}

void rseq_update(struct task_struct *task, struct pt_regs *regs)
{
    struct rseq __user *rseq = task->rseq;
    u32 cpu = smp_processor_id();

    if (abort_sequence(rseq, task->rseq_signature, regs) ||
        put_ids(rseq, cpu, cpu))
        force_signal(SIGSEGV, SI_KERNEL, 0, TRAP_GP, 0);
}

/* What an earlier owner of the structure left there is not announced. */
static int clear_sequence(struct rseq __user *rseq)
{
    u64 addr;

    if (get_user(addr, (u64 __user *)&rseq->rseq_cs))
        return -EFAULT;
    return addr ? put_user(0ull, (u64 __user *)&rseq->rseq_cs) : 0;
}

static long rseq_unregister(struct rseq __user *rseq, unsigned int len,
                            int flags, unsigned int sig)
{
    struct task_struct *task = current;

    if (flags & ~RSEQ_FLAG_UNREGISTER || !task->rseq || task->rseq != rseq ||
        len != RSEQ_SIZE)
        return -EINVAL;
    if (task->rseq_signature != sig)
        return -EPERM;
    if (put_ids(rseq, 0, RSEQ_CPU_ID_UNINITIALIZED))
        return -EFAULT;
    task->rseq = NULL;
    return 0;
}

long sys_rseq(void __user *rseq, unsigned int len, int flags, unsigned int sig)
{
    struct task_struct *task = current;

    if (flags & RSEQ_FLAG_UNREGISTER)
        return rseq_unregister(rseq, len, flags, sig);
    if (flags)
        return -EINVAL;
    if (task->rseq) {
        if (task->rseq != rseq || len != RSEQ_SIZE)
            return -EINVAL;
        return task->rseq_signature != sig ? -EPERM : -EBUSY;
    }
    if ((u64)rseq % RSEQ_SIZE || len != RSEQ_SIZE)
        return -EINVAL;
    if (!access_ok(rseq, len) || clear_sequence(rseq))
        return -EFAULT;
    task->rseq = rseq;
    task->rseq_signature = sig;
    this_cpu_write(user_work, this_cpu_read(user_work) | WORK_OTHER);
    return 0;
}
