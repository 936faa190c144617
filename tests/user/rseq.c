/*
 * rseq.c - restartable sequences: the CPU's number, and sequences that start
 * again when the thread lost the CPU, moved, or took a signal.
 */
#define _GNU_SOURCE
#include "tap.h"

#include <linux/rseq.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <ucontext.h>

#define SIGNATURE 0x53053053
#define SIZE 32

static __thread struct rseq area __attribute__((aligned(32)));

static long enter(unsigned int signature)
{
    return syscall(SYS_rseq, &area, SIZE, 0, signature);
}

static long leave(unsigned int signature)
{
    return syscall(SYS_rseq, &area, SIZE, RSEQ_FLAG_UNREGISTER, signature);
}

/*
 * The sequence from 1 to 2 is announced in area.rseq_cs; who interrupts it
 * sends it to 4, in front of which the signature stands.
 */
#define SEQUENCE(body)                                                         \
    ".pushsection .data.rseq, \"aw\"\n"                                        \
    ".balign 32\n"                                                             \
    "3: .long 0, 0\n"                                                          \
    "   .quad 1f, 2f - 1f, 4f\n"                                               \
    ".popsection\n"                                                            \
    "   lea 3b(%%rip), %%rax\n"                                                \
    "   mov %%rax, %[announce]\n"                                              \
    "1:\n" body "2:\n"                                                         \
    ".pushsection .text.rseq, \"ax\"\n"                                        \
    "   .byte 0x0f, 0xb9, 0x3d\n"                                              \
    "   .long 0x53053053\n"                                                    \
    "4: jmp %l[again]\n"                                                       \
    ".popsection\n"

/* Adds to counters[cpu] without a locked instruction.  Whether it worked. */
static int add_on(volatile long *counter, unsigned int cpu)
{
    __asm__ goto(SEQUENCE("   cmp %[cpu], %[now]\n"
                          "   jne %l[again]\n"
                          "   incq (%[counter])\n")
                 :
                 : [announce] "m"(area.rseq_cs), [now] "m"(area.cpu_id),
                   [cpu] "r"(cpu), [counter] "r"(counter)
                 : "rax", "memory", "cc"
                 : again);
    return 1;
again:
    return 0;
}

/* Counts down in a sequence.  0: it was sent away before the end. */
static int count_down(long rounds)
{
    __asm__ goto(SEQUENCE("5: dec %[rounds]\n"
                          "   jnz 5b\n")
                 :
                 : [announce] "m"(area.rseq_cs), [rounds] "r"(rounds)
                 : "rax", "memory", "cc"
                 : again);
    return 1;
again:
    return 0;
}

static void test_calls(void)
{
    struct rseq *odd = (struct rseq *)((char *)&area + 16);

    errno_is(syscall(SYS_rseq, odd, SIZE, 0, SIGNATURE), EINVAL, "not aligned");
    errno_is(syscall(SYS_rseq, &area, 7, 0, SIGNATURE), EINVAL, "7 bytes");
    errno_is(syscall(SYS_rseq, &area, SIZE, 4, SIGNATURE), EINVAL, "flag 4");
    errno_is(leave(SIGNATURE), EINVAL, "not registered");
    is(enter(SIGNATURE), 0, "register");
    errno_is(enter(SIGNATURE), EBUSY, "twice");
    errno_is(enter(1), EPERM, "with another signature");
    is(area.cpu_id, sched_getcpu(), "the CPU's number");
    is(area.cpu_id_start, area.cpu_id, "and the guess");
    errno_is(leave(1), EPERM, "unregister with another signature");
    is(leave(SIGNATURE), 0, "unregister");
    is((int)area.cpu_id, -1, "the number is gone");
    is(enter(SIGNATURE), 0, "register again");
}

static void test_alone(void)
{
    is(count_down(1000), 1, "a sequence runs to its end");
    is(area.rseq_cs != 0, 1, "and stays announced");
}

static volatile int signals;
static volatile uint64_t interrupted_at, announced;

