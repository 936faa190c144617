/*
 * proc.c - /proc as programs read it: formats, links, directories that come
 * and go with processes.  The same lines hold on Linux.
 */
#define _GNU_SOURCE
#include "tap.h"
#include <dirent.h>
#include <elf.h>
#include <fcntl.h>
#include <regex.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>

static char text[1 << 16];

/* The whole file as a string; length or -1. */
static ssize_t slurp(const char *name)
{
    int fd = open(name, O_RDONLY);
    ssize_t n, have = 0;

    text[0] = 0;
    if (fd < 0)
        return -1;
    while ((n = read(fd, text + have, sizeof(text) - 1 - have)) > 0)
        have += n;
    close(fd);
    text[have] = 0;
    return n < 0 ? -1 : have;
}

static int matches(const char *pattern)
{
    regex_t re;
    int found;

    if (regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB | REG_NEWLINE))
        return 0;
    found = !regexec(&re, text, 0, NULL, 0);
    regfree(&re);
    return found;
}

static void has(const char *name, const char *pattern)
{
    int another = name[6] >= '0' && name[6] <= '9'; /* a line has no pid */

    slurp(name);
    if (!ok(matches(pattern), "%s has a line like %s",
            another ? "another process" : name, pattern))
        printf("# it has: %.60s\n", text);
}

static long committed_kib(void)
{
    const char *line;

    slurp("/proc/meminfo");
    line = strstr(text, "Committed_AS:");
    return line ? atol(line + strlen("Committed_AS:")) : -1;
}

/* What may have to be produced one day, touched or not. */
static void committed_memory(void)
{
    long size = 32 << 20, before = committed_kib(), with;
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    is(committed_kib(), before, "MAP_NORESERVE commits nothing");
    munmap(p, size);
    p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
             -1, 0);
    with = committed_kib();
    ok(before > 0 && with == before + size / 1024,
       "Committed_AS counts what is mapped, not what is touched");
    munmap(p, size);
    is(committed_kib(), before, "and no longer after munmap");
}

static void test_machine(void)
{
    has("/proc/meminfo", "^MemTotal: +[0-9]+ kB$");
    has("/proc/meminfo", "^MemFree: +[0-9]+ kB$");
    has("/proc/meminfo", "^MemAvailable: +[0-9]+ kB$");
    has("/proc/meminfo", "^Cached: +[0-9]+ kB$");
    has("/proc/meminfo", "^CommitLimit: +[0-9]+ kB$");
    committed_memory();
    has("/proc/cpuinfo", "^processor\t: 0$");
    has("/proc/cpuinfo", "^flags\t\t: .*fpu.* tsc ");
    has("/proc/uptime", "^[0-9]+\\.[0-9]{2} [0-9]+\\.[0-9]{2}$");
    has("/proc/loadavg", "^([0-9]+\\.[0-9]{2} ){3}[0-9]+/[0-9]+ [0-9]+$");
    has("/proc/stat", "^cpu  [0-9]+ [0-9]+ [0-9]+ [0-9]+ ");
    has("/proc/stat", "^cpu0 [0-9]+ [0-9]+ [0-9]+ [0-9]+ ");
    has("/proc/stat", "^btime [0-9]+$");
    has("/proc/stat", "^ctxt [0-9]+$");
    has("/proc/version", "^Linux version 6\\.");
    has("/proc/filesystems", "^nodev\ttmpfs$");
    has("/proc/filesystems", "^nodev\tproc$");
    has("/proc/mounts", "^[^ ]+ /proc proc rw[^ ]* 0 0$");
    has("/proc/self/mountinfo",
        "^[0-9]+ [0-9]+ 0:[0-9]+ / /proc rw[^ ]* .*- proc ");
    has("/proc/devices", "^Character devices:$");
    has("/proc/devices", "^ +1 mem$");
    has("/proc/iomem", "^[0-9a-f]{8,16}-[0-9a-f]{8,16} : System RAM$");
    has("/proc/buddyinfo", "^Node 0, zone +[A-Z0-9a-z]+( +[0-9]+){11} *$");
    has("/proc/sys/kernel/ostype", "^Linux$");
    has("/proc/sys/vm/overcommit_memory", "^[012]$");
}

