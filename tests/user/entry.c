/*
 * tests/user/entry.c - ring 3 knocks at the kernel's doors in every wrong way:
 * odd system call instructions, flags, selectors, stacks and signal frames.
 *
 * Each case runs in a child; what counts is how that ends, and that the
 * kernel is still there afterwards.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <ucontext.h>

#include "tap.h"

#include <asm/prctl.h>

#define TASK_END 0x7ffffffff000ul /* first address that nobody may map */
#define FLAG_TF 0x100ul
#define FLAG_IF 0x200ul
#define FLAG_IOPL 0x3000ul
#define FLAG_NT 0x4000ul
#define FLAG_AC 0x40000ul
#define NON_CANONICAL 0x800000000000ul

static int on_pagewalk;

/* Runs fn in a child.  Returns its exit status, or 256 + the signal. */
static int child(void (*fn)(void))
{
    int status;
    pid_t pid;

    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        fn();
        _exit(99);
    }
    if (waitpid(pid, &status, 0) != pid)
        return -1;
    return WIFSIGNALED(status) ? 256 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void handle(int sig, void (*fn)(int, siginfo_t *, void *), int flags)
{
    struct sigaction action = {.sa_sigaction = fn,
                               .sa_flags = SA_SIGINFO | flags};

    sigaction(sig, &action, NULL);
}

static long raw_getpid(void)
{
    long ret;

    __asm__ volatile("syscall"
                     : "=a"(ret)
                     : "0"(SYS_getpid)
                     : "rcx", "r11", "memory");
    return ret;
}

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

static uintptr_t fault_address, fault_rip;

static void note_fault_and_exit(int sig, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;

    (void)sig;
    fault_address = (uintptr_t)info->si_addr;
    fault_rip = uc->uc_mcontext.gregs[REG_RIP];
    _exit(fault_rip == TASK_END ? 7 : 8);
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

/* ---- selectors ---------------------------------------------------------- */

static void load_bogus_ds(void)
{
    __asm__ volatile("movw %w0, %%ds" : : "r"(0xfff8 | 3));
}

static void load_kernel_ds(void)
{
    __asm__ volatile("movw %w0, %%ds" : : "r"(0x18));
}

static void load_null_selectors(void)
{
    __asm__ volatile("movw %w0, %%ds; movw %w0, %%es" : : "r"(0));
    __asm__ volatile("movw %w0, %%ds; movw %w0, %%es" : : "r"(0x2b));
    __asm__ volatile("movw %w0, %%ds; movw %w0, %%es" : : "r"(3));
    _exit(raw_getpid() == getpid() ? 7 : 8);
}

static unsigned int selectors(void)
{
    unsigned int ds, es, gs;

    __asm__ volatile("mov %%ds, %0; mov %%es, %1; mov %%gs, %2"
                     : "=r"(ds), "=r"(es), "=r"(gs));
    return ds | es << 8 | gs << 16;
}

static void load_selectors(unsigned int ds, unsigned int es, unsigned int gs)
{
    __asm__ volatile("mov %0, %%ds; mov %1, %%es; mov %2, %%gs"
                     :
                     : "r"(ds), "r"(es), "r"(gs));
}

/* Two tasks on one CPU, each with its own; who asked for none has none. */
static void selectors_across_switches(void)
{
    const unsigned int loaded = 0x2b | 0x33 << 8 | 0x2b << 16;
    cpu_set_t set;
    int status, bad = selectors() != 0;
    pid_t pid;

    CPU_ZERO(&set);
    CPU_SET(0, &set);
    sched_setaffinity(0, sizeof(set), &set);
    pid = fork();
    if (pid)
        load_selectors(0x2b, 0x33, 0x2b);
    for (int i = 0; i < 200; i++) {
        bad |= selectors() != (pid ? loaded : 0);
        sched_yield();
    }
    if (!pid)
        _exit(bad);
    waitpid(pid, &status, 0);
    bad |= status || selectors() != loaded;
    pid = fork();
    if (!pid)
        _exit(selectors() != loaded);
    waitpid(pid, &status, 0);
    bad |= status;
    syscall(SYS_arch_prctl, ARCH_SET_GS, &set);
    bad |= selectors() != (0x2b | 0x33 << 8);
    _exit(bad ? 8 : 7);
}

/* LAR and LSL tell ring 3 of its own segments only. */
static void ask_for_segments(void)
{
    static const struct {
        unsigned int selector;
        int there;
    } cases[] = {{0, 0},    {0x10, 0}, {0x18, 0},
                 {0x2b, 1}, {0x33, 1}, {0xffff, 0}};
    int bad = 0;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        unsigned char lar, lsl, verr;
        unsigned long value;

        __asm__ volatile("lar %3, %1; setz %0; lsl %3, %1; setz %2"
                         : "=&r"(lar), "=&r"(value), "=&r"(lsl)
                         : "r"((unsigned long)cases[i].selector));
        __asm__ volatile("verr %w1; setz %0"
                         : "=r"(verr)
                         : "r"(cases[i].selector));
        bad |= lar != cases[i].there || lsl != cases[i].there ||
               verr != cases[i].there;
    }
    _exit(bad ? 8 : 7);
}

