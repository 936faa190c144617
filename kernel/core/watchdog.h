/*
 * kernel/core/watchdog.h - CPUs that look after each other.
 *
 * With several CPUs each asks the next one, every watchdog_thresh= seconds
 * (10; 0: never), for an answer to an interrupt.  One that stays silent for
 * twice that long has its interrupts off for good: the kernel panics and shows
 * where every CPU is.
 */
#pragma once

#include <kernel/lib/types.h>

/* After the command line. */
void watchdog_init(void);
u64 watchdog_limit(void); /* ns after which silence is a bug */

/* On each CPU, once all that will run do run. */
void watchdog_start(void);
