/*
 * mm.c - what a program sees of its map: errno of every call, what a fault
 * becomes, what fork, files and mremap do to contents.  Every line also holds
 * on Linux.
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
#include <sys/stat.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <sys/wait.h>

#define PAGE 4096ul
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define KERNEL_HALF ((void *)0xffff888000000000ul)

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif
#define MADV_POPULATE_READ_ 22
#define MADV_POPULATE_WRITE_ 23

static const char path[] = "/tmp/mm-test";

static char *map(size_t pages, int prot, int flags)
{
    void *p = mmap(NULL, pages * PAGE, prot, flags, -1, 0);

    if (p == MAP_FAILED) {
        ok(0, "mmap of %zu pages: %s", pages, strerror(errno));
        exit(1);
    }
    return p;
}

static long raw_mmap(unsigned long addr, unsigned long len, int prot, int flags,
                     int fd, unsigned long offset)
{
    return syscall(SYS_mmap, addr, len, prot, flags, fd, offset);
}

static int make_file(size_t bytes)
{
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);

    if (fd < 0 || ftruncate(fd, bytes)) {
        ok(0, "%s: %s", path, strerror(errno));
        exit(1);
    }
    return fd;
}

/* ---- faults as signals ---- */

static sigjmp_buf escape;
static volatile struct {
    int sig, code;
    void *addr;
    unsigned long error;
} fault;

static void on_fault(int sig, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;

    fault.sig = sig;
    fault.code = info->si_code;
    fault.addr = info->si_addr;
    fault.error = uc->uc_mcontext.gregs[REG_ERR];
    siglongjmp(escape, 1);
}

/* 0: the access went well. */
static int try_read(const volatile char *p)
{
    fault.sig = 0;
    if (sigsetjmp(escape, 1) == 0)
        (void)*p;
    return fault.sig;
}

static int try_write(volatile char *p)
{
    fault.sig = 0;
    if (sigsetjmp(escape, 1) == 0)
        *p = 1;
    return fault.sig;
}

static void faulted(int sig, int code, const volatile void *addr,
                    unsigned long error, const char *what)
{
    if (!ok(fault.sig == sig && fault.code == code && fault.addr == addr &&
                fault.error == error,
            "%s: signal %d code %d error %lx", what, sig, code, error))
        printf("# got signal %d code %d error %lx at %p, wanted %p\n",
               fault.sig, fault.code, fault.error, fault.addr, addr);
}

static void catch_faults(void)
{
    struct sigaction action = {.sa_sigaction = on_fault,
                               .sa_flags = SA_SIGINFO | SA_NODEFER};

    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
}

static void test_faults(void)
{
    char *p = map(4, RW, ANON);
    int fd;

    munmap(p + 3 * PAGE, PAGE);
    mprotect(p + PAGE, PAGE, PROT_NONE);
    try_read(p + 3 * PAGE);
    faulted(SIGSEGV, SEGV_MAPERR, p + 3 * PAGE, 4, "read of nothing");
    try_write(p + 3 * PAGE + 5);
    faulted(SIGSEGV, SEGV_MAPERR, p + 3 * PAGE + 5, 6, "write to nothing");
    try_read(p + PAGE);
    faulted(SIGSEGV, SEGV_ACCERR, p + PAGE, 4, "read of PROT_NONE");
    mprotect(p, PAGE, PROT_READ);
    try_write(p);
    faulted(SIGSEGV, SEGV_ACCERR, p, 6, "write to read-only, not there");
    is(try_read(p), 0, "read-only can be read");
    try_write(p);
    faulted(SIGSEGV, SEGV_ACCERR, p, 7, "write to read-only, there");
    is(try_write(p + 2 * PAGE), 0, "read-write can be written");
    try_read(NULL);
    faulted(SIGSEGV, SEGV_MAPERR, NULL, 4, "NULL");
    try_read(KERNEL_HALF);
    faulted(SIGSEGV, SEGV_MAPERR, KERNEL_HALF, 5, "kernel half");
    munmap(p, 3 * PAGE);

    fd = make_file(PAGE + 100);
    p = mmap(NULL, 3 * PAGE, RW, MAP_SHARED, fd, 0);
    is(p[PAGE + 200], 0, "behind the end, in the last page: zeroes");
    try_read(p + 2 * PAGE);
    faulted(SIGBUS, BUS_ADRERR, p + 2 * PAGE, 4, "beyond the file");
    p[PAGE] = 1;
    ftruncate(fd, 10);
    try_read(p + PAGE);
    faulted(SIGBUS, BUS_ADRERR, p + PAGE, 4, "cut off by truncation");
    is(try_read(p), 0, "what is left of it");
    close(fd);
    munmap(p, 3 * PAGE);
}

