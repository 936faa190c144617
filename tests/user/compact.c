/*
 * tests/user/compact.c - pages that move under a program: nothing it can see
 * changes but the frame numbers, whatever it does meanwhile.
 *
 * The second half fills memory and leaves a page of eight, so that a block of
 * 2 MiB is only to be had by moving pages; with much RAM it is left out.
 */
#include "tap.h"
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>

#define PAGE 4096ul
#define BLOCK (2ul << 20)
#define PAGES 1024ul
#define KEPT 8 /* one page of so many */
#define ROUNDS 3
#define RAM_MAX (256ul << 20)
#define MARGIN (16ul << 20) /* left to everybody else */

static uint64_t *word(char *base, unsigned long page)
{
    return (uint64_t *)(base + page * PAGE);
}

static char *map(size_t size, int flags)
{
    char *p =
        mmap(NULL, size, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED)
        return NULL;
    madvise(p, size, MADV_NOHUGEPAGE);
    return p;
}

static void fill(char *base, unsigned long pages)
{
    for (unsigned long i = 0; i < pages; i++)
        *word(base, i) = i * 0x9e3779b97f4a7c15;
}

static void thin_out(char *base, unsigned long pages)
{
    for (unsigned long i = 0; i + KEPT <= pages; i += KEPT)
        madvise(base + (i + 1) * PAGE, (KEPT - 1) * PAGE, MADV_DONTNEED);
}

static int holds(char *base, unsigned long pages)
{
    for (unsigned long i = 0; i + KEPT <= pages; i += KEPT)
        if (*word(base, i) != i * 0x9e3779b97f4a7c15)
            return 0;
    return 1;
}

static int compact(void)
{
    int fd = open("/proc/sys/vm/compact_memory", O_WRONLY);
    int done = fd >= 0 && write(fd, "1", 1) == 1;

    close(fd);
    return done;
}

static long vmstat(const char *name)
{
    FILE *f = fopen("/proc/vmstat", "r");
    char line[64], format[64];
    long n, found = -1;

    snprintf(format, sizeof(format), "%s %%ld", name);
    while (f && fgets(line, sizeof(line), f))
        if (sscanf(line, format, &n) == 1)
            found = n;
    if (f)
        fclose(f);
    return found;
}

/* ---- while it is used ---- */

static char *shared_base;
static volatile int stop;
static unsigned long written;

/* Counts up in one page after the other; each must hold what was stored. */
static void *writer(void *arg)
{
    unsigned long wrong = 0, n = 0;

    for (n = 0; !stop; n++)
        for (unsigned long i = 0; i < PAGES; i += KEPT) {
            uint64_t *at = word(arg, i) + 1;

            wrong += *at != n;
            *at = n + 1;
        }
    __atomic_fetch_add(&written, n, __ATOMIC_RELAXED);
    return (void *)wrong;
}

static void moved_while_written(void)
{
    char *mine = map(PAGES * PAGE, MAP_PRIVATE);
    pthread_t thread[2];
    void *wrong[2];
    int status, compacted = 1;
    pid_t child;

    shared_base = map(PAGES * PAGE, MAP_SHARED);
    fill(mine, PAGES);
    fill(shared_base, PAGES);
    thin_out(mine, PAGES);
    child = fork(); /* its pages are ours until somebody writes */
    if (child == 0) {
        for (int i = 0; i < ROUNDS; i++)
            usleep(1000);
        _exit(!holds(mine, PAGES) || !holds(shared_base, PAGES));
    }
    pthread_create(&thread[0], NULL, writer, mine);
    pthread_create(&thread[1], NULL, writer, shared_base);
    for (int i = 0; i < ROUNDS; i++)
        compacted &= compact();
    stop = 1;
    for (int i = 0; i < 2; i++)
        pthread_join(thread[i], &wrong[i]);
    ok(compacted, "memory is compacted on demand");
    is((long)wrong[0], 0, "private pages hold what was stored in them");
    is((long)wrong[1], 0, "shared pages hold what was stored in them");
    ok(written > 0, "the program went on meanwhile");
    waitpid(child, &status, 0);
    is(status, 0, "a child sees what it was born with");
    ok(holds(mine, PAGES) && holds(shared_base, PAGES), "nothing else changed");
    munmap(mine, PAGES * PAGE);
    munmap(shared_base, PAGES * PAGE);
}

/* ---- a large page out of small pieces ---- */

static unsigned long huge_kib(const char *at)
{
    FILE *f = fopen("/proc/self/smaps", "r");
    unsigned long start, end, kib, found = 0;
    int inside = 0;
    char line[256];

    while (f && fgets(line, sizeof(line), f)) {
        if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
            inside = start <= (uintptr_t)at && (uintptr_t)at < end;
        if (inside && sscanf(line, "AnonHugePages: %lu", &kib) == 1)
            found = kib;
    }
    if (f)
        fclose(f);
    return found;
}

/* A place for large pages; each of its blocks touched. */
static char *large_pages(size_t size, char **room)
{
    char *block;

    *room = map(size + BLOCK, MAP_PRIVATE | MAP_NORESERVE);
    block = (char *)(((uintptr_t)*room + BLOCK - 1) & -BLOCK);
    madvise(block, size, MADV_HUGEPAGE);
    for (unsigned long i = 0; i < size / BLOCK; i++)
        block[i * BLOCK] = i + 1;
    return block;
}

static int has_large_pages(void)
{
    char *room, *block = large_pages(BLOCK, &room);
    int has = huge_kib(block) > 0;

    munmap(room, 2 * BLOCK);
    return has;
}

static void block_of_pieces(void)
{
    struct sysinfo info;
    unsigned long size, pages;
    long moved;
    char *base, *room, *block;

    sysinfo(&info);
    info.freeram *= info.mem_unit;
    if (info.totalram * info.mem_unit > RAM_MAX || !has_large_pages()) {
        printf("# much RAM (a block is always to be had), or no large pages\n");
        return;
    }
    size = (info.freeram - MARGIN) & -BLOCK;
    pages = size / PAGE;
    base = map(size, MAP_PRIVATE | MAP_NORESERVE);
    if (!ok(base != NULL, "most of the memory is mapped"))
        return;
    fill(base, pages);
    thin_out(base, pages);
    moved = vmstat("pgmigrate_success");
    block = large_pages(MARGIN, &room);
    moved = vmstat("pgmigrate_success") - moved;
    printf("# %lu KiB in large pages, %ld pages moved\n", huge_kib(block),
           moved);
    ok(huge_kib(block) > 0 && moved > 0, "large pages are made of small ones");
    ok(holds(base, pages), "all small pages hold what they held");
    for (unsigned long i = 0; i < MARGIN / BLOCK; i++)
        if (block[i * BLOCK] != (char)(i + 1) || block[i * BLOCK + PAGE])
            ok(0, "a large page is not zeroed, or not ours");
    munmap(base, size);
    munmap(room, MARGIN + BLOCK);
}

int main(void)
{
    moved_while_written();
    block_of_pieces();
    return done();
}
