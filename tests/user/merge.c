/*
 * merge.c - which neighbours /proc/self/maps shows as one mapping: it depends
 * on the private pages they have, and on whether they came by a fork.  Every
 * line also holds on Linux, the sums of the random part included.
 *
 * A strip has one character a page: . free, r w x - by the rights, upper case
 * in a private mapping of a file; | stands between two mappings.
 */
#define _GNU_SOURCE
#include "tap.h"
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define PAGE 4096ul
#define PAGES 24u
#define AREA ((char *)0x300000000)
#define RW (PROT_READ | PROT_WRITE)
#define FIXED (MAP_PRIVATE | MAP_FIXED)

static int fd; /* of a file of that many pages */

static char *at(unsigned int page)
{
    return AREA + page * PAGE;
}

static void map(unsigned int page, unsigned int n, int prot)
{
    mmap(at(page), n * PAGE, prot, FIXED | MAP_ANONYMOUS, -1, 0);
}

static void protect(unsigned int page, unsigned int n, int prot)
{
    mprotect(at(page), n * PAGE, prot);
}

static void move(unsigned int page, unsigned int n, unsigned int to)
{
    mremap(at(page), n * PAGE, n * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, at(to));
}

static void clear(void)
{
    munmap(AREA, PAGES * PAGE);
}

/* The area as the maps file has it. */
static const char *draw(void)
{
    static char strip[2 * PAGES + 1];
    unsigned long start, end, last = 0;
    char line[256], rights[5];
    char *p = strip;
    FILE *maps = fopen("/proc/self/maps", "r");
    unsigned int page = 0;

    while (maps && fgets(line, sizeof(line), maps)) {
        int name = 0;

        sscanf(line, "%lx-%lx %4s %*x %*x:%*x %*u %n", &start, &end, rights,
               &name);
        if (start < (unsigned long)AREA || end > (unsigned long)at(PAGES))
            continue;
        for (; at(page) < (char *)start; page++)
            *p++ = '.';
        if (start == last)
            *p++ = '|';
        for (; at(page) < (char *)end; page++)
            *p++ = (rights[2] == 'x'   ? 'x'
                    : rights[1] == 'w' ? 'w'
                                       : rights[0]) &
                   (line[name] == '/' && rights[0] != '-' ? ~32 : ~0);
        last = end;
    }
    if (maps)
        fclose(maps);
    *p = 0;
    return strip;
}

static void expect(const char *want, const char *what)
{
    const char *strip = draw();

    if (!ok(!strcmp(strip, want), "%s: %s", what, want))
        printf("# it is %s\n", strip);
    clear();
}

/* Two mappings, which a third joins after they were written or not. */
static void fill_gap(bool first, bool second)
{
    map(0, 2, RW);
    map(4, 2, RW);
    if (first)
        *at(0) = 1;
    if (second)
        *at(4) = 1;
    map(2, 2, RW);
}

static void drawn_cases(void)
{
    fill_gap(false, false);
    expect("wwwwww", "untouched neighbours are one");

    map(0, 2, RW);
    *at(0) = 1;
    map(2, 2, RW);
    expect("wwww", "a fresh one joins one with pages below");

    map(2, 2, RW);
    *at(2) = 1;
    map(0, 2, RW);
    expect("wwww", "... and above");

    fill_gap(false, true);
    expect("ww|wwww", "an untouched one does not join with it");

    fill_gap(true, true);
    expect("ww|wwww", "two with pages of their own stay two");

    map(0, 6, RW);
    *at(5) = 1;
    protect(2, 2, PROT_READ);
    protect(2, 2, RW);
    expect("wwwwww", "what was cut is one again");

    map(0, 6, RW);
    protect(2, 2, PROT_READ);
    *at(0) = *at(4) = 1;
    protect(2, 2, RW);
    expect("wwww|ww", "written apart, with an untouched one between");

    map(0, 6, RW);
    protect(3, 3, PROT_READ);
    *at(0) = 1;
    protect(3, 3, RW);
    expect("wwwwww", "the second was never written");

    map(0, 4, RW);
    protect(2, 2, PROT_READ);
    *at(0) = 1;
    protect(2, 2, RW);
    *at(2) = 1;
    protect(2, 2, PROT_NONE);
    expect("ww|--", "written, cut and closed");

    map(0, 2, RW);
    map(4, 2, RW);
    *at(0) = 1;
    move(0, 2, 6);
    expect("....ww|ww", "moved behind a neighbour that it never had");

    map(0, 4, RW);
    *at(0) = 1;
    move(2, 2, 8);
    move(8, 2, 2);
    expect("wwww", "moved away and back");
}

