/*
 * kernel/core/time.c - the clock.
 */
#include <kernel/core/time.h>

u64 ktime_get(void)
{
    return rdtsc();
}