static void test_self(void)
{
    char link[256] = "", pid[32];
    struct utsname uts;
    struct stat st;
    unsigned long *aux = (unsigned long *)text;
    ssize_t len;
    int fd, i;

    snprintf(pid, sizeof(pid), "%d", getpid());
    readlink("/proc/self", link, sizeof(link) - 1);
    ok(!strcmp(link, pid), "/proc/self");
    memset(link, 0, sizeof(link));
    readlink("/proc/thread-self", link, sizeof(link) - 1);
    snprintf(pid, sizeof(pid), "%d/task/%d", getpid(), getpid());
    ok(!strcmp(link, pid), "/proc/thread-self");
    slurp("/proc/self/comm");
    ok(!strncmp(text, "proc", 4), "comm");
    len = slurp("/proc/self/cmdline");
    is(len, (long)strlen(text) + 1, "cmdline");
    setenv("FINDME", "1", 1);
    ok(slurp("/proc/self/environ") >= 0, "environ");
    has("/proc/self/status", "^Pid:\t[0-9]+$");
    has("/proc/self/status", "^State:\tR \\(running\\)$");
    has("/proc/self/status", "^VmRSS:\t +[0-9]+ kB$");
    has("/proc/self/status", "^Threads:\t1$");
    has("/proc/self/status", "^SigCgt:\t[0-9a-f]{16}$");
    has("/proc/self/status", "^Uid:(\t[0-9]+){4}$");
    has("/proc/self/stat", "^[0-9]+ \\(proc[^)]*\\) R [0-9]+( -?[0-9]+){48}$");
    has("/proc/self/statm", "^[0-9]+ [0-9]+ [0-9]+ [0-9]+ 0 [0-9]+ 0$");
    has("/proc/self/maps",
        "^[0-9a-f]+-[0-9a-f]+ r-xp [0-9a-f]{8} [0-9a-f]{2}:[0-9a-f]{2} [0-9]+ "
        "+/.*$");
    has("/proc/self/maps", "rw-p 00000000 00:00 0 +\\[stack\\]$");
    has("/proc/self/smaps", "^Pss: +[0-9]+ kB$");
    has("/proc/stat", "^intr [1-9][0-9]*");
    has("/proc/self/smaps_rollup",
        "^[0-9a-f]+-[0-9a-f]+ ---p 00000000 00:00 0 +.rollup.$");
    has("/proc/self/smaps_rollup", "^Pss: +[1-9][0-9]* kB$");
    has("/proc/self/smaps_rollup", "^Pss_Anon: +[1-9][0-9]* kB$");
    has("/proc/self/smaps_rollup", "^Private_Dirty: +[1-9][0-9]* kB$");
    has("/proc/self/limits", "^Max open files +[0-9]+ +[0-9]+ +files *$");
    ok(slurp("/proc/self/auxv") > 16, "auxv");
    for (i = 0; aux[i] && aux[i] != AT_PAGESZ; i += 2)
        ;
    is(aux[i + 1], 4096, "has AT_PAGESZ");
    uname(&uts);
    ok(stat("/proc/self/exe", &st) == 0 && S_ISREG(st.st_mode), "exe");
    ok(stat("/proc/self/root/proc", &st) == 0, "root leads on");
    chdir("/dev");
    memset(link, 0, sizeof(link));
    readlink("/proc/self/cwd", link, sizeof(link) - 1);
    ok(!strcmp(link, "/dev"), "cwd");
    lstat("/proc/self/cwd", &st);
    ok(S_ISLNK(st.st_mode), "is a link");
    fd = open("/proc/self/comm", O_WRONLY);
    is(write(fd, "renamed", 7), 7, "comm can be written");
    close(fd);
    slurp("/proc/self/comm");
    ok(!strcmp(text, "renamed\n"), "and is seen");
}

static void test_descriptors(void)
{
    char name[64], link[256] = "";
    int fd = open("/dev/null", O_WRONLY | O_APPEND), p[2], again, n = 0;
    struct dirent *e;
    struct stat st;
    DIR *d;

    snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
    readlink(name, link, sizeof(link) - 1);
    ok(!strcmp(link, "/dev/null"), "fd leads to the file");
    lstat(name, &st);
    is(st.st_mode, S_IFLNK | 0300, "with its open mode");
    stat(name, &st);
    ok(S_ISCHR(st.st_mode), "and through it");
    snprintf(name, sizeof(name), "/proc/self/fdinfo/%d", fd);
    has(name, "^pos:\t0$");
    has(name, "^flags:\t0[0-7]+2001$");
    pipe(p);
    snprintf(name, sizeof(name), "/proc/self/fd/%d", p[0]);
    memset(link, 0, sizeof(link));
    readlink(name, link, sizeof(link) - 1);
    ok(!strncmp(link, "pipe:[", 6), "a pipe has a name");
    again = open(name, O_RDONLY);
    ok(again >= 0, "by which it can be opened");
    write(p[1], "x", 1);
    is(read(again, text, 1), 1, "again");
    close(again);
    errno_is(open("/proc/self/fd/99", O_RDONLY), ENOENT, "what is not open");
    d = opendir("/proc/self/fd");
    while ((e = readdir(d)))
        n += e->d_name[0] != '.' && atoi(e->d_name) == p[1];
    is(n, 1, "each is listed");
    closedir(d);
    close(p[0]);
    close(p[1]);
    close(fd);
}

