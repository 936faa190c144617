/*
 * dir.c - names: directories, links, rename, symbolic links, mounts, and
 * what getdents says of them.  The same lines hold on Linux (as root).
 */
#define _GNU_SOURCE
#include "tap.h"
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

static char dir[] = "/tmp/dir-test";
static char buf[PATH_MAX];
static struct stat st, st2;

static int make(const char *name)
{
    int fd = open(name, O_CREAT | O_WRONLY | O_EXCL, 0644);

    if (fd >= 0)
        close(fd);
    return fd >= 0 ? 0 : -1;
}

static int count(const char *name)
{
    DIR *d = opendir(name);
    int n = 0;

    while (d && readdir(d))
        n++;
    if (d)
        closedir(d);
    return n;
}

static void test_directories(void)
{
    is(mkdir("a", 0755), 0, "mkdir");
    errno_is(mkdir("a", 0755), EEXIST, "mkdir again");
    errno_is(mkdir("x/y", 0755), ENOENT, "mkdir below nothing");
    is(mkdir("a/b/", 0700), 0, "mkdir with a slash");
    stat("a", &st);
    ok(S_ISDIR(st.st_mode), "a directory");
    stat("a/b/..", &st2);
    is(st.st_ino, st2.st_ino, "b/.. is a");
    stat("a/./b/../../a", &st2);
    is(st.st_ino, st2.st_ino, "and so is a longer way");
    errno_is(rmdir("a"), ENOTEMPTY, "rmdir of a full one");
    errno_is(unlink("a"), EISDIR, "unlink of a directory");
    errno_is(rmdir("."), EINVAL, "rmdir of .");
    errno_is(rmdir("a/b/.."), ENOTEMPTY, "rmdir of ..");
    errno_is(rmdir("/"), EBUSY, "rmdir of the root");
    is(make("a/f"), 0, "a file");
    errno_is(rmdir("a/f"), ENOTDIR, "rmdir of a file");
    errno_is(unlink("a/f/"), ENOTDIR, "unlink of file/");
    errno_is(mkdir("a/f/x", 0700), ENOTDIR, "mkdir below a file");
    is(count("a"), 4, "., .., b and f");
    is(unlink("a/f"), 0, "unlink");
    errno_is(unlink("a/f"), ENOENT, "unlink again");
    is(rmdir("a/b"), 0, "rmdir");
    memset(buf, 'n', 256);
    buf[255] = 0;
    is(make(buf), 0, "a name of 255 bytes");
    unlink(buf);
    buf[255] = 'n';
    buf[256] = 0;
    errno_is(make(buf), ENAMETOOLONG, "one of 256");
    memset(buf, '/', sizeof(buf));
    errno_is(syscall(SYS_open, buf, O_RDONLY), ENAMETOOLONG,
             "a path without an end");
    is(rmdir("a"), 0, "rmdir");
}

static void test_where(void)
{
    int fd;

    mkdir("w", 0755);
    mkdir("w/x", 0755);
    is(chdir("w/x"), 0, "chdir");
    ok(getcwd(buf, sizeof(buf)) && !strcmp(buf, "/tmp/dir-test/w/x"), "getcwd");
    errno_is(syscall(SYS_getcwd, buf, 5), ERANGE, "into too little");
    fd = open("..", O_RDONLY | O_DIRECTORY);
    is(fchdir(fd), 0, "fchdir");
    getcwd(buf, sizeof(buf));
    ok(!strcmp(buf, "/tmp/dir-test/w"), "leads there");
    close(fd);
    errno_is(chdir("nothing"), ENOENT, "chdir to nothing");
    errno_is(fchdir(99), EBADF, "fchdir to nothing");
    chdir("x");
    rmdir("../x");
    errno_is(syscall(SYS_getcwd, buf, sizeof(buf)), ENOENT,
             "getcwd where nothing is any more");
    errno_is(make("y"), ENOENT, "making something there");
    chdir(dir);
    rmdir("w");
}

