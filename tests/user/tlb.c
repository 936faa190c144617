/*
 * tests/user/tlb.c - who is interrupted when a mapping changes: the CPUs that
 * run the program, once per operation; idle ones are left alone, and know
 * better before they run it again.
 *
 * Counts come from /proc/vmstat; a kernel without these counters (Debian's is
 * built without them) skips the lines that compare counts, and so does one
 * CPU.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "tap.h"

#define PAGE 4096ul
#define ROUNDS 100
#define PAGES 1024

static int cpus;

static void pin(int cpu)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    sched_setaffinity(0, sizeof(set), &set);
}

static char *map(size_t pages)
{
    char *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    for (size_t i = 0; p != MAP_FAILED && i < pages; i++)
        p[i * PAGE] = 1;
    return p;
}

/* ---- counting ---- */

struct counts {
    long asked, received;
};

static long value(const char *text, const char *name)
{
    const char *line = strstr(text, name);

    return line ? atol(line + strlen(name)) : -1;
}

/* received < 0: this kernel does not count.  Nothing here maps or unmaps. */
static struct counts read_counts(void)
{
    static char text[65536];
    static int file = -1;
    ssize_t len;

    if (file < 0)
        file = open("/proc/vmstat", O_RDONLY);
    len = pread(file, text, sizeof(text) - 1, 0);
    text[len < 0 ? 0 : len] = '\0';
    return (struct counts){value(text, "nr_tlb_remote_flush "),
                           value(text, "nr_tlb_remote_flush_received ")};
}

static char *area; /* what the operations work on */

static void narrow(void)
{
    mprotect(area, PAGE, PROT_READ);
}

static void widen(void)
{
    mprotect(area, PAGE, PROT_READ | PROT_WRITE);
}

static void narrow_many_areas(void)
{
    mprotect(area, PAGES * PAGE, PROT_READ);
}

static void drop_many_areas(void)
{
    madvise(area, PAGES * PAGE, MADV_DONTNEED);
}

static void unmap_all(void)
{
    munmap(area, PAGES * PAGE);
}

/* The operation once, between prepare and the reading of the counters. */
static struct counts count_one(void (*operation)(void))
{
    struct counts before = read_counts(), after;

    operation();
    after = read_counts();
    return (struct counts){after.asked - before.asked,
                           after.received - before.received};
}

static void expect(void (*operation)(void), long want, const char *what)
{
    struct counts c = count_one(operation);

    if (!ok(c.asked == want && c.received == want, "%s", what))
        printf("# asked %ld times, %ld CPUs answered, want %ld\n", c.asked,
               c.received, want);
}

static void narrow_often(void)
{
    for (int i = 0; i < ROUNDS; i++) {
        narrow();
        widen();
        *area = 1;
    }
}

/* Every second page another VMA. */
static void many_areas(void)
{
    area = map(PAGES);
    for (int i = 0; i < 64; i += 2)
        madvise(area + i * 16 * PAGE, PAGE, MADV_RANDOM);
}

static void idle_cpus_are_left_alone(void)
{
    for (int cpu = 1; cpu < cpus; cpu++) { /* each has it loaded now */
        pin(cpu);
        *area = 2;
    }
    pin(0);
    usleep(50000);
    expect(narrow_often, 0, "idle CPUs are not interrupted for mprotect");
}

/* ---- a thread that runs, and one that sleeps ---- */

static atomic_int stop, running;

static void *spin(void *arg)
{
    pin(1);
    atomic_store(&running, 1);
    while (!atomic_load(&stop))
        ;
    return arg;
}

static void running_cpu_is_asked_once(void)
{
    pthread_t thread;

    pthread_create(&thread, NULL, spin, NULL);
    while (!atomic_load(&running))
        sched_yield();
    usleep(50000);
    expect(narrow, 1, "mprotect of a page interrupts the CPU that runs us");
    expect(widen, 0, "more rights interrupt nobody");
    expect(narrow_often, ROUNDS, "each mprotect once");
    munmap(area, PAGE);
    many_areas();
    expect(narrow_many_areas, 1, "mprotect of many areas: once");
    expect(drop_many_areas, 1, "madvise of many areas: once");
    munmap(area, PAGES * PAGE);
    area = map(PAGES);
    expect(unmap_all, 1, "munmap of many pages and their tables: once");
    atomic_store(&stop, 1);
    pthread_join(thread, NULL);
}

static sem_t go, came;
static sigjmp_buf escape;
static volatile char *volatile target;
static atomic_int faulted;

static void on_segv(int sig)
{
    (void)sig;
    siglongjmp(escape, 1);
}

/* Reads, sleeps while another CPU takes the page away, reads again. */
static void *sleeper(void *arg)
{
    pin(cpus - 1);
    for (int i = 0; i < ROUNDS; i++) {
        (void)*target;
        sem_post(&came);
        while (sem_wait(&go))
            ;
        if (!sigsetjmp(escape, 1))
            (void)*target;
        else
            faulted++;
        sem_post(&came);
        while (sem_wait(&go))
            ;
    }
    return arg;
}

static void sleeping_thread_sees_nothing_stale(void)
{
    struct sigaction action = {.sa_handler = on_segv, .sa_flags = SA_NODEFER};
    pthread_t thread;

    sigaction(SIGSEGV, &action, NULL);
    pin(0);
    sem_init(&go, 0, 0);
    sem_init(&came, 0, 0);
    target = map(2);
    pthread_create(&thread, NULL, sleeper, NULL);
    for (int i = 0; i < ROUNDS; i++) {
        sem_wait(&came);
        usleep(500); /* its CPU is idle */
        mprotect((void *)target, PAGE, PROT_NONE);
        sem_post(&go);
        sem_wait(&came);
        munmap((void *)target, 2 * PAGE);
        target = map(2);
        sem_post(&go);
    }
    pthread_join(thread, NULL);
    is(faulted, ROUNDS, "a thread that slept meanwhile faults too");
}

/* Whole address spaces come and go while others only borrow them. */
static void children_on_all_cpus(void)
{
    int wrong = 0, status;

    for (int i = 0; i < 20 * cpus; i++) {
        pid_t pid = fork();

        if (!pid) {
            pin(i % cpus);
            area = map(64);
            for (int j = 0; j < 64; j++)
                wrong += area[j * PAGE] != 1;
            pin((i + 1) % cpus);
            munmap(area, 64 * PAGE);
            _exit(wrong);
        }
        wrong += waitpid(pid, &status, 0) != pid || status;
    }
    is(wrong, 0, "address spaces that move between CPUs go well");
}

int main(void)
{
    cpu_set_t all;

    sched_getaffinity(0, sizeof(all), &all);
    cpus = CPU_COUNT(&all);
    area = map(1);
    if (cpus < 2) {
        skip("who is interrupted", "one CPU");
    } else if (read_counts().received < 0) {
        skip("who is interrupted", "this kernel does not count");
    } else {
        idle_cpus_are_left_alone();
        running_cpu_is_asked_once();
    }
    sleeping_thread_sees_nothing_stale();
    children_on_all_cpus();
    return done();
}
