/*
 * kernel/task/oom.h - when there is no page left: one process ends so that
 * the others go on.
 */
#pragma once

#include <kernel/lib/types.h>

struct mm_struct;
struct task_struct;

#define OOM_ADJ_MIN (-1000) /* never */
#define OOM_ADJ_MAX 1000

/*
 * A fault of current's found no memory.  Ends the process that holds most, or
 * waits for one that is ending; the caller then lets the instruction be tried
 * again, unless current is to die itself.  false: it is.
 * Context: may sleep; no lock on which the victim may wait, if possible.
 */
bool out_of_memory(void);

/* As /proc/PID/oom_score has it: 0 to 2000. */
unsigned int oom_score(struct task_struct *task);
u64 oom_kills(void); /* so far */
