/*
 * epoll.c - epoll and timerfd.  The same lines hold on Linux.
 */
#define _GNU_SOURCE
#include "tap.h"
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>

static struct epoll_event got[10];

static long ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int add(int ep, int fd, unsigned int events, uint64_t data)
{
    struct epoll_event e = {.events = events, .data.u64 = data};

    return epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
}

static void test_level(void)
{
    struct epoll_event e = {.events = EPOLLIN};
    int ep = epoll_create1(EPOLL_CLOEXEC), p[2], q[2];
    char c;

    pipe(p);
    pipe(q);
    ok(ep >= 0, "epoll_create1");
    is(add(ep, p[0], EPOLLIN, 0x123456789), 0, "EPOLL_CTL_ADD");
    errno_is(add(ep, p[0], EPOLLIN, 1), EEXIST, "twice");
    errno_is(add(ep, 99, EPOLLIN, 1), EBADF, "of nothing");
    errno_is(add(p[0], q[0], EPOLLIN, 1), EINVAL, "to what is no epoll");
    errno_is(add(ep, ep, EPOLLIN, 1), EINVAL, "to itself");
    errno_is(epoll_ctl(ep, EPOLL_CTL_MOD, q[0], &e), ENOENT, "MOD of another");
    errno_is(epoll_ctl(ep, 77, p[0], &e), EINVAL, "another operation");
    is(epoll_wait(ep, got, 10, 0), 0, "nothing is ready");
    write(p[1], "ab", 2);
    is(epoll_wait(ep, got, 10, 0), 1, "a byte");
    is(got[0].events, EPOLLIN, "is EPOLLIN");
    is(got[0].data.u64, 0x123456789, "with our data");
    is(epoll_wait(ep, got, 10, 0), 1, "level-triggered: again");
    read(p[0], &c, 1);
    is(epoll_wait(ep, got, 10, -1), 1, "while something is there");
    read(p[0], &c, 1);
    is(epoll_wait(ep, got, 10, 0), 0, "and no longer");
    e.events = EPOLLOUT;
    is(add(ep, q[1], EPOLLOUT | EPOLLONESHOT, 7), 0, "another");
    is(epoll_wait(ep, got, 10, -1), 1, "ready to write");
    is(got[0].data.u64, 7, "it is");
    is(epoll_wait(ep, got, 10, 0), 0, "EPOLLONESHOT: once");
    e.data.u64 = 8;
    is(epoll_ctl(ep, EPOLL_CTL_MOD, q[1], &e), 0, "EPOLL_CTL_MOD");
    is(epoll_wait(ep, got, 10, 0), 1, "arms it again");
    is(epoll_ctl(ep, EPOLL_CTL_DEL, q[1], NULL), 0, "EPOLL_CTL_DEL");
    is(epoll_wait(ep, got, 10, 0), 0, "takes it out");
    close(p[1]);
    is(epoll_wait(ep, got, 10, 0), 1, "a hangup");
    is(got[0].events, EPOLLHUP, "is EPOLLHUP");
    close(p[0]);
    is(epoll_wait(ep, got, 10, 0), 0, "close takes it out");
    errno_is(epoll_wait(ep, got, 0, 0), EINVAL, "no room");
    errno_is(epoll_wait(q[0], got, 1, 0), EINVAL, "no epoll");
    errno_is(add(ep, open("/tmp", O_RDONLY), EPOLLIN, 0), EPERM, "a directory");
    close(q[0]);
    close(q[1]);
    close(ep);
}

static void test_edge(void)
{
    int ep = epoll_create(1), p[2], i, n = 0;
    struct pollfd pfd;
    long start;
    char c;

    pipe(p);
    add(ep, p[0], EPOLLIN | EPOLLET, 0);
    write(p[1], "a", 1);
    is(epoll_wait(ep, got, 10, 0), 1, "edge-triggered: once");
    is(epoll_wait(ep, got, 10, 0), 0, "although a byte is there");
    write(p[1], "b", 1);
    is(epoll_wait(ep, got, 10, 0), 1, "until another comes");
    start = ms();
    is(epoll_wait(ep, got, 10, 40), 0, "waits");
    ok(ms() - start >= 39, "as long as asked");
    if (!fork()) {
        usleep(30000);
        write(p[1], "c", 1);
        _exit(0);
    }
    is(epoll_wait(ep, got, 10, 10000), 1, "a byte wakes it");
    wait(NULL);
    read(p[0], &c, 1);
    pfd = (struct pollfd){ep, POLLIN, 0};
    is(poll(&pfd, 1, 0), 0, "poll of an epoll: nothing");
    write(p[1], "d", 1);
    is(poll(&pfd, 1, 0), 1, "poll of an epoll: something");
    for (i = 0; i < 20; i++) {
        int e = eventfd(1, 0);

        add(ep, e, EPOLLIN, 100 + i);
    }
    is(epoll_wait(ep, got, 10, 0), 10, "as many as there is room for");
    for (i = 0; i < 10; i++)
        n += epoll_wait(ep, got, 10, 0);
    is(n, 100, "and the others in turn");
    close(p[0]);
    close(p[1]);
    close(ep);
}

static void test_timer(void)
{
    struct itimerspec t = {{0, 20000000}, {0, 30000000}}, old;
    int fd = timerfd_create(CLOCK_MONOTONIC, 0), ep;
    struct timespec now;
    uint64_t n;
    long start = ms();

    ok(fd >= 0, "timerfd_create");
    is(timerfd_settime(fd, 0, &t, NULL), 0, "30 ms, then every 20");
    is(timerfd_gettime(fd, &old), 0, "timerfd_gettime");
    ok(old.it_value.tv_nsec > 0 && old.it_value.tv_nsec <= 30000000,
       "counts down");
    is(old.it_interval.tv_nsec, 20000000, "knows the interval");
    is(read(fd, &n, 8), 8, "read waits");
    ok(ms() - start >= 29, "for the time");
    ok(n >= 1, "and gives how often it rang");
    usleep(65000);
    is(read(fd, &n, 8), 8, "read after three intervals");
    ok(n >= 3, "gives as many");
    fcntl(fd, F_SETFL, O_NONBLOCK);
    t = (struct itimerspec){{0, 0}, {0, 0}};
    is(timerfd_settime(fd, 0, &t, &old), 0, "stopped");
    ok(old.it_interval.tv_nsec == 20000000, "tells what it was");
    errno_is(read(fd, &n, 8), EAGAIN, "rings no more");
    errno_is(read(fd, &n, 4), EINVAL, "read of 4 bytes");
    clock_gettime(CLOCK_MONOTONIC, &now);
    t.it_value = now;
    t.it_value.tv_nsec += 10000000;
    if (t.it_value.tv_nsec >= 1000000000) {
        t.it_value.tv_sec++;
        t.it_value.tv_nsec -= 1000000000;
    }
    timerfd_settime(fd, TFD_TIMER_ABSTIME, &t, NULL);
    ep = epoll_create1(0);
    add(ep, fd, EPOLLIN, 0);
    is(epoll_wait(ep, got, 1, 5000), 1, "an absolute time, by epoll");
    t.it_value.tv_nsec = -1;
    errno_is(timerfd_settime(fd, 0, &t, NULL), EINVAL, "a bad time");
    errno_is(timerfd_settime(ep, 0, &old, NULL), EINVAL, "of another file");
    errno_is(timerfd_create(77, 0), EINVAL, "of no clock");
    close(ep);
    close(fd);
}

int main(void)
{
    test_level();
    test_edge();
    test_timer();
    return done();
}
