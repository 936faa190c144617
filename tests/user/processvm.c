/*
 * processvm.c - process_vm_readv and process_vm_writev.  The same lines hold
 * on Linux.
 */
#define _GNU_SOURCE
#include "tap.h"
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/uio.h>

#define PAGE 4096ul
#define PAGES 40

static char *there;  /* the same place in both processes */
static char *holed;  /* three pages, the middle one gone */
static char *sealed; /* read only */
static char *closed; /* PROT_NONE */
static char *shared; /* one page that both share */
static pid_t pid;

static char *map(size_t len, int prot, int flags)
{
    return mmap(NULL, len, prot, flags | MAP_ANONYMOUS, -1, 0);
}

static struct iovec v(void *base, size_t len)
{
    return (struct iovec){base, len};
}

static ssize_t get(void *to, void *from, size_t n)
{
    struct iovec l = v(to, n), r = v(from, n);

    return process_vm_readv(pid, &l, 1, &r, 1, 0);
}

static ssize_t put(void *from, void *to, size_t n)
{
    struct iovec l = v(from, n), r = v(to, n);

    return process_vm_writev(pid, &l, 1, &r, 1, 0);
}

/* The other side: fills its memory, then says when it was changed. */
static void other_side(int out, int in)
{
    char c;

    for (size_t i = 0; i < PAGES * PAGE; i++)
        there[i] = i % 251;
    write(out, "r", 1);
    while (read(in, &c, 1) == 1) {
        uint32_t sum = 0;

        for (size_t i = 0; i < PAGES * PAGE; i++)
            sum = sum * 31 + (unsigned char)there[i];
        write(out, &sum, 4);
    }
    _exit(0);
}

static void test_read(char *buf)
{
    struct iovec l[3], r[2];
    int same = 1;

    is(get(buf, there, PAGES * PAGE), PAGES * PAGE, "all of it is read");
    for (size_t i = 0; i < PAGES * PAGE; i++)
        same &= (unsigned char)buf[i] == i % 251;
    ok(same, "and is what the other side has");
    ok(there[100] == 0, "not what is here");
    memset(buf, 0, PAGE);
    l[0] = v(buf, 3);
    l[1] = v(NULL, 0);
    l[2] = v(buf + 10, 100);
    r[0] = v(there + PAGE - 5, 10);
    r[1] = v(there + 5 * PAGE, 20);
    is(process_vm_readv(pid, l, 3, r, 2, 0), 30, "pieces of different sizes");
    same = buf[3] == 0 && buf[37] == 0;
    for (int i = 0; i < 30; i++) {
        size_t at = i < 10 ? PAGE - 5 + i : 5 * PAGE + i - 10;

        same &= (unsigned char)buf[i < 3 ? i : i + 7] == at % 251;
    }
    ok(same, "each byte at its place");
    is(process_vm_readv(pid, l, 1, r, 2, 0), 3, "no more than there is room");
}

static void test_holes(char *buf)
{
    struct iovec l = v(buf, 3 * PAGE), r[2];

    is(get(buf, holed, 3 * PAGE), PAGE, "up to a hole of theirs");
    errno_is(get(buf, holed + PAGE, PAGE), EFAULT, "from a hole");
    r[0] = v(holed + PAGE, 10);
    r[1] = v(there, 10);
    errno_is(process_vm_readv(pid, &l, 1, r, 2, 0), EFAULT, "a hole first");
    r[0] = v(there, 10);
    r[1] = v(holed + PAGE, 10);
    is(process_vm_readv(pid, &l, 1, r, 2, 0), 10, "a hole second");
    is(get(holed, there, 3 * PAGE), PAGE, "up to a hole of ours");
    errno_is(get(holed + PAGE, there, PAGE), EFAULT, "into a hole");
    is(get(holed + PAGE - 3, there, 10), 3, "to the last byte");
    errno_is(get(buf, closed, 10), EFAULT, "what they cannot read");
    errno_is(put(buf, sealed, 10), EFAULT, "what they cannot write");
    is(get(buf, sealed, 10), 10, "what they can read");
    errno_is(get(buf, (void *)0xffff888000001000, 8), EFAULT, "the kernel");
    errno_is(get((void *)0xffff888000001000, there, 8), EFAULT,
             "to the kernel");
}

static void test_write(char *buf, int in, int out)
{
    uint32_t sum = 0, theirs = 0;

    for (size_t i = 0; i < PAGES * PAGE; i++) {
        buf[i] = i * 7 % 253;
        sum = sum * 31 + (unsigned char)buf[i];
    }
    is(put(buf, there, PAGES * PAGE), PAGES * PAGE, "all of it is written");
    write(out, "g", 1);
    read(in, &theirs, 4);
    ok(theirs == sum, "and the other side sees it");
    ok(there[100] == 0, "which changes nothing here");
    strcpy(buf, "for both");
    is(put(buf, shared, 9), 9, "a page that both share");
    ok(!strcmp(shared, "for both"), "is changed for both");
}

