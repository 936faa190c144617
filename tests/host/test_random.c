/*
 * The random generator: ChaCha20 against RFC 8439's vector, and that requests
 * of any size give different, well mixed bytes.
 *
 * HOST_SOURCES: kernel/lib/random.c
 */
#include "shim.h"

#include <kernel/lib/random.h>
#include <string.h>

/* RFC 8439, 2.3.2. */
static void chacha20_is_the_rfcs(void **state)
{
    static const u32 in[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574,
                               0x03020100, 0x07060504, 0x0b0a0908, 0x0f0e0d0c,
                               0x13121110, 0x17161514, 0x1b1a1918, 0x1f1e1d1c,
                               0x00000001, 0x09000000, 0x4a000000, 0x00000000};
    static const u32 want[16] = {
        0xe4e7f110, 0x15593bd1, 0x1fdd0f50, 0xc47120a3, 0xc7f4d1c7, 0x0368c033,
        0x9aaa2204, 0x4e6cd4c3, 0x466482d2, 0x09aa9f07, 0x05d7c214, 0xa2028bd9,
        0xd19c12b5, 0xb94e16de, 0xe883d0cb, 0x4e3c50a2};
    u32 out[16];

    (void)state;
    chacha20_block(in, out);
    assert_memory_equal(out, want, sizeof(want));
}

static void requests_differ(void **state)
{
    u8 a[300], b[300];

    (void)state;
    for (size_t n = 16; n <= sizeof(a); n += 7) {
        random_bytes(a, n);
        random_bytes(b, n);
        assert_true(memcmp(a, b, n) != 0);
    }
}

static void seeds_matter(void **state)
{
    u64 first = random_u64();

    (void)state;
    random_seed("x", 1);
    assert_true(first != random_u64());
}

static void nothing_is_written_beyond(void **state)
{
    u8 buf[200];

    (void)state;
    for (size_t n = 0; n < 190; n++) {
        memset(buf, 0xa5, sizeof(buf));
        random_bytes(buf, n);
        for (size_t i = n; i < sizeof(buf); i++)
            assert_int_equal(buf[i], 0xa5);
    }
}

static void bits_are_even(void **state)
{
    u8 buf[65536];
    long ones = 0;

    (void)state;
    random_bytes(buf, sizeof(buf));
    for (size_t i = 0; i < sizeof(buf); i++)
        ones += __builtin_popcount(buf[i]);
    assert_in_range(ones, 260000, 264288);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chacha20_is_the_rfcs),
        cmocka_unit_test(requests_differ),
        cmocka_unit_test(seeds_matter),
        cmocka_unit_test(nothing_is_written_beyond),
        cmocka_unit_test(bits_are_even),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
