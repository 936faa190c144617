/*
 * tests/user/signalfd.c - signals read from a file.
 */
#define _GNU_SOURCE
#include "tap.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

/* Real-time signals, so that each one counts. */
#define EACH 200

static void *reads_all(void *arg)
{
    struct signalfd_siginfo info;
    long got = 0;

    while (read(*(int *)arg, &info, sizeof(info)) == sizeof(info) &&
           info.ssi_int >= 0)
        got++;
    return (void *)got;
}

/* Readers and epoll sets of one process: each signal comes to one of them. */
static void test_many(void)
{
    struct epoll_event e = {.events = EPOLLIN}, got;
    int fds[2], sets[2], all = 0;
    pthread_t readers[2];
    sigset_t set;
    void *count;

    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &set, NULL);
    for (int i = 0; i < 2; i++) {
        fds[i] = signalfd(-1, &set, 0);
        pthread_create(&readers[i], NULL, reads_all, &fds[i]);
    }
    for (int i = 0; i < 2 * EACH; i++)
        sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = i});
    for (int i = 0; i < 2; i++)
        sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = -1});
    for (int i = 0; i < 2; i++) {
        pthread_join(readers[i], &count);
        all += (long)count;
    }
    is(all, 2 * EACH, "two readers get all signals, each once");
    for (int i = 0; i < 2; i++) {
        sets[i] = epoll_create1(0);
        epoll_ctl(sets[i], EPOLL_CTL_ADD, fds[i], &e);
    }
    sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 1});
    ok(epoll_wait(sets[0], &got, 1, 1000) == 1 &&
           epoll_wait(sets[1], &got, 1, 1000) == 1,
       "two epoll sets are told of one signal");
    sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = -1});
    is((long)reads_all(&fds[0]), 1, "which is read once");
    is(epoll_wait(sets[1], &got, 1, 0), 0, "and is gone for the other");
}

int main(void)
{
    struct signalfd_siginfo info[4];
    struct pollfd p = {.events = POLLIN};
    union sigval value = {.sival_int = 42};
    sigset_t set;
    pid_t pid;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    p.fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    ok(p.fd >= 0, "signalfd");
    errno_is(read(p.fd, info, sizeof(info)), EAGAIN, "nothing yet");
    errno_is(read(p.fd, info, 10), EINVAL, "no room for one");
    is(poll(&p, 1, 0), 0, "not ready");
    sigqueue(getpid(), SIGUSR1, value);
    is(poll(&p, 1, 0), 1, "a signal makes it ready");
    is(read(p.fd, info, sizeof(info)), sizeof(*info), "one is read");
    ok(info->ssi_signo == SIGUSR1 && info->ssi_pid == (unsigned)getpid() &&
           info->ssi_code == SI_QUEUE && info->ssi_int == 42,
       "with its sender and value");
    pid = fork();
    if (!pid) {
        usleep(20000);
        _exit(5);
    }
    is(poll(&p, 1, 5000), 1, "a child's end wakes a poll");
    is(read(p.fd, info, sizeof(info)), sizeof(*info), "and is read");
    ok(info->ssi_signo == SIGCHLD && info->ssi_pid == (unsigned)pid &&
           info->ssi_status == 5 && info->ssi_code == CLD_EXITED,
       "with the child's number and status");
    waitpid(pid, NULL, 0);
    sigdelset(&set, SIGUSR1);
    is(signalfd(p.fd, &set, 0), p.fd, "another mask");
    raise(SIGUSR1);
    is(poll(&p, 1, 0), 0, "what is not in it is not seen");
    errno_is(signalfd(0, &set, 0), EINVAL, "another kind of file");
    errno_is(signalfd(99, &set, 0), EBADF, "no file");
    errno_is(signalfd(-1, &set, 1), EINVAL, "an unknown flag");
    test_many();
    return done();
}
