/*
 * stops.c - processes that stop and go on: all their threads, what the parent
 * hears and when, groups that nobody is left to continue.
 */
#define _GNU_SOURCE
#include "tap.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#define MS 1000000l

static volatile sig_atomic_t chld_count, chld_code, chld_status;
static volatile long *shared; /* with children */

static void on_chld(int sig, siginfo_t *info, void *context)
{
    (void)sig;
    (void)context;
    chld_count++;
    chld_code = info->si_code;
    chld_status = info->si_status;
}

static void nap(long ms)
{
    struct timespec ts = {ms / 1000, ms % 1000 * MS};

    while (nanosleep(&ts, &ts))
        ;
}

static void *spin(void *arg)
{
    for (;;)
        ++*(volatile long *)arg;
    return NULL;
}

static pid_t start(void (*body)(void))
{
    pid_t pid = fork();

    if (!pid) {
        body();
        _exit(0);
    }
    while (!shared[0])
        nap(1);
    shared[0] = 0;
    chld_count = 0;
    return pid;
}

static void three_threads(void)
{
    pthread_t thread;

    for (int i = 1; i < 3; i++)
        pthread_create(&thread, NULL, spin, (void *)&shared[i]);
    shared[0] = 1;
    for (;;)
        pause();
}

static void test_threads(void)
{
    pid_t pid = start(three_threads);
    long before[2];
    int status;
    siginfo_t info;

    kill(pid, SIGSTOP);
    is(waitpid(pid, &status, WUNTRACED), pid, "a process with threads stops");
    ok(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP, "by SIGSTOP");
    is(chld_count, 1, "one SIGCHLD");
    is(chld_code, CLD_STOPPED, "CLD_STOPPED");
    is(chld_status, SIGSTOP, "with its signal");
    before[0] = shared[1];
    before[1] = shared[2];
    nap(30);
    ok(before[0] == shared[1] && before[1] == shared[2],
       "none of its threads runs any more");
    is(waitid(P_PID, pid, &info, WSTOPPED | WNOHANG), 0, "told once");
    kill(pid, SIGCONT);
    memset(&info, 0, sizeof(info));
    is(waitid(P_PID, pid, &info, WCONTINUED | WNOWAIT), 0, "it goes on");
    is(info.si_code, CLD_CONTINUED, "CLD_CONTINUED");
    is(info.si_status, SIGCONT, "by SIGCONT");
    is(waitpid(pid, &status, WCONTINUED), pid, "WNOWAIT has left it there");
    ok(WIFCONTINUED(status), "in wait4's word");
    nap(30);
    ok(before[0] != shared[1] || before[1] != shared[2], "its threads run");
    is(chld_count, 2, "a second SIGCHLD");
    is(chld_code, CLD_CONTINUED, "about that");
    kill(pid, SIGKILL);
    memset(&info, 0, sizeof(info));
    is(waitid(P_PID, pid, &info, WEXITED | WNOWAIT), 0, "its end");
    is(info.si_code, CLD_KILLED, "CLD_KILLED");
    errno_is(waitid(P_PID, pid, &info, WSTOPPED | WNOHANG), ECHILD,
             "after which no stop is to come");
    is(waitpid(pid, &status, 0), pid, "fetched");
    errno_is(waitpid(pid, &status, WNOHANG), ECHILD, "and gone");
}

/* While a thread waits for its vfork child it cannot stop. */
static void *vforks(void *arg)
{
    struct timespec ts = {0, 400 * MS};

    (void)arg;
    if (!vfork()) {
        shared[0] = 1;
        syscall(SYS_nanosleep, &ts, NULL);
        _exit(0);
    }
    return NULL;
}

static void slow_to_stop(void)
{
    pthread_t thread;

    pthread_create(&thread, NULL, vforks, NULL);
    for (;;)
        pause();
}

static void test_slow(void)
{
    pid_t pid = start(slow_to_stop);
    int status;

    kill(pid, SIGSTOP);
    nap(100);
    is(waitpid(pid, &status, WUNTRACED | WNOHANG), 0,
       "not stopped before its last thread is");
    is(chld_count, 0, "nor told");
    is(waitpid(pid, &status, WUNTRACED), pid, "then it is");
    nap(10);
    is(chld_count, 1, "one SIGCHLD");
    is(chld_code, CLD_STOPPED, "CLD_STOPPED");
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
}

static void test_never_stopped(void)
{
    pid_t pid = start(slow_to_stop);
    int status;

    kill(pid, SIGSTOP);
    nap(50);
    kill(pid, SIGCONT);
    nap(50);
    is(waitpid(pid, &status, WUNTRACED | WNOHANG), 0,
       "continued before it stopped: no stop to wait for");
    is(chld_count, 1, "but a SIGCHLD");
    is(chld_code, CLD_STOPPED, "of the stop");
    is(waitpid(pid, &status, WCONTINUED | WNOHANG), pid, "it was continued");
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
}

static void just_pause(void)
{
    shared[0] = 1;
    for (;;)
        pause();
}

