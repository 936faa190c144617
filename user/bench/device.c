/*
 * user/bench/device.c - the registers of QEMU's edu device, mapped by way of
 * its resource file in sysfs.
 */
#include "bench.h"

#include <dirent.h>
#include <fcntl.h>

#define DEVICES "/sys/bus/pci/devices"
#define EDU_ID 0x010000edu
#define BAR_LEN MIB

static int bar = -1;

static int do_map(const struct bench *b, struct sample *s)
{
    uint64_t start = ticks();
    void *p;

    for (int i = 0; i < 10; i++) {
        int err = map(&p, b->arg, RW, MAP_SHARED, bar);

        if (err)
            return err;
        if (munmap(p, b->arg))
            return errno;
    }
    *s = (struct sample){ticks() - start, 10};
    return 0;
}

/* The registers, mapped anew. */
static int map_registers(volatile const uint32_t **reg)
{
    void *p;
    int err = map(&p, BAR_LEN, RW, MAP_SHARED, bar);

    if (!err)
        *reg = p;
    return err;
}

/* One register of each page, right after the mmap. */
static int do_first_touch(const struct bench *b, struct sample *s)
{
    volatile const uint32_t *reg;
    uint64_t start;
    int err = map_registers(&reg);

    (void)b;
    if (err)
        return err;
    start = ticks();
    for (size_t i = 0; i < BAR_LEN / 4; i += PAGE / 4)
        (void)reg[i];
    *s = (struct sample){ticks() - start, BAR_LEN / PAGE};
    munmap((void *)reg, BAR_LEN);
    return 0;
}

static int do_read(const struct bench *b, struct sample *s)
{
    volatile const uint32_t *reg;
    uint64_t start;
    int err = map_registers(&reg);

    (void)b;
    if (err)
        return err;
    if (reg[0] != EDU_ID)
        err = WRONG;
    start = ticks();
    for (int i = 0; i < 1000; i++)
        (void)reg[0];
    *s = (struct sample){ticks() - start, 1000};
    munmap((void *)reg, BAR_LEN);
    return err;
}

static bool says(const char *dev, const char *name, const char *text)
{
    char path[300], got[16] = "";
    int fd;
    ssize_t n;

    snprintf(path, sizeof(path), DEVICES "/%.32s/%s", dev, name);
    fd = open(path, O_RDONLY);
    if (fd < 0)
        return false;
    n = read(fd, got, sizeof(got) - 1);
    close(fd);
    return n > 0 && !strncmp(got, text, strlen(text));
}

static int open_bar(void)
{
    struct dirent *entry;
    char path[300];
    DIR *dir = opendir(DEVICES);
    int err = ENODEV;

    if (!dir)
        return errno;
    while (bar < 0 && (entry = readdir(dir))) {
        if (!says(entry->d_name, "vendor", "0x1234") ||
            !says(entry->d_name, "device", "0x11e8"))
            continue;
        snprintf(path, sizeof(path), DEVICES "/%.32s/resource0", entry->d_name);
        bar = open(path, O_RDWR | O_SYNC);
        err = bar < 0 ? errno : 0;
    }
    closedir(dir);
    return err;
}

static void close_bar(void)
{
    close(bar);
}

static const struct bench lines[] = {
    {"edu_mmap_munmap", "4K", do_map, PAGE},
    {"edu_mmap_munmap", "1M", do_map, BAR_LEN},
    {"edu_first_touch", "1M", do_first_touch},
    {"edu_read", "4", do_read},
};
GROUP(device, lines, open_bar, close_bar);
