/*
 * tests/user/edu.c - /dev/edu0: mapping, waiting for the interrupt, errors.
 */
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "tap.h"

#define BAR_SIZE (1 << 20)
#define EDU_ID (0x00 / 4)
#define EDU_LIVENESS (0x04 / 4)
#define EDU_FACTORIAL (0x08 / 4)
#define EDU_STATUS (0x20 / 4)

static void mapping(int fd)
{
    volatile uint32_t *regs =
        mmap(NULL, BAR_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    if (!ok(regs != MAP_FAILED, "the whole BAR can be mapped"))
        return;
    is(regs[EDU_ID], 0x010000ed, "identification");
    regs[EDU_LIVENESS] = 0x5a5a0ff0;
    is(regs[EDU_LIVENESS], (uint32_t)~0x5a5a0ff0, "liveness inverts");
    regs[EDU_STATUS] = 0;
    regs[EDU_FACTORIAL] = 6;
    while (regs[EDU_STATUS] & 1)
        ;
    is(regs[EDU_FACTORIAL], 720, "6! by looking at the status");
    munmap((void *)regs, BAR_SIZE);

    regs = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, BAR_SIZE - 4096);
    ok(regs != MAP_FAILED, "the last page can be mapped by its offset");
    munmap((void *)regs, 4096);
}

static void *try_map(int fd, size_t len, off_t off)
{
    return mmap(NULL, len, PROT_READ, MAP_SHARED, fd, off);
}

static void mapping_errors(int fd)
{
    errno_is((long)try_map(fd, BAR_SIZE + 4096, 0), EINVAL, "too long");
    errno_is((long)try_map(fd, 4096, BAR_SIZE), EINVAL, "behind the end");
    errno_is((long)try_map(fd, 8192, BAR_SIZE - 4096), EINVAL,
             "across the end");
    errno_is((long)try_map(fd, 4096, 1), EINVAL, "offset inside a page");
}

static void a_child_has_the_mapping_too(int fd)
{
    volatile uint32_t *regs =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    int status = -1;
    pid_t pid = fork();

    if (pid == 0)
        _exit(regs[EDU_ID] == 0x010000ed ? 0 : 1);
    waitpid(pid, &status, 0);
    is(status, 0, "a mapping survives fork");
    munmap((void *)regs, 4096);
}

static void interrupts(int fd)
{
    struct pollfd pfd = {.fd = fd, .events = POLLIN | POLLOUT};
    uint32_t n = 10, answer = 0;
    int i;

    for (i = 0; i < 5; i++) {
        n = 3 + i;
        if (write(fd, &n, 4) != 4 || read(fd, &answer, 4) != 4)
            break;
    }
    is(i, 5, "five factorials by interrupt");
    is(answer, 5040, "the last one is 7!");
    is(poll(&pfd, 1, 0), 1, "poll");
    is(pfd.revents, POLLOUT, "idle: only writing is possible");
    n = 5;
    is(write(fd, &n, 4), 4, "start 5!");
    pfd.events = POLLIN;
    is(poll(&pfd, 1, 5000), 1, "poll sleeps until the interrupt");
    is(pfd.revents, POLLIN, "readable");
    is(read(fd, &answer, 4), 4, "read it");
    is(answer, 120, "5!");
}

static void on_alarm(int sig)
{
}

static void file_errors(int fd)
{
    struct sigaction action = {.sa_handler = on_alarm}; /* no SA_RESTART */
    struct itimerval soon = {.it_value = {.tv_usec = 20000}};
    uint32_t n = 1;

    errno_is(write(fd, &n, 3), EINVAL, "write of 3 bytes");
    errno_is(write(fd, (void *)8, 4), EFAULT, "write from a bad address");
    errno_is(read(fd, &n, 2), EINVAL, "read into 2 bytes");
    errno_is(lseek(fd, 0, SEEK_SET), ESPIPE, "no position");
    fcntl(fd, F_SETFL, O_NONBLOCK);
    errno_is(read(fd, &n, 4), EAGAIN, "nothing started, O_NONBLOCK");
    fcntl(fd, F_SETFL, 0);
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &soon, NULL);
    errno_is(read(fd, &n, 4), EINTR, "a signal ends the wait");
}

static volatile sig_atomic_t bus_errors;
static sigjmp_buf outside;

static void on_bus_error(int sig)
{
    bus_errors++;
    siglongjmp(outside, 1);
}

/* Writes the device's name ("0000:00:04.0") to a file of its driver. */
static int tell_driver(const char *what, const char *device)
{
    char path[80];
    int fd;
    ssize_t n;

    snprintf(path, sizeof(path), "/sys/bus/pci/drivers/edu/%s", what);
    fd = open(path, O_WRONLY);
    n = write(fd, device, strlen(device));
    close(fd);
    return n < 0 ? -1 : 0;
}

static int find_device(char *name, size_t size)
{
    DIR *dir = opendir("/sys/bus/pci/drivers/edu");
    struct dirent *entry;
    int found = 0;

    while (dir && !found && (entry = readdir(dir)))
        if (strchr(entry->d_name, ':'))
            found = snprintf(name, size, "%s", entry->d_name) > 0;
    if (dir)
        closedir(dir);
    return found;
}

static void the_device_goes(void)
{
    volatile uint32_t *volatile regs, *volatile later;
    int fd = open("/dev/edu0", O_RDWR);
    char device[64];

    regs = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (!find_device(device, sizeof(device)) || regs == MAP_FAILED) {
        skip("a driver lets go", "no /sys");
        return;
    }
    is(regs[EDU_ID], 0x010000ed, "registers before");
    is(tell_driver("unbind", device), 0, "the driver lets go");
    signal(SIGBUS, on_bus_error);
    if (!sigsetjmp(outside, 1))
        (void)regs[EDU_ID];
    is(bus_errors, 1, "SIGBUS: the registers are not mapped any more");
    errno_is((long)mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0), ENODEV,
             "nor can they be");
    is(tell_driver("bind", device), 0, "and takes it again");
    if (!sigsetjmp(outside, 1))
        (void)regs[EDU_ID];
    is(bus_errors, 2, "the old mapping stays without");
    close(fd);
    fd = open("/dev/edu0", O_RDWR);
    later = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
    is(later[EDU_ID], 0x010000ed, "a new one shows them");
    close(fd);
    munmap((void *)regs, 8192);
}

int main(void)
{
    int fd = open("/dev/edu0", O_RDWR);

    if (fd < 0) {
        printf("1..0 # SKIP no /dev/edu0\n");
        return 0;
    }
    mapping(fd);
    mapping_errors(fd);
    a_child_has_the_mapping_too(fd);
    interrupts(fd);
    file_errors(fd);
    close(fd);
    the_device_goes();
    return done();
}
