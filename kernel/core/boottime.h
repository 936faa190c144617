/*
 * kernel/core/boottime.h - how long start-up took, in TSC ticks.
 *
 * Under QEMU's -icount shift=0 a tick is a guest instruction.
 */
#pragma once

#include <kernel/lib/types.h>

struct printer;

extern u64 boot_entry_tsc; /* at the kernel's first instruction */
extern u64 boot_ring3_tsc; /* at its last before ring 3, 0 until then */

/* Notes that the step of that name is done.  Start-up only. */
void boottime_mark(const char *step);

/* The last thing before the first program's first instruction; says the two
 * values in the log. */
void boottime_ring3(void);

/* /proc/boot: "entry_tsc N", "ring3_tsc N", "ticks N", "step NAME TICKS". */
void boottime_report(struct printer *out);
