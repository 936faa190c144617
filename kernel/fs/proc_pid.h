/*
 * kernel/fs/proc_pid.h - the files of /proc/PID, one function each.
 */
#pragma once

#include <kernel/fs/procfs.h>

/* The process (or thread) an inode below /proc/PID is about; referenced,
 * NULL if it is gone. */
struct task_struct *proc_task(const struct inode *inode);
/* Rows of no table: */
#define ROW_PROCESS 0xff /* /proc/PID itself */
#define ROW_THREAD 0xfe  /* /proc/PID/task/TID itself */
struct inode *proc_base_inode(struct super_block *sb,
                              const struct task_struct *task, unsigned int row);

/* For a signal through an open /proc/PID: 0 and the referenced process,
 * -EBADF (another kind of file), -ESRCH. */
int proc_dir_process(const struct file *file, struct task_struct **leader);

/* Whether current may open it: 0, -ESRCH, -EACCES. */
int proc_check_open(const struct inode *inode);

/* Both: 0 and the referenced task, -ESRCH, -EACCES. */
int proc_task_checked(const struct inode *inode, struct task_struct **task);

/* open and release of a text file below /proc/PID. */
int proc_text_open(struct inode *inode, struct file *file);
void proc_text_release(struct inode *inode, struct file *file);

/* Numbers as names: a decimal without leading zeroes. */
bool proc_parse_number(const char *name, size_t len, unsigned int *number);
bool proc_emit_number(struct dir_context *ctx, unsigned int number, u8 type,
                      ino_t ino);

/* The path as current sees it: bytes, or -errno. */
ssize_t proc_path_text(const struct path *path, char *buf, size_t size);

/* proc_fd.c's inodes: `fd` (+ 1, so that 0 is none) of dir's process. */
struct inode *proc_fd_inode(const struct inode *dir, mode_t mode,
                            unsigned int fd);
unsigned int proc_ref_fd(const struct inode *inode);
ino_t proc_fd_ino(const struct inode *dir, unsigned int fd);
extern const struct inode_operations proc_fd_ops, proc_fdinfo_ops;
extern const struct file_operations proc_fd_fops, proc_fdinfo_fops;

/* proc_numbers.c's. */
extern const struct inode_operations proc_task_ops;
extern const struct file_operations proc_task_fops;

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
int proc_set_oom_score_adj(struct task_struct *task, const char *text);
int proc_personality(struct task_struct *task, struct printer *out);
int proc_smaps(struct task_struct *task, struct printer *out);
int proc_smaps_rollup(struct task_struct *task, struct printer *out);
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
