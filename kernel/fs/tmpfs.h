/*
 * kernel/fs/tmpfs.h - what the files of tmpfs share with each other, with
 * devtmpfs and with the initramfs.
 */
#pragma once

#include <kernel/fs/internal.h>

/* A new thing of that kind, owned by nobody yet; NULL: no room. */
struct inode *tmpfs_inode(struct super_block *sb, mode_t mode, dev_t rdev);
/* Adds to the end of a regular file: bytes or -errno. */
ssize_t tmpfs_append(struct inode *inode, const void *data, size_t len);
int tmpfs_get_super(const struct file_system_type *type, const char *data,
                    struct super_block **result);
/* Opens `inode` (consumed) under a name below `dir` that nobody can find. */
int tmpfs_open_unnamed(const struct path *dir, const char *name,
                       struct inode *inode, u32 flags, struct file **file);

/* tmpfs_data.c: regular files. */
extern const struct inode_operations tmpfs_file_ops;
extern const struct file_operations tmpfs_file_fops;
void tmpfs_drop_data(struct inode *inode); /* the last reference went */
