/*
 * pipe.c - pipes, fifos and eventfds.  The same lines hold on Linux.
 */
#define _GNU_SOURCE
#include "tap.h"
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

static char buf[1 << 17];
static volatile int signals;

static void on_signal(int sig)
{
    (void)sig;
    signals++;
}

static void test_basics(void)
{
    struct stat st;
    int p[2], n;

    is(pipe(p), 0, "pipe");
    is(write(p[1], "hello", 5), 5, "write");
    is(ioctl(p[0], FIONREAD, &n), 0, "FIONREAD");
    is(n, 5, "tells what is there");
    is(read(p[0], buf, 3), 3, "read a part");
    is(read(p[0], buf + 3, 10), 2, "read the rest");
    ok(!memcmp(buf, "hello", 5), "in order");
    errno_is(lseek(p[0], 0, SEEK_SET), ESPIPE, "lseek");
    errno_is(pread(p[0], buf, 1, 0), ESPIPE, "pread");
    errno_is(write(p[0], buf, 1), EBADF, "write at the reading end");
    errno_is(read(p[1], buf, 1), EBADF, "read at the writing end");
    errno_is(ftruncate(p[1], 0), EINVAL, "ftruncate");
    errno_is(fsync(p[1]), EINVAL, "fsync");
    errno_is(write(p[1], (void *)8, 5), EFAULT, "write from a bad address");
    is(write(p[1], "x", 1), 1, "write");
    errno_is(read(p[0], (void *)8, 1), EFAULT, "read to a bad address");
    is(read(p[0], buf, 1), 1, "loses nothing");
    fstat(p[0], &st);
    ok(S_ISFIFO(st.st_mode), "fstat says fifo");
    close(p[1]);
    is(read(p[0], buf, 1), 0, "the end when no writer is left");
    close(p[0]);
    errno_is(syscall(SYS_pipe2, p, 0x8000000), EINVAL, "pipe2, a bad flag");
    errno_is(syscall(SYS_pipe2, 8, 0), EFAULT, "pipe2 to a bad address");
    is(pipe2(p, O_CLOEXEC | O_NONBLOCK), 0, "pipe2");
    is(fcntl(p[0], F_GETFD), FD_CLOEXEC, "close-on-exec");
    errno_is(read(p[0], buf, 1), EAGAIN, "nothing there yet");
    close(p[0]);
    close(p[1]);
}

static void test_capacity(void)
{
    int p[2], total = 0, n;

    pipe2(p, O_NONBLOCK);
    is(fcntl(p[0], F_GETPIPE_SZ), 65536, "F_GETPIPE_SZ");
    while ((n = write(p[1], buf, 4096)) > 0)
        total += n;
    is(total, 65536, "so much fits");
    errno_is(write(p[1], buf, 1), EAGAIN, "and no byte more");
    is(read(p[0], buf, 4096), 4096, "a page taken out");
    is(write(p[1], buf, 10000), 4096, "makes room for one");
    errno_is(fcntl(p[0], F_SETPIPE_SZ, 4096), EBUSY, "shrinking a full one");
    is(fcntl(p[0], F_SETPIPE_SZ, 100000), 131072, "growing");
    total = 0;
    while ((n = write(p[1], buf, 4096)) > 0)
        total += n;
    is(total, 65536, "as much again fits");
    total = 0;
    while ((n = read(p[0], buf, sizeof(buf))) > 0)
        total += n;
    is(total, 131072, "and comes out");
    is(fcntl(p[0], F_SETPIPE_SZ, 4096), 4096, "shrinking an empty one");
    is(fcntl(p[0], F_SETPIPE_SZ, 0), 4096, "to the least there is");
    close(p[0]);
    close(p[1]);
}

/* A full pipe whose first page is partly read: what is written then comes
 * round to that page. */
