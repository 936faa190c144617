/*
 * kernel/core/power.h - how this machine is switched off, restarted, stopped.
 *
 * drivers/char/power.c fills the table in; reboot(2) and panic= use it
 * without knowing it.  NULL until then.  Each function returns only if the
 * machine did not obey.  Context: any.
 */
#pragma once

struct power_ops {
    void (*off)(void);
    /* `word` is reboot(2)'s RESTART2 argument, or NULL.  Under test "failed"
     * ends the machine with the failed status. */
    void (*restart)(const char *word);
    void (*halt)(void) __attribute__((noreturn)); /* hlt with interrupts off */
};

extern const struct power_ops *power_ops;
