/*
 * signal.c - sending, masks, handlers, restarts, alternate stacks, defaults,
 * timers.  (Frames: sigframe.c; faults: faults.c.)
 */
#define _GNU_SOURCE
#include "trial.h"

#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

static void *volatile bad_pointer = (void *)8;
#define BAD bad_pointer

static volatile int calls, last_sig, last_code;
static volatile pid_t last_pid;
static volatile int last_int;

static void on_signal(int sig, siginfo_t *info, void *context)
{
    (void)context;
    calls++;
    last_sig = sig;
    last_code = info->si_code;
    last_pid = info->si_pid;
    last_int = info->si_value.sival_int;
}

static volatile int rest_is_zero;

/* Behind the fields of any kind of siginfo nothing of the kernel shows. */
static void on_rest(int sig, siginfo_t *info, void *context)
{
    const char *bytes = (const char *)info;

    (void)sig;
    (void)context;
    rest_is_zero = 1;
    for (size_t i = 48; i < sizeof(*info); i++)
        rest_is_zero &= !bytes[i];
}

static void test_send(void)
{
    union sigval value = {.sival_int = 77};

    handle(SIGUSR1, on_signal, 0);
    calls = 0;
    is(kill(getpid(), SIGUSR1), 0, "kill");
    is(calls, 1, "the handler ran before kill returned");
    is(last_code, SI_USER, "si_code is SI_USER");
    is(last_pid, getpid(), "si_pid");
    raise(SIGUSR1);
    is(last_code, SI_TKILL, "raise: SI_TKILL");
    is(sigqueue(getpid(), SIGUSR1, value), 0, "sigqueue");
    is(last_code, SI_QUEUE, "SI_QUEUE");
    is(last_int, 77, "si_value");
    is(kill(getpid(), 0), 0, "signal 0 only asks");
    handle(SIGUSR1, on_rest, 0);
    raise(SIGUSR1);
    ok(rest_is_zero, "the rest of siginfo is zero");
    handle(SIGUSR1, on_signal, 0);
    errno_is(kill(getpid(), 65), EINVAL, "signal 65");
    errno_is(kill(getpid(), -1), EINVAL, "signal -1");
    errno_is(kill(1234567, SIGUSR1), ESRCH, "kill nobody");
    errno_is(kill(-1234567, SIGUSR1), ESRCH, "kill no group");
    errno_is(syscall(SYS_tgkill, getpid(), -1, SIGUSR1), EINVAL, "tgkill -1");
    errno_is(syscall(SYS_tgkill, 1234567, getpid(), SIGUSR1), ESRCH,
             "tgkill of another's thread");
    errno_is(syscall(SYS_tkill, 0, SIGUSR1), EINVAL, "tkill 0");
}

static void test_mask(void)
{
    sigset_t set, old, pending;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    calls = 0;
    is(sigprocmask(SIG_BLOCK, &set, &old), 0, "block");
    raise(SIGUSR1);
    raise(SIGUSR1);
    is(calls, 0, "a blocked signal waits");
    sigpending(&pending);
    ok(sigismember(&pending, SIGUSR1), "sigpending shows it");
    sigprocmask(SIG_SETMASK, &old, NULL);
    is(calls, 1, "below 32 it comes once");
    handle(SIGRTMIN, on_signal, 0);
    sigaddset(&set, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &set, NULL);
    calls = 0;
    for (int i = 0; i < 3; i++)
        sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = i});
    sigprocmask(SIG_SETMASK, &old, NULL);
    is(calls, 3, "real-time signals are counted");
    is(last_int, 2, "and come in order");
    errno_is(syscall(SYS_rt_sigprocmask, 9, &set, NULL, 8), EINVAL, "how 9");
    errno_is(syscall(SYS_rt_sigprocmask, 0, &set, NULL, 4), EINVAL, "size 4");
    errno_is(syscall(SYS_rt_sigprocmask, 0, BAD, NULL, 8), EFAULT, "set");
    errno_is(syscall(SYS_rt_sigprocmask, 0, &set, BAD, 8), EFAULT, "oldset");
    sigprocmask(SIG_SETMASK, &old, NULL);
}

