/*
 * user/bench/anon.c - anonymous memory: mapping it, touching it, copying it
 * on write, giving it back.  Figures are per page except mmap_munmap.
 */
#include "bench.h"

#define FAR_AWAY ((void *)0x200000000000) /* nothing else within 512 GiB */

int bench_mmap_munmap(const struct bench *b, struct sample *s)
{
    uint64_t start = ticks();
    void *p;

    for (int i = 0; i < 100; i++) {
        int err = map_anon(&p, b->arg);

        if (err)
            return err;
        if (munmap(p, b->arg))
            return errno;
    }
    *s = (struct sample){ticks() - start, 100};
    return 0;
}

static int do_touch(const struct bench *b, struct sample *s)
{
    int rounds = b->arg >= MIB ? 1 : (int)(MIB / b->arg / 2);
    uint64_t start = ticks();
    void *p;

    for (int i = 0; i < rounds; i++) {
        int err = map_anon(&p, b->arg);

        if (err)
            return err;
        write_pages(p, b->arg);
        if (munmap(p, b->arg))
            return errno;
    }
    *s = (struct sample){ticks() - start, rounds * (b->arg / PAGE)};
    return 0;
}

/* Far from everything: page tables come and go with the page, if they go. */
static int do_touch_lone(const struct bench *b, struct sample *s)
{
    uint64_t start = ticks();

    (void)b;
    for (int i = 0; i < 100; i++) {
        void *p = mmap(FAR_AWAY, PAGE, RW, ANON, -1, 0);

        if (p == MAP_FAILED)
            return errno;
        write_pages(p, PAGE);
        if (munmap(p, PAGE))
            return errno;
        if (p != FAR_AWAY)
            return WRONG; /* a free hint is to be taken */
    }
    *s = (struct sample){ticks() - start, 100};
    return 0;
}

/* The mmap call alone, which brings the pages in. */
static int do_populate(const struct bench *b, struct sample *s)
{
    uint64_t start = ticks();
    void *p;
    int err = map(&p, b->arg, RW, ANON | MAP_POPULATE, -1);

    *s = (struct sample){ticks() - start, b->arg / PAGE};
    if (err)
        return err;
    return munmap(p, b->arg) ? errno : 0;
}

/* The munmap call alone. */
static int do_munmap(const struct bench *b, struct sample *s)
{
    void *p;
    int err = map_anon(&p, b->arg);
    uint64_t start;

    if (err)
        return err;
    write_pages(p, b->arg);
    start = ticks();
    err = munmap(p, b->arg) ? errno : 0;
    *s = (struct sample){ticks() - start, b->arg / PAGE};
    return err;
}

/* First accesses to a new mapping, nothing else. */
static int do_fault(const struct bench *b, struct sample *s)
{
    bool write = b->flags == PROT_WRITE;
    void *p;
    int err = map_anon(&p, b->arg);
    uint64_t start;

    if (err)
        return err;
    start = ticks();
    if (write)
        write_pages(p, b->arg);
    else
        read_pages(p, b->arg);
    *s = (struct sample){ticks() - start, b->arg / PAGE};
    if (!pages_hold(p, b->arg, write) ||
        !pages_hold((char *)p + 1, b->arg - 1, 0))
        err = WRONG;
    munmap(p, b->arg);
    return err;
}

static int write_4m(void *p, struct sample *s)
{
    uint64_t start = ticks();

    write_pages(p, 4 * MIB);
    *s = (struct sample){ticks() - start, 4 * MIB / PAGE};
    return 0;
}

/* A forked child writes its parent's pages: every one is copied. */
static int do_cow(const struct bench *b, struct sample *s)
{
    void *p;
    int err = map_anon(&p, b->arg);

    if (err)
        return err;
    memset(p, 7, b->arg);
    err = sample_in_child(write_4m, p, s);
    if (!err && !pages_hold(p, b->arg, 7))
        err = WRONG;
    munmap(p, b->arg);
    return err;
}

/* The parent writes them when the child is gone: none need be copied. */
static int do_cow_reuse(const struct bench *b, struct sample *s)
{
    void *p;
    int err = map_anon(&p, b->arg);
    pid_t pid;

    if (err)
        return err;
    memset(p, 7, b->arg);
    pid = fork();
    if (pid == 0)
        _exit(0);
    err = wait_for(pid);
    if (!err)
        err = write_4m(p, s);
    munmap(p, b->arg);
    return err;
}

static int do_refault(const struct bench *b, struct sample *s)
{
    int rounds = b->arg >= MIB ? 1 : 100;
    void *p;
    int err = map_anon(&p, b->arg);
    uint64_t start;

    if (err)
        return err;
    memset(p, 7, b->arg);
    start = ticks();
    for (int i = 0; i < rounds && !err; i++) {
        if (madvise(p, b->arg, MADV_DONTNEED))
            err = errno;
        write_pages(p, b->arg);
    }
    *s = (struct sample){ticks() - start, rounds * (b->arg / PAGE)};
    if (!err && !pages_hold((char *)p + 1, b->arg - 1, 0))
        err = WRONG; /* the old contents came back */
    munmap(p, b->arg);
    return err;
}

static const struct bench lines[] = {
    {"mmap_munmap", "4K", bench_mmap_munmap, 4 * KIB, .repeats = 9},
    {"mmap_touch_munmap", "4K", do_touch, 4 * KIB, .repeats = 5},
    {"mmap_touch_munmap", "64K", do_touch, 64 * KIB, .repeats = 5},
    {"mmap_touch_munmap", "1M", do_touch, MIB, .repeats = 5},
    {"mmap_touch_munmap", "16M-4k", do_touch, 16 * MIB, .repeats = 5},
    {"mmap_touch_munmap", "4K-lone", do_touch_lone, .repeats = 5},
    {"mmap_populate", "16M-4k", do_populate, 16 * MIB, .repeats = 5},
    {"anon_write_fault", "4M", do_fault, 4 * MIB, PROT_WRITE},
    {"anon_read_fault", "4M", do_fault, 4 * MIB, PROT_READ},
    {"cow_fault", "4M", do_cow, 4 * MIB, .repeats = 5},
    {"cow_reuse", "4M", do_cow_reuse, 4 * MIB, .repeats = 5},
    {"dontneed_refault", "4K", do_refault, 4 * KIB},
    {"dontneed_refault", "4M", do_refault, 4 * MIB},
    {"munmap_populated", "1M-4k", do_munmap, MIB, .repeats = 5},
    {"munmap_populated", "64M-4k", do_munmap, 64 * MIB, .repeats = 3},
    {"mmap_touch_munmap", "16M", do_touch, 16 * MIB, 0, 5, true},
    {"mmap_populate", "16M", do_populate, 16 * MIB, 0, 5, true},
    {"munmap_populated", "64M", do_munmap, 64 * MIB, 0, 3, true},
};
GROUP(anon, lines);
