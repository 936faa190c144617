/*
 * kernel/core/vdso_data.h - the clock as ring 3 sees it: one page, read-only
 * there, that the kernel keeps up to date.
 *
 * Also compiled into the vDSO, which is a program of ring 3.
 *
 * Reading    seq; if odd, again; the fields and the TSC; seq again: the same,
 *            or all over.  The writer makes seq odd before it reads the TSC
 *            from which a new scale starts, so what an old scale said is never
 *            later than what the new one says.
 * Writing    kernel/core/time.c, by whoever holds its clock_lock or sets the
 *            time; interrupts off, so no reader waits for long.
 */
#pragma once

#include <kernel/lib/types.h>

#define VDSO_CLOCKS 12 /* CLOCK_REALTIME ... CLOCK_TAI */

struct vdso_data {
    u64 offset[VDSO_CLOCKS]; /* ns to add for each clock */
    u64 base_tsc, base_ns;   /* the scale: what a TSC of base_tsc means */
    u64 mult;                /* ns per tick, times 2^32 */
    u32 seq;
};
