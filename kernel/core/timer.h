/*
 * kernel/core/timer.h - what time.c and timer.c tell each other.
 */
#pragma once

#include <kernel/core/time.h>

u64 clock_tsc_hz(void);
u64 clock_tsc_at(u64 ns); /* the TSC when ktime_get() says ns */

void timer_hardware_init(void); /* on each CPU */
