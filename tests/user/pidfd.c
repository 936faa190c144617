/*
 * pidfd.c - processes held by descriptors.  The same lines hold on Linux.
 */
#define _GNU_SOURCE
#include "tap.h"
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif
#ifndef CLONE_PIDFD
#define CLONE_PIDFD 0x1000
#endif

static int pidfd_open(pid_t pid, unsigned int flags)
{
    return syscall(SYS_pidfd_open, pid, flags);
}

static int send(int pidfd, int sig, siginfo_t *info)
{
    return syscall(SYS_pidfd_send_signal, pidfd, sig, info, 0);
}

static int getfd(int pidfd, int fd)
{
    return syscall(SYS_pidfd_getfd, pidfd, fd, 0);
}

static int ready(int pidfd, int ms)
{
    struct pollfd p = {.fd = pidfd, .events = POLLIN};
    int n = poll(&p, 1, ms);

    return n > 0 ? p.revents : n;
}

/* The Pid line of its fdinfo. */
static long pid_line(int pidfd)
{
    char path[64], text[512], *at;
    ssize_t n;
    int fd;

    sprintf(path, "/proc/self/fdinfo/%d", pidfd);
    fd = open(path, O_RDONLY);
    n = read(fd, text, sizeof(text) - 1);
    close(fd);
    text[n < 0 ? 0 : n] = 0;
    at = strstr(text, "\nPid:\t");
    return at ? atol(at + 6) : -99;
}

static pid_t sleeper(void)
{
    pid_t pid = fork();

    if (!pid) {
        for (;;)
            pause();
    }
    return pid;
}

static void test_open(void)
{
    pid_t pid = sleeper();
    int fd = pidfd_open(pid, 0);
    char link[64] = "", path[64];

    ok(fd >= 0, "pidfd_open");
    is(fcntl(fd, F_GETFD), FD_CLOEXEC, "is closed on exec");
    is(fcntl(fd, F_GETFL) & O_NONBLOCK, 0, "and waits");
    sprintf(path, "/proc/self/fd/%d", fd);
    ok(readlink(path, link, 63) > 0 && !strcmp(link, "anon_inode:[pidfd]"),
       "is a [pidfd]");
    is(pid_line(fd), pid, "fdinfo says which process");
    errno_is(read(fd, link, 8), EINVAL, "has nothing to read");
    errno_is(write(fd, link, 8), EINVAL, "or to write");
    errno_is(pidfd_open(pid, 1), EINVAL, "an unknown flag");
    errno_is(pidfd_open(0, 0), EINVAL, "no process 0");
    errno_is(pidfd_open(-1, 0), EINVAL, "or -1");
    errno_is(pidfd_open(0x3fffff, 0), ESRCH, "or of this number");
    is(ready(fd, 0), 0, "a living one is not ready");
    is(send(fd, 0, NULL), 0, "signal 0 reaches it");
    is(send(fd, SIGTERM, NULL), 0, "SIGTERM, too");
    is(ready(fd, 5000), POLLIN, "its end makes it ready");
    is(pid_line(fd), pid, "a zombie has its number");
    is(send(fd, 0, NULL), 0, "and can be signalled");
    waitpid(pid, NULL, 0);
    is(ready(fd, 0), POLLIN, "still ready once it was seen");
    is(pid_line(fd), -1, "without a number");
    errno_is(send(fd, 0, NULL), ESRCH, "and not to be signalled");
    errno_is(getfd(fd, 0), ESRCH, "nor to be taken from");
    close(fd);
}

static void test_send(void)
{
    int fd = pidfd_open(getpid(), 0), other, dir;
    siginfo_t info = {.si_signo = SIGUSR1, .si_code = SI_QUEUE}, got;
    struct timespec none = {0, 0};
    sigset_t set;
    pid_t pid = sleeper();

    other = pidfd_open(pid, 0);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    info.si_value.sival_int = 77;
    is(send(fd, SIGUSR1, &info), 0, "with an info");
    is(sigtimedwait(&set, &got, &none), SIGUSR1, "which comes");
    ok(got.si_code == SI_QUEUE && got.si_value.sival_int == 77, "as it went");
    is(send(fd, SIGUSR1, NULL), 0, "without one");
    is(sigtimedwait(&set, &got, &none), SIGUSR1, "which comes");
    ok(got.si_code == SI_USER && got.si_pid == getpid(), "as from kill");
    errno_is(send(fd, SIGUSR2, &info), EINVAL, "info of another signal");
    errno_is(send(fd, 99, NULL), EINVAL, "no such signal");
    info.si_code = SI_USER;
    errno_is(send(other, SIGUSR1, &info), EPERM, "kill's words to others");
    is(send(fd, SIGUSR1, &info), 0, "to oneself");
    is(sigtimedwait(&set, &got, &none), SIGUSR1, "which comes");
    errno_is(send(fd, SIGUSR1, (void *)16), EFAULT, "a bad info");
    errno_is(send(99, 0, NULL), EBADF, "no descriptor");
    errno_is(send(1, 0, NULL), EBADF, "another kind of descriptor");
    dir = open("/proc/self", O_RDONLY | O_DIRECTORY);
    is(send(dir, SIGUSR1, NULL), 0, "/proc/PID does as well");
    is(sigtimedwait(&set, &got, &none), SIGUSR1, "which comes");
    close(dir);
    dir = open("/proc/self/task", O_RDONLY | O_DIRECTORY);
    errno_is(send(dir, 0, NULL), EBADF, "but nothing below");
    close(dir);
    errno_is(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 1), EINVAL, "a flag");
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    close(other);
    close(fd);
}

