/*
 * hello.c - the smallest test: a program runs.  As pid 1 of an initramfs of
 * its own it also ends the machine, so that the least RAM can be looked for.
 */
#include "tap.h"
#include <linux/reboot.h>
#include <sys/syscall.h>

int main(void)
{
    int status;

    ok(getpid() > 0, "a program runs in ring 3");
    status = done();
    if (getpid() == 1)
        syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2,
                LINUX_REBOOT_CMD_POWER_OFF, 0);
    return status;
}
