/*
 * tests/host/test_ldisc.c - line editing, echo and modes of a terminal.
 *
 * A case types a string into a fresh line discipline and compares what the
 * screen showed and what read() gave.  In results | is the end of one read,
 * $ an end of file.
 *
 * HOST_SOURCES: drivers/char/ldisc.c
 */
#include "shim.h"

#include <drivers/char/ldisc.h>

struct screen {
    struct ldisc ld;
    u8 buf[LDISC_SIZE];
    u64 marks[LDISC_MARKS];
    char shown[8192];
    size_t len;
    unsigned int signals;
    int discards, stops;
};

static struct screen s;

static void on_echo(struct ldisc *ld, const u8 *bytes, size_t n)
{
    assert_true(s.len + n < sizeof(s.shown));
    memcpy(s.shown + s.len, bytes, n);
    s.len += n;
}

static void on_signal(struct ldisc *ld, enum ldisc_signal sig)
{
    s.signals |= 1u << sig;
}

static void on_flow(struct ldisc *ld, bool stop)
{
    s.stops += stop ? 1 : -1;
}

static void on_discard(struct ldisc *ld)
{
    s.discards++;
}

static const struct ldisc_ops ops = {on_echo, on_signal, on_flow, on_discard};

static void fresh(void)
{
    memset(&s, 0, sizeof(s));
    s.ld.buf = s.buf;
    s.ld.marks = s.marks;
    ldisc_init(&s.ld, &ops);
}

static void type(const char *text)
{
    for (; *text; text++)
        ldisc_receive(&s.ld, (u8)*text);
}

static void modes(u32 clear, u32 set) /* of c_lflag */
{
    struct ktermios termios = s.ld.termios;

    termios.c_lflag = (termios.c_lflag & ~clear) | set;
    ldisc_set_termios(&s.ld, &termios);
}

/* What reads of n bytes give until nothing is left. */
static const char *reads(size_t n)
{
    static char all[8192];
    size_t len = 0;

    while (ldisc_readable(&s.ld)) {
        bool more;
        size_t got = ldisc_read(&s.ld, (u8 *)all + len, n, &more);

        len += got;
        all[len++] = got ? '|' : '$';
    }
    all[len] = '\0';
    return all;
}

static void line_editing(void **state)
{
    static const struct {
        const char *typed, *read, *shown;
    } cases[] = {
        {"ls\r", "ls\n|", "ls\r\n"},
        {"a\nb\n", "a\n|b\n|", "a\r\nb\r\n"},
        {"ab\x7f\n", "a\n|", "ab\b \b\r\n"},
        {"\x7f\x7fx\n", "x\n|", "x\r\n"},
        {"ab\x15z\n", "z\n|", "ab\b \b\b \bz\r\n"},
        {"cp foo  bar\x17\n", "cp foo  \n|", "cp foo  bar\b \b\b \b\b \b\r\n"},
        {"foo ..\x17x\n", "x\n|", "foo ..\b \b\b \b\b \b\b \b\b \b\b \bx\r\n"},
        {"\x01\x7f\n", "\n|", "^A\b \b\b \b\r\n"},
        {"a\tb\n", "a\tb\n|", "a\tb\r\n"},
        {"a\t\x7f"
         "b\n",
         "ab\n|", "a\t\b\b\b\b\b\b\bb\r\n"},
        {"ab\x12"
         "c\n",
         "abc\n|", "ab^R\r\nabc\r\n"},
        {"\x16\x03\n", "\x03\n|", "^\b^C\r\n"},
        {"\x16\x7f\n", "\x7f\n|", "^\b^?\r\n"},
        {"\x04", "$", ""},
        {"ab\x04", "ab|", "ab"},
        {"ab\x04\x04", "ab|$", "ab"},
        {"ab\n\x04", "ab\n|$", "ab\r\n"},
        {"unfinished", "", "unfinished"},
    };
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        fresh();
        type(cases[i].typed);
        assert_string_equal(reads(100), cases[i].read);
        assert_string_equal(s.shown, cases[i].shown);
        assert_int_equal(s.signals, 0);
    }
}

static void a_line_is_read_in_parts(void **state)
{
    fresh();
    type("abcdef\ngh\n");
    assert_string_equal(reads(4), "abcd|ef\n|gh\n|");
    fresh();
    type("abcd\x04");
    assert_string_equal(reads(4), "abcd|"); /* and no end of file after it */
}

