/*
 * user/bench/measure.c - taking samples, medians, and printing them.
 */
#include "bench.h"

#include <stdarg.h>
#include <sys/prctl.h>
#include <time.h>

uint64_t timer_overhead;
static uint64_t ticks_per_insn; /* 1000ths; 0: the TSC counts no instructions */
static uint64_t ticks_per_ms;

/* One write(2) a line: no stdio buffer, no ioctl, nothing lost in a crash. */
void say(const char *fmt, ...)
{
    char line[256];
    va_list ap;
    int len;

    va_start(ap, fmt);
    len = vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    if (len > (int)sizeof(line) - 1)
        len = sizeof(line) - 1;
    if (write(STDOUT_FILENO, line, len) != len)
        _exit(1);
}

static const char *unit(void)
{
    return ticks_per_insn ? "insn" : ticks_per_ms ? "ns" : "ticks";
}

/* A cost in hundredths of a tick for one operation. */
void report(const char *name, const char *param, uint64_t centiticks)
{
    if (ticks_per_insn)
        centiticks = centiticks * 1000 / ticks_per_insn;
    else if (ticks_per_ms)
        centiticks = centiticks * 1000 / (ticks_per_ms / 1000);
    say("bench %s %s %llu.%02llu %s\n", name, param,
        (unsigned long long)(centiticks / 100),
        (unsigned long long)(centiticks % 100), unit());
}

void report_failure(const char *name, const char *param, int err)
{
    if (err == WRONG)
        say("bench %s %s wrong result\n", name, param);
    else
        say("bench %s %s unsupported %s\n", name, param,
            err == ENOSYS ? "ENOSYS" : strerror(err));
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

static uint64_t cost_of(const struct sample *s)
{
    uint64_t spent = s->ticks > timer_overhead ? s->ticks - timer_overhead : 0;

    return spent * 100 / s->ops;
}

void run_line(const struct bench *b)
{
    int repeats = b->repeats ? b->repeats : DEFAULT_REPEATS;
    uint64_t cost[MAX_REPEATS];

    prctl(PR_SET_THP_DISABLE, !b->huge, 0, 0, 0); /* may be unknown */
    for (int i = -1; i < repeats; i++) {
        struct sample s = {0, 1};
        int err = b->run(b, &s);

        if (err) {
            report_failure(b->name, b->param, err);
            return;
        }
        if (i >= 0)
            cost[i] = cost_of(&s);
    }
    qsort(cost, repeats, sizeof(cost[0]), by_value);
    report(b->name, b->param, cost[repeats / 2]);
}

int map(void **addr, size_t len, int prot, int flags, int fd)
{
    *addr = mmap(NULL, len, prot, flags, fd, 0);
    return *addr == MAP_FAILED ? errno : 0;
}

int map_anon(void **addr, size_t len)
{
    return map(addr, len, RW, ANON, -1);
}

void write_pages(void *addr, size_t len)
{
    volatile char *p = addr;

    for (size_t off = 0; off < len; off += PAGE)
        p[off] = 1;
}

void read_pages(const void *addr, size_t len)
{
    const volatile char *p = addr;

    for (size_t off = 0; off < len; off += PAGE)
        (void)p[off];
}

bool pages_hold(const void *addr, size_t len, char byte)
{
    const volatile char *p = addr;

    for (size_t off = 0; off < len; off += PAGE)
        if (p[off] != byte)
            return false;
    return true;
}

int wait_for(pid_t pid)
{
    int status;

    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return errno;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : WRONG;
}

int sample_in_child(int (*run)(void *arg, struct sample *s), void *arg,
                    struct sample *s)
{
    struct {
        int err;
        struct sample s;
    } told = {EIO, {0, 1}};
    int fd[2], err;
    pid_t pid;

    if (pipe(fd))
        return errno;
    pid = fork();
    if (pid == 0) {
        told.err = run(arg, &told.s);
        _exit(write(fd[1], &told, sizeof(told)) != sizeof(told));
    }
    err = pid < 0 ? errno : 0;
    close(fd[1]);
    if (!err && read(fd[0], &told, sizeof(told)) != sizeof(told))
        err = EIO;
    close(fd[0]);
    if (!err)
        err = wait_for(pid);
    *s = told.s;
    return err ? err : told.err;
}

/* Ticks of a loop of exactly 2 * n instructions: the least of several, since
 * an interrupt may fall into one. */
static uint64_t loop_ticks(uint64_t n)
{
    uint64_t least = ~0ull;

    for (int i = 0; i < 5; i++) {
        uint64_t left = n, start = ticks(), spent;

        __asm__ volatile("1: dec %0\n\tjnz 1b" : "+r"(left) : : "cc");
        spent = ticks() - start;
        if (spent < least)
            least = spent;
    }
    return least;
}

/*
 * Does the TSC count instructions?  Loops of known length tell: one tick an
 * instruction (times a constant), the same each time.  Otherwise the clock
 * says what a tick is.
 */
void calibrate(void)
{
    uint64_t small, big, per_1000, again;
    struct timespec a, b;
    bool exact;

    timer_overhead = ~0ull;
    for (int i = 0; i < 8; i++) {
        uint64_t start = ticks(), spent = ticks() - start;

        if (spent < timer_overhead)
            timer_overhead = spent;
    }
    small = loop_ticks(100000);
    big = loop_ticks(600000);
    again = loop_ticks(600000);
    per_1000 = (big - small) / 1000; /* of 10^6 instructions */
    exact = big > small && big == again && (big - small) % 1000000 == 0;
    ticks_per_insn = exact ? per_1000 : 0;
    say("calibration loop_1000000 %llu again %s\n",
        (unsigned long long)(big - small), big == again ? "equal" : "differs");
    say("calibration timer_overhead %llu\n",
        (unsigned long long)timer_overhead);
    if (exact)
        return;
    if (clock_gettime(CLOCK_MONOTONIC, &a) == 0) {
        uint64_t start = ticks(), ns;

        do {
            clock_gettime(CLOCK_MONOTONIC, &b);
            ns = (b.tv_sec - a.tv_sec) * 1000000000ull + b.tv_nsec - a.tv_nsec;
        } while (ns < 50 * 1000 * 1000);
        ticks_per_ms = (ticks() - start) * 1000000 / ns;
    }
    say("calibration ticks_per_ms %llu (wall-clock: the TSC does not count "
        "instructions here)\n",
        (unsigned long long)ticks_per_ms);
}
