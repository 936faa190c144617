/*
 * cputime.c - user and system time, and what is bounded by them: RLIMIT_CPU,
 * ITIMER_VIRTUAL and _PROF, timers on CPU clocks.
 */
#define _GNU_SOURCE
#include "tap.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/wait.h>
#include <time.h>

#define MS 1000000l
#define BUFFER (1 << 20)

static volatile int sink;
static volatile sig_atomic_t fired;
static int zero_fd;
static char *buffer;

static void count(int sig)
{
    (void)sig;
    fired++;
}

static long clock_ns(clockid_t clock)
{
    struct timespec ts;

    clock_gettime(clock, &ts);
    return ts.tv_sec * 1000 * MS + ts.tv_nsec;
}

static long cpu_ns(void)
{
    return clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

static long tv_ns(struct timeval tv)
{
    return tv.tv_sec * 1000 * MS + tv.tv_usec * 1000;
}

/* Neither loop asks the clock often. */
static void use_user(long ns)
{
    long end = cpu_ns() + ns;

    while (cpu_ns() < end)
        for (int i = 0; i < 2000000; i++)
            sink += i;
}

/* On a busy machine ticks get lost: `ns`, or more until a signal came. */
static void use_until_fired(long ns)
{
    use_user(ns);
    for (int i = 0; i < 30 && !fired; i++)
        use_user(ns);
}

static void use_system(long ns)
{
    long end = cpu_ns() + ns;

    while (cpu_ns() < end)
        for (int i = 0; i < 64; i++)
            if (read(zero_fd, buffer, BUFFER) != BUFFER)
                _exit(9);
}

static void usage(int who, long *user, long *system)
{
    struct rusage ru;

    getrusage(who, &ru);
    *user = tv_ns(ru.ru_utime);
    *system = tv_ns(ru.ru_stime);
}

static void test_split(void)
{
    long u0, s0, u1, s1, u2, s2, sum;

    usage(RUSAGE_SELF, &u0, &s0);
    use_user(300 * MS);
    usage(RUSAGE_SELF, &u1, &s1);
    ok(u1 - u0 > 150 * MS, "computing is user time");
    ok(s1 - s0 < (u1 - u0) / 2, "and hardly system time");
    use_system(300 * MS);
    usage(RUSAGE_SELF, &u2, &s2);
    ok(s2 - s1 > 150 * MS, "reading zeros is system time");
    ok(u2 - u1 < (s2 - s1) / 2, "and hardly user time");
    sum = cpu_ns();
    usage(RUSAGE_SELF, &u2, &s2);
    ok(u2 + s2 >= sum - 2000 && u2 + s2 < sum + 100 * MS,
       "their sum is what the clock says");
    usage(RUSAGE_THREAD, &u1, &s1);
    ok(u1 + s1 >= u2 + s2 - 2000 && s1 > 150 * MS, "the same of the thread");
}

static void test_never_back(void)
{
    long u0, s0, u, s, back = 0;

    usage(RUSAGE_SELF, &u0, &s0);
    for (int i = 0; i < 20000; i++) {
        usage(RUSAGE_SELF, &u, &s);
        back += u < u0 || s < s0;
        u0 = u;
        s0 = s;
    }
    is(back, 0, "neither goes back, however often one asks");
}

static void test_sleep(void)
{
    struct timespec ts = {0, 200 * MS};
    long before = cpu_ns();

    nanosleep(&ts, NULL);
    ok(cpu_ns() - before < 100 * MS, "sleeping takes no time");
}

static void test_proc(void)
{
    unsigned long user = 0, system = 0;
    long u, s, hz = sysconf(_SC_CLK_TCK);
    char line[1024] = "", *p;
    struct tms tms;
    int fd;

    times(&tms);
    fd = open("/proc/self/stat", O_RDONLY);
    usage(RUSAGE_SELF, &u, &s);
    if (fd >= 0 && read(fd, line, sizeof(line) - 1) > 0) {
        p = strrchr(line, ')');
        sscanf(p + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
               &user, &system);
    }
    close(fd);
    ok(labs((long)user - u * hz / (1000 * MS)) <= 10, "stat's utime");
    ok(labs((long)system - s * hz / (1000 * MS)) <= 10, "stat's stime");
    ok(labs((long)tms.tms_utime - (long)user) <= 10 &&
           labs((long)tms.tms_stime - (long)system) <= 10,
       "and times'");
}

static void test_child(void)
{
    long u0, s0, u1, s1;
    struct rusage ru;
    int status;
    pid_t pid;

    usage(RUSAGE_CHILDREN, &u0, &s0);
    pid = fork();
    if (!pid) {
        use_system(200 * MS);
        _exit(0);
    }
    is(wait4(pid, &status, 0, &ru), pid, "wait4");
    ok(tv_ns(ru.ru_stime) > 120 * MS, "a child's system time");
    ok(tv_ns(ru.ru_utime) < 100 * MS, "a child's user time");
    usage(RUSAGE_CHILDREN, &u1, &s1);
    is(s1 - s0, tv_ns(ru.ru_stime), "RUSAGE_CHILDREN has grown by it");
    is(u1 - u0, tv_ns(ru.ru_utime), "by both");
}

static void limit(rlim_t soft, rlim_t hard)
{
    struct rlimit rl = {soft, hard};

    setrlimit(RLIMIT_CPU, &rl);
}

static int run(void (*body)(void))
{
    int status = -1;
    pid_t pid = fork();

    if (!pid) {
        body();
        _exit(0);
    }
    waitpid(pid, &status, 0);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static void over_soft(void)
{
    limit(1, RLIM_INFINITY);
    use_user(10000 * MS);
}

static void over_both(void)
{
    signal(SIGXCPU, count);
    limit(1, 2);
    while (!fired)
        sink++;
    if (cpu_ns() < 500 * MS)
        _exit(2);
    use_user(10000 * MS);
}

/* The limit that was passed is a second more. */
static void soft_moves(void)
{
    struct rlimit rl;

    signal(SIGXCPU, count);
    limit(0, 10);
    while (!fired)
        sink++;
    getrlimit(RLIMIT_CPU, &rl);
    _exit(rl.rlim_cur == 1 && rl.rlim_max == 10 ? 0 : 3);
}

static void test_limit(void)
{
    is(run(over_soft), -SIGXCPU, "RLIMIT_CPU's soft limit: SIGXCPU");
    is(run(over_both), -SIGKILL, "its hard limit: SIGKILL");
    is(run(soft_moves), 0, "the soft limit moves on by a second");
}

static void test_itimers(void)
{
    struct itimerval it = {{0, 0}, {0, 100000}}, now;
    long start;

    signal(SIGVTALRM, count);
    signal(SIGPROF, count);
    fired = 0;
    setitimer(ITIMER_VIRTUAL, &it, NULL);
    use_system(200 * MS);
    is(fired, 0, "ITIMER_VIRTUAL does not count system time");
    use_until_fired(150 * MS);
    is(fired, 1, "but user time");
    getitimer(ITIMER_VIRTUAL, &now);
    is(now.it_value.tv_sec + now.it_value.tv_usec, 0, "it is over");
    fired = 0;
    it.it_interval.tv_usec = 50000;
    start = cpu_ns();
    setitimer(ITIMER_PROF, &it, NULL);
    use_system(70 * MS);
    getitimer(ITIMER_PROF, &now);
    ok(now.it_value.tv_usec > 0 && now.it_value.tv_usec <= 100000,
       "ITIMER_PROF tells what is left");
    use_until_fired(170 * MS);
    ok(fired >= 1 && fired <= (cpu_ns() - start) / (50 * MS),
       "ITIMER_PROF counts both, again and again");
    memset(&it, 0, sizeof(it));
    setitimer(ITIMER_PROF, &it, NULL);
    fired = 0;
    use_user(120 * MS);
    ok(fired <= 1, "until it is put out"); /* one may be on its way */
}

static void set_timer(timer_t id, long first, long interval)
{
    struct itimerspec it = {{0, interval}, {0, first}};

    timer_settime(id, 0, &it, NULL);
}

static void test_clock(clockid_t clock, const char *what)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL,
                             .sigev_signo = SIGUSR1};
    struct timespec pause_for = {0, 120 * MS};
    struct itimerspec left;
    timer_t id;

    signal(SIGUSR1, count);
    fired = 0;
    if (!is(timer_create(clock, &event, &id), 0, what))
        return;
    set_timer(id, 50 * MS, 0);
    nanosleep(&pause_for, NULL);
    is(fired, 0, "asleep it does not run");
    timer_gettime(id, &left);
    ok(left.it_value.tv_nsec > 0 && left.it_value.tv_nsec <= 50 * MS,
       "what is left");
    use_until_fired(100 * MS);
    is(fired, 1, "it fires once");
    timer_gettime(id, &left);
    is(left.it_value.tv_nsec, 0, "then it is off");
    fired = 0;
    set_timer(id, 20 * MS, 20 * MS);
    use_user(50 * MS);
    use_until_fired(80 * MS);
    ok(fired >= 1 && fired <= 8, "with an interval it goes on");
    is(timer_delete(id), 0, "timer_delete");
    fired = 0;
    use_user(60 * MS);
    is(fired, 0, "gone");
}

