/*
 * signals.c - handlers, masks, frames, interrupted calls.
 */
#define _GNU_SOURCE
#include "tap.h"
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>

static volatile sig_atomic_t count, last;
static volatile int on_alternative;
static siginfo_t last_info;
static char alternative[16384];

static void note(int sig)
{
    count++;
    last = sig;
}

static void note_info(int sig, siginfo_t *info, void *context)
{
    char here;

    (void)context;
    last = sig;
    last_info = *info;
    on_alternative =
        &here >= alternative && &here < alternative + sizeof(alternative);
}

static void handle(int sig, void (*fn)(int), int flags)
{
    struct sigaction action = {.sa_handler = fn, .sa_flags = flags};

    sigaction(sig, &action, NULL);
}

static void delivery(void)
{
    handle(SIGUSR1, note, 0);
    raise(SIGUSR1);
    ok(count == 1 && last == SIGUSR1, "a handler runs");
    raise(SIGUSR1);
    is(count, 2, "and stays installed");
    handle(SIGUSR1, note, SA_RESETHAND);
    raise(SIGUSR1);
    struct sigaction now;
    sigaction(SIGUSR1, NULL, &now);
    ok(now.sa_handler == SIG_DFL, "SA_RESETHAND takes it out");
    signal(SIGUSR1, SIG_IGN);
    raise(SIGUSR1);
    is(count, 3, "an ignored signal does nothing");
    errno_is(sigaction(SIGKILL, &now, NULL), EINVAL, "no handler for SIGKILL");
    errno_is(kill(getpid(), 65), EINVAL, "no signal 65");
    errno_is(kill(999999, 0), ESRCH, "kill of nobody");
}

static void masks(void)
{
    sigset_t set, pending;
    int before;

    handle(SIGUSR2, note, 0);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    sigprocmask(SIG_BLOCK, &set, NULL);
    before = count;
    raise(SIGUSR2);
    raise(SIGUSR2);
    is(count, before, "a blocked signal waits");
    sigpending(&pending);
    ok(sigismember(&pending, SIGUSR2), "and is pending");
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    is(count, before + 1, "and comes once when unblocked");
    sigprocmask(SIG_BLOCK, &set, NULL);
    raise(SIGUSR2);
    sigemptyset(&set);
    errno_is(sigsuspend(&set), EINTR, "sigsuspend lets it in");
    sigaddset(&set, SIGUSR2);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static void values(void)
{
    struct sigaction action = {.sa_sigaction = note_info,
                               .sa_flags = SA_SIGINFO};

    sigaction(SIGRTMIN, &action, NULL);
    sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 77});
    ok(last == SIGRTMIN && last_info.si_code == SI_QUEUE &&
           last_info.si_value.sival_int == 77 && last_info.si_pid == getpid(),
       "sigqueue's value and sender arrive");
}

static void alternative_stack(void)
{
    stack_t ss = {.ss_sp = alternative, .ss_size = sizeof(alternative)};
    struct sigaction action = {.sa_sigaction = note_info,
                               .sa_flags = SA_SIGINFO | SA_ONSTACK};

    is(sigaltstack(&ss, NULL), 0, "sigaltstack");
    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1);
    ok(on_alternative, "the handler runs on the alternative stack");
}

/* The handler moves the interrupted program on by changing its registers. */
static void skip_instruction(int sig, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;

    (void)sig;
    last_info = *info;
    uc->uc_mcontext.gregs[REG_RIP] += 2; /* ud2 */
    uc->uc_mcontext.gregs[REG_RAX] = 4711;
}

static void context_is_used(void)
{
    struct sigaction action = {.sa_sigaction = skip_instruction,
                               .sa_flags = SA_SIGINFO};
    unsigned long rax = 0;

    sigaction(SIGILL, &action, NULL);
    __asm__ volatile("ud2" : "=a"(rax) : "a"(1ul));
    ok(rax == 4711, "registers changed by a handler are used");
    is(last_info.si_code, ILL_ILLOPN, "ud2 is SIGILL with ILL_ILLOPN");
}

static void arithmetic(void)
{
    struct sigaction action = {.sa_sigaction = skip_instruction,
                               .sa_flags = SA_SIGINFO};
    unsigned int zero = 0;

    sigaction(SIGFPE, &action, NULL);
    /* two bytes: div ecx */
    __asm__ volatile("xor %%edx, %%edx; div %%ecx"
                     :
                     : "a"(1), "c"(zero)
                     : "edx", "cc");
    ok(last_info.si_signo == SIGFPE && last_info.si_code == FPE_INTDIV,
       "division by zero is SIGFPE with FPE_INTDIV");
}

static void interrupted_calls(void)
{
    struct itimerval soon = {.it_value = {.tv_usec = 20000}};
    struct timespec second = {1, 0}, rest = {0, 0};
    char byte;
    int fd[2];

    handle(SIGALRM, note, 0);
    setitimer(ITIMER_REAL, &soon, NULL);
    errno_is(nanosleep(&second, &rest), EINTR, "nanosleep interrupted");
    ok(rest.tv_sec == 0 && rest.tv_nsec > 500000000, "it tells the rest");
    pipe(fd);
    setitimer(ITIMER_REAL, &soon, NULL);
    errno_is(read(fd[0], &byte, 1), EINTR, "read interrupted");
    handle(SIGALRM, note, SA_RESTART);
    if (fork() == 0) {
        usleep(100000);
        _exit(write(fd[1], "x", 1) != 1);
    }
    setitimer(ITIMER_REAL, &soon, NULL);
    is(read(fd[0], &byte, 1), 1, "SA_RESTART goes on with the read");
    wait(NULL);
    close(fd[0]);
    handle(SIGPIPE, note, 0);
    count = 0;
    close(fd[0]);
    errno_is(write(fd[1], "x", 1), EPIPE, "writing to a pipe without reader");
    is(count, 1, "and SIGPIPE");
    close(fd[1]);
}

static void children(void)
{
    struct sigaction action = {.sa_sigaction = note_info,
                               .sa_flags = SA_SIGINFO};
    pid_t pid;

    sigaction(SIGCHLD, &action, NULL);
    pid = fork();
    if (pid == 0)
        _exit(5);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
    ok(last == SIGCHLD && last_info.si_pid == pid &&
           last_info.si_code == CLD_EXITED && last_info.si_status == 5,
       "SIGCHLD tells who exited and how");
}

static void inheritance(void)
{
    int status;
    pid_t pid;

    handle(SIGUSR1, note, 0);
    count = 0;
    pid = fork();
    if (pid == 0) {
        raise(SIGUSR1);
        _exit(count == 1 ? 0 : 1);
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    is(status, 0, "a child has its parent's handlers");
}

int main(void)
{
    delivery();
    masks();
    values();
    alternative_stack();
    context_is_used();
    arithmetic();
    interrupted_calls();
    children();
    inheritance();
    return done();
}
