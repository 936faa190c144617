/*
 * kernel/core/clockref.h - counters whose rate is known: HPET, ACPI PM timer,
 * PIT.
 *
 * Reading one costs an exit to the device model, so the clock does it rarely.
 */
#pragma once

#include <kernel/core/time.h>

struct clock_ref {
    const char *name;
    u64 (*read)(void); /* counts up */
    u64 hz;
    u64 mask; /* the bits that it has */
};

/* The best that the hardware offers. */
const struct clock_ref *clock_ref_find(const struct time_hardware *hardware);
