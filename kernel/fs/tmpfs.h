/*
 * kernel/fs/tmpfs.h - what devtmpfs and the initramfs share with tmpfs.
 */
#pragma once

#include <kernel/fs/internal.h>

/* A new thing of that kind, owned by nobody yet; NULL: no room. */
struct inode *tmpfs_inode(struct super_block *sb, mode_t mode, dev_t rdev);
/* Adds to the end of a regular file: bytes or -errno. */
ssize_t tmpfs_append(struct inode *inode, const void *data, size_t len);
int tmpfs_get_super(const struct file_system_type *type, const char *data,
                    struct super_block **result);
