/*
 * migrate.c - pages go to other frames (/proc/pagewalk's "move", which only
 * Pagewalk has) while threads and other processes use them: no write is lost,
 * none goes back, nobody sees anything but what he wrote.
 *
 *     migrate [MILLISECONDS]     for each of the kinds of memory
 */
#define _GNU_SOURCE
#include "tap.h"
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#define PAGE 4096ul
#define BLOCK (2ul << 20)
#define PAGES 8
#define WRITERS 2
#define ENOUGH 40     /* moves, even on a busy machine ... */
#define PATIENCE 4000 /* ... unless that takes so many milliseconds more */
#define RW (PROT_READ | PROT_WRITE)

static int query; /* each process opens its own */
static int milliseconds = 200;

/* The kernel's answer; whether the question could be asked. */
static int ask(const char *verb, pid_t pid, unsigned long addr, char *text,
               size_t size)
{
    ssize_t len = snprintf(text, size, "%s %d %#lx", verb, pid, addr);

    if (write(query, text, len) != len)
        return 0;
    len = read(query, text, size - 1);
    text[len < 0 ? 0 : len] = '\0';
    return 1;
}

/* Whether the page at addr moved. */
static int move_in(pid_t pid, unsigned long addr)
{
    char text[256];

    if (!ask("move", pid, addr, text, sizeof(text)))
        return -1;
    return !strncmp(text, "moved", 5);
}

static int move(const void *p)
{
    return move_in(getpid(), (unsigned long)p);
}

static unsigned long now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000ul + t.tv_nsec / 1000000;
}

/* ---- threads ---- */

static volatile uint64_t *area;
static atomic_int stop, wrong;

/* Counts up in words of its own, one a page, as nobody else does. */
static void *write_words(void *arg)
{
    size_t word = (size_t)arg;
    uint64_t count = 0;

    while (!stop) {
        for (size_t page = 0; page < PAGES; page++) {
            volatile uint64_t *p = &area[page * PAGE / 8 + word];

            if (*p != count && wrong++ < 4)
                printf("# page %zu word %zu: %lu, wrote %lu\n", page, word,
                       (unsigned long)*p, (unsigned long)count);
            *p = count + 1;
        }
        count++;
    }
    return NULL;
}

/* What others count only grows. */
static void *read_words(void *arg)
{
    uint64_t seen[PAGES][WRITERS] = {{0}};

    while (!stop)
        for (size_t page = 0; page < PAGES; page++)
            for (size_t word = 0; word < WRITERS; word++) {
                uint64_t value = area[page * PAGE / 8 + word];

                if (value < seen[page][word] && wrong++ < 4)
                    printf("# page %zu word %zu went back\n", page, word);
                seen[page][word] = value;
            }
    return NULL;
}

static void hammer(const char *what)
{
    unsigned long moved = 0, stayed = 0, end = now_ms() + milliseconds;
    pthread_t thread[WRITERS + 1];

    stop = wrong = 0;
    for (size_t page = 0; page < PAGES; page++)
        area[page * PAGE / 8 + WRITERS] = 1;
    for (size_t i = 0; i < WRITERS; i++)
        pthread_create(&thread[i], NULL, write_words, (void *)i);
    pthread_create(&thread[WRITERS], NULL, read_words, NULL);
    while (now_ms() < end || (moved < ENOUGH && now_ms() < end + PATIENCE))
        for (size_t page = 0; page < PAGES; page++)
            *(move((char *)area + page * PAGE) == 1 ? &moved : &stayed) += 1;
    stop = 1;
    for (size_t i = 0; i <= WRITERS; i++)
        pthread_join(thread[i], NULL);
    ok(!wrong, "%s: nothing lost", what);
    if (!ok(moved > 0, "%s: pages moved", what))
        printf("# %lu moved, %lu stayed\n", moved, stayed);
    munmap((void *)area, PAGES * PAGE);
}

