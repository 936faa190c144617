/*
 * stress.c - processes, threads, signals, pipes and memory at random for a
 * few seconds: nothing may be lost, and memory must come back.
 *
 *     stress [SECONDS [SEED]]
 */
#define _GNU_SOURCE
#include "tap.h"

#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <time.h>

#define ROOMS 12

static unsigned int seed = 1;
static const char *self;
static volatile int signals;
static int lost;

static unsigned int random_below(unsigned int n)
{
    seed = seed * 1103515245 + 12345;
    return (seed >> 16) % n;
}

static void on_signal(int sig)
{
    (void)sig;
    signals++;
}

static void *thread_body(void *arg)
{
    char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED)
        return (void *)1;
    memset(p, 1, 8192);
    if (random_below(2))
        sched_yield();
    munmap(p, 8192);
    return arg;
}

static int use_threads(void)
{
    pthread_t threads[4];
    void *result;
    int bad = 0, n = 0;

    for (; n < 4; n++)
        if (pthread_create(&threads[n], NULL, thread_body, NULL))
            break;
    while (n--) {
        pthread_join(threads[n], &result);
        bad |= result != NULL;
    }
    return bad;
}

static int use_exec(void)
{
    char *argv[] = {(char *)self, "child", NULL};

    execv(self, argv);
    return 1;
}

static int use_fork(void)
{
    int status, fds[2];
    char byte = 0;
    pid_t pid;

    if (pipe(fds))
        return 1;
    pid = fork();
    if (!pid)
        _exit(write(fds[1], "x", 1) != 1);
    if (pid < 0)
        return 1;
    if (read(fds[0], &byte, 1) != 1 || byte != 'x')
        return 1;
    return waitpid(pid, &status, 0) != pid || status;
}

static int use_memory(void)
{
    size_t size = 4096 * (1 + random_below(64));
    char *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED)
        return 1;
    for (size_t i = 0; i < size; i += 4096)
        p[i] = i >> 12;
    mprotect(p, size / 2, PROT_READ);
    for (size_t i = 0; i < size; i += 4096)
        if (p[i] != (char)(i >> 12))
            return 1;
    return munmap(p, size);
}

static int crash(void)
{
    static int *volatile nowhere = (int *)16;

    *nowhere = 1;
    return 0;
}

static int use_signals(void)
{
    sigset_t set;

    signal(SIGUSR1, on_signal);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    raise(SIGUSR1);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    return signals != 1;
}

static int wait_for_death(void)
{
    for (;;)
        pause();
    return 0;
}

static const struct work {
    int (*body)(void);
    int status; /* what the parent must see */
} works[] = {
    {use_threads, 0},          {use_exec, 17 << 8}, {use_fork, 0},
    {use_memory, 0},           {use_signals, 0},    {crash, SIGSEGV},
    {wait_for_death, SIGKILL},
};

struct room {
    pid_t pid;
    const struct work *work;
};

static void start(struct room *room)
{
    room->work = &works[random_below(sizeof(works) / sizeof(*works))];
    room->pid = fork();
    if (!room->pid) {
        seed += getpid();
        _exit(room->work->body());
    }
    if (room->work->body == wait_for_death)
        kill(room->pid, SIGKILL);
}

static void reap(struct room *rooms)
{
    int status;
    pid_t pid = wait(&status);

    for (int i = 0; i < ROOMS; i++) {
        if (rooms[i].pid != pid)
            continue;
        if (status != rooms[i].work->status) {
            printf("# work %ld ended with %#x\n", (long)(rooms[i].work - works),
                   status);
            lost++;
        }
        rooms[i].pid = 0;
    }
}

static long run(double seconds)
{
    struct room rooms[ROOMS] = {0};
    time_t end = time(NULL) + seconds;
    long n = 0;

    while (time(NULL) <= end) {
        int i = random_below(ROOMS);

        if (rooms[i].pid)
            reap(rooms);
        else
            start(&rooms[i]), n++;
    }
    while (waitpid(-1, NULL, WNOHANG) >= 0)
        usleep(1000);
    return n;
}

static unsigned long free_kib(void)
{
    struct sysinfo info;

    sysinfo(&info);
    return info.freeram * info.mem_unit / 1024;
}

int main(int argc, char **argv)
{
    unsigned long before, after;
    long n;

    self = argv[0];
    if (argc > 1 && !strcmp(argv[1], "child"))
        return 17;
    if (argc > 2)
        seed = atoi(argv[2]);
    run(0); /* caches fill */
    before = free_kib();
    n = run(argc > 1 ? atoi(argv[1]) : 2);
    after = free_kib();
    printf("# %ld processes; free before %lu KiB, after %lu KiB\n", n, before,
           after);
    ok(n > 10, "many processes");
    is(lost, 0, "each ended as it should");
    ok(after + 2048 > before, "memory came back");
    return done();
}
