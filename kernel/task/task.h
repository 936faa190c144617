/*
 * kernel/task/task.h - a thread of execution, and the process it belongs to.
 *
 * As on Linux a thread is a task_struct; threads of one process share
 * signal_struct (and normally mm, files, fs, sighand), each of which is
 * counted and can be shared or copied on its own by clone().
 *
 * Lock letters: (t) tasklist_lock  (s) sighand->lock  (q) run queue's lock
(p) futex_pi.c's lock
 *               (o) only the task itself  (a) atomic  (c) constant
 */
#pragma once

#include <kernel/core/percpu.h>
#include <kernel/core/time.h>
#include <kernel/lib/list.h>
#include <kernel/sync/refcount.h>
#include <kernel/sync/waitq.h>
#include <kernel/task/cred.h>
#include <kernel/task/signal.h>
#include <kernel/x86/regs.h>
#include <kernel/x86/selectors.h>
#include <mm/vmalloc.h>

struct files_struct; /* kernel/fs/fdtable.h */
struct fs_struct;    /* root, cwd, umask: kernel/fs/fdtable.h */
struct fpu_state;    /* kernel/x86/fpu.h */
struct tty;

struct cpu_itimer {       /* fires when the process has had `target` ns */
    u64 target, interval; /* (s) 0: not running, once */
};

/* What all threads of a process share. */
struct signal_struct {
    refcount_t refs;                  /* one per task_struct */
    struct list_head threads;         /* (t) task_struct.thread_link */
    u32 nr_threads;                   /* (t) live ones */
    struct task_struct *leader;       /* (t) */
    struct task_struct *parent;       /* (t) leader of the parent process */
    struct list_head children;        /* (t) signal_struct.sibling */
    struct list_head sibling;         /* (t) */
    struct wait_queue wait_child;     /* wait4 sleeps here */
    struct wait_queue wait_exit;      /* pidfds: for its last thread's end */
    pid_t pgrp, session;              /* (t) */
    struct tty *tty;                  /* (t) controlling terminal */
    struct sigpending shared_pending; /* (s) */
    int exit_code;                    /* (s) wait4's status word */
    bool group_exit;                  /* (s) exit_group or a fatal signal */
    bool stopped;                     /* (s) all threads stop, or have */
    u32 stop_count;                   /* (s) threads that still have to */
    int report_code;                  /* (s) CLD_*: the parent is to be told */
    bool stop_unwaited, continued;    /* (s) what wait4 still has to see */
    int stop_signal;                  /* (s) what stopped it */
    bool has_execed;                  /* setpgid of a child: EACCES */
    bool is_child_subreaper;          /* (t) PR_SET_CHILD_SUBREAPER */
    bool has_subreaper;               /* (t) an ancestor may be one */
    struct task_struct *exec_task;    /* (s) execve waits here for the others */
    u64 utime, stime, cutime, cstime; /* ns of exited threads, children */
    u64 min_flt, maj_flt;
    u64 start_time;                        /* (c) ktime */
    u64 nvcsw, nivcsw, cmin_flt, cmaj_flt; /* exited threads, children */
    u64 maxrss, cmaxrss;                   /* pages */
    int oom_score_adj;                     /* oom.c */
    struct {
        u64 cur, max;
    } rlim[16];                     /* RLIMIT_* */
    struct timer real_timer;        /* ITIMER_REAL, alarm */
    u64 real_interval;              /* ns, 0: once */
    struct list_head ptimers;       /* (s) ptimer.c */
    struct cpu_itimer cpu_timer[2]; /* ITIMER_VIRTUAL, ITIMER_PROF */
    bool cpu_watch; /* (s) has had a timer that counts CPU time */
};

/* How a call goes on after a signal that had no handler. */
struct restart_block {
    long (*fn)(struct restart_block *block);
    u64 expires; /* ktime */
    u64 arg[4];  /* the call's own */
};

struct task_struct {
    /* what assembly reads comes first; offsets.inc has the offsets */
    u64 kernel_sp; /* (q) saved stack pointer while not running */
    void *stack;   /* (c) lowest byte of the kernel stack */

    enum task_state state;  /* (q) */
    bool on_rq;             /* (q) */
    bool on_cpu;            /* (a) a CPU still uses its stack */
    bool moving;            /* (o) leaves a CPU it may not use any more */
    u32 cpu;                /* (q) */
    struct rb_node rq_node; /* (q) by vruntime */
    u64 vruntime;           /* (q) ns, weighted */
    u64 exec_start;         /* (q) */
    u64 slice_start;        /* (q) ktime of getting the CPU */
    u64 utime, stime;       /* (q) ns */
    u64 unsampled;          /* (q) ns, neither of the two yet: cputime.c */
    u32 looks_user, looks_system; /* (q) where the tick found it */
    u32 weight;                   /* (q) 1024 is nice 0 */
    int nice;
    u32 work;                /* (s) WORK_SIGNAL: copied to user_work when it
                                 gets the CPU */
    u64 cpus_allowed;        /* mask */
    u32 policy, rt_priority; /* SCHED_IDLE weighs little, all else by nice */
    bool reset_on_fork;      /* children get policy and nice of old */

