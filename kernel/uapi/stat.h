/*
 * kernel/uapi/stat.h - struct stat and file types, as ring 3 sees them.
 */
#pragma once

#include <asm/stat.h>
#include <linux/stat.h>

#define DT_UNKNOWN 0
#define DT_FIFO 1
#define DT_CHR 2
#define DT_DIR 4
#define DT_BLK 6
#define DT_REG 8
#define DT_LNK 10
#define DT_SOCK 12
