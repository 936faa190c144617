/*
 * tests/user/sigframe.c - the frame below a handler: what a handler changes
 * there is taken over, and what must not be is refused.
 *
 * Each lie is told by a child; what counts is how that ends, and that the
 * kernel is still there afterwards.
 */
#define _GNU_SOURCE
#include "trial.h"

#define FLAG_IF 0x200ul
#define FLAG_IOPL 0x3000ul
#define FLAG_VM 0x20000ul
#define KERNEL_CS 0x10
#define BOGUS_CS 0xfffb

static void (*change)(ucontext_t *uc); /* what the handler does */

static void on_usr1(int sig, siginfo_t *info, void *context)
{
    (void)sig;
    (void)info;
    change(context);
}

/* ---- what is taken over ------------------------------------------------- */

static void change_rbx(ucontext_t *uc)
{
    uc->uc_mcontext.gregs[REG_RBX] = 0x1234567;
}

static void test_context(void)
{
    uint64_t rbx = 5;
    double before = 1.5, after;

    change = change_rbx;
    handle(SIGUSR1, on_usr1, 0);
    __asm__ volatile("movsd %[before], %%xmm7\n\t"
                     "mov $5, %%rbx\n\t"
                     "syscall\n\t"
                     "mov %%rbx, %[rbx]\n\t"
                     "movsd %%xmm7, %[after]"
                     : [rbx] "=r"(rbx), [after] "=m"(after)
                     : "a"(SYS_kill), "D"(getpid()),
                       "S"(SIGUSR1), [before] "m"(before)
                     : "rbx", "rcx", "r11", "memory", "xmm7");
    is(rbx, 0x1234567, "a handler may change a register");
    ok(after == before, "xmm7 survives a handler");
}

/* ---- what is not -------------------------------------------------------- */

/* Returns from a handler that has changed its frame. */
static void return_from_handler(void)
{
    handle(SIGUSR1, on_usr1, 0);
    raise(SIGUSR1);
}

static void lie(void)
{
    return_from_handler();
    _exit(raw_getpid() == getpid() ? 7 : 8);
}

/* How a child ends that changes its frame like this: 7 if nothing happens. */
static int frame_with(void (*how)(ucontext_t *uc))
{
    change = how;
    return child(lie);
}

static void set_cs(ucontext_t *uc, unsigned int selector)
{
    uc->uc_mcontext.gregs[REG_CSGSFS] &= ~0xffffl;
    uc->uc_mcontext.gregs[REG_CSGSFS] |= selector;
}

static void kernel_cs(ucontext_t *uc)
{
    set_cs(uc, KERNEL_CS);
}

static void kernel_cs_and_text(ucontext_t *uc)
{
    set_cs(uc, KERNEL_CS);
    uc->uc_mcontext.gregs[REG_RIP] = (greg_t)0xffffffff81000000;
}

static void bogus_cs(ucontext_t *uc)
{
    set_cs(uc, BOGUS_CS);
}

static void bad_rip(ucontext_t *uc)
{
    uc->uc_mcontext.gregs[REG_RIP] = NON_CANONICAL;
}

static void very_bad_rip(ucontext_t *uc)
{
    uc->uc_mcontext.gregs[REG_RIP] = (greg_t)(1ul << 63);
}

/* What SYSRET would take for its own. */
static void set_rip_and_rcx(ucontext_t *uc, unsigned long rip)
{
    uc->uc_mcontext.gregs[REG_RIP] = rip;
    uc->uc_mcontext.gregs[REG_RCX] = rip;
    uc->uc_mcontext.gregs[REG_R11] = uc->uc_mcontext.gregs[REG_EFL];
}

static void bad_rip_and_rcx(ucontext_t *uc)
{
    set_rip_and_rcx(uc, NON_CANONICAL);
}

static void kernel_rip(ucontext_t *uc)
{
    set_rip_and_rcx(uc, 0xffffffff80100000ul);
}

static void iopl(ucontext_t *uc)
{
    uc->uc_mcontext.gregs[REG_EFL] |= FLAG_IOPL;
    uc->uc_mcontext.gregs[REG_EFL] &= ~FLAG_IF;
}

