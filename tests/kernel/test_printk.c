/*
 * tests/kernel/test_printk.c - the log ring, across its end and through
 * consoles that come late.
 */
#include <kernel/core/ktest.h>
#include <kernel/core/printk.h>
#include <kernel/lib/format.h>
#include <kernel/lib/string.h>
#include <mm/slab.h>

#define LINES 600 /* more than the ring holds */
#define READ_SIZE 700

/* Nothing of it on the consoles. */
static int quietly(void)
{
    int level = console_loglevel;

    console_loglevel = LOG_EMERG;
    return level;
}

/* A line of a length that depends on n, which it names at both ends. */
static void print_numbered(unsigned int n)
{
    char fill[130];

    memset(fill, 'a' + n % 26, sizeof(fill));
    fill[n * 7 % (sizeof(fill) - 1)] = '\0';
    printk(LOG_DEBUG, "printk test %u %s %u\n", n, fill, n);
}

/* Whether `line` (to its newline) is the numbered line n. */
static bool is_numbered(const char *line, unsigned int n)
{
    const char *text = strstr(line, "] printk test "), *end;
    u64 first, last;

    if (!text || !parse_u64(text + 14, &end, &first) || first != n)
        return false;
    text = strchr(end + 1, ' ');
    return text && parse_u64(text + 1, &end, &last) && last == n &&
           *end == '\n';
}

KTEST(printk, ring_keeps_the_newest_lines_whole)
{
    char *buf = kmalloc(READ_SIZE, GFP_KERNEL);
    u64 start = log_next_seq(), seq;
    int level = quietly();
    unsigned int wrong = 0;

    KTEST_REQUIRE(buf);
    for (unsigned int i = 0; i < LINES; i++)
        print_numbered(i);
    console_loglevel = level;
    KTEST_EXPECT(log_next_seq() == start + LINES);
    KTEST_EXPECT(log_first_seq() > start); /* the oldest are gone */
    for (seq = log_first_seq(); seq < log_next_seq();) {
        u64 at = seq;
        size_t len = log_read(&seq, buf, READ_SIZE - 1, false);
        const char *line = buf;

        if (!KTEST_EXPECT(len > 0))
            break;
        buf[len] = '\0';
        for (; at < seq && line; at++) {
            if (at >= start && at < start + LINES)
                wrong += !is_numbered(line, at - start);
            line = strchr(line, '\n');
            line = line ? line + 1 : NULL;
        }
    }
    KTEST_EXPECT(wrong == 0);
    kfree(buf);
}

static struct {
    struct console con;
    u64 lines, bytes;
    bool torn;
} late;

static void late_write(struct console *con __maybe_unused, const char *text,
                       size_t len)
{
    late.lines++;
    late.bytes += len;
    late.torn |= len == 0 || text[len - 1] != '\n';
}

KTEST(printk, late_console_is_told_everything_once)
{
    int level = console_loglevel;
    u64 expected;

    late.con = (struct console){.name = "late", .write = late_write};
    late.lines = late.bytes = 0;
    late.torn = false;
    console_loglevel = LOG_DEBUG;
    expected = log_next_seq() - log_first_seq();
    console_register(&late.con);
    KTEST_EXPECT(late.lines == expected);
    printk(LOG_DEBUG, "one line\nand another");
    KTEST_EXPECT(late.lines == expected + 2);
    console_unregister(&late.con);
    printk(LOG_DEBUG, "not for it");
    console_loglevel = level;
    KTEST_EXPECT(late.lines == expected + 2);
    KTEST_EXPECT(!late.torn);
}

KTEST(printk, long_line_is_cut_not_lost)
{
    char *text = kmalloc(1000, GFP_KERNEL), line[600];
    u64 seq = log_next_seq();
    int level = quietly();
    size_t len;

    KTEST_REQUIRE(text);
    memset(text, 'x', 999);
    text[999] = '\0';
    printk(LOG_DEBUG, "%s", text);
    console_loglevel = level;
    len = log_read(&seq, line, sizeof(line), true);
    KTEST_EXPECT(len > 300 && len < sizeof(line));
    KTEST_EXPECT(line[0] == '<' && line[1] == '7' && line[2] == '>');
    KTEST_EXPECT(line[len - 1] == '\n' && line[len - 2] == 'x');
    kfree(text);
}