/* ---- errno of mmap ---- */

static void test_mmap_errno(void)
{
    int fd = make_file(PAGE), ro = open(path, O_RDONLY);
    int wo = open(path, O_WRONLY), null = open("/dev/null", O_RDWR);
    char *p = map(1, RW, ANON);

    errno_is(raw_mmap(0, 0, RW, ANON, -1, 0), EINVAL, "no length");
    errno_is(raw_mmap(0, -1ul, RW, ANON, -1, 0), ENOMEM, "length wraps");
    errno_is(raw_mmap(0, 1ul << 47, RW, ANON, -1, 0), ENOMEM, "length 2^47");
    errno_is(raw_mmap(0, PAGE, RW, ANON, -1, 1), EINVAL, "offset of one byte");
    errno_is(raw_mmap(0, PAGE, RW, MAP_ANONYMOUS, -1, 0), EINVAL,
             "neither shared nor private");
    errno_is(raw_mmap(0, PAGE, RW, MAP_PRIVATE, -1, 0), EBADF, "descriptor -1");
    errno_is(raw_mmap(0, 0, RW, MAP_PRIVATE, 99, 0), EBADF,
             "descriptor before length");
    errno_is(raw_mmap(0, PAGE, RW, MAP_SHARED, ro, 0), EACCES,
             "shared and writable of a read-only file");
    errno_is(raw_mmap(0, PAGE, PROT_READ, MAP_PRIVATE, wo, 0), EACCES,
             "file open for writing only");
    errno_is(raw_mmap(0, PAGE, RW, MAP_SHARED, null, 0), ENODEV, "/dev/null");
    errno_is(raw_mmap((unsigned long)p + 1, PAGE, RW, ANON | MAP_FIXED, -1, 0),
             EINVAL, "fixed, not aligned");
    errno_is(
        raw_mmap((unsigned long)p, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0),
        EEXIST, "fixed without replacing, taken");
    errno_is(
        raw_mmap((unsigned long)KERNEL_HALF, PAGE, RW, ANON | MAP_FIXED, -1, 0),
        ENOMEM, "fixed in the kernel half");
    errno_is(raw_mmap(0, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS | MAP_GROWSDOWN,
                      -1, 0),
             EINVAL, "shared and growing");
    errno_is(raw_mmap(0, PAGE, RW, MAP_PRIVATE | MAP_GROWSDOWN, fd, 0), EINVAL,
             "a file, growing");
    errno_is(raw_mmap(0, PAGE, RW, MAP_SHARED, fd, -PAGE), EOVERFLOW,
             "offset and length wrap");
    ok(raw_mmap(0, 1, PROT_READ, MAP_PRIVATE, ro, 0) > 0, "length 1 is a page");
    ok(raw_mmap(0, PAGE, RW, MAP_PRIVATE, ro, 0) > 0,
       "private and writable of a read-only file");
    is(raw_mmap(0, PAGE, RW, ANON | MAP_FIXED, -1, 0), 0,
       "root may map address 0");
    is(munmap(NULL, PAGE), 0, "and unmap it");
    close(fd);
    close(ro);
    close(wo);
    close(null);
}

/* In a child that is not root. */
static void test_ordinary_user(void)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        long a, b, c;
        int ea, ec;

        if (setuid(1000))
            _exit(1);
        a = raw_mmap(0, PAGE, RW, ANON | MAP_FIXED, -1, 0);
        ea = errno;
        b = raw_mmap(0x10000, PAGE, RW, ANON | MAP_FIXED, -1, 0);
        c = raw_mmap(0xf000, PAGE, RW, ANON | MAP_FIXED, -1, 0);
        ec = errno;
        _exit(!(a == -1 && ea == EPERM && b == 0x10000 && c == -1 &&
                ec == EPERM));
    }
    waitpid(pid, &status, 0);
    is(status, 0, "below 64 KiB an ordinary user gets EPERM");
}

