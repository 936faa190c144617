/*
 * kernel/task/vdso/vdso.c - the shared object that every program finds in its
 * memory: the time without a system call.
 *
 * Compiled for ring 3, position-independent, one page.  The page in front of
 * it is the kernel's clock page (vdso.lds places `vdso_clock_page` there).
 * Names and version are Linux's, because a libc looks for those; what is not
 * answered here goes to the kernel.
 */
#include <kernel/core/clockpage.h>
#include <linux/time.h>
#include <linux/time_types.h>

#define NSEC_PER_SEC 1000000000ull
#define NR_gettimeofday 96 /* asm/unistd_64.h */
#define NR_clock_gettime 228
#define NR_clock_getres 229

extern const struct clock_page vdso_clock_page
    __attribute__((visibility("hidden")));

int __vdso_clock_gettime(int clock, struct __kernel_timespec *ts);
int __vdso_clock_getres(int clock, struct __kernel_timespec *ts);
int __vdso_gettimeofday(struct __kernel_old_timeval *tv, struct timezone *tz);
long __vdso_time(long *to);

static long syscall2(long number, long a, long b)
{
    long result;

    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b)
                     : "rcx", "r11", "memory");
    return result;
}

static u64 real_time(void)
{
    return clock_page_read(&vdso_clock_page) +
           READ_ONCE(vdso_clock_page.real_offset);
}

int __vdso_clock_gettime(int clock, struct __kernel_timespec *ts)
{
    u64 ns;

    switch (clock) {
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_BOOTTIME:
        ns = clock_page_read(&vdso_clock_page);
        break;
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
    case CLOCK_TAI:
        ns = real_time();
        break;
    default:
        return syscall2(NR_clock_gettime, clock, (long)ts);
    }
    ts->tv_sec = ns / NSEC_PER_SEC;
    ts->tv_nsec = ns % NSEC_PER_SEC;
    return 0;
}

int __vdso_clock_getres(int clock, struct __kernel_timespec *ts)
{
    return syscall2(NR_clock_getres, clock, (long)ts);
}

int __vdso_gettimeofday(struct __kernel_old_timeval *tv, struct timezone *tz)
{
    u64 us;

    if (!tv || tz)
        return syscall2(NR_gettimeofday, (long)tv, (long)tz);
    us = real_time() / 1000;
    tv->tv_sec = us / 1000000;
    tv->tv_usec = us % 1000000;
    return 0;
}

long __vdso_time(long *to)
{
    long now = real_time() / NSEC_PER_SEC;

    if (to)
        *to = now;
    return now;
}

#define ALIAS(name)                                                            \
    extern __typeof__(__vdso_##name) name                                      \
        __attribute__((weak, alias("__vdso_" #name)));
ALIAS(clock_gettime)
ALIAS(clock_getres)
ALIAS(gettimeofday)
ALIAS(time)
