/*
 * clocks.c - clocks, sleeping, scheduling calls, and their wrong arguments.
 */
#define _GNU_SOURCE
#include "tap.h"

#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

static void *volatile bad_pointer = (void *)8;
#define BAD bad_pointer

static int64_t now(int clock)
{
    struct timespec ts;

    if (syscall(SYS_clock_gettime, clock, &ts))
        return -1;
    return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

static void test_clocks(void)
{
    int clocks[] = {
        CLOCK_REALTIME,          CLOCK_MONOTONIC,     CLOCK_PROCESS_CPUTIME_ID,
        CLOCK_THREAD_CPUTIME_ID, CLOCK_MONOTONIC_RAW, CLOCK_REALTIME_COARSE,
        CLOCK_MONOTONIC_COARSE,  CLOCK_BOOTTIME,      CLOCK_TAI};
    struct timespec ts;
    struct timeval tv;
    int64_t before, last;
    int back = 0;

    for (size_t i = 0; i < sizeof(clocks) / sizeof(*clocks); i++)
        ok(now(clocks[i]) >= 0, "clock %d", clocks[i]);
    errno_is(syscall(SYS_clock_gettime, 99, &ts), EINVAL, "clock 99");
    errno_is(syscall(SYS_clock_gettime, 0, BAD), EFAULT, "pointer");
    last = now(CLOCK_MONOTONIC);
    for (int i = 0; i < 10000; i++) {
        int64_t t = now(CLOCK_MONOTONIC);

        back += t < last;
        last = t;
    }
    is(back, 0, "the monotonic clock never goes back");
    is(syscall(SYS_clock_getres, CLOCK_MONOTONIC, &ts), 0, "clock_getres");
    is(ts.tv_nsec, 1, "a nanosecond");
    errno_is(syscall(SYS_clock_getres, 99, &ts), EINVAL, "of clock 99");
    before = now(CLOCK_REALTIME) / 1000;
    syscall(SYS_gettimeofday, &tv, NULL);
    ok(tv.tv_sec * 1000000ll + tv.tv_usec >= before, "gettimeofday");
    errno_is(syscall(SYS_gettimeofday, BAD, NULL), EFAULT, "its pointer");
    ok(syscall(SYS_time, NULL) >= before / 1000000, "time");
    ok(before / 1000000 > 1600000000, "it is after 2020");
}

/* What the libc reads in its own memory agrees with the kernel's answers. */
static void test_vdso(void)
{
    int clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME};
    const unsigned char *image = (void *)getauxval(AT_SYSINFO_EHDR);
    struct timespec ts;
    struct timeval tv;
    int64_t before, between, after;

    ok(image && !memcmp(image, "\177ELF", 4), "there is a vDSO");
    for (size_t i = 0; i < sizeof(clocks) / sizeof(*clocks); i++) {
        before = now(clocks[i]);
        clock_gettime(clocks[i], &ts);
        between = ts.tv_sec * 1000000000ll + ts.tv_nsec;
        after = now(clocks[i]);
        ok(before <= between && between <= after, "clock %d by the vDSO",
           clocks[i]);
    }
    before = now(CLOCK_REALTIME) / 1000;
    gettimeofday(&tv, NULL);
    after = now(CLOCK_REALTIME) / 1000;
    between = tv.tv_sec * 1000000ll + tv.tv_usec;
    ok(before <= between && between <= after, "gettimeofday by the vDSO");
    errno_is(clock_gettime(99, &ts), EINVAL, "what it does not know");
}

static void test_sleep(void)
{
    struct timespec ts = {0, 20000000}, wrong = {-1, 0}, abs;
    int64_t before = now(CLOCK_MONOTONIC), spent;

    is(nanosleep(&ts, NULL), 0, "nanosleep");
    spent = now(CLOCK_MONOTONIC) - before;
    ok(spent >= 20000000, "not too short");
    ok(spent < 500000000, "not too long");
    errno_is(nanosleep(&wrong, NULL), EINVAL, "-1 s");
    wrong.tv_sec = 0;
    wrong.tv_nsec = 1000000000;
    errno_is(nanosleep(&wrong, NULL), EINVAL, "1000000000 ns");
    errno_is(syscall(SYS_nanosleep, BAD, NULL), EFAULT, "pointer");
    clock_gettime(CLOCK_MONOTONIC, &abs);
    abs.tv_nsec += 10000000;
    if (abs.tv_nsec >= 1000000000) {
        abs.tv_nsec -= 1000000000;
        abs.tv_sec++;
    }
    is(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &abs, NULL), 0,
       "until a moment");
    ok(now(CLOCK_MONOTONIC) >= abs.tv_sec * 1000000000ll + abs.tv_nsec,
       "not before it");
    is(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL), 0,
       "a moment in the past");
    errno_is(syscall(SYS_clock_nanosleep, 99, 0, &ts, NULL), EINVAL,
             "clock 99");
    errno_is(
        syscall(SYS_clock_nanosleep, CLOCK_THREAD_CPUTIME_ID, 0, &ts, NULL),
        EOPNOTSUPP, "a thread's time");
}

