/*
 * kernel/fs/proc_walk.h - /proc/pagewalk.
 */
#pragma once

void proc_walk_init(void); /* after procfs */
