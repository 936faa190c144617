/*
 * kernel/fs/proc_faults.h - /proc/faults.
 */
#pragma once

void proc_faults_init(void); /* after procfs */