static void more_says_whether_the_line_goes_on(void **state)
{
    u8 to[8];
    bool more;

    fresh();
    type("abc\nd\n");
    assert_int_equal(ldisc_read(&s.ld, to, 2, &more), 2);
    assert_true(more);
    assert_int_equal(ldisc_read(&s.ld, to, 2, &more), 2);
    assert_false(more);
}

static void keys_send_signals_and_flush(void **state)
{
    fresh();
    type("abc\x03");
    assert_int_equal(s.signals, 1u << LDISC_SIGINT);
    assert_int_equal(s.discards, 1);
    assert_string_equal(s.shown, "abc^C");
    type("x\n");
    assert_string_equal(reads(10), "x\n|");

    fresh();
    type("\x1a\x1c");
    assert_int_equal(s.signals, 1u << LDISC_SIGTSTP | 1u << LDISC_SIGQUIT);

    fresh();
    modes(0, NOFLSH);
    type("abc\x03\n");
    assert_string_equal(reads(10), "abc\n|");
    assert_int_equal(s.discards, 0);

    fresh();
    modes(ISIG, 0);
    type("\x03\n");
    assert_int_equal(s.signals, 0);
    assert_string_equal(reads(10), "\x03\n|");
}

static void echo_modes(void **state)
{
    fresh();
    modes(ECHO, 0);
    type("secret\n");
    assert_string_equal(s.shown, "");
    assert_string_equal(reads(10), "secret\n|");

    fresh();
    modes(ECHO, ECHONL);
    type("secret\n");
    assert_string_equal(s.shown, "\r\n");

    fresh();
    modes(ECHOCTL, 0);
    type("\x01\n");
    assert_string_equal(s.shown, "\x01\r\n");

    fresh();
    modes(ECHOKE, 0);
    type("ab\x15");
    assert_string_equal(s.shown, "ab^U\r\n");

    fresh();
    modes(ECHOE, 0);
    type("ab\x7f");
    assert_string_equal(s.shown, "ab^?");
}

static void flow_control(void **state)
{
    fresh();
    type("\x13");
    assert_true(s.ld.stopped);
    assert_int_equal(s.stops, 1);
    type("a\x11\n");
    assert_false(s.ld.stopped);
    assert_int_equal(s.stops, 0);
    assert_string_equal(reads(10), "a\n|");
    type("\x13\x03"); /* Ctrl-C lets output go on */
    assert_false(s.ld.stopped);
}

static void raw_mode_gives_bytes_as_they_are(void **state)
{
    struct ktermios raw;

    fresh();
    raw = s.ld.termios;
    raw.c_lflag &= ~(ICANON | ECHO | ISIG | IEXTEN);
    raw.c_iflag = 0;
    ldisc_set_termios(&s.ld, &raw);
    type("\r\x03\x04\x7f\x16\x13");
    assert_string_equal(reads(100), "\r\x03\x04\x7f\x16\x13|");
    assert_int_equal(s.signals, 0);
    assert_string_equal(s.shown, "");
}

static void changing_modes_keeps_what_was_typed(void **state)
{
    fresh();
    type("half");
    assert_int_equal(ldisc_readable(&s.ld), 0);
    modes(ICANON, 0);
    assert_string_equal(reads(10), "half|");
    type("more");
    modes(0, ICANON);
    type("line\n");
    assert_string_equal(reads(10), "more|line\n|");
}

static void input_newlines_are_mapped(void **state)
{
    struct ktermios t;

    fresh();
    t = s.ld.termios;
    t.c_iflag = IGNCR;
    ldisc_set_termios(&s.ld, &t);
    type("a\r\n");
    assert_string_equal(reads(10), "a\n|");
    t.c_iflag = INLCR;
    ldisc_set_termios(&s.ld, &t);
    type("b\n\x04");
    assert_string_equal(reads(10), "b\r|");
}

static void utf8_is_erased_by_character(void **state)
{
    struct ktermios t;

    fresh();
    t = s.ld.termios;
    t.c_iflag |= IUTF8;
    ldisc_set_termios(&s.ld, &t);
    type("a\xc3\xa4\x7f\n");
    assert_string_equal(reads(10), "a\n|");
    assert_string_equal(s.shown, "a\xc3\xa4\b \b\r\n");
}

