/*
 * file.c - what read, write, lseek, truncate, fcntl and their relatives do,
 * on regular files and devices.  The same lines hold on Linux.
 */
#define _GNU_SOURCE
#include "tap.h"
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/openat2.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>

static char dir[] = "/tmp/file-test";
static char buf[65536];
#define BAD ((void *)8)
#define KERNEL ((void *)0xffff888000000000)

static void test_open(void)
{
    int fd;

    errno_is(open("a", O_RDONLY), ENOENT, "opening what is not there");
    fd = open("a", O_RDWR | O_CREAT | O_EXCL, 0640);
    is(fd, 3, "the lowest free descriptor");
    errno_is(open("a", O_RDWR | O_CREAT | O_EXCL, 0640), EEXIST, "O_EXCL");
    errno_is(open("a/b", O_RDONLY), ENOTDIR, "a file in the middle");
    errno_is(open("a/", O_RDONLY), ENOTDIR, "a slash behind a file");
    errno_is(open("b/", O_RDWR | O_CREAT, 0600), EISDIR, "creating name/");
    errno_is(open("", O_RDONLY), ENOENT, "an empty path");
    errno_is(open(BAD, O_RDONLY), EFAULT, "a path at a bad address");
    errno_is(open(".", O_RDWR), EISDIR, "writing to a directory");
    errno_is(open("a", O_RDONLY | O_DIRECTORY), ENOTDIR, "O_DIRECTORY");
    errno_is(openat(fd, "x", O_RDONLY), ENOTDIR, "openat below a file");
    errno_is(openat(99, "x", O_RDONLY), EBADF, "openat below nothing");
    errno_is(close(99), EBADF, "closing nothing");
    errno_is(open("/dev/null/x", O_RDONLY), ENOTDIR, "below a device");
    errno_is(open("/proc/self/exe", O_WRONLY), ETXTBSY,
             "writing to a program that runs");
    close(fd);
}

static void test_rw(void)
{
    struct iovec iov[3] = {{"ab", 2}, {"", 0}, {"cde", 3}};
    int fd = open("rw", O_RDWR | O_CREAT | O_TRUNC, 0600);
    struct stat st;

    is(write(fd, "hello", 5), 5, "write");
    is(lseek(fd, 0, SEEK_CUR), 5, "moves the position");
    is(read(fd, buf, 10), 0, "read at the end");
    is(pread(fd, buf, 10, 1), 4, "pread to the end");
    ok(!memcmp(buf, "ello", 4), "of what is there");
    is(pwrite(fd, "J", 1, 0), 1, "pwrite");
    is(lseek(fd, 0, SEEK_CUR), 5, "leaves the position");
    errno_is(pread(fd, buf, 1, -1), EINVAL, "pread before the start");
    is(lseek(fd, 100000, SEEK_SET), 100000, "lseek beyond the end");
    is(write(fd, "x", 1), 1, "leaves a hole");
    fstat(fd, &st);
    is(st.st_size, 100001, "st_size after the hole");
    ok(st.st_blocks <= 24, "and few blocks");
    is(pread(fd, buf, 100, 50000), 100, "reading in the hole");
    ok(!buf[0] && !buf[99], "gives zeroes");
    is(lseek(fd, -1, SEEK_END), 100000, "SEEK_END");
    errno_is(lseek(fd, -1, SEEK_SET), EINVAL, "lseek before the start");
    errno_is(lseek(fd, 0, 9), EINVAL, "lseek from nowhere");
    errno_is(lseek(fd, 200000, SEEK_DATA), ENXIO, "SEEK_DATA beyond");
    is(lseek(fd, 8192, SEEK_DATA), 98304, "SEEK_DATA finds the page");
    is(lseek(fd, 0, SEEK_HOLE), 4096, "SEEK_HOLE finds the hole");
    is(ftruncate(fd, 3), 0, "ftruncate");
    is(pread(fd, buf, 10, 0), 3, "cuts");
    is(ftruncate(fd, 6), 0, "ftruncate upwards");
    is(pread(fd, buf, 10, 0), 6, "grows");
    ok(!memcmp(buf, "Jel\0\0\0", 6), "with zeroes");
    errno_is(ftruncate(fd, -1), EINVAL, "to a negative size");
    lseek(fd, 0, SEEK_SET);
    is(writev(fd, iov, 3), 5, "writev");
    errno_is(writev(fd, iov, 2000), EINVAL, "writev of too many");
    errno_is(writev(fd, iov, -1), EINVAL, "writev of a negative number");
    errno_is(writev(fd, BAD, 1), EFAULT, "writev of a bad vector");
    iov[0] = (struct iovec){buf, 1};
    iov[1] = (struct iovec){buf + 10, 20};
    is(preadv(fd, iov, 2, 1), 5, "preadv");
    ok(buf[0] == 'b' && buf[10] == 'c', "into both");
    close(fd);
    fd = open("rw", O_WRONLY | O_APPEND);
    is(write(fd, "end", 3), 3, "O_APPEND");
    is(lseek(fd, 0, SEEK_CUR), 9, "writes behind everything");
    errno_is(read(fd, buf, 1), EBADF, "reading what is open for writing");
    close(fd);
    fd = open("rw", O_RDONLY);
    errno_is(write(fd, buf, 1), EBADF, "writing what is open for reading");
    errno_is(ftruncate(fd, 0), EINVAL, "ftruncate of it");
    errno_is(fallocate(fd, 0, 0, 1), EBADF, "fallocate of it");
    close(fd);
}