static void test_wrap(void)
{
    int p[2], i, n, bad = 0;

    pipe2(p, O_NONBLOCK);
    for (i = 0; i < 65536; i++)
        buf[i] = i * 7 >> 3;
    write(p[1], buf, 65536);
    read(p[0], buf, 1000);
    for (i = 0; i < 1000; i++)
        buf[i] = 50 + i % 50;
    n = write(p[1], buf, 1000);
    if (n != 1000) { /* Linux keeps pages whole: no room before one is free */
        read(p[0], buf + 1000, 4096 - 1000);
        n = write(p[1], buf, 1000);
    }
    is(n, 1000, "a write into the space of what was read");
    if (fcntl(p[0], F_SETPIPE_SZ, 131072) != 131072)
        bad = 1;
    memset(buf, 0, sizeof(buf));
    i = 0;
    while ((n = read(p[0], buf + i, 777)) > 0)
        i += n;
    for (n = 0; n < 1000; n++)
        bad += buf[i - 1000 + n] != 50 + n % 50;
    is(bad, 0, "comes out last and whole, also after growing");
    for (i = 0; i < 100; i++) {
        write(p[1], buf, 65000);
        n = read(p[0], buf, 65000);
        bad += n != 65000;
    }
    is(bad, 0, "again and again");
    close(p[0]);
    close(p[1]);
}

/* A child writes numbers in pieces of odd sizes; all must arrive. */
static void test_stream(void)
{
    unsigned i, bad = 0, expected = 0, words = 1 << 18;
    static uint32_t in[4096];
    int p[2], status;
    pid_t pid;
    ssize_t n, have = 0;

    pipe(p);
    pid = fork();
    if (!pid) {
        static uint32_t out[3001];
        unsigned next = 0;

        close(p[0]);
        while (next < words) {
            unsigned piece = next % 3000 + 1;

            if (piece > words - next)
                piece = words - next;
            for (i = 0; i < piece; i++)
                out[i] = next++;
            if (write(p[1], out, piece * 4) != (ssize_t)piece * 4)
                _exit(1);
        }
        _exit(0);
    }
    close(p[1]);
    while ((n = read(p[0], (char *)in + have, sizeof(in) - have)) > 0) {
        have += n;
        for (i = 0; i < have / 4; i++)
            bad += in[i] != expected++;
        memmove(in, (char *)in + have / 4 * 4, have % 4);
        have %= 4;
    }
    waitpid(pid, &status, 0);
    is(status, 0, "the writer ended well");
    is(expected, words, "a megabyte arrives");
    is(bad, 0, "in order");
    close(p[0]);
}

/* Writes of up to PIPE_BUF bytes are never mixed with others'. */
static void test_atomic(void)
{
    int p[2], i, j, mixed = 0, total = 0;
    static char in[512];

    pipe(p);
    for (i = 0; i < 4; i++) {
        if (!fork()) {
            char line[512];

            memset(line, 'a' + i, sizeof(line));
            for (j = 0; j < 100; j++)
                if (write(p[1], line, sizeof(line)) != sizeof(line))
                    _exit(1);
            _exit(0);
        }
    }
    close(p[1]);
    while (1) {
        ssize_t n, have = 0;

        while (have < (ssize_t)sizeof(in) &&
               (n = read(p[0], in + have, sizeof(in) - have)) > 0)
            have += n;
        if (!have)
            break;
        total += have;
        for (i = 1; i < have; i++)
            mixed += in[i] != in[0];
    }
    while (wait(NULL) > 0)
        ;
    is(total, 4 * 100 * 512, "four writers' bytes");
    is(mixed, 0, "never mixed");
    close(p[0]);
}

static void test_broken(void)
{
    struct sigaction sa = {.sa_handler = on_signal}, old;
    int p[2], status;
    pid_t pid;

    pipe(p);
    close(p[0]);
    pid = fork();
    if (!pid) {
        write(p[1], "x", 1);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE,
       "writing to nobody ends a process by SIGPIPE");
    sigaction(SIGPIPE, &sa, &old);
    errno_is(write(p[1], "x", 1), EPIPE, "or");
    is(signals, 1, "after the handler");
    sigaction(SIGPIPE, &old, NULL);
    close(p[1]);
}

