/*
 * kernel/lib/lz4.h - the LZ4 block format, for buffers of at most 64 KiB.
 */
#pragma once

#include <kernel/lib/types.h>

#define LZ4_HASH_ENTRIES 2048

struct lz4_work { /* what lz4_compress needs beside its buffers */
    u16 last[LZ4_HASH_ENTRIES];
};

/* The most that n bytes can become. */
#define LZ4_BOUND(n) ((n) + (n) / 255 + 16)

/* Returns the compressed length, or 0 if it exceeds `room`. */
size_t lz4_compress(struct lz4_work *work, const void *src, size_t len,
                    void *dst, size_t room);
/* Returns the length written, or -1 if the input is corrupt or does not fit
 * in `room`. */
ssize_t lz4_decompress(const void *src, size_t len, void *dst, size_t room);
