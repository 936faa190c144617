/*
 * shootdown.c - what a thread on another CPU can still reach after munmap,
 * mprotect, mremap, madvise, truncate or fork returned: nothing.
 *
 * One thread gives a window of pages one generation after the other: maps it,
 * fills it with the generation's number, takes it away, and at once puts the
 * frames to another use, filled with POISON.  `state` is twice the generation
 * while it is mapped, and one more from the moment the call that took it away
 * returned.  Readers, one for each other CPU, read `state`, a word of the
 * window, and `state` again: a word that was not allowed by then came through
 * a stale translation.
 */
#include "stress.h"

#include <setjmp.h>
#include <signal.h>
#include <sys/syscall.h>

#define POISON 0xdeadbeefcafef00dull
#define PAGES_MAX 48 /* some more than are flushed one by one */

static volatile uint64_t *window;
static size_t window_pages;
static volatile uint64_t state = 1;
static volatile bool stop;
static unsigned int home; /* CPU of who maps and unmaps */
static int window_fd;

static __thread sigjmp_buf outside;

static void on_fault(int sig)
{
    siglongjmp(outside, 1);
}

/*
 * A generation is there from when its window is filled, which may be before
 * `state` says so, until `state` says that it is gone.  An empty page is as
 * good as none: mapped and not yet filled, or thrown away by madvise.
 */
static void judge(uint64_t before, uint64_t word, uint64_t after)
{
    must(!word || (word >= (before + 1) / 2 && word <= (after + 1) / 2),
         "stale: a reader saw %#llx while the state was %llu to %llu",
         (unsigned long long)word, (unsigned long long)before,
         (unsigned long long)after);
}

static void read_a_word(void)
{
    size_t at = below(window_pages) * (PAGE / 8) + below(PAGE / 8);

    /* Several times, so that the translation is likely to be cached. */
    for (int i = 0; i < 20 && !is_long(); i++) {
        uint64_t before = __atomic_load_n(&state, __ATOMIC_SEQ_CST);
        uint64_t word = window[at];

        judge(before, word, __atomic_load_n(&state, __ATOMIC_SEQ_CST));
    }
}

static void *read_window(void *arg)
{
    pin_to_cpu(home + (uintptr_t)arg);
    while (!stop)
        if (sigsetjmp(outside, 0) == 0)
            read_a_word();
        else
            pause_us(below(100)); /* it is gone: do not only take signals */
    return NULL;
}

/* ---- ways to take it away ---- */

static void *elsewhere; /* where mremap put it */

static int by_munmap(void *p, size_t size)
{
    return munmap(p, size);
}

static int by_protection(void *p, size_t size)
{
    return mprotect(p, size, PROT_NONE);
}

static int by_mapping_over(void *p, size_t size)
{
    return mmap(p, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
                0) == p
               ? 0
               : -1;
}

static int by_moving(void *p, size_t size)
{
    void *to = mremap(p, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, elsewhere);

    if (to == MAP_FAILED)
        return -1;
    for (size_t i = 0; i < size / 8; i++)
        ((volatile uint64_t *)to)[i] = POISON;
    return 0;
}

static int by_advice(void *p, size_t size)
{
    return madvise(p, size, MADV_DONTNEED);
}

static int by_truncation(void *p, size_t size)
{
    return ftruncate(window_fd, 0);
}

static int by_hole(void *p, size_t size)
{
    for (size_t at = 0; at < size; at += PAGE) /* page by page */
        if (munmap((char *)p + at, PAGE))
            return -1;
    return 0;
}

static int (*const ways[])(void *p, size_t size) = {
    by_munmap, by_protection, by_mapping_over, by_moving, by_advice, by_hole,
};

/* Shared memory of a file keeps its pages when a mapping goes. */
static void make_window(bool from_file)
{
    size_t size = window_pages * PAGE;
    int flags = MAP_FIXED | (from_file ? MAP_SHARED : MAP_PRIVATE);

    if (from_file && ftruncate(window_fd, size))
        lacking("ftruncate", errno);
    if (!from_file)
        flags |= MAP_ANONYMOUS;
    if (mmap((void *)window, size, PROT_READ | PROT_WRITE, flags,
             from_file ? window_fd : -1, 0) != window)
        lacking("mmap", errno);
}

