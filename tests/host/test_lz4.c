/*
 * tests/host/test_lz4.c - what is compressed comes back; rubbish is refused.
 *
 * HOST_SOURCES: kernel/lib/lz4.c
 */
#include "shim.h"
#include <kernel/lib/lz4.h>

#define SIZE 4096

static u8 plain[SIZE], packed[LZ4_BOUND(SIZE)], again[SIZE];
static struct lz4_work work;

static void fill(int kind, size_t len)
{
    for (size_t i = 0; i < len; i++)
        plain[i] = kind == 0   ? 0
                   : kind == 1 ? host_random()
                   : kind == 2 ? i / 64
                   : kind == 3 ? (host_random() % 8 ? 'a' : host_random())
                               : "page table "[i % 11];
}

static void everything_comes_back(void **state)
{
    for (int i = 0; i < 3000; i++) {
        size_t len = i % 3 ? host_random() % (SIZE + 1) : SIZE;
        size_t n;

        fill(i % 5, len);
        n = lz4_compress(&work, plain, len, packed, LZ4_BOUND(len));
        assert_true(n > 0 && n <= LZ4_BOUND(len));
        assert_int_equal(lz4_decompress(packed, n, again, len), len);
        assert_memory_equal(plain, again, len);
        if (len)
            assert_int_equal(lz4_decompress(packed, n, again, len - 1), -1);
    }
    fill(0, SIZE);
    assert_true(lz4_compress(&work, plain, SIZE, packed, sizeof(packed)) < 40);
}

static void no_room_is_said(void **state)
{
    fill(1, SIZE);
    assert_int_equal(lz4_compress(&work, plain, SIZE, packed, SIZE / 2), 0);
}

static void rubbish_never_goes_out_of_bounds(void **state)
{
    for (int i = 0; i < 20000; i++) {
        size_t n = host_random() % 200;
        u8 *exact = malloc(n);

        for (size_t k = 0; k < n; k++)
            exact[k] = host_random() % 3 ? host_random() : 0xff;
        lz4_decompress(exact, n, again, host_random() % SIZE);
        free(exact);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_comes_back),
        cmocka_unit_test(no_room_is_said),
        cmocka_unit_test(rubbish_never_goes_out_of_bounds),
    };

    host_random_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
