/*
 * tests/user/trial.h - what may end a program is tried in a child; handlers
 * that are told everything.
 */
#pragma once

#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <ucontext.h>

#include "tap.h"

#define NON_CANONICAL 0x800000000000ul

/* Runs fn in a child.  Returns its exit status, or 256 + the signal. */
__attribute__((unused)) static int child(void (*fn)(void))
{
    int status;
    pid_t pid;

    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        fn();
        _exit(99);
    }
    if (waitpid(pid, &status, 0) != pid)
        return -1;
    return WIFSIGNALED(status) ? 256 + WTERMSIG(status) : WEXITSTATUS(status);
}

__attribute__((unused)) static void
handle(int sig, void (*fn)(int, siginfo_t *, void *), int flags)
{
    struct sigaction action = {.sa_sigaction = fn,
                               .sa_flags = SA_SIGINFO | flags};

    sigaction(sig, &action, NULL);
}

/* Needs neither libc's registers nor its stack. */
__attribute__((unused)) static long raw_getpid(void)
{
    long ret;

    __asm__ volatile("syscall"
                     : "=a"(ret)
                     : "0"(SYS_getpid)
                     : "rcx", "r11", "memory");
    return ret;
}
