/*
 * tests/user/bad.h - what the tests of bad input share (badargs, badmaps,
 * badexec, badtask, badrandom): raw calls, names of errnos, a place with all
 * kinds of memory and files, and lines that a diff can be read from.
 *
 * A line is "ok N - WHAT: ANSWER which which; ANSWER which ...": the answers
 * of one series of trials, grouped.  Such a test passes when nothing worse
 * than an answer happened; which answers are right is Linux's to say: `make
 * diff-linux` compares the lines.  So nothing in a line may depend on time,
 * process numbers or random addresses.
 *
 * A series runs in a child, which tells its answers through shared memory; a
 * trial that kills the child counts as the signal, and the next ones go on in
 * a new child.
 */
#pragma once

#ifndef _GNU_SOURCE
#error "define _GNU_SOURCE first"
#endif
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tap.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define PAGE 4096ul

typedef uint64_t u64;

__attribute__((unused)) static long call6(long nr, const u64 *a)
{
    register u64 r10 __asm__("r10") = a[3];
    register u64 r8 __asm__("r8") = a[4];
    register u64 r9 __asm__("r9") = a[5];
    long ret;

    __asm__ volatile("syscall"
                     : "=a"(ret)
                     : "0"(nr), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10),
                       "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return ret;
}

#define CALL(nr, ...) call6(nr, (const u64[6]){__VA_ARGS__})

/* ---- answers -------------------------------------------------------------*/

#define E(name) [name] = #name
static const char *const errno_names[] = {
    E(EPERM),
    E(ENOENT),
    E(ESRCH),
    E(EINTR),
    E(EIO),
    E(ENXIO),
    E(E2BIG),
    E(ENOEXEC),
    E(EBADF),
    E(ECHILD),
    E(EAGAIN),
    E(ENOMEM),
    E(EACCES),
    E(EFAULT),
    E(ENOTBLK),
    E(EBUSY),
    E(EEXIST),
    E(EXDEV),
    E(ENODEV),
    E(ENOTDIR),
    E(EISDIR),
    E(EINVAL),
    E(ENFILE),
    E(EMFILE),
    E(ENOTTY),
    E(ETXTBSY),
    E(EFBIG),
    E(ENOSPC),
    E(ESPIPE),
    E(EROFS),
    E(EMLINK),
    E(EPIPE),
    E(EDOM),
    E(ERANGE),
    E(EDEADLK),
    E(ENAMETOOLONG),
    E(ENOSYS),
    E(ENOTEMPTY),
    E(ELOOP),
    E(ENODATA),
    E(EOVERFLOW),
    E(ENOTSOCK),
    E(EOPNOTSUPP),
    E(ETIMEDOUT),
    E(EAFNOSUPPORT),
    E(ESTALE),
    E(EPROTONOSUPPORT),
    E(EILSEQ),
    E(ESOCKTNOSUPPORT),
    E(ECANCELED),
    E(ELIBBAD),
    E(EUSERS),
};
#undef E

enum {
    ANSWER_VARIES = 1000001,       /* fine, the number is nobody's business */
    ANSWER_SIGNAL = INT_MAX - 300, /* + which */
    ANSWER_EXIT = INT_MAX - 600,   /* + status */
};

/* An answer in words: an errno, a signal, a small number or "+". */
__attribute__((unused)) static const char *answer_name(long ret, char *buf)
{
    if (ret < 0 && ret > -(long)COUNT(errno_names) && errno_names[-ret])
        return errno_names[-ret];
    if (ret < 0)
        sprintf(buf, ret > -4096 ? "errno%ld" : "+", -ret);
    else if (ret > ANSWER_SIGNAL && ret < ANSWER_SIGNAL + 256)
        sprintf(buf, "signal%ld", ret - ANSWER_SIGNAL);
    else if (ret > ANSWER_EXIT && ret < ANSWER_EXIT + 256)
        sprintf(buf, "exit%ld", ret - ANSWER_EXIT);
    else if (ret > 1000000)
        return "+";
    else
        sprintf(buf, "%ld", ret);
    return buf;
}

