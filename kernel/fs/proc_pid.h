/*
 * kernel/fs/proc_pid.h - the files of /proc/PID, one function each.
 */
#pragma once

#include <kernel/fs/procfs.h>

/* The process (or thread) an inode below /proc/PID is about; referenced,
 * NULL if it is gone. */
struct task_struct *proc_task(const struct inode *inode);
/* Whether current may open it: 0, -ESRCH, -EACCES. */
int proc_check_open(const struct inode *inode);

/* Texts: 0 or -errno. */
int proc_auxv(struct task_struct *task, struct printer *out);
int proc_cmdline(struct task_struct *task, struct printer *out);
int proc_environ(struct task_struct *task, struct printer *out);
int proc_limits(struct task_struct *task, struct printer *out);
int proc_maps(struct task_struct *task, struct printer *out);
int proc_mountinfo(struct task_struct *task, struct printer *out);
int proc_mounts(struct task_struct *task, struct printer *out);
int proc_oom_score(struct task_struct *task, struct printer *out);
int proc_oom_score_adj(struct task_struct *task, struct printer *out);
int proc_personality(struct task_struct *task, struct printer *out);
int proc_smaps(struct task_struct *task, struct printer *out);
int proc_stat(struct task_struct *task, struct printer *out);
int proc_statm(struct task_struct *task, struct printer *out);
int proc_status(struct task_struct *task, struct printer *out);
int proc_wchan(struct task_struct *task, struct printer *out);

/* Links: 0 and a referenced path. */
int proc_cwd(struct task_struct *task, struct path *path);
int proc_exe(struct task_struct *task, struct path *path);
int proc_root_link(struct task_struct *task, struct path *path);

extern const struct file_operations proc_comm_fops, proc_mem_fops,
    proc_pagemap_fops;
