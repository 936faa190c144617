/*
 * kernel/task/pidfd.h - a process held by a descriptor, pidfd_open(2).
 */
#pragma once

#include <kernel/lib/types.h>

struct file;
struct signal_struct;
struct task_struct;

/* A descriptor of current's that stands for the process, also once that has
 * ended and its number is another's.  flags: O_NONBLOCK or 0.
 * fd, -ENOMEM, -EMFILE. */
int pidfd_install(struct signal_struct *process, u32 flags);

/* Whose it is, as long as the file is there; NULL: no pidfd. */
struct signal_struct *pidfd_process(const struct file *file);

/* The process's first thread, referenced, be it a zombie; NULL: its parent
 * has seen its end. */
struct task_struct *process_leader_get(struct signal_struct *process);
