/*
 * Clock arithmetic: rates out of noisy readings, counters that wrap.
 *
 * HOST_SOURCES: kernel/core/clockscale.c
 */
#include "shim.h"
#include <kernel/core/clockscale.h>

#define ROUNDS 100000

static void mul_div_is_exact(void **state)
{
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        u64 a = host_random() >> (host_random() % 64);
        u64 b = host_random() >> (host_random() % 64);
        u64 c = (host_random() >> (host_random() % 64)) | 1;
        unsigned __int128 want = (unsigned __int128)a * b / c;

        assert_true(mul_div(a, b, c) == (want > ~0ull ? ~0ull : (u64)want));
    }
    assert_true(mul_div(1, 1, 0) == ~0ull);
}

static void rate_is_rounded_to_what_is_known(void **state)
{
    /* 1 GHz seen through a 10 ns counter over 1 ms */
    struct clock_sample coarse = {1000007, 100000, 100000000, 20};
    /* 2 596.128 MHz over a second: not a whole number, and known well */
    struct clock_sample fine = {2596128000ull, 100000000, 100000000, 500};

    (void)state;
    assert_true(clock_rate(&coarse) == 1000000000ull);
    assert_true(clock_rate(&fine) == 2596128000ull);
}

static void rate_is_within_its_own_error(void **state)
{
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        u64 hz = 100000000ull + host_random() % 5000000000ull;
        u64 ref_ticks = 1000 + host_random() % 100000000ull;
        u64 blur = host_random() % 10000;
        struct clock_sample sample = {mul_div(hz, ref_ticks, 100000000),
                                      ref_ticks, 100000000, blur};
        u64 got = clock_rate(&sample);
        u64 error = got > hz ? got - hz : hz - got;

        assert_true(error <= hz / ref_ticks * 2 +
                                 mul_div(blur, 100000000, ref_ticks) +
                                 100000000 / ref_ticks + 2);
    }
}

static void wrapped_counters_are_unwrapped(void **state)
{
    static const u64 masks[] = {0xffff, 0xffffff, 0xffffffff};

    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        u64 mask = masks[host_random() % 3];
        u64 real = host_random() % (mask * 50);
        s64 error = (s64)(host_random() % mask) - (s64)mask / 2;
        u64 expected = (s64)real + error < 0 ? 0 : real + error;

        assert_true(clock_unwrap(real & mask, mask, expected) == real);
    }
    assert_true(clock_unwrap(5, ~0ull, 1000) == 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mul_div_is_exact),
        cmocka_unit_test(rate_is_rounded_to_what_is_known),
        cmocka_unit_test(rate_is_within_its_own_error),
        cmocka_unit_test(wrapped_counters_are_unwrapped),
    };

    host_random_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
