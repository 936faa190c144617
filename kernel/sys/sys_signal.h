/*
 * kernel/sys/sys_signal.h - what calls that send signals have in common.
 */
#pragma once

#include <kernel/uapi/signal.h>

struct task_struct;

/* As kill(2) says it: from current, for its own reasons. */
void kill_info(siginfo_t *info, int sig, int code);

#define SIGINFO_OWN (-1)
/* A siginfo_t of ring 3's, about signal `sig` or about the one it names.
 * 0, -EFAULT, -E2BIG (of a kind that is not known). */
int siginfo_get(siginfo_t *info, const void __user *from, int sig);

/* 0, -EINVAL (no such signal), -EPERM, -EAGAIN. */
long kill_process(struct task_struct *task, int sig, const siginfo_t *info);
