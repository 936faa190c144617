/*
 * walks.c - the kernel's own page walks, for tests/boot/test_walks.py to
 * compare with QEMU's gva2gpa.
 *
 *     walks dump [START END]...
 *
 * prints for a few hundred addresses of its own mappings and of the ranges
 * given (hexadecimal) a line "W ADDRESS PHYSICAL" or "W ADDRESS none", then
 * "W end" and spins, so that its table stays the one in CR3.  Without
 * arguments, in the suite of ring-3 tests, it has nothing to say.
 */
#include "tap.h"
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>

#define PER_RANGE 160
#define PER_MAPPING 60
#define PAGE 4096ul

static int query;
static unsigned long state = 20261120;

static unsigned long any(unsigned long below)
{
    state = state * 6364136223846793005ul + 1442695040888963407ul;
    return below ? (state >> 11) % below : 0;
}

static void walk(unsigned long va)
{
    char text[4096];
    char *found;
    ssize_t len;

    len = snprintf(text, sizeof(text), "walk %#lx", va);
    if (write(query, text, len) != len) {
        printf("W error: write: %s\n", strerror(errno));
        exit(1);
    }
    len = read(query, text, sizeof(text) - 1);
    text[len < 0 ? 0 : len] = '\0';
    found = strstr(text, " is physical ");
    if (found)
        printf("W %lx %lx\n", va, strtoul(found + 13, NULL, 16));
    else
        printf("W %lx %s\n", va,
               strstr(text, " is not mapped") ? "none" : "no answer");
}

static void walk_range(unsigned long start, unsigned long end, int times)
{
    walk(start);
    walk(end - 1);
    walk(end - PAGE);
    while (times--)
        walk(start + any(end - start));
}

/* Every mapping of ours, a part of each touched. */
static void walk_mappings(void)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    struct {
        unsigned long start, end;
    } found[64];
    char line[256];
    int n = 0;

    while (maps && n < 64 && fgets(line, sizeof(line), maps))
        if (sscanf(line, "%lx-%lx", &found[n].start, &found[n].end) == 2)
            n++;
    while (n--)
        walk_range(found[n].start, found[n].end, PER_MAPPING);
}

static void touch_some(void)
{
    size_t size = 300 * PAGE;
    char *area = mmap(NULL, size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    size_t i;

    for (i = 0; area != MAP_FAILED && i < size; i += PAGE * (1 + any(3)))
        area[i] = 1;
    for (i = 0; area != MAP_FAILED && i < size; i += PAGE * 7)
        mprotect(area + i, PAGE, PROT_READ);
}

int main(int argc, char **argv)
{
    int i;

    if (argc < 2) {
        printf("1..0 # SKIP only tests/boot has QEMU to compare with\n");
        return 0;
    }
    query = open("/proc/pagewalk", O_RDWR);
    if (query < 0) {
        printf("W error: /proc/pagewalk: %s\n", strerror(errno));
        return 1;
    }
    touch_some();
    walk_mappings();
    for (i = 2; i + 1 < argc; i += 2)
        walk_range(strtoul(argv[i], NULL, 16), strtoul(argv[i + 1], NULL, 16),
                   PER_RANGE);
    printf("W end\n");
    fflush(stdout);
    for (;;)
        ;
}
