/*
 * user/lab/threads.c - one address space with several threads in it: what they
 * share, a page that all touch at once, a page taken away under one's feet.
 */
#define _GNU_SOURCE
#include "lab.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096ul

static char *map_pages(size_t n)
{
    void *p = mmap(NULL, n * PAGE, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED)
        return NULL;
    madvise(p, n * PAGE, MADV_NOHUGEPAGE);
    return p;
}

/* The table of the calling thread; 0 on Linux. */
static unsigned long my_table(void)
{
    const char *words = lab_kernel("where");
    unsigned long table = 0;

    if (words)
        sscanf(words, "cr3=%lx", &table);
    return table;
}

/* ---- 3.11 ---- */

struct visit {
    unsigned long table;
    char *page; /* mapped by the other one */
};

static void *visit(void *arg)
{
    struct visit *v = arg;

    v->table = my_table();
    v->page = map_pages(1);
    if (v->page)
        strcpy(v->page, "from the other");
    return NULL;
}

/* The same in a process of its own; it tells by a shared page. */
static void visit_in_child(struct visit *v)
{
    pid_t pid = fork();

    if (pid == 0) {
        visit(v);
        _exit(0);
    }
    waitpid(pid, NULL, 0);
}

static void run_shared_mm(void)
{
    struct visit *v = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
                           MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    unsigned long table = my_table();
    struct visit thread, child;
    struct fault f;
    pthread_t id;

    if (!check(v != MAP_FAILED, "no memory"))
        return;
    if (lab_broken) /* a process where a thread is meant */
        visit_in_child(v);
    else if (!check(!pthread_create(&id, NULL, visit, v), "no thread"))
        return;
    else
        pthread_join(id, NULL);
    thread = *v;
    f = try_load(thread.page);
    obs("table=%#lx thread_table=%#lx thread_page=%s", table, thread.table,
        fault_words(&f));
    check(thread.table == table, "a thread runs on a table of its own");
    check(thread.page && !f.sig && !strcmp(thread.page, "from the other"),
          "what a thread mapped is not seen, or went with it");
    visit_in_child(v);
    child = *v;
    f = try_load(child.page);
    obs("child_table=%#lx child_page=%s", child.table, fault_words(&f));
    check(!table || child.table != table, "a child runs on our table");
    check(f.sig == SIGSEGV || child.page == thread.page,
          "what a child mapped is seen here");
    answer("threads share one address space, also after one of them ends; a "
           "child has a copy");
}

LAB(shared_mm) = {
    .id = "3.11",
    .question = "what do two threads share, and two processes not?",
    .claim = "the mm_struct: mappings and page table",
    .broken = "a process is made where a thread is meant",
    .run = run_shared_mm,
};

/* ---- 3.12 ---- */

#define THREADS 4
#define PAGES 64

static atomic_int waiting;
static char *crowd_pages;

/* Each writes its own byte into every page, all starting together. */
static void *touch_all(void *arg)
{
    int me = (int)(intptr_t)arg, i;

    waiting--;
    while (waiting > 0)
        sched_yield();
    for (i = 0; i < PAGES; i++) {
        crowd_pages[i * PAGE + me] = (char)(me + 1);
        if (i % 8 == me)
            sched_yield();
    }
    return NULL;
}

static long anonymous_pages(void)
{
    FILE *file = fopen("/proc/self/status", "r");
    char line[128];
    long kib = -1;

    while (file && fgets(line, sizeof(line), file))
        if (sscanf(line, "RssAnon: %ld kB", &kib) == 1)
            break;
    if (file)
        fclose(file);
    return kib / 4;
}

static void run_crowd(void)
{
    pthread_t id[THREADS];
    long before, after;
    int i, j, lost = 0;

    crowd_pages = map_pages(PAGES);
    if (!check(crowd_pages != NULL, "no memory"))
        return;
    waiting = THREADS;
    for (i = 0; i < THREADS; i++) {
        if (!check(
                !pthread_create(&id[i], NULL, touch_all, (void *)(intptr_t)i),
                "no thread"))
            return;
        if (i == 0)
            before = anonymous_pages();
    }
    for (i = 0; i < THREADS; i++)
        pthread_join(id[i], NULL);
    if (lab_broken) /* as if one thread had got a page of its own */
        madvise(crowd_pages + 5 * PAGE, PAGE, MADV_DONTNEED);
    after = anonymous_pages();
    for (i = 0; i < PAGES; i++)
        for (j = 0; j < THREADS; j++)
            lost += crowd_pages[i * PAGE + j] != j + 1;
    obs("threads=%d pages=%d frames_used_about=%ld stores_lost=%d", THREADS,
        PAGES, after - before, lost);
    check(lost == 0, "%d stores went into a frame that was dropped", lost);
    check(after - before < PAGES + 16 * THREADS,
          "more frames than pages were used");
    answer("one frame a page, no store lost");
}

LAB(crowd) = {
    .id = "3.12",
    .question = "when several threads touch a new page at once, how many "
                "frames come?",
    .claim = "one: who comes late finds the entry filled and tries again",
    .broken = "one page is exchanged afterwards",
    .run = run_crowd,
};

/* ---- 4.3 ---- */

#define ROUNDS 300

static char *volatile target;
static atomic_int gone;  /* the round whose munmap has returned, or 0 */
static atomic_int ready; /* the toucher has read it in this round */
static atomic_int tried; /* the round in which it tried again after that */
static atomic_int finish;
static atomic_long stale;
static __thread sigjmp_buf back;