static void fill_window(uint64_t word)
{
    for (size_t i = 0; i < window_pages * (PAGE / 8); i++)
        window[i] = word;
}

/* The frames that were just freed, in other hands (and not in the window). */
static void reuse_frames(void)
{
    size_t size = window_pages * PAGE;
    volatile uint64_t *p = mmap(elsewhere, size, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

    if (p == MAP_FAILED)
        lacking("mmap", errno);
    for (size_t i = 0; i < size / 8; i++)
        p[i] = POISON;
}

static void one_generation(uint64_t generation)
{
    bool from_file = below(4) == 0;
    size_t size = window_pages * PAGE;
    int ret;

    make_window(from_file);
    fill_window(generation);
    __atomic_store_n(&state, 2 * generation, __ATOMIC_SEQ_CST);
    pause_us(below(300));
    ret = from_file
              ? by_truncation((void *)window, size)
              : ways[below(sizeof(ways) / sizeof(*ways))]((void *)window, size);
    __atomic_store_n(&state, 2 * generation + 1, __ATOMIC_SEQ_CST);
    if (ret)
        lacking("taking the window away", errno);
    reuse_frames();
    if (below(2))
        pause_us(below(100));
}

static void catch_faults(void)
{
    struct sigaction action = {.sa_handler = on_fault, .sa_flags = SA_NODEFER};

    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
}

void stress_shootdown(void)
{
    unsigned int readers = nr_cpus < 2 ? 1 : nr_cpus - 1;
    struct crew crew = {.n = 0};

    readers = readers < 4 ? readers : 4;
    catch_faults();
    window_pages = 1 + below(below(2) ? 4 : PAGES_MAX);
    window = mmap(NULL, window_pages * PAGE, PROT_NONE,
                  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    elsewhere = map_memory(window_pages * PAGE);
    window_fd = syscall(SYS_memfd_create, "window", 0);
    if (window == MAP_FAILED || window_fd < 0)
        starved();
    pin_to_cpu(home = below(nr_cpus));
    for (uintptr_t i = 0; i < readers; i++)
        crew_add(&crew, read_window, (void *)(i + 1));
    for (uint64_t generation = 1; generation <= 12 && !is_long(); generation++)
        one_generation(generation);
    stop = true;
    crew_join(&crew);
}

/* ---- write permission that is taken away ---- */

static volatile uint64_t *counters; /* a page; a word for each writer */

static void *write_counters(void *arg)
{
    uint64_t me = (uintptr_t)arg;

    pin_to_cpu(home + me);
    while (!stop) {
        if (sigsetjmp(outside, 0)) {
            pause_us(below(100));
            continue;
        }
        for (int i = 0; i < 50; i++)
            counters[me * 8]++;
    }
    return NULL;
}

static void stands_still(unsigned int writers, const char *what)
{
    uint64_t sum = 0, again = 0;

    for (unsigned int i = 1; i <= writers; i++)
        sum += counters[i * 8];
    pause_us(below(200));
    for (unsigned int i = 1; i <= writers; i++)
        again += counters[i * 8];
    must(sum == again, "stale: %llu writes after %s",
         (unsigned long long)(again - sum), what);
}

static void forked_page_stands_still(unsigned int writers)
{
    pid_t pid = fork_child();

    if (pid == 0) {
        stands_still(writers, "fork");
        _exit(0);
    }
    reap(pid, 0);
}

void stress_write_protect(void)
{
    unsigned int writers = nr_cpus < 2 ? 1 : nr_cpus - 1;
    struct crew crew = {.n = 0};

    writers = writers < 4 ? writers : 4;
    catch_faults();
    counters = map_memory(PAGE);
    pin_to_cpu(home = below(nr_cpus));
    for (uintptr_t i = 0; i < writers; i++)
        crew_add(&crew, write_counters, (void *)(i + 1));
    for (int i = 0; i < 20 && !is_long(); i++) {
        pause_us(below(200));
        if (below(3) == 0) {
            forked_page_stands_still(writers);
            continue;
        }
        if (mprotect((void *)counters, PAGE, PROT_READ))
            lacking("mprotect", errno);
        stands_still(writers, "mprotect");
        if (mprotect((void *)counters, PAGE, PROT_READ | PROT_WRITE))
            lacking("mprotect", errno);
    }
    stop = true;
    crew_join(&crew);
}
