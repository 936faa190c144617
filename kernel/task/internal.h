/*
 * kernel/task/internal.h - what the files of kernel/task share with each
 * other and with kernel/sys only.
 */
#pragma once

#include <kernel/task/task.h>

/* task.c */
/* A task_struct with `pid` taken and reference counts at 1, else zero. */
struct task_struct *task_alloc(void);
void task_free(struct task_struct *task); /* one that never ran */
int pid_alloc(struct task_struct *task);  /* 0, -EAGAIN: none is free */
/* Locks: tasklist_lock. */
struct task_struct *task_find_locked(pid_t pid);
void task_link_locked(struct task_struct *task); /* pid tree, task_list */
void task_unlink_locked(struct task_struct *task);
void task_swap_pids_locked(struct task_struct *a, struct task_struct *b);
extern u32 nr_tasks; /* (t) */

/* report.c */
void task_report_init(void);

/* entropy.c */
void random_start(void);

/* sched.c */
extern struct task_struct *const idle_task; /* the boot CPU's, pid 0 */
void sched_wake_new(struct task_struct *task);
/* Wakes `task` if its state is in `states` (BIT(TASK_*)).  Any context. */
bool wake_up_state(struct task_struct *task, unsigned long states);
void cpu_idle_loop(void) __noreturn;
/* The running CPU's queue, and what it does when that is empty. */
void sched_init_cpu(struct task_struct *idle);

/* sched_fair.c */
void sched_fork(struct task_struct *child); /* before it is woken */
void sched_set_nice(struct task_struct *task, int nice);
void sched_set_policy(struct task_struct *task, u32 policy, u32 rt_priority);
/* Everybody's time so far, current's included up to now. */
u64 task_runtime(struct task_struct *task);
void sched_account_current(void);
void sched_yield_current(void);

/* loadavg.c */
u32 sched_nr_running(void);
void sched_loads(unsigned long loads[3]); /* 16 bits of fraction */

/* switch.c */
/* current's GS base of ring 3 (not the kernel's), where FSGSBASE is. */
u64 task_user_gs_base(void);
void task_load_bases(struct task_struct *task); /* current's; IRQs off */

/* sched_smp.c */
/* A running task on another CPU looks at its work and its queue soon. */
void sched_kick(struct task_struct *task);
void sched_set_affinity(struct task_struct *task, u64 mask); /* may sleep */

/* switch.asm */
struct task_struct *context_switch(struct task_struct *prev,
                                   struct task_struct *next);
void task_start(void); /* where a new task's kernel_sp leads */
void sched_first_run(struct task_struct *prev); /* called by it */

/* kthread.c: the body of a task that has kthread_fn. */
void kthread_body(struct task_struct *task);

/* The parent of a vfork sleeps until the child runs a program or ends. */
struct vfork_done {
    struct wait_queue wait;
    bool done;
};

/* fork.c */
struct clone_args_kernel {
    u64 flags; /* CLONE_*, without the exit signal */
    int exit_signal;
    u64 stack; /* of the child, 0: the parent's */
    u64 tls;
    void __user *parent_tid;
    void __user *child_tid;
    int __user *pidfd; /* CLONE_PIDFD */
};
long do_clone(const struct clone_args_kernel *args);
void fork_child_first(struct task_struct *task); /* set_child_tid */
void mm_release_task(
    struct task_struct *task); /* exec and exit: futexes, vfork */

/* exec.c */
int do_execve(int dfd, const char *path, int at_flags, const void __user *argv,
              const void __user *envp);
int kernel_execve(const char *path, const char *const *argv,
                  const char *const *envp);

/* signal.c */
void signal_boot_init(struct signal_struct *signal,
                      struct sighand_struct *sighand,
                      struct task_struct *leader);
struct signal_struct *signal_alloc(void);
void signal_put(struct signal_struct *signal);
struct sighand_struct *sighand_alloc(void);
void sighand_put(struct sighand_struct *sighand);
void sigqueue_flush(struct sigpending *pending);
/* Locks: sighand->lock.  Sets or clears WORK_SIGNAL by what is pending. */
void signal_recalc(struct task_struct *task);
void signal_wake(struct task_struct *task, bool fatal);
void signal_set_blocked(const sigset_t *set);
/* Takes current's next one in `mask` off the queues; 0: none.
 * Locks: sighand->lock. */
int signal_dequeue_locked(sigset_t mask, siginfo_t *info);
void signal_discard_locked(struct task_struct *task, int sig);
bool signal_stop_locked(struct task_struct *task);
void signal_init(void);
void signal_zap_threads_locked(struct task_struct *task, int status);
void signal_exec_reset(struct task_struct *task);

/* exit.c: SIGCHLD about `leader`'s process, and its parent's wait4 wakes.
 * code: CLD_*. */
void notify_parent(struct task_struct *leader, int code, int status);

/* sigframe.c */
int sigframe_setup(int sig, const siginfo_t *info,
                   const struct kernel_sigaction *action, const sigset_t *mask,
                   struct pt_regs *regs);
size_t sigframe_min_size(void); /* AT_MINSIGSTKSZ */
bool on_altstack(const struct task_struct *task, u64 sp);

/* futex.c */
void futex_exit_robust(struct task_struct *task);
void futex_exit_pi(struct task_struct *task); /* futex_pi.c */
void futex_init(void);

/* rseq.c: the thread has lost the CPU, or a handler is about to run. */
void rseq_update(struct task_struct *task, struct pt_regs *regs);
static inline void rseq_resume(struct task_struct *task, struct pt_regs *regs)
{
    if (unlikely(task->rseq))
        rseq_update(task, regs);
}

/* itimer.c */
void itimers_init(struct signal_struct *signal);
void itimers_cancel(struct signal_struct *signal);