static void test_pointers(void)
{
    int fd = open("ptr", O_RDWR | O_CREAT, 0600), null, zero;
    char *edge = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    munmap(edge + 4096, 4096);
    errno_is(write(fd, BAD, 5), EFAULT, "write from a bad address");
    errno_is(write(fd, KERNEL, 5), EFAULT, "write from the kernel");
    is(write(fd, BAD, 0), 0, "write of nothing from there");
    is(write(fd, "hello", 5), 5, "write");
    lseek(fd, 0, SEEK_SET);
    errno_is(read(fd, BAD, 5), EFAULT, "read to a bad address");
    errno_is(read(fd, KERNEL, 5), EFAULT, "read to the kernel");
    is(read(fd, edge + 4094, 5), 2, "read across an edge is short");
    errno_is(read(99, buf, 1), EBADF, "read of nothing");
    errno_is(read(-1, buf, 1), EBADF, "read of -1");
    null = open("/dev/null", O_RDWR);
    zero = open("/dev/zero", O_RDONLY);
    is(write(null, "abc", 3), 3, "/dev/null takes all");
    is(read(null, buf, 3), 0, "and has nothing");
    memset(buf, 1, sizeof(buf));
    is(read(zero, buf, sizeof(buf)), sizeof(buf), "/dev/zero has all");
    ok(!buf[0] && !buf[sizeof(buf) - 1], "of it zero");
    errno_is(read(zero, BAD, 10), EFAULT, "/dev/zero to a bad address");
    is(read(zero, edge + 4000, 200), 96, "/dev/zero across an edge");
    close(open("/dev/full", O_RDWR));
    close(fd);
    close(null);
    close(zero);
    munmap(edge, 4096);
}

