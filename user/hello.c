/*
 * hello.c - the smallest program, and what it was given to start with.
 *
 * Shows: argv, the environment and the auxiliary vector, and where the parts
 * of a process lie.  The same binary runs on Linux.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/utsname.h>
#include <unistd.h>

static const char constant[] = "read-only";
static int data = 1;
static int bss;

int main(int argc, char **argv)
{
    struct utsname uts;
    void *heap = malloc(1);
    int local = 0;

    uname(&uts);
    printf("hello: a program of its own, in ring 3\n");
    printf("  kernel     %s %s %s\n", uts.sysname, uts.release, uts.machine);
    printf("  process    pid %d, parent %d, argc %d, argv[0] %s\n", getpid(),
           getppid(), argc, argv[0]);
    printf("  auxv       page size %lu, entry %#lx, program headers %#lx\n",
           getauxval(AT_PAGESZ), getauxval(AT_ENTRY), getauxval(AT_PHDR));
    printf("  code       %p\n", (void *)main);
    printf("  constants  %p\n", (void *)constant);
    printf("  data, bss  %p, %p\n", (void *)&data, (void *)&bss);
    printf("  heap       %p\n", heap);
    printf("  stack      %p\n", (void *)&local);
    free(heap);
    return 0;
}
