/*
 * kernel/task/signal.h - signals: sets, queues, actions, and how the rest of
 * the kernel sends one.
 */
#pragma once

#include <kernel/lib/list.h>
#include <kernel/sync/refcount.h>
#include <kernel/sync/spinlock.h>
#include <kernel/uapi/signal.h>

struct task_struct;
struct pt_regs;

struct sigpending {
    sigset_t set;           /* which are pending */
    u32 count;              /* elements of the queue */
    struct list_head queue; /* sigqueue.link: their siginfo */
};

struct sigqueue {
    struct list_head link;
    siginfo_t info;
};

struct sighand_struct {
    refcount_t refs;
    spinlock_t lock; /* irq-safe: the console's interrupt sends SIGINT */
    struct kernel_sigaction action[64]; /* (lock) */
    bool shared; /* some process has taken it by CLONE_SIGHAND */
};

const char *signal_name(int sig); /* "SIGSEGV"; "?" if there is none */

/* Woken by each signal that is queued: signalfds wait here, all of them, as
 * the one who reads may be in any process. */
extern struct wait_queue signalfd_wait;

/* To a process (any thread takes it).  info NULL: sent by the kernel.
 * Context: any.  Returns 0, -EAGAIN (queue full), -EINVAL. */
int send_signal(int sig, const siginfo_t *info, struct task_struct *task);
int send_signal_thread(int sig, const siginfo_t *info,
                       struct task_struct *task);
int send_signal_pgrp(int sig, pid_t pgrp); /* -ESRCH: nobody there */
/* For what current's own call has brought about: SIGPIPE, SIGXFSZ. */
void send_signal_self(int sig);

/*
 * For ppoll, pselect: current's mask becomes *set until the call is over.
 * NULL: nothing changes.  Returns 0, -EFAULT, -EINVAL (size).  Afterwards
 * call signal_restore_user_mask(), except when the answer is -EINTR or
 * -ERESTART*: then the handler runs under the new mask and its return brings
 * the old one back.
 */
int signal_set_user_mask(const void __user *set, size_t size);
void signal_restore_user_mask(void);

/* A fault of current's: cannot be blocked or ignored. */
void force_signal(int sig, int code, unsigned long addr, u32 trapno,
                  u64 error_code);
