/*
 * kernel/sys/rw.h - limits that all calls which move bytes have in common.
 */
#pragma once

#include <kernel/lib/types.h>

#define RW_MAX 0x7ffff000ul /* bytes a call moves at most, read(2) */

/* What ends beyond the last position there is. */
static inline bool rw_bad_range(loff_t pos, size_t count)
{
    return pos < 0 || (u64)pos + count > 0x7fffffffffffffffull;
}