static void test_dup(void)
{
    struct rlimit old, few = {20, 20};
    int fd = open("dup", O_RDWR | O_CREAT, 0600), a, b;

    a = dup(fd);
    is(a, fd + 1, "dup gives the lowest number");
    is(write(a, "abc", 3), 3, "write through it");
    is(lseek(fd, 0, SEEK_CUR), 3, "moves the common position");
    b = fcntl(fd, F_DUPFD_CLOEXEC, 15);
    is(b, 15, "F_DUPFD from 15");
    is(fcntl(b, F_GETFD), FD_CLOEXEC, "with close-on-exec");
    is(fcntl(a, F_GETFD), 0, "dup has none");
    is(fcntl(a, F_SETFD, FD_CLOEXEC), 0, "F_SETFD");
    is(fcntl(fd, F_GETFD), 0, "is of the descriptor");
    is(dup2(fd, fd), fd, "dup2 to itself");
    errno_is(dup3(fd, fd, 0), EINVAL, "dup3 to itself");
    errno_is(syscall(SYS_dup3, fd, 16, 1), EINVAL, "dup3 with a bad flag");
    errno_is(dup2(98, 97), EBADF, "dup2 of nothing");
    is(dup2(fd, 100), 100, "dup2 to a high number");
    is(dup2(fd, 200), 200, "and a higher one");
    is(write(200, "d", 1), 1, "which works");
    is(fcntl(fd, F_GETFL) & (O_ACCMODE | O_APPEND), O_RDWR, "F_GETFL");
    is(fcntl(fd, F_SETFL, O_APPEND | O_NONBLOCK), 0, "F_SETFL");
    is(fcntl(200, F_GETFL) & (O_APPEND | O_NONBLOCK), O_APPEND | O_NONBLOCK,
       "is of the open file");
    errno_is(fcntl(99, F_GETFL), EBADF, "fcntl of nothing");
    errno_is(fcntl(fd, 9999), EINVAL, "fcntl of something else");
    errno_is(fcntl(fd, F_DUPFD, -1), EINVAL, "F_DUPFD from -1");
    getrlimit(RLIMIT_NOFILE, &old);
    few.rlim_max = old.rlim_max;
    setrlimit(RLIMIT_NOFILE, &few);
    errno_is(dup2(fd, 20), EBADF, "dup2 beyond the limit");
    while ((a = dup(fd)) >= 0)
        ;
    errno_is(a, EMFILE, "no descriptor left");
    is(syscall(SYS_close_range, 4, 250, 0), 0, "close_range");
    errno_is(close(5), EBADF, "closed them");
    setrlimit(RLIMIT_NOFILE, &old);
    close(fd);
}

/* A process that shares its descriptors and closes a range of its own. */
static int close_own_range(int fd, unsigned int flags)
{
    int status;
    pid_t pid = syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);

    if (pid == 0) {
        int ret =
            syscall(SYS_close_range, fd, ~0u, flags | CLOSE_RANGE_UNSHARE);
        int then = fcntl(fd, F_GETFD);

        _exit(ret ? 9 : then < 0 ? 8 : then);
    }
    waitpid(pid, &status, 0);
    return WEXITSTATUS(status);
}

static void test_close_range_unshare(void)
{
    int fd = open("/dev/null", O_RDWR);

    is(close_own_range(fd, 0), 8, "close_range closes for the process itself");
    is(fcntl(fd, F_GETFD), 0, "not for those it shared the table with");
    is(close_own_range(fd, CLOSE_RANGE_CLOEXEC), FD_CLOEXEC,
       "or marks its own");
    is(fcntl(fd, F_GETFD), 0, "and no other's");
    close(fd);
}

static int too_big(void)
{
    struct rlimit limit = {5000, 5000};
    char bytes[4096] = "";
    int fd = open("big", O_RDWR | O_CREAT | O_TRUNC, 0600);

    MUST(fd >= 0 && setrlimit(RLIMIT_FSIZE, &limit) == 0);
    signal(SIGXFSZ, SIG_IGN);
    MUST(write(fd, bytes, 4096) == 4096);
    MUST(write(fd, bytes, 4096) == 5000 - 4096);
    MUST(write(fd, bytes, 1) == -1 && errno == EFBIG);
    MUST(ftruncate(fd, 5001) == -1 && errno == EFBIG);
    MUST(ftruncate(fd, 4000) == 0 && ftruncate(fd, 5000) == 0);
    MUST(fallocate(fd, 0, 0, 6000) == -1 && errno == EFBIG);
    MUST(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 6000) == -1 && errno == EFBIG);
    MUST(pwrite(fd, bytes, 10, 4995) == 5);
    signal(SIGXFSZ, SIG_DFL);
    return pwrite(fd, bytes, 1, 6000) == 1 ? 1 : 2;
}

static void test_openat2(void)
{
    static const int wrong[] = {O_RDWR, O_CREAT, O_EXCL, O_NOCTTY, O_DIRECT};
    struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC};
    int fd = syscall(SYS_openat2, AT_FDCWD, "/tmp", &how, sizeof(how));

    ok(fd >= 0, "openat2 with O_PATH");
    close(fd);
    for (unsigned int i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        how.flags = O_PATH | wrong[i];
        errno_is(syscall(SYS_openat2, AT_FDCWD, "/tmp", &how, sizeof(how)),
                 EINVAL, "and what does not go with it");
    }
}

