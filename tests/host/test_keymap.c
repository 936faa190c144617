/*
 * tests/host/test_keymap.c - scan codes to characters.
 *
 * HOST_SOURCES: drivers/char/keymap.c
 */
#include "shim.h"

#include <drivers/char/keymap.h>

static struct keymap map;

/* What `n` scan codes type. */
static const char *typed(const char *codes, size_t n)
{
    static char text[64];
    size_t len = 0, i;

    for (i = 0; i < n; i++)
        len += keymap_translate(&map, (u8)codes[i], (u8 *)text + len);
    text[len] = '\0';
    return text;
}
#define TYPED(codes) typed(codes, sizeof(codes) - 1)

static int reset(void **state)
{
    map = (struct keymap){0};
    return 0;
}

static void plain_keys(void **state)
{
    assert_string_equal(TYPED("\x1e\x9e\x30\xb0\x02\x82\x1c\x9c"), "ab1\r");
    assert_string_equal(TYPED("\x39\xb9\x0e\x8e\x01\x81\x0f\x8f"),
                        " \x7f\x1b\t");
    assert_string_equal(TYPED("\x2b\x35\x28\x29"), "\\/'`");
}

static void shift_and_caps_lock(void **state)
{
    assert_string_equal(TYPED("\x2a\x1e\x02\x35\xaa\x1e"), "A!?a");
    assert_string_equal(TYPED("\x36\x2b\xb6"), "|");
    assert_string_equal(TYPED("\x3a\xba\x1e\x02\x2a\x1e\xaa\x3a\xba\x1e"),
                        "A1aa");
}

static void control_and_alt(void **state)
{
    assert_string_equal(TYPED("\x1d\x2e\x9d\x2e"), "\x03"
                                                   "c");
    assert_string_equal(TYPED("\xe0\x1d\x2b\xe0\x9d"), "\x1c");
    assert_string_equal(TYPED("\x38\x30\xb8"), "\x1b"
                                               "b");
}

static void cursor_keys(void **state)
{
    assert_string_equal(TYPED("\xe0\x48\xe0\xc8\xe0\x4b"), "\x1b[A\x1b[D");
    assert_string_equal(TYPED("\xe0\x2a\xe0\x50\xe0\xd0\xe0\xaa\x1e"),
                        "\x1b[B"
                        "a"); /* with the fake shift around it */
    assert_string_equal(TYPED("\xe0\x53"), "\x1b[3~");
    assert_string_equal(TYPED("\xe0\x1c\xe0\x35"), "\r/");
}

static void unknown_keys_type_nothing(void **state)
{
    int code;

    for (code = 0x57; code < 0x80; code++) {
        char byte = (char)code;

        assert_string_equal(typed(&byte, 1), "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(plain_keys, reset),
        cmocka_unit_test_setup(shift_and_caps_lock, reset),
        cmocka_unit_test_setup(control_and_alt, reset),
        cmocka_unit_test_setup(cursor_keys, reset),
        cmocka_unit_test_setup(unknown_keys_type_nothing, reset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
