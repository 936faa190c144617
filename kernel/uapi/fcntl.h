/*
 * kernel/uapi/fcntl.h - open flags, fcntl commands, AT_*, and the rest of the
 * file calls' constants, as ring 3 passes them.
 */
#pragma once

#include <asm/fcntl.h>
#include <linux/falloc.h>
#include <linux/fcntl.h>
#include <linux/limits.h>
#include <linux/memfd.h>

#define SEEK_SET 0
#define SEEK_CUR 1
#define SEEK_END 2
#define SEEK_DATA 3
#define SEEK_HOLE 4

/* access(2), and what a permission check is asked for */
#define MAY_EXEC 1
#define MAY_WRITE 2
#define MAY_READ 4

#define RENAME_NOREPLACE 1
#define RENAME_EXCHANGE 2
#define RENAME_WHITEOUT 4

#define LOCK_SH 1
#define LOCK_EX 2
#define LOCK_NB 4
#define LOCK_UN 8
