/*
 * tests/user/vdso.c - the functions that the kernel maps into programs: where
 * they are, and that they say what the system calls say.
 */
#define _GNU_SOURCE
#include "tap.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NS 1000000000ll
#define THREADS 4

static int (*vdso_gettime)(int, struct timespec *);
static int (*vdso_getres)(int, struct timespec *);
static int (*vdso_gettimeofday)(struct timeval *, struct timezone *);
static time_t (*vdso_time)(time_t *);
static int (*vdso_getcpu)(unsigned *, unsigned *, void *);

static uintptr_t base;

static const void *dynamic(int64_t tag)
{
    const Elf64_Ehdr *header = (void *)base;
    const Elf64_Phdr *ph = (void *)(base + header->e_phoff);

    for (int i = 0; i < header->e_phnum; i++)
        if (ph[i].p_type == PT_DYNAMIC)
            for (const Elf64_Dyn *d = (void *)(base + ph[i].p_vaddr);
                 d->d_tag != DT_NULL; d++)
                if (d->d_tag == tag)
                    return (void *)(base + d->d_un.d_ptr);
    return NULL;
}

static void *symbol(const char *name)
{
    const uint32_t *hash = dynamic(DT_HASH);
    const Elf64_Sym *symbols = dynamic(DT_SYMTAB);
    const char *strings = dynamic(DT_STRTAB);

    for (uint32_t i = 0; hash && i < hash[1]; i++)
        if (!strcmp(strings + symbols[i].st_name, name))
            return (void *)(base + symbols[i].st_value);
    return NULL;
}

/* The line of /proc/self/maps that has the name. */
static int maps_line(const char *name, char *line, size_t size)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    int found = 0;

    while (!found && fgets(line, size, maps))
        found = strstr(line, name) != NULL;
    fclose(maps);
    return found;
}

static void test_place(void)
{
    char line[200] = "";
    unsigned long start = 0;
    char rights[8] = "";

    ok(base && !memcmp((void *)base, ELFMAG, SELFMAG),
       "AT_SYSINFO_EHDR leads to an ELF file");
    ok(maps_line("[vdso]", line, sizeof(line)), "maps names it");
    sscanf(line, "%lx-%*x %7s", &start, rights);
    ok(start == base && !strcmp(rights, "r-xp"), "[vdso] is there, r-xp");
    ok(maps_line("[vvar]", line, sizeof(line)), "maps names its data");
    sscanf(line, "%*x-%*x %7s", rights);
    ok(!strcmp(rights, "r--p"), "[vvar] is r--p");
    sscanf(line, "%lx", &start);
    ok(mprotect((void *)start, 4096, PROT_READ | PROT_WRITE) == -1 &&
           errno == EACCES,
       "nobody may write into [vvar]");
}

static int64_t ns_of(const struct timespec *ts)
{
    return ts->tv_sec * NS + ts->tv_nsec;
}

/* Call, function, call: must not go back. */
static int continuous(int clock)
{
    for (int i = 0; i < 2000; i++) {
        struct timespec a, b, c;

        syscall(SYS_clock_gettime, clock, &a);
        if (vdso_gettime(clock, &b))
            return 0;
        syscall(SYS_clock_gettime, clock, &c);
        if (ns_of(&b) < ns_of(&a) || ns_of(&c) < ns_of(&b) || b.tv_nsec < 0 ||
            b.tv_nsec >= NS)
            return 0;
    }
    return 1;
}

static void test_clocks(void)
{
    struct timespec ts, res;
    struct timeval tv;
    time_t t;

    ok(continuous(CLOCK_MONOTONIC), "CLOCK_MONOTONIC never goes back");
    ok(continuous(CLOCK_REALTIME), "CLOCK_REALTIME never goes back");
    ok(continuous(CLOCK_BOOTTIME), "CLOCK_BOOTTIME never goes back");
    ok(continuous(CLOCK_TAI), "CLOCK_TAI never goes back");
    ok(vdso_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts) == 0,
       "a clock that needs the kernel is asked there");
    ok(vdso_gettime(99, &ts) == -EINVAL, "an unknown clock is EINVAL");
    ok(vdso_getres(CLOCK_MONOTONIC, &res) == 0 && ns_of(&res) == 1 &&
           vdso_getres(CLOCK_MONOTONIC, NULL) == 0,
       "resolution 1 ns");
    ok(vdso_getres(99, &res) == -EINVAL, "of an unknown clock: EINVAL");
    vdso_gettimeofday(&tv, NULL);
    clock_gettime(CLOCK_REALTIME, &ts);
    ok(llabs(tv.tv_sec * NS + tv.tv_usec * 1000 - ns_of(&ts)) < NS,
       "gettimeofday says the same");
    ok(llabs(vdso_time(&t) - ts.tv_sec) <= 1 && llabs(t - ts.tv_sec) <= 1,
       "time says the same");
}

