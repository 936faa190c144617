/*
 * kernel/task/vdso/vdso.c - the functions that the kernel lends to ring 3.
 *
 * A shared object of one page, built apart from the kernel (Makefile) and
 * mapped into each program behind the data that it reads (kernel/task/vdso.c).
 * libc finds it by AT_SYSINFO_EHDR and its functions by name and version, as
 * on Linux (vdso(7)).
 *
 * Context    ring 3: no global data, no relocations; what is not answered here
 *            becomes the system call.
 * Cost       clock_gettime: one RDTSC and a multiplication or two.
 */
#include <asm/unistd_64.h>
#include <kernel/core/clockscale.h>
#include <kernel/core/vdso_data.h>
#include <kernel/x86/segments.h>
#include <linux/time.h>
#include <linux/time_types.h>

#define NS 1000000000ull /* a second */
#define VDSO_PUBLIC __attribute__((visibility("default")))
#define VDSO_ALIAS(name) VDSO_PUBLIC __attribute__((weak, alias(#name)))

/* Clocks that are the scale and an offset. */
#define CLOCKS_HERE                                                            \
    (1u << CLOCK_REALTIME | 1u << CLOCK_MONOTONIC |                            \
     1u << CLOCK_MONOTONIC_RAW | 1u << CLOCK_REALTIME_COARSE |                 \
     1u << CLOCK_MONOTONIC_COARSE | 1u << CLOCK_BOOTTIME | 1u << CLOCK_TAI)
#define CLOCKS_COARSE                                                          \
    (1u << CLOCK_REALTIME_COARSE | 1u << CLOCK_MONOTONIC_COARSE)
#define COARSE_RESOLUTION 4000000 /* ns, as the system call says */

/* The page before this object (vdso.ld).  Not const: it changes by itself. */
extern struct vdso_data vvar __attribute__((visibility("hidden")));

int __vdso_clock_gettime(int clock, struct __kernel_timespec *ts);
int __vdso_gettimeofday(struct __kernel_old_timeval *tv, struct timezone *tz);
int __vdso_clock_getres(int clock, struct __kernel_timespec *res);
__kernel_old_time_t __vdso_time(__kernel_old_time_t *where);
int __vdso_getcpu(unsigned int *cpu, unsigned int *node, void *unused);

static inline long system_call(long nr, long a, long b)
{
    long ret;

    __asm__ volatile("syscall"
                     : "=a"(ret)
                     : "0"(nr), "D"(a), "S"(b)
                     : "rcx", "r11", "memory");
    return ret;
}

static inline u64 read_tsc(void)
{
    u64 lo, hi;

    /* Not before what stands above it has been read. */
    __asm__ volatile("lfence\n\trdtsc" : "=a"(lo), "=d"(hi) : : "memory");
    return hi << 32 | lo;
}

/* Nanoseconds of a clock that is here. */
static inline u64 read_clock(u32 clock)
{
    u64 ticks, ns;
    u32 seq;

    do {
        while (unlikely((seq = READ_ONCE(vvar.seq)) & 1))
            __asm__ volatile("pause");
        ticks = read_tsc() - vvar.base_tsc;
        if ((s64)ticks < 0) /* a CPU whose TSC is a little behind */
            ticks = 0;
        ns = mul_shift32(ticks, vvar.mult) + vvar.base_ns + vvar.offset[clock];
        barrier();
    } while (unlikely(seq != vvar.seq));
    return ns;
}

static inline int is_here(u32 clock, u32 clocks)
{
    return clock < VDSO_CLOCKS && clocks >> clock & 1;
}

VDSO_PUBLIC int __vdso_clock_gettime(int clock, struct __kernel_timespec *ts)
{
    u64 ns;

    if (!is_here(clock, CLOCKS_HERE))
        return system_call(__NR_clock_gettime, clock, (long)ts);
    ns = read_clock(clock);
    ts->tv_sec = ns / NS;
    ts->tv_nsec = ns % NS;
    return 0;
}

VDSO_PUBLIC int __vdso_gettimeofday(struct __kernel_old_timeval *tv,
                                    struct timezone *tz)
{
    u64 ns;

    if (tv) {
        ns = read_clock(CLOCK_REALTIME);
        tv->tv_sec = ns / NS;
        tv->tv_usec = ns % NS / 1000;
    }
    if (tz)
        tz->tz_minuteswest = tz->tz_dsttime = 0;
    return 0;
}

VDSO_PUBLIC int __vdso_clock_getres(int clock, struct __kernel_timespec *res)
{
    if (!is_here(clock, CLOCKS_HERE))
        return system_call(__NR_clock_getres, clock, (long)res);
    if (res) {
        res->tv_sec = 0;
        res->tv_nsec = is_here(clock, CLOCKS_COARSE) ? COARSE_RESOLUTION : 1;
    }
    return 0;
}

VDSO_PUBLIC __kernel_old_time_t __vdso_time(__kernel_old_time_t *where)
{
    __kernel_old_time_t seconds = read_clock(CLOCK_REALTIME) / NS;

    if (where)
        *where = seconds;
    return seconds;
}

VDSO_PUBLIC int __vdso_getcpu(unsigned int *cpu, unsigned int *node,
                              void *unused)
{
    unsigned int number;

    __asm__ volatile("lsl %1, %0" : "=r"(number) : "r"(CPU_NUMBER_SELECTOR));
    if (cpu)
        *cpu = number;
    if (node)
        *node = 0;
    return 0;
}

int clock_gettime(int, struct __kernel_timespec *)
    VDSO_ALIAS(__vdso_clock_gettime);
int gettimeofday(struct __kernel_old_timeval *, struct timezone *)
    VDSO_ALIAS(__vdso_gettimeofday);
int clock_getres(int, struct __kernel_timespec *)
    VDSO_ALIAS(__vdso_clock_getres);
__kernel_old_time_t time(__kernel_old_time_t *) VDSO_ALIAS(__vdso_time);
int getcpu(unsigned int *, unsigned int *, void *) VDSO_ALIAS(__vdso_getcpu);