static void test_others(void)
{
    char name[64];
    struct dirent *e;
    int found = 0, status;
    pid_t pid = fork();
    DIR *d;

    if (!pid) {
        pause();
        _exit(0);
    }
    usleep(20000);
    snprintf(name, sizeof(name), "%d", pid);
    d = opendir("/proc");
    while ((e = readdir(d)))
        found += !strcmp(e->d_name, name);
    closedir(d);
    is(found, 1, "a process is listed");
    snprintf(name, sizeof(name), "/proc/%d/status", pid);
    has(name, "^State:\tS \\(sleeping\\)$");
    snprintf(name, sizeof(name), "/proc/%d/cmdline", pid);
    ok(slurp(name) > 0, "another process's cmdline");
    snprintf(name, sizeof(name), "/proc/%d/task/%d/stat", pid, pid);
    ok(slurp(name) > 0, "and thread");
    snprintf(name, sizeof(name), "/proc/%d/task/%d/task", pid, pid);
    errno_is(open(name, O_RDONLY), ENOENT, "a thread has no threads");
    kill(pid, SIGKILL);
    usleep(20000);
    snprintf(name, sizeof(name), "/proc/%d/status", pid);
    has(name, "^State:\tZ \\(zombie\\)$");
    waitpid(pid, &status, 0);
    errno_is(open(name, O_RDONLY), ENOENT, "gone with the process");
    errno_is(open("/proc/1/nothing", O_RDONLY), ENOENT, "no such file");
    errno_is(open("/proc/0", O_RDONLY), ENOENT, "no process 0");
    errno_is(open("/proc/01", O_RDONLY), ENOENT, "nor 01");
    errno_is(mkdir("/proc/new", 0700), ENOENT, "mkdir in /proc");
    errno_is(open("/proc/new", O_CREAT | O_WRONLY, 0600), ENOENT,
             "creating in /proc");
    errno_is(unlink("/proc/meminfo"), EPERM, "unlink in /proc");
}

static void test_reading(void)
{
    int fd = open("/proc/self/status", O_RDONLY);
    char a[4096], b[4096];
    ssize_t n = read(fd, a, sizeof(a) - 1), m, have = 0;

    ok(n > 100, "read at once");
    is(lseek(fd, 0, SEEK_SET), 0, "seek back");
    while ((m = read(fd, b + have, 7)) > 0)
        have += m;
    ok(have > 100 && !strncmp(a, b, 40), "read in pieces");
    is(pread(fd, b, 5, 6), 5, "pread");
    ok(!strncmp(b, a + 6, 5), "of the middle");
    close(fd);
    errno_is(open("/proc/meminfo", O_RDONLY | O_DIRECTORY), ENOTDIR,
             "a file is no directory");
}

static void test_pagemap(void)
{
    volatile char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int fd = open("/proc/self/pagemap", O_RDONLY);
    uint64_t entry[2];

    page[0] = 1;
    is(pread(fd, entry, 16, (uintptr_t)page / 4096 * 8), 16, "pagemap");
    ok(entry[0] >> 63, "a page that was touched is there");
    ok(!(entry[1] >> 63), "one that was not is not");
    errno_is(pread(fd, entry, 7, 0), EINVAL, "only whole entries");
    close(fd);
    fd = open("/proc/self/mem", O_RDWR);
    page[5] = 'm';
    is(pread(fd, entry, 1, (off_t)(uintptr_t)page + 5), 1, "mem");
    is(*(char *)entry, 'm', "reads memory");
    is(pwrite(fd, "w", 1, (off_t)(uintptr_t)page + 5), 1, "and");
    is(page[5], 'w', "writes it");
    errno_is(pread(fd, entry, 1, 0), EIO, "where nothing is");
    close(fd);
}

static long write_to(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY);
    long n = fd < 0 ? -1 : write(fd, text, strlen(text));
    int err = errno;

    if (fd >= 0)
        close(fd);
    errno = err;
    return n;
}

static void test_settings(void)
{
    const char *drop = "/proc/sys/vm/drop_caches";

    is(write_to(drop, "2"), 1, "caches are dropped");
    is(write_to(drop, "3\n"), 2, "all of them");
    errno_is(write_to(drop, "0"), EINVAL, "0 is no kind of cache");
    errno_is(write_to(drop, "5"), EINVAL, "nor is 5");
    errno_is(write_to(drop, "x"), EINVAL, "nor a word");
}

/* Settings are written at their start, by pwrite, too; elsewhere nothing is. */
static void test_positions(void)
{
    int fd = open("/proc/sys/fs/protected_hardlinks", O_RDWR);
    char before[8] = "", now[8] = "";

    is(read(fd, before, sizeof(before)), 2, "a setting is read");
    is(pwrite(fd, "0", 1, 0), 1, "and set by pwrite");
    is(pread(fd, now, sizeof(now), 0), 2, "so that it");
    ok(!strcmp(now, "0\n"), "is another");
    is(write(fd, "1", 1), 1, "a write behind its end");
    is(pwrite(fd, "1", 1, 1), 1, "or into it");
    is(pread(fd, now, sizeof(now), 0), 2, "is swallowed:");
    ok(!strcmp(now, "0\n"), "it is as it was");
    is(pwrite(fd, before, 1, 0), 1, "the setting is restored");
    close(fd);
}

int main(void)
{
    test_settings();
    test_positions();
    test_machine();
    test_self();
    test_descriptors();
    test_others();
    test_reading();
    test_pagemap();
    return done();
}
