/*
 * tests/user/cpus.c - threads on several CPUs: affinity, work at once, and no
 * stale translation after munmap or mprotect has returned.
 *
 * With one CPU most of it is skipped (Pagewalk starts more with maxcpus=N).
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#include "tap.h"

#define ROUNDS 300
#define COUNTS 20000

static int cpus;

static int pin(int cpu)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    return sched_setaffinity(0, sizeof(set), &set);
}

static void affinity_is_obeyed(void)
{
    cpu_set_t all;
    int wrong = 0;

    sched_getaffinity(0, sizeof(all), &all);
    for (int round = 0; round < 20; round++)
        for (int cpu = 0; cpu < cpus; cpu++)
            wrong += pin(cpu) != 0 || sched_getcpu() != cpu;
    is(wrong, 0, "a task runs where it is told to");
    sched_setaffinity(0, sizeof(all), &all);
    CPU_ZERO(&all);
    errno_is(sched_setaffinity(0, sizeof(all), &all), EINVAL, "no CPU at all");
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long counted;
static atomic_long counted_atomically;

static void *count(void *arg)
{
    for (int i = 0; i < COUNTS; i++) {
        pthread_mutex_lock(&lock);
        counted++;
        pthread_mutex_unlock(&lock);
        atomic_fetch_add(&counted_atomically, 1);
    }
    return arg;
}

static void threads_share_a_lock(void)
{
    pthread_t threads[8];
    int n = 0;

    while (n < 8 && !pthread_create(&threads[n], NULL, count, NULL))
        n++;
    for (int i = 0; i < n; i++)
        pthread_join(threads[i], NULL);
    is(n, 8, "eight threads");
    is(counted, 8 * COUNTS, "no count is lost under a mutex");
    is(counted_atomically, 8 * COUNTS, "nor with atomic additions");
}

/* ---- stale translations ------------------------------------------------- */

static volatile int *volatile page;
static atomic_int withdrawn, reader_ready, stop;
static atomic_long stale, reads, faults;
static __thread sigjmp_buf escape;

static void on_segv(int sig)
{
    (void)sig;
    atomic_fetch_add(&faults, 1);
    siglongjmp(escape, 1);
}

/* Reads the page as fast as it can.  Each round's page holds another number; a
 * read that starts after it has been withdrawn, and still finds that number,
 * went through a stale entry. */
static void *reader(void *arg)
{
    pin(cpus - 1);
    while (!atomic_load(&stop)) {
        volatile int *p = page;
        int gone = atomic_load(&withdrawn);

        if (!p) {
            sched_yield();
            continue;
        }
        if (!sigsetjmp(escape, 1)) {
            if (*p == gone)
                atomic_fetch_add(&stale, 1);
        }
        atomic_fetch_add(&reads, 1);
        atomic_store(&reader_ready, 1);
    }
    return arg;
}

static void wait_for_reader(void)
{
    atomic_store(&reader_ready, 0);
    while (!atomic_load(&reader_ready))
        sched_yield();
}

static void withdraw(int how, void *p, int round)
{
    if (how)
        mprotect(p, 4096, PROT_NONE);
    else
        munmap(p, 4096);
    atomic_store(&withdrawn, round);
}

static void nothing_stale_is_seen(int how, const char *what)
{
    struct sigaction action = {.sa_handler = on_segv, .sa_flags = SA_NODEFER};
    pthread_t thread;

    sigaction(SIGSEGV, &action, NULL);
    stale = reads = faults = 0;
    withdrawn = 0;
    atomic_store(&stop, 0);
    page = NULL;
    pin(0);
    pthread_create(&thread, NULL, reader, NULL);
    for (int i = 1; i <= ROUNDS; i++) {
        int *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        *p = i;
        page = p;
        wait_for_reader(); /* it has the translation */
        withdraw(how, p, i);
        wait_for_reader();
        page = NULL;
        if (how)
            munmap(p, 4096);
    }
    atomic_store(&stop, 1);
    pthread_join(thread, NULL);
    printf("# %ld reads, %ld faults\n", (long)reads, (long)faults);
    is(stale, 0, what);
    ok(faults >= ROUNDS, "each withdrawal was noticed");
}

int main(void)
{
    cpu_set_t all;

    sched_getaffinity(0, sizeof(all), &all);
    cpus = CPU_COUNT(&all);
    printf("# %d CPUs\n", cpus);
    affinity_is_obeyed();
    threads_share_a_lock();
    if (cpus > 1) {
        nothing_stale_is_seen(0, "after munmap nobody reads the page");
        nothing_stale_is_seen(1, "after mprotect nobody reads the page");
    } else {
        skip("no stale translations", "one CPU");
    }
    return done();
}
