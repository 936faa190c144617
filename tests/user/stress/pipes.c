/*
 * pipes.c - bytes and events through pipes, epoll, eventfd and
 * pseudo-terminals: what went in comes out, and nobody sleeps on.
 */
#include "stress.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <termios.h>

static void open_pipe(int fds[2], int flags)
{
    if (pipe2(fds, flags))
        lacking("pipe2", errno);
}

/* ---- bytes ---- */

static void feed(int fd, size_t total, uint64_t *sum)
{
    unsigned char data[6000];

    for (size_t done = 0; done < total;) {
        size_t n = 1 + below(sizeof(data));

        n = n < total - done ? n : total - done;
        for (size_t i = 0; i < n; i++) {
            data[i] = below(256);
            *sum += data[i];
        }
        write_all(fd, data, n);
        done += n;
    }
}

void stress_pipes(void)
{
    int fds[2], writers = 1 + below(3);
    size_t total = 1 + below(100000), got = 0;
    uint64_t *sums = shared_memory(PAGE), sum = 0;
    unsigned char data[9000];
    pid_t pids[3];
    ssize_t n;

    open_pipe(fds, 0);
    if (below(3) == 0)
        fcntl(fds[0], F_SETPIPE_SZ, 4096 << below(4));
    for (int i = 0; i < writers; i++) {
        pids[i] = fork_child();
        if (pids[i] == 0) {
            feed(fds[1], total, &sums[i]);
            _exit(0);
        }
    }
    close(fds[1]);
    while ((n = read(fds[0], data, 1 + below(sizeof(data)))) > 0) {
        got += n;
        while (n)
            sum += data[--n];
    }
    must(n == 0, "read of a pipe");
    for (int i = 0; i < writers; i++) {
        reap(pids[i], 0);
        sum -= sums[i];
    }
    must(got == writers * total && !sum, "%zu bytes of %zu, sum off by %lld",
         got, writers * total, (long long)sum);
}

/* ---- epoll: several waiters, edge or level, every byte fetched ---- */

#define SOURCES 4

static struct {
    int epoll, done; /* done: an eventfd, level, that ends all waiters */
    int pipes[SOURCES][2];
    uint32_t mode;
    long sent, fetched;
} polled;

static void fetch(int i)
{
    char data[16];
    ssize_t n;

    while ((n = read(polled.pipes[i][0], data, 1 + below(16))) > 0)
        __atomic_fetch_add(&polled.fetched, n, __ATOMIC_SEQ_CST);
    must(n < 0 && errno == EAGAIN, "read gave %zd", n);
}

static void *wait_and_fetch(void *arg)
{
    struct epoll_event events[3], again;

    for (;;) {
        int n = epoll_wait(polled.epoll, events, 1 + below(3), -1);

        must(n > 0 || errno == EINTR, "epoll_wait gave %d", n);
        for (int i = 0; i < n; i++) {
            if (events[i].data.u32 == SOURCES)
                return NULL;
            fetch(events[i].data.u32);
            if (!(polled.mode & EPOLLONESHOT))
                continue;
            again = (struct epoll_event){EPOLLIN | polled.mode,
                                         {.u32 = events[i].data.u32}};
            must(!epoll_ctl(polled.epoll, EPOLL_CTL_MOD,
                            polled.pipes[events[i].data.u32][0], &again),
                 "epoll_ctl MOD");
        }
    }
}

static void *send_bytes(void *arg)
{
    for (int i = 0; i < 300; i++) {
        char data[8] = "12345678";
        size_t n = 1 + below(8);

        write_all(polled.pipes[below(SOURCES)][1], data, n);
        __atomic_fetch_add(&polled.sent, n, __ATOMIC_SEQ_CST);
        if (below(10) == 0)
            sched_yield();
    }
    return NULL;
}

static void watch(int fd, uint32_t events, uint32_t tag)
{
    struct epoll_event event = {events, {.u32 = tag}};

    if (epoll_ctl(polled.epoll, EPOLL_CTL_ADD, fd, &event))
        lacking("epoll_ctl", errno);
}