static void far_return_to_kernel(void)
{
    __asm__ volatile("pushq $0x10; pushq $0; lretq");
}

static void own_iret_to_nowhere(void)
{
    __asm__ volatile("pushq $0x2b; pushq $0; pushq $0x202; pushq $0xfffb;"
                     "pushq $0; iretq");
}

/* ---- signal frames that lie --------------------------------------------- */

static void (*forge)(ucontext_t *uc);

static void on_usr1(int sig, siginfo_t *info, void *context)
{
    (void)sig;
    (void)info;
    forge(context);
}

/* Returns from a handler that has changed its frame. */
static int with_forged_frame(void (*how)(ucontext_t *uc))
{
    forge = how;
    handle(SIGUSR1, on_usr1, 0);
    raise(SIGUSR1);
    return raw_getpid() == getpid() ? 7 : 8;
}

static void forge_kernel_cs(ucontext_t *uc)
{
    uc->uc_mcontext.gregs[REG_CSGSFS] =
        (uc->uc_mcontext.gregs[REG_CSGSFS] & ~0xffffl) | 0x10;
}

static void forge_bogus_cs(ucontext_t *uc)
{
    uc->uc_mcontext.gregs[REG_CSGSFS] =
        (uc->uc_mcontext.gregs[REG_CSGSFS] & ~0xffffl) | 0xfffb;
}

static void forge_rip(ucontext_t *uc)
{
    uc->uc_mcontext.gregs[REG_RIP] = NON_CANONICAL;
}

/* What SYSRET would take for its own. */
static void forge_rip_and_rcx(ucontext_t *uc)
{
    uc->uc_mcontext.gregs[REG_RIP] = NON_CANONICAL;
    uc->uc_mcontext.gregs[REG_RCX] = NON_CANONICAL;
    uc->uc_mcontext.gregs[REG_R11] = uc->uc_mcontext.gregs[REG_EFL];
}

static void forge_kernel_rip(ucontext_t *uc)
{
    uc->uc_mcontext.gregs[REG_RIP] = 0xffffffff80100000ul;
    uc->uc_mcontext.gregs[REG_RCX] = 0xffffffff80100000ul;
    uc->uc_mcontext.gregs[REG_R11] = uc->uc_mcontext.gregs[REG_EFL];
}

static void forge_iopl(ucontext_t *uc)
{
    uc->uc_mcontext.gregs[REG_EFL] |= FLAG_IOPL;
    uc->uc_mcontext.gregs[REG_EFL] &= ~FLAG_IF;
}

static void forge_mxcsr(ucontext_t *uc)
{
    uc->uc_mcontext.fpregs->mxcsr = 0xffffffff;
}

static void forge_xstate_header(ucontext_t *uc)
{
    ((uint64_t *)uc->uc_mcontext.fpregs)[512 / 8] = ~0ull;
}

static int has_xsave(void)
{
    unsigned int a = 1, b, c = 0, d;

    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    return c >> 27 & 1; /* OSXSAVE */
}

static void forge_no_fpstate(ucontext_t *uc)
{
    uc->uc_mcontext.fpregs = NULL;
}

static void forge_bad_fpstate(ucontext_t *uc)
{
    uc->uc_mcontext.fpregs = (void *)0x40;
}

static void forge_kernel_fpstate(ucontext_t *uc)
{
    uc->uc_mcontext.fpregs = (void *)0xffff888000100000ul;
}

#define FORGERY(name)                                                          \
    static void run_##name(void)                                               \
    {                                                                          \
        _exit(with_forged_frame(name));                                        \
    }
FORGERY(forge_kernel_cs)
FORGERY(forge_bogus_cs)
FORGERY(forge_rip)
FORGERY(forge_rip_and_rcx)
FORGERY(forge_kernel_rip)
FORGERY(forge_mxcsr)
FORGERY(forge_xstate_header)
FORGERY(forge_no_fpstate)
FORGERY(forge_bad_fpstate)
FORGERY(forge_kernel_fpstate)

static void run_forge_iopl(void)
{
    unsigned long flags;

    with_forged_frame(forge_iopl);
    __asm__ volatile("pushfq; popq %0" : "=r"(flags));
    _exit((flags & FLAG_IF) && !(flags & FLAG_IOPL) ? 7 : 8);
}

static void sigreturn_out_of_nothing(void)
{
    syscall(SYS_rt_sigreturn);
}

/* ---- floating point ----------------------------------------------------- */

static volatile uint32_t handler_mxcsr;

