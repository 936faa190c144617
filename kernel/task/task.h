/*
 * kernel/task/task.h - a thread of execution, and the process it belongs to.
 *
 * As on Linux a thread is a task_struct; threads of one process share
 * signal_struct (and normally mm, files, fs, sighand), each of which is
 * counted and can be shared or copied on its own by clone().
 *
 * Lock letters: (t) tasklist_lock  (s) sighand->lock  (q) run queue's lock
 *               (o) only the task itself  (a) atomic  (c) constant
 */
#pragma once

#include <kernel/core/percpu.h>
#include <kernel/core/time.h>
#include <kernel/lib/list.h>
#include <kernel/sync/refcount.h>
#include <kernel/sync/waitq.h>
#include <kernel/task/signal.h>
#include <kernel/x86/regs.h>

struct files_struct; /* kernel/fs/fdtable.h */
struct fs_struct;    /* root, cwd, umask: kernel/fs/fdtable.h */
struct fpu_state;    /* kernel/x86/fpu.h */
struct tty;

struct cred { /* plain values: changed only by the task itself */
    uid_t uid, euid, suid, fsuid;
    gid_t gid, egid, sgid, fsgid;
    u32 ngroups;
    gid_t groups[32];
};

/* What all threads of a process share. */
struct signal_struct {
    refcount_t refs;
    struct list_head threads;     /* (t) task_struct.thread_link */
    u32 nr_threads;               /* (t) live ones */
    struct task_struct *leader;   /* (t) */
    struct task_struct *parent;   /* (t) leader of the parent process */
    struct list_head children;    /* (t) signal_struct.sibling */
    struct list_head sibling;     /* (t) */
    struct wait_queue wait_child; /* wait4 sleeps here */
    pid_t pgrp, session;          /* (t) */
    struct tty *tty;              /* (t) controlling terminal */
    struct sigpending shared_pending; /* (s) */
    int exit_code;                /* (s) wait4's status word */
    bool group_exit;              /* (s) exit_group or a fatal signal */
    bool stopped, continued;      /* (s) not yet reported to wait4 */
    u64 utime, stime, cutime, cstime; /* ns of exited threads, children */
    u64 min_flt, maj_flt;
    u64 start_time;               /* (c) ktime */
    struct { u64 cur, max; } rlim[16]; /* RLIMIT_* */
};

struct task_struct {
    /* what assembly reads comes first; offsets.inc has the offsets */
    u64 kernel_sp;            /* (q) saved stack pointer while not running */
    void *stack;              /* (c) lowest byte of the kernel stack */

    enum task_state state;    /* (q) */
    bool on_rq;               /* (q) */
    bool on_cpu;              /* (a) a CPU still uses its stack */
    u32 cpu;                  /* (q) */
    struct rb_node rq_node;   /* (q) by vruntime */
    u64 vruntime;             /* (q) ns, weighted */
    u64 exec_start;           /* (q) */
    u64 utime, stime;         /* (o) ns */
    int nice;

    pid_t pid, tgid;          /* (c) */
    refcount_t refs;          /* the last put frees it */
    char comm[16];            /* (o) */
    struct mm_struct *mm;     /* (o) NULL: kernel thread */
    struct mm_struct *active_mm; /* loaded while it runs */
    struct files_struct *files;
    struct fs_struct *fs;
    struct signal_struct *signal;
    struct sighand_struct *sighand;
    struct cred cred;         /* (o) */

    struct sigpending pending;/* (s) */
    sigset_t blocked;         /* (o, s to write) */
    sigset_t saved_sigmask;   /* (o) of sigsuspend, ppoll */
    bool restore_sigmask;     /* (o) */
    struct { u64 sp, size; u32 flags; } sigaltstack; /* (o) */

    u64 fs_base, gs_base;     /* (o) of ring 3, current while not running */
    struct fpu_state *fpu;    /* (o) */
    u32 __user *clear_child_tid; /* (o) */
    struct { void __user *head; size_t len; } robust_list; /* (o) */
    struct wait_queue *vfork_done; /* parent sleeps here */

    struct list_head all_link;    /* (t) every task */
    struct list_head thread_link; /* (t) signal->threads */
    struct rb_node pid_node;      /* (t) */
    int exit_code;                /* (o) */
    u64 start_time;               /* (c) */
    u64 min_flt, maj_flt;         /* (o) */
    u64 nvcsw, nivcsw;            /* (o) context switches */
    u64 strace_seen[8];           /* (o) ENOSYS calls named already, a bit each */
    int (*kthread_fn)(void *arg);
    void *kthread_arg;
};

#define current (this_cpu_read(current_task))

/* Registers of current's way into the kernel from ring 3. */
struct pt_regs *task_user_regs(struct task_struct *task);

void get_task(struct task_struct *task);
void put_task(struct task_struct *task);

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

void do_exit_group(int wait_status) __noreturn;

static inline bool capable(const struct task_struct *task)
{
    return task->cred.euid == 0;
}