static void *other_thread(void *arg)
{
    (void)arg;
    use_user(100 * MS);
    return NULL;
}

static void test_thread_clock(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL,
                             .sigev_signo = SIGUSR1};
    pthread_t thread;
    clockid_t clock;
    timer_t id;
    long start = clock_ns(CLOCK_THREAD_CPUTIME_ID);

    is(timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &id), 0, "a thread's");
    fired = 0;
    set_timer(id, 50 * MS, 0);
    pthread_create(&thread, NULL, other_thread, NULL);
    is(pthread_getcpuclockid(thread, &clock), 0, "another thread's clock");
    ok(clock_ns(clock) >= 0, "can be read");
    pthread_join(thread, NULL);
    ok(!fired || clock_ns(CLOCK_THREAD_CPUTIME_ID) - start >= 50 * MS,
       "another thread's work does not count");
    timer_delete(id);
    is(clock_getcpuclockid(0, &clock), 0, "clock_getcpuclockid");
    is(timer_create(clock, &event, &id), 0, "a timer on it");
    timer_delete(id);
    clock = (~(clockid_t)1) * 8 + 2; /* of process 1, or nobody */
    event.sigev_signo = 99;
    errno_is(timer_create(clock, &event, &id), EINVAL, "a bad signal");
}

/* Ticks that a line of /proc/stat calls busy; *idle: those it does not. */
static long busy_ticks(const char *name, long *idle)
{
    unsigned long user = 0, nice = 0, system = 0;
    FILE *f = fopen("/proc/stat", "r");
    char line[4096], word[32] = "";

    while (strcmp(word, name) && fgets(line, sizeof(line), f))
        sscanf(line, "%31s %lu %lu %lu %ld", word, &user, &nice, &system, idle);
    fclose(f);
    return user + nice + system;
}

