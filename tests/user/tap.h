/*
 * tests/user/tap.h - ring-3 tests: ordinary programs that print TAP.
 *
 *     int main(void)
 *     {
 *         ok(getpid() > 0, "a process has a number");
 *         errno_is(close(99), EBADF, "closing what is not open");
 *         return done();
 *     }
 *
 * One .c file in tests/user is one program; it runs on Pagewalk and on Linux
 * alike, and exits with 0 only if every line was ok.
 */
#pragma once

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int tap_count, tap_failed;

/* Prints one line; gives back whether the condition held. */
__attribute__((format(printf, 2, 3), unused)) static int
ok(int cond, const char *what, ...)
{
    int saved = errno;
    va_list ap;

    tap_count++;
    if (!cond)
        tap_failed++;
    printf("%sok %d - ", cond ? "" : "not ", tap_count);
    va_start(ap, what);
    vprintf(what, ap);
    va_end(ap);
    printf("\n");
    fflush(stdout); /* a crash or a fork must not lose or repeat it */
    errno = saved;
    return cond;
}

/* Two numbers that must be equal; says both if they are not. */
__attribute__((unused)) static int is(long got, long want, const char *what)
{
    if (!ok(got == want, "%s", what))
        printf("# got %ld (%#lx), want %ld (%#lx)\n", got, got, want, want);
    fflush(stdout);
    return got == want;
}

/* A call that must have answered -1 and set errno. */
__attribute__((unused)) static int errno_is(long ret, int want,
                                            const char *what)
{
    int got = errno;

    if (!ok(ret == -1 && got == want, "%s: %s", what, strerror(want)))
        printf("# returned %ld, errno %d (%s)\n", ret, got, strerror(got));
    fflush(stdout);
    return ret == -1 && got == want;
}

__attribute__((unused)) static void skip(const char *what, const char *why)
{
    printf("ok %d - %s # SKIP %s\n", ++tap_count, what, why);
    fflush(stdout);
}

/* The plan, and the exit status for main. */
__attribute__((unused)) static int done(void)
{
    printf("1..%d\n", tap_count);
    fflush(stdout);
    return tap_failed ? 1 : 0;
}

/* What a child that runs this ended with: its exit status, or
 * minus the signal's number. */
__attribute__((unused)) static int in_child(int (*body)(void))
{
    int status = -1;
    pid_t pid = fork();

    if (!pid)
        _exit(body());
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* In such a body: or its status says in which line it was not so. */
#define MUST(condition)                                                        \
    do {                                                                       \
        if (!(condition))                                                      \
            return __LINE__ % 250 + 1;                                         \
    } while (0)
