/*
 * tests/user/devmem.c - /dev/mem and the devices next to it.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "tap.h"

#define BIOS_START 0xc0000
#define BIOS_SIZE 0x40000
#define RAM_ADDRESS 0x200000 /* 2 MiB: RAM on every PC */

/* A sum that sees order. */
static uint64_t sum(const volatile unsigned char *p, size_t n)
{
    uint64_t h = 14695981039346656037u;

    while (n--)
        h = (h ^ *p++) * 1099511628211u;
    return h;
}

static void bios_area(int fd)
{
    static unsigned char once[BIOS_SIZE], parts[BIOS_SIZE];
    size_t done = 0;
    unsigned char *map;

    is(pread(fd, once, BIOS_SIZE, BIOS_START), BIOS_SIZE,
       "the BIOS area in one read");
    is(lseek(fd, BIOS_START, SEEK_SET), BIOS_START, "seek there");
    while (done < BIOS_SIZE && read(fd, parts + done, 1023) > 0)
        done += done + 1023 > BIOS_SIZE ? BIOS_SIZE - done : 1023;
    ok(sum(once, BIOS_SIZE) == sum(parts, BIOS_SIZE),
       "the same bytes in odd parts");
    is(parts[0xffff0 - BIOS_START], 0xea, "the reset vector is a far jump");

    map = mmap(NULL, BIOS_SIZE, PROT_READ, MAP_SHARED, fd, BIOS_START);
    if (ok(map != MAP_FAILED, "it can be mapped"))
        ok(sum(map, BIOS_SIZE) == sum(once, BIOS_SIZE),
           "the mapping shows the same bytes");
}

static void refusals(int fd)
{
    char byte;

    errno_is(pread(fd, &byte, 1, RAM_ADDRESS), EPERM, "reading RAM");
    errno_is((long)mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, RAM_ADDRESS),
             EPERM, "mapping RAM");
    errno_is(lseek(fd, 0, SEEK_END), EINVAL, "there is no end");
    errno_is(pread(fd, (void *)8, 1, BIOS_START), EFAULT, "a bad buffer");
}

static void small_devices(void)
{
    static char buf[5000];
    int null = open("/dev/null", O_RDWR), zero = open("/dev/zero", O_RDWR);
    int full = open("/dev/full", O_RDWR), rnd = open("/dev/urandom", O_RDONLY);
    char *map;
    size_t i;

    is(read(null, buf, 10), 0, "/dev/null is empty");
    is(write(null, buf, 10), 10, "/dev/null takes all");
    buf[4999] = 1;
    is(read(zero, buf, sizeof(buf)), sizeof(buf), "/dev/zero fills");
    is(buf[4999], 0, "with zeroes");
    errno_is(write(full, buf, 1), ENOSPC, "/dev/full is full");
    is(read(full, buf, 10), 10, "and reads as zeroes");
    is(read(rnd, buf, sizeof(buf)), sizeof(buf), "/dev/urandom fills");
    for (i = 0; i < sizeof(buf) && !buf[i]; i++)
        ;
    ok(i < 100, "not with zeroes only");
    map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, zero, 0);
    if (ok(map != MAP_FAILED, "/dev/zero mapped privately")) {
        map[4096] = 1;
        is(map[0] + map[4096], 1, "is memory");
    }
    map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, zero, 0);
    ok(map != MAP_FAILED, "/dev/zero mapped shared");
    errno_is((long)mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, null, 0), ENODEV,
             "/dev/null cannot be mapped");
}

int main(void)
{
    int fd = open("/dev/mem", O_RDONLY);

    small_devices();
    if (ok(fd >= 0, "/dev/mem opens")) {
        bios_area(fd);
        refusals(fd);
    }
    return done();
}
