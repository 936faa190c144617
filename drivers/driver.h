/*
 * drivers/driver.h - how a driver gets started: one file, one line.
 *
 * initcalls run in order of level, inside a level in link order, once the
 * scheduler, the page allocator and the file systems are up.  A failure is
 * named in the log and the boot goes on.
 */
#pragma once

#include <kernel/lib/types.h>

struct initcall {
    const char *name;
    int (*fn)(void); /* 0, -ENODEV (quiet: not on this machine), -errno */
};

#define INITCALL_(level, fn_)                                                  \
    static const struct initcall initcall_##fn_ __section(".initcall." #level) \
        __aligned(8) = {#fn_, fn_}
#define BUS_INITCALL(fn) INITCALL_(1, fn)    /* ACPI, PCI enumeration */
#define DRIVER_INITCALL(fn) INITCALL_(2, fn) /* drivers */
#define LATE_INITCALL(fn) INITCALL_(3, fn)

void drivers_init(void); /* runs them all */
