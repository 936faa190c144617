/*
 * common.c - random numbers, children, threads, and how a round ends.
 */
#include "stress.h"

#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/prctl.h>

#define ROUND_LONG 2000000000ull /* ns */

static __thread uint64_t random_state = 1;
static uint64_t round_seed, round_start;

/* xorshift64*, Marsaglia and Vigna */
uint64_t random_u64(void)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return random_state * 0x2545f4914f6cdd1dull >> 16;
}

void seed_random(uint64_t seed)
{
    random_state = seed * 0x9e3779b97f4a7c15ull | 1;
    round_seed = seed;
}

void begin_round(uint64_t seed)
{
    seed_random(seed);
    round_start = now_ns();
}

bool is_long(void)
{
    return now_ns() - round_start > ROUND_LONG;
}

/* One write, so that lines of several processes do not mix. */
void stress_failed(const char *format, ...)
{
    char line[400], name[17] = "";
    int error = errno, n;
    va_list ap;

    prctl(PR_GET_NAME, name);
    n = snprintf(line, sizeof(line), "# %s: ", name);
    va_start(ap, format);
    n += vsnprintf(line + n, sizeof(line) - n, format, ap);
    va_end(ap);
    n = n < 300 ? n : 300;
    n += snprintf(line + n, sizeof(line) - n, " (errno %d, seed %#llx)\n",
                  error, (unsigned long long)round_seed);
    if (write(1, line, n) < 0)
        _exit(2);
    _exit(1);
}

void starved(void)
{
    _exit(77);
}

void lacking(const char *call, int error)
{
    if (error == ENOMEM || error == EAGAIN || error == ENOSPC ||
        error == ENFILE || error == EMFILE)
        starved();
    errno = error;
    stress_failed("%s", call);
}

/* ---- children ---- */

bool killed_for_memory(void)
{
    static long first = -1;
    char text[8192], *line;
    int fd = open("/proc/vmstat", O_RDONLY);
    ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
    long kills = 0;

    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = '\0';
    line = strstr(text, "\noom_kill ");
    if (line)
        kills = atol(line + 10);
    if (first < 0)
        first = kills;
    return kills > first;
}

pid_t fork_child(void)
{
    uint64_t seed = random_u64();
    pid_t pid = fork();

    if (pid < 0)
        lacking("fork", errno);
    if (pid == 0)
        seed_random(seed);
    return pid;
}

void reap(pid_t pid, int want)
{
    int status;
    pid_t got;

    do
        got = waitpid(pid, &status, 0);
    while (got < 0 && errno == EINTR);
    must(got == pid, "waitpid(%d) gave %d", pid, got);
    /* 2: a shell that could not fork */
    if (status == WEXIT(77) || ((status == SIGKILL || status == WEXIT(2)) &&
                                status != want && killed_for_memory()))
        starved();
    must(status == want, "child ended with %#x, not %#x", status, want);
}

/* ---- threads ---- */

struct start {
    void *(*body)(void *);
    void *arg;
    uint64_t seed;
};

static void *begin(void *arg)
{
    struct start start = *(struct start *)arg;
    uint64_t seed = round_seed;

    free(arg);
    seed_random(start.seed);
    round_seed = seed;
    return start.body(start.arg);
}

void crew_add(struct crew *crew, void *(*body)(void *), void *arg)
{
    struct start *start = malloc(sizeof(*start));
    pthread_attr_t attr;
    int error;

    if (!start)
        starved();
    *start = (struct start){body, arg, random_u64()};
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK_SIZE);
    error = pthread_create(&crew->threads[crew->n++], &attr, begin, start);
    if (error)
        lacking("pthread_create", error);
}

void crew_join(struct crew *crew)
{
    void *result;

    while (crew->n) {
        int error = pthread_join(crew->threads[--crew->n], &result);

        must(!error && !result, "joined a thread: %d, result %p", error,
             result);
    }
}

/* ---- memory, time ---- */

static void *map_or_starve(size_t size, int flags)
{
    void *p =
        mmap(NULL, size, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED)
        lacking("mmap", errno);
    return p;
}

void *shared_memory(size_t size)
{
    return map_or_starve(size, MAP_SHARED);
}

void *map_memory(size_t size)
{
    return map_or_starve(size, MAP_PRIVATE);
}

void pin_to_cpu(unsigned int cpu)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(cpu % nr_cpus, &set);
    sched_setaffinity(0, sizeof(set), &set);
}

uint64_t now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

void pause_us(unsigned int us)
{
    struct timespec ts = {us / 1000000, us % 1000000 * 1000};

    nanosleep(&ts, NULL);
}

void write_all(int fd, const void *data, size_t size)
{
    const char *from = data;

    while (size) {
        ssize_t n = write(fd, from, size);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            lacking("write", errno);
        must(n > 0, "write gave %zd", n);
        from += n;
        size -= n;
    }
}
