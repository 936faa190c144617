/*
 * memory.c - mmap and its relatives: what is there, what faults and how, and
 * the errno of everything that must be refused.
 */
#define _GNU_SOURCE
#include "tap.h"
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define PAGE 4096ul
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

static sigjmp_buf resume;
static siginfo_t info;

static void on_fault(int sig, siginfo_t *what, void *context)
{
    (void)context;
    (void)sig;
    info = *what;
    siglongjmp(resume, 1);
}

/* 0, or the signal's number; `info` then tells the rest. */
static int poke(volatile char *p, int write)
{
    struct sigaction action = {.sa_sigaction = on_fault,
                               .sa_flags = SA_SIGINFO};

    memset(&info, 0, sizeof(info));
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
    if (!sigsetjmp(resume, 1)) {
        if (write)
            *p = 1;
        else
            (void)*p;
    }
    return info.si_signo;
}

static int faults_as(volatile char *p, int write, int sig, int code)
{
    return poke(p, write) == sig && info.si_code == code && info.si_addr == p;
}

static char *map(size_t pages, int prot)
{
    void *p = mmap(NULL, pages * PAGE, prot, ANON, -1, 0);

    return p == MAP_FAILED ? NULL : p;
}

static void anonymous(void)
{
    char *p = map(4, PROT_READ | PROT_WRITE);
    size_t i;
    int sum = 0;

    for (i = 0; i < 4 * PAGE; i++)
        sum |= p[i];
    is(sum, 0, "new memory is zero");
    memset(p, 7, 4 * PAGE);
    is(munmap(p + PAGE, PAGE), 0, "munmap in the middle");
    ok(faults_as(p + PAGE, 0, SIGSEGV, SEGV_MAPERR), "the hole is MAPERR");
    ok(p[0] == 7 && p[2 * PAGE] == 7, "its neighbours stay");
    is(mprotect(p, PAGE, PROT_READ), 0, "mprotect of a part");
    ok(faults_as(p, 1, SIGSEGV, SEGV_ACCERR), "the read-only part is ACCERR");
    ok(!poke(p + 2 * PAGE, 1), "the rest is still writable");
    is(munmap(p, 4 * PAGE), 0, "munmap over a hole");
    ok(faults_as(p, 0, SIGSEGV, SEGV_MAPERR), "nothing is left");
}

static void refusals(void)
{
    char *p = map(2, PROT_READ);

    errno_is((long)mmap(NULL, 0, PROT_READ, ANON, -1, 0), EINVAL, "length 0");
    errno_is((long)mmap(NULL, PAGE, PROT_READ, MAP_ANONYMOUS, -1, 0), EINVAL,
             "neither shared nor private");
    errno_is((long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, -1, 0), EBADF,
             "no descriptor");
    errno_is((long)mmap((void *)1, PAGE, PROT_READ, ANON | MAP_FIXED, -1, 0),
             EINVAL, "MAP_FIXED at an odd address");
    errno_is((long)mmap(NULL, -PAGE, PROT_READ, ANON, -1, 0), ENOMEM,
             "more than there is");
    errno_is((long)mmap(p, PAGE, PROT_READ, ANON | MAP_FIXED_NOREPLACE, -1, 0),
             EEXIST, "MAP_FIXED_NOREPLACE on something");
    errno_is(munmap(p + 1, PAGE), EINVAL, "munmap at an odd address");
    errno_is(munmap(p, 0), EINVAL, "munmap of nothing");
    is(munmap(p, 2 * PAGE), 0, "munmap");
    is(munmap(p, 2 * PAGE), 0, "munmap where nothing is");
    errno_is(mprotect(p, PAGE, PROT_READ), ENOMEM, "mprotect of nothing");
}

static void copy_on_write(void)
{
    char *p = map(1, PROT_READ | PROT_WRITE);
    char *shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int status = 0;
    pid_t pid;

    p[0] = 1;
    shared[0] = 1;
    pid = fork();
    if (pid == 0) {
        int seen = p[0] == 1;

        p[0] = 2;
        shared[0] = 2;
        _exit(!(seen && p[0] == 2));
    }
    waitpid(pid, &status, 0);
    is(status, 0, "a child sees the page as it was, and its own store");
    is(p[0], 1, "a private page is copied when the child writes");
    is(shared[0], 2, "a shared page is not");
    munmap(p, PAGE);
    munmap(shared, PAGE);
}

static int make_file(const char *text, size_t size)
{
    char name[] = "/tmp/memory-XXXXXX";
    int fd = mkstemp(name);

    unlink(name);
    if (ftruncate(fd, (off_t)size) < 0 || pwrite(fd, text, strlen(text), 0) < 0)
        return -1;
    return fd;
}

static void files(void)
{
    int fd = make_file("in the file", PAGE + 100);
    char *shared =
        mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    char *private =
        mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    char buf[16] = "";

    ok(!strcmp(shared, "in the file"), "a file's contents are mapped");
    memcpy(shared, "IN", 2);
    pread(fd, buf, 11, 0);
    ok(!strcmp(buf, "IN the file"), "a shared store is in the file at once");
    pwrite(fd, "xx", 2, 3);
    ok(!memcmp(shared, "IN xxe", 6), "a write(2) is in the mapping at once");
    private[0] = 'z';
    pread(fd, buf, 1, 0);
    is(buf[0], 'I', "a private store is not in the file");
    is(shared[PAGE + 200], 0, "behind the end, in the last page: zero");
    ok(faults_as(shared + 2 * PAGE, 0, SIGBUS, BUS_ADRERR),
       "a page behind the end of the file is SIGBUS");
    is(ftruncate(fd, 0), 0, "the file is cut");
    ok(faults_as(shared, 0, SIGBUS, BUS_ADRERR), "what was cut is SIGBUS");
    ok(faults_as(private, 0, SIGBUS, BUS_ADRERR),
       "and so is a private copy of it");
    munmap(shared, 3 * PAGE);
    munmap(private, PAGE);
    close(fd);
}

