/*
 * tests/user/nmi.c - NMIs at any moment: in ring 3, in the kernel, and in the
 * few instructions between them, where neither GS nor (pti=on) CR3 may be the
 * kernel's yet.
 *
 * Pagewalk sends them on request ("do nmis" of /proc/exp) to the CPUs on which
 * threads here enter and leave the kernel in every way; skipped on Linux and
 * with one CPU.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "tap.h"

#define PAGE 4096
#define NMIS 3000
#define THREADS_MAX 7

static atomic_int stop, wrong, started;
static int cpus;

static void on_trap(int sig)
{
    (void)sig;
}

/* System calls, faults, an exception with a signal, and plain computing. */
static void *enter_and_leave(void *arg)
{
    volatile char *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    pid_t me = getpid();
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET((long)arg, &set);
    sched_setaffinity(0, sizeof(set), &set);
    atomic_fetch_add(&started, 1);
    while (!atomic_load(&stop)) {
        register long r12 __asm__("r12") = 0x1234567890;

        for (int i = 0; i < 20; i++)
            wrong += syscall(SYS_getpid) != me;
        *page = 42;
        wrong += *page != 42;
        madvise((void *)page, PAGE, MADV_DONTNEED);
        wrong += *page != 0;
        __asm__ volatile("int3" : "+r"(r12));
        wrong += r12 != 0x1234567890;
        wrong += syscall(-1l) != -1 || errno != ENOSYS;
    }
    return NULL;
}

/* The answer's three numbers; all < 0: this kernel has no such thing. */
static void send_nmis(long n, long *all, long *ring3, long *entry)
{
    char text[64];
    int fd = open("/proc/exp", O_RDWR);
    ssize_t len = snprintf(text, sizeof(text), "do nmis %ld\n", n);

    *all = *ring3 = *entry = -1;
    if (fd < 0)
        return;
    len = write(fd, text, len) < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    close(fd);
    text[len < 0 ? 0 : len] = '\0';
    sscanf(text, "%ld %ld %ld", all, ring3, entry);
}

int main(void)
{
    pthread_t threads[THREADS_MAX];
    long all, ring3, entry;
    cpu_set_t set;
    int n = 0;

    sched_getaffinity(0, sizeof(set), &set);
    cpus = CPU_COUNT(&set);
    if (cpus < 2 || access("/proc/exp", W_OK)) {
        skip("NMIs at any moment", "one CPU, or a kernel that sends none");
        return done();
    }
    signal(SIGTRAP, on_trap);
    CPU_ZERO(&set);
    CPU_SET(0, &set);
    sched_setaffinity(0, sizeof(set), &set);
    for (long cpu = 1; cpu < cpus && n < THREADS_MAX; cpu++)
        if (!pthread_create(&threads[n], NULL, enter_and_leave, (void *)cpu))
            n++;
    while (atomic_load(&started) < n)
        sched_yield();
    send_nmis(NMIS, &all, &ring3, &entry);
    atomic_store(&stop, 1);
    for (int i = 0; i < n; i++)
        pthread_join(threads[i], NULL);
    printf("# %ld NMIs, %ld in ring 3, %ld in the entry code\n", all, ring3,
           entry);
    ok(all > 0, "NMIs came");
    is(wrong, 0, "and nothing went wrong on their account");
    return done();
}
