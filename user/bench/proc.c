/*
 * user/bench/proc.c - asking the kernel about memory: files of /proc opened,
 * read to their end and closed, and mincore.
 */
#include "bench.h"

#include <fcntl.h>

#define SPLITS 100
#define PAGES 512ul

static char *area, *buf;
#define AREA_SIZE (PAGES * PAGE)
#define BUF_SIZE (256 * KIB)

/* Whether the file could be read, to the end. */
static bool read_file(const char *path)
{
    int fd = open(path, O_RDONLY);
    ssize_t n, total = 0;

    if (fd < 0)
        return false;
    while ((n = read(fd, buf, BUF_SIZE)) > 0)
        total += n;
    close(fd);
    return !n && total;
}

static int do_file(const struct bench *b, struct sample *s)
{
    static const char *const paths[] = {"/proc/self/maps", "/proc/self/smaps",
                                        "/proc/self/stat", "/proc/self/status",
                                        "/proc/meminfo"};
    const int rounds = 20;
    uint64_t start = ticks();

    for (int i = 0; i < rounds; i++)
        if (!read_file(paths[b->arg]))
            return errno ? errno : WRONG;
    *s = (struct sample){ticks() - start, rounds};
    return 0;
}

/* A page is an operation. */
static int do_pagemap(const struct bench *b, struct sample *s)
{
    int fd = open("/proc/self/pagemap", O_RDONLY);
    off_t pos = (uintptr_t)area / PAGE * 8;
    uint64_t start;
    ssize_t n;

    (void)b;
    if (fd < 0)
        return errno;
    start = ticks();
    n = pread(fd, buf, PAGES * 8, pos);
    *s = (struct sample){ticks() - start, PAGES};
    close(fd);
    return n == PAGES * 8 ? 0 : WRONG;
}

static int do_mincore(const struct bench *b, struct sample *s)
{
    uint64_t start = ticks();

    (void)b;
    if (mincore(area, AREA_SIZE, (unsigned char *)buf))
        return errno;
    *s = (struct sample){ticks() - start, PAGES};
    return buf[0] & 1 ? 0 : WRONG;
}

/* Touched memory, and some hundred mappings more than a program has. */
static int open_area(void)
{
    area = mmap(NULL, AREA_SIZE + BUF_SIZE, RW, ANON, -1, 0);
    if (area == MAP_FAILED)
        return errno;
    madvise(area, AREA_SIZE, MADV_NOHUGEPAGE);
    memset(area, 1, AREA_SIZE + BUF_SIZE);
    buf = area + AREA_SIZE;
    for (size_t i = 0; i < SPLITS; i++)
        if (mprotect(area + 2 * i * PAGE, PAGE, PROT_READ))
            return errno;
    return 0;
}

static void close_area(void)
{
    munmap(area, AREA_SIZE + BUF_SIZE);
}

static const struct bench lines[] = {
    {"proc_maps", "200", do_file, 0},  {"proc_smaps", "200", do_file, 1},
    {"proc_stat", "self", do_file, 2}, {"proc_status", "self", do_file, 3},
    {"proc_meminfo", "-", do_file, 4}, {"proc_pagemap", "2M", do_pagemap, 0},
    {"mincore", "2M", do_mincore, 0},
};
GROUP(proc, lines, open_area, close_area);
