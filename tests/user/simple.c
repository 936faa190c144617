/*
 * tests/user/simple.c - a driver's own RAM, mapped by frame number (simple0)
 * and by faults (simple1); when the kernel calls vm_ops.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "tap.h"

#define PAGE 4096
#define SIZE (4 * PAGE)

/* "simple1 maps=N faults=M": the number after `key`. */
static int counter(const char *device, const char *key)
{
    char text[256] = "", *at;
    int fd = open("/sys/module/simple/maps", O_RDONLY);

    if (read(fd, text, sizeof(text) - 1) < 0)
        text[0] = 0;
    close(fd);
    at = strstr(text, device);
    at = at ? strstr(at, key) : NULL;
    return at ? atoi(at + strlen(key)) : -1;
}

static int maps(const char *device)
{
    return counter(device, "maps=");
}

static long minor_faults(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_minflt;
}

static sigjmp_buf escape;

static void on_sigbus(int sig)
{
    siglongjmp(escape, sig);
}

static char *map(int fd, size_t len, off_t off)
{
    return mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, off);
}

static void both(const char *device, const char *path)
{
    char text[16] = "", *p, *q;
    int fd = open(path, O_RDWR), status;
    pid_t pid;

    printf("# %s\n", path);
    if (!ok(fd >= 0, "open"))
        return;
    p = map(fd, SIZE, 0);
    if (!ok(p != MAP_FAILED, "map"))
        return;
    is(maps(device), 1, "the driver counts one mapping");
    strcpy(p + PAGE, "stored");
    is(pread(fd, text, 7, PAGE), 7, "read");
    ok(!strcmp(text, "stored"), "read sees what was stored");
    is(pwrite(fd, "written", 8, 2 * PAGE), 8, "write");
    ok(!strcmp(p + 2 * PAGE, "written"), "the mapping sees what was written");
    q = map(fd, PAGE, PAGE);
    ok(q != MAP_FAILED && !strcmp(q, "stored"),
       "a second mapping, by offset, shows the same page");
    is(maps(device), 2, "two mappings");
    munmap(q, PAGE);
    is(maps(device), 1, "munmap closes one");

    pid = fork();
    if (pid == 0) {
        p[0] = 'c';
        _exit(maps(device));
    }
    waitpid(pid, &status, 0);
    is(WEXITSTATUS(status), 2, "fork opens a copy");
    is(p[0], 'c', "shared with the child");
    is(maps(device), 1, "exit closes the copy");

    is(munmap(p + PAGE, PAGE), 0, "a hole in the middle");
    is(maps(device), 2, "the rest is two mappings");
    munmap(p, SIZE);
    is(maps(device), 0, "all closed");
    close(fd);
}

static void only_by_frame_number(void)
{
    int fd = open("/dev/simple0", O_RDWR);
    long before;
    char *p;

    errno_is((long)map(fd, SIZE + PAGE, 0), EINVAL, "longer than the device");
    errno_is((long)map(fd, PAGE, SIZE), EINVAL, "behind its end");
    p = map(fd, SIZE, 0);
    minor_faults();
    before = minor_faults();
    p[0] = p[PAGE] = p[2 * PAGE] = p[3 * PAGE] = 1;
    is(minor_faults() - before, 0, "remap_pfn_range: no access faults");
    munmap(p, SIZE);
    close(fd);
}

static void only_by_faults(void)
{
    int fd = open("/dev/simple1", O_RDWR);
    int faults = counter("simple1", "faults=");
    char *p = map(fd, SIZE + PAGE, 0);

    if (!ok(p != MAP_FAILED, "longer than the device is possible"))
        return;
    is(counter("simple1", "faults="), faults, "mmap calls no fault handler");
    p[0] = 1;
    p[1] = 2;
    p[PAGE] = 3;
    is(counter("simple1", "faults="), faults + 2, "one fault a page");
    signal(SIGBUS, on_sigbus);
    if (!sigsetjmp(escape, 1)) {
        p[SIZE] = 1;
        ok(0, "an access behind the end");
    } else {
        ok(1, "an access behind the end is SIGBUS");
    }
    munmap(p, SIZE + PAGE);
    close(fd);
}

int main(void)
{
    if (access("/dev/simple0", F_OK)) {
        printf("1..0 # SKIP no simple driver here\n");
        return 0;
    }
    both("simple0", "/dev/simple0");
    both("simple1", "/dev/simple1");
    only_by_frame_number();
    only_by_faults();
    return done();
}
