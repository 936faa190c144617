/*
 * tests/user/bad_world.h - what the trials of bad input work on: memory of
 * every kind at fixed addresses, a directory with files of every kind, and
 * descriptors of every kind with fixed numbers.
 */
#pragma once

#include <dirent.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mount.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

#include "bad.h"

/* ---- memory ----------------------------------------------------------------
 * One area per argument, and one that vectors point to:
 *     +0000 +1000  read and write    +2000  nothing     +3000  read only
 *     +4000  nothing                 +5000  no access   +6000  nothing
 */
#define AREA_BASE 0x200000000ul
#define AREA_SIZE 0x10000ul
#define AREA(i) (AREA_BASE + (i)*AREA_SIZE)
#define AREA_DATA AREA(6)
#define GOOD 0x100ul
#define ODD 0x901ul
#define GONE 0x2000ul
#define READ_ONLY 0x3100ul
#define NO_ACCESS 0x5100ul
#define NON_CANONICAL 0x0000800000000000ul
#define KERNEL 0xffff888000001000ul
#define USER_END 0x7fffffffefffu /* the last byte that could be mapped */

__attribute__((unused)) static void make_memory(void)
{
    for (int i = 0; i < 7; i++) {
        char *area = (char *)AREA(i);

        mmap(area, 2 * PAGE, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
        mmap(area + 3 * PAGE, PAGE, PROT_READ,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
        mmap(area + 5 * PAGE, PAGE, PROT_NONE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    }
}

/* ---- descriptors ---------------------------------------------------------*/

enum {
    FD_RW = 40, /* 10000 bytes */
    FD_RO,
    FD_WO,
    FD_DIR,
    FD_PIPE_R,
    FD_PIPE_W,
    FD_EVENT,
    FD_EPOLL,
    FD_TIMER,
    FD_MEM,
    FD_PATH,
    FD_PATH_DIR,
    FD_NULL,
    FD_PROC,
    FD_SIGNAL,
    FD_APPEND,
    FD_PROCESS,
    FD_FIFO, /* so that opening it does not wait */
    FD_CLOSED = 77,
};

static const struct {
    const char *name;
    u64 value;
} bad_fds[] = {
    {"closed", FD_CLOSED},
    {"-1", (u64)-1},
    {"huge", 0x7fffffff},
    {"high", 0x100000000ul + FD_CLOSED},
    {"cwd", (u64)AT_FDCWD},
    {"rw", FD_RW},
    {"ro", FD_RO},
    {"wo", FD_WO},
    {"dir", FD_DIR},
    {"piper", FD_PIPE_R},
    {"pipew", FD_PIPE_W},
    {"event", FD_EVENT},
    {"epoll", FD_EPOLL},
    {"timer", FD_TIMER},
    {"memfd", FD_MEM},
    {"path", FD_PATH},
    {"pathdir", FD_PATH_DIR},
    {"null", FD_NULL},
    {"proc", FD_PROC},
    {"signalfd", FD_SIGNAL},
    {"append", FD_APPEND},
    {"pidfd", FD_PROCESS},
};

static void fd_at(int want, int fd)
{
    if (fd < 0) {
        printf("Bail out! descriptor %d: %s\n", want, strerror(errno));
        exit(1);
    }
    dup2(fd, want);
    close(fd);
}

/* A process that signals do nothing to; one for all children, too. */
static pid_t get_zombie(void)
{
    static pid_t zombie;
    siginfo_t info;

    if (zombie)
        return zombie;
    zombie = fork();
    if (!zombie)
        _exit(0);
    waitid(P_PID, zombie, &info, WEXITED | WNOWAIT);
    return zombie;
}

__attribute__((unused)) static void make_descriptors(void)
{
    sigset_t none;
    int p[2];

    sigemptyset(&none);
    fd_at(FD_RW, open("file", O_RDWR));
    fd_at(FD_RO, open("file", O_RDONLY));
    fd_at(FD_WO, open("file", O_WRONLY));
    fd_at(FD_APPEND, open("file", O_RDWR | O_APPEND));
    fd_at(FD_DIR, open("dir", O_RDONLY | O_DIRECTORY));
    if (pipe2(p, O_NONBLOCK))
        exit(1);
    fd_at(FD_PIPE_R, p[0]);
    fd_at(FD_PIPE_W, p[1]);
    fd_at(FD_EVENT, eventfd(1, EFD_NONBLOCK));
    fd_at(FD_EPOLL, epoll_create1(0));
    fd_at(FD_TIMER, timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK));
    fd_at(FD_MEM, memfd_create("memory", MFD_ALLOW_SEALING));
    if (ftruncate(FD_MEM, 10000))
        exit(1);
    fd_at(FD_PATH, open("file", O_PATH));
    fd_at(FD_PATH_DIR, open("dir", O_PATH));
    fd_at(FD_NULL, open("/dev/null", O_RDWR));
    fd_at(FD_PROC, open("/proc/version", O_RDONLY));
    fd_at(FD_FIFO, open("fifo", O_RDWR));
    fd_at(FD_PROCESS, syscall(SYS_pidfd_open, get_zombie(), 0));
    fd_at(FD_SIGNAL, signalfd(-1, &none, SFD_NONBLOCK));
}

/* ---- files ---------------------------------------------------------------*/

#define WORLD "/tmp/bad"

static void make_file(const char *path, int size)
{
    static char zeros[10000];
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0644);

    if (fd < 0 || write(fd, zeros, size) != size) {
        printf("Bail out! %s: %s\n", path, strerror(errno));
        exit(1);
    }
    close(fd);
    chmod(path, 0644);
}

/* Removes everything in the directory, whatever the trials left there. */
static void empty_directory(const char *path)
{
    char name[PATH_MAX];
    struct dirent *entry;
    DIR *dir = opendir(path);

    while (dir && (entry = readdir(dir))) {
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
            continue;
        snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
        if (unlink(name) == 0)
            continue;
        empty_directory(name);
        rmdir(name);
    }
    if (dir)
        closedir(dir);
}

/* "/" and ".." are among the paths; they are not ours to spoil. */
static void keep_above(void)
{
    static const char *const above[] = {"/", "/tmp"};
    static struct stat was[2];

    for (int i = 0; i < 2; i++) {
        if (!was[i].st_mode)
            stat(above[i], &was[i]);
        chown(above[i], was[i].st_uid, was[i].st_gid);
        chmod(above[i], was[i].st_mode & 07777);
    }
}

/* The files as they should be, whatever a trial has done to them. */
__attribute__((unused)) static void make_files(void)
{
    umask(022);
    keep_above();
    if ((mkdir(WORLD, 0755) && errno != EEXIST) || chdir(WORLD))
        exit(1);
    empty_directory(WORLD);
    make_file("file", 10000);
    make_file("file2", 100);
    mkdir("dir", 0755);
    mkdir("full", 0755);
    make_file("full/x", 1);
    symlink("loop", "loop");
    symlink("nowhere", "gonelink");
    symlink("file", "link");
    symlink("dir", "dirlink");
    mkfifo("fifo", 0644);
}

__attribute__((unused)) static void remove_files(void)
{
    keep_above();
    empty_directory(WORLD);
    ok(chdir("/") == 0 && rmdir(WORLD) == 0, "nothing is left of the files");
}

static char path_255[256], path_256[257], path_4095[4096], path_4096[4097];

/* Paths; those after "proc" are not for calls that change what they name. */
static const struct {
    const char *name, *path;
} bad_paths[] = {
    {"empty", ""},
    {"missing", "nothing"},
    {"missing/x", "nothing/x"},
    {"missing/", "nothing/"},
    {"file/x", "file/x"},
    {"file/", "file/"},
    {"file/.", "file/."},
    {"file", "file"},
    {"file2", "file2"},
    {"name255", path_255},
    {"name256", path_256},
    {"path4095", path_4095},
    {"path4096", path_4096},
    {"loop", "loop"},
    {"loop/x", "loop/x"},
    {"gonelink", "gonelink"},
    {"gonelink/", "gonelink/"},
    {"link", "link"},
    {"link/", "link/"},
    {"dirlink", "dirlink"},
    {"dirlink/", "dirlink/"},
    {"dir", "dir"},
    {"dir/", "dir/"},
    {"dir/.", "dir/."},
    {"dir/..", "dir/.."},
    {"dir/new", "dir/new"},
    {"full", "full"},
    {".", "."},
    {"..", ".."},
    {"/", "/"},
    {"//", "//"},
    {"fifo", "fifo"},
    {"proc", "/proc/version"},
    {"procdir", "/proc/self"},
    {"procfd", "/proc/self/fd/41"},
    {"procpipe", "/proc/self/fd/44"},
    {"procexe", "/proc/self/exe/x"},
    {"proc/1/cwd/x", "/proc/1/cwd/nothing"},
    {"procnone", "/proc/nothing"},
    {"sys", "/sys/kernel"},
    {"sysnone", "/sys/nothing"},
    {"devnull", "/dev/null"},
    {"devnull/", "/dev/null/"},
    {"devnone", "/dev/nothing/x"},
};
#define SAFE_PATHS 34 /* up to "procdir" */

__attribute__((unused)) static void make_paths(void)
{
    memset(path_255, 'n', 255);
    memset(path_256, 'n', 256);
    for (int i = 0; i < 4096; i++)
        path_4096[i] = "./"[i % 2];
    memcpy(path_4095, path_4096, 4095);
    path_4095[4094] = '/';
}
