/*
 * kernel/core/clockpage.h - what turns the TSC into the time, on a page of
 * its own, which the vDSO shows to ring 3 read-only.
 *
 * Also compiled for ring 3: nothing here may need the kernel.
 */
#pragma once

#include <kernel/core/clockscale.h>

struct clock_scale {
    u64 base_tsc, base_ns;
    u64 mult; /* ns per tick, times 2^32 */
};

struct clock_page {
    u32 seq; /* scale[seq & 1] is the one in force */
    struct clock_scale scale[2];
    u64 real_offset; /* CLOCK_REALTIME - CLOCK_MONOTONIC */
};

#define CLOCK_PAGE_SIZE 4096

union clock_page_padded {
    struct clock_page page;
    u8 bytes[CLOCK_PAGE_SIZE]; /* nothing else is shown */
};

extern union clock_page_padded clock_page;

static inline u64 clock_scale_apply(const struct clock_scale *s, u64 tsc)
{
    s64 ticks = tsc - s->base_tsc;

    /* A CPU whose TSC is a little behind must not see the past. */
    return s->base_ns + (ticks > 0 ? mul_shift32(ticks, s->mult) : 0);
}

/* CLOCK_MONOTONIC in ns. */
static inline u64 clock_page_read(const struct clock_page *page)
{
    u32 seq, lo, hi;
    u64 ns;

    do {
        seq = READ_ONCE(page->seq);
        barrier();
        __asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
        ns = clock_scale_apply(&page->scale[seq & 1], (u64)hi << 32 | lo);
        barrier();
    } while (unlikely(seq != READ_ONCE(page->seq)));
    return ns;
}
