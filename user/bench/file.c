/*
 * user/bench/file.c - faults on mappings of files that lie in memory, one by
 * name and one without (memfd).  Figures are per page; msync per call.
 */
#include "bench.h"

#include <fcntl.h>

#define FILE_LEN (4 * MIB)
#define WRITES 0x10000 /* in flags, beside MAP_* */

static int file_fd = -1;

static int do_fault(const struct bench *b, struct sample *s)
{
    uint64_t start;
    void *p;
    int err = map(&p, FILE_LEN, RW, b->flags & ~WRITES, file_fd);

    if (err)
        return err;
    start = ticks();
    if (b->flags & WRITES)
        write_pages(p, FILE_LEN);
    else
        read_pages(p, FILE_LEN);
    *s = (struct sample){ticks() - start, FILE_LEN / PAGE};
    /* Only first bytes are ever written: the second is the file's. */
    if (!pages_hold((char *)p + 1, FILE_LEN - 1, 5))
        err = WRONG;
    munmap(p, FILE_LEN);
    return err;
}

static int do_msync(const struct bench *b, struct sample *s)
{
    uint64_t start;
    void *p;
    int err = map(&p, FILE_LEN, RW, MAP_SHARED, file_fd);

    (void)b;
    if (err)
        return err;
    write_pages(p, FILE_LEN);
    start = ticks();
    err = msync(p, FILE_LEN, MS_SYNC) ? errno : 0;
    *s = (struct sample){ticks() - start, 1};
    munmap(p, FILE_LEN);
    return err;
}

static int fill(int fd)
{
    static char block[64 * 1024];

    if (fd < 0)
        return errno;
    file_fd = fd;
    memset(block, 5, sizeof(block));
    for (size_t done = 0; done < FILE_LEN; done += sizeof(block))
        if (write(fd, block, sizeof(block)) != (ssize_t)sizeof(block))
            return errno ? errno : EIO;
    return 0;
}

static int open_named(void)
{
    int fd = open("bench.tmp", O_RDWR | O_CREAT | O_TRUNC, 0600);

    unlink("bench.tmp");
    return fill(fd);
}

static int open_memfd(void)
{
    return fill(syscall(SYS_memfd_create, "bench", 0));
}

static void close_file(void)
{
    if (file_fd >= 0)
        close(file_fd);
    file_fd = -1;
}

#define LINES_OF(kind)                                                         \
    {                                                                          \
        {kind "_private_read_fault", "4M", do_fault, 0, MAP_PRIVATE, 5},       \
            {kind "_private_write_fault", "4M", do_fault, 0,                   \
             MAP_PRIVATE | WRITES,        5},                                  \
            {kind "_shared_read_fault", "4M", do_fault, 0, MAP_SHARED, 5},     \
            {kind "_shared_write_fault", "4M", do_fault, 0,                    \
             MAP_SHARED | WRITES,        5},                                   \
            {kind "_msync", "4M", do_msync, 0, 0, 5},                          \
    }

static const struct bench file_lines[] = LINES_OF("file");
static const struct bench memfd_lines[] = LINES_OF("memfd");
GROUP(file, file_lines, open_named, close_file);
GROUP(memfd, memfd_lines, open_memfd, close_file);
