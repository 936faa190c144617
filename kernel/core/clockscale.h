/*
 * kernel/core/clockscale.h - from ticks of one counter to those of another.
 *
 * Pure arithmetic of time.c; also compiled for the host.
 */
#pragma once

#include <kernel/lib/types.h>

/* a * b / c with a 128-bit product; ~0 if the quotient has no room. */
static inline u64 mul_div(u64 a, u64 b, u64 c)
{
    u64 high, low, quotient, rest;

    __asm__("mulq %3" : "=a"(low), "=d"(high) : "0"(a), "rm"(b) : "cc");
    if (high >= c)
        return ~0ull;
    __asm__("divq %4"
            : "=a"(quotient), "=d"(rest)
            : "0"(low), "1"(high), "rm"(c)
            : "cc");
    return quotient;
}

/* ticks * mult / 2^32: the form in which scales are kept. */
static inline u64 mul_shift32(u64 ticks, u64 mult)
{
    return ((unsigned __int128)ticks * mult) >> 32;
}

/* Two readings of a counter of known rate, with the ticks of the measured
 * one between them. */
struct clock_sample {
    u64 ticks;     /* of the counter that is measured */
    u64 ref_ticks; /* of the reference in the same time; not 0 */
    u64 ref_hz;
    u64 blur; /* measured ticks by which the reading times are unsure */
};

/*
 * Hz of the measured counter.  If a whole number of MHz lies within what the
 * readings can tell, that is taken: most counters run at one.
 */
u64 clock_rate(const struct clock_sample *sample);

/*
 * What a counter that wraps at `mask` has really counted, if about `expected`
 * was to come and `seen` is what it shows.
 */
u64 clock_unwrap(u64 seen, u64 mask, u64 expected);
