/*
 * kernel/fs/procfs.h - what the files of /proc share, and the hooks through
 * which higher layers add to it.
 */
#pragma once

#include <kernel/fs/pseudo_internal.h>

struct task_struct;

extern const struct pseudo_dynamic proc_pid_dynamic; /* /proc's numbers */
void proc_pid_evict(struct inode *inode);

void proc_fault_counts(u64 *minor, u64 *major);

void proc_info_init(void); /* meminfo, cpuinfo, ... */
void proc_sys_init(void);  /* /proc/sys */

#define CLOCK_TICKS 100 /* USER_HZ: times in /proc are in these */
static inline u64 ns_to_ticks(u64 ns)
{
    return ns / (NSEC_PER_SEC / CLOCK_TICKS);
}

/* A text file that is one function. */
#define PROC_TEXT(name, fn)                                                    \
    static int name##_show(void *data, struct printer *out)                    \
    {                                                                          \
        (void)data;                                                            \
        fn(out);                                                               \
        return 0;                                                              \
    }                                                                          \
    static const struct pseudo_ops name##_ops = {.show = name##_show}