static void test_links(void)
{
    char name[16], target[16];
    int i;

    make("f");
    is(symlink("f", "l"), 0, "symlink");
    is(readlink("l", buf, sizeof(buf)), 1, "readlink");
    errno_is(syscall(SYS_readlink, "l", buf, 0), EINVAL, "into nothing");
    errno_is(readlink("f", buf, 9), EINVAL, "readlink of a file");
    lstat("l", &st);
    ok(S_ISLNK(st.st_mode) && st.st_size == 1, "lstat shows the link");
    stat("l", &st);
    ok(S_ISREG(st.st_mode), "stat what it leads to");
    errno_is(open("l", O_RDONLY | O_NOFOLLOW), ELOOP, "O_NOFOLLOW");
    errno_is(symlink("", "e"), ENOENT, "a link to \"\"");
    errno_is(symlink("x", "f"), EEXIST, "a link where something is");
    is(symlink("me", "me"), 0, "a link to itself");
    errno_is(open("me", O_RDONLY), ELOOP, "leads nowhere");
    is(symlink("new", "dangling"), 0, "a link to nothing");
    errno_is(open("dangling", O_CREAT | O_EXCL | O_WRONLY, 0600), EEXIST,
             "is something for O_EXCL");
    close(open("dangling", O_CREAT | O_WRONLY, 0600));
    is(access("new", F_OK), 0, "and O_CREAT makes its target");
    symlink("f", "chain0");
    for (i = 1; i <= 40; i++) {
        snprintf(name, sizeof(name), "chain%d", i);
        snprintf(target, sizeof(target), "chain%d", i - 1);
        symlink(target, name);
    }
    is(access("chain39", F_OK), 0, "40 links in a row");
    errno_is(access("chain40", F_OK), ELOOP, "but not 41");
    for (i = 0; i <= 40; i++) {
        snprintf(name, sizeof(name), "chain%d", i);
        unlink(name);
    }
    mkdir("d", 0755);
    symlink("d", "dl");
    make("d/in");
    is(access("dl/in", F_OK), 0, "through a link to a directory");
    is(access("dl/../d/in", F_OK), 0, "and back");
    errno_is(unlink("dl/"), ENOTDIR, "unlink of link/");
    errno_is(rmdir("dl"), ENOTDIR, "rmdir of a link");
    is(link("f", "g"), 0, "link");
    stat("g", &st);
    is(st.st_nlink, 2, "two names");
    errno_is(link("d", "dd"), EPERM, "link of a directory");
    errno_is(link("f", "g"), EEXIST, "link where something is");
    errno_is(link("nothing", "h"), ENOENT, "link of nothing");
    is(link("l", "ll"), 0, "link of a link");
    lstat("ll", &st);
    ok(S_ISLNK(st.st_mode), "is a link");
    unlink("f");
    stat("g", &st);
    is(st.st_nlink, 1, "one name less");
}

static void test_rename(void)
{
    make("r1");
    stat("r1", &st);
    is(rename("r1", "r2"), 0, "rename");
    errno_is(access("r1", F_OK), ENOENT, "the old name is gone");
    stat("r2", &st2);
    is(st.st_ino, st2.st_ino, "the new one is the same file");
    make("r3");
    is(rename("r2", "r3"), 0, "rename over a file");
    errno_is(rename("r2", "r4"), ENOENT, "rename of nothing");
    mkdir("rd", 0755);
    mkdir("rd/sub", 0755);
    errno_is(rename("r3", "rd"), EISDIR, "a file over a directory");
    errno_is(rename("rd", "r3"), ENOTDIR, "a directory over a file");
    errno_is(rename("rd", "rd/sub/x"), EINVAL, "into itself");
    mkdir("re", 0755);
    make("re/full");
    errno_is(rename("rd", "re"), ENOTEMPTY, "over a full directory");
    unlink("re/full");
    is(rename("rd", "re"), 0, "over an empty one");
    is(access("re/sub", F_OK), 0, "with what was in it");
    is(rename("r3", "re/sub/r"), 0, "to another directory");
    stat("re", &st);
    errno_is(rename(".", "x"), EBUSY, "rename of .");
    make("e1");
    mkdir("e2", 0755);
    is(syscall(SYS_renameat2, AT_FDCWD, "e1", AT_FDCWD, "e2", 2), 0,
       "RENAME_EXCHANGE");
    stat("e1", &st);
    ok(S_ISDIR(st.st_mode), "exchanges");
    errno_is(syscall(SYS_renameat2, AT_FDCWD, "e1", AT_FDCWD, "e2", 1), EEXIST,
             "RENAME_NOREPLACE");
    errno_is(syscall(SYS_renameat2, AT_FDCWD, "e1", AT_FDCWD, "e3", 8), EINVAL,
             "an unknown flag");
}

