/*
 * kernel/fs/fdtable.h - a process's open files, root and working directory.
 */
#pragma once

#include <kernel/fs/fs.h>

struct files_struct; /* counted; clone(CLONE_FILES) shares it */
struct fs_struct;    /* counted; clone(CLONE_FS) shares it */

struct files_struct *files_create(void);
struct files_struct *files_copy(struct files_struct *files); /* NULL: ENOMEM */
void files_get(struct files_struct *files);
void files_put(struct files_struct *files); /* the last one closes all */
bool files_shared(const struct files_struct *files); /* by several tasks */
int files_unshare(void); /* current's own from now on; 0, -ENOMEM */
void files_close_on_exec(struct files_struct *files);

struct fs_struct *fs_create(void); /* at the root of the first mount */
struct fs_struct *fs_copy(struct fs_struct *fs);
void fs_get(struct fs_struct *fs);
void fs_put(struct fs_struct *fs);

/* Current's open file, referenced; NULL: -EBADF.  Not for O_PATH. */
struct file *fget(unsigned int fd);
struct file *fget_any(unsigned int fd); /* O_PATH too */

/*
 * The same for the length of one system call: no reference is taken while
 * the table has only one user, who is in this call.
 */
struct fd {
    struct file *file; /* NULL: -EBADF */
    bool put;
};
struct fd fdget(unsigned int fd);
struct fd fdget_any(unsigned int fd);
static inline void fdput(struct fd f)
{
    if (unlikely(f.put))
        fput(f.file);
}

/* Takes a number >= min: fd, -EMFILE, -ENOMEM.  Consumes no reference on
 * failure, the caller's on success. */
int fd_install(struct file *file, unsigned int min, bool cloexec);
int fd_close(unsigned int fd); /* 0 or -EBADF */
/* dup2: `fd` becomes another name of file (a reference is taken); what was
 * there is closed.  fd, -EBADF (beyond the limit), -ENOMEM. */
int fd_replace(unsigned int fd, struct file *file, bool cloexec);
bool fd_cloexec(unsigned int fd);
void fd_set_cloexec(unsigned int fd, bool cloexec);
int fd_close_range(unsigned int first, unsigned int last, bool cloexec_only);
/* Another process's: referenced, or NULL. */
struct file *files_find(struct files_struct *files, unsigned int fd);
unsigned int files_size(struct files_struct *files); /* slots, for FDSize */
/* For /proc/PID/fd: next open fd >= `fd`, its file referenced; -1: none. */
int files_next(struct files_struct *files, unsigned int fd, struct file **file);