static void spoil_registers(int sig, siginfo_t *info, void *context)
{
    uint32_t mxcsr;

    (void)sig;
    (void)info;
    (void)context;
    __asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
    handler_mxcsr = mxcsr;
    __asm__ volatile("pcmpeqd %%xmm7, %%xmm7\n\t"
                     "pcmpeqd %%xmm15, %%xmm15\n\t"
                     "fninit; fldpi" ::
                         : "xmm7", "xmm15");
}

static void registers_across_a_signal(void)
{
    uint64_t low = 0, high = 0;
    uint32_t mxcsr = 0x1f80 | 0x6000; /* rounds to zero */
    double x87;
    pid_t pid = getpid();

    handle(SIGUSR1, spoil_registers, 0);
    __asm__ volatile("movq %4, %%xmm7\n\t"
                     "movq %5, %%xmm15\n\t"
                     "ldmxcsr %3\n\t"
                     "fld1\n\t"
                     "syscall\n\t"
                     "fstpl %2\n\t"
                     "movq %%xmm7, %0\n\t"
                     "movq %%xmm15, %1\n\t"
                     "stmxcsr %3"
                     : "=&r"(low), "=&r"(high), "=m"(x87), "+m"(mxcsr)
                     : "r"(0x1122334455667788ull), "r"(0x99aabbccddeeff00ull),
                       "a"(SYS_kill), "D"((long)pid), "S"((long)SIGUSR1)
                     : "rcx", "r11", "xmm7", "xmm15", "memory");
    if (low != 0x1122334455667788ull || high != 0x99aabbccddeeff00ull)
        _exit(8);
    if (x87 != 1.0 || mxcsr != (0x1f80 | 0x6000))
        _exit(9);
    _exit(handler_mxcsr == 0x1f80 ? 7 : 10);
}

/* Two processes with different registers take turns. */
static void registers_across_switches(void)
{
    int pipes[2][2], status, bad = 0;
    pid_t pid;

    if (pipe(pipes[0]) || pipe(pipes[1]))
        _exit(6);
    pid = fork();
    for (int i = 0; i < 200; i++) {
        uint64_t mine = i * 2 + (pid == 0), after;
        int in = pipes[pid == 0][0], out = pipes[pid != 0][1];
        char byte = 0;
        long ret;

        if (pid != 0 && write(out, &byte, 1) != 1)
            _exit(6);
        __asm__ volatile("movq %2, %%xmm5\n\t"
                         "syscall\n\t"
                         "movq %%xmm5, %1"
                         : "=a"(ret), "=&r"(after)
                         : "r"(mine), "0"(SYS_read), "D"((long)in), "S"(&byte),
                           "d"(1)
                         : "rcx", "r11", "xmm5", "memory");
        bad += ret != 1 || after != mine;
        if (pid == 0 && write(out, &byte, 1) != 1)
            _exit(6);
    }
    if (pid == 0)
        _exit(bad != 0);
    waitpid(pid, &status, 0);
    _exit(bad == 0 && status == 0 ? 7 : 8);
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
    is(child(load_bogus_ds), 256 + SIGSEGV, "a selector beyond the table");
    is(child(load_kernel_ds), 256 + SIGSEGV, "the kernel's selector");
    is(child(load_null_selectors), 7, "null selectors");
    is(child(selectors_across_switches), 7, "selectors across switches");
    is(child(ask_for_segments), 7, "LAR, LSL and VERR");
    is(child(far_return_to_kernel), 256 + SIGSEGV, "far return to ring 0");
    is(child(own_iret_to_nowhere), 256 + SIGSEGV, "iret to nowhere");
    is(child(run_forge_kernel_cs), 256 + SIGSEGV, "frame: kernel's cs");
    is(child(run_forge_bogus_cs), 256 + SIGSEGV, "frame: cs of nothing");
    is(child(run_forge_rip), 256 + SIGSEGV, "frame: rip not canonical");
    is(child(run_forge_rip_and_rcx), 256 + SIGSEGV, "frame: rcx like rip");
    is(child(run_forge_kernel_rip), 256 + SIGSEGV, "frame: kernel's rip");
    is(child(run_forge_iopl), 7, "frame: neither IOPL nor IF are taken");
    is(child(run_forge_mxcsr), 256 + SIGSEGV, "frame: reserved MXCSR bits");
    is(child(run_forge_xstate_header), has_xsave() ? 256 + SIGSEGV : 7,
       "frame: unknown register sets");
    is(child(run_forge_no_fpstate), 7, "frame: no floating-point part");
    is(child(run_forge_bad_fpstate), 256 + SIGSEGV, "frame: it is not there");
    is(child(run_forge_kernel_fpstate), 256 + SIGSEGV,
       "frame: it is the kernel's");
    is(child(sigreturn_out_of_nothing), 256 + SIGSEGV, "sigreturn unasked");
    is(child(registers_across_a_signal), 7, "x87 and SSE across a signal");
    is(child(registers_across_switches), 7, "SSE across switches of task");
    return done();
}
