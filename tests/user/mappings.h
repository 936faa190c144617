/*
 * tests/user/mappings.h - what the tests of mappings map: fresh memory, and a
 * file of their own, which they unlink in the end.
 */
#pragma once

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "tap.h"

#define PAGE 4096ul
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define KERNEL_HALF ((void *)0xffff888000000000ul)

static const char path[] = "/tmp/mm-test";

__attribute__((unused)) static char *map(size_t pages, int prot, int flags)
{
    void *p = mmap(NULL, pages * PAGE, prot, flags, -1, 0);

    if (p == MAP_FAILED) {
        ok(0, "mmap of %zu pages: %s", pages, strerror(errno));
        exit(1);
    }
    return p;
}

__attribute__((unused)) static long raw_mmap(unsigned long addr,
                                             unsigned long len, int prot,
                                             int flags, int fd,
                                             unsigned long offset)
{
    return syscall(SYS_mmap, addr, len, prot, flags, fd, offset);
}

__attribute__((unused)) static int make_file(size_t bytes)
{
    int fd;

    mkdir("/tmp", 0777);
    fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);

    if (fd < 0 || ftruncate(fd, bytes)) {
        ok(0, "%s: %s", path, strerror(errno));
        exit(1);
    }
    return fd;
}