static void test_interrupted(void)
{
    struct sigaction sa = {.sa_handler = on_signal};
    int p[2];
    pid_t pid;

    pipe(p);
    signals = 0;
    sigaction(SIGUSR1, &sa, NULL);
    pid = fork();
    if (!pid) {
        usleep(50000);
        kill(getppid(), SIGUSR1);
        usleep(50000);
        write(p[1], "x", 1);
        _exit(0);
    }
    errno_is(read(p[0], buf, 1), EINTR, "a handler interrupts a read");
    is(read(p[0], buf, 1), 1, "which then gets its byte");
    waitpid(pid, NULL, 0);
    sa.sa_flags = SA_RESTART;
    sigaction(SIGUSR1, &sa, NULL);
    pid = fork();
    if (!pid) {
        usleep(50000);
        kill(getppid(), SIGUSR1);
        usleep(50000);
        write(p[1], "y", 1);
        _exit(0);
    }
    is(read(p[0], buf, 1), 1, "SA_RESTART goes on reading");
    is(signals, 2, "after the handler");
    waitpid(pid, NULL, 0);
    close(p[0]);
    close(p[1]);
}

static void test_readv(void)
{
    struct iovec iov[2] = {{buf, 3}, {buf + 100, 50}};
    int p[2];

    pipe(p);
    write(p[1], "abc", 3);
    is(readv(p[0], iov, 2), 3, "readv does not wait for the second part");
    write(p[1], "abcd", 4);
    is(readv(p[0], iov, 2), 4, "but takes what is there");
    is(buf[100], 'd', "into it");
    is(writev(p[1], iov, 1), 3, "writev");
    close(p[0]);
    close(p[1]);
}

static void test_fifo(void)
{
    static const char name[] = "/tmp/pipe-test-fifo";
    struct pollfd pfd;
    int r, w, status;
    pid_t pid;

    unlink(name);
    is(mkfifo(name, 0600), 0, "mkfifo");
    pid = fork();
    if (!pid) {
        w = open(name, O_WRONLY);
        write(w, "through", 7);
        _exit(0);
    }
    r = open(name, O_RDONLY);
    ok(r >= 0, "open waits for the writer");
    is(read(r, buf, 100), 7, "whose bytes come");
    waitpid(pid, &status, 0);
    is(read(r, buf, 100), 0, "and whose end");
    pfd = (struct pollfd){r, POLLIN, 0};
    is(poll(&pfd, 1, 0), 1, "poll");
    is(pfd.revents, POLLHUP, "says hung up");
    w = open(name, O_WRONLY | O_NONBLOCK);
    ok(w >= 0, "another writer");
    is(poll(&pfd, 1, 0), 0, "poll says nothing there");
    close(w);
    close(r);
    r = open(name, O_RDONLY | O_NONBLOCK);
    ok(r >= 0, "O_NONBLOCK does not wait");
    pfd.fd = r;
    is(poll(&pfd, 1, 0), 0, "and no writer yet is no hangup");
    close(r);
    r = open(name, O_RDWR);
    is(write(r, "self", 4), 4, "O_RDWR");
    is(read(r, buf, 4), 4, "is both ends");
    close(r);
    unlink(name);
}

static void test_eventfd(void)
{
    int fd = eventfd(3, EFD_NONBLOCK);
    uint64_t v = 5;

    ok(fd >= 0, "eventfd");
    is(read(fd, &v, 8), 8, "read");
    is(v, 3, "gives the count");
    errno_is(read(fd, &v, 8), EAGAIN, "and takes it");
    v = 2;
    is(write(fd, &v, 8), 8, "write");
    is(write(fd, &v, 8), 8, "again");
    errno_is(read(fd, &v, 4), EINVAL, "read of 4 bytes");
    read(fd, &v, 8);
    is(v, 4, "adds up");
    v = -1;
    errno_is(write(fd, &v, 8), EINVAL, "write of -1");
    v = -2;
    is(write(fd, &v, 8), 8, "the most");
    v = 1;
    errno_is(write(fd, &v, 8), EAGAIN, "and one more");
    close(fd);
    fd = eventfd(2, EFD_SEMAPHORE);
    read(fd, &v, 8);
    is(v, 1, "a semaphore gives one");
    close(fd);
}

int main(void)
{
    mkdir("/tmp", 01777);
    test_basics();
    test_capacity();
    test_wrap();
    test_stream();
    test_atomic();
    test_broken();
    test_interrupted();
    test_readv();
    test_fifo();
    test_eventfd();
    return done();
}