static void test_no_stop_signal(void)
{
    struct sigaction action = {.sa_sigaction = on_chld,
                               .sa_flags = SA_SIGINFO | SA_NOCLDSTOP};
    pid_t pid;
    int status;

    sigaction(SIGCHLD, &action, NULL);
    pid = start(just_pause);
    kill(pid, SIGTSTP);
    is(waitpid(pid, &status, WUNTRACED), pid, "SIGTSTP");
    is(WSTOPSIG(status), SIGTSTP, "stops too");
    kill(pid, SIGCONT);
    waitpid(pid, &status, WCONTINUED);
    is(chld_count, 0, "SA_NOCLDSTOP: no SIGCHLD of that");
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    is(chld_count, 1, "but of the end");
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGCHLD, &action, NULL);
}

static int ends(void *arg)
{
    return (long)arg;
}

/* Children by clone(2) with another signal, or none. */
static void test_clones(void)
{
    static char stack[16384] __attribute__((aligned(16)));
    int status;
    pid_t pid = clone(ends, stack + sizeof(stack), 0, (void *)5);

    nap(30);
    errno_is(waitpid(pid, &status, 0), ECHILD, "a clone is no usual child");
    is(waitpid(pid, &status, __WCLONE), pid, "__WCLONE sees it");
    is(WEXITSTATUS(status), 5, "its status");
    pid = clone(ends, stack + sizeof(stack), SIGCHLD, (void *)6);
    nap(30);
    errno_is(waitpid(pid, &status, __WCLONE), ECHILD, "__WCLONE sees no other");
    is(waitpid(pid, &status, __WALL), pid, "__WALL sees all");
    pid = clone(ends, stack + sizeof(stack), 0, (void *)7);
    is(waitpid(-1, &status, __WALL), pid, "of both kinds");
    errno_is(waitid(P_ALL, 0, NULL, WNOHANG), EINVAL, "waitid for nothing");
    errno_is(waitid(P_PID, 0, NULL, WEXITED), EINVAL, "of process 0");
    errno_is(waitid(99, 0, NULL, WEXITED), EINVAL, "of kind 99");
    errno_is(waitpid(-1, &status, WNOWAIT), EINVAL, "waitpid has no WNOWAIT");
}

static void on_hup(int sig)
{
    shared[1 + (sig == SIGCONT)]++;
    if (sig == SIGCONT)
        _exit(0);
}

/* A stopped process whose group's last link to the session ends. */
static void orphan(void)
{
    struct sigaction action = {.sa_handler = on_hup};

    sigfillset(&action.sa_mask); /* one after the other */
    sigaction(SIGHUP, &action, NULL);
    sigaction(SIGCONT, &action, NULL);
    shared[0] = 1;
    raise(SIGSTOP);
    nap(5000);
}

static void test_orphans(void)
{
    int status;
    pid_t leader;

    shared[0] = shared[1] = shared[2] = 0;
    leader = fork();
    if (!leader) {
        pid_t pid;

        setpgid(0, 0);
        pid = fork();
        if (!pid) {
            orphan();
            _exit(0);
        }
        waitpid(pid, &status, WUNTRACED);
        _exit(0);
    }
    waitpid(leader, &status, 0);
    for (int i = 0; i < 200 && !shared[2]; i++)
        nap(10);
    is(shared[1], 1, "a stopped group that is orphaned gets SIGHUP");
    is(shared[2], 1, "and SIGCONT");
}

/* In such a group the terminal's stop signals do nothing. */
static void wait_to_be_stopped(void)
{
    shared[0] = 1;
    kill(getpid(), SIGSTOP);
}

/* Whatever waits for it, a stopped process that is killed was killed. */
static void test_killed_before_all(void)
{
    static const int earlier[] = {SIGHUP, SIGSEGV, SIGTERM};

    for (int i = 0; i < 3; i++) {
        pid_t pid = start(wait_to_be_stopped);
        int status = 0;

        waitpid(pid, &status, WUNTRACED);
        kill(pid, earlier[i]);
        kill(pid, SIGKILL);
        waitpid(pid, &status, 0);
        ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
           "SIGKILL comes before signal %d", earlier[i]);
    }
}

static void test_orphan_stop(void)
{
    int status;
    pid_t leader = fork();

    if (!leader) {
        setsid();
        raise(SIGTSTP);
        raise(SIGTTIN);
        raise(SIGTTOU);
        _exit(7);
    }
    is(waitpid(leader, &status, WUNTRACED), leader, "an orphan");
    is(status, 7 << 8, "is not stopped by SIGTSTP");
}

static int all(void)
{
    struct sigaction action = {.sa_sigaction = on_chld, .sa_flags = SA_SIGINFO};

    setpgid(0, 0);
    sigaction(SIGCHLD, &action, NULL);
    test_threads();
    test_slow();
    test_never_stopped();
    test_no_stop_signal();
    test_clones();
    test_orphans();
    test_orphan_stop();
    test_killed_before_all();
    return done();
}

/* In a group of their own, with a parent in the session: job control. */
int main(void)
{
    int status = -1;
    pid_t pid;

    shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid = fork();
    if (!pid)
        _exit(all());
    waitpid(pid, &status, 0);
    return status != 0;
}
