/*
 * kernel/task/cpu_up.h - starting the CPUs that the firmware left asleep.
 */
#pragma once

/* Keeps the page on which CPUs begin from being allocated.  Before
 * memory_init(). */
void cpus_reserve(void);

/*
 * Starts CPUs of the MADT one after the other, up to maxcpus= of them.  One
 * that does not answer within a second is named in the log, and the rest go
 * on.  A started CPU answers interrupts and cross-CPU calls.
 */
void cpus_start(void);
