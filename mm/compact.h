/*
 * mm/compact.h - making large free blocks of scattered free pages.
 */
#pragma once

#include <kernel/lib/types.h>

/* Moves all that can move of every zone to its upper end.  May sleep; linear
 * in the RAM that is online. */
void compact_all(void);

/* Since boot, for /proc/vmstat: frames looked at by either scanner, taken in
 * hand, moved or not; allocations that waited for it, and how that ended.
 * Linux's names with compact_ before them (the last two pgmigrate_). */
struct compact_stats {
    u64 migrate_scanned, free_scanned, isolated;
    u64 stall, fail, success;
    u64 migrate_success, migrate_fail;
};
extern struct compact_stats compact_stats;
