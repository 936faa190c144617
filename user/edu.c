/*
 * edu.c - a PCI device worked with by plain loads and stores from ring 3.
 *
 *     edu                 everything below
 *     edu factorial N     N! computed by the device
 *
 * Needs QEMU's device: -device edu (make run gives it).  BAR 0, its registers,
 * is mapped through /dev/edu0, or where that is not there through sysfs
 * resource0, so that the same binary runs on Linux (as root).
 *
 * Shows: the identification; the liveness register, which answers each store
 * with its inverse; factorials, waiting first by looking at the status bit and
 * then by sleeping until the device's interrupt; the line of this mapping in
 * /proc/self/maps, and the page-table walk that leads to the device.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Registers, QEMU docs/specs/edu; 32 bits wide, offsets in words. */
#define EDU_ID (0x00 / 4)
#define EDU_LIVENESS (0x04 / 4)
#define EDU_FACTORIAL (0x08 / 4)
#define EDU_STATUS (0x20 / 4)
#define EDU_STATUS_COMPUTING 1u
#define EDU_REGS_SIZE 4096 /* of the BAR's 1 MiB; all registers are there */

#define SYSFS_DEVICES "/sys/bus/pci/devices"

static volatile uint32_t *regs; /* the device, where we see it */
static char where[320];         /* the file that was mapped */

/* The first line of a device's sysfs file as a number; -1: none. */
static long sysfs_number(const char *device, const char *file)
{
    char path[320], text[32];
    long value = -1;
    FILE *f;

    snprintf(path, sizeof(path), SYSFS_DEVICES "/%s/%s", device, file);
    f = fopen(path, "r");
    if (f && fgets(text, sizeof(text), f))
        value = strtol(text, NULL, 16);
    if (f)
        fclose(f);
    return value;
}

/* The path of edu's BAR 0 in sysfs into `where`; whether there is one. */
static int find_in_sysfs(void)
{
    DIR *dir = opendir(SYSFS_DEVICES);
    struct dirent *entry;
    int found = 0;

    while (dir && !found && (entry = readdir(dir))) {
        const char *name = entry->d_name;

        if (sysfs_number(name, "vendor") != 0x1234 ||
            sysfs_number(name, "device") != 0x11e8)
            continue;
        snprintf(where, sizeof(where), SYSFS_DEVICES "/%s/resource0", name);
        found = 1;
    }
    if (dir)
        closedir(dir);
    return found;
}

/* Maps the registers; 0, or 1 with the reason printed. */
static int map_registers(void)
{
    void *map;
    int fd;

    strcpy(where, "/dev/edu0");
    fd = open(where, O_RDWR);
    if (fd < 0 && find_in_sysfs())
        fd = open(where, O_RDWR);
    if (fd < 0) {
        fprintf(stderr,
                "edu: no edu device (%s); start QEMU with -device edu\n",
                strerror(errno));
        return 1;
    }
    map = mmap(NULL, EDU_REGS_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED) {
        fprintf(stderr, "edu: cannot map %s: %s\n", where, strerror(errno));
        return 1;
    }
    close(fd); /* the mapping holds the file */
    regs = map;
    return 0;
}

static int show_identification(void)
{
    uint32_t id = regs[EDU_ID];

    printf("  identification 0x%08x: version %u.%u of device kind "
           "%#x\n",
           id, id >> 24, id >> 16 & 0xff, id & 0xff);
    return (id & 0xff) != 0xed;
}

static int show_liveness(void)
{
    static const uint32_t samples[] = {0, 1, 0x12345678, 0xffffffff};
    int wrong = 0;
    size_t i;

    for (i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
        uint32_t answer;

        regs[EDU_LIVENESS] = samples[i];
        answer = regs[EDU_LIVENESS];
        printf("  stored 0x%08x, loaded 0x%08x: %s\n", samples[i], answer,
               answer == ~samples[i] ? "every bit inverted, so not memory"
                                     : "NOT the inverse");
        wrong |= answer != ~samples[i];
    }
    return wrong;
}

