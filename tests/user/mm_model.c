/*
 * mm_model.c - random work on a map, every page checked against a flat model;
 * an area large enough that the kernel may use pages of 2 MiB.  A child of
 * fork checks its copy while the parent goes on changing its own.
 *
 *     mm_model [ROUNDS [SEED]]
 */
#define _GNU_SOURCE
#include "tap.h"
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define PAGE 4096ul
#define PAGES 4096u /* 16 MiB */
#define AREA ((char *)0x300000000)
#define RW (PROT_READ | PROT_WRITE)

enum { NOTHING, READ_ONLY, READ_WRITE };

static struct {
    unsigned char state;
    unsigned char value; /* of the first and the last byte */
} model[PAGES];

static uint64_t rng;

static unsigned int any(unsigned int below)
{
    rng = rng * 6364136223846793005ul + 1442695040888963407ul;
    return (rng >> 33) % below;
}

static char *at(unsigned int page)
{
    return AREA + page * PAGE;
}

static void set(unsigned int page, unsigned int n, int state, int value)
{
    for (; n--; page++) {
        model[page].state = state;
        model[page].value = value;
    }
}

/* Whether all of it is mapped, so that mprotect and madvise do it all. */
static int is_mapped(unsigned int page, unsigned int n)
{
    while (n--)
        if (model[page++].state == NOTHING)
            return 0;
    return 1;
}

/* The first page that differs, or -1. */
static int differs(void)
{
    unsigned char vec[1];

    for (unsigned int i = 0; i < PAGES; i++) {
        const volatile unsigned char *p = (unsigned char *)at(i);
        int mapped = mincore(at(i), PAGE, vec) == 0;

        if (mapped != (model[i].state != NOTHING))
            return i;
        if (mapped && (p[0] != model[i].value || p[PAGE - 1] != model[i].value))
            return i;
    }
    return -1;
}

static void write_pages(unsigned int page, unsigned int n)
{
    int value = any(256);

    for (; n--; page++) {
        if (model[page].state != READ_WRITE)
            continue;
        at(page)[0] = at(page)[PAGE - 1] = value;
        model[page].value = value;
    }
}

static int move(unsigned int from, unsigned int to, unsigned int n)
{
    void *p;

    if (from + n > to && to + n > from)
        return 1;
    for (unsigned int i = 0; i < n; i++) { /* page by page: always one VMA */
        if (model[from + i].state == NOTHING)
            continue;
        p = mremap(at(from + i), PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
                   at(to + i));
        if (p != at(to + i))
            return 0;
        model[to + i] = model[from + i];
        model[from + i].state = NOTHING;
    }
    return 1;
}

static int child_agrees(void)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        for (int i = 0; i < 20; i++)
            write_pages(any(PAGES), 1);
        _exit(differs() >= 0);
    }
    for (int i = 0; i < 20; i++)
        write_pages(any(PAGES), 1);
    return waitpid(pid, &status, 0) == pid && status == 0;
}

/* Whether the kernel answered as the model says. */
static int one_operation(void)
{
    unsigned int page = any(PAGES), n = 1 + any(PAGES - page);

    if (any(2)) /* mostly small, sometimes whole blocks */
        n = 1 + any(n > 20 ? 20 : n);
    switch (any(10)) {
    case 0:
        set(page, n, NOTHING, 0);
        return munmap(at(page), n * PAGE) == 0;
    case 1:
        if (!is_mapped(page, n))
            return 1;
        for (unsigned int i = page; i < page + n; i++)
            model[i].state = READ_ONLY;
        return mprotect(at(page), n * PAGE, PROT_READ) == 0;
    case 2:
        if (!is_mapped(page, n))
            return 1;
        for (unsigned int i = page; i < page + n; i++)
            model[i].state = READ_WRITE;
        return mprotect(at(page), n * PAGE, RW) == 0;
    case 3:
        if (!is_mapped(page, n))
            return 1;
        for (unsigned int i = page; i < page + n; i++)
            model[i].value = 0;
        return madvise(at(page), n * PAGE, MADV_DONTNEED) == 0;
    case 4:
        n = n > 30 ? 30 : n;
        return move(page, any(PAGES - n), n);
    case 5:
        return child_agrees();
    case 6:
    case 7:
        set(page, n, READ_WRITE, 0);
        return mmap(at(page), n * PAGE, RW,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at(page);
    default:
        write_pages(page, n);
        return 1;
    }
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 400, good = 1, bad = -1, i;

    rng = argc > 2 ? strtoull(argv[2], NULL, 0) : 20261120;
    set(0, PAGES, READ_WRITE, 0);
    good = mmap(AREA, PAGES * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
                -1, 0) == AREA;
    for (i = 0; i < rounds && good && bad < 0; i++) {
        good = one_operation();
        if (i % 16 == 0)
            bad = differs();
    }
    ok(good, "every call answers as the model says");
    if (!good)
        printf("# call %d: %s\n", i, strerror(errno));
    if (bad < 0)
        bad = differs();
    is(bad, -1, "every page holds what the model says");
    is(munmap(AREA, PAGES * PAGE), 0, "all of it goes");
    return done();
}