static void iopl_and_vm(ucontext_t *uc)
{
    iopl(uc);
    uc->uc_mcontext.gregs[REG_EFL] |= FLAG_VM;
}

static void look_at_flags(void)
{
    unsigned long flags;

    return_from_handler();
    __asm__ volatile("pushfq; popq %0" : "=r"(flags));
    _exit((flags & FLAG_IF) && !(flags & FLAG_IOPL) ? 7 : 8);
}

static int flags_with(void (*how)(ucontext_t *uc))
{
    change = how;
    return child(look_at_flags);
}

static void bad_mxcsr(ucontext_t *uc)
{
    uc->uc_mcontext.fpregs->mxcsr = 0xffffffff;
}

static void bad_xstate_header(ucontext_t *uc)
{
    ((uint64_t *)uc->uc_mcontext.fpregs)[512 / 8] = ~0ull;
}

static int has_xsave(void)
{
    unsigned int a = 1, b, c = 0, d;

    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    return c >> 27 & 1; /* OSXSAVE */
}

static void no_fpstate(ucontext_t *uc)
{
    uc->uc_mcontext.fpregs = NULL;
}

static void bad_fpstate(ucontext_t *uc)
{
    uc->uc_mcontext.fpregs = (void *)0x40;
}

static void kernel_fpstate(ucontext_t *uc)
{
    uc->uc_mcontext.fpregs = (void *)0xffff888000100000ul;
}

static void sigreturn_out_of_nothing(void)
{
    syscall(SYS_rt_sigreturn);
}

static void sigreturn_without_stack(void)
{
    __asm__ volatile("mov %0, %%rsp; syscall"
                     :
                     : "r"(4096ul), "a"(SYS_rt_sigreturn)
                     : "memory");
}

static volatile int segvs;

static void on_segv(int sig, siginfo_t *info, void *context)
{
    (void)sig;
    (void)info;
    (void)context;
    if (++segvs > 3)
        _exit(8);
}

/* The rest of the frame was good: it goes on where the first one broke in. */
static void survive_the_lie(void)
{
    handle(SIGSEGV, on_segv, 0);
    return_from_handler();
    _exit(segvs == 1 ? 7 : 9);
}

static int survived_with(void (*how)(ucontext_t *uc))
{
    change = how;
    return child(survive_the_lie);
}

int main(void)
{
    test_context();
    is(frame_with(kernel_cs), 256 + SIGSEGV, "frame: kernel's cs");
    is(frame_with(kernel_cs_and_text), 256 + SIGSEGV,
       "frame: kernel's cs and text");
    is(frame_with(bogus_cs), 256 + SIGSEGV, "frame: cs of nothing");
    is(frame_with(bad_rip), 256 + SIGSEGV, "frame: rip not canonical");
    is(frame_with(very_bad_rip), 256 + SIGSEGV, "frame: rip 2^63");
    is(frame_with(bad_rip_and_rcx), 256 + SIGSEGV, "frame: rcx like rip");
    is(frame_with(kernel_rip), 256 + SIGSEGV, "frame: kernel's rip");
    is(flags_with(iopl), 7, "frame: neither IOPL nor IF are taken");
    is(flags_with(iopl_and_vm), 7, "frame: nor with VM beside them");
    is(frame_with(bad_mxcsr), 256 + SIGSEGV, "frame: reserved MXCSR bits");
    is(frame_with(bad_xstate_header), has_xsave() ? 256 + SIGSEGV : 7,
       "frame: unknown register sets");
    is(frame_with(no_fpstate), 7, "frame: no floating-point part");
    is(frame_with(bad_fpstate), 256 + SIGSEGV, "frame: it is not there");
    is(frame_with(kernel_fpstate), 256 + SIGSEGV, "frame: it is the kernel's");
    is(survived_with(bad_fpstate), 7, "frame: SIGSEGV for it can be handled");
    if (has_xsave())
        is(survived_with(bad_xstate_header), 7,
           "frame: and for unknown register sets");
    is(child(sigreturn_out_of_nothing), 256 + SIGSEGV, "sigreturn unasked");
    is(child(sigreturn_without_stack), 256 + SIGSEGV,
       "sigreturn without a stack");
    return done();
}