static void test_action(void)
{
    struct sigaction action = {.sa_handler = SIG_IGN}, old;

    errno_is(sigaction(SIGKILL, &action, NULL), EINVAL, "SIGKILL's action");
    errno_is(sigaction(SIGSTOP, &action, NULL), EINVAL, "SIGSTOP's action");
    is(sigaction(SIGKILL, NULL, &old), 0, "reading SIGKILL's is allowed");
    errno_is(syscall(SYS_rt_sigaction, 65, NULL, NULL, 8), EINVAL, "65");
    errno_is(syscall(SYS_rt_sigaction, 0, NULL, NULL, 8), EINVAL, "0");
    errno_is(syscall(SYS_rt_sigaction, SIGUSR2, BAD, NULL, 8), EFAULT, "act");
    errno_is(syscall(SYS_rt_sigaction, SIGUSR2, NULL, BAD, 8), EFAULT, "old");
    errno_is(syscall(SYS_rt_sigaction, SIGUSR2, NULL, NULL, 4), EINVAL, "4");
    handle(SIGUSR2, on_signal, SA_RESETHAND);
    raise(SIGUSR2);
    sigaction(SIGUSR2, NULL, &old);
    ok(old.sa_handler == SIG_DFL, "SA_RESETHAND resets");
    calls = 0;
    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1);
    is(calls, 0, "SIG_IGN");
    handle(SIGUSR1, on_signal, 0);
}

static volatile int depth, deepest;

static void nesting(int sig, siginfo_t *info, void *context)
{
    (void)info;
    (void)context;
    depth++;
    if (depth > deepest)
        deepest = depth;
    if (depth < 3)
        raise(sig);
    depth--;
}

static void test_nesting(void)
{
    handle(SIGUSR1, nesting, 0);
    deepest = 0;
    calls = 0;
    depth = 2; /* one run, so that the raise inside is not repeated */
    raise(SIGUSR1);
    depth = deepest = 0;
    handle(SIGUSR1, nesting, SA_NODEFER);
    raise(SIGUSR1);
    is(deepest, 3, "SA_NODEFER nests");
    handle(SIGUSR1, on_signal, 0);
}

static volatile uintptr_t handler_sp;

static void note_sp(int sig, siginfo_t *info, void *context)
{
    int local;
    stack_t ss;

    (void)sig;
    (void)info;
    (void)context;
    handler_sp = (uintptr_t)&local;
    sigaltstack(NULL, &ss);
    last_int = ss.ss_flags;
    ss.ss_flags = SS_DISABLE;
    last_code = sigaltstack(&ss, NULL) == -1 ? errno : 0;
}

static void test_altstack(void)
{
    static char stack[65536];
    stack_t ss = {.ss_sp = stack, .ss_size = sizeof(stack)}, old;

    is(sigaltstack(&ss, NULL), 0, "sigaltstack");
    handle(SIGUSR1, note_sp, SA_ONSTACK);
    raise(SIGUSR1);
    ok(handler_sp > (uintptr_t)stack &&
           handler_sp < (uintptr_t)stack + sizeof(stack),
       "the handler runs on it");
    is(last_int, SS_ONSTACK, "and sees that it does");
    is(last_code, EPERM, "and cannot change it");
    handle(SIGUSR1, note_sp, 0);
    raise(SIGUSR1);
    ok(handler_sp < (uintptr_t)stack ||
           handler_sp > (uintptr_t)stack + sizeof(stack),
       "without SA_ONSTACK it does not");
    ss.ss_flags = 0;
    ss.ss_size = sizeof(stack);
    ss.ss_sp = stack;
    sigaltstack(&ss, NULL);
    ss.ss_size = 100;
    errno_is(sigaltstack(&ss, NULL), ENOMEM, "a stack of 100 bytes");
    ss.ss_flags = 0x77;
    errno_is(sigaltstack(&ss, NULL), EINVAL, "flags");
    errno_is(syscall(SYS_sigaltstack, BAD, NULL), EFAULT, "pointer");
    ss.ss_flags = SS_DISABLE;
    is(sigaltstack(&ss, &old), 0, "off");
    is(old.ss_size, sizeof(stack), "the old one's size");
    handle(SIGUSR1, on_signal, 0);
}