static void cut_and_join(void)
{
    protect(2, 2, PROT_READ);
    protect(2, 2, RW);
    map(6, 2, RW);
}

/* fork gives the child's mappings families of their own. */
static void after_fork(void)
{
    int status;
    pid_t pid;

    map(0, 6, RW);
    *at(0) = 1;
    protect(3, 1, PROT_READ);
    fflush(stdout);
    pid = fork();
    if (!pid) {
        protect(3, 1, RW);
        expect("www|w|ww", "a forked child's do not join again");
        map(0, 6, RW);
        *at(0) = 1;
        cut_and_join();
        expect("wwwwwwww", "but those that it makes itself");
        fflush(stdout);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    tap_count += 2;
    ok(status == 0, "the child is done");
    protect(3, 1, RW);
    expect("wwwwww", "the parent's do");
}

/* ---- at random ---- */

static uint64_t rng = 1;

static unsigned int any(unsigned int below)
{
    rng = rng * 6364136223846793005ul + 1442695040888963407ul;
    return (rng >> 33) % below;
}

static void random_call(void)
{
    static const int prots[] = {RW, RW, PROT_READ, PROT_NONE,
                                PROT_READ | PROT_EXEC};
    unsigned int page = any(PAGES), n = 1 + any(8), to = any(PAGES);
    unsigned char there;

    if (page + n > PAGES)
        n = PAGES - page;
    switch (any(8)) {
    case 0:
        map(page, n, prots[any(5)]);
        break;
    case 1:
        mmap(at(page), n * PAGE, prots[any(3)], FIXED, fd, page * PAGE);
        break;
    case 2:
        munmap(at(page), n * PAGE);
        break;
    case 3:
    case 4:
        protect(page, n, prots[any(5)]);
        break;
    case 5:
        if (to + n <= PAGES)
            move(page, n, to);
        break;
    default: /* a write, where that is allowed; a system call's: no signal */
        there = read(fd, at(page), 1) == 1;
        lseek(fd, 0, SEEK_SET);
        (void)there;
    }
}

/* Sums up what the map looked like after each of 400 calls. */
static uint32_t random_series(void)
{
    uint32_t sum = 0;

    for (int i = 0; i < 400; i++) {
        random_call();
        for (const char *p = draw(); *p; p++)
            sum = sum * 31 + *p;
    }
    return sum;
}

static void at_random(void)
{
    static const uint32_t want[] = {0xc5dc395a, 0x490a994f, 0x388931e7,
                                    0xd0809324, 0x6a3429c1, 0xa0635cd2,
                                    0x8f86dfea, 0xdf176fc3};
    int status;

    for (unsigned int i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
        uint32_t sum;
        pid_t pid;

        rng = i + 1;
        sum = random_series();
        fflush(stdout);
        pid = i % 2 ? fork() : 0; /* and on in a child */
        if (i % 2 && !pid) {
            sum = random_series();
            ok(sum == want[i], "random calls in a child: %#x", sum);
            _exit(sum != want[i]);
        } else if (i % 2) {
            waitpid(pid, &status, 0);
            tap_count++;
            tap_failed += status != 0;
        } else {
            ok(sum == want[i], "random calls: %#x", sum);
        }
        clear();
    }
}

int main(void)
{
    char page[PAGE] = "merge";

    fd = open("/tmp/merge-test", O_RDWR | O_CREAT | O_TRUNC, 0600);
    for (unsigned int i = 0; i < PAGES; i++)
        if (write(fd, page, PAGE) != PAGE)
            return 1;
    lseek(fd, 0, SEEK_SET);
    unlink("/tmp/merge-test");
    drawn_cases();
    after_fork();
    at_random();
    return done();
}
