/*
 * user/lab/protection.c - protection is the page table's: pgprot, and flat
 * segments; and an address is not its contents.
 */
#define _GNU_SOURCE
#include "lab.h"

#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static char *map_pages(size_t n, int prot)
{
    void *p = mmap(NULL, n * 4096, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return p == MAP_FAILED ? NULL : p;
}

/* ---- 1.2 ---- */

static void run_pgprot(void)
{
    int read_only = lab_broken ? PROT_READ | PROT_WRITE : PROT_READ;
    char *p = map_pages(2, read_only);
    char *none = map_pages(1, PROT_NONE);
    struct fault f;

    if (!check(p && none, "no memory"))
        return;
    f = try_load(p); /* makes it present */
    obs("pte_of_read_only=%s", lab_pte(p));
    if (lab_on_pagewalk())
        check(strstr(lab_pte(p), ",R,U,") != NULL,
              "the entry of a read-only page is not R,U");
    f = try_store(p, 1);
    obs("store_to_present_read_only=%s", fault_words(&f));
    check(f.sig == SIGSEGV && f.code == SEGV_ACCERR && f.err == 7,
          "a read-only page took a store");
    f = try_store(p + 4096, 1);
    obs("store_to_untouched_read_only=%s", fault_words(&f));
    check(f.sig == SIGSEGV && f.code == SEGV_ACCERR && f.err == 6,
          "an untouched read-only page took a store");
    f = try_load(none);
    obs("load_from_prot_none=%s", fault_words(&f));
    check(f.sig == SIGSEGV && f.code == SEGV_ACCERR && f.err == 4,
          "PROT_NONE can be read");
    mprotect(p, 4096, PROT_READ | PROT_WRITE);
    f = try_store(p, 1);
    check(!f.sig && *p == 1, "mprotect did not open the page");
    munmap(p, 4096);
    f = try_load(p);
    obs("load_after_munmap=%s", fault_words(&f));
    check(f.code == SEGV_MAPERR, "no mapping is reported as a wrong access");
    if (lab_on_pagewalk() && lab_edu(4096, NULL))
        obs("pte_of_device=%s", lab_pte(lab_edu(4096, NULL)));
    answer("the entry's bits decide; ACCERR where there is a mapping, MAPERR "
           "where there is none");
}

LAB(pgprot) = {
    .id = "1.2",
    .question = "what is a page's protection?",
    .claim = "bits in its page-table entry, made from the mapping's PROT_ "
             "flags",
    .broken = "the page is mapped writable",
    .run = run_pgprot,
};

/* ---- 1.9 ---- */

static unsigned long limit_of(unsigned int selector)
{
    unsigned long limit = 0;
    unsigned char valid;

    __asm__ volatile("lsl %2, %0; setz %1"
                     : "+r"(limit), "=q"(valid)
                     : "r"((unsigned long)selector));
    return valid ? limit : 0;
}

static void run_paging_or_segments(void)
{
    char *p = map_pages(1, PROT_READ | PROT_WRITE);
    unsigned int cs, ss;
    struct fault f;

    if (!lab_on_pagewalk()) {
        skip("only Pagewalk changes a page's user bit on request");
        return;
    }
    __asm__("mov %%cs, %0; mov %%ss, %1" : "=r"(cs), "=r"(ss));
    obs("user_cs=%#x limit=%#lx user_ss=%#x limit=%#lx", cs, limit_of(cs), ss,
        limit_of(ss));
    obs("%s", lab_kernel("segments"));
    check(limit_of(ss) == 0xffffffff, "the data segment has a limit");
    *p = 42;
    f = try_load(p);
    obs("user_bit_1=%s value=%lu pte=%s", fault_words(&f), f.value, lab_pte(p));
    check(!f.sig && f.value == 42, "the page cannot be read to begin with");
    lab_kernel("bits %p %sw", p, lab_broken ? "u" : "");
    f = try_load(p);
    obs("user_bit_0=%s pte=%s", fault_words(&f), lab_pte(p));
    check(f.sig == SIGSEGV && f.err == 5,
          "a page without the user bit was read by ring 3");
    lab_kernel("bits %p uw", p);
    f = try_load(p);
    obs("user_bit_1_again=%s value=%lu", fault_words(&f), f.value);
    check(!f.sig && f.value == 42, "the page did not come back");
    answer("by paging: segments are flat in both rings, the user bit decides");
}

LAB(paging_or_segments) = {
    .id = "1.9",
    .question = "is the kernel protected by paging or by segments?",
    .claim = "by the user bit of page-table entries; 64-bit segments have no "
             "base and no limit",
    .broken = "the user bit is left as it is",
    .run = run_paging_or_segments,
};

/* ---- 1.10, ring 3's half ---- */

#define PRESENT 1L /* of the CPU's error code, SDM 3A 4.7 */
#define WRITE 2L
#define USER 4L
#define FETCH 16L

/* 0, or the error code of the fault that must come. */
static long expected_error(bool user, bool write, bool exec, int how)
{
    static const long kind[] = {0, WRITE, FETCH};
    bool allowed = how == 0 || (how == 1 ? write : exec);

    return user && allowed ? 0 : PRESENT | USER | kind[how];
}

static struct fault attempt(int how, char *p)
{
    if (how == 0)
        return try_load(p);
    if (how == 1)
        return try_store(p, 0xc3); /* RET, for the jumps */
    return try_jump(p);
}

static void run_matrix(void)
{
    static const char *const verb[] = {"read", "write", "exec"};
    char *p = map_pages(1, PROT_READ | PROT_WRITE | PROT_EXEC);
    int right = 0, all = 0, bits, how;

    if (!lab_on_pagewalk()) {
        skip("only Pagewalk changes a page's bits on request");
        return;
    }
    *p = (char)0xc3;
    for (bits = 0; bits < 8; bits++) {
        bool user = bits & 1, write = bits & 2, exec = bits & 4;

        /* with the user bit by mprotect; without it, which the kernel never
         * does by itself, in the entry of a page that is only to be read, so
         * that no fault is taken for one to be repaired */
        mprotect(p, 4096,
                 PROT_READ | (user && (write || lab_broken) ? PROT_WRITE : 0) |
                     (user && exec ? PROT_EXEC : 0));
        if (!user)
            lab_kernel("bits %p %s%s", p, write ? "w" : "", exec ? "x" : "");
        for (how = 0; how < 3; how++) {
            struct fault f = attempt(how, p);
            long want = expected_error(user, write, exec, how);

            all++;
            if (f.sig ? f.err == want && f.sig == SIGSEGV : !want)
                right++;
            else
                obs("U=%d W=%d X=%d user_%s=%s expected=%#lx", user, write,
                    exec, verb[how], fault_words(&f), want);
        }
        if (!user)
            lab_kernel("bits %p u", p);
    }
    obs("user_cells=%d as_expected=%d", all, right);
    check(right == all, "%d of %d cells differ from the manual", all - right,
          all);
    answer("as the manual says, in every cell");
}

LAB(matrix) = {
    .id = "1.10",
    .question = "what may ring 3 do with a page, for every combination of "
                "bits?",
    .claim = "nothing without the user bit; with it what W and NX say",
    .broken = "the page is writable when it should not be",
    .run = run_matrix,
};

/* ---- 1.17 ---- */

static void run_contents(void)
{
    unsigned long *va = (unsigned long *)map_pages(1, PROT_READ | PROT_WRITE);
    unsigned long r1;

    if (!check(va != NULL, "no memory"))
        return;
    *va = 0x1122334455667788;
    if (lab_broken) /* lea: the address, not what is there */
        __asm__ volatile("lea (%1), %0" : "=r"(r1) : "r"(va) : "memory");
    else
        __asm__ volatile("mov (%1), %0" : "=r"(r1) : "r"(va) : "memory");
    obs("va=%p r1=%#lx pfn=%#lx", (void *)va, r1, lab_pfn(va));
    check(r1 == 0x1122334455667788, "the register holds something else");
    check(r1 != (unsigned long)va, "the register holds the address");
    answer("the contents; the physical address never gets into a register");
}

LAB(contents) = {
    .id = "1.17",
    .question = "after LD va,R1: is R1 the contents or an address?",
    .claim = "the contents: translation happens between register and memory",
    .broken = "lea instead of mov",
    .run = run_contents,
};

/* ---- 2.17, 0.8 as seen from programs ---- */

struct where {
    unsigned long cr3, table, text, pfn;
};

static bool ask_where(struct where *w)
{
    const char *words = lab_kernel("where");

    return words && sscanf(words, "cr3=%lx table=%lx text=%lx text_pfn=%lx",
                           &w->cr3, &w->table, &w->text, &w->pfn) == 4;
}

static void run_same_kernel(void)
{
    struct where mine = {0}, other = {0};
    int fd[2];

    if (!lab_on_pagewalk()) {
        skip("only Pagewalk tells CR3 to a program");
        return;
    }
    if (!check(ask_where(&mine) && pipe(fd) == 0, "the kernel does not say"))
        return;
    if (lab_broken) { /* the same process twice */
        ask_where(&other);
    } else {
        pid_t pid = fork();

        if (pid == 0) {
            ask_where(&other);
            _exit(write(fd[1], &other, sizeof(other)) != sizeof(other));
        }
        check(read(fd[0], &other, sizeof(other)) == sizeof(other),
              "the other process did not answer");
        waitpid(pid, NULL, 0);
    }
    obs("a_cr3=%#lx a_table=%#lx a_text=%#lx a_text_pfn=%#lx", mine.cr3,
        mine.table, mine.text, mine.pfn);
    obs("b_cr3=%#lx b_table=%#lx b_text=%#lx b_text_pfn=%#lx", other.cr3,
        other.table, other.text, other.pfn);
    check(mine.cr3 == mine.table && other.cr3 == other.table,
          "in a system call CR3 is not the caller's table");
    check(mine.text == other.text && mine.pfn == other.pfn,
          "kernel text lies elsewhere in the other process");
    check(mine.cr3 != other.cr3, "both ran on the same table");
    answer("the caller's table stays loaded; kernel text is at one address "
           "and in one frame for all");
}

LAB(same_kernel) = {
    .id = "2.17",
    .question = "whose page table is used while the kernel works for a "
                "program?",
    .claim = "the program's own: the kernel's half is the same in every table",
    .broken = "one process is asked twice",
    .run = run_same_kernel,
};
