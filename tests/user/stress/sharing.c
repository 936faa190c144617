/*
 * sharing.c - pages that several processes have: copies on write while threads
 * write, a file under many mappings, a file that shrinks under them.
 */
#include "stress.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/syscall.h>

/* ---- fork while threads write ---- */

#define WORDS 8 /* pages, the first word of each */

static struct {
    volatile uint64_t *pages;
    volatile bool stop;
} written;

static volatile uint64_t *word_of(unsigned int page)
{
    return written.pages + page * (PAGE / 8);
}

static void *count_up(void *arg)
{
    unsigned int me = (uintptr_t)arg;
    uint64_t expected[WORDS] = {0};

    while (!written.stop)
        for (unsigned int page = 0; page < WORDS; page++) {
            volatile uint64_t *mine = word_of(page) + me;

            must(*mine == expected[page], "page %u holds %llu, not %llu", page,
                 (unsigned long long)*mine, (unsigned long long)expected[page]);
            *mine = ++expected[page];
        }
    return NULL;
}

/* What the child sees stands still, and what it writes stays its own. */
static void check_snapshot(unsigned int writers)
{
    uint64_t seen[WORDS][4];

    for (unsigned int page = 0; page < WORDS; page++)
        for (unsigned int i = 0; i < writers; i++)
            seen[page][i] = word_of(page)[i];
    for (int again = 0; again < 3; again++) {
        for (unsigned int page = 0; page < WORDS; page++)
            for (unsigned int i = 0; i < writers; i++)
                must(word_of(page)[i] == seen[page][i],
                     "a page of the child changes");
        pause_us(100);
    }
    for (unsigned int page = 0; page < WORDS; page++)
        for (unsigned int i = 0; i < writers; i++)
            word_of(page)[i] = 0xc0ffee;
    if (below(2) == 0) {
        pid_t pid = fork_child();

        if (pid == 0) {
            *word_of(0) = 1;
            _exit(0);
        }
        reap(pid, 0);
    }
    must(*word_of(0) == 0xc0ffee, "a grandchild's write came through");
    _exit(0);
}

void stress_fork_copy(void)
{
    unsigned int writers = 1 + below(3);
    struct crew crew = {.n = 0};

    written.pages = map_memory(WORDS * PAGE);
    for (uintptr_t i = 0; i < writers; i++)
        crew_add(&crew, count_up, (void *)i);
    for (int i = 5 + below(10); i > 0 && !is_long(); i--) {
        pid_t pid = fork_child();

        if (pid == 0)
            check_snapshot(writers);
        if (below(3) == 0)
            (void)!mprotect((void *)word_of(below(WORDS)), PAGE,
                            PROT_READ | PROT_WRITE);
        reap(pid, 0);
    }
    written.stop = true;
    crew_join(&crew);
}

/* ---- one file, many mappings; each page has one process that writes ---- */

#define FILE_PAGES 24

static struct {
    int fd;
    volatile uint64_t *shared, *private;
} file;

static int open_a_file(void)
{
    char name[] = "/tmp/stressXXXXXX";
    int fd;

    if (below(2)) {
        fd = syscall(SYS_memfd_create, "stress", 0);
    } else {
        fd = mkstemp(name);
        if (fd >= 0)
            unlink(name);
    }
    if (fd < 0)
        lacking("a file", errno);
    return fd;
}

static void *map_file(int flags, size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, file.fd, 0);

    if (p == MAP_FAILED)
        lacking("mmap of a file", errno);
    return p;
}

static uint64_t read_word(unsigned int page, bool from_mapping)
{
    uint64_t word = 0;

    if (from_mapping)
        return file.shared[page * (PAGE / 8)];
    must(pread(file.fd, &word, 8, page * PAGE) == 8, "pread");
    return word;
}

static void write_word(unsigned int page, bool to_mapping, uint64_t word)
{
    ssize_t n = 8;

    if (to_mapping)
        file.shared[page * (PAGE / 8)] = word;
    else
        n = pwrite(file.fd, &word, 8, page * PAGE);
    if (n != 8)
        lacking("pwrite", errno);
}