static void on_segv(int sig)
{
    (void)sig;
    siglongjmp(back, 1);
}

/* Reads the page without pause; a read that begins after munmap returned and
 * succeeds used a translation that should be gone. */
static void *toucher(void *arg)
{
    volatile int was_gone = 0;

    (void)arg;
    while (!finish) {
        if (sigsetjmp(back, 1)) {
            tried = was_gone;
            while (gone && tried == gone && !finish)
                sched_yield();
            continue;
        }
        was_gone = gone;
        if (target) {
            (void)*(volatile char *)target;
            if (was_gone && gone == was_gone)
                stale++;
            tried = was_gone;
            ready = 1;
        }
        sched_yield();
    }
    return NULL;
}

/* Whether the kernel now keeps changes of mappings from other CPUs. */
static bool deaf(int how)
{
    return sysconf(_SC_NPROCESSORS_ONLN) > 1 && lab_kernel("deaf %d", how);
}

/* CPUs that were interrupted to flush, so far; -1: the kernel does not say. */
static long interrupted(void)
{
    FILE *file = fopen("/proc/vmstat", "r");
    char line[128];
    long n = -1;

    while (file && fgets(line, sizeof(line), file))
        if (sscanf(line, "nr_tlb_remote_flush_received %ld", &n) == 1)
            break;
    if (file)
        fclose(file);
    return n;
}

/* Two pages that outlive their mapping's first half, so that what happens to
 * freed memory (debug_pagealloc) has no part in this. */
static char *map_shared_pair(void)
{
    char *p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED)
        return NULL;
    p[0] = p[PAGE] = 1;
    return p;
}

static void run_shootdown(void)
{
    struct sigaction action = {.sa_handler = on_segv}, old;
    bool pretend = lab_broken && !deaf(1);
    long before = interrupted();
    pthread_t id;
    int round;

    sigaction(SIGSEGV, &action, &old);
    if (!check(!pthread_create(&id, NULL, toucher, NULL), "no thread"))
        return;
    for (round = 1; round <= ROUNDS; round++) {
        char *p = map_shared_pair();

        if (!check(p, "no memory"))
            break;
        ready = 0;
        target = p;
        gone = 0;
        while (!ready)
            sched_yield();
        if (!pretend) /* it claims to have, and has not */
            munmap(p, PAGE);
        gone = round;
        while (tried != round)
            sched_yield();
        target = NULL;
        gone = 0;
        sched_yield();
        munmap(pretend ? p : p + PAGE, pretend ? 2 * PAGE : PAGE);
    }
    finish = 1;
    pthread_join(id, NULL);
    if (lab_broken && !pretend)
        deaf(0);
    sigaction(SIGSEGV, &old, NULL);
    obs("cpus=%ld rounds=%d stale_reads=%ld", sysconf(_SC_NPROCESSORS_ONLN),
        ROUNDS, (long)stale);
    if (before >= 0)
        obs("interrupts_to_flush=%ld", interrupted() - before);
    check(stale == 0, "%ld reads came through after munmap had returned",
          (long)stale);
    answer("none: munmap returns when no CPU can use the page any more");
}

LAB(shootdown) = {
    .id = "4.3",
    .question = "can a thread read a page after another's munmap returned?",
    .claim = "no, on whichever CPU it runs",
    .broken = "other CPUs are not told (on one CPU or Linux: munmap is only "
              "said to have been called)",
    .run = run_shootdown,
};

/* ---- 4.5 ---- */

#define ADDRESSES 256

/* Where the kernel's walk says the address is; -1: nowhere. */
static long walked(const void *addr)
{
    char text[4096], *found;
    ssize_t len;
    int fd = open("/proc/pagewalk", O_RDWR | O_CLOEXEC);

    if (fd < 0)
        return -1;
    len = snprintf(text, sizeof(text), "walk %p", addr);
    len = write(fd, text, (size_t)len) < 0 ? -1
                                           : read(fd, text, sizeof(text) - 1);
    close(fd);
    if (len < 0)
        return -1;
    text[len] = '\0';
    found = strstr(text, " is physical ");
    return found ? (long)strtoul(found + 13, NULL, 16) : -1;
}

static void run_agreement(void)
{
    char *p = map_pages(ADDRESSES);
    int different = 0, present = 0, i;

    if (access("/proc/pagewalk", F_OK)) {
        skip("only Pagewalk shows a walk");
        return;
    }
    if (!check(p != NULL, "no memory"))
        return;
    for (i = 0; i < ADDRESSES; i++) {
        char *va = p + (unsigned long)i * PAGE;
        long by_walk, by_pagemap;

        if (i % 3)
            *va = 1;
        by_walk = walked(lab_broken && i == 7 ? va + PAGE : va);
        by_pagemap = lab_pfn(va);
        present += by_pagemap > 0;
        if (by_walk < 0 ? by_pagemap >= 0 : by_walk / (long)PAGE != by_pagemap)
            different++;
    }
    obs("addresses=%d present=%d differences=%d", ADDRESSES, present,
        different);
    check(present > ADDRESSES / 2 && present < ADDRESSES,
          "not the pages that were touched are present");
    check(different == 0, "%d translations differ", different);
    answer("the walk and pagemap agree; QEMU's gva2gpa in the boot tests");
}

LAB(agreement) = {
    .id = "4.5",
    .question = "do the kernel's walk, pagemap and the machine agree on where "
                "an address is?",
    .claim = "yes: they read the same table",
    .broken = "one address is looked up a page further on",
    .run = run_agreement,
};
