/*
 * user/lab/guard.c - what ring 3 is kept from: the kernel's half, CR3, the
 * lowest and highest addresses.
 */
#define _GNU_SOURCE
#include "lab.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* ---- 0.10 ---- */

enum how { LOAD, STORE, JUMP };

static struct fault attempt(enum how how, void *addr)
{
    if (how == LOAD)
        return try_load(addr);
    if (how == STORE)
        return try_store(addr, 0);
    return try_jump(addr);
}

static const struct {
    const char *name;
    uintptr_t addr;
} kernel_places[] = {
    {"direct_map", 0xffff888000001000}, {"direct_map_far", 0xffffc87fffffe000},
    {"vmalloc", 0xffffc90000001000},    {"kernel_text", 0xffffffff81000000},
    {"top_page", 0xfffffffffffff000},
};

/* Error code of a user access to a page that ring 3 may not have: P and U,
 * with W for a store and I for a fetch.  The same where nothing is mapped, or
 * a program could learn what the kernel has mapped. */
static const long want_err[] = {0x5, 0x7, 0x15};

static void run_kernel_half(void)
{
    static const char *const verb[] = {"load", "store", "jump"};
    static char mine[1];
    size_t i;
    int how;

    for (i = 0; i < sizeof(kernel_places) / sizeof(kernel_places[0]); i++) {
        for (how = LOAD; how <= JUMP; how++) {
            void *addr = (void *)kernel_places[i].addr;
            struct fault f;

            if (lab_broken && how == LOAD)
                addr = mine; /* a page of our own lets us in */
            f = attempt(how, addr);
            obs("%s_%s=%s", kernel_places[i].name, verb[how], fault_words(&f));
            check(f.sig == SIGSEGV, "%s of %s came through", verb[how],
                  kernel_places[i].name);
            check(f.code == SEGV_MAPERR && f.trap == 14 && f.addr == addr &&
                      f.err == want_err[how],
                  "%s of %s: wrong siginfo", verb[how], kernel_places[i].name);
        }
    }
    for (how = LOAD; how <= STORE; how++) {
        struct fault f = attempt(how, (void *)0x8000000000000000);

        obs("non_canonical_%s=%s", verb[how], fault_words(&f));
        check(f.sig == SIGSEGV && f.code == SI_KERNEL && f.trap == 13 &&
                  !f.addr,
              "a non-canonical %s is no #GP with SI_KERNEL", verb[how]);
    }
    answer("every access is refused with the same words, mapped or not");
}

LAB(kernel_half) = {
    .id = "0.10",
    .question = "what happens when a program touches the kernel's half?",
    .claim = "the page table refuses it; the signal does not tell whether "
             "something is mapped there",
    .broken = "the loads go to a page of the program's own",
    .run = run_kernel_half,
};

/* ---- 0.17 ---- */

static void read_cr3(void *arg)
{
    unsigned long value = 0;

    if (!lab_broken)
        __asm__ volatile("mov %%cr3, %0" : "=r"(value));
    *(unsigned long *)arg = value;
}

static void run_no_physical(void)
{
    static char page[4096] __attribute__((aligned(4096)));
    unsigned long value = 0;
    struct fault f = try_call(read_cr3, &value);
    long pfn;

    obs("read_cr3=%s", fault_words(&f));
    check(f.sig == SIGSEGV && f.code == SI_KERNEL && f.trap == 13,
          "reading CR3 was not refused");
    page[0] = 1;
    pfn = lab_pfn(page);
    obs("privileged_pfn=%#lx", pfn);
    check(pfn > 0, "root does not see the frame number");
    if (setgid(65534) < 0 || setuid(65534) < 0) {
        skip("not root, so nothing can be given up");
        return;
    }
    page[0] = 2;
    pfn = lab_pfn(page);
    obs("unprivileged_pfn=%ld", pfn);
    check(pfn <= 0, "an ordinary user sees frame numbers");
    answer("neither CR3 nor, unprivileged, a frame number");
}

LAB(no_physical) = {
    .id = "0.17",
    .question = "can a program see physical addresses?",
    .claim = "never by itself: CR3 is the kernel's, and pagemap shows frames "
             "to root only",
    .broken = "CR3 is not read at all",
    .run = run_no_physical,
};

/* ---- 1.11 ---- */

static void run_edges(void)
{
    void *kernel = (void *)0xffff800000000000;
    void *p, *low = NULL;
    struct fault f;

    if (!lab_broken && (setgid(65534) < 0 || setuid(65534) < 0)) {
        skip("not root, so no ordinary user can be tried");
        return;
    }
    p = mmap(low, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
             0);
    obs("map_page_0=%s", p == MAP_FAILED ? errno_name(errno) : "mapped");
    check(p == MAP_FAILED && errno == EPERM,
          "an ordinary user mapped the lowest page");
    if (p != MAP_FAILED)
        munmap(p, 4096);
    f = try_load(NULL);
    obs("load_null=%s", fault_words(&f));
    check(f.sig == SIGSEGV && f.code == SEGV_MAPERR && !f.addr && f.err == 4,
          "NULL can be read");
    p = mmap(kernel, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
             -1, 0);
    obs("map_kernel_half=%s", p == MAP_FAILED ? errno_name(errno) : "mapped");
    check(p == MAP_FAILED && errno == ENOMEM,
          "a mapping in the kernel's half was not refused with ENOMEM");
    answer("EPERM below mmap_min_addr, ENOMEM in the kernel's half");
}

LAB(edges) = {
    .id = "1.11",
    .question = "can an ordinary user map address 0, or the kernel's half?",
    .claim = "page 0 stays empty so that NULL faults; the kernel's half is no "
             "one's to map",
    .broken = "root tries it, whom Linux lets map page 0",
    .run = run_edges,
};