/* Pages whose number is `me` modulo `all` are mine. */
static void own_pages(unsigned int me, unsigned int all)
{
    uint64_t expected[FILE_PAGES] = {0};

    for (int i = 0; i < 400; i++) {
        unsigned int page = below(FILE_PAGES / all) * all + me;

        must(read_word(page, below(2)) == expected[page],
             "page %u of the file, process %u", page, me);
        if (below(12) == 0) {
            int mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;

            if (fallocate(file.fd, mode, page * PAGE, PAGE))
                must(errno == EOPNOTSUPP, "fallocate");
            else
                expected[page] = 0;
            continue;
        }
        expected[page] = (uint64_t)me << 32 | i;
        write_word(page, below(2), expected[page]);
        if (below(20) == 0)
            madvise((void *)file.shared, FILE_PAGES * PAGE, MADV_DONTNEED);
    }
}

void stress_shared_file(void)
{
    unsigned int all = 1 + below(4);
    pid_t pids[4];

    file.fd = open_a_file();
    if (ftruncate(file.fd, FILE_PAGES * PAGE))
        lacking("ftruncate", errno);
    file.shared = map_file(MAP_SHARED, FILE_PAGES * PAGE);
    file.private = map_file(MAP_PRIVATE, FILE_PAGES * PAGE);
    for (unsigned int i = 0; i < FILE_PAGES; i += 2)
        file.private[i * (PAGE / 8)] = 0xabc + i;
    for (unsigned int i = 0; i < all; i++) {
        pids[i] = fork_child();
        if (pids[i] == 0) {
            own_pages(i, all);
            _exit(0);
        }
    }
    for (unsigned int i = 0; i < all; i++)
        reap(pids[i], 0);
    for (unsigned int i = 0; i < FILE_PAGES; i += 2)
        must(file.private[i * (PAGE / 8)] == 0xabc + i,
             "a private copy changed");
}

/* ---- faults against truncation ---- */

static __thread sigjmp_buf outside;

static void on_sigbus(int sig)
{
    siglongjmp(outside, 1);
}

static volatile bool stop_touching;

/* Either what was written, or zero, or SIGBUS; never anything else. */
static void *touch_pages(void *arg)
{
    while (!stop_touching) {
        unsigned int page = below(FILE_PAGES);
        uint64_t seen;

        if (sigsetjmp(outside, 0)) {
            pause_us(50); /* not only signals */
            continue;
        }
        if (below(2))
            file.shared[page * (PAGE / 8) + 1] = page + 1;
        seen = file.shared[page * (PAGE / 8) + 1];
        must(seen == 0 || seen == page + 1, "page %u holds %#llx", page,
             (unsigned long long)seen);
        seen = file.private[page * (PAGE / 8) + 1];
        must(seen == 0 || seen == page + 1, "private page %u holds %#llx", page,
             (unsigned long long)seen);
    }
    return NULL;
}

static bool faults(volatile uint64_t *word)
{
    if (sigsetjmp(outside, 1))
        return true;
    (void)*word;
    return false;
}

void stress_truncate(void)
{
    struct sigaction action = {.sa_handler = on_sigbus, .sa_flags = SA_NODEFER};
    struct crew crew = {.n = 0};

    sigaction(SIGBUS, &action, NULL);
    file.fd = open_a_file();
    file.shared = map_file(MAP_SHARED, FILE_PAGES * PAGE);
    file.private = map_file(MAP_PRIVATE, FILE_PAGES * PAGE);
    for (int n = 1 + below(4); n > 0; n--)
        crew_add(&crew, touch_pages, NULL);
    for (int i = 20 + below(60); i > 0 && !is_long(); i--) {
        unsigned int pages = below(FILE_PAGES + 1);

        if (ftruncate(file.fd, pages * PAGE))
            lacking("ftruncate", errno);
        if (pages < FILE_PAGES)
            must(faults(file.shared + pages * (PAGE / 8)),
                 "behind the new end of the file");
        if (below(4) == 0)
            sched_yield();
    }
    stop_touching = true;
    crew_join(&crew);
}