/* ---- errno of the others ---- */

static void test_other_errno(void)
{
    char *p = map(6, RW, ANON);
    unsigned char vec[8];

    munmap(p + 4 * PAGE, PAGE);
    errno_is(munmap(p + 1, PAGE), EINVAL, "munmap, not aligned");
    errno_is(munmap(p, 0), EINVAL, "munmap of nothing");
    errno_is(munmap((void *)-PAGE, PAGE), EINVAL, "munmap, kernel half");
    is(munmap(p + 4 * PAGE, PAGE), 0, "munmap of a hole");

    errno_is(syscall(SYS_mprotect, p + 1, PAGE, RW), EINVAL, /* libc rounds */
             "mprotect, not aligned");
    is(mprotect(p, 0, RW), 0, "mprotect of nothing");
    errno_is(mprotect(p + 3 * PAGE, 2 * PAGE, PROT_READ), ENOMEM,
             "mprotect into a hole");
    try_write(p + 3 * PAGE);
    is(fault.sig, SIGSEGV, "what lies before the hole was done");
    errno_is(mprotect(p, PAGE, 0x40), EINVAL, "mprotect, unknown bit");

    errno_is((long)mremap(p + 1, PAGE, PAGE, 0), EINVAL, "mremap, not aligned");
    errno_is((long)mremap(p, PAGE, 0, 0), EINVAL, "mremap to nothing");
    errno_is((long)mremap(p, PAGE, PAGE, 64), EINVAL, "mremap, unknown flag");
    errno_is((long)mremap(p, PAGE, PAGE, MREMAP_FIXED, p + PAGE), EINVAL,
             "mremap fixed, but not movable");
    errno_is((long)mremap(p, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
                          p + PAGE),
             EINVAL, "mremap onto itself");
    errno_is((long)mremap(p + 4 * PAGE, PAGE, PAGE, 0), EFAULT,
             "mremap of a hole");
    errno_is((long)mremap(p + 3 * PAGE, 2 * PAGE, 3 * PAGE, MREMAP_MAYMOVE),
             EFAULT, "mremap over a hole");
    errno_is((long)mremap(p, PAGE, 2 * PAGE, 0), ENOMEM,
             "mremap: no room to grow");
    errno_is((long)mremap(p, PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP),
             EINVAL, "mremap: dontunmap and another size");

    errno_is(madvise(p + 1, PAGE, MADV_DONTNEED), EINVAL, "madvise, unaligned");
    errno_is(madvise(p, PAGE, 4711), EINVAL, "madvise, unknown");
    errno_is(madvise(p, 6 * PAGE, MADV_NORMAL), ENOMEM, "madvise over a hole");
    is(madvise(p, 0, MADV_DONTNEED), 0, "madvise of nothing");
    errno_is(madvise(p + 3 * PAGE, PAGE, MADV_POPULATE_WRITE_), EINVAL,
             "populate for writing what is read-only");
    errno_is(madvise(p + 4 * PAGE, PAGE, MADV_POPULATE_READ_), ENOMEM,
             "populate a hole");

    errno_is(msync(p + 1, PAGE, MS_SYNC), EINVAL, "msync, not aligned");
    errno_is(msync(p, PAGE, MS_SYNC | MS_ASYNC), EINVAL, "msync, both ways");
    errno_is(msync(p, 6 * PAGE, MS_SYNC), ENOMEM, "msync over a hole");
    is(msync(p, PAGE, MS_SYNC), 0, "msync");

    errno_is(mincore(p + 1, PAGE, vec), EINVAL, "mincore, not aligned");
    errno_is(mincore(p, 6 * PAGE, vec), ENOMEM, "mincore over a hole");
    errno_is(mincore(p, PAGE, (void *)1), EFAULT, "mincore, bad vector");
    errno_is(mlock(p + 4 * PAGE, PAGE), ENOMEM, "mlock of a hole");
    errno_is(mlockall(0), EINVAL, "mlockall of nothing");
    errno_is(syscall(SYS_mlock2, p, PAGE, 2), EINVAL, "mlock2, unknown flag");
    is(mlock(p + 100, 1), 0, "mlock rounds to pages");
    is(munlock(p, PAGE), 0, "munlock");
    munmap(p, 6 * PAGE);
}