/* A child that nobody waits for works on the last CPU. */
static void test_stat(void)
{
    int last = sysconf(_SC_NPROCESSORS_ONLN) - 1;
    long all, one, idle, then;
    cpu_set_t set;
    char name[16];

    snprintf(name, sizeof(name), "cpu%d", last);
    all = busy_ticks("cpu", &then);
    one = busy_ticks(name, &then);
    signal(SIGCHLD, SIG_IGN);
    if (!fork()) {
        CPU_ZERO(&set);
        CPU_SET(last, &set);
        sched_setaffinity(0, sizeof(set), &set);
        use_user(250 * MS);
        _exit(0);
    }
    wait(NULL);
    signal(SIGCHLD, SIG_DFL);
    ok(busy_ticks(name, &idle) - one >= 10, "/proc/stat: work of this CPU");
    ok(idle >= then, "which was idle before");
    ok(busy_ticks("cpu", &idle) - all >= 10,
       "counts, though who did it is gone");
}

int main(void)
{
    zero_fd = open("/dev/zero", O_RDONLY);
    buffer = malloc(BUFFER);
    test_split();
    test_never_back();
    test_sleep();
    test_proc();
    test_child();
    test_stat();
    test_limit();
    test_itimers();
    test_clock(CLOCK_PROCESS_CPUTIME_ID, "a timer on the process's time");
    test_clock(CLOCK_THREAD_CPUTIME_ID, "a timer on the thread's time");
    test_thread_clock();
    return done();
}
