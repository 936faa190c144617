/*
 * kernel/sys/sys_task.c - making, running and ending tasks: the calls around
 * kernel/task's fork, exec and exit.
 */
#include <kernel/core/percpu.h>
#include <kernel/lib/string.h>
#include <kernel/task/internal.h>
#include <kernel/uapi/errno.h>
#include <kernel/uapi/fcntl.h>
#include <kernel/uapi/sched.h>
#include <linux/futex.h>
#include <mm/slab.h>
#include <mm/uaccess.h>

#include <syscalls_gen.h>

#define PATH_MAX 4096

long sys_getpid(void)
{
    return current->tgid;
}

long sys_gettid(void)
{
    return current->pid;
}

long sys_getppid(void)
{
    return current->signal->parent->tgid;
}

long sys_set_tid_address(void __user *tidptr)
{
    current->clear_child_tid = tidptr;
    return current->pid;
}

long sys_set_robust_list(void __user *head, size_t len)
{
    if (len != sizeof(struct robust_list_head))
        return -EINVAL;
    current->robust_list.head = head;
    current->robust_list.len = len;
    return 0;
}

long sys_get_robust_list(pid_t pid, void __user *head, void __user *len)
{
    struct task_struct *task = current;
    u64 addr;

    if (pid) {
        task = task_find_get(pid);
        if (!task)
            return -ESRCH;
        if (task->signal != current->signal && !capable(CAP_SYS_PTRACE)) {
            put_task(task);
            return -EPERM;
        }
        addr = (u64)task->robust_list.head;
        put_task(task);
    } else {
        addr = (u64)task->robust_list.head;
    }
    if (put_user(sizeof(struct robust_list_head), (u64 __user *)len))
        return -EFAULT;
    return put_user(addr, (u64 __user *)head);
}

long sys_fork(void)
{
    struct clone_args_kernel args = {.exit_signal = SIGCHLD};

    return do_clone(&args);
}

long sys_vfork(void)
{
    struct clone_args_kernel args = {
        .flags = CLONE_VFORK | CLONE_VM,
        .exit_signal = SIGCHLD,
    };

    return do_clone(&args);
}

long sys_clone(unsigned long flags, unsigned long stack,
               void __user *parent_tid, void __user *child_tid,
               unsigned long tls)
{
    struct clone_args_kernel args = {
        .flags = (u32)flags & ~(u32)CSIGNAL,
        .exit_signal = flags & CSIGNAL,
        .stack = stack,
        .tls = tls,
        .parent_tid = parent_tid,
        .child_tid = child_tid,
        .pidfd = parent_tid, /* the older call has no other place for it */
    };

    return do_clone(&args);
}

/* The structure may be longer than ours if the rest is zero. */
static int copy_clone_args(struct clone_args *to, const void __user *from,
                           size_t size)
{
    const char __user *bytes = from;

    if (size > PAGE_SIZE)
        return -E2BIG;
    if (size < CLONE_ARGS_SIZE_VER0)
        return -EINVAL;
    memset(to, 0, sizeof(*to));
    for (size_t i = sizeof(*to); i < size; i++) {
        char byte;

        if (get_user(byte, bytes + i))
            return -EFAULT;
        if (byte)
            return -E2BIG;
    }
    return copy_from_user(to, from, min(size, sizeof(*to))) ? -EFAULT : 0;
}

/* The low word is full; above it are these two. */
#define CLONE3_KNOWN (0xffffffffull | CLONE_CLEAR_SIGHAND | CLONE_INTO_CGROUP)

long sys_clone3(const void __user *uargs, size_t size)
{
    struct clone_args in;
    struct clone_args_kernel args;
    int err = copy_clone_args(&in, uargs, size);

    if (err)
        return err;
    if (in.flags & ~CLONE3_KNOWN || in.flags & CSIGNAL ||
        in.flags & CLONE_DETACHED || in.exit_signal & ~(u64)CSIGNAL ||
        in.exit_signal > 64)
        return -EINVAL;
    if ((in.flags & (CLONE_THREAD | CLONE_PARENT)) && in.exit_signal)
        return -EINVAL;
    if (!in.stack != !in.stack_size || in.set_tid || in.set_tid_size ||
        (in.cgroup && !(in.flags & CLONE_INTO_CGROUP)))
        return -EINVAL;
    if (in.flags & CLONE_INTO_CGROUP)
        return -EBADF; /* no descriptor is a cgroup */
    args = (struct clone_args_kernel){
        .flags = in.flags,
        .exit_signal = in.exit_signal,
        .stack = in.stack ? in.stack + in.stack_size : 0,
        .tls = in.tls,
        .parent_tid = (void __user *)in.parent_tid,
        .child_tid = (void __user *)in.child_tid,
        .pidfd = (int __user *)in.pidfd,
    };
    return do_clone(&args);
}

long sys_execveat(int dfd, const char __user *path, const void __user *argv,
                  const void __user *envp, int flags)
{
    char *name;
    ssize_t len;
    long err;

    name = kmalloc(PATH_MAX, GFP_KERNEL);
    if (!name)
        return -ENOMEM;
    len = strncpy_from_user(name, path, PATH_MAX);
    if (len < 0)
        err = len;
    else if (len >= PATH_MAX)
        err = -ENAMETOOLONG;
    else if (!len && !(flags & AT_EMPTY_PATH))
        err = -ENOENT;
    else
        err = do_execve(dfd, name, flags, argv, envp);
    kfree(name);
    return err;
}

long sys_execve(const char __user *path, const void __user *argv,
                const void __user *envp)
{
    return sys_execveat(AT_FDCWD, path, argv, envp, 0);
}

long sys_exit(int status)
{
    do_exit((status & 0xff) << 8);
}

long sys_exit_group(int status)
{
    do_exit_group((status & 0xff) << 8);
}

long sys_restart_syscall(void)
{
    struct restart_block *block = &current->restart;

    return block->fn ? block->fn(block) : -EINTR;
}
