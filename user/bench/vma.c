/*
 * user/bench/vma.c - does the price grow with the number of mappings?
 */
#include "bench.h"

#define PICKS 64

/* A page without access, count one-page mappings (rw, r, rw, ...), another. */
static char *base;
static size_t areas;

static size_t length(void)
{
    return (areas + 2) * PAGE;
}

/* A writable page; the same sequence in every run. */
static char *pick(void)
{
    static uint64_t state = 1;

    state = state * 6364136223846793005u + 1442695040888963407u;
    return base + (1 + (state >> 33) % areas / 2 * 2) * PAGE;
}

static int create(size_t count, uint64_t *spent)
{
    uint64_t start;
    void *p;
    int err;

    areas = count;
    err = map(&p, length(), PROT_NONE, ANON, -1);
    if (err)
        return err;
    base = p;
    start = ticks();
    for (size_t i = 0; i < count && !err; i++)
        if (mprotect(base + (1 + i) * PAGE, PAGE, i % 2 ? PROT_READ : RW))
            err = errno;
    *spent = ticks() - start;
    if (err)
        munmap(base, length());
    return err;
}

static int do_fault(const struct bench *b, struct sample *s)
{
    (void)b;
    *s = (struct sample){0, PICKS};
    for (int i = 0; i < PICKS; i++) {
        char *p = pick();
        uint64_t start;

        if (madvise(p, PAGE, MADV_DONTNEED))
            return errno;
        start = ticks();
        *(volatile char *)p = 1;
        s->ticks += ticks() - start - timer_overhead;
    }
    return 0;
}

static int do_refault(const struct bench *b, struct sample *s)
{
    uint64_t start = ticks();

    (void)b;
    for (int i = 0; i < PICKS; i++) {
        char *p = pick();

        if (madvise(p, PAGE, MADV_DONTNEED))
            return errno;
        *(volatile char *)p = 1;
    }
    *s = (struct sample){ticks() - start, PICKS};
    return 0;
}

/* One line stands for the whole series of one count. */
void run_vma_series(size_t count)
{
    char param[16];
    struct bench lines[] = {
        {"vma_fault", param, do_fault},
        {"vma_dontneed_refault", param, do_refault},
        {"vma_mmap_munmap", param, bench_mmap_munmap, PAGE},
    };
    uint64_t spent = 0, start;
    int err;

    snprintf(param, sizeof(param), "%zu", count);
    err = create(count, &spent);
    if (err) {
        report_failure("vma_create", param, err);
        for (size_t i = 0; i < 3; i++)
            report_failure(lines[i].name, param, err);
        report_failure("vma_munmap_all", param, err);
        return;
    }
    report("vma_create", param, spent * 100 / count); /* one sample: slow */
    for (size_t i = 0; i < 3; i++)
        run_line(&lines[i]);
    start = ticks();
    munmap(base, length());
    report("vma_munmap_all", param, (ticks() - start) * 100 / count);
}
