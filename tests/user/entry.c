/*
 * tests/user/entry.c - ring 3 knocks at the kernel's doors in every wrong way:
 * odd instructions, system calls from odd places, on odd stacks and with odd
 * flags.
 *
 * Each case runs in a child; what counts is how that ends, and that the
 * kernel is still there afterwards.
 */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <sys/utsname.h>

#include "trial.h"

#define TASK_END 0x7ffffffff000ul /* first address that nobody may map */
#define FLAG_TF 0x100ul
#define FLAG_NT 0x4000ul
#define FLAG_AC 0x40000ul

static int on_pagewalk;

/* ---- instructions ------------------------------------------------------- */

static void do_int80(void)
{
    __asm__ volatile("int $0x80" : : "a"(20) : "memory");
}

static void do_sysenter(void)
{
    __asm__ volatile("sysenter" : : "a"(20) : "memory");
}

static void do_cli(void)
{
    __asm__ volatile("cli");
}

static void do_hlt(void)
{
    __asm__ volatile("hlt");
}

static void do_out(void)
{
    __asm__ volatile("outb %%al, $0x80" : : "a"(0));
}

static void do_lldt(void)
{
    __asm__ volatile("lldt %w0" : : "r"(0));
}

static void do_rdmsr(void)
{
    __asm__ volatile("rdmsr" : : "c"(0xc0000080) : "eax", "edx");
}

static void do_swapgs(void)
{
    __asm__ volatile("swapgs");
}

static void do_sysret(void)
{
    __asm__ volatile("sysretq");
}

static void do_ud2(void)
{
    __asm__ volatile("ud2");
}

static void do_int3(void)
{
    __asm__ volatile("int3");
}

static void do_divide(void)
{
    __asm__ volatile("divl %%ecx" : : "a"(1), "d"(0), "c"(0));
}

static void do_int14(void)
{
    __asm__ volatile("int $14"); /* no gate for ring 3 */
}

static void do_df_gate(void)
{
    __asm__ volatile("int $8");
}

static void do_kernel_read(void)
{
    *(volatile char *)0xffffffff80100000ul;
}

static void do_non_canonical_read(void)
{
    *(volatile char *)NON_CANONICAL;
}

static void instructions(void)
{
    static const struct {
        const char *what;
        void (*fn)(void);
        int sig;
    } cases[] = {
        {"cli", do_cli, SIGSEGV},
        {"hlt", do_hlt, SIGSEGV},
        {"out", do_out, SIGSEGV},
        {"lldt", do_lldt, SIGSEGV},
        {"rdmsr", do_rdmsr, SIGSEGV},
        {"swapgs", do_swapgs, SIGSEGV},
        {"sysret", do_sysret, SIGSEGV},
        {"ud2", do_ud2, SIGILL},
        {"int3", do_int3, SIGTRAP},
        {"division by zero", do_divide, SIGFPE},
        {"int 14", do_int14, SIGSEGV},
        {"int 8", do_df_gate, SIGSEGV},
        {"reading the kernel", do_kernel_read, SIGSEGV},
        {"reading a non-canonical address", do_non_canonical_read, SIGSEGV},
    };
    int how;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        is(child(cases[i].fn), 256 + cases[i].sig, cases[i].what);
    if (!on_pagewalk) {
        skip("int 0x80 and sysenter are refused", "Linux has 32-bit calls");
        return;
    }
    is(child(do_int80), 256 + SIGSEGV, "int 0x80 is refused");
    how = child(do_sysenter); /* AMD's CPUs do not know it in 64-bit mode */
    ok(how == 256 + SIGSEGV || how == 256 + SIGILL, "sysenter is refused");
}

/* ---- where the call comes from ------------------------------------------ */

static void note_fault_and_exit(int sig, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;

    (void)sig;
    (void)info;
    _exit(uc->uc_mcontext.gregs[REG_RIP] == TASK_END ? 7 : 8);
}

static char own_stack[65536] __attribute__((aligned(64)));

/* SYSCALL as the last instruction of the address space: rcx is the first
 * address beyond it. */
