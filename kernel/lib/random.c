/*
 * kernel/lib/random.c - ChaCha20 as a generator (RFC 8439).
 *
 * Cost  a block of 64 bytes is about a thousand instructions.  The first 32
 *       bytes of each request's first block become the next key.
 */
#include <kernel/lib/random.h>
#include <kernel/lib/string.h>

void (*random_lock)(u64 *flags);
void (*random_unlock)(u64 flags);

static u32 key[8];
static u64 counter;

static inline u32 rotate(u32 x, int n)
{
    return x << n | x >> (32 - n);
}

static void quarter(u32 *a, u32 *b, u32 *c, u32 *d)
{
    *a += *b;
    *d = rotate(*d ^ *a, 16);
    *c += *d;
    *b = rotate(*b ^ *c, 12);
    *a += *b;
    *d = rotate(*d ^ *a, 8);
    *c += *d;
    *b = rotate(*b ^ *c, 7);
}

void chacha20_block(const u32 state[16], u32 out[16])
{
    u32 x[16];

    memcpy(x, state, sizeof(x));
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < 4; i++) /* columns */
            quarter(&x[i], &x[4 + i], &x[8 + i], &x[12 + i]);
        for (int i = 0; i < 4; i++) /* diagonals */
            quarter(&x[i], &x[4 + (i + 1) % 4], &x[8 + (i + 2) % 4],
                    &x[12 + (i + 3) % 4]);
    }
    for (int i = 0; i < 16; i++)
        out[i] = x[i] + state[i];
}

static void next_block(u32 out[16])
{
    u32 state[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};

    memcpy(&state[4], key, sizeof(key));
    state[12] = counter;
    state[13] = counter >> 32;
    counter++;
    chacha20_block(state, out);
}

void random_seed(const void *data, size_t n)
{
    const u8 *bytes = data;
    u32 block[16];

    for (size_t i = 0; i < n; i++) {
        ((u8 *)key)[i % sizeof(key)] ^= bytes[i];
        if ((i + 1) % sizeof(key) == 0 || i + 1 == n) {
            next_block(block);
            memcpy(key, block, sizeof(key));
        }
    }
}

void random_bytes(void *to, size_t n)
{
    u32 block[16], next_key[8];
    size_t room = sizeof(block) - sizeof(key);
    u8 *from = (u8 *)block + sizeof(key);
    u64 flags = 0;

    if (random_lock)
        random_lock(&flags);
    next_block(block);
    memcpy(next_key, block, sizeof(key));
    for (;;) {
        size_t part = n < room ? n : room;

        memcpy(to, from, part);
        to = (u8 *)to + part;
        n -= part;
        if (!n)
            break;
        next_block(block);
        from = (u8 *)block;
        room = sizeof(block);
    }
    memcpy(key, next_key, sizeof(key));
    if (random_unlock)
        random_unlock(flags);
    memset(block, 0, sizeof(block));
}

u64 random_u64(void)
{
    u64 value;

    random_bytes(&value, sizeof(value));
    return value;
}
