/*
 * kernel/fs/files_struct.h - a descriptor table from the inside: for
 * fdtable.c, and for the few calls that are measured by the instruction.
 */
#pragma once

#include <kernel/fs/fdtable.h>
#include <kernel/task/task.h>

#define FD_FEW 64u /* slots inside the struct; a multiple of 64 */

struct files_struct {
    refcount_t refs;
    spinlock_t lock;
    unsigned int size;   /* (lock) slots */
    unsigned int hint;   /* (lock) all below are taken */
    struct file **fd;    /* (lock) */
    u64 *open, *cloexec; /* (lock) bit per slot */
    struct file *few[FD_FEW];
    u64 few_open[FD_FEW / 64], few_cloexec[FD_FEW / 64];
};

/*
 * The open file if the table and the file have no other user, so that
 * neither a reference nor a lock is needed during this call; else NULL, and
 * the caller takes the long way.
 */
static inline struct file *fd_sole(unsigned int fd)
{
    struct files_struct *files = current->files;
    struct file *file;

    if (unlikely(refcount_read(&files->refs) != 1 || fd >= files->size))
        return NULL;
    file = files->fd[fd];
    if (unlikely(!file || refcount_read(&file->refs) != 1))
        return NULL;
    return file;
}