static volatile int ticks, tick_code, tick_value;

static void on_tick(int sig, siginfo_t *info, void *context)
{
    (void)sig;
    (void)context;
    ticks++;
    tick_code = info->si_code;
    tick_value = info->si_value.sival_int;
}

static void test_timers(void)
{
    struct sigaction action = {.sa_sigaction = on_tick,
                               .sa_flags = SA_SIGINFO | SA_RESTART};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL,
                             .sigev_signo = SIGUSR2,
                             .sigev_value.sival_int = 55};
    struct itimerspec it = {{0, 5000000}, {0, 5000000}}, left;
    int id = -1, second = -1;
    sigset_t set, old;
    siginfo_t info;

    sigaction(SIGUSR2, &action, NULL);
    is(syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &id), 0,
       "timer_create");
    is(syscall(SYS_timer_create, CLOCK_REALTIME, NULL, &second), 0,
       "another, with SIGALRM");
    ok(id != second, "their numbers differ");
    is(syscall(SYS_timer_settime, id, 0, &it, NULL), 0, "timer_settime");
    while (ticks < 3)
        usleep(1000);
    is(tick_code, SI_TIMER, "SI_TIMER");
    is(tick_value, 55, "its value");
    is(syscall(SYS_timer_gettime, id, &left), 0, "timer_gettime");
    is(left.it_interval.tv_nsec, 5000000, "the interval");
    ok(left.it_value.tv_nsec > 0 && left.it_value.tv_nsec <= 5000000,
       "what is left");
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    sigprocmask(SIG_BLOCK, &set, &old);
    usleep(40000);
    sigprocmask(SIG_SETMASK, &old, NULL);
    ok(syscall(SYS_timer_getoverrun, id) > 2, "overruns are counted");
    it.it_interval.tv_nsec = 100;
    sigprocmask(SIG_BLOCK, &set, NULL);
    syscall(SYS_timer_settime, id, 0, &it, NULL);
    usleep(100000);
    ok(sigwaitinfo(&set, &info) == SIGUSR2 && info.si_overrun > 500000,
       "all of them, even of a timer of 100 ns");
    sigprocmask(SIG_SETMASK, &old, NULL);
    is(syscall(SYS_timer_delete, id), 0, "timer_delete");
    errno_is(syscall(SYS_timer_delete, id), EINVAL, "once");
    is(syscall(SYS_timer_delete, second), 0, "the other");
    errno_is(syscall(SYS_timer_create, 99, NULL, &id), EINVAL, "clock 99");
    errno_is(syscall(SYS_timer_create, 1, BAD, &id), EFAULT, "event");
    event.sigev_signo = 65;
    errno_is(syscall(SYS_timer_create, 1, &event, &id), EINVAL, "signal 65");
    errno_is(syscall(SYS_timer_settime, 77, 0, &it, NULL), EINVAL, "timer 77");
    errno_is(syscall(SYS_timer_gettime, 77, &left), EINVAL, "nor its time");
}