static void test_reading(void)
{
    char name[300];
    struct dirent *e;
    int i, seen = 0, types = 0, fd;
    DIR *d;

    mkdir("many", 0755);
    for (i = 0; i < 500; i++) {
        snprintf(name, sizeof(name), "many/%d", i);
        make(name);
    }
    is(count("many"), 502, "all are listed");
    d = opendir("many");
    while ((e = readdir(d))) {
        if (e->d_name[0] == '.')
            continue;
        seen++;
        types += e->d_type == DT_REG;
        snprintf(name, sizeof(name), "many/%s", e->d_name);
        unlink(name);
    }
    is(seen, 500, "each once, while they are removed");
    is(types, 500, "as regular files");
    closedir(d);
    is(count("many"), 2, "none is left");
    is(rmdir("many"), 0, "so it can go");
    fd = open(".", O_RDONLY);
    errno_is(read(fd, buf, 1), EISDIR, "read of a directory");
    errno_is(syscall(SYS_getdents64, fd, buf, 8), EINVAL,
             "getdents into too little");
    errno_is(syscall(SYS_getdents64, 99, buf, 100), EBADF, "of nothing");
    close(fd);
    fd = open("/dev/null", O_RDONLY);
    errno_is(syscall(SYS_getdents64, fd, buf, 100), ENOTDIR, "of a device");
    close(fd);
}

static void test_nodes(void)
{
    is(mknod("null", S_IFCHR | 0666, makedev(1, 3)), 0, "mknod");
    stat("null", &st);
    ok(S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3), "a device");
    is(mkfifo("fifo", 0600), 0, "mkfifo");
    errno_is(open("fifo", O_WRONLY | O_NONBLOCK), ENXIO,
             "nobody reads the fifo");
    errno_is(mknod("dir", S_IFDIR | 0700, 0), EPERM, "mknod of a directory");
    errno_is(mknod("x", S_IFLNK | 0700, 0), EINVAL, "mknod of a link");
    mknod("sock", S_IFSOCK | 0600, 0);
    errno_is(open("sock", O_RDONLY), ENXIO, "opening a socket");
    mknod("chr", S_IFCHR | 0600, makedev(200, 77));
    errno_is(open("chr", O_RDONLY), ENXIO, "a device without a driver");
}

/* The file system has 16 pages. */
static void test_limit(const char *name)
{
    int fd = open(name, O_RDWR), status, i;
    static char page[4096];
    struct statfs fs;
    char *map;
    pid_t pid;

    for (i = 0; i < 10; i++)
        pwrite(fd, page, sizeof(page), i * 4096);
    fstatfs(fd, &fs);
    is(fs.f_bfree, 6, "10 pages of 16 are taken");
    map = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    pid = fork();
    if (!pid) {
        for (i = 0; i < 20; i++)
            map[i * 4096] = 1;
        _exit(0);
    }
    waitpid(pid, &status, 0);
    ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS,
       "a mapping that needs more gets SIGBUS");
    errno_is(pwrite(fd, page, 1, 30 * 4096), ENOSPC, "and a write");
    is(pwrite(fd, page, 4096, 0), 4096, "but what is there can be written");
    munmap(map, 1 << 20);
    ftruncate(fd, 0);
    fstatfs(fd, &fs);
    is(fs.f_bfree, 16, "an empty file takes nothing");
    ftruncate(fd, 1 << 20);
    close(fd);
}

