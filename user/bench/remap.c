/*
 * user/bench/remap.c - changing mappings that exist: protection, size, place.
 * One operation is a pair of calls, there and back.
 */
#include "bench.h"

enum { SPLIT = 1, TOUCH = 2 };

static int do_mprotect(const struct bench *b, struct sample *s)
{
    size_t area = b->flags & SPLIT ? 16 * PAGE : b->arg;
    int rounds = b->arg >= MIB ? 20 : 100;
    char *base, *target;
    uint64_t start;
    void *p;
    int err = map_anon(&p, area + 2 * PAGE);

    if (err)
        return err;
    /* Pages without access on both sides, so that no neighbour merges. */
    base = (char *)p + PAGE;
    target = base + (b->flags & SPLIT ? area / 2 : 0);
    if (mprotect(p, PAGE, PROT_NONE) || mprotect(base + area, PAGE, PROT_NONE))
        err = errno;
    write_pages(base, area);
    start = ticks();
    for (int i = 0; i < rounds && !err; i++) {
        if (mprotect(target, b->arg, PROT_READ) || mprotect(target, b->arg, RW))
            err = errno;
        if (b->flags & TOUCH)
            write_pages(target, b->arg);
    }
    *s = (struct sample){ticks() - start, rounds};
    munmap(p, area + 2 * PAGE);
    return err;
}

/* Grown to twice the size where it is, and cut back. */
static int do_grow(const struct bench *b, struct sample *s)
{
    size_t half = b->arg, full = 2 * b->arg;
    uint64_t start;
    void *p;
    int err = map_anon(&p, full);

    if (err)
        return err;
    write_pages(p, full);
    if (munmap((char *)p + half, half))
        err = errno;
    start = ticks();
    for (int i = 0; i < 50 && !err; i++)
        if (mremap(p, half, full, 0) != p || mremap(p, full, half, 0) != p)
            err = errno ? errno : WRONG;
    *s = (struct sample){ticks() - start, 50};
    munmap(p, full);
    return err;
}

/* Populated memory moved to another address; one operation is one move. */
static int do_move(const struct bench *b, struct sample *s)
{
    void *at, *other, *swap;
    uint64_t start;
    int err = map_anon(&at, b->arg);

    if (!err)
        err = map(&other, b->arg, PROT_NONE, ANON, -1);
    if (err)
        return err;
    write_pages(at, b->arg);
    start = ticks();
    for (int i = 0; i < 20 && !err; i++) {
        if (mremap(at, b->arg, b->arg, MREMAP_MAYMOVE | MREMAP_FIXED, other) !=
            other)
            err = errno;
        swap = at;
        at = other;
        other = swap;
    }
    *s = (struct sample){ticks() - start, 20};
    if (!err && !pages_hold(at, b->arg, 1))
        err = WRONG;
    munmap(at, b->arg);
    munmap(other, b->arg);
    return err;
}

/* The break up, its pages written, and down again. */
static int do_brk(const struct bench *b, struct sample *s)
{
    long top = syscall(SYS_brk, 0), len = b->arg;
    uint64_t start;

    if (top <= 0)
        return ENOSYS;
    top = (top + PAGE - 1) & ~(PAGE - 1);
    start = ticks();
    for (int i = 0; i < 20; i++) {
        if (syscall(SYS_brk, top + len) != top + len)
            return ENOMEM;
        write_pages((void *)top, len);
        if (syscall(SYS_brk, top) != top)
            return WRONG;
    }
    *s = (struct sample){ticks() - start, 20};
    return 0;
}

static const struct bench lines[] = {
    {"mprotect_pair", "4K", do_mprotect, PAGE, .repeats = 9},
    {"mprotect_pair", "4K-split", do_mprotect, PAGE, SPLIT, 9},
    {"mprotect_pair", "1M", do_mprotect, MIB, .repeats = 9},
    {"mprotect_pair_touch", "1M", do_mprotect, MIB, TOUCH, 9},
    {"mremap_grow_pair", "64K", do_grow, 64 * KIB, .repeats = 9},
    {"mremap_move", "1M", do_move, MIB, .repeats = 9},
    {"brk_cycle", "64K", do_brk, 64 * KIB, .repeats = 9},
};
GROUP(remap, lines);
