/*
 * oom.c - when memory is used up: who ends, and that the others go on.
 */
#define _GNU_SOURCE
#include "tap.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>

#define PAGE 4096ul
#define CHUNK (64 * PAGE)

static size_t free_bytes(void)
{
    struct sysinfo info;

    sysinfo(&info);
    return (info.freeram + info.bufferram) * info.mem_unit;
}

static int set_adj(const char *text)
{
    int fd = open("/proc/self/oom_score_adj", O_WRONLY);
    ssize_t n = write(fd, text, strlen(text));

    close(fd);
    return n < 0 ? -1 : 0;
}

static int get_adj(void)
{
    char text[16] = "";
    int fd = open("/proc/self/oom_score_adj", O_RDONLY);

    if (read(fd, text, sizeof(text) - 1) < 0)
        return 12345;
    close(fd);
    return atoi(text);
}

static void use(size_t bytes)
{
    for (size_t done = 0; done < bytes; done += CHUNK) {
        char *p = mmap(NULL, CHUNK, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        for (size_t at = 0; p != MAP_FAILED && at < CHUNK; at += PAGE)
            p[at] = 1;
    }
}

/* A child that holds so much and waits, once it has it all. */
static pid_t holder(size_t bytes, const char *adj)
{
    int fds[2];
    char byte;
    pid_t pid;

    if (pipe(fds))
        return -1;
    pid = fork();
    if (pid == 0) {
        set_adj(adj);
        use(bytes);
        if (write(fds[1], "x", 1) == 1)
            for (;;)
                pause();
        _exit(1);
    }
    close(fds[1]);
    if (read(fds[0], &byte, 1) != 1)
        printf("# the holder ended before\n");
    close(fds[0]);
    return pid;
}

/* A child that asks for so much and, if it gets it, ends with 9. */
static pid_t user_of(size_t bytes)
{
    pid_t pid = fork();

    if (pid == 0) {
        use(bytes);
        _exit(9);
    }
    return pid;
}

static int status_of(pid_t pid, int options)
{
    int status = -1;

    return waitpid(pid, &status, options) == pid ? status : -1;
}

static void adjustments(void)
{
    pid_t pid;

    is(get_adj(), 0, "oom_score_adj is 0 at first");
    is(set_adj("500\n"), 0, "it can be raised");
    is(get_adj(), 500, "and read");
    errno_is(set_adj("1001"), EINVAL, "beyond 1000");
    errno_is(set_adj("word"), EINVAL, "no number");
    pid = fork();
    if (pid == 0)
        _exit(get_adj() == 500 ? 7 : 0);
    is(status_of(pid, 0), 7 << 8, "a child inherits it");
    set_adj("0");
}

/* The one that asks for the last page has less. */
static void the_largest_ends(void)
{
    size_t all = free_bytes();
    pid_t large = holder(all / 20 * 11, "0"), small = user_of(all / 20 * 10);

    is(status_of(large, 0), SIGKILL, "the largest process is ended");
    is(status_of(small, 0), 9 << 8, "who asked for the page gets it");
}

static void the_adjusted_ends(void)
{
    size_t all = free_bytes();
    pid_t large = holder(all / 20 * 11, "-1000");
    pid_t other = holder(all / 20 * 3, "900"), small = user_of(all / 20 * 7);

    is(status_of(other, 0), SIGKILL, "oom_score_adj makes another the victim");
    is(status_of(small, 0), 9 << 8, "and who asked goes on");
    is(status_of(large, WNOHANG), -1, "-1000 is never the victim");
    kill(large, SIGKILL);
    status_of(large, 0);
}

/* Everything in a loop: the memory of those who ended was given back. */
static void again_and_again(void)
{
    int killed = 0;

    for (int i = 0; i < 3; i++) {
        pid_t pid = fork();

        if (pid == 0) {
            set_adj("1000");
            use(4 * free_bytes() + (64ul << 20));
            _exit(0);
        }
        killed += status_of(pid, 0) == SIGKILL;
    }
    is(killed, 3, "who uses everything ends, each time");
}

int main(void)
{
    if (free_bytes() > 1ul << 30) {
        skip("all", "too much memory to use up");
        return done();
    }
    adjustments();
    the_largest_ends();
    the_adjusted_ends();
    again_and_again();
    return done();
}