/* ---- contents ---- */

static int all_are(const char *p, size_t pages, int value)
{
    for (size_t i = 0; i < pages * PAGE; i += 512)
        if (p[i] != value)
            return 0;
    return 1;
}

static void test_anonymous(void)
{
    char *p = map(8, RW, ANON);
    unsigned char vec[8];

    ok(all_are(p, 8, 0), "fresh memory is zero");
    memset(p, 1, 8 * PAGE);
    is(mincore(p, 8 * PAGE, vec), 0, "mincore");
    ok(vec[0] & vec[7] & 1, "touched pages are in memory");
    madvise(p + 2 * PAGE, 2 * PAGE, MADV_DONTNEED);
    ok(all_are(p + 2 * PAGE, 2, 0) && all_are(p, 2, 1), "DONTNEED forgets");
    mprotect(p, 8 * PAGE, PROT_NONE);
    mprotect(p, 8 * PAGE, RW);
    ok(all_are(p, 2, 1), "PROT_NONE and back keeps contents");
    munmap(p, 8 * PAGE);
    p = map(4, RW, ANON | MAP_POPULATE);
    is(mincore(p, 4 * PAGE, vec), 0, "mincore of a populated mapping");
    ok(vec[0] & vec[1] & vec[2] & vec[3] & 1, "MAP_POPULATE brings pages");
    munmap(p, 4 * PAGE);
}

static void test_fork(void)
{
    char *mine = map(4, RW, ANON),
         *shared = map(4, RW, MAP_SHARED | MAP_ANONYMOUS);
    char *dropped = map(1, RW, ANON), *wiped = map(1, RW, ANON);
    int status;
    pid_t pid;

    memset(mine, 1, 4 * PAGE);
    memset(shared, 1, 4 * PAGE);
    wiped[0] = dropped[0] = 1;
    is(madvise(dropped, PAGE, MADV_DONTFORK), 0, "MADV_DONTFORK");
    is(madvise(wiped, PAGE, 18 /* MADV_WIPEONFORK */), 0, "MADV_WIPEONFORK");
    pid = fork();
    if (pid == 0) {
        int good = all_are(mine, 4, 1) && wiped[0] == 0 &&
                   try_read(dropped) == SIGSEGV;

        memset(mine, 2, 2 * PAGE);
        memset(shared, 2, 2 * PAGE);
        _exit(good ? 0 : 1);
    }
    waitpid(pid, &status, 0);
    is(status, 0, "the child has copies of what is private");
    ok(all_are(mine, 4, 1), "its writes stay its own");
    ok(all_are(shared, 2, 2) && all_are(shared + 2 * PAGE, 2, 1),
       "shared memory is shared");
    memset(mine, 3, 4 * PAGE);
    ok(all_are(mine, 4, 3), "the parent may write again");
}

static void test_file(void)
{
    int fd = make_file(4 * PAGE);
    char *shared = mmap(NULL, 4 * PAGE, RW, MAP_SHARED, fd, 0);
    char *private = mmap(NULL, 4 * PAGE, RW, MAP_PRIVATE, fd, 0);
    char *part = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 2 * PAGE);
    char buf[16] = "";

    is(pwrite(fd, "hello", 5, 2 * PAGE), 5, "pwrite");
    ok(!memcmp(shared + 2 * PAGE, "hello", 5), "a shared mapping shows it");
    ok(!memcmp(private + 2 * PAGE, "hello", 5), "a private one too");
    ok(!memcmp(part, "hello", 5), "and one that starts there");
    private[2 * PAGE] = 'J';
    is(shared[2 * PAGE], 'h', "a private write stays private");
    shared[2 * PAGE + 1] = 'a';
    is(private[2 * PAGE + 1], 'e', "a copied page no longer follows");
    is(pread(fd, buf, 5, 2 * PAGE), 5, "pread");
    ok(!memcmp(buf, "hallo", 5), "a shared write is in the file");
    close(fd);
    shared[0] = 7;
    is(private[0], 7, "mappings outlive the descriptor");
    is(mprotect(part, PAGE, RW), 0,
       "a shared mapping of a file open for writing may become writable");
    munmap(shared, 4 * PAGE);
    munmap(private, 4 * PAGE);
    munmap(part, PAGE);
    fd = open(path, O_RDONLY);
    part = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
    errno_is(mprotect(part, PAGE, RW), EACCES,
             "but not one of a file open for reading");
    is(part[0], 7, "contents are kept");
    close(fd);
    munmap(part, PAGE);
}

