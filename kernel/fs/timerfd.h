/*
 * kernel/fs/timerfd.h - what the system calls of timerfd_create(2) do.
 */
#pragma once

#include <kernel/fs/fs.h>

struct timerfd_times { /* ns */
    u64 value;    /* until it rings (or when, if absolute); 0: not running */
    u64 interval; /* and then again; 0: once */
};

int timerfd_open(bool realtime, u32 flags, struct file **file);
/* 0, or -EINVAL: another kind of file. */
int timerfd_get(struct file *file, struct timerfd_times *times);
int timerfd_set(struct file *file, bool absolute,
                const struct timerfd_times *times, struct timerfd_times *old);
