/*
 * kernel/fs/proc_mm.h - mm's files of /proc; once procfs is there.
 */
#pragma once

void proc_mm_init(void);
void proc_page_init(void); /* frames, one by one */
