/*
 * Bitmaps and printers against plain arrays.
 *
 * HOST_SOURCES: kernel/lib/printer.c kernel/lib/format.c
 */
#include "shim.h"
#include <kernel/lib/bitmap.h>
#include <kernel/lib/printer.h>

#define BITS 201

static void random_operations(void **state)
{
    u64 map[BITMAP_WORDS(BITS)] = {0};
    bool model[BITS] = {false};
    int round;

    (void)state;
    for (round = 0; round < 20000; round++) {
        size_t bit = host_random() % BITS, from = host_random() % (BITS + 2);
        size_t set = from, clear = from, count = 0, i;

        if (host_random() % 2)
            bitmap_set(map, bit);
        else
            bitmap_clear(map, bit);
        model[bit] = bitmap_test(map, bit);
        while (set < BITS && !model[set])
            set++;
        while (clear < BITS && model[clear])
            clear++;
        for (i = 0; i < BITS; i++)
            count += model[i];
        assert_int_equal(bitmap_next_set(map, BITS, from),
                         min(set, (size_t)BITS));
        assert_int_equal(bitmap_next_clear(map, BITS, from),
                         min(clear, (size_t)BITS));
        assert_int_equal(bitmap_count(map, BITS), count);
    }
}

static void printer_cuts_at_the_end(void **state)
{
    struct printer_buf p;
    char buf[8];

    (void)state;
    printer_buf_init(&p, buf, sizeof(buf));
    printer_printf(&p.out, "%d-", 123);
    assert_false(p.overflow);
    printer_puts(&p.out, "abc");
    assert_string_equal(buf, "123-abc");
    assert_false(p.overflow);
    printer_puts(&p.out, "d");
    assert_string_equal(buf, "123-abc");
    assert_true(p.overflow);
    printer_buf_init(&p, buf, 0);
    printer_puts(&p.out, "d");
    assert_true(p.overflow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_operations),
        cmocka_unit_test(printer_cuts_at_the_end),
    };

    host_random_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