static void break_pointer(void)
{
    long start = syscall(SYS_brk, 0), i;
    int sum = 0;

    is(syscall(SYS_brk, start + 10000), start + 10000, "brk grows");
    for (i = 0; i < 10000; i++)
        sum |= ((char *)start)[i];
    is(sum, 0, "its memory is zero");
    is(syscall(SYS_brk, start), start, "and shrinks");
    is(syscall(SYS_brk, 1), start, "nonsense leaves it where it is");
}

static void moves(void)
{
    char *p = map(2, PROT_READ | PROT_WRITE), *q;

    if (!p)
        return;
    p[0] = 1;
    p[PAGE] = 2;
    q = mremap(p, 2 * PAGE, PAGE, 0);
    ok(q == p && faults_as(p + PAGE, 0, SIGSEGV, SEGV_MAPERR),
       "mremap shrinks in place");
    q = mremap(p, PAGE, 64 * PAGE, MREMAP_MAYMOVE);
    ok(q != MAP_FAILED && q[0] == 1 && q[63 * PAGE] == 0, "mremap grows");
    munmap(q, 64 * PAGE);
    errno_is((long)mremap(q, PAGE, 2 * PAGE, MREMAP_MAYMOVE), EFAULT,
             "mremap of nothing");
}

static void advice(void)
{
    char *p = map(2, PROT_READ | PROT_WRITE);

    p[0] = 5;
    is(madvise(p, PAGE, MADV_DONTNEED), 0, "MADV_DONTNEED");
    is(p[0], 0, "drops the page");
    errno_is(madvise(p, PAGE, 12345), EINVAL, "unknown advice");
    munmap(p, 2 * PAGE);
}

/* A deep recursion: the stack grows by faults, to its limit and no further. */
static volatile int depth_reached;
static int recurse(int depth)
{
    volatile char block[PAGE];

    block[0] = (char)depth;
    depth_reached = depth;
    return depth <= 0 ? 0 : recurse(depth - 1) + block[0];
}

static void stack_grows(void)
{
    struct rlimit limit;

    getrlimit(RLIMIT_STACK, &limit);
    recurse(1000);
    is(depth_reached, 0, "4 MiB of stack come as they are needed");
}

static void limits(void)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) { /* without an alternative stack there is no handler */
        struct rlimit limit = {6 << 20, 6 << 20};

        signal(SIGSEGV, SIG_DFL);
        setrlimit(RLIMIT_STACK, &limit);
        recurse(2000);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV,
       "a stack beyond RLIMIT_STACK is SIGSEGV");
}

/* Random mmap, munmap, mprotect against a plain array of what must be there. */
#define MODEL 64
static void random_operations(void)
{
    char *base = mmap(NULL, MODEL * PAGE, PROT_NONE, ANON, -1, 0);
    signed char model[MODEL]; /* -1 none, else PROT_* */
    unsigned long seed = 20261120;
    int round, wrong = 0, i;

    memset(model, PROT_NONE, sizeof(model));
    for (round = 0; round < 2000; round++) {
        int from, n, prot;

        seed = seed * 6364136223846793005ul + 1442695040888963407ul;
        from = (int)((seed >> 33) % MODEL);
        n = 1 + (int)((seed >> 45) % 9);
        n = n > MODEL - from ? MODEL - from : n;
        prot = (seed >> 20) & 1 ? PROT_READ | PROT_WRITE : PROT_READ;
        if ((seed >> 21) % 3 == 0) {
            munmap(base + from * PAGE, n * PAGE);
            memset(model + from, -1, (size_t)n);
        } else if ((seed >> 21) % 3 == 1) {
            mmap(base + from * PAGE, n * PAGE, prot, ANON | MAP_FIXED, -1, 0);
            memset(model + from, prot, (size_t)n);
        } else {
            int all = 1;

            for (i = from; i < from + n; i++)
                all &= model[i] >= 0;
            if (all) {
                mprotect(base + from * PAGE, n * PAGE, prot);
                memset(model + from, prot, (size_t)n);
            }
        }
        i = (int)((seed >> 13) % MODEL);
        if (model[i] < 0)
            wrong += !faults_as(base + i * PAGE, 0, SIGSEGV, SEGV_MAPERR);
        else if (!(model[i] & PROT_WRITE))
            wrong += !faults_as(base + i * PAGE, 1, SIGSEGV, SEGV_ACCERR);
        else
            wrong += poke(base + i * PAGE, 1) != 0;
    }
    is(wrong, 0, "2000 random operations leave what a flat model says");
    munmap(base, MODEL * PAGE);
}

int main(void)
{
    anonymous();
    refusals();
    copy_on_write();
    files();
    break_pointer();
    moves();
    advice();
    stack_grows();
    limits();
    random_operations();
    return done();
}