static void test_mremap(void)
{
    char *p = map(8, RW, ANON), *q, *to = map(8, PROT_NONE, ANON);

    memset(p, 1, 8 * PAGE);
    q = mremap(p, 8 * PAGE, 4 * PAGE, 0);
    ok(q == p, "shrinking stays in place");
    is(try_read(p + 4 * PAGE), SIGSEGV, "what was cut off is gone");
    q = mremap(p, 4 * PAGE, 8 * PAGE, 0);
    ok(q == p, "growing back in place");
    ok(all_are(p, 4, 1) && all_are(p + 4 * PAGE, 4, 0), "zeroes behind");
    q = mremap(p, 8 * PAGE, 8 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to);
    ok(q == to && all_are(to, 4, 1), "moved to a place of choice");
    is(try_read(p), SIGSEGV, "the old place is empty");
    p = mremap(to, 8 * PAGE, 8 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0);
    ok(p != to && p != MAP_FAILED && all_are(p, 4, 1), "moved, not unmapped");
    ok(all_are(to, 8, 0), "the old place reads as zeroes");
    munmap(p, 8 * PAGE);
    munmap(to, 8 * PAGE);
}

static void test_brk(void)
{
    long start = syscall(SYS_brk, 0);
    long end = (start + PAGE - 1) & -PAGE;

    is(syscall(SYS_brk, end + 5 * PAGE), end + 5 * PAGE, "brk grows");
    ok(all_are((char *)end, 5, 0), "fresh break is zero");
    memset((void *)end, 1, 5 * PAGE);
    is(syscall(SYS_brk, end + 1), end + 1, "brk shrinks");
    is(try_read((char *)end + PAGE), SIGSEGV, "beyond it nothing");
    is(syscall(SYS_brk, end + 5 * PAGE), end + 5 * PAGE, "brk grows again");
    ok(all_are((char *)end + PAGE, 4, 0), "zero again");
    is(syscall(SYS_brk, 1), end + 5 * PAGE, "a silly break changes nothing");
    syscall(SYS_brk, start);
}

/* The BIOS's page through /dev/mem: frames without reference counts. */
static void test_frames(void)
{
    int fd = open("/dev/mem", O_RDWR), status;
    char *p, *q, first;
    pid_t pid;

    if (fd < 0) {
        skip("frames of a device", strerror(errno));
        return;
    }
    p = mmap(NULL, 2 * PAGE, RW, MAP_PRIVATE, fd, 0xf0000);
    q = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0xf0000);
    ok(p != MAP_FAILED && q != MAP_FAILED, "two mappings of the BIOS");
    ok(!memcmp(p, q, PAGE), "show the same");
    first = p[0];
    pid = fork(); /* before the write: Linux 6.1 cannot fork a copied frame */
    if (pid == 0) {
        p[0] = ~first;
        p[PAGE] = 6;
        _exit(p[0] != (char)~first || q[0] != first);
    }
    waitpid(pid, &status, 0);
    is(status, 0, "a child's private write copies the frame");
    ok(p[0] == first, "and is its own");
    p[0] = ~first;
    ok(p[0] == (char)~first && q[0] == first && !memcmp(p + 1, q + 1, PAGE - 1),
       "so does the parent's");
    errno_is((long)mremap(q, PAGE, 2 * PAGE, MREMAP_MAYMOVE), EFAULT,
             "a mapping of frames does not grow");
    is(munmap(p, 2 * PAGE), 0, "munmap of the private one");
    is(munmap(q, PAGE), 0, "munmap of the shared one");
    close(fd);
}

/* ---- kernel copies ---- */

