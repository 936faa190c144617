/*
 * cow.c - one thread's write copies a page that others read at that moment:
 * nobody reads the original once somebody may have written the copy.  Every
 * line also holds on Linux.
 *
 *     cow [ROUNDS]
 *
 * Two threads write to a page that is still shared with a child, at the same
 * time; each says afterwards that it has.  A third reads all the while: what
 * was said must be there.
 */
#define _GNU_SOURCE
#include "tap.h"
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define PAGE 4096ul
#define PAGES 64
#define WRITERS 2
#define RW (PROT_READ | PROT_WRITE)

static volatile char *area;
static atomic_int turn[WRITERS + 1]; /* the page each has come to */
static atomic_int said[WRITERS];     /* pages written, and said so */
static int stale;

static void wait_for_all(int me, int page)
{
    turn[me] = page;
    for (int i = 0; i <= WRITERS; i++)
        for (int n = 0; turn[i] < page; n++)
            if (n % 1000 == 999)
                sched_yield(); /* fewer CPUs than threads */
}

static void *write_pages(void *arg)
{
    int me = (int)(size_t)arg;

    for (int page = 0; page < PAGES; page++) {
        wait_for_all(me, page + 1);
        area[page * PAGE + me] = 1;
        said[me] = page + 1;
    }
    return NULL;
}

static void *read_pages(void *arg)
{
    for (int page = 0; page < PAGES; page++) {
        volatile char *p = area + page * PAGE;
        int left = 3;

        (void)p[0]; /* the original, remembered by this CPU */
        wait_for_all(WRITERS, page + 1);
        for (int n = 0; left; n++) {
            for (int i = 0; i < WRITERS; i++) {
                int wrote = said[i] > page;

                if (wrote && !p[i])
                    stale++;
                if (wrote)
                    left &= ~(1 << i);
            }
            if (n % 1000 == 999)
                sched_yield();
        }
    }
    return NULL;
}

/* The pages are copied by their first write: a child has them, too, or they
 * are the page of zeroes. */
static void round_of(int with_child)
{
    pthread_t thread[WRITERS + 1];
    int pipe_fd[2], status;
    pid_t pid = 0;

    area = mmap(NULL, PAGES * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    madvise((void *)area, PAGES * PAGE, MADV_NOHUGEPAGE);
    if (with_child) {
        memset((void *)area, 0, PAGES * PAGE);
        if (pipe(pipe_fd))
            exit(1);
        pid = fork();
        if (!pid) {
            close(pipe_fd[1]);
            _exit(read(pipe_fd[0], &status, 1) != 0);
        }
        close(pipe_fd[0]);
    }
    for (int i = 0; i <= WRITERS; i++)
        turn[i] = 0;
    for (int i = 0; i < WRITERS; i++)
        said[i] = 0;
    for (size_t i = 0; i < WRITERS; i++)
        pthread_create(&thread[i], NULL, write_pages, (void *)i);
    pthread_create(&thread[WRITERS], NULL, read_pages, NULL);
    for (int i = 0; i <= WRITERS; i++)
        pthread_join(thread[i], NULL);
    if (with_child) {
        close(pipe_fd[1]);
        waitpid(pid, &status, 0);
    }
    munmap((void *)area, PAGES * PAGE);
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 5;

    for (int i = 0; i < rounds; i++)
        round_of(1);
    is(stale, 0, "a page shared by fork: the copy at once, or not at all");
    stale = 0;
    for (int i = 0; i < rounds; i++)
        round_of(0);
    is(stale, 0, "a page never written before: the same");
    return done();
}