static int exits_7(void *arg)
{
    _exit(7);
}

static void test_waitid(void)
{
    pid_t pid = sleeper();
    int fd = pidfd_open(pid, 0), now = pidfd_open(pid, O_NONBLOCK);
    int self = pidfd_open(getpid(), 0);
    siginfo_t info = {0};

    ok(fcntl(now, F_GETFL) & O_NONBLOCK, "PIDFD_NONBLOCK");
    errno_is(waitid(P_PIDFD, now, &info, WEXITED), EAGAIN, "does not wait");
    is(waitid(P_PIDFD, now, &info, WEXITED | WNOHANG), 0, "WNOHANG: no error");
    is(waitid(P_PIDFD, fd, &info, WEXITED | WNOHANG), 0, "nor here");
    is(info.si_pid, 0, "nothing yet");
    errno_is(waitid(P_PIDFD, self, &info, WEXITED), ECHILD, "no child");
    errno_is(waitid(P_PIDFD, 1, &info, WEXITED), EBADF, "no pidfd");
    errno_is(waitid(P_PIDFD, 99, &info, WEXITED), EBADF, "nothing");
    errno_is(waitid(P_PIDFD, -1, &info, WEXITED), EINVAL, "-1");
    send(fd, SIGSTOP, NULL);
    is(waitid(P_PIDFD, fd, &info, WSTOPPED), 0, "a stop is seen");
    ok(info.si_code == CLD_STOPPED && info.si_pid == pid, "as such");
    send(fd, SIGKILL, NULL);
    is(waitid(P_PIDFD, fd, &info, WEXITED | WNOWAIT), 0, "the end, kept");
    is(waitid(P_PIDFD, now, &info, WEXITED), 0, "the end");
    ok(info.si_code == CLD_KILLED && info.si_status == SIGKILL, "by SIGKILL");
    errno_is(waitid(P_PIDFD, fd, &info, WEXITED), ECHILD, "no second time");
    close(fd);
    close(now);
    close(self);
}

static char stack[65536] __attribute__((aligned(16)));

static long raw_clone(unsigned long flags, int *parent)
{
    return syscall(SYS_clone, flags, 0, parent, NULL, 0);
}

static void test_clone(void)
{
    struct {
        uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, rest[6];
    } args = {.flags = CLONE_PIDFD, .exit_signal = SIGCHLD};
    int fd = -1, seen;
    siginfo_t info;
    pid_t pid;

    pid =
        clone(exits_7, stack + sizeof(stack), CLONE_PIDFD | SIGCHLD, NULL, &fd);
    ok(pid > 0 && fd >= 0, "clone gives a pidfd");
    is(fcntl(fd, F_GETFD), FD_CLOEXEC, "closed on exec");
    is(ready(fd, 5000), POLLIN, "ready at the end");
    is(waitid(P_PIDFD, fd, &info, WEXITED), 0, "of this child");
    ok(info.si_pid == pid && info.si_status == 7, "with its status");
    close(fd);
    errno_is(raw_clone(CLONE_PIDFD | CLONE_PARENT_SETTID | SIGCHLD, &fd),
             EINVAL, "no place for both");
    errno_is(
        raw_clone(CLONE_PIDFD | CLONE_THREAD | CLONE_SIGHAND | CLONE_VM, &fd),
        EINVAL, "not for a thread");
    errno_is(raw_clone(CLONE_PIDFD | SIGCHLD, (void *)16), EFAULT,
             "a bad place");
    errno_is(waitpid(-1, NULL, WNOHANG), ECHILD, "makes no child");
    seen = open("/dev/null", O_RDONLY);
    is(seen, fd, "nor a descriptor");
    close(seen);
    args.pidfd = (uint64_t)&fd;
    fd = -1;
    pid = syscall(SYS_clone3, &args, sizeof(args));
    if (!pid)
        _exit(fcntl(seen, F_GETFD) == -1 && errno == EBADF ? 3 : 4);
    is(fd, seen, "clone3 gives one");
    is(waitid(P_PIDFD, fd, &info, WEXITED), 0, "that can be waited for");
    ok(info.si_pid == pid && info.si_status == 3, "the child has it not");
    close(fd);
}