static void a_full_ring_keeps_room_for_the_end_of_line(void **state)
{
    u8 to[LDISC_SIZE];
    bool more;
    int i;

    fresh();
    modes(ECHO, 0);
    for (i = 0; i < 2 * LDISC_SIZE; i++)
        ldisc_receive(&s.ld, 'x');
    assert_int_equal(ldisc_readable(&s.ld), 0);
    type("\n");
    assert_int_equal(ldisc_readable(&s.ld), LDISC_SIZE);
    assert_int_equal(ldisc_read(&s.ld, to, sizeof(to), &more), LDISC_SIZE);
    assert_int_equal(to[LDISC_SIZE - 1], '\n');
    assert_false(more);
}

static void fionread_does_not_count_end_of_file(void **state)
{
    fresh();
    type("ab\x04");
    assert_int_equal(ldisc_readable(&s.ld), 3);
    assert_int_equal(ldisc_readable_data(&s.ld), 2);
}

static const char *output(u32 clear, u32 set, const char *text)
{
    static char all[256];
    size_t len = 0;

    fresh();
    s.ld.termios.c_oflag = (s.ld.termios.c_oflag & ~clear) | set;
    for (; *text; text++)
        len += ldisc_output(&s.ld, *text, (u8 *)all + len);
    all[len] = '\0';
    return all;
}

static void output_processing(void **state)
{
    assert_string_equal(output(0, 0, "a\nb"), "a\r\nb");
    assert_string_equal(output(ONLCR, 0, "a\nb"), "a\nb");
    assert_string_equal(output(OPOST, 0, "a\n\tb"), "a\n\tb");
    assert_string_equal(output(0, XTABS, "ab\tc"), "ab      c");
    assert_string_equal(output(0, XTABS, "abcdefgh\tc"), "abcdefgh        c");
    assert_string_equal(output(0, OCRNL, "a\rb"), "a\nb");
    assert_string_equal(output(0, ONOCR, "\ra\rb"), "a\rb");
    assert_string_equal(output(0, OLCUC, "aZ9"), "AZ9");
}

/* Random keys in random modes: no byte out of place, none invented. */
static void random_keys_never_break_the_ring(void **state)
{
    static const u8 keys[] = "ab \t\n\r\x03\x04\x7f\x15\x16\x17\x12\x11\x13";
    int i;

    fresh();
    for (i = 0; i < 200000; i++) {
        u64 seed = host_random();
        u8 to[64];
        bool more;

        s.len = 0;
        if ((seed >> 40) % 61 == 0)
            modes((seed >> 50) & (ICANON | ECHO | ECHOE), 0);
        else if ((seed >> 40) % 61 == 1)
            modes(0, (seed >> 50) & (ICANON | ECHO | ECHOE));
        else if ((seed >> 40) % 7 == 0 && ldisc_readable(&s.ld))
            ldisc_read(&s.ld, to, (seed >> 33) % sizeof(to), &more);
        else
            ldisc_receive(&s.ld, keys[(seed >> 33) % (sizeof(keys) - 1)]);
        assert_true(s.ld.head - s.ld.tail <= LDISC_SIZE);
        assert_true(s.ld.line - s.ld.tail <= s.ld.head - s.ld.tail);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(line_editing),
        cmocka_unit_test(a_line_is_read_in_parts),
        cmocka_unit_test(more_says_whether_the_line_goes_on),
        cmocka_unit_test(keys_send_signals_and_flush),
        cmocka_unit_test(echo_modes),
        cmocka_unit_test(flow_control),
        cmocka_unit_test(raw_mode_gives_bytes_as_they_are),
        cmocka_unit_test(changing_modes_keeps_what_was_typed),
        cmocka_unit_test(input_newlines_are_mapped),
        cmocka_unit_test(utf8_is_erased_by_character),
        cmocka_unit_test(a_full_ring_keeps_room_for_the_end_of_line),
        cmocka_unit_test(fionread_does_not_count_end_of_file),
        cmocka_unit_test(output_processing),
        cmocka_unit_test(random_keys_never_break_the_ring),
    };

    host_random_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
