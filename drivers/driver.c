/*
 * drivers/driver.c - runs the start-up functions that drivers registered.
 *
 * Structure  .initcall.1, .2, .3 are put one after the other by linker.ld, so
 *            one loop over [__start_initcalls, __stop_initcalls) is in order
 *            of level.
 * Context    once, at start-up, in a task; may sleep.
 */
#include <drivers/driver.h>

#include <kernel/core/printk.h>
#include <kernel/uapi/errno.h>

extern const struct initcall __start_initcalls[], __stop_initcalls[];

void drivers_init(void)
{
    const struct initcall *call;

    for (call = __start_initcalls; call < __stop_initcalls; call++) {
        int err = call->fn();

        if (err && err != -ENODEV)
            pr_err("%s: failed with error %d; going on without it", call->name,
                   -err);
    }
}