static void test_set(void)
{
    struct timespec old, new, seen;

    if (clock_gettime(CLOCK_REALTIME, &old) || geteuid()) {
        skip("the time", "only the super-user sets it");
        return;
    }
    new = old;
    new.tv_sec += 86400;
    ok(clock_settime(CLOCK_REALTIME, &new) == 0, "the time is set");
    vdso_gettime(CLOCK_REALTIME, &seen);
    ok(seen.tv_sec - old.tv_sec >= 86400 && seen.tv_sec - old.tv_sec < 86410,
       "and seen at once");
    seen.tv_sec -= 86400;
    clock_settime(CLOCK_REALTIME, &seen);
}

static void test_getcpu(void)
{
    cpu_set_t all, one;
    unsigned int cpu, node, called;
    int good = 1;

    sched_getaffinity(0, sizeof(all), &all);
    for (unsigned int i = 0; i < CPU_SETSIZE; i++) {
        if (!CPU_ISSET(i, &all))
            continue;
        CPU_ZERO(&one);
        CPU_SET(i, &one);
        sched_setaffinity(0, sizeof(one), &one);
        cpu = 999;
        syscall(SYS_getcpu, &called, NULL, NULL);
        good &= vdso_getcpu(&cpu, &node, NULL) == 0 && cpu == called && !node;
    }
    sched_setaffinity(0, sizeof(all), &all);
    ok(good, "getcpu on each CPU");
    ok(vdso_getcpu(NULL, NULL, NULL) == 0, "getcpu(NULL, NULL)");
}

/* Each sees a time not before the last that anybody saw. */
static _Atomic int64_t latest;
static _Atomic int went_back;

static void *watch(void *arg)
{
    for (int i = 0; i < 20000; i++) {
        int64_t before = latest, now;
        struct timespec ts;

        vdso_gettime(CLOCK_MONOTONIC, &ts);
        now = ns_of(&ts);
        if (now < before)
            went_back++;
        while (now > before &&
               !__atomic_compare_exchange_n((int64_t *)&latest, &before, now, 0,
                                            __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
            ;
    }
    return arg;
}

static void test_threads(void)
{
    pthread_t threads[THREADS];

    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, watch, NULL);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    ok(!went_back, "what one thread saw, no other finds in the future");
}

/* A child's view of where its things are: "stack mmap vdso". */
#define PLACES 3
static void tell_places(void)
{
    int local;
    unsigned long places[PLACES] = {
        (unsigned long)&local,
        (unsigned long)mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS,
                            -1, 0),
        getauxval(AT_SYSINFO_EHDR)};

    exit(write(1, places, sizeof(places)) != sizeof(places));
}

static int ask_places(int persona, unsigned long *places)
{
    int fd[2], status;
    ssize_t got;
    pid_t pid;

    if (pipe(fd))
        return 0;
    pid = fork();
    if (!pid) {
        dup2(fd[1], 1);
        personality(persona);
        execl("/proc/self/exe", "vdso", "places", NULL);
        _exit(127);
    }
    close(fd[1]);
    got = read(fd[0], places, PLACES * sizeof(*places));
    close(fd[0]);
    waitpid(pid, &status, 0);
    return got == PLACES * sizeof(*places) && !status;
}

static void test_places(void)
{
    unsigned long a[PLACES], b[PLACES], c[PLACES], d[PLACES];
    char how[4] = "";
    int fd = open("/proc/sys/kernel/randomize_va_space", O_RDONLY);
    int random = read(fd, how, sizeof(how)) > 0 && *how != '0', differ = 1;

    close(fd);
    ok(ask_places(0, a) && ask_places(0, b), "two programs tell their places");
    for (int i = 0; i < PLACES; i++)
        differ &= (a[i] != b[i]) == random;
    ok(differ, "they differ, if randomize_va_space says so");
    ok(ask_places(ADDR_NO_RANDOMIZE, c) && ask_places(ADDR_NO_RANDOMIZE, d),
       "the same with ADDR_NO_RANDOMIZE");
    ok(!memcmp(c, d, sizeof(c)), "and they are the same each time");
    ok(c[0] >> 24 == 0x7fffff && c[1] >> 28 == 0x7ffff,
       "the stack is at the top, mappings under it");
}

int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "places"))
        tell_places();
    base = getauxval(AT_SYSINFO_EHDR);
    if (!base) {
        skip("the vDSO", "there is none");
        return done();
    }
    test_place();
    vdso_gettime = symbol("__vdso_clock_gettime");
    vdso_getres = symbol("__vdso_clock_getres");
    vdso_gettimeofday = symbol("__vdso_gettimeofday");
    vdso_time = symbol("__vdso_time");
    vdso_getcpu = symbol("__vdso_getcpu");
    ok(vdso_gettime && vdso_getres && vdso_gettimeofday && vdso_time &&
           vdso_getcpu,
       "five functions have their names");
    test_clocks();
    test_set();
    test_getcpu();
    test_threads();
    test_places();
    return done();
}