static void test_sched(void)
{
    struct sched_param param = {0};
    cpu_set_t set;
    unsigned int cpu, node;

    is(sched_yield(), 0, "sched_yield");
    is(syscall(SYS_sched_getscheduler, 0), SCHED_OTHER, "SCHED_OTHER");
    is(syscall(SYS_sched_getparam, 0, &param), 0, "getparam");
    errno_is(syscall(SYS_sched_getscheduler, -1), EINVAL, "pid -1");
    errno_is(syscall(SYS_sched_getscheduler, 1234567), ESRCH, "nobody");
    errno_is(syscall(SYS_sched_setscheduler, 0, 99, &param), EINVAL,
             "policy 99");
    is(syscall(SYS_sched_get_priority_max, SCHED_FIFO), 99, "FIFO's most");
    is(syscall(SYS_sched_get_priority_min, SCHED_FIFO), 1, "FIFO's least");
    errno_is(syscall(SYS_sched_get_priority_max, 99), EINVAL, "policy 99");
    CPU_ZERO(&set);
    ok(syscall(SYS_sched_getaffinity, 0, sizeof(set), &set) > 0, "getaffinity");
    ok(CPU_ISSET(0, &set), "CPU 0");
    is(sched_setaffinity(0, sizeof(set), &set), 0, "setaffinity");
    CPU_ZERO(&set);
    errno_is(sched_setaffinity(0, sizeof(set), &set), EINVAL, "no CPU");
    errno_is(syscall(SYS_sched_getaffinity, 0, 3, &set), EINVAL, "3 bytes");
    is(syscall(SYS_getcpu, &cpu, &node, NULL), 0, "getcpu");
    is(node, 0, "node 0");
    errno = 0;
    is(getpriority(PRIO_PROCESS, 0), 0, "nice 0");
    is(setpriority(PRIO_PROCESS, 0, 5), 0, "setpriority");
    is(getpriority(PRIO_PROCESS, 0), 5, "nice 5");
    setpriority(PRIO_PROCESS, 0, 0);
    errno_is(getpriority(9, 0), EINVAL, "whose");
    errno_is(setpriority(PRIO_PROCESS, 1234567, 0), ESRCH, "nobody's");
}

static long spin_for(int64_t ns)
{
    int64_t end = now(CLOCK_MONOTONIC) + ns;
    long n = 0;

    while (now(CLOCK_MONOTONIC) < end)
        n++;
    return n;
}

static int two_share(void)
{
    int fds[2];
    long theirs = 0, ours;
    pid_t pid;

    if (pipe(fds))
        return 0;
    pid = fork();
    if (!pid) {
        long n = spin_for(200000000);

        _exit(write(fds[1], &n, sizeof(n)) != sizeof(n));
    }
    ours = spin_for(200000000);
    if (read(fds[0], &theirs, sizeof(theirs)) != sizeof(theirs))
        theirs = 0;
    waitpid(pid, NULL, 0);
    close(fds[0]);
    close(fds[1]);
    return theirs > ours / 4 && ours > theirs / 4;
}

/* Two that never sleep must share the CPU, if only the machine has all of
 * its CPUs in one of these moments. */
static void test_fairness(void)
{
    int shared = two_share();

    for (int i = 0; i < 5 && !shared; i++)
        shared = two_share();
    ok(shared, "both got time");
}

static void test_rest(void)
{
    struct sysinfo info;
    uint64_t a = 0, b = 0;

    is(sysinfo(&info), 0, "sysinfo");
    ok(info.totalram > 1000000 && info.mem_unit == 1, "RAM in bytes");
    ok(info.freeram <= info.totalram, "not more free than there is");
    errno_is(syscall(SYS_sysinfo, BAD), EFAULT, "sysinfo pointer");
    is(getrandom(&a, 8, 0), 8, "getrandom");
    getrandom(&b, 8, 0);
    ok(a != b, "is random");
    errno_is(getrandom(&a, 8, 0x80), EINVAL, "getrandom flags");
    errno_is(syscall(SYS_getrandom, BAD, 8, 0), EFAULT, "getrandom pointer");
    errno_is(syscall(SYS_reboot, 1, 2, 3, 0), EINVAL, "reboot magic");
    errno_is(syscall(SYS_syslog, 99, NULL, 0), EINVAL, "syslog 99");
    errno_is(syscall(SYS_syslog, 3, NULL, 10), EINVAL, "syslog buffer");
    ok(syscall(SYS_syslog, 10, NULL, 0) > 0, "the log's size");
    errno_is(syscall(SYS_getitimer, 9, BAD), EINVAL, "getitimer 9");
    errno_is(syscall(SYS_getitimer, 0, BAD), EFAULT, "getitimer pointer");
    errno_is(syscall(SYS_setitimer, 0, BAD, NULL), EFAULT, "setitimer");
    errno_is(syscall(SYS_settimeofday, &(struct timeval){0, -1}, NULL), EINVAL,
             "settimeofday");
}

int main(void)
{
    test_clocks();
    test_vdso();
    test_sleep();
    test_timers();
    test_sched();
    test_fairness();
    test_rest();
    return done();
}
