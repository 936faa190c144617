/*
 * kernel/lib/bitmap.h - sets of small numbers, a bit each.
 *
 * No locking here.  Sizes are in bits; arrays are whole u64 words, and bits
 * beyond the size in the last word are zero.
 */
#pragma once

#include <kernel/lib/types.h>

#define BITMAP_WORDS(bits) DIV_ROUND_UP(bits, 64)

static inline bool bitmap_test(const u64 *map, size_t bit)
{
    return map[bit / 64] >> (bit % 64) & 1;
}

static inline void bitmap_set(u64 *map, size_t bit)
{
    map[bit / 64] |= 1ull << (bit % 64);
}

static inline void bitmap_clear(u64 *map, size_t bit)
{
    map[bit / 64] &= ~(1ull << (bit % 64));
}

/* First set bit at or after `from`; `bits` if there is none. */
static inline size_t bitmap_next_set(const u64 *map, size_t bits, size_t from)
{
    size_t word = from / 64;
    u64 rest;

    if (from >= bits)
        return bits;
    rest = map[word] & ~0ull << (from % 64);
    while (!rest) {
        if (++word >= BITMAP_WORDS(bits))
            return bits;
        rest = map[word];
    }
    from = word * 64 + (size_t)__builtin_ctzll(rest);
    return min(from, bits);
}

/* First clear bit at or after `from`; `bits` if there is none. */
static inline size_t bitmap_next_clear(const u64 *map, size_t bits, size_t from)
{
    size_t word = from / 64;
    u64 rest;

    if (from >= bits)
        return bits;
    rest = ~map[word] & ~0ull << (from % 64);
    while (!rest) {
        if (++word >= BITMAP_WORDS(bits))
            return bits;
        rest = ~map[word];
    }
    from = word * 64 + (size_t)__builtin_ctzll(rest);
    return min(from, bits);
}

static inline size_t bitmap_count(const u64 *map, size_t bits)
{
    size_t count = 0, word;

    for (word = 0; word < BITMAP_WORDS(bits); word++)
        count += (size_t)__builtin_popcountll(map[word]);
    return count;
}
