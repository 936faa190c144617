/*
 * tests/user/badrandom.c - random system calls with random arguments, good,
 * bad and senseless, by children that may die of it: the kernel survives,
 * every child ends, and nothing is left over.
 *
 *     badrandom [CHILDREN [SEED [CALLS]]]
 *
 * The calls and their kinds of argument are those of badargs.  A seed repeats
 * what it did; the children's results are not looked at.
 */
#define _GNU_SOURCE
#include "bad_calls.h"

#include <sys/prctl.h>
#include <sys/time.h>

/* They would reach beyond the child: the machine, the clock, the console,
 * other processes, or all of memory. */
static const short not_these[] = {
    SYS_reboot,
    SYS_mount,
    SYS_umount2,
    SYS_syslog,
    SYS_clock_settime,
    SYS_settimeofday,
    SYS_setpriority,
    SYS_kill,
    SYS_tkill,
    SYS_tgkill,
    SYS_rt_sigqueueinfo,
    SYS_rt_tgsigqueueinfo,
    SYS_sethostname,
    SYS_setdomainname,
    SYS_pidfd_send_signal,
    SYS_process_vm_writev,
    SYS_fallocate,
};

static u64 state;

static u64 random64(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state * 0x2545f4914f6cdd1dul;
}

static u64 below(u64 n)
{
    return random64() % n;
}

static bool allowed(const struct call *call)
{
    for (size_t i = 0; i < COUNT(not_these); i++)
        if (call->nr == not_these[i])
            return false;
    return true;
}

/* What mostly ends the child: it should live to do something else before. */
static bool is_deadly(short nr)
{
    return nr == SYS_munmap || nr == SYS_mprotect || nr == SYS_mremap ||
           nr == SYS_mmap || nr == SYS_rseq || nr == SYS_setrlimit ||
           nr == SYS_arch_prctl || nr == SYS_close_range;
}

static u64 random_value(void)
{
    u64 value = random64();

    return below(2) ? value : value >> below(64);
}

static u64 random_arg(const struct arg *spec, int i)
{
    struct kind kinds[KINDS_MAX];
    const struct kind *kind;
    bool pointer = spec->type == T_IN || spec->type == T_OUT;
    u64 value = good_of(spec, i);
    int n = kinds_of(spec, i, kinds);

    if (spec->type == T_NONE || (n && below(40) == 0))
        return random_value();
    if (pointer)
        put_content(spec, i, value);
    if (n == 0 || below(2))
        return value;
    kind = &kinds[below(n)];
    if (pointer)
        put_content(spec, i, kind->value);
    if (kind->patch)
        spoil(kind->value, kind->patch);
    return kind->value;
}

static void random_call(void)
{
    const struct call *call = &calls[below(COUNT(calls))];
    u64 args[6];

    if (!allowed(call) || (is_deadly(call->nr) && below(30)))
        return;
    for (int i = 0; i < 6; i++)
        args[i] = random_arg(&call->args[i], i);
    call6(call->nr, args);
}

static void child(u64 seed, int count)
{
    struct rlimit limit = {64 << 20, 64 << 20};

    state = seed * 0x9e3779b97f4a7c15ul + 1;
    setpgid(0, 0);
    prctl(PR_SET_DUMPABLE, 0);
    setrlimit(RLIMIT_AS, &limit);
    make_descriptors();
    while (count--)
        random_call();
    syscall(SYS_exit_group, 0);
}

static volatile pid_t running;

static void on_alarm(int sig)
{
    (void)sig; /* one that sleeps for ever, or does not want to die */
    kill(running, SIGKILL);
}

/* Whether the child has ended. */
static bool run_child(u64 seed, int count)
{
    const struct itimerval patience = {{0, 100000}, {0, 250000}}, none = {};
    int status;
    pid_t pid;

    make_files();
    pid = fork();
    if (pid == 0)
        child(seed, count);
    running = pid;
    setitimer(ITIMER_REAL, &patience, NULL);
    while (waitpid(pid, &status, 0) != pid)
        if (errno != EINTR)
            return false;
    setitimer(ITIMER_REAL, &none, NULL);
    return true;
}

/* Reads what it has just written, for as long as there is room. */
static void feed_itself(void)
{
    struct timespec moment = {0, 50000000};
    int status = 0;
    pid_t pid;

    make_files();
    pid = fork();
    if (pid == 0) {
        int in = open("file", O_RDWR), out = open("file", O_RDWR);

        lseek(out, 9, SEEK_SET);
        for (;;) {
            lseek(in, 0, SEEK_SET);
            ftruncate(in, 9);
            lseek(out, 9, SEEK_SET);
            CALL(SYS_sendfile, out, in, 0, 0x7ffff000);
        }
    }
    nanosleep(&moment, NULL);
    kill(pid, SIGKILL);
    ok(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status),
       "a sendfile that feeds itself can be killed");
}

static long free_kib(void)
{
    char text[4096], *at;
    int fd = open("/proc/meminfo", O_RDONLY);
    ssize_t n = read(fd, text, sizeof(text) - 1);

    close(fd);
    text[n > 0 ? n : 0] = 0;
    at = strstr(text, "MemFree:");
    return at ? atol(at + 8) : 0;
}

int main(int argc, char **argv)
{
    int children = argc > 1 ? atoi(argv[1]) : 40, ended = 0, i;
    u64 seed = argc > 2 ? strtoul(argv[2], NULL, 0) : 1;
    int count = argc > 3 ? atoi(argv[3]) : 300;
    struct sigaction action = {.sa_handler = on_alarm};
    long before, after;

    sigaction(SIGALRM, &action, NULL);
    make_paths();
    make_memory();
    for (i = 0; i < 8; i++) /* caches grow first */
        run_child(seed + 1000000 + i, count);
    before = free_kib();
    for (i = 0; i < children; i++)
        ended += run_child(seed + i, count);
    is(ended, children, "children of random calls end");
    feed_itself();
    ok(wait(NULL) == -1 && errno == ECHILD, "and have left no others");
    remove_files();
    after = free_kib();
    ok(before - after < 2048, "no memory is lost");
    printf("# %d children of %d calls, seed %lu; %ld KiB less free\n", children,
           count, (unsigned long)seed, before - after);
    return done();
}