/* ---- series of trials ----------------------------------------------------*/

#define TRIALS_MAX 600
#define NAME_MAX_LEN 28

struct trial {
    char name[NAME_MAX_LEN];
    long answer;
    bool said;
};

/* Shared with the children. */
static struct series {
    int count;
    volatile int at; /* the trial that is running */
    struct trial trials[TRIALS_MAX];
} * series;

__attribute__((unused)) static void series_begin(void)
{
    if (!series)
        series = mmap(NULL, sizeof(*series), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    series->count = 0;
}

/* Adds a trial; gives back its number. */
__attribute__((format(printf, 1, 2), unused)) static int trial(const char *name,
                                                               ...)
{
    struct trial *t = &series->trials[series->count];
    va_list ap;

    va_start(ap, name);
    vsnprintf(t->name, sizeof(t->name), name, ap);
    va_end(ap);
    t->answer = 0;
    t->said = false;
    return series->count++;
}

/* Does trials until one of them worked, in the child. */
static void series_child(long (*fn)(int i, void *arg), void *arg, bool fresh)
{
    for (;;) {
        long answer;

        alarm(2); /* what waits for ever counts as signal 14 */
        answer = fn(series->at, arg);
        series->trials[series->at].answer = answer;
        if ((fresh && answer >= 0) || series->at + 1 >= series->count)
            break;
        series->at++;
    }
    syscall(SYS_exit_group, 0);
}

/*
 * Runs fn(i, arg) for every trial, in children.  `fresh`: a trial that worked
 * is the last of its child, as it may have changed the process; *before* runs
 * in a new child then, to put right what outlives a process.
 */
__attribute__((unused)) static void series_run(long (*fn)(int i, void *arg),
                                               void *arg, bool fresh,
                                               void (*before)(void))
{
    int status;

    fflush(stdout);
    for (series->at = 0; series->at < series->count; series->at++) {
        pid_t pid = fork();

        if (pid < 0) {
            printf("Bail out! no child\n");
            exit(1);
        }
        if (pid == 0) {
            if (before)
                before();
            series_child(fn, arg, fresh);
        }
        while (waitpid(pid, &status, 0) != pid)
            ;
        if (WIFSIGNALED(status))
            series->trials[series->at].answer =
                ANSWER_SIGNAL + WTERMSIG(status);
        else if (WEXITSTATUS(status))
            series->trials[series->at].answer =
                ANSWER_EXIT + WEXITSTATUS(status);
    }
}

/* "b3" and "b4" in a row are one "b3-4". */
static int bit_of(const char *name)
{
    return name[0] == 'b' && name[1] >= '0' && name[1] <= '9' && !name[3]
               ? atoi(name + 1)
               : -1;
}

static void print_alike(int first, const char *word)
{
    char buf[32];

    printf("%s", word);
    for (int i = first; i < series->count; i++) {
        struct trial *t = &series->trials[i];
        int last = bit_of(t->name);

        if (t->said || strcmp(answer_name(t->answer, buf), word) != 0)
            continue;
        printf(" %s", t->name);
        t->said = true;
        if (last < 0)
            continue;
        while (i + 1 < series->count &&
               bit_of(series->trials[i + 1].name) == last + 1 &&
               series->trials[i + 1].answer == t->answer) {
            series->trials[++i].said = true;
            last++;
        }
        if (last != bit_of(t->name))
            printf("-%d", last);
    }
}

/* Prints the line. */
__attribute__((format(printf, 1, 2), unused)) static void
series_print(const char *what, ...)
{
    const char *between = " ";
    char word[32], buf[32];
    va_list ap;

    printf("ok %d - ", ++tap_count);
    va_start(ap, what);
    vprintf(what, ap);
    va_end(ap);
    printf(":");
    for (int i = 0; i < series->count; i++) {
        if (series->trials[i].said)
            continue;
        strcpy(word, answer_name(series->trials[i].answer, buf));
        printf("%s", between);
        print_alike(i, word);
        between = "; ";
    }
    printf("\n");
    fflush(stdout);
}
