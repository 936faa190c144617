/*
 * kernel/task/wait.h - waiting for children.
 */
#pragma once

#include <kernel/lib/types.h>

struct signal_struct;

struct task_usage { /* times in ns, maxrss in pages */
    u64 utime, stime, min_flt, maj_flt, nvcsw, nivcsw, maxrss;
};

struct wait_request {
    int type; /* P_*: linux/wait.h */
    pid_t id;
    const struct signal_struct *process; /* of P_PIDFD */
    int options;                         /* W* */
    /* out, if found */
    pid_t pid;
    uid_t uid;
    int code;   /* CLD_* */
    int status; /* exit status or signal */
    int word;   /* wait4's status */
    struct task_usage usage;
};

/* 1: found, the rest is filled; 0: none yet (WNOHANG); -ECHILD;
 * -ERESTARTSYS. */
int do_wait(struct wait_request *req);
