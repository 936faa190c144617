/*
 * Kernel strings and formatting, compiled under other names and compared with
 * the host's libc on random input.
 *
 * HOST_SOURCES: kernel/lib/printer.c
 */
#define PAGEWALK_KERNEL
#define memcpy k_memcpy
#define memmove k_memmove
#define memset k_memset
#define memcmp k_memcmp
#define memchr k_memchr
#define strlen k_strlen
#define strnlen k_strnlen
#define strcmp k_strcmp
#define strncmp k_strncmp
#define strchr k_strchr
#define strrchr k_strrchr
#define strstr k_strstr
#define vsnprintf k_vsnprintf
#define snprintf k_snprintf
#include <kernel/lib/string.c>
#include <kernel/lib/format.c>
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef memchr
#undef strlen
#undef strnlen
#undef strcmp
#undef strncmp
#undef strchr
#undef strrchr
#undef strstr
#undef vsnprintf
#undef snprintf
#undef PAGEWALK_KERNEL
#include "shim.h"

#define ROUNDS 20000

static int sign(int x)
{
    return (x > 0) - (x < 0);
}

static void fill(u8 *buf, size_t n)
{
    while (n--)
        *buf++ = (u8)host_random();
}

static void copies_match_libc(void **state)
{
    u8 a[160], b[160];
    int i;

    (void)state;
    for (i = 0; i < ROUNDS; i++) {
        size_t n = host_random() % 64;
        size_t from = host_random() % 90, to = host_random() % 90;

        fill(a, sizeof(a));
        memcpy(b, a, sizeof(b));
        memmove(a + to, a + from, n);
        assert_ptr_equal(k_memmove(b + to, b + from, n), b + to);
        assert_memory_equal(a, b, sizeof(a));
        if (to + n <= from || from + n <= to) {
            fill(a + from, n);
            memcpy(b, a, sizeof(b));
            memcpy(a + to, a + from, n);
            assert_ptr_equal(k_memcpy(b + to, b + from, n), b + to);
            assert_memory_equal(a, b, sizeof(a));
        }
        memset(a + to, (int)i, n);
        assert_ptr_equal(k_memset(b + to, i, n), b + to);
        assert_memory_equal(a, b, sizeof(a));
    }
}

static void searches_match_libc(void **state)
{
    char a[40], b[40];
    int i, j;

    (void)state;
    for (i = 0; i < ROUNDS; i++) {
        size_t n = host_random() % 32;

        for (j = 0; j < 39; j++) {
            a[j] = "abc\0\xff"[host_random() % 5];
            b[j] = host_random() % 8 ? a[j] : 'b';
        }
        a[39] = b[39] = 0;
        assert_int_equal(k_strlen(a), strlen(a));
        assert_int_equal(k_strnlen(a, n), strnlen(a, n));
        assert_int_equal(sign(k_strcmp(a, b)), sign(strcmp(a, b)));
        assert_int_equal(sign(k_strncmp(a, b, n)), sign(strncmp(a, b, n)));
        assert_int_equal(sign(k_memcmp(a, b, n)), sign(memcmp(a, b, n)));
        assert_ptr_equal(k_memchr(a, 'c', n), memchr(a, 'c', n));
        assert_ptr_equal(k_strchr(a, 'c'), strchr(a, 'c'));
        assert_ptr_equal(k_strchr(a, 0), strchr(a, 0));
        assert_ptr_equal(k_strrchr(a, 'c'), strrchr(a, 'c'));
        b[n % 4] = 0;
        assert_ptr_equal(k_strstr(a, b), strstr(a, b));
    }
}

static void strscpy_cuts_and_says_so(void **state)
{
    char to[4] = "xxx";

    (void)state;
    assert_int_equal(strscpy(to, "abc", 4), 3);
    assert_string_equal(to, "abc");
    assert_int_equal(strscpy(to, "abcd", 4), -E2BIG);
    assert_string_equal(to, "abc");
    assert_int_equal(strscpy(to, "", 1), 0);
    assert_int_equal(strscpy(to, "a", 0), -E2BIG);
}

static void globs(void **state)
{
    (void)state;
    assert_true(glob_match("", ""));
    assert_false(glob_match("", "a"));
    assert_true(glob_match("*", ""));
    assert_true(glob_match("vm*.g?ard*", "vmalloc.guard_page"));
    assert_true(glob_match("*a*b*", "xxaxxaxb"));
    assert_false(glob_match("*a*b", "xaxbx"));
    assert_true(glob_match("**x", "yx"));
    assert_false(glob_match("?", ""));
}