static void test_bad_pointers(void)
{
    char *p = map(3, RW, ANON);
    int fd = make_file(3 * PAGE), pipes[2];

    mprotect(p + PAGE, PAGE, PROT_NONE);
    errno_is(pread(fd, p + PAGE, 10, 0), EFAULT, "read into PROT_NONE");
    errno_is(pread(fd, KERNEL_HALF, 10, 0), EFAULT, "read into the kernel");
    errno_is(pread(fd, (void *)0x800000000000, 10, 0), EFAULT,
             "read into the non-canonical hole");
    is(pread(fd, p + PAGE - 10, 100, 0), 10, "read up to the bad page");
    is(pwrite(fd, p + PAGE - 10, 100, 0), 10, "write up to the bad page");
    errno_is(pwrite(fd, p + PAGE, 10, 0), EFAULT, "write from PROT_NONE");
    is(pipe(pipes), 0, "pipe");
    errno_is(write(pipes[1], p + PAGE, 10), EFAULT, "pipe from PROT_NONE");
    errno_is(open(KERNEL_HALF, O_RDONLY), EFAULT, "path in the kernel half");
    errno_is(open(p + PAGE, O_RDONLY), EFAULT, "path in PROT_NONE");
    p[PAGE - 1] = 'x';
    errno_is(open(p + PAGE - 1, O_RDONLY), EFAULT, "path runs into PROT_NONE");
    p[PAGE - 1] = 0;
    errno_is(open(p + PAGE - 1, O_RDONLY), ENOENT, "path ends just before it");
    mprotect(p, PAGE, PROT_READ);
    errno_is(pread(fd, p, 10, 0), EFAULT, "read into read-only memory");
    is(pread(fd, p + 2 * PAGE, PAGE, 0), PAGE, "read into untouched memory");
    close(pipes[0]);
    close(pipes[1]);
    close(fd);
    munmap(p, 3 * PAGE);

    /* A buffer that is a mapping of the very file. */
    fd = make_file(2 * PAGE);
    p = mmap(NULL, 2 * PAGE, RW, MAP_SHARED, fd, 0);
    is(pwrite(fd, p + PAGE, PAGE, 0), PAGE, "write from a mapping of the file");
    is(pread(fd, p, PAGE, PAGE), PAGE, "read into a mapping of the file");
    munmap(p, 2 * PAGE);
    close(fd);
}

/* ---- stack ---- */

static int __attribute__((noinline)) descend(int depth)
{
    volatile char frame[8192];

    frame[0] = depth;
    return depth ? descend(depth - 1) + frame[0] : 0;
}

static void test_stack(void)
{
    int status;
    pid_t pid;

    ok(descend(100) >= 0, "the stack grows by 800 KiB");
    pid = fork();
    if (pid == 0) {
        signal(SIGSEGV, SIG_DFL);
        descend(100000);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV,
       "beyond its limit it does not");
    pid = fork();
    if (pid == 0) {
        struct rlimit small = {64 << 20, 64 << 20};

        setrlimit(RLIMIT_AS, &small);
        _exit(raw_mmap(0, 128 << 20, RW, ANON, -1, 0) != -1 || errno != ENOMEM);
    }
    waitpid(pid, &status, 0);
    is(status, 0, "RLIMIT_AS holds");
}

/* ---- /proc/self/maps ---- */

/* Lines of maps that lie in [start, end); the first one's text.  No stdio:
 * its buffer could land in the hole that is looked at. */
static int count_lines(char *start, char *end, char *first, size_t size)
{
    static char text[65536];
    int fd = open("/proc/self/maps", O_RDONLY), n = 0;
    unsigned long from, to;
    size_t len = 0;
    ssize_t got;

    while ((got = read(fd, text + len, sizeof(text) - 1 - len)) > 0)
        len += got;
    close(fd);
    text[len] = 0;
    *first = 0;
    for (char *line = text; *line;) {
        char *next = strchr(line, '\n') + 1;

        if (sscanf(line, "%lx-%lx", &from, &to) == 2 &&
            from >= (unsigned long)start && to <= (unsigned long)end &&
            n++ == 0)
            snprintf(first, size, "%.*s", (int)(next - line), line);
        line = next;
    }
    return n;
}

