/*
 * names.c - thousands of random calls on a small tree, by several users.
 *
 * Each line carries a checksum over everything that the calls answered, so
 * that a line is the same on Pagewalk and on Linux only if all of them
 * agree. With an argument (a seed) each call is printed, to find the one that
 * differs:
 *
 *     names 3 > a         on both, then diff
 */
#define _GNU_SOURCE
#include "tap.h"
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define CALLS 2000
#define LINES 4
#define FILES 6

static unsigned int state;
static uint64_t sum; /* FNV-1a over all answers */
static int verbose;
static char one[512], two[512], data[20000];
static int fd[FILES];

static unsigned int any(unsigned int below)
{
    state = state * 1103515245 + 12345;
    return (state >> 16) % below;
}

#define PICK(array) ((array)[any(sizeof(array) / sizeof((array)[0]))])

static void random_path(char *out)
{
    static const char *const names[] = {"a",
                                        "b",
                                        "c",
                                        "d",
                                        "e",
                                        "f",
                                        "..",
                                        ".",
                                        "a/",
                                        "b//",
                                        "la",
                                        "lb",
                                        "a-name-too-long-to-be-kept-inline"};
    unsigned int depth = any(4);

    strcpy(out, any(3) ? "" : "/top/");
    while (depth--)
        strcat(strcat(out, PICK(names)), "/");
    strcat(out, PICK(names));
}

static long text_sum(const char *text)
{
    long n = 0;

    while (*text)
        n = n * 31 + *text++;
    return n & 0xffffff;
}

static int by_name(const void *x, const void *y)
{
    return strcmp(*(char *const *)x, *(char *const *)y);
}

static long list(const char *path)
{
    char *names[300];
    struct dirent *e;
    DIR *d = opendir(path);
    long result = 0;
    int n = 0, i;

    if (!d)
        return -1;
    while (n < 300 && (e = readdir(d)))
        names[n++] = strdup(e->d_name);
    closedir(d);
    qsort(names, n, sizeof(names[0]), by_name);
    for (i = 0; i < n; i++) {
        result = result * 33 + text_sum(names[i]);
        free(names[i]);
    }
    return result & 0xffffff;
}

static long describe(int ret, const struct stat *st)
{
    if (ret)
        return ret;
    return st->st_mode + st->st_nlink * 100000 + st->st_uid * 10000000000 +
           st->st_gid * 20000000000000 +
           (S_ISREG(st->st_mode) || S_ISLNK(st->st_mode) ? st->st_size : 0);
}

static long open_something(int k)
{
    static const int access_modes[] = {O_RDONLY, O_WRONLY, O_RDWR, 3};
    int flags = PICK(access_modes) | O_NONBLOCK;

    flags |= any(2) ? O_CREAT : any(6) ? 0 : O_DIRECTORY;
    flags |= any(3) ? 0 : O_EXCL;
    flags |= any(4) ? 0 : O_TRUNC;
    flags |= any(6) ? 0 : O_NOFOLLOW;
    flags |= any(9) ? 0 : O_PATH;
    flags |= any(5) ? 0 : O_APPEND;
    if (fd[k] >= 0)
        close(fd[k]);
    fd[k] = open(one, flags, 0644);
    return fd[k] >= 0 ? fcntl(fd[k], F_GETFL) : -1;
}

static long go_somewhere(void)
{
    char where[600] = "";
    long ret = chdir(one);

    if (ret)
        return ret;
    ret = syscall(SYS_getcwd, where, sizeof(where)) < 0 ? -1 : text_sum(where);
    if (!any(3) && chdir("/top"))
        return -1;
    return ret;
}

static long become_somebody(void)
{
    static const int ids[] = {0, 1000, 1000, 1001};
    int uid = PICK(ids), gid = PICK(ids);

    syscall(SYS_setresuid, -1, 0, -1);
    return syscall(SYS_setresgid, -1, gid, -1) |
           syscall(SYS_setresuid, -1, uid, -1);
}

static long change_names(void)
{
    static const char *const targets[] = {
        "a", "b/c", "..", "la", "lb", "/top/a", "./d", "nothing", "../top/b/"};

    switch (any(11)) {
    case 0:
        return mkdir(one, 0755);
    case 1:
        return rmdir(one);
    case 2:
    case 3:
        return unlink(one);
    case 4:
    case 5:
        return rename(one, two);
    case 6:
        return syscall(SYS_renameat2, AT_FDCWD, one, AT_FDCWD, two, 1 + any(3));
    case 7:
        return linkat(AT_FDCWD, one, AT_FDCWD, two,
                      any(2) ? AT_SYMLINK_FOLLOW : 0);
    case 8:
        return symlink(PICK(targets), any(2) ? "la" : any(2) ? "lb" : one);
    case 9:
        return mkfifo(one, 0600);
    default:
        return go_somewhere();
    }
}