static void numbers_are_parsed(void **state)
{
    const char *end;
    u64 v;

    (void)state;
    assert_true(parse_u64("18446744073709551615z", &end, &v));
    assert_true(v == ~0ull && *end == 'z');
    assert_false(parse_u64("18446744073709551616", &end, &v));
    assert_true(parse_u64("0xfFfF", &end, &v) && v == 0xffff && !*end);
    assert_true(parse_u64("0755", &end, &v) && v == 0755 && !*end);
    assert_true(parse_u64("0", &end, &v) && v == 0 && !*end);
    assert_true(parse_u64("0xg", &end, &v) && v == 0 && *end == 'x');
    assert_true(parse_u64("09", &end, &v) && v == 0 && *end == '9');
    assert_false(parse_u64("", &end, &v));
    assert_false(parse_u64("-1", &end, &v));
    assert_false(parse_u64("0x10000000000000000", &end, &v));
}

#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"

/* Flags, width and precision at random, over every conversion and size. */
static void printf_matches_libc(void **state)
{
    static const char *const sizes[] = {"hh", "h", "", "l", "ll", "z", "j"};
    char fmt[40], want[200], got[200];
    int i;

    (void)state;
    for (i = 0; i < 4 * ROUNDS; i++) {
        char conv = "diuxXocs"[host_random() % 8];
        char *p = fmt;
        u64 v = host_random() >> (host_random() % 64);
        size_t size = 1 + host_random() % 60;
        int a, b;

        *p++ = '<';
        *p++ = '%';
        if (host_random() % 2)
            *p++ = '-';
        if (host_random() % 2 && conv != 's' && conv != 'c')
            *p++ = '0';
        if (host_random() % 4 == 0 && (conv == 'd' || conv == 'i'))
            *p++ = "+ "[host_random() % 2];
        if (host_random() % 3 == 0 && strchr("xXo", conv))
            *p++ = '#';
        if (host_random() % 2)
            p += sprintf(p, "%d", (int)(host_random() % 40));
        if (host_random() % 3 == 0 && conv != 'c')
            p += sprintf(p, ".%d", (int)(host_random() % 30));
        if (conv != 's' && conv != 'c')
            p += sprintf(p, "%s", sizes[host_random() % 7]);
        *p++ = conv;
        strcpy(p, ">%%");
        if (conv == 's') {
            a = snprintf(want, size, fmt, "hello, wörld");
            b = k_snprintf(got, size, fmt, "hello, wörld");
        } else {
            if (conv == 'c')
                v = 'a' + v % 26;
            if (host_random() % 8 == 0)
                v = 0;
            a = snprintf(want, size, fmt, v);
            b = k_snprintf(got, size, fmt, v);
        }
        if (a != b || strcmp(want, got))
            print_error("format \"%s\" of %#llx: \"%s\" is not \"%s\"\n", fmt,
                        (unsigned long long)v, got, want);
        assert_int_equal(a, b);
        assert_string_equal(want, got);
    }
}

static void printf_extras(void **state)
{
    const char *odd = "%s %y %"; /* kept from the compiler's check */
    phys_addr_t pa = 0xfee00000;
    char buf[64];

    (void)state;
    k_snprintf(buf, sizeof(buf), "%pa|%p|%*d|%-*d|%.*s", &pa, (void *)0x10, 4,
               7, 4, 7, 2, "abc");
    assert_string_equal(buf,
                        "0x00000000fee00000|0x0000000000000010|   7|7   |ab");
    assert_int_equal(k_snprintf(NULL, 0, "%d", 12345), 5);
    assert_int_equal(scnprintf(buf, 4, "%d", 12345), 3);
    assert_string_equal(buf, "123");
    k_snprintf(buf, sizeof(buf), odd, (char *)NULL);
    assert_string_equal(buf, "(null) %y %");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies_match_libc),
        cmocka_unit_test(searches_match_libc),
        cmocka_unit_test(strscpy_cuts_and_says_so),
        cmocka_unit_test(globs),
        cmocka_unit_test(numbers_are_parsed),
        cmocka_unit_test(printf_matches_libc),
        cmocka_unit_test(printf_extras),
    };

    host_random_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
