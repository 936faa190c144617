/*
 * mm_errno.c - the errno of every call on a map that must be refused, and of
 * calls whose buffers are not there.  Every line also holds on Linux.
 */
#define _GNU_SOURCE
#include "faults.h"
#include "mappings.h"

#define MADV_POPULATE_READ_ 22
#define MADV_POPULATE_WRITE_ 23

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

int main(void)
{
    catch_faults();
    test_mmap_errno();
    test_ordinary_user();
    test_other_errno();
    test_bad_pointers();
    unlink(path);
    return done();
}