/* Private memory that is one block of 2 MiB, where there are such. */
static void *map_block(void)
{
    char *p = mmap(NULL, 2 * BLOCK, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *block = (char *)(((unsigned long)p + BLOCK - 1) & -BLOCK);

    madvise(block, BLOCK, MADV_HUGEPAGE);
    *block = 0;
    return block; /* what is around it stays untouched */
}

static void under_threads(void)
{
    const int anonymous = MAP_ANONYMOUS;
    int fd = memfd_create("moved", 0);

    area = map_block();
    hammer("a block of 2 MiB");

    area = mmap(NULL, PAGES * PAGE, RW, MAP_PRIVATE | anonymous, -1, 0);
    hammer("private memory");
    area = mmap(NULL, PAGES * PAGE, RW, MAP_SHARED | anonymous, -1, 0);
    hammer("shared memory");
    ftruncate(fd, PAGES * PAGE);
    area = mmap(NULL, PAGES * PAGE, RW, MAP_SHARED, fd, 0);
    hammer("a memfd");
    area = mmap(NULL, PAGES * PAGE, RW, MAP_SHARED, fd, 0);
    memset((void *)area, 0, PAGES * PAGE);
    mlock((void *)area, PAGES * PAGE);
    hammer("locked memory");
    area = mmap(NULL, PAGES * PAGE, RW, MAP_PRIVATE, fd, 0);
    memset((void *)area, 0, PAGES * PAGE);
    hammer("a private mapping of a file");
    close(fd);
}

/* ---- relatives ---- */

/* Children that copy pages on write, one after the other, while they move. */
static void under_relatives(unsigned char *p, const char *what)
{
    unsigned long end = now_ms() + 2 * milliseconds, moved = 0;
    int bad = 0, status;

    for (size_t i = 0; i < PAGES; i++)
        memset(p + i * PAGE, i + 1, PAGE);
    while (now_ms() < end) {
        pid_t pid[4];

        for (int k = 0; k < 4; k++) {
            pid[k] = fork();
            if (pid[k])
                continue;
            query = open("/proc/pagewalk", O_RDWR);
            for (size_t i = 0; i < PAGES; i++) {
                p[i * PAGE + k] = 100 + k;
                bad |= p[i * PAGE + 9] != i + 1;
                move(p + i * PAGE);
                bad |= p[i * PAGE + k] != 100 + k || p[i * PAGE + 4] != i + 1;
            }
            _exit(bad);
        }
        for (size_t i = 0; i < 4 * PAGES; i++)
            moved += move(p + i % PAGES * PAGE) == 1;
        for (int k = 0; k < 4; k++)
            bad |= waitpid(pid[k], &status, 0) != pid[k] || status;
        for (size_t i = 0; i < PAGES * PAGE; i++)
            bad |= p[i] != i / PAGE + 1;
    }
    ok(!bad, "relatives, %s: everybody has his own", what);
    ok(moved > 0, "relatives, %s: pages moved", what);
    munmap(p, PAGES * PAGE);
}

/* A page of somebody in another process's view, read by it after a move. */
static void files(void)
{
    char name[] = "/tmp/migrate-test", text[PAGE];
    int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
    char *p;

    memset(text, 'a', PAGE);
    write(fd, text, PAGE);
    p = mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0);
    is(move(p), 1, "a page of a file moves");
    p[1] = 'b';
    pread(fd, text, PAGE, 0);
    ok(text[0] == 'a' && text[1] == 'b', "read sees what is stored after it");
    pwrite(fd, "c", 1, 2);
    ok(p[2] == 'c', "the mapping sees what is written after it");
    is(move((void *)now_ms), 1, "code that runs moves");
    munmap(p, PAGE);
    unlink(name);
    close(fd);
}

/* Whether the mappings that "what" lists for the frame at addr are as many as
 * its struct page counts; -1: it is not a page that is counted. */
static int counts_agree(pid_t pid, unsigned long addr)
{
    char text[4096], *p;
    int said, listed = 0;

    if (!ask("what", pid, addr, text, sizeof(text)))
        return -1;
    p = strstr(text, ": anon, ");
    if (!p)
        p = strstr(text, ": pagecache, ");
    if (!p || sscanf(p, "%*s %*s %*d references, %d", &said) != 1)
        return -1;
    for (p = text; (p = strstr(p, "mapped at ")); p++)
        listed += strstr(p, " kernel, ") != strchr(p + 11, ' ');
    p = strstr(text, "\nand ");
    if (said != listed + (p ? atoi(p + 5) : 0))
        printf("# %d said, %d listed:\n%s", said, listed, text);
    return said == listed + (p ? atoi(p + 5) : 0);
}