static void test_attributes(void)
{
    struct timespec times[2] = {{1000, 5}, {2000, 6}};
    struct timespec omit[2] = {{0, UTIME_OMIT}, {0, UTIME_NOW}};
    struct timespec bad[2] = {{0, 1000000000}, {0, 0}};
    struct stat st;
    uint32_t stx[64]; /* struct statx: uid is word 5, ino words 8 and 9 */
    int fd = open("attr", O_RDWR | O_CREAT, 0666);

    umask(022);
    fstat(fd, &st);
    ok(S_ISREG(st.st_mode), "a regular file");
    is(st.st_nlink, 1, "with one name");
    is(st.st_size, 0, "and nothing in it");
    is(chmod("attr", 04751), 0, "chmod");
    stat("attr", &st);
    is(st.st_mode & 07777, 04751, "is seen");
    is(fchmod(fd, 0600), 0, "fchmod");
    is(fchmodat(AT_FDCWD, "attr", 0644, 0), 0, "fchmodat");
    errno_is(chmod("nothing", 0600), ENOENT, "chmod of nothing");
    is(utimensat(AT_FDCWD, "attr", times, 0), 0, "utimensat");
    stat("attr", &st);
    is(st.st_atime, 1000, "atime");
    is(st.st_mtim.tv_nsec, 6, "mtime to the nanosecond");
    is(utimensat(AT_FDCWD, "attr", omit, 0), 0, "UTIME_OMIT and NOW");
    stat("attr", &st);
    is(st.st_atime, 1000, "atime stays");
    ok(st.st_mtime > 2000, "mtime is now");
    errno_is(utimensat(AT_FDCWD, "attr", bad, 0), EINVAL, "bad nanoseconds");
    is(futimens(fd, times), 0, "futimens");
    is(chown("attr", 7, 8), 0, "chown");
    stat("attr", &st);
    ok(st.st_uid == 7 && st.st_gid == 8, "is seen");
    is(chown("attr", -1, 0), 0, "chown of the group only");
    is(syscall(SYS_statx, AT_FDCWD, "attr", 0, 0x7ff, stx), 0, "statx");
    ok(stx[5] == 7 && stx[8] == (uint32_t)st.st_ino, "says the same");
    errno_is(syscall(SYS_statx, AT_FDCWD, "attr", 0x8000000, 0, stx), EINVAL,
             "statx with a bad flag");
    errno_is(fstatat(AT_FDCWD, "", &st, 0), ENOENT, "fstatat of an empty path");
    is(fstatat(fd, "", &st, AT_EMPTY_PATH), 0, "AT_EMPTY_PATH");
    errno_is(syscall(SYS_fstat, fd, BAD), EFAULT, "fstat to a bad address");
    is(access("attr", R_OK | W_OK), 0, "root may read and write");
    errno_is(access("attr", X_OK), EACCES, "but not run what has no x");
    errno_is(access("attr", 8), EINVAL, "access of what is no mode");
    errno_is(fsync(99), EBADF, "fsync of nothing");
    is(fsync(fd), 0, "fsync");
    close(fd);
}

static void test_permissions(void)
{
    int status;
    pid_t pid;

    mkdir("locked", 0700);
    close(open("locked/x", O_CREAT | O_WRONLY, 0666));
    close(open("mine", O_CREAT | O_WRONLY, 0600));
    pid = fork();
    if (!pid) {
        int bad = 0;

        if (setgid(1000) || setuid(1000))
            _exit(99);
        bad |= (open("mine", O_RDONLY) == -1 && errno == EACCES) ? 0 : 1;
        bad |= (open("locked/x", O_RDONLY) == -1 && errno == EACCES) ? 0 : 2;
        bad |= (unlink("mine") == -1 && errno == EACCES) ? 0 : 4;
        bad |= (chmod("mine", 0666) == -1 && errno == EPERM) ? 0 : 8;
        bad |= (mkdir("new", 0700) == -1 && errno == EACCES) ? 0 : 16;
        bad |= (chroot("/") == -1 && errno == EPERM) ? 0 : 32;
        bad |= access("/", R_OK | X_OK) == 0 ? 0 : 64;
        _exit(bad);
    }
    waitpid(pid, &status, 0);
    is(status, 0, "another user is kept out of what is not his");
}

