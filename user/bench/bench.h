/*
 * user/bench/bench.h - what one measured operation is, and the helpers that
 * the groups share.
 *
 * A line of a group names the operation and its parameter and points to the
 * function that takes one sample: so many ticks for so many operations.  The
 * figure printed is the median of several samples after one to warm up.
 */
#pragma once

#define _GNU_SOURCE
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE ((size_t)4096)
#define KIB ((size_t)1024)
#define MIB (1024 * KIB)
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

struct sample {
    uint64_t ticks;
    uint64_t ops;
};

struct bench {
    const char *name, *param;
    /* 0, an errno (the kernel cannot do it), or WRONG (it did it wrongly) */
    int (*run)(const struct bench *b, struct sample *s);
    size_t arg; /* what run makes of it: bytes, a count, flags */
    int flags;
    int repeats; /* 0: DEFAULT_REPEATS */
    bool huge;   /* leave huge pages to the kernel */
};
#define WRONG (-1)
#define DEFAULT_REPEATS 7
#define MAX_REPEATS 15

struct group {
    const char *name;
    const struct bench *lines;
    size_t count;
    int (*open)(void);   /* before the lines; an errno fails them all */
    void (*close)(void); /* after them */
};
#define GROUP(name_, lines_, ...)                                              \
    const struct group group_##name_ = {                                       \
        #name_, lines_, sizeof(lines_) / sizeof((lines_)[0]), __VA_ARGS__}

/* The time stamp counter, after all that comes before it. */
static inline uint64_t ticks(void)
{
    uint32_t lo, hi;

    __asm__ volatile("lfence\n\trdtsc\n\tlfence"
                     : "=a"(lo), "=d"(hi)
                     :
                     : "memory");
    return (uint64_t)hi << 32 | lo;
}

extern uint64_t timer_overhead; /* ticks between two adjacent ticks() */
extern const char *self_path;   /* this program, for the exec lines */
#define EXIT_NOW "--exit-now"   /* argument under which it does nothing */

void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void report(const char *name, const char *param, uint64_t centiticks);
void report_failure(const char *name, const char *param, int err);
void run_line(const struct bench *b);

/* Memory: 0 or an errno. */
int map(void **addr, size_t len, int prot, int flags, int fd);
int map_anon(void **addr, size_t len);
void write_pages(void *addr, size_t len); /* 1 into the first byte of each */
void read_pages(const void *addr, size_t len);
bool pages_hold(const void *addr, size_t len, char byte);

/* One operation maps b->arg bytes of anonymous memory and unmaps them. */
int bench_mmap_munmap(const struct bench *b, struct sample *s);

/* A child that exits 0 is a success. */
int wait_for(pid_t pid);
/* Takes the sample in a forked child; the parent sleeps meanwhile. */
int sample_in_child(int (*run)(void *arg, struct sample *s), void *arg,
                    struct sample *s);