static void test_arguments(char *buf)
{
    static struct iovec many[1025];
    struct iovec l = v(buf, 8), r = v(there, 8), none = v(buf, 0);
    struct iovec bad = v(buf, -8ul), far = v((void *)-4096ul, 8);
    pid_t gone = 0x3fffff, dead = fork();
    siginfo_t info;

    if (!dead)
        _exit(0);
    waitid(P_PID, dead, &info, WEXITED | WNOWAIT);
    errno_is(process_vm_readv(pid, &l, 1, &r, 1, 1), EINVAL, "a flag");
    errno_is(process_vm_readv(gone, &l, 1, &r, 1, 0), ESRCH, "nobody");
    errno_is(process_vm_readv(dead, &l, 1, &r, 1, 0), ESRCH, "a zombie");
    errno_is(process_vm_readv(2, &l, 1, &r, 1, 0), ESRCH, "a kernel thread");
    is(process_vm_readv(gone, &none, 1, &r, 1, 0), 0, "no room here");
    is(process_vm_readv(gone, &none, 0, &r, 1, 0), 0, "no pieces here");
    is(process_vm_readv(gone, &none, 0, NULL, 9999, 0), 0, "asks no more");
    is(process_vm_readv(gone, &l, 1, &none, 1, 0), 0, "nothing there");
    is(process_vm_readv(gone, &l, 1, &none, 0, 0), 0, "no pieces there");
    errno_is(process_vm_readv(pid, &bad, 1, &r, 1, 0), EINVAL, "negative here");
    errno_is(process_vm_readv(pid, &l, 1, &bad, 1, 0), EINVAL, "and there");
    errno_is(process_vm_readv(pid, &far, 1, &r, 1, 0), EFAULT, "far here");
    errno_is(process_vm_readv(gone, &l, 1, &far, 1, 0), ESRCH, "far there");
    errno_is(process_vm_readv(pid, &l, 1, &far, 1, 0), EFAULT, "and there is");
    errno_is(process_vm_readv(pid, NULL, 1, &r, 1, 0), EFAULT, "no vector");
    errno_is(process_vm_readv(pid, &l, 1, NULL, 1, 0), EFAULT, "nor there");
    for (int i = 0; i < 1025; i++)
        many[i] = v(there + i, i % 2);
    l = v(buf, 1000);
    errno_is(process_vm_readv(pid, &l, 1, many, 1025, 0), EINVAL, "too many");
    is(process_vm_readv(pid, &l, 1, many, 1024, 0), 512, "as many as may be");
    is(process_vm_readv(pid, many, 1024, &l, 1, 0), 512, "the other way");
    waitpid(dead, NULL, 0);
}

static int stranger(void)
{
    char byte;

    MUST(setgid(1000) == 0 && setuid(1000) == 0);
    MUST(get(&byte, there, 1) == -1 && errno == EPERM);
    pid = getpid();
    MUST(get(&byte, there, 1) == 1); /* oneself, also when not dumpable */
    prctl(PR_SET_DUMPABLE, 1);
    pid = fork();
    if (!pid)
        for (;;)
            pause();
    MUST(get(&byte, there, 1) == 1);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    prctl(PR_SET_DUMPABLE, 0);
    pid = fork();
    if (!pid)
        for (;;)
            pause();
    MUST(get(&byte, there, 1) == -1 && errno == EPERM);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    return 0;
}

int main(void)
{
    const int rw = PROT_READ | PROT_WRITE;
    char *buf = map(PAGES * PAGE, rw, MAP_PRIVATE);
    int to[2], from[2];
    char c;

    there = map(PAGES * PAGE, rw, MAP_PRIVATE);
    holed = map(3 * PAGE, rw, MAP_PRIVATE);
    sealed = map(PAGE, PROT_READ, MAP_PRIVATE);
    closed = map(PAGE, PROT_NONE, MAP_PRIVATE);
    shared = map(PAGE, rw, MAP_SHARED);
    munmap(holed + PAGE, PAGE);
    pipe(to);
    pipe(from);
    pid = fork();
    if (!pid) {
        close(to[1]);
        other_side(from[1], to[0]);
    }
    read(from[0], &c, 1);
    test_read(buf);
    test_holes(buf);
    test_write(buf, from[0], to[1]);
    test_arguments(buf);
    is(in_child(stranger), 0, "who may");
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    errno_is(get(buf, there, 1), ESRCH, "when it has gone");
    return done();
}
