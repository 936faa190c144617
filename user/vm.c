/*
 * vm.c - a mapping is a promise; a page comes at the first touch.
 *
 * Shows: demand paging and copy-on-write, by counting the page faults of this
 * process (getrusage) and by frame numbers where the kernel tells them
 * (/proc/self/pagemap); and the mappings in /proc/self/maps.  The same binary
 * runs on Linux.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGES 16
#define PAGE_SIZE 4096

static int failures;

static long faults(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_minflt + usage.ru_majflt;
}

/* Says what should be and what is; a difference makes the program fail. */
static void expect(const char *what, long got, long want)
{
    printf("  %-54s %3ld%s\n", what, got, got == want ? "" : "  UNEXPECTED");
    if (got != want)
        failures++;
}

/* Frame number of the page at p; 0 where the kernel does not tell. */
static uint64_t frame_of(const void *p)
{
    uint64_t entry = 0;
    int fd = open("/proc/self/pagemap", O_RDONLY);

    if (fd < 0)
        return 0;
    if (pread(fd, &entry, sizeof(entry),
              (off_t)((uintptr_t)p / PAGE_SIZE * sizeof(entry))) !=
        sizeof(entry))
        entry = 0;
    close(fd);
    return entry & ((1ull << 55) - 1);
}

static char *demand_paging(void)
{
    char *p;
    long before = faults();
    int i;

    p = mmap(NULL, PAGES * PAGE_SIZE, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) {
        perror("mmap");
        exit(1);
    }
    madvise(p, PAGES * PAGE_SIZE, MADV_NOHUGEPAGE); /* for Linux */
    expect("faults while mapping 16 pages", faults() - before, 0);
    before = faults();
    for (i = 0; i < PAGES; i++)
        p[i * PAGE_SIZE] = 1;
    expect("faults while writing to each page once", faults() - before, PAGES);
    before = faults();
    for (i = 0; i < PAGES; i++)
        p[i * PAGE_SIZE] = 2;
    expect("faults while writing to each page again", faults() - before, 0);
    return p;
}

/* The child writes to 3 of the pages that it shares with us. */
static void child_writes(char *p)
{
    uint64_t shared = frame_of(p);
    long before = faults();
    int i;

    for (i = 0; i < 3; i++)
        p[i * PAGE_SIZE] = 3;
    expect("faults in a child that writes to 3 shared pages", faults() - before,
           3);
    if (shared)
        printf("  child's first page: frame %#lx before, %#lx after\n",
               (unsigned long)shared, (unsigned long)frame_of(p));
    exit(failures ? 1 : 0);
}

static void copy_on_write(char *p)
{
    int status;
    pid_t pid;

    fflush(stdout);
    pid = fork();
    if (pid == 0)
        child_writes(p);
    waitpid(pid, &status, 0);
    if (status)
        failures++;
    expect("what the parent reads in the page the child wrote", p[0], 2);
}

static void print_maps(void)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[256];

    printf("  /proc/self/maps:\n");
    while (maps && fgets(line, sizeof(line), maps))
        printf("    %s", line);
    if (maps)
        fclose(maps);
}

int main(void)
{
    char *p;

    printf("vm: pages come at the first touch and are copied at the first "
           "write\n");
    fflush(stdout);
    faults(); /* its own first use is no part of the count */
    p = demand_paging();
    copy_on_write(p);
    print_maps();
    return failures ? 1 : 0;
}
