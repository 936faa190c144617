/*
 * kernel/fs/names.h - what changing a directory takes: shared by names.c and
 * rename.c.  The directory is locked.
 */
#pragma once

#include <kernel/fs/internal.h>

/* 0 or -errno. */
int may_change(struct inode *dir);
/* In a sticky directory only owners remove things. */
int may_remove(struct inode *dir, struct inode *victim);

/* The victim loses a name. */
void drop_link(struct inode *dir, struct inode *inode);
