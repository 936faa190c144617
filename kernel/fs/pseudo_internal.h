/*
 * kernel/fs/pseudo_internal.h - entries from the inside: for pseudo.c and
 * the directories that answer for more than their entries (procfs).
 */
#pragma once

#include <kernel/fs/internal.h>
#include <kernel/fs/pseudo.h>

/* A directory whose names are not all entries. */
struct pseudo_dynamic {
    int (*lookup)(struct inode *dir, const char *name, size_t len,
                  struct inode **inode);
    /* Emits from ctx->pos on, which is >= PSEUDO_DYNAMIC_POS. */
    int (*iterate)(struct file *file, struct dir_context *ctx);
};
#define PSEUDO_DYNAMIC_POS 0x10000000

struct pseudo_entry *pseudo_root(void); /* a new tree; NULL: no memory */
void pseudo_set_dynamic(struct pseudo_entry *dir,
                        const struct pseudo_dynamic *dynamic);
/* A link that leads to a place: follow() as in inode_operations. */
struct pseudo_entry *pseudo_link_ops(struct pseudo_entry *dir, const char *name,
                                     const struct inode_operations *ops);
/* A reference to *only, the one super block of a pseudo file system, which the
 * first call makes: however often it is mounted, device and inode numbers stay
 * what they are. */
int pseudo_super(const struct file_system_type *type, struct pseudo_entry *root,
                 struct super_block **only, struct super_block **sb);