static void *nap(void *arg)
{
    usleep(100000);
    _exit(9);
}

/* The first thread goes, another stays. */
static void body_leader_goes(int ready_fd)
{
    pthread_t thread;

    pthread_create(&thread, NULL, nap, NULL);
    write(ready_fd, "x", 1);
    syscall(SYS_exit, 0);
}

static void *thread_opens(void *arg)
{
    *(int *)arg = pidfd_open(syscall(SYS_gettid), 0) < 0 ? errno : 0;
    return NULL;
}

static void test_threads(void)
{
    int p[2], fd, err = -1;
    pthread_t thread;
    siginfo_t info;
    pid_t pid;
    char c;

    pipe(p);
    pid = fork();
    if (!pid)
        body_leader_goes(p[1]);
    fd = pidfd_open(pid, 0);
    read(p[0], &c, 1);
    is(ready(fd, 20), 0, "not ready while a thread is left");
    is(ready(fd, 5000), POLLIN, "ready when the last one goes");
    is(waitid(P_PIDFD, fd, &info, WEXITED), 0, "as waitid has it");
    is(info.si_status, 9, "with its status");
    pthread_create(&thread, NULL, thread_opens, &err);
    pthread_join(thread, NULL);
    is(err, EINVAL, "a thread has none");
    close(fd);
    close(p[0]);
    close(p[1]);
}

static void *runs_program(void *arg)
{
    char *const argv[] = {"pidfd", "stay", NULL};

    execv("/proc/self/exe", argv);
    _exit(1);
}

/* A thread that is not the first runs a program: the same process. */
static void test_exec(void)
{
    pthread_t thread;
    siginfo_t info;
    pid_t pid;
    int fd;

    pid = fork();
    if (!pid) {
        pthread_create(&thread, NULL, runs_program, NULL);
        for (;;)
            pause();
    }
    fd = pidfd_open(pid, 0);
    is(waitid(P_PIDFD, fd, &info, WSTOPPED), 0, "the program runs and stops");
    is(ready(fd, 0), 0, "exec by a thread is no end");
    is(pid_line(fd), pid, "nor another process");
    send(fd, SIGKILL, NULL);
    is(waitid(P_PIDFD, fd, &info, WEXITED), 0, "it is killed by its pidfd");
    is(info.si_pid, pid, "under its number");
    close(fd);
}

static volatile int looked_at;

static void *looks(void *arg)
{
    int fd;

    while ((fd = looked_at) >= 0) {
        send(fd, 0, NULL);
        close(getfd(fd, 0));
    }
    return NULL;
}

/* Somebody reaches into it all the while. */
static void test_exec_watched(void)
{
    int rounds = 100, seen = 0;
    pthread_t looker, thread;
    siginfo_t info;

    looked_at = 0;
    pthread_create(&looker, NULL, looks, NULL);
    for (int i = 0; i < rounds; i++) {
        pid_t pid = fork();
        int fd;

        if (!pid) {
            pthread_create(&thread, NULL, runs_program, NULL);
            for (;;)
                pause();
        }
        looked_at = fd = pidfd_open(pid, 0);
        waitid(P_PIDFD, fd, &info, WSTOPPED);
        send(fd, SIGKILL, NULL);
        seen += waitid(P_PIDFD, fd, &info, WEXITED) == 0;
        looked_at = 0;
        close(fd);
    }
    looked_at = -1;
    pthread_join(looker, NULL);
    is(seen, rounds, "programs start while somebody reaches into them");
}

static void test_epoll(void)
{
    struct epoll_event e = {.events = EPOLLIN, .data.u64 = 5}, got;
    int ep = epoll_create1(0);
    pid_t pid = sleeper();
    int fd = pidfd_open(pid, 0), twin = dup(fd);

    is(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e), 0, "epoll takes it");
    is(epoll_wait(ep, &got, 1, 0), 0, "not yet");
    send(fd, SIGKILL, NULL);
    is(epoll_wait(ep, &got, 1, 5000), 1, "the end");
    ok(got.events == EPOLLIN && got.data.u64 == 5, "is told");
    close(fd);
    is(epoll_wait(ep, &got, 1, 0), 1, "by the other descriptor, too");
    close(twin);
    is(epoll_wait(ep, &got, 1, 0), 0, "until that is closed");
    waitpid(pid, NULL, 0);
    close(ep);
}