static volatile int disarmed, back_inside;

/* On a stack that is taken away while the handler runs, so that it may leave
 * it for another; a second signal then runs on the stack it meets. */
static void note_disarmed(int sig)
{
    static int depth;
    stack_t ss;
    int local;

    if (depth++ == 0) {
        sigaltstack(NULL, &ss);
        disarmed = ss.ss_flags;
        handler_sp = (uintptr_t)&local;
        raise(sig);
    } else {
        back_inside = handler_sp - (uintptr_t)&local < 65536;
    }
}

static void test_autodisarm(void)
{
    static char stack[65536];
    stack_t ss = {stack, SS_AUTODISARM, sizeof(stack)}, now;
    struct sigaction action = {.sa_handler = note_disarmed,
                               .sa_flags = SA_ONSTACK | SA_NODEFER};

    is(sigaltstack(&ss, NULL), 0, "sigaltstack with SS_AUTODISARM");
    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1);
    ok(handler_sp - (uintptr_t)stack < sizeof(stack), "a handler runs on it");
    is(disarmed, SS_DISABLE, "and finds that there is none");
    ok(back_inside, "a second one stays on the same stack");
    sigaltstack(NULL, &now);
    is(now.ss_flags, (int)SS_AUTODISARM, "afterwards it is there again");
    ss.ss_flags = SS_DISABLE;
    sigaltstack(&ss, NULL);
    handle(SIGUSR1, on_signal, 0);
}

static void after(long ms)
{
    struct itimerval it = {.it_value.tv_usec = ms * 1000};

    setitimer(ITIMER_REAL, &it, NULL);
}

static void test_restart(void)
{
    int fds[2], status;
    char byte;
    struct timespec ts = {5, 0}, rem;

    if (pipe(fds))
        return;
    handle(SIGALRM, on_signal, 0);
    after(10);
    errno_is(read(fds[0], &byte, 1), EINTR, "read without SA_RESTART");
    handle(SIGALRM, on_signal, SA_RESTART);
    if (!fork()) {
        usleep(60000);
        _exit(write(fds[1], "x", 1) != 1);
    }
    after(10);
    calls = 0;
    is(read(fds[0], &byte, 1), 1, "read with SA_RESTART goes on");
    is(calls, 1, "after the handler");
    wait(&status);
    after(10);
    errno_is(nanosleep(&ts, &rem), EINTR, "nanosleep is never restarted");
    ok(rem.tv_sec == 4, "and says what is left");
    after(10);
    errno_is(pause(), EINTR, "pause");
    close(fds[0]);
    close(fds[1]);
}

static void test_suspend(void)
{
    sigset_t block, old, none;

    sigemptyset(&none);
    sigemptyset(&block);
    sigaddset(&block, SIGALRM);
    sigprocmask(SIG_BLOCK, &block, &old);
    calls = 0;
    after(10);
    usleep(20000);
    is(calls, 0, "blocked");
    errno_is(sigsuspend(&none), EINTR, "sigsuspend");
    is(calls, 1, "its mask let it through");
    sigprocmask(SIG_SETMASK, NULL, &none);
    ok(sigismember(&none, SIGALRM), "the old mask is back");
    errno_is(syscall(SYS_rt_sigsuspend, BAD, 8), EFAULT, "sigsuspend pointer");
    sigprocmask(SIG_SETMASK, &old, NULL);
}

