/*
 * pw.c - how the CPU gets from an address to memory, level by level.
 *
 *     pw                  some addresses of this program, and of the kernel
 *     pw ADDRESS          one address of this program's table
 *     pw PID ADDRESS      one of another process
 *
 * Shows: the page-table walk, as the kernel reads it from the tables
 * (/proc/pagewalk, which only Pagewalk has).
 */
#include "ask.h"

#include <sys/mman.h>

static int walk(const char *question)
{
    return ask("pw", "walk", question);
}

static int walk_of(const char *what, const void *addr)
{
    char question[32];

    printf("  %s, %p:\n", what, addr);
    fflush(stdout);
    snprintf(question, sizeof(question), "%p", addr);
    return walk(question);
}

static int samples(void)
{
    char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int status = 0;

    printf("pw: the page walk of some addresses\n");
    status |= walk_of("code of this program", (void *)samples);
    status |= walk_of("a page mapped but not touched", page);
    *page = 1;
    status |= walk_of("the same page, touched", page);
    status |= walk_of("kernel text", (void *)0xffffffff80101000);
    return status;
}

int main(int argc, char **argv)
{
    char question[80];

    if (argc == 1)
        return samples();
    if (argc == 2)
        return walk(argv[1]);
    if (argc == 3) {
        snprintf(question, sizeof(question), "%s %s", argv[1], argv[2]);
        return walk(question);
    }
    fprintf(stderr, "usage: pw [[PID] ADDRESS]\n");
    return 2;
}
