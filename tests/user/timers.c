/*
 * timers.c - timers that ring more often than anyone can hear.  The same
 * lines hold on Linux.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tap.h"

#define TIMERS 200 /* of a process */
#define PROCESSES 8

static const struct itimerspec every_ns = {{0, 1}, {0, 1}};

static long ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000l + t.tv_nsec;
}

static void test_timerfd(void)
{
    int fd = timerfd_create(CLOCK_MONOTONIC, 0);
    struct pollfd p = {.fd = fd, .events = POLLIN};
    long start = ns(), last;
    struct itimerspec t;
    uint64_t n = 0, more = 0;

    is(timerfd_settime(fd, 0, &every_ns, NULL), 0, "a timerfd of 1 ns");
    is(poll(&p, 1, 5000), 1, "rings");
    is(read(fd, &n, 8), 8, "and is read");
    last = ns();
    usleep(20000);
    is(timerfd_gettime(fd, &t), 0, "and asked for its time");
    is(t.it_interval.tv_nsec, 1, "which repeats");
    is(read(fd, &more, 8), 8, "and read again");
    ok(more >= 20000000, "missed rings are counted");
    ok((long)(n + more) <= ns() - start, "and none more than there were");
    is(poll(&p, 1, 5000), 1, "it goes on");
    close(fd);
    ok(last > start, "time passes");
}

/* Each of two timers has its own place in the queue. */
static void test_same_signal(void)
{
    struct itimerspec soon = {{0, 0}, {0, 1000000}};
    struct timespec second = {1, 0};
    siginfo_t info = {0};
    sigset_t set, old;
    int seen = 0;

    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &set, &old);
    for (int i = 1; i <= 2; i++) {
        struct sigevent event = {.sigev_notify = SIGEV_SIGNAL,
                                 .sigev_signo = SIGRTMIN,
                                 .sigev_value = {.sival_int = i}};
        timer_t id;

        is(timer_create(CLOCK_MONOTONIC, &event, &id), 0, "timer_create");
        is(timer_settime(id, 0, &soon, NULL), 0, "timer_settime");
    }
    usleep(30000);
    for (int i = 0; i < 2; i++)
        if (sigtimedwait(&set, &info, &second) == SIGRTMIN)
            seen |= info.si_value.sival_int;
    is(seen, 3, "two timers with one real-time signal: both arrive");
    sigprocmask(SIG_SETMASK, &old, NULL);
}

static void ring_often(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL,
                             .sigev_signo = SIGUSR1};
    timer_t id;

    for (int i = 0; i < TIMERS; i++)
        if (timer_create(CLOCK_MONOTONIC, &event, &id) == 0)
            timer_settime(id, 0, &every_ns, NULL);
    for (;;)
        pause();
}

static void on_signal(int sig)
{
    (void)sig;
}

static void test_many(void)
{
    pid_t child[PROCESSES];
    long start = ns();
    int ended = 0, status;

    signal(SIGUSR1, on_signal);
    for (int i = 0; i < PROCESSES; i++)
        if ((child[i] = fork()) == 0)
            ring_often();
    usleep(300000);
    for (int i = 0; i < PROCESSES; i++) {
        kill(child[i], SIGKILL);
        ended += waitpid(child[i], &status, 0) == child[i];
    }
    is(ended, PROCESSES, "processes with many fast timers can be ended");
    ok(ns() - start < 30000000000l, "in time");
}

int main(void)
{
    test_timerfd();
    test_same_signal();
    test_many();
    return done();
}
