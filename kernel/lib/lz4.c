/*
 * kernel/lib/lz4.c - the LZ4 block format.
 *
 * A block is a row of sequences: a token (two lengths of 4 bits), literals,
 * and a match (distance of 16 bits back, length from 4).  A length nibble of
 * 15 goes on in bytes until one is not 255.  The last sequence has literals
 * only: at least the last 5 bytes, and no match begins in the last 12.
 *
 * The compressor looks up where the same four bytes stood last, and nowhere
 * else: quick rather than tight.
 */
#include <kernel/lib/lz4.h>
#include <kernel/lib/string.h>

#define MATCH_MIN 4
#define LAST_LITERALS 5
#define MATCH_LIMIT 12 /* no match begins in this many last bytes */

struct output {
    u8 *at, *end;
    bool overflow;
};

static u32 load32(const u8 *p)
{
    u32 val;

    __builtin_memcpy(&val, p, sizeof(val));
    return val;
}

static u32 hash(u32 val)
{
    return val * 2654435761u >> 21; /* 11 bits: LZ4_HASH_ENTRIES */
}

static void put(struct output *out, u8 byte)
{
    if (out->at < out->end)
        *out->at++ = byte;
    else
        out->overflow = true;
}

static void put_length(struct output *out, size_t rest)
{
    for (; rest >= 255; rest -= 255)
        put(out, 255);
    put(out, rest);
}

static void put_sequence(struct output *out, const u8 *literals, size_t n,
                         size_t distance, size_t match)
{
    size_t m = match ? match - MATCH_MIN : 0;

    put(out, min(n, 15ul) << 4 | min(m, 15ul));
    if (n >= 15)
        put_length(out, n - 15);
    for (size_t i = 0; i < n; i++)
        put(out, literals[i]);
    if (!match)
        return;
    put(out, distance);
    put(out, distance >> 8);
    if (m >= 15)
        put_length(out, m - 15);
}

static size_t match_length(const u8 *a, const u8 *b, const u8 *end)
{
    size_t n = 0;

    while (b + n < end && a[n] == b[n])
        n++;
    return n;
}

size_t lz4_compress(struct lz4_work *work, const void *src, size_t len,
                    void *dst, size_t room)
{
    const u8 *start = src, *end = start + len, *at = start, *anchor = start;
    struct output out = {dst, (u8 *)dst + room, false};

    memset(work, 0, sizeof(*work));
    while (len > MATCH_LIMIT && at < end - MATCH_LIMIT && !out.overflow) {
        u16 *last = &work->last[hash(load32(at))];
        const u8 *old = start + *last;
        size_t n;

        *last = at - start;
        if (old >= at || load32(old) != load32(at)) {
            at++;
            continue;
        }
        n = match_length(old, at, end - LAST_LITERALS);
        put_sequence(&out, anchor, at - anchor, at - old, n);
        at += n;
        anchor = at;
    }
    put_sequence(&out, anchor, end - anchor, 0, 0);
    return out.overflow ? 0 : (size_t)(out.at - (u8 *)dst);
}

/* The rest of a length whose nibble was 15; false: the input ended. */
static bool get_length(const u8 **at, const u8 *end, size_t *n)
{
    u8 byte;

    if (*n != 15)
        return true;
    do {
        if (*at == end)
            return false;
        byte = *(*at)++;
        *n += byte;
    } while (byte == 255);
    return true;
}

ssize_t lz4_decompress(const void *src, size_t len, void *dst, size_t room)
{
    const u8 *at = src, *end = at + len;
    u8 *out = dst, *out_end = out + room;

    while (at < end) {
        u8 token = *at++;
        size_t n = token >> 4, m = token & 15, distance;

        if (!get_length(&at, end, &n) || n > (size_t)(end - at) ||
            n > (size_t)(out_end - out))
            return -1;
        memcpy(out, at, n);
        out += n;
        at += n;
        if (at == end)
            return out - (u8 *)dst; /* the last has no match */
        if (end - at < 2)
            return -1;
        distance = at[0] | at[1] << 8;
        at += 2;
        if (!get_length(&at, end, &m))
            return -1;
        m += MATCH_MIN;
        if (!distance || distance > (size_t)(out - (u8 *)dst) ||
            m > (size_t)(out_end - out))
            return -1;
        for (; m > 0; m--, out++) /* may overlap itself */
            *out = out[-(ssize_t)distance];
    }
    return -1;
}