static void test_timedwait(void)
{
    struct timespec ts = {0, 10000000}, zero = {0, 0}, wrong = {0, -1};
    sigset_t set, old;
    siginfo_t info;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, &old);
    errno_is(sigtimedwait(&set, &info, &zero), EAGAIN, "nothing there");
    errno_is(sigtimedwait(&set, &info, &ts), EAGAIN, "nor for 10 ms");
    errno_is(sigtimedwait(&set, &info, &wrong), EINVAL, "a wrong time");
    calls = 0;
    raise(SIGUSR1);
    is(sigwaitinfo(&set, &info), SIGUSR1, "sigwaitinfo");
    is(info.si_pid, getpid(), "its info");
    is(calls, 0, "no handler ran");
    if (!fork()) {
        usleep(10000);
        _exit(kill(getppid(), SIGUSR1));
    }
    is(sigwaitinfo(&set, &info), SIGUSR1, "one that comes later");
    wait(NULL);
    sigprocmask(SIG_SETMASK, &old, NULL);
}

static void test_chld(void)
{
    pid_t pid;

    handle(SIGCHLD, on_signal, 0);
    calls = 0;
    pid = fork();
    if (!pid)
        _exit(3);
    while (wait(NULL) < 0)
        ;
    is(calls, 1, "SIGCHLD");
    is(last_code, CLD_EXITED, "CLD_EXITED");
    is(last_pid, pid, "si_pid is the child");
    calls = 0;
    pid = fork();
    if (!pid) {
        pause();
        _exit(0);
    }
    kill(pid, SIGSTOP);
    while (!calls)
        usleep(1000);
    is(last_code, CLD_STOPPED, "CLD_STOPPED");
    kill(pid, SIGKILL);
    while (wait(NULL) < 0)
        ;
    is(last_code, CLD_KILLED, "CLD_KILLED");
    signal(SIGCHLD, SIG_DFL);
}

static int default_kills(int sig)
{
    int status;
    pid_t pid = fork();

    if (!pid) {
        signal(sig, SIG_DFL);
        raise(sig);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void test_defaults(void)
{
    int kills[] = {SIGHUP,    SIGINT, SIGTERM, SIGUSR1, SIGPIPE, SIGALRM,
                   SIGVTALRM, SIGIO,  SIGPWR,  SIGSYS,  SIGXCPU, 40};
    int ignored[] = {SIGCHLD, SIGCONT, SIGURG, SIGWINCH};

    for (size_t i = 0; i < sizeof(kills) / sizeof(*kills); i++)
        is(default_kills(kills[i]), kills[i], "kills by default");
    for (size_t i = 0; i < sizeof(ignored) / sizeof(*ignored); i++)
        is(default_kills(ignored[i]), 0, "ignored by default");
}

static void test_itimer(void)
{
    struct itimerval it = {{0, 5000}, {0, 5000}}, now;

    handle(SIGALRM, on_signal, SA_RESTART);
    calls = 0;
    is(setitimer(ITIMER_REAL, &it, NULL), 0, "setitimer");
    while (calls < 3)
        pause();
    is(getitimer(ITIMER_REAL, &now), 0, "getitimer");
    is(now.it_interval.tv_usec, 5000, "the interval");
    memset(&it, 0, sizeof(it));
    setitimer(ITIMER_REAL, &it, NULL);
    is(alarm(10), 0, "alarm");
    is(alarm(0), 10, "alarm gives what was left");
    errno_is(setitimer(9, &it, NULL), EINVAL, "timer 9");
    it.it_value.tv_usec = 1000000;
    errno_is(setitimer(ITIMER_REAL, &it, NULL), EINVAL, "usec of a second");
    handle(SIGVTALRM, on_signal, 0);
    calls = 0;
    it.it_value.tv_usec = 20000;
    setitimer(ITIMER_VIRTUAL, &it, NULL);
    while (!calls)
        ;
    is(last_sig, SIGVTALRM, "ITIMER_VIRTUAL");
}

int main(void)
{
    test_send();
    test_mask();
    test_action();
    test_nesting();
    test_altstack();
    test_autodisarm();
    test_restart();
    test_suspend();
    test_timedwait();
    test_chld();
    test_defaults();
    test_itimer();
    return done();
}
