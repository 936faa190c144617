/*
 * poll.c - waiting for one of several files: poll, ppoll, select, pselect.
 * The same lines hold on Linux.
 */
#define _GNU_SOURCE
#include "tap.h"
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

static volatile int signals;

static void on_signal(int sig)
{
    (void)sig;
    signals++;
}

static long ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* After a while a child writes one byte. */
static pid_t later(int fd, int delay_ms)
{
    pid_t pid = fork();

    if (pid)
        return pid;
    usleep(delay_ms * 1000);
    write(fd, "x", 1);
    _exit(0);
}

static void test_poll(void)
{
    struct pollfd p[4];
    int a[2], b[2];
    char c[70000];
    pid_t pid;
    long start;

    pipe(a);
    pipe(b);
    p[0] = (struct pollfd){a[0], POLLIN, 99};
    p[1] = (struct pollfd){b[1], POLLOUT, 99};
    is(poll(p, 2, -1), 1, "one is ready");
    is(p[0].revents, 0, "not the empty pipe");
    is(p[1].revents, POLLOUT, "but the one to write to");
    is(poll(p, 1, 0), 0, "nothing, at once");
    start = ms();
    is(poll(p, 1, 60), 0, "nothing, after a while");
    ok(ms() - start >= 59, "which was as long as asked");
    pid = later(a[1], 30);
    is(poll(p, 1, 10000), 1, "a byte wakes");
    is(p[0].revents, POLLIN, "as POLLIN");
    waitpid(pid, NULL, 0);
    p[2] = (struct pollfd){-1, POLLIN, 99};
    p[3] = (struct pollfd){99, POLLIN, 0};
    is(poll(p, 4, 0), 3, "a bad descriptor counts");
    is(p[2].revents, 0, "-1 does not");
    is(p[3].revents, POLLNVAL, "POLLNVAL");
    fcntl(b[1], F_SETFL, O_NONBLOCK);
    write(b[1], c, 65536);
    is(poll(p + 1, 1, 0), 0, "a full pipe is not ready");
    read(b[0], c, 4096);
    is(poll(p + 1, 1, 0), 1, "until a page is free");
    close(b[0]);
    poll(p + 1, 1, 0);
    is(p[1].revents, POLLOUT | POLLERR, "nobody reads: POLLERR");
    close(a[1]);
    poll(p, 1, 0);
    is(p[0].revents, POLLIN | POLLHUP, "nobody writes: POLLHUP");
    read(a[0], c, 1);
    poll(p, 1, 0);
    is(p[0].revents, POLLHUP, "and nothing is there");
    errno_is(syscall(SYS_poll, 8, 1, 0), EFAULT, "poll of a bad address");
    errno_is(poll(p, 1 << 24, 0), EINVAL, "poll of too many");
    close(a[0]);
    close(b[1]);
    p[0].fd = open("/tmp", O_RDONLY);
    p[0].events = POLLIN | POLLOUT;
    is(poll(p, 1, 0), 1, "a directory is ready");
    close(p[0].fd);
}

static void test_many(void)
{
    struct pollfd p[40];
    int fd[40][2], i, ready;
    pid_t pid;

    for (i = 0; i < 40; i++) {
        pipe(fd[i]);
        p[i] = (struct pollfd){fd[i][0], POLLIN, 0};
    }
    pid = later(fd[33][1], 20);
    ready = poll(p, 40, 10000);
    is(ready, 1, "one of 40");
    is(p[33].revents, POLLIN, "the right one");
    waitpid(pid, NULL, 0);
    for (i = 0; i < 40; i++) {
        close(fd[i][0]);
        close(fd[i][1]);
    }
}

static void test_select(void)
{
    struct timeval tv = {0, 50000};
    fd_set r, w;
    int p[2];
    pid_t pid;

    pipe(p);
    FD_ZERO(&r);
    FD_ZERO(&w);
    FD_SET(p[0], &r);
    FD_SET(p[1], &w);
    is(select(p[1] + 1, &r, &w, NULL, NULL), 1, "select");
    ok(!FD_ISSET(p[0], &r) && FD_ISSET(p[1], &w), "tells which");
    FD_SET(p[0], &r);
    /* the C library keeps the rest of the time to itself */
    is(syscall(SYS_select, p[0] + 1, &r, NULL, NULL, &tv), 0, "select in vain");
    ok(!FD_ISSET(p[0], &r), "clears the set");
    is(tv.tv_sec + tv.tv_usec, 0, "and the time is up");
    pid = later(p[1], 20);
    FD_SET(p[0], &r);
    tv.tv_sec = 10;
    is(syscall(SYS_select, p[0] + 1, &r, NULL, NULL, &tv), 1, "a byte wakes");
    ok(tv.tv_sec == 9, "time is left");
    waitpid(pid, NULL, 0);
    close(p[0]);
    FD_SET(p[0], &r);
    errno_is(select(p[0] + 1, &r, NULL, NULL, &tv), EBADF, "a closed one");
    errno_is(select(-1, NULL, NULL, NULL, NULL), EINVAL, "-1 descriptors");
    tv.tv_sec = -1;
    errno_is(select(0, NULL, NULL, NULL, &tv), EINVAL, "negative time");
    close(p[1]);
}

static void test_signals(void)
{
    struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    struct timespec ts = {10, 0};
    sigset_t block, empty;
    struct pollfd p;
    int fd[2];
    pid_t pid;

    pipe(fd);
    p = (struct pollfd){fd[0], POLLIN, 0};
    sigaction(SIGUSR1, &sa, NULL);
    pid = fork();
    if (!pid) {
        usleep(40000);
        kill(getppid(), SIGUSR1);
        _exit(0);
    }
    errno_is(poll(&p, 1, 10000), EINTR, "poll is interrupted in any case");
    is(signals, 1, "by the handler");
    waitpid(pid, NULL, 0);
    sigemptyset(&block);
    sigemptyset(&empty);
    sigaddset(&block, SIGUSR1);
    sigprocmask(SIG_BLOCK, &block, NULL);
    raise(SIGUSR1);
    is(poll(&p, 1, 10), 0, "a blocked signal does not interrupt");
    is(signals, 1, "nor is it handled");
    errno_is(ppoll(&p, 1, &ts, &empty), EINTR, "ppoll lets it in");
    is(signals, 2, "handled once");
    sigprocmask(SIG_BLOCK, NULL, &empty);
    is(sigismember(&empty, SIGUSR1), 1, "and the mask is back");
    ts = (struct timespec){0, 1000000};
    sigemptyset(&empty);
    is(ppoll(&p, 1, &ts, &empty), 0, "ppoll in vain");
    is(pselect(0, NULL, NULL, NULL, &ts, &empty), 0, "pselect in vain");
    ts.tv_nsec = -1;
    errno_is(ppoll(&p, 1, &ts, NULL), EINVAL, "a bad time");
    close(fd[0]);
    close(fd[1]);
}

int main(void)
{
    test_poll();
    test_many();
    test_select();
    test_signals();
    return done();
}