void stress_epoll(void)
{
    struct crew waiters = {.n = 0}, senders = {.n = 0};
    static const uint32_t modes[] = {0, EPOLLET, EPOLLONESHOT,
                                     EPOLLET | EPOLLONESHOT};
    uint64_t one = 1, start;

    polled.mode = modes[below(4)];
    polled.epoll = epoll_create1(0);
    polled.done = eventfd(0, 0);
    if (polled.epoll < 0 || polled.done < 0)
        lacking("epoll_create or eventfd", errno);
    for (int i = 0; i < SOURCES; i++) {
        open_pipe(polled.pipes[i], 0);
        fcntl(polled.pipes[i][0], F_SETFL, O_NONBLOCK);
        watch(polled.pipes[i][0], EPOLLIN | polled.mode, i);
    }
    watch(polled.done, EPOLLIN, SOURCES);
    for (int n = below(3); n >= 0; n--)
        crew_add(&waiters, wait_and_fetch, NULL);
    for (int n = below(3); n >= 0; n--)
        crew_add(&senders, send_bytes, NULL);
    crew_join(&senders);
    start = now_ns();
    while (__atomic_load_n(&polled.fetched, __ATOMIC_SEQ_CST) < polled.sent) {
        must(now_ns() - start < 20000000000ull,
             "%ld bytes sent, %ld fetched, mode %#x", polled.sent,
             polled.fetched, polled.mode);
        pause_us(200);
    }
    write_all(polled.done, &one, sizeof(one));
    crew_join(&waiters);
    must(polled.fetched == polled.sent, "%ld bytes sent, %ld fetched",
         polled.sent, polled.fetched);
}

/* ---- eventfd as a semaphore ---- */

#define TOKENS 400

static int tokens_fd;
static uint64_t taken;

static void *take_tokens(void *arg)
{
    for (int i = 0; i < TOKENS; i++) {
        struct pollfd pfd = {tokens_fd, POLLIN, 0};
        uint64_t n = 0;

        if (below(2))
            must(poll(&pfd, 1, 30000) == 1, "poll of an eventfd");
        must(read(tokens_fd, &n, sizeof(n)) == sizeof(n) && n == 1, "token %d",
             (int)n);
        __atomic_fetch_add(&taken, n, __ATOMIC_SEQ_CST);
    }
    return NULL;
}

void stress_eventfd(void)
{
    struct crew crew = {.n = 0};
    uint64_t left = TOKENS * 3;

    tokens_fd = eventfd(0, EFD_SEMAPHORE);
    if (tokens_fd < 0)
        lacking("eventfd", errno);
    for (int i = 0; i < 3; i++)
        crew_add(&crew, take_tokens, NULL);
    while (left) {
        uint64_t n = 1 + below(20);

        n = n < left ? n : left;
        write_all(tokens_fd, &n, sizeof(n));
        left -= n;
        if (below(8) == 0)
            sched_yield();
    }
    crew_join(&crew);
    must(taken == TOKENS * 3, "%llu tokens taken", (unsigned long long)taken);
}

/* ---- pseudo-terminals ---- */

void stress_pty(void)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY), slave;
    char line[64], back[80], name[40];
    struct termios raw;
    unsigned int number;
    ssize_t n;

    if (master < 0) {
        if (errno == ENOENT)
            return; /* no /dev/ptmx here */
        lacking("posix_openpt", errno);
    }
    must(!unlockpt(master) && !ioctl(master, TIOCGPTN, &number), "unlockpt");
    snprintf(name, sizeof(name), "/dev/pts/%u", number);
    slave = open(name, O_RDWR | O_NOCTTY);
    if (slave < 0)
        return; /* devpts is not mounted */
    tcgetattr(slave, &raw);
    cfmakeraw(&raw);
    tcsetattr(slave, TCSANOW, &raw);
    for (int i = 0; i < 50; i++) {
        size_t size = 1 + below(sizeof(line));

        memset(line, 'a' + i % 26, size);
        write_all(i % 2 ? master : slave, line, size);
        for (size_t got = 0; got < size; got += n) {
            n = read(i % 2 ? slave : master, back, sizeof(back));
            must(n > 0 && back[0] == line[0], "read of a pty gave %zd", n);
        }
    }
    close(below(2) ? master : slave);
}
