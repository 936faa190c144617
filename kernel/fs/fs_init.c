/*
 * kernel/fs/fs_init.c - the order in which the file systems start.
 */
#include <kernel/fs/internal.h>
#include <kernel/fs/proc_mm.h>
#include <kernel/fs/proc_faults.h>
#include <kernel/fs/proc_walk.h>

void procfs_init(void) __attribute__((weak)); /* until it is there */

void fs_init(void)
{
    dcache_init();
    file_init();
    tmpfs_init();
    mount_root();
    devtmpfs_init();
    if (procfs_init)
        procfs_init();
    sysfs_init();
    proc_walk_init();
    proc_faults_init();
    proc_mm_init();
}
