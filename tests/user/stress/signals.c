/*
 * signals.c - queued values add up, no signal of a pair is lost, timers,
 * stop and continue.
 */
#include "stress.h"

#include <signal.h>
#include <sys/time.h>

static volatile sig_atomic_t arrived;
static volatile long sum;

static void add_value(int sig, siginfo_t *info, void *context)
{
    sum += info->si_value.sival_int;
    arrived++;
}

static void count_it(int sig)
{
    arrived++;
}

static void on(int sig, void (*handler)(int, siginfo_t *, void *), int flags)
{
    struct sigaction action = {.sa_sigaction = handler,
                               .sa_flags = flags | SA_SIGINFO};

    must(!sigaction(sig, &action, NULL), "sigaction");
}

/* ---- real-time signals from several senders ---- */

#define VALUES 100

static void send_values(pid_t to)
{
    for (int i = 1; i <= VALUES; i++) {
        union sigval value = {.sival_int = i};

        while (sigqueue(to, SIGRTMIN + i % 3, value)) {
            must(errno == EAGAIN, "sigqueue");
            sched_yield(); /* the queue has a limit */
        }
        if (below(16) == 0)
            sched_yield();
    }
    _exit(0);
}

void stress_queued_signals(void)
{
    int n = 1 + below(4), flags = below(2) ? SA_RESTART : 0;
    pid_t pids[4], me = getpid();

    if (below(2))
        flags |= SA_NODEFER;
    for (int i = 0; i < 3; i++)
        on(SIGRTMIN + i, add_value, flags & ~SA_NODEFER);
    for (int i = 0; i < n; i++) {
        pids[i] = fork_child();
        if (pids[i] == 0)
            send_values(me);
    }
    for (int i = 0; i < n; i++)
        reap(pids[i], 0);
    while (arrived < n * VALUES) {
        int before = arrived;

        pause_us(20000);
        must(arrived > before || arrived == n * VALUES,
             "%d of %d signals arrived", (int)arrived, n * VALUES);
    }
    must(arrived == n * VALUES, "%d signals, %d sent", (int)arrived,
         n * VALUES);
}

/* ---- sigsuspend and kill, to and fro ---- */

static void answer(pid_t other, int times, bool first)
{
    sigset_t none;

    sigemptyset(&none);
    for (int i = 0; i < times; i++) {
        if (!first || i)
            while (arrived == 0)
                sigsuspend(&none);
        if (!first || i)
            arrived--;
        must(!kill(other, SIGUSR1), "kill");
    }
}

void stress_signal_pingpong(void)
{
    int times = 100 + below(500);
    sigset_t set, none;
    pid_t parent = getpid(), pid;

    sigemptyset(&set);
    sigemptyset(&none);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGUSR1, count_it);
    pid = fork_child();
    if (pid == 0) {
        answer(parent, times, false);
        _exit(0);
    }
    answer(pid, times, true);
    while (!arrived) /* the last answer */
        sigsuspend(&none);
    reap(pid, 0);
}

/* ---- timers while signals interrupt everything ---- */

static void check_overrun(timer_t id, uint64_t start, uint64_t period)
{
    uint64_t took = now_ns() - start;

    must((uint64_t)arrived <= took / period + 1,
         "%d expirations within %llu ns", (int)arrived,
         (unsigned long long)took);
    timer_delete(id);
}

void stress_timers(void)
{
    uint64_t period = 500000 + below(3000000), start;
    struct itimerspec spec = {{0, period}, {0, period}};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL,
                             .sigev_signo = SIGUSR2};
    struct itimerval fast = {{0, 700}, {0, 700}}, off = {{0, 0}, {0, 0}};
    timer_t id;

    signal(SIGUSR2, count_it);
    signal(SIGALRM, SIG_DFL);
    must(!timer_create(CLOCK_MONOTONIC, &event, &id), "timer_create");
    start = now_ns();
    must(!timer_settime(id, 0, &spec, NULL), "timer_settime");
    while (arrived < 5) {
        uint64_t waited = now_ns();

        if (!arrived)
            pause_us(1000000);
        must(now_ns() - waited < 20000000000ull, "no timer signal");
    }
    check_overrun(id, start, period);
    on(SIGALRM, add_value, SA_RESTART);
    setitimer(ITIMER_REAL, &fast, NULL);
    for (int i = 0; i < 3; i++) {
        pid_t pid = fork_child();

        if (pid == 0)
            _exit(7);
        reap(pid, WEXIT(7));
    }
    setitimer(ITIMER_REAL, &off, NULL);
}

/* ---- stop, continue, kill ---- */

static void expect(pid_t pid, int options, bool (*is_so)(int status))
{
    int status;

    must(waitpid(pid, &status, options) == pid, "waitpid");
    if (status == SIGKILL && killed_for_memory())
        starved();
    must(is_so(status), "status %#x", status);
}

static bool is_stopped(int status)
{
    return WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP;
}

static bool is_continued(int status)
{
    return WIFCONTINUED(status);
}

static void *run_on(void *arg)
{
    for (;;)
        if (below(3))
            sched_yield();
        else
            pause_us(below(300));
    return arg;
}

void stress_stop_continue(void)
{
    pid_t pid = fork_child();

    if (pid == 0) {
        struct crew crew = {.n = 0};

        for (int n = below(4); n > 0; n--)
            crew_add(&crew, run_on, NULL);
        run_on(NULL);
    }
    for (int i = below(10); i >= 0; i--) {
        pause_us(below(500));
        must(!kill(pid, SIGSTOP), "kill STOP");
        expect(pid, WUNTRACED, is_stopped);
        must(!kill(pid, SIGCONT), "kill CONT");
        if (below(2))
            expect(pid, WCONTINUED, is_continued);
    }
    if (below(2))
        kill(pid, SIGSTOP);
    kill(pid, below(2) ? SIGKILL : SIGKILL);
    reap(pid, SIGKILL);
}