static void test_mounts(void)
{
    struct statfs fs;

    mkdir("mnt", 0755);
    make("mnt/hidden");
    if (mount("t", "mnt", "tmpfs", 0, "size=64k,mode=0700")) {
        skip("mounts", "not permitted");
        return;
    }
    ok(1, "mount");
    errno_is(access("mnt/hidden", F_OK), ENOENT, "hides what was there");
    stat("mnt", &st);
    is(st.st_mode & 07777, 0700, "mode=");
    stat(".", &st2);
    ok(st.st_dev != st2.st_dev, "another device");
    stat("mnt/..", &st);
    is(st.st_ino, st2.st_ino, ".. leads out");
    statfs("mnt", &fs);
    is(fs.f_blocks, 16, "size=");
    make("mnt/f");
    truncate("mnt/f", 1 << 20);
    is(access("mnt/f", F_OK), 0, "a file in it");
    test_limit("mnt/f");
    errno_is(rename("mnt/f", "f2"), EXDEV, "does not move out");
    errno_is(rmdir("mnt"), EBUSY, "nor does the mount point go");
    is(mount("t", "mnt", NULL, MS_REMOUNT | MS_RDONLY, NULL), 0, "read-only");
    errno_is(make("mnt/g"), EROFS, "is read-only");
    chdir("mnt");
    errno_is(umount("../mnt"), EBUSY, "busy while somebody is in it");
    chdir("..");
    is(umount("mnt"), 0, "umount");
    is(access("mnt/hidden", F_OK), 0, "shows what was there");
    errno_is(umount("mnt"), EINVAL, "umount of no mount");
    errno_is(mount("t", "mnt", "nofs", 0, NULL), ENODEV, "an unknown type");
    errno_is(mount("t", "nothing", "tmpfs", 0, NULL), ENOENT,
             "a mount point that is not there");
    errno_is(mount("t", "mnt", "tmpfs", 0, "wrong=1"), EINVAL,
             "an unknown option");
    is(mount(dir, "mnt", NULL, MS_BIND, NULL), 0, "bind");
    is(access("mnt/mnt/hidden", F_OK), 0, "shows the same tree");
    is(umount2("mnt", MNT_DETACH), 0, "detached");
}

static void test_chroot(void)
{
    int status;
    pid_t pid;

    mkdir("jail", 0755);
    make("jail/inside");
    pid = fork();
    if (!pid) {
        int bad = chroot("jail") || chdir("/") ? 1 : 0;

        bad |= access("/inside", F_OK) ? 2 : 0;
        bad |= access("/../../inside", F_OK) ? 4 : 0;
        bad |= access("/tmp", F_OK) == 0 ? 8 : 0;
        bad |= getcwd(buf, sizeof(buf)) && !strcmp(buf, "/") ? 0 : 16;
        _exit(bad);
    }
    waitpid(pid, &status, 0);
    is(status, 0, "chroot keeps a process inside");
}

int main(void)
{
    char cleanup[64];

    umask(022);
    mkdir("/tmp", 01777);
    snprintf(cleanup, sizeof(cleanup), "rm -rf %s", dir);
    if (mkdir(dir, 0755) || chdir(dir))
        return printf("Bail out! no %s: %s\n", dir, strerror(errno)), 1;
    test_directories();
    test_where();
    test_links();
    test_rename();
    test_reading();
    test_nodes();
    test_mounts();
    test_chroot();
    chdir("/");
    if (system(cleanup))
        printf("# %s stays\n", dir);
    return done();
}