static void test_getfd(void)
{
    int p[2], fd, got;
    pid_t pid;
    char c = 0;

    pipe(p);
    pid = fork();
    if (!pid) {
        close(p[0]);
        dup2(p[1], 100);
        write(p[1], "r", 1);
        for (;;)
            pause();
    }
    read(p[0], &c, 1);
    fd = pidfd_open(pid, 0);
    got = getfd(fd, 100);
    ok(got >= 0, "pidfd_getfd");
    is(fcntl(got, F_GETFD), FD_CLOEXEC, "closed on exec");
    close(p[1]);
    kill(pid, SIGKILL);
    is(ready(fd, 5000), POLLIN, "the other one has gone");
    write(got, "y", 1);
    is(read(p[0], &c, 1), 1, "its pipe is still there");
    is(c, 'y', "and works");
    close(got);
    is(read(p[0], &c, 1), 0, "it was the last end");
    waitpid(pid, NULL, 0);
    close(fd);
    fd = pidfd_open(getpid(), 0);
    errno_is(getfd(fd, 99), EBADF, "a descriptor that it has not");
    errno_is(getfd(p[0], 0), EBADF, "of what is no pidfd");
    errno_is(syscall(SYS_pidfd_getfd, fd, 0, 1), EINVAL, "a flag");
    close(fd);
    close(p[0]);
}

/* Who may, as ptrace(2) has it. */
static int as_user(void)
{
    pid_t other, mine;
    int fd;

    MUST(setgid(1000) == 0 && setuid(1000) == 0);
    other = getppid();
    fd = pidfd_open(other, 0);
    MUST(fd >= 0);
    MUST(send(fd, 0, NULL) == -1 && errno == EPERM);
    MUST(getfd(fd, 0) == -1 && errno == EPERM);
    close(fd);
    prctl(PR_SET_DUMPABLE, 1);
    mine = sleeper();
    fd = pidfd_open(mine, 0);
    MUST(send(fd, 0, NULL) == 0);
    close(getfd(fd, 1));
    MUST(getfd(fd, 1) >= 0);
    kill(mine, SIGKILL);
    waitpid(mine, NULL, 0);
    prctl(PR_SET_DUMPABLE, 0);
    mine = sleeper();
    fd = pidfd_open(mine, 0);
    MUST(send(fd, 0, NULL) == 0);
    MUST(getfd(fd, 1) == -1 && errno == EPERM);
    kill(mine, SIGKILL);
    waitpid(mine, NULL, 0);
    return 0;
}

/* A child that has ended; not seen yet. */
static pid_t short_child(void)
{
    pid_t pid = vfork();

    if (!pid)
        _exit(0);
    return pid;
}

/* A descriptor does not follow its number to the next process. */
static void test_reuse(void)
{
    pid_t first, pid;
    int fd, dir, file, n;
    char path[32];

    while ((first = short_child()) <= 300) /* those are given once only */
        waitpid(first, NULL, 0);
    fd = pidfd_open(first, 0);
    sprintf(path, "/proc/%d", first);
    dir = open(path, O_RDONLY | O_DIRECTORY);
    sprintf(path, "/proc/%d/stat", first);
    file = open(path, O_RDONLY);
    waitpid(first, NULL, 0);
    pid = short_child();
    for (n = 0; n < 40000 && pid != first; n++) {
        waitpid(pid, NULL, 0);
        pid = short_child();
    }
    is(pid, first, "the number comes again");
    errno_is(send(fd, 0, NULL), ESRCH, "but not for the old descriptor");
    is(pid_line(fd), -1, "which says so");
    errno_is(send(dir, 0, NULL), ESRCH, "nor for what is open of /proc");
    errno_is(openat(dir, "stat", O_RDONLY), ESRCH, "with nothing in it");
    errno_is(read(file, path, 9), ESRCH, "and nothing to read");
    waitpid(pid, NULL, 0);
    close(file);
    close(dir);
    close(fd);
}

int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "stay")) {
        raise(SIGSTOP);
        for (;;)
            pause();
    }
    test_open();
    test_send();
    test_waitid();
    test_clone();
    test_threads();
    test_exec();
    test_exec_watched();
    test_epoll();
    test_getfd();
    is(in_child(as_user), 0, "who may send, and take");
    test_reuse();
    return done();
}
