/*
 * kernel/lib/random.h - random numbers: one generator for getrandom(2),
 * /dev/urandom, AT_RANDOM and whoever else wants some.
 *
 * ChaCha20 in counter mode.  After each request the key is replaced by output
 * nobody has seen, so what was given out cannot be computed back.  It is
 * usable from the first call on; how good it is depends on the seeds, and no
 * call ever waits for better ones.
 */
#pragma once

#include <kernel/lib/types.h>

/* Mixes `n` bytes into the key.  Not reentrant against random_bytes. */
void random_seed(const void *data, size_t n);

/* Any context; interrupts are kept out by the lock hooks below. */
void random_bytes(void *to, size_t n);
u64 random_u64(void);

/* The block function, for tests (RFC 8439 2.3). */
void chacha20_block(const u32 state[16], u32 out[16]);

/* Set by the kernel before other CPUs run; NULL on the host. */
extern void (*random_lock)(u64 *flags);
extern void (*random_unlock)(u64 flags);
