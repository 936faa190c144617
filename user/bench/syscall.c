/*
 * user/bench/syscall.c - system calls that do next to nothing.
 */
#include "bench.h"

#include <fcntl.h>
#include <sched.h>
#include <time.h>

static int null_fd = -1, zero_fd = -1;

#define REPEAT(n, call)                                                        \
    do {                                                                       \
        uint64_t start_ = ticks();                                             \
        for (int i_ = 0; i_ < (n); i_++)                                       \
            (void)!(call);                                                     \
        *s = (struct sample){ticks() - start_, n};                             \
    } while (0)

static int do_getppid(const struct bench *b, struct sample *s)
{
    (void)b;
    REPEAT(1000, getppid());
    return 0;
}

static int do_clock_libc(const struct bench *b, struct sample *s)
{
    struct timespec now;

    (void)b;
    if (clock_gettime(CLOCK_MONOTONIC, &now))
        return errno;
    REPEAT(1000, clock_gettime(CLOCK_MONOTONIC, &now));
    return 0;
}

static int do_clock_syscall(const struct bench *b, struct sample *s)
{
    struct timespec now;

    (void)b;
    if (syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now))
        return errno;
    REPEAT(1000, syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now));
    return 0;
}

static int do_yield(const struct bench *b, struct sample *s)
{
    (void)b;
    if (sched_yield())
        return errno;
    REPEAT(200, sched_yield());
    return 0;
}

static int do_write_null(const struct bench *b, struct sample *s)
{
    (void)b;
    if (write(null_fd, "x", 1) != 1)
        return errno;
    REPEAT(500, write(null_fd, "x", 1));
    return 0;
}

static int do_read_zero(const struct bench *b, struct sample *s)
{
    static char page[4096] __attribute__((aligned(4096)));

    (void)b;
    memset(page, 1, sizeof(page));
    if (read(zero_fd, page, PAGE) != (ssize_t)PAGE)
        return errno;
    if (page[0] || page[PAGE - 1])
        return WRONG;
    REPEAT(100, read(zero_fd, page, PAGE));
    return 0;
}

static int open_devices(void)
{
    null_fd = open("/dev/null", O_WRONLY);
    zero_fd = open("/dev/zero", O_RDONLY);
    return null_fd < 0 || zero_fd < 0 ? errno : 0;
}

static void close_devices(void)
{
    close(null_fd);
    close(zero_fd);
}

static const struct bench lines[] = {
    {"getppid", "-", do_getppid, .repeats = 9},
    {"clock_gettime", "libc", do_clock_libc, .repeats = 9},
    {"clock_gettime", "syscall", do_clock_syscall, .repeats = 9},
    {"sched_yield", "alone", do_yield, .repeats = 9},
    {"write_null", "1", do_write_null, .repeats = 9},
    {"read_zero", "4K", do_read_zero, .repeats = 9},
};
GROUP(syscall, lines, open_devices, close_devices);
