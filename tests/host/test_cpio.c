/*
 * The initramfs reader: what it reads from good archives, and that no bad one
 * makes it look outside (each archive lies in a block of exactly its size, so
 * that ASan notices the first byte too far).
 *
 * HOST_SOURCES: kernel/lib/cpio.c
 */
#include "shim.h"
#include <kernel/lib/cpio.h>

struct archive {
    char data[4096];
    size_t len;
};

static void add(struct archive *a, const char *name, unsigned int mode,
                const char *data)
{
    size_t size = strlen(data);

    a->len += (size_t)sprintf(a->data + a->len,
                              "070701%08X%08x%08X%08X%08X%08X%08X%08X%08X%08X"
                              "%08X%08X%08X",
                              7, mode, 1, 2, 1, 99, (unsigned int)size, 3, 4, 5,
                              6, (unsigned int)strlen(name) + 1, 0);
    strcpy(a->data + a->len, name);
    a->len = ALIGN_UP(a->len + strlen(name) + 1, 4ul);
    memcpy(a->data + a->len, data, size);
    a->len = ALIGN_UP(a->len + size, 4ul);
}

static struct archive sample(void)
{
    struct archive a = {.len = 0};

    add(&a, "dir", 040755, "");
    add(&a, "dir/file", 0100644, "contents");
    add(&a, "x", 0100600, "1");
    add(&a, "TRAILER!!!", 0, "");
    return a;
}

/* Entries of the first `len` bytes, in a block of their own. */
static int count(const char *data, size_t len, const char **error)
{
    struct cpio_reader reader;
    struct cpio_entry entry;
    char *copy = malloc(len ? len : 1);
    unsigned int sum = 0;
    int n = 0;
    u32 i;

    memcpy(copy, data, len);
    cpio_start(&reader, copy, len);
    while (cpio_next(&reader, &entry)) {
        n++;
        sum += (unsigned int)strlen(entry.name);
        for (i = 0; i < entry.size; i++)
            sum += entry.data[i];
    }
    *error = reader.error;
    free(copy);
    return sum == ~0u ? -1 : n; /* sum: so that the reads are done */
}

static void reads_entries(void **state)
{
    struct archive a = sample();
    struct cpio_reader reader;
    struct cpio_entry e;

    (void)state;
    cpio_start(&reader, a.data, a.len);
    assert_true(cpio_next(&reader, &e));
    assert_string_equal(e.name, "dir");
    assert_int_equal(e.mode, 040755);
    assert_true(cpio_next(&reader, &e));
    assert_string_equal(e.name, "dir/file");
    assert_int_equal(e.size, 8);
    assert_memory_equal(e.data, "contents", 8);
    assert_int_equal(e.ino, 7);
    assert_int_equal(e.uid, 1);
    assert_int_equal(e.gid, 2);
    assert_int_equal(e.mtime, 99);
    assert_int_equal(e.dev_minor, 4);
    assert_int_equal(e.rdev_major, 5);
    assert_true(cpio_next(&reader, &e));
    assert_false(cpio_next(&reader, &e));
    assert_null(reader.error);
}

static void archives_follow_one_another(void **state)
{
    struct archive a = sample(), b = sample();
    const char *error;

    (void)state;
    a.len += 512; /* zeroes */
    memcpy(a.data + a.len, b.data, b.len);
    assert_int_equal(count(a.data, a.len + b.len, &error), 6);
    assert_null(error);
    assert_int_equal(count("", 0, &error), 0);
    assert_null(error);
}

/* More NULs after a name than one: they put the data on a page boundary. */
static void names_may_be_padded(void **state)
{
    struct archive a = {.len = 0};
    const char *error;

    (void)state;
    add(&a, "padded", 0100644, "12345678");
    memmove(a.data + 160, a.data + 120, a.len - 120);
    memset(a.data + 117, 0, 43);                /* behind "padded", at 110 */
    memcpy(a.data + 6 + 8 * 11, "0000002F", 8); /* 7 + 40 */
    a.len += 40;
    add(&a, "TRAILER!!!", 0, "");
    assert_int_equal(count(a.data, a.len, &error), 1);
    assert_null(error);
}

static void every_cut_is_noticed(void **state)
{
    struct archive a = sample();
    const char *error;
    size_t len;

    (void)state;
    for (len = 1; len + 3 < a.len; len++) {
        count(a.data, len, &error);
        assert_non_null(error);
    }
}

static void random_damage_never_reads_outside(void **state)
{
    struct archive a;
    const char *error;
    int round, i;

    (void)state;
    for (round = 0; round < 50000; round++) {
        a = sample();
        for (i = (int)(host_random() % 4); i >= 0; i--)
            a.data[host_random() % a.len] = host_random() % 2
                                                ? "0f8F"[host_random() % 4]
                                                : (char)host_random();
        count(a.data, host_random() % 3 ? a.len : host_random() % a.len,
              &error);
    }
}

static void names_what_is_wrong(void **state)
{
    struct archive a = sample();
    const char *error;

    (void)state;
    a.data[5] = '7';
    assert_int_equal(count(a.data, a.len, &error), 0);
    assert_non_null(strstr(error, "magic"));
    a = sample();
    a.data[14] = 'g';
    count(a.data, a.len, &error);
    assert_non_null(strstr(error, "hex"));
    assert_int_equal(count("\x1f\x8b\x08", 3, &error), 0);
    assert_non_null(strstr(error, "compressed"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_entries),
        cmocka_unit_test(archives_follow_one_another),
        cmocka_unit_test(names_may_be_padded),
        cmocka_unit_test(every_cut_is_noticed),
        cmocka_unit_test(random_damage_never_reads_outside),
        cmocka_unit_test(names_what_is_wrong),
    };

    host_random_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
