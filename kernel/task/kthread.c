/*
 * kernel/task/kthread.c - tasks without ring 3: kernel threads, and the one
 * that becomes init.
 *
 * A kernel thread is a process of its own, child of pid 0, that shares the
 * idle task's signal actions and takes no signal.  When its function returns
 * it ends; nobody waits for it.
 */
#include <kernel/task/internal.h>

#include <kernel/core/boottime.h>
#include <kernel/core/panic.h>
#include <kernel/core/printk.h>
#include <kernel/fs/fdtable.h>
#include <kernel/lib/string.h>
#include <kernel/uapi/errno.h>
#include <kernel/uapi/fcntl.h>
#include <kernel/uapi/resource.h>
#include <kernel/x86/fpu.h>

#define PROCESSES_MAX 4096 /* of one user; root may have more */
#define QUEUED_SIGNALS_MAX 4096

struct init_program {
    const char *path;
    const char *const *argv, *const *envp;
};

void kthread_body(struct task_struct *task)
{
    int (*fn)(void *arg) = task->kthread_fn;
    int result = fn(task->kthread_arg);

    if (!task->mm)
        do_exit(result);
    task->kthread_fn = NULL; /* it has become a program: on to ring 3 */
}

static struct task_struct *kthread_create(int (*fn)(void *arg), void *arg,
                                          const char *name)
{
    struct task_struct *task = task_alloc();

    if (!task)
        return NULL;
    task->signal = signal_alloc();
    if (!task->signal) {
        task_free(task);
        return NULL;
    }
    task->sighand = idle_task->sighand;
    refcount_inc(&task->sighand->refs);
    task->kthread_fn = fn;
    task->kthread_arg = arg;
    task->exit_signal = -1;
    task->cpus_allowed = ~0ull;
    task->timer_slack = 50 * NSEC_PER_USEC;
    task->blocked = ~0ul;
    strscpy(task->comm, name, sizeof(task->comm));
    sched_fork(task);
    sched_set_nice(task, 0);
    return task;
}

/* pid 0: the next free one. */
static int kthread_start(struct task_struct *task, pid_t pid)
{
    struct signal_struct *signal = task->signal;
    u64 flags = spin_lock_irqsave(&tasklist_lock);
    int err = 0;

    if (pid)
        task->pid = pid;
    else
        err = pid_alloc(task);
    if (!err) {
        task->tgid = task->pid;
        task->start_time = signal->start_time = ktime_get();
        signal->leader = task;
        signal->nr_threads = 1;
        signal->parent = idle_task;
        list_add_tail(&task->thread_link, &signal->threads);
        task_link_locked(task);
    }
    spin_unlock_irqrestore(&tasklist_lock, flags);
    return err;
}

int kthread_run(int (*fn)(void *arg), void *arg, const char *name,
                struct task_struct **out)
{
    struct task_struct *task = kthread_create(fn, arg, name);
    int err;

    if (!task)
        return -ENOMEM;
    err = kthread_start(task, 0);
    if (err) {
        refcount_set(&task->refs, 1);
        put_task(task);
        return err;
    }
    if (out)
        *out = task;
    sched_wake_new(task);
    return 0;
}

static const char *exec_error_words(int err)
{
    switch (-err) {
    case ENOENT:
        return "it (or its interpreter) is not there";
    case ENOEXEC:
        return "it is not a program for this machine, or is damaged";
    case EACCES:
        return "it may not be executed";
    case ENOMEM:
        return "there is not enough memory";
    case EIO:
        return "it could not be read";
    case ELIBBAD:
        return "its interpreter is damaged";
    case EISDIR:
        return "it is a directory";
    case ENOTDIR:
        return "a part of its path is not a directory";
    case ELOOP:
        return "too many scripts or symbolic links lead to one another";
    default:
        return "of an error";
    }
}

static void open_console(void)
{
    struct file *file;

    if (filp_open("/dev/console", O_RDWR, 0, &file) < 0) {
        pr_warn("init gets no console: /dev/console cannot be opened\n");
        return;
    }
    for (int fd = 0; fd < 3; fd++) {
        get_file(file);
        if (fd_install(file, fd, 0) < 0)
            fput(file);
    }
    fput(file);
}

/* Linux's for its init; all others inherit them. */
static void set_limits(struct signal_struct *signal)
{
    static const struct {
        u8 resource;
        u64 cur, max;
    } limits[] = {
        {RLIMIT_STACK, 8 * MIB, RLIM_INFINITY},
        {RLIMIT_CORE, 0, RLIM_INFINITY},
        {RLIMIT_NPROC, PROCESSES_MAX, PROCESSES_MAX},
        {RLIMIT_SIGPENDING, QUEUED_SIGNALS_MAX, QUEUED_SIGNALS_MAX},
        {RLIMIT_NOFILE, 1024, 4096},
        {RLIMIT_MEMLOCK, 8 * MIB, 8 * MIB},
        {RLIMIT_MSGQUEUE, 819200, 819200},
        {RLIMIT_NICE, 0, 0},
        {RLIMIT_RTPRIO, 0, 0},
    };

    for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
        signal->rlim[limits[i].resource].cur = limits[i].cur;
        signal->rlim[limits[i].resource].max = limits[i].max;
    }
}

static int init_main(void *arg)
{
    const struct init_program *program = arg;
    int err;

    open_console();
    err = kernel_execve(program->path, program->argv, program->envp);
    if (err)
        panic("cannot run %s as init: %s (error %d)", program->path,
              exec_error_words(err), -err);
    boottime_ring3();
    return 0;
}

void start_init(const char *path, const char *const *argv,
                const char *const *envp)
{
    struct init_program program = {path, argv, envp};
    struct task_struct *task = kthread_create(init_main, &program, "init");

    if (!task)
        panic("no memory for init's task");
    task->files = files_create();
    task->fs = fs_create();
    sighand_put(task->sighand);
    task->sighand = sighand_alloc();
    if (!task->files || !task->fs || !task->sighand)
        panic("no memory for init's files and signals");
    set_limits(task->signal);
    task->exit_signal = SIGCHLD;
    task->blocked = 0;
    if (fpu_alloc(&task->fpu))
        panic("no memory for init's FPU state");
    init_task = task;
    kthread_start(task, 1);
    sched_wake_new(task);
    schedule();
    cpu_idle_loop();
}
