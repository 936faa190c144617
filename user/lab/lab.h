/*
 * user/lab/lab.h - ring-3 experiments: what a program can find out about
 * memory mapping by itself.
 *
 *     static void run(void)
 *     {
 *         obs("faults=%ld", lab_faults());
 *         check(p != NULL, "no page came");
 *         answer("at the first access");
 *     }
 *     LAB(demand) = {.id = "9.9", .question = "...", .claim = "...",
 *                    .broken = "...", .run = run};
 *
 * Each runs in a process of its own, so it may change whatever it likes about
 * itself.  The same binary runs on Linux and must come to the same verdict;
 * what only Pagewalk can tell (lab_kernel) is shown where it is there.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct lab {
    const char *id, *question, *claim;
    const char *broken; /* what --broken does wrongly; NULL: nothing */
    void (*run)(void);
};

#define LAB(name)                                                              \
    static const struct lab lab_##name;                                        \
    static const struct lab *const lab_ptr_##name                              \
        __attribute__((section("labs"), used)) = &lab_##name;                  \
    static const struct lab lab_##name

extern bool lab_broken; /* do it wrongly */

#define LAB_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
void obs(const char *fmt, ...) LAB_PRINTF(1, 2); /* an OBS line */
bool check(bool ok, const char *why, ...) LAB_PRINTF(2, 3);
void answer(const char *fmt, ...) LAB_PRINTF(1, 2); /* if all checks held */
void skip(const char *why); /* this system cannot show it; return then */

/* Runs x in this process and prints everything; whether it passed. */
bool lab_run(const struct lab *x);

/* What a signal said about a fault. */
struct fault {
    int sig, code;       /* SIGSEGV ..., SEGV_MAPERR ...; sig 0: none came */
    void *addr;          /* si_addr */
    long trap, err;      /* the CPU's vector and error code */
    unsigned long value; /* what a load got, if it came through */
};
struct fault try_load(const volatile void *addr);
struct fault try_store(volatile void *addr, int byte);
struct fault try_jump(const void *addr);
struct fault try_call(void (*fn)(void *arg), void *arg);
const char *fault_words(const struct fault *f); /* "SIGSEGV/MAPERR err=5 ..." */

const char *errno_name(int err); /* "EPERM" */
long lab_faults(void);           /* minor faults of this process so far */

/*
 * Asks Pagewalk's kernel ("do WORDS" of /proc/exp); the answer without its
 * newline, in a static buffer.  NULL on Linux, or if it refused.
 */
const char *lab_kernel(const char *fmt, ...) LAB_PRINTF(1, 2);
bool lab_on_pagewalk(void);

/* The page-table entry of our address in words, "?" on Linux. */
const char *lab_pte(const volatile void *addr);
/* Frame number by /proc/self/pagemap: 0 if hidden, -1 if not present. */
long lab_pfn(const volatile void *addr);

/* Maps BAR 0 of the edu device, by /dev/edu0 or sysfs; NULL: none here.
 * *fd, if asked for, stays open. */
volatile unsigned int *lab_edu(size_t len, int *fd);
unsigned long lab_edu_bar(void); /* its physical address; 0: unknown */