static void place_call_at_the_end(void)
{
    static const unsigned char code[] = {0x0f, 0x05};
    char *page = mmap((void *)(TASK_END - 4096), 4096,
                      PROT_READ | PROT_WRITE | PROT_EXEC,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

    if (page == MAP_FAILED)
        _exit(6);
    handle(SIGSEGV, note_fault_and_exit, 0);
    memcpy(page + 4094, code, 2);
    __asm__ volatile("jmp *%0"
                     :
                     : "r"(page + 4094), "a"(SYS_getpid)
                     : "rcx", "r11", "memory");
}

/* The program's own stack may lie where the page goes. */
static void call_at_the_end(void)
{
    __asm__ volatile("movq %0, %%rsp; call *%1"
                     :
                     : "r"(own_stack + sizeof(own_stack)),
                       "r"(place_call_at_the_end)
                     : "memory");
}

/* The stack pointer means nothing to a system call. */
static void call_with_stack(uint64_t rsp)
{
    uint64_t after;
    long ret;

    __asm__ volatile("movq %%rsp, %%r12\n\t"
                     "movq %3, %%rsp\n\t"
                     "syscall\n\t"
                     "movq %%rsp, %1\n\t"
                     "movq %%r12, %%rsp"
                     : "=a"(ret), "=&r"(after)
                     : "0"(SYS_getpid), "r"(rsp)
                     : "rcx", "r11", "r12", "memory");
    _exit(ret == getpid() && after == rsp ? 7 : 8);
}

static void call_with_zero_stack(void)
{
    call_with_stack(0);
}

static void call_with_kernel_stack(void)
{
    call_with_stack(0xffff888000001000ul);
}

static void call_with_odd_stack(void)
{
    call_with_stack(NON_CANONICAL + 3);
}

static void fault_with_odd_stack(void)
{
    __asm__ volatile("movq %0, %%rsp; ud2" : : "r"(NON_CANONICAL + 3));
}

static void push_on_odd_stack(void)
{
    __asm__ volatile("movq %0, %%rsp; pushq %%rax" : : "r"(NON_CANONICAL));
}

/* ---- flags -------------------------------------------------------------- */

static unsigned long flags_after_call(unsigned long set)
{
    unsigned long flags;

    __asm__ volatile("pushfq\n\t"
                     "orq %1, (%%rsp)\n\t"
                     "popfq\n\t"
                     "syscall\n\t"
                     "pushfq\n\t"
                     "popq %0\n\t"
                     "pushq $0x202\n\t"
                     "popfq"
                     : "=&r"(flags)
                     : "r"(set), "a"(SYS_getpid)
                     : "rcx", "r11", "memory", "cc");
    return flags;
}

static void flags_survive(void)
{
    unsigned long set = FLAG_NT | FLAG_AC | 0x400 | 0x8d5; /* DF, arithmetic */

    _exit((flags_after_call(set) & set) == set ? 7 : 8);
}

/* A page fault and a trap with NT set: IRETQ must not see it as a task. */
static void nested_task_flag(void)
{
    volatile char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    __asm__ volatile("pushfq; orq %0, (%%rsp); popfq"
                     :
                     : "i"(FLAG_NT)
                     : "memory", "cc");
    *page = 1;
    _exit(raw_getpid() == getpid() ? 7 : 8);
}

static volatile int steps;
static uintptr_t step_rip[16];

static void on_step(int sig, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;

    (void)sig;
    (void)info;
    if (steps < 16)
        step_rip[steps] = uc->uc_mcontext.gregs[REG_RIP];
    if (++steps == 4)
        uc->uc_mcontext.gregs[REG_EFL] &= ~FLAG_TF;
}

/* The CPU does not step onto the instruction behind SYSCALL: the flag is off
 * inside the kernel and acts again after the first instruction outside. */
static void single_step(void)
{
    uintptr_t start;

    handle(SIGTRAP, on_step, 0);
    __asm__ volatile("pushfq\n\t"
                     "orq %1, (%%rsp)\n\t"
                     "leaq 1f(%%rip), %0\n\t"
                     "popfq\n"
                     "1: nop\n\t"  /* + 1 */
                     "syscall\n\t" /* no step */
                     "nop\n\t"     /* + 4 */
                     "nop\n\t"     /* + 5 */
                     "nop\n\t"     /* + 6 */
                     "nop"
                     : "=&r"(start)
                     : "i"(FLAG_TF), "a"(SYS_getpid)
                     : "rcx", "r11", "memory", "cc");
    if (steps != 4)
        _exit(100 + steps);
    _exit(step_rip[0] == start + 1 && step_rip[1] == start + 4 &&
                  step_rip[2] == start + 5 && step_rip[3] == start + 6
              ? 7
              : 8);
}

int main(void)
{
    struct utsname name;
    int how;

    uname(&name);
    on_pagewalk = strstr(name.release, "pagewalk") != NULL;
    instructions();
    is(child(call_at_the_end), 7, "syscall at the end of the address space");
    is(child(call_with_zero_stack), 7, "a system call with rsp 0");
    is(child(call_with_kernel_stack), 7, "... in the kernel half");
    is(child(call_with_odd_stack), 7, "... not canonical");
    is(child(fault_with_odd_stack), 256 + SIGILL, "a fault with such a stack");
    how = child(push_on_odd_stack); /* #SS by the book, #GP in QEMU */
    ok(how == 256 + SIGBUS || how == 256 + SIGSEGV, "a push there");
    is(child(flags_survive), 7, "NT AC DF survive a call");
    is(child(nested_task_flag), 7, "NT does not disturb a fault");
    is(child(single_step), 7, "single steps through a system call");
    return done();
}