static void test_maps(void)
{
    char *p = map(8, PROT_NONE, ANON), line[512], want[512];
    char *q = p + PAGE;
    int fd;

    mprotect(q, 6 * PAGE, RW);
    is(count_lines(q, q + 6 * PAGE, line, sizeof(line)), 1, "one line");
    snprintf(want, sizeof(want), "%08lx-%08lx rw-p 00000000 00:00 0 \n",
             (unsigned long)q, (unsigned long)q + 6 * PAGE);
    ok(!strcmp(line, want), "as Linux writes it");
    mprotect(q + 2 * PAGE, PAGE, PROT_READ);
    is(count_lines(q, q + 6 * PAGE, line, sizeof(line)), 3,
       "mprotect of the middle makes three");
    mprotect(q + 2 * PAGE, PAGE, RW);
    is(count_lines(q, q + 6 * PAGE, line, sizeof(line)), 1, "and back one");
    munmap(q + PAGE, PAGE);
    is(count_lines(q, q + 6 * PAGE, line, sizeof(line)), 2,
       "munmap of the middle makes two");
    fd = make_file(4 * PAGE);
    mmap(q, 2 * PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, fd, PAGE);
    count_lines(q, q + 2 * PAGE, line, sizeof(line));
    ok(strstr(line, " r--s 00001000 ") && strstr(line, " /tmp/mm-test\n"),
       "a file's offset and path");
    ok(strlen(line) > 74 && strchr(line, '/') - line == 73,
       "the name in column 73");
    close(fd);
    munmap(p, 8 * PAGE);
}

/* ---- the same random work on both kernels ---- */

#define WINDOW 64
#define AREA ((char *)0x200000000)

static uint64_t rng = 20261120, hash = 14695981039346656037ul;

static unsigned int any(unsigned int below)
{
    rng = rng * 6364136223846793005ul + 1442695040888963407ul;
    return (rng >> 33) % below;
}

static void mix(uint64_t value)
{
    hash = (hash ^ value) * 1099511628211ul;
}

static long one_operation(int fd)
{
    unsigned int page = any(WINDOW), n = 1 + any(WINDOW - page);
    char *p = AREA + page * PAGE;
    int prot = any(4) ? RW : (int)any(4);

    switch (any(8)) {
    case 0:
        return munmap(p, n * PAGE);
    case 1:
        return mprotect(p, n * PAGE, prot);
    case 2: /* one page: whether more of them are one VMA may differ */
        return (long)mremap(p, PAGE, n * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
                            AREA + any(WINDOW) * PAGE) >>
               12;
    case 3:
        return (long)mremap(p, PAGE, n * PAGE, 0) >> 12;
    case 4:
        return madvise(p, n * PAGE, MADV_DONTNEED);
    case 5:
        return (long)mmap(p, n * PAGE, RW,
                          (any(2) ? MAP_SHARED : MAP_PRIVATE) | MAP_FIXED, fd,
                          any(8) * PAGE) >>
               12;
    default:
        return (long)mmap(p, n * PAGE, prot, ANON | MAP_FIXED, -1, 0) >> 12;
    }
}

static void test_random(void)
{
    int fd = make_file(32 * PAGE), status;
    pid_t pid;

    for (int i = 0; i < 4000; i++) {
        long ret;

        errno = 0;
        ret = one_operation(fd);
        mix(ret);
        mix(ret == -1 ? errno : 0);
        for (int j = 0; j < 4; j++) {
            volatile char *p = AREA + any(WINDOW) * PAGE + any(PAGE);

            mix(j % 2 ? try_read(p) : try_write(p));
            mix(fault.sig ? fault.code : j % 2 ? *p : 0);
        }
        if (i % 500 == 0) { /* a child changes its copy and goes */
            pid = fork();
            if (pid == 0) {
                for (int j = 0; j < WINDOW; j++)
                    try_write(AREA + j * PAGE);
                _exit(0);
            }
            waitpid(pid, &status, 0);
            mix(status);
        }
    }
    for (int i = 0; i < WINDOW; i++) {
        const volatile char *p = AREA + i * PAGE;

        mix(try_read(p));
        for (size_t j = 0; !fault.sig && j < PAGE; j += 8)
            mix(p[j]);
    }
    ok(hash == 0x7d0d41aae9dd1efc, /* what Linux 6.1 makes of it */
       "random work comes to the same: %016lx", hash);
    munmap(AREA, WINDOW * PAGE);
    close(fd);
}

int main(void)
{
    mkdir("/tmp", 0777);
    catch_faults();
    test_faults();
    test_mmap_errno();
    test_ordinary_user();
    test_other_errno();
    test_anonymous();
    test_fork();
    test_file();
    test_mremap();
    test_brk();
    test_frames();
    test_bad_pointers();
    test_stack();
    test_maps();
    test_random();
    unlink(path);
    return done();
}
