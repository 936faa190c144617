/*
 * faults.c - what a fault and an exception become: the signal, its code, its
 * address, and the trap in the handler's context.  Every line also holds on
 * Linux.
 */
#define _GNU_SOURCE
#include "faults.h"
#include "mappings.h"

#define PAGE_FAULT 14

static void fault_is(int sig, int code, int trap, const volatile void *addr,
                     unsigned long error, const char *what)
{
    if (!ok(fault.sig == sig && fault.code == code && fault.trap == trap &&
                fault.addr == addr && fault.error == error,
            "%s: signal %d code %d error %lx", what, sig, code, error))
        printf("# got signal %d code %d trap %d error %lx at %p, wanted %p\n",
               fault.sig, fault.code, fault.trap, fault.error, fault.addr,
               addr);
}

static void faulted(int sig, int code, const volatile void *addr,
                    unsigned long error, const char *what)
{
    fault_is(sig, code, PAGE_FAULT, addr, error, what);
}

static void test_memory(void)
{
    char *p = map(4, RW, ANON);

    munmap(p + 3 * PAGE, PAGE);
    mprotect(p + PAGE, PAGE, PROT_NONE);
    try_read(p + 3 * PAGE);
    faulted(SIGSEGV, SEGV_MAPERR, p + 3 * PAGE, 4, "read of nothing");
    try_write(p + 3 * PAGE + 5);
    faulted(SIGSEGV, SEGV_MAPERR, p + 3 * PAGE + 5, 6, "write to nothing");
    is(fault.cr2, (long)p + 3 * PAGE + 5, "cr2");
    FAULT(((void (*)(void))(uintptr_t)(p + 3 * PAGE))());
    faulted(SIGSEGV, SEGV_MAPERR, p + 3 * PAGE, 0x14, "jump to nothing");
    try_read(p + PAGE);
    faulted(SIGSEGV, SEGV_ACCERR, p + PAGE, 4, "read of PROT_NONE");
    try_write(p + PAGE);
    faulted(SIGSEGV, SEGV_ACCERR, p + PAGE, 6, "write to PROT_NONE");
    FAULT(((void (*)(void))(uintptr_t)(p + PAGE))());
    faulted(SIGSEGV, SEGV_ACCERR, p + PAGE, 0x14, "jump to PROT_NONE");
    mprotect(p, PAGE, PROT_READ);
    try_write(p);
    faulted(SIGSEGV, SEGV_ACCERR, p, 6, "write to read-only, not there");
    is(try_read(p), 0, "read-only can be read");
    try_write(p);
    faulted(SIGSEGV, SEGV_ACCERR, p, 7, "write to read-only, there");
    FAULT(((void (*)(void))(uintptr_t)p)());
    faulted(SIGSEGV, SEGV_ACCERR, p, 0x15, "jump to data");
    is(try_write(p + 2 * PAGE), 0, "read-write can be written");
    mprotect(p + 2 * PAGE, PAGE, PROT_READ);
    try_write(p + 2 * PAGE);
    faulted(SIGSEGV, SEGV_ACCERR, p + 2 * PAGE, 7, "no more after mprotect");
    munmap(p, 3 * PAGE);
}

static void test_no_memory(void)
{
    char *direct_map = (char *)0xffff888000100000,
         *text = (char *)0xffffffff81000000;

    try_read(NULL);
    faulted(SIGSEGV, SEGV_MAPERR, NULL, 4, "NULL");
    try_read(KERNEL_HALF);
    faulted(SIGSEGV, SEGV_MAPERR, KERNEL_HALF, 5, "kernel half");
    try_read(direct_map);
    faulted(SIGSEGV, SEGV_MAPERR, direct_map, 5, "read of the direct map");
    try_write(text);
    faulted(SIGSEGV, SEGV_MAPERR, text, 7, "write to kernel text");
    FAULT(((void (*)(void))(uintptr_t)direct_map)());
    faulted(SIGSEGV, SEGV_MAPERR, direct_map, 0x15, "jump to the kernel");
    try_read((char *)(1ul << 63));
    fault_is(SIGSEGV, SI_KERNEL, 13, NULL, 0, "a non-canonical address");
}

static void test_file(void)
{
    int fd = make_file(PAGE + 100);
    char *p = mmap(NULL, 3 * PAGE, RW, MAP_SHARED, fd, 0);

    is(p[PAGE + 200], 0, "behind the end, in the last page: zeroes");
    try_read(p + 2 * PAGE);
    faulted(SIGBUS, BUS_ADRERR, p + 2 * PAGE, 4, "beyond the file");
    p[PAGE] = 1;
    ftruncate(fd, 10);
    try_read(p + PAGE);
    faulted(SIGBUS, BUS_ADRERR, p + PAGE, 4, "cut off by truncation");
    is(try_read(p), 0, "what is left of it");
    close(fd);
    munmap(p, 3 * PAGE);
    unlink(path);
}

static void test_exceptions(void)
{
    const int signals[] = {SIGFPE, SIGILL, SIGTRAP};
    volatile int zero = 0;

    for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
        handle(signals[i], on_fault, SA_NODEFER);
    FAULT(__asm__ volatile("cli"));
    fault_is(SIGSEGV, SI_KERNEL, 13, NULL, 0, "cli");
    FAULT(__asm__ volatile("int3"));
    fault_is(SIGTRAP, SI_KERNEL, 3, NULL, 0, "int3");
    FAULT(__asm__ volatile("cltd; idivl %0" : : "m"(zero), "a"(1) : "edx"));
    ok(fault.sig == SIGFPE && fault.code == FPE_INTDIV && fault.trap == 0,
       "division by zero");
    FAULT(__asm__ volatile("ud2"));
    ok(fault.sig == SIGILL && fault.code == ILL_ILLOPN && fault.trap == 6,
       "ud2");
    FAULT(__asm__ volatile("pushfq; orl $0x100, (%%rsp); popfq; nop; nop" ::
                               : "memory", "cc"));
    ok(fault.sig == SIGTRAP && fault.code == TRAP_TRACE && fault.trap == 1,
       "single step: SIGTRAP, TRAP_TRACE");
}

int main(void)
{
    catch_faults();
    test_memory();
    test_no_memory();
    test_file();
    test_exceptions();
    return done();
}
