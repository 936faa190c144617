/*
 * kernel/core/clockscale.c - see the header.
 */
#include <kernel/core/clockscale.h>

#define MHZ 1000000ull

u64 clock_rate(const struct clock_sample *sample)
{
    u64 hz = mul_div(sample->ticks, sample->ref_hz, sample->ref_ticks);
    u64 unsure = mul_div(hz, 2, sample->ref_ticks) +
                 mul_div(sample->blur, sample->ref_hz, sample->ref_ticks);
    u64 round = (hz + MHZ / 2) / MHZ * MHZ;
    u64 off = round > hz ? round - hz : hz - round;

    return round && off <= unsure ? round : hz;
}

u64 clock_unwrap(u64 seen, u64 mask, u64 expected)
{
    u64 wrap = mask + 1, low;

    if (wrap == 0) /* all 64 bits */
        return seen;
    low = expected / wrap * wrap + seen;
    if (low > expected && low - expected > wrap / 2 && low >= wrap)
        return low - wrap;
    if (low < expected && expected - low > wrap / 2)
        return low + wrap;
    return low;
}
