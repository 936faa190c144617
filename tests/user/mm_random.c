/*
 * mm_random.c - the same random work on every kernel: what the calls answer,
 * which accesses fault and what memory then holds sum up to one number.
 */
#define _GNU_SOURCE
#include "faults.h"
#include "mappings.h"

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
    catch_faults();
    test_random();
    unlink(path);
    return done();
}