    pid_t pid, tgid;             /* (c) */
    refcount_t refs;             /* the last put frees it */
    char comm[16];               /* (o) */
    struct mm_struct *mm;        /* (o) NULL: kernel thread */
    struct mm_struct *active_mm; /* loaded while it runs */
    struct files_struct *files;
    struct fs_struct *fs;
    struct signal_struct *signal;
    struct sighand_struct *sighand;
    struct sighand_struct *sighand_before; /* (o) kept: exec.c; NULL */
    struct cred cred;                      /* (o) */

    struct sigpending pending; /* (s) */
    sigset_t blocked;          /* (o) see signal.c */
    sigset_t saved_sigmask;    /* (o) of sigsuspend, ppoll */
    bool restore_sigmask;      /* (o) */
    struct {
        u64 sp, size;
        u32 flags;
    } sigaltstack; /* (o) */
    struct {
        u64 trapno, error, cr2;
    } fault; /* (o) last one of ring 3 */

    u64 fs_base, gs_base; /* (o) of ring 3, current while not running */
    struct user_selectors selectors; /* (o) while not running */
    struct fpu_state *fpu;           /* (o) */
    u32 __user *clear_child_tid;     /* (o) */
    u32 __user *set_child_tid;       /* (o) written by the child's first step */
    struct {
        void __user *head;
        size_t len;
    } robust_list;                    /* (o) */
    struct futex_sleeper *pi_blocked; /* (p) waits for a PI lock: futex_pi.c */
    u32 pi_waiters;                   /* (p) who wait for locks that it has */
    bool pi_dead;                     /* (p) can have none any more */
    struct vfork_done *vfork_done;    /* (t) parent sleeps there */
    bool exiting;                     /* (s) takes no signal any more */
    bool stop_pending;                /* (s) is one of signal->stop_count */
    int exit_signal;                  /* (t) to the parent; -1: a thread */
    int pdeath_signal;                /* (o) */
    u32 personality;                  /* (o) */
    bool no_new_privs;                /* (o) prctl */
    bool in_execve;
    u64 timer_slack;              /* (o) ns, prctl */
    struct restart_block restart; /* (o) */
    struct rseq __user *rseq;     /* (o) rseq.c; NULL: none */
    u32 rseq_signature;           /* (o) */

    struct list_head all_link;    /* (t) every task */
    struct list_head thread_link; /* (t) signal->threads */
    struct rb_node pid_node;      /* (t) */
    int exit_code;                /* (o) */
    u64 start_time;               /* (t) the process's once it leads */
    u64 min_flt, maj_flt;         /* (o) */
    u64 nvcsw, nivcsw;            /* (o) context switches */
    u64 strace_seen[8]; /* (o) ENOSYS calls named already, a bit each */
    int (*kthread_fn)(void *arg);
    void *kthread_arg;
};

#define current (this_cpu_read(current_task))

/* Registers of a task's way into the kernel from ring 3: always at the top
 * of its stack.  A zombie has no stack any more. */
static inline struct pt_regs *task_user_regs(struct task_struct *task)
{
    return (struct pt_regs *)((char *)task->stack + KERNEL_STACK_SIZE) - 1;
}

void get_task(struct task_struct *task);
void put_task(struct task_struct *task);

/*
 * Everything marked (t).  Interrupt handlers take it too (the console sends
 * signals to groups), so always with interrupts off.  Order: tasklist_lock >
 * sighand->lock > a run queue's lock.
 */
extern spinlock_t tasklist_lock;
extern struct list_head task_list;    /* (t) all_link; init first */
extern struct task_struct *init_task; /* pid 1; NULL before start_init */

/* The first things of this layer: current becomes a task (the boot CPU's
 * idle task, pid 0), so that locks may block.  Then pids and caches. */
void sched_init(void);
void task_init(void);

/* Referenced, or NULL. */
struct task_struct *task_find_get(pid_t pid);

/* In pid order, starting after `pid`; referenced, NULL at the end. */
struct task_struct *task_next_get(pid_t pid);

/* A kernel thread, already running.  Returns 0 or -ENOMEM. */
int kthread_run(int (*fn)(void *arg), void *arg, const char *name,
                struct task_struct **task);

/* Becomes pid 1: runs the program with these arguments.  Does not return;
 * panics in words if it cannot. */
void start_init(const char *path, const char *const *argv,
                const char *const *envp) __noreturn;

/* wait_status is wait4's: exit code << 8, or the signal that killed. */
void do_exit_group(int wait_status) __noreturn;
void do_exit(int wait_status) __noreturn; /* this thread only */

/* Referenced (mm_put, files_put, fs_put), or NULL: it has none any more. */
struct mm_struct *task_get_mm(struct task_struct *task);
struct files_struct *task_get_files(struct task_struct *task);
struct fs_struct *task_get_fs(struct task_struct *task);

/* Whether any process is of this group; of this session, if not -1. */
bool pgrp_exists(pid_t pgrp, pid_t session);

/* No member has a parent in another group of the same session, so nobody
 * would ever continue a member that stopped.  Init does not count. */
bool pgrp_is_orphaned(pid_t pgrp);

/* Whether current's process looks after descendants whose parents end. */
void child_subreaper_set(bool is_one);

/* A process of its own that is in no thread group's way: is it still there? */
static inline bool thread_group_leader(const struct task_struct *task)
{
    return task->pid == task->tgid;
}
