/*
 * kernel/task/itimer.h - a process's interval timers.
 */
#pragma once

#include <kernel/task/cputime.h>

#define ITIMER_REAL 0 /* linux/time.h */
#define ITIMER_VIRTUAL 1
#define ITIMER_PROF 2

struct itimer_value { /* ns; left 0: not running */
    u64 left, interval;
};

/* Current's process; `which` is checked by the caller. */
void itimer_get(int which, struct itimer_value *value);
void itimer_set(int which, const struct itimer_value *value);
/* Sends what is due now that a process has had so much. */
void itimers_check(struct signal_struct *signal, struct cpu_time spent);