static void on_alarm(int sig, siginfo_t *info, void *context)
{
    (void)sig;
    (void)info;
    interrupted_at = ((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
    announced = area.rseq_cs;
    signals++;
}

static void test_signal(void)
{
    struct sigaction action = {.sa_sigaction = on_alarm,
                               .sa_flags = SA_SIGINFO};
    struct itimerval it = {{0, 0}, {0, 30000}};
    uint32_t before = 0;

    sigaction(SIGALRM, &action, NULL);
    for (int tries = 0; tries < 20 && before != SIGNATURE; tries++) {
        signals = 0;
        setitimer(ITIMER_REAL, &it, NULL);
        while (!signals) /* it may lose the CPU before */
            count_down(1l << 60);
        before = *((const uint32_t *)interrupted_at - 1);
    }
    is(signals, 1, "a signal ends a sequence");
    is(before, SIGNATURE, "its frame returns to the abort address");
    is(announced, 0, "with no sequence announced");
    is(count_down(1000), 1, "the next one is sound");
}

static void pin(int cpu)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    sched_setaffinity(0, sizeof(set), &set);
}

/* Somebody else wants the same CPU. */
static void test_preempted(void)
{
    cpu_set_t all;
    pid_t pid;
    int status;

    sched_getaffinity(0, sizeof(all), &all);
    pin(0);
    pid = fork();
    if (!pid)
        for (;;)
            ;
    is(count_down(1l << 60), 0, "losing the CPU ends a sequence");
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    sched_setaffinity(0, sizeof(all), &all);
}

#define CPUS 64
#define THREADS 6
#define ADDS 200000
static struct {
    volatile long count;
    char padding[56];
} counters[CPUS];
static volatile long lost;

static void *adder(void *arg)
{
    unsigned int seed = (long)arg, cpu, failed = 0;

    enter(SIGNATURE);
    for (long i = 0; i < ADDS; i++) {
        if (rand_r(&seed) % 4096 == 0)
            sched_yield();
        do
            cpu = area.cpu_id_start;
        while (!add_on(&counters[cpu].count, cpu) && ++failed);
    }
    __atomic_add_fetch(&lost, failed, __ATOMIC_RELAXED);
    leave(SIGNATURE);
    return NULL;
}

static void test_counters(void)
{
    pthread_t threads[THREADS];
    long sum = 0;

    for (long i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, adder, (void *)i);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < CPUS; i++)
        sum += counters[i].count;
    is(sum, (long)THREADS * ADDS, "per-CPU counters lose no addition");
}

static void test_pinned(void)
{
    cpu_set_t all;
    int good = 1;

    sched_getaffinity(0, sizeof(all), &all);
    for (int cpu = 0; cpu < CPUS; cpu++) {
        if (!CPU_ISSET(cpu, &all))
            continue;
        pin(cpu);
        good &= area.cpu_id == (unsigned int)cpu;
    }
    sched_setaffinity(0, sizeof(all), &all);
    ok(good, "the number follows the thread to each CPU");
}

/* What the parent sees of a child that does `body` and then loses the CPU. */
static int fate_of(void (*body)(void))
{
    int status;
    pid_t pid = fork();

    if (!pid) {
        body();
        usleep(1000);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static struct rseq_cs wrong __attribute__((aligned(32)));

static void wrong_signature(void)
{
    wrong.start_ip = (uintptr_t)count_down;
    wrong.post_commit_offset = 16;
    wrong.abort_ip = (uintptr_t)test_calls + 4;
    area.rseq_cs = (uintptr_t)&wrong;
}

static void wrong_version(void)
{
    wrong_signature();
    wrong.version = 1;
}

static void wrong_pointer(void)
{
    area.rseq_cs = 16;
}

static void area_gone(void)
{
    void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    leave(SIGNATURE);
    if (syscall(SYS_rseq, p, SIZE, 0, SIGNATURE))
        _exit(3);
    munmap(p, 4096);
}

static void nothing(void)
{
}

static void test_bad(void)
{
    is(fate_of(nothing), 0, "fork keeps the registration");
    is(fate_of(wrong_signature), -SIGSEGV, "a wrong signature: SIGSEGV");
    is(fate_of(wrong_version), -SIGSEGV, "a wrong version");
    is(fate_of(wrong_pointer), -SIGSEGV, "a sequence that is not there");
    is(fate_of(area_gone), -SIGSEGV, "an area that is not there");
}

int main(void)
{
    test_calls();
    test_alone();
    test_signal();
    test_preempted();
    test_counters();
    test_pinned();
    test_bad();
    is(leave(SIGNATURE), 0, "unregister");
    return done();
}