static void test_locks(void)
{
    struct flock fl = {
        .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 10, .l_len = 10};
    int fd = open("lock", O_RDWR | O_CREAT, 0600), other, status;
    pid_t pid;

    is(fcntl(fd, F_SETLK, &fl), 0, "a range locked");
    pid = fork();
    if (!pid) {
        struct flock f = fl;
        int bad = 0;

        f.l_start = 15;
        bad |= fcntl(fd, F_SETLK, &f) == -1 && errno == EAGAIN ? 0 : 1;
        fcntl(fd, F_GETLK, &f);
        bad |= f.l_pid == getppid() && f.l_start == 10 && f.l_len == 10 ? 0 : 2;
        f = fl;
        f.l_start = 20;
        bad |= fcntl(fd, F_SETLK, &f) == 0 ? 0 : 4;
        _exit(bad);
    }
    waitpid(pid, &status, 0);
    is(status, 0, "is seen and respected by another process");
    fl.l_type = F_UNLCK;
    is(fcntl(fd, F_SETLK, &fl), 0, "unlocked");
    fl.l_type = 77;
    errno_is(fcntl(fd, F_SETLK, &fl), EINVAL, "a lock of no kind");
    is(flock(fd, LOCK_EX), 0, "flock");
    other = open("lock", O_RDWR);
    errno_is(flock(other, LOCK_EX | LOCK_NB), EAGAIN, "by another open file");
    is(flock(fd, LOCK_UN), 0, "unlocked");
    is(flock(other, LOCK_EX | LOCK_NB), 0, "and taken");
    close(other);
    is(flock(fd, LOCK_SH | LOCK_NB), 0, "close gives it back");
    close(fd);
}

static void test_memfd(void)
{
    int fd = memfd_create("name", MFD_CLOEXEC | MFD_ALLOW_SEALING), zero;
    char link[64] = "", self[64];
    char *map;

    ok(fd >= 0, "memfd_create");
    snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
    is(readlink(self, link, sizeof(link) - 1), 21, "has a name in /proc");
    ok(!strcmp(link, "/memfd:name (deleted)"), "which says memfd");
    is(ftruncate(fd, 8192), 0, "sized");
    map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    ok(map != MAP_FAILED, "mapped");
    map[5000] = 'x';
    is(pread(fd, buf, 1, 5000), 1, "what is stored in the mapping");
    is(buf[0], 'x', "is read from the file");
    pwrite(fd, "y", 1, 5001);
    is(map[5001], 'y', "and the other way round");
    munmap(map, 8192);
    is(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), 0, "sealed");
    errno_is(ftruncate(fd, 100), EPERM, "shrinking is refused");
    is(fcntl(fd, F_GET_SEALS), F_SEAL_SHRINK, "F_GET_SEALS");
    zero = open("sent", O_RDWR | O_CREAT | O_TRUNC, 0600);
    lseek(fd, 5000, SEEK_SET);
    is(sendfile(zero, fd, NULL, 10), 10, "sendfile");
    is(lseek(fd, 0, SEEK_CUR), 5010, "moves the position");
    is(pread(zero, buf, 20, 0), 10, "of both");
    ok(buf[0] == 'x' && buf[1] == 'y', "bytes arrive");
    close(zero);
    close(fd);
    fd = memfd_create("sealed", MFD_ALLOW_SEALING);
    fcntl(fd, F_ADD_SEALS, F_SEAL_GROW);
    errno_is(fallocate(fd, 0, 0, 100), EPERM, "fallocate of what may not grow");
    close(fd);
    errno_is(memfd_create("x", 0x80), EINVAL, "memfd_create, a bad flag");
}

int main(void)
{
    char cleanup[64];

    mkdir("/tmp", 01777);
    snprintf(cleanup, sizeof(cleanup), "rm -rf %s", dir);
    if (mkdir(dir, 0755) || chdir(dir))
        return printf("Bail out! no %s: %s\n", dir, strerror(errno)), 1;
    test_open();
    test_rw();
    test_pointers();
    test_dup();
    test_close_range_unshare();
    test_openat2();
    is(in_child(too_big), -SIGXFSZ, "RLIMIT_FSIZE holds, and signals");
    test_attributes();
    test_permissions();
    test_locks();
    test_memfd();
    chdir("/");
    if (system(cleanup))
        printf("# %s stays\n", dir);
    return done();
}
