/*
 * tests/host/shim.h - what every host test needs, in the order that cmocka
 * wants, and a random generator whose seed is printed.
 *
 * A test names the kernel files that it is linked with in its first lines:
 *     HOST_SOURCES: kernel/lib/rbtree.c
 */
#pragma once

#include <kernel/lib/types.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static u64 host_seed __maybe_unused = 1;

/* xorshift64*; SEED= in the environment repeats a run. */
static inline u64 host_random(void)
{
    host_seed ^= host_seed >> 12;
    host_seed ^= host_seed << 25;
    host_seed ^= host_seed >> 27;
    return host_seed * 0x2545f4914f6cdd1dull;
}

static inline void host_random_init(void)
{
    const char *seed = getenv("SEED");

    host_seed = seed && *seed ? strtoull(seed, NULL, 0) : 20261120;
    if (!host_seed)
        host_seed = 1;
    print_message("# SEED=%llu\n", (unsigned long long)host_seed);
}
