/*
 * kernel/core/timer.h - what time.c and timer.c tell each other.
 */
#pragma once

#include <kernel/core/time.h>

u64 clock_tsc_hz(void);
u64 clock_tsc_at(u64 ns); /* the TSC when ktime_get() says ns */

void timer_hardware_init(void); /* on each CPU */
/* The boot CPU's counter, which has run since start-up, tells all CPUs' rate;
 * so before another CPU uses its own. */
void timer_settle_rate(void);

struct printer;
u64 timer_interrupts(void);             /* on all CPUs, so far */
void timer_report(struct printer *out); /* a line of /proc/interrupts */