static long change_attributes(void)
{
    static const int modes[] = {0777, 0700, 0755,  01777, 0,    0500,
                                070,  07,   02775, 04755, 0333, 0444};
    static const int owners[] = {-1, 0, 1000, 1001};
    static const int masks[] = {022, 0, 077, 0777};

    switch (any(6)) {
    case 0:
    case 1:
        return chmod(one, PICK(modes));
    case 2:
        return lchown(one, PICK(owners), PICK(owners));
    case 3:
    case 4:
        return become_somebody();
    default:
        return umask(PICK(masks));
    }
}

static long ask(void)
{
    char target[64];
    struct stat st;

    switch (any(6)) {
    case 0:
        return describe(stat(one, &st), &st);
    case 1:
        return describe(lstat(one, &st), &st);
    case 2:
        return readlink(one, target, 1 + any(60));
    case 3:
        return access(one, any(8));
    case 4:
        return syscall(SYS_faccessat2, AT_FDCWD, one, any(8),
                       any(2) ? AT_EACCESS : AT_SYMLINK_NOFOLLOW);
    default:
        return list(one);
    }
}

static long use_file(void)
{
    int k = any(FILES);

    switch (any(8)) {
    case 0:
        return fd[k] >= 0 ? pwrite(fd[k], data, any(9000), any(30000)) : 0;
    case 1:
        return fd[k] >= 0 ? pread(fd[k], data, any(9000), any(30000)) : 0;
    case 2:
        return fd[k] >= 0 ? ftruncate(fd[k], any(30000)) : 0;
    case 3:
        return fd[k] >= 0 ? lseek(fd[k], (int)any(40000) - 10000, any(6)) : 0;
    case 4:
        return fd[k] >= 0 ? write(fd[k], data, any(5000)) : 0;
    case 5:
        return fd[k] >= 0 ? read(fd[k], data, any(5000)) : 0;
    case 6:
        return truncate(one, (int)any(30000) - 10);
    default:
        return open_something(k);
    }
}

static void mix(uint64_t value)
{
    sum = (sum ^ value) * 1099511628211u;
}

static void call(int number)
{
    static long (*const kinds[])(void) = {change_names, change_attributes, ask,
                                          use_file};
    int kind;
    long ret;

    random_path(one);
    random_path(two);
    kind = any(4);
    errno = 0;
    ret = kinds[kind]();
    mix(ret);
    mix(ret < 0 ? errno : 0);
    if (verbose)
        printf("%d kind %d %s | %s = %ld %d\n", number, kind, one, two, ret,
               ret < 0 ? errno : 0);
}

/* In a child, because it gives up its root and its privileges. */
static void run(unsigned int seed)
{
    int line, i;

    if (mount("t", "/tmp/names-test", "tmpfs", 0, "mode=755") ||
        chroot("/tmp/names-test") || mkdir("/top", 0755) || chdir("/top") ||
        mkdir("a", 0755) || mkdir("b", 0777) || mkdir("a/b", 0755)) {
        skip("random calls", "no mount of its own");
        exit(2);
    }
    umask(022);
    state = seed;
    sum = 14695981039346656037u;
    memset(fd, -1, sizeof(fd));
    for (line = 0; line < LINES; line++) {
        for (i = 0; i < CALLS; i++)
            call(line * CALLS + i);
        ok(1, "seed %u, calls %d to %d answer %016llx", seed, line * CALLS,
           line * CALLS + CALLS - 1, (unsigned long long)sum);
    }
    exit(0);
}

/* Debian's Linux refuses some links by default (proc(5), protected_*), which
 * plain Linux and Pagewalk do not; off for the time of the test. */
static const char *const limits[] = {
    "/proc/sys/fs/protected_hardlinks", "/proc/sys/fs/protected_symlinks",
    "/proc/sys/fs/protected_fifos", "/proc/sys/fs/protected_regular"};

static void set_limits(char before[4], int off)
{
    int i, f;

    for (i = 0; i < 4; i++) {
        f = open(limits[i], O_RDWR);
        if (f < 0)
            continue;
        if (off && read(f, &before[i], 1) != 1)
            before[i] = '0';
        if (pwrite(f, off ? "0" : &before[i], 1, 0) < 0)
            errno = 0; /* then it is off for good */
        close(f);
    }
}

int main(int argc, char **argv)
{
    unsigned int seed = 1, last = 3;
    char before[4] = "0000";
    int status;

    if (argc > 1) {
        verbose = 1;
        seed = last = atoi(argv[1]);
    }
    mkdir("/tmp", 01777);
    mkdir("/tmp/names-test", 0755);
    set_limits(before, 1);
    for (; seed <= last; seed++) {
        if (!fork())
            run(seed);
        wait(&status);
        umount2("/tmp/names-test", MNT_DETACH);
        tap_count += WEXITSTATUS(status) == 2 ? 1 : LINES;
        ok(WIFEXITED(status), "seed %u ended by itself", seed);
    }
    set_limits(before, 0);
    rmdir("/tmp/names-test");
    return done();
}
