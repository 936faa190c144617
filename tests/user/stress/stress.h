/*
 * stress.h - what the kinds of stress have in common.
 *
 * A kind is a function that does a thing once, with everything random in it
 * taken from below(), and checks the result itself.  stress.c runs many of
 * them at once, each in a process group of its own.  A kind that finds
 * something wrong says so with must() and ends there; one that lacks memory
 * calls starved(), which is not an error: memory may be short by intention.
 */
#pragma once

#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096ul
#define THREADS_MAX 8
#define STACK_SIZE (64ul << 10)

struct kind {
    const char *name;
    void (*round)(void);
    unsigned int weight; /* how often, relative to the others */
};

extern const struct kind kinds[];
extern const unsigned int nr_kinds;

extern const char *self_path; /* to be executed again, with "child N" */
extern unsigned int nr_cpus;
extern unsigned long ram_pages;

/* Random numbers of this thread; a thread starts with what its creator
 * passes to seed_random(). */
uint64_t random_u64(void);
void seed_random(uint64_t seed);
void begin_round(uint64_t seed);
static inline unsigned int below(unsigned int n)
{
    return random_u64() % n;
}

/* Whether the round has gone on for long enough: each flush, each wake-up may
 * take milliseconds where CPUs share a core of the host. */
bool is_long(void);

/* Ends the process: status 1 with the words printed, unless cond holds. */
#define must(cond, ...)                                                        \
    do {                                                                       \
        if (!(cond))                                                           \
            stress_failed(__VA_ARGS__);                                        \
    } while (0)
__attribute__((noreturn, format(printf, 1, 2))) void
stress_failed(const char *format, ...);
__attribute__((noreturn)) void starved(void);
/* For a call that gave -1 (or an errno value): starved() when it only lacked
 * memory or room, else what must() does. */
void lacking(const char *call, int error);

/* fork(); never fails.  The child has random numbers of its own. */
pid_t fork_child(void);
/* Waits for a child, which must end with this status (as waitpid has it). */
void reap(pid_t pid, int status);
/* Whether the kernel has killed processes for lack of memory so far. */
bool killed_for_memory(void);

/* Threads of this process, started and joined together. */
struct crew {
    pthread_t threads[THREADS_MAX];
    unsigned int n;
};
void crew_add(struct crew *crew, void *(*body)(void *), void *arg);
void crew_join(struct crew *crew); /* each must return NULL */

/* Memory that children share; starved() when there is none. */
void *shared_memory(size_t size);
void *map_memory(size_t size); /* private */
void pin_to_cpu(unsigned int cpu);
uint64_t now_ns(void);
void pause_us(unsigned int us);
/* Writes all of it; a short write is an error. */
void write_all(int fd, const void *data, size_t size);

#define WEXIT(code) ((code) << 8)

void stress_processes(void);
void stress_exec_threads(void);
void stress_orphans(void);
void stress_locks(void);
void stress_futex_pingpong(void);
void stress_futex_requeue(void);
void stress_robust(void);
void stress_group_exit(void);
void stress_queued_signals(void);
void stress_signal_pingpong(void);
void stress_timers(void);
void stress_stop_continue(void);
void stress_pipes(void);
void stress_epoll(void);
void stress_eventfd(void);
void stress_pty(void);
void stress_mappings(void);
void stress_heap(void);
void stress_huge(void);
void stress_fork_copy(void);
void stress_shared_file(void);
void stress_truncate(void);
void stress_shootdown(void);
void stress_write_protect(void);
void stress_names(void);
void stress_proc(void);
void stress_clock(void);
void stress_affinity(void);
void stress_edu(void);
void stress_hog(void);
