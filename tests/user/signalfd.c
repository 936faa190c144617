/*
 * tests/user/signalfd.c - signals read from a file.
 */
#define _GNU_SOURCE
#include "tap.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

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
    return done();
}
