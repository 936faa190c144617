/*
 * user/bench/signal.c - handlers: installing, running, repairing a fault.
 */
#include "bench.h"

#include <signal.h>

static void *volatile broken_page; /* the one fault that is ours */
static volatile int repaired, seen;

static void count(int sig)
{
    (void)sig;
    seen++;
}

static void repair(int sig, siginfo_t *info, void *context)
{
    (void)context;
    if (info->si_addr != broken_page || mprotect(broken_page, PAGE, RW)) {
        signal(sig, SIG_DFL); /* not ours: die of it on the way back */
        return;
    }
    repaired++;
}

static int do_sigaction(const struct bench *b, struct sample *s)
{
    struct sigaction action = {.sa_handler = count};
    uint64_t start = ticks();

    (void)b;
    for (int i = 0; i < 200; i++)
        if (sigaction(SIGUSR1, &action, NULL))
            return errno;
    *s = (struct sample){ticks() - start, 200};
    return 0;
}

static int do_raise(const struct bench *b, struct sample *s)
{
    struct sigaction action = {.sa_handler = count};
    pid_t self = getpid();
    uint64_t start;

    (void)b;
    if (sigaction(SIGUSR1, &action, NULL))
        return errno;
    seen = 0;
    start = ticks();
    for (int i = 0; i < 100; i++)
        if (kill(self, SIGUSR1))
            return errno;
    *s = (struct sample){ticks() - start, 100};
    return seen == 100 ? 0 : WRONG;
}

/* A write to a read-only page, the handler that mends it, the write done. */
static int do_fixup(const struct bench *b, struct sample *s)
{
    struct sigaction action = {.sa_sigaction = repair, .sa_flags = SA_SIGINFO};
    volatile char *p;
    uint64_t start;
    void *area;
    int err = map_anon(&area, 3 * PAGE);

    (void)b;
    if (err)
        return err;
    p = (char *)area + PAGE; /* in a VMA of its own, between guards */
    *p = 0;
    if (mprotect(area, PAGE, PROT_NONE) ||
        mprotect((char *)area + 2 * PAGE, PAGE, PROT_NONE) ||
        sigaction(SIGSEGV, &action, NULL))
        err = errno;
    broken_page = (void *)p;
    repaired = 0;
    start = ticks();
    for (int i = 0; i < 100 && !err; i++) {
        if (mprotect((void *)p, PAGE, PROT_READ))
            err = errno;
        *p = i;
    }
    *s = (struct sample){ticks() - start, 100};
    signal(SIGSEGV, SIG_DFL);
    if (!err && repaired != 100)
        err = WRONG;
    munmap(area, 3 * PAGE);
    return err;
}

static const struct bench lines[] = {
    {"sigaction", "-", do_sigaction, .repeats = 9},
    {"signal_raise", "-", do_raise, .repeats = 9},
    {"segv_fixup", "-", do_fixup, .repeats = 9},
};
GROUP(signal, lines);