/* Every page of init's, of ours, and of a child that shares it. */
static void all_are_listed(void)
{
    int pipe_fd[2], agree = 0, differ = 0, status;
    unsigned long start, end;
    char line[256], byte;
    pid_t child;

    pipe(pipe_fd);
    child = fork();
    if (!child) {
        close(pipe_fd[1]);
        _exit(read(pipe_fd[0], &byte, 1) != 0);
    }
    for (pid_t pid = 1; pid <= child; pid++) {
        FILE *maps;

        snprintf(line, sizeof(line), "/proc/%d/maps", pid);
        maps = fopen(line, "r");
        while (maps && fgets(line, sizeof(line), maps)) {
            if (sscanf(line, "%lx-%lx", &start, &end) != 2)
                continue;
            for (; start < end; start += PAGE) {
                int answer = counts_agree(pid, start);

                agree += answer == 1;
                differ += answer == 0;
            }
        }
        if (maps)
            fclose(maps);
    }
    close(pipe_fd[1]);
    waitpid(child, &status, 0);
    ok(agree > 100 && !differ, "every mapping of every page is listed");
    if (agree <= 100 || differ)
        printf("# %d agree, %d differ\n", agree, differ);
}

/* A file that shrinks and grows while its pages move: what is cut off is gone,
 * what stays is what was written. */
static void under_truncation(void)
{
    int fd = memfd_create("cut", 0), bad = 0, cut, status;
    unsigned long end = now_ms() + milliseconds;
    unsigned char text[PAGES * PAGE];
    char *p;
    pid_t pid;

    ftruncate(fd, PAGES * PAGE);
    p = mmap(NULL, PAGES * PAGE, RW, MAP_SHARED, fd, 0);
    pid = fork();
    if (!pid) { /* moves them in its own mapping, which shows the same */
        query = open("/proc/pagewalk", O_RDWR);
        for (int i = 0;; i++)
            move(p + i % PAGES * PAGE);
    }
    for (int n = 1; now_ms() < end; n++) {
        memset(text, n, sizeof(text));
        bad |= pwrite(fd, text, sizeof(text), 0) != (ssize_t)sizeof(text);
        for (size_t i = 0; i < PAGES; i++) /* shown, and so to be zapped */
            bad |= p[i * PAGE + 5] != (char)n;
        cut = n % PAGES * PAGE + 100;
        bad |= ftruncate(fd, cut) || ftruncate(fd, sizeof(text));
        bad |= pread(fd, text, sizeof(text), 0) != (ssize_t)sizeof(text);
        for (int i = 0; i < (int)sizeof(text); i++)
            bad |= text[i] != (i < cut ? (unsigned char)n : 0);
    }
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    ok(!bad, "a file that is cut: what stays is right, what goes is gone");
    munmap(p, PAGES * PAGE);
    close(fd);
}

/* ---- everything of a program ---- */

/* A page in one of its mappings, all of them as likely. */
static unsigned long any_page(pid_t pid)
{
    unsigned long start, end, addr = 0;
    char line[256];
    FILE *maps;
    int n = 0;

    snprintf(line, sizeof(line), "/proc/%d/maps", pid);
    maps = fopen(line, "r");
    while (maps && fgets(line, sizeof(line), maps))
        if (sscanf(line, "%lx-%lx", &start, &end) == 2 && rand() % ++n == 0)
            addr = start + rand() % ((end - start) / PAGE) * PAGE;
    if (maps)
        fclose(maps);
    return addr;
}

/* Whatever it does with its map, with forks and files meanwhile. */
static void under_program(const char *name, char *argument)
{
    char path[64];
    unsigned long moved = 0;
    int status;
    pid_t pid;

    snprintf(path, sizeof(path), "/test/%s", name);
    pid = fork();
    if (!pid) {
        int fd = open("/dev/null", O_WRONLY);

        dup2(fd, 1);
        execl(path, name, argument, NULL);
        _exit(99);
    }
    while (waitpid(pid, &status, WNOHANG) == 0)
        for (int i = 0; i < 8; i++)
            moved += move_in(pid, any_page(pid)) == 1;
    is(status, 0, name);
    ok(moved > 0, "pages of %s moved", name);
}

int main(int argc, char **argv)
{
    query = open("/proc/pagewalk", O_RDWR);
    if (query < 0) {
        printf("1..0 # SKIP no /proc/pagewalk\n");
        return 0;
    }
    if (argc > 1)
        milliseconds = atoi(argv[1]);
    all_are_listed();
    files();
    under_threads();
    under_relatives(
        mmap(NULL, PAGES * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
        "pages");
    under_relatives(map_block(), "a block");
    under_truncation();
    under_program("mm_model", "30");
    under_program("mm", NULL);
    return done();
}
