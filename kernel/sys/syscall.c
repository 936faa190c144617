/*
 * kernel/sys/syscall.c - from the entry code to the body of a call.
 *
 * upcall_syscall() is on the path of every call: one bounds check, one
 * indirect call.  Everything that some calls need (tracing, signals, restart)
 * costs only those: tracing swaps the table, signals raise user_work.
 */
#include <kernel/sys/syscall.h>

#include <kernel/core/printk.h>
#include <kernel/sync/lockdep.h>
#include <kernel/task/task.h>
#include <kernel/uapi/errno.h>
#include <kernel/x86/upcall.h>

#include <syscalls_gen.h>

syscall_fn *const *syscall_dispatch = syscall_table;

void upcall_syscall(struct pt_regs *regs)
{
    u32 nr = READ_ONCE(*(u32 *)&regs->orig_rax); /* not the upper half */

    if (unlikely(nr >= NR_SYSCALLS))
        regs->rax = sys_ni_syscall();
    else
        regs->rax = syscall_dispatch[nr](regs->rdi, regs->rsi, regs->rdx,
                                         regs->r10, regs->r8, regs->r9);
    lockdep_call_ends(nr); /* nothing, but in debug builds */
}

const struct syscall_name *syscall_name_find(u64 number)
{
    static const struct syscall_name unknown = {0, "?", "?"};
    unsigned int lo = 0, hi = nr_syscall_names;

    while (lo < hi) {
        unsigned int mid = (lo + hi) / 2;

        if (syscall_names[mid].number < number)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo < nr_syscall_names && syscall_names[lo].number == number)
        return &syscall_names[lo];
    return &unknown;
}

long sys_ni_syscall(void)
{
    struct task_struct *task = current;
    u64 nr = task_user_regs(task)->orig_rax;
    u64 seen = nr < 512 ? nr : 511;

    if (!(task->strace_seen[seen / 64] & BIT(seen % 64))) {
        task->strace_seen[seen / 64] |= BIT(seen % 64);
        pr_info("%s[%d]: system call %lld (%s) is not there: ENOSYS\n",
                task->comm, task->pid, (long long)nr,
                syscall_name_find(nr)->name);
    }
    return -ENOSYS;
}