/* n! (modulo 2^32), looking at the status bit until it is done. */
static uint32_t factorial(uint32_t n, unsigned long *looks)
{
    *looks = 0;
    regs[EDU_STATUS] = 0; /* no interrupt, please */
    regs[EDU_FACTORIAL] = n;
    do
        ++*looks;
    while (regs[EDU_STATUS] & EDU_STATUS_COMPUTING);
    return regs[EDU_FACTORIAL];
}

static uint32_t expected(uint32_t n)
{
    return n < 2 ? 1 : n * expected(n - 1);
}

static int show_factorials(void)
{
    static const uint32_t samples[] = {1, 5, 10, 12};
    int wrong = 0;
    size_t i;

    for (i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
        unsigned long looks;
        uint32_t answer = factorial(samples[i], &looks);

        printf("  %2u! = %u, after %lu looks at the status register\n",
               samples[i], answer, looks);
        wrong |= answer != expected(samples[i]);
    }
    return wrong;
}

/* Through the driver: write starts it, read sleeps until the interrupt. */
static int show_interrupt(void)
{
    uint32_t n = 7, answer = 0;
    int fd = open("/dev/edu0", O_RDWR);

    if (fd < 0) {
        printf("  no /dev/edu0 (Linux has no driver for it): skipped\n");
        return 0;
    }
    if (write(fd, &n, sizeof(n)) != sizeof(n) ||
        read(fd, &answer, sizeof(answer)) != sizeof(answer)) {
        printf("  /dev/edu0: %s\n", strerror(errno));
        close(fd);
        return 1;
    }
    close(fd);
    printf("  write(%u), read() slept until the interrupt: %u! = %u\n", n, n,
           answer);
    return answer != expected(n);
}

/* The lines of smaps or maps about our mapping. */
static void show_maps(void)
{
    char line[512];
    FILE *maps = fopen("/proc/self/maps", "r");

    while (maps && fgets(line, sizeof(line), maps))
        if (strtoul(line, NULL, 16) == (uintptr_t)regs)
            printf("  %s", line);
    if (maps)
        fclose(maps);
}

static void show_walk(void)
{
    char text[4096];
    ssize_t len;
    int fd = open("/proc/pagewalk", O_RDWR);

    if (fd < 0) {
        printf("  /proc/pagewalk is not there: only Pagewalk has it\n");
        return;
    }
    snprintf(text, sizeof(text), "walk %p", (void *)regs);
    if (write(fd, text, strlen(text)) < 0)
        printf("  /proc/pagewalk: %s\n", strerror(errno));
    fflush(stdout);
    while ((len = read(fd, text, sizeof(text))) > 0)
        fwrite(text, 1, (size_t)len, stdout);
    close(fd);
}

static int compute(const char *number)
{
    unsigned long looks;
    char *end;
    unsigned long n = strtoul(number, &end, 0);

    if (!*number || *end || n > UINT32_MAX) {
        fprintf(stderr, "edu: %s is not a number of 32 bits\n", number);
        return 2;
    }
    printf("%u\n", factorial((uint32_t)n, &looks));
    return 0;
}

int main(int argc, char **argv)
{
    int wrong = 0;

    if (argc != 1 && !(argc == 3 && !strcmp(argv[1], "factorial"))) {
        fprintf(stderr, "usage: edu [factorial N]\n");
        return 2;
    }
    if (map_registers())
        return 1;
    if (argc == 3)
        return compute(argv[2]);

    printf("edu: BAR 0 of QEMU's edu device, %s, mapped at %p\n", where,
           (void *)regs);
    wrong |= show_identification();
    printf("the liveness register, by plain stores and loads:\n");
    wrong |= show_liveness();
    printf("factorials through the registers:\n");
    wrong |= show_factorials();
    printf("the same with the device's interrupt:\n");
    wrong |= show_interrupt();
    printf("this mapping in /proc/self/maps:\n");
    show_maps();
    printf("the way of the CPU from the address to the device:\n");
    show_walk();
    return wrong;
}
