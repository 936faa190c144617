/*
 * kernel/fs/pseudo.h - files that the kernel answers: procfs and sysfs
 * entries, one table of functions each.
 *
 * A text file's show() writes everything through the printer; reading,
 * seeking and partial reads are the file system's.  Entries live until
 * removed; removal waits for readers.
 */
#pragma once

#include <kernel/fs/fs.h>

struct pseudo_entry;

struct pseudo_ops {
    /* 0 or -errno; may sleep. */
    int (*show)(void *data, struct printer *out);
    /* A write(2), NUL-terminated copy of at most a page: bytes or -errno. */
    ssize_t (*store)(void *data, char *text, size_t len);
    /* For files that are not text (mmap, binary, ioctl): used instead. */
    const struct file_operations *fops; /* inode->private is data */
    /* As in /proc/sys: pwrite(2) works, and what is not written at the start
     * is swallowed. */
    bool at_start;
};

extern struct pseudo_entry *proc_root, *sysfs_root;

/* NULL without memory or if the name is taken.  The name is copied. */
struct pseudo_entry *pseudo_mkdir(struct pseudo_entry *dir, const char *name);
struct pseudo_entry *pseudo_create(struct pseudo_entry *dir, const char *name,
                                   mode_t mode, const struct pseudo_ops *ops,
                                   void *data);
struct pseudo_entry *pseudo_symlink(struct pseudo_entry *dir, const char *name,
                                    const char *target);
void pseudo_set_size(struct pseudo_entry *entry, u64 size); /* st_size */
void pseudo_remove(struct pseudo_entry *entry);             /* and all below */
struct pseudo_entry *pseudo_find(struct pseudo_entry *dir, const char *name);
