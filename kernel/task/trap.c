/*
 * kernel/task/trap.c - exceptions: to mm, to the program as a signal, or the
 * end of the kernel in words.
 *
 *   from     vector      what happens
 *   ring 3   #PF         handle_mm_fault; SIGSEGV or SIGBUS if it says no
 *   ring 3   others      the signal of the table below
 *   kernel   #PF user    the same handle_mm_fault (uaccess), then the
 *            half        exception table
 *   kernel   others      exception table, else panic with the page walk
 *
 * An access of ring 3 to the kernel half never reaches mm.  What it learns is
 * the same for mapped and unmapped addresses, as on Linux: SEGV_MAPERR, and an
 * error code with the present bit set whatever the table says.
 */
#include <kernel/task/internal.h>
#include <kernel/task/oom.h>

#include <kernel/core/irq.h>
#include <kernel/core/panic.h>
#include <kernel/core/percpu.h>
#include <kernel/x86/cpu.h>
#include <kernel/x86/trap.h>
#include <kernel/x86/upcall.h>
#include <mm/fail.h>
#include <mm/mm.h>
#include <mm/uaccess.h>
#include <mm/vmalloc.h>

#define RFLAGS_IF BIT(9)
#define RFLAGS_AC BIT(18)
#define DR6_SINGLE_STEP BIT(14) /* SDM 3B 17.2.3 */

struct trap_signal {
    u8 sig;
    s8 code;     /* si_code; 0: SI_KERNEL */
    bool at_rip; /* si_addr is the instruction */
};

/* Linux's, arch/x86: which signal each exception of ring 3 becomes. */
static const struct trap_signal trap_signals[20] = {
    [TRAP_DE] = {SIGFPE, FPE_INTDIV, true},  [TRAP_BP] = {SIGTRAP, 0, false},
    [TRAP_OF] = {SIGSEGV, 0, false},         [TRAP_BR] = {SIGSEGV, 0, false},
    [TRAP_UD] = {SIGILL, ILL_ILLOPN, true},  [TRAP_NM] = {SIGSEGV, 0, false},
    [TRAP_TS] = {SIGSEGV, 0, false},         [TRAP_NP] = {SIGBUS, 0, false},
    [TRAP_SS] = {SIGBUS, 0, false},          [TRAP_GP] = {SIGSEGV, 0, false},
    [TRAP_AC] = {SIGBUS, BUS_ADRALN, false},
};

static void panic_kernel_fault(struct pt_regs *regs, u64 addr) __noreturn;
static void panic_kernel_fault(struct pt_regs *regs, u64 addr)
{
    char words[80];

    if (kernel_stack_guard_hit(addr))
        panic_at(regs, addr, "the kernel stack of %s[%d] overflowed",
                 current->comm, current->pid);
    panic_at(regs, addr, "kernel page fault at %#llx: %s",
             (unsigned long long)addr,
             trap_error_words(TRAP_PF, regs->orig_rax, words, sizeof(words)));
}

/* Goes on where the faulting kernel code said; panics if it did not. */
static void kernel_fault(struct pt_regs *regs, u64 addr)
{
    unsigned long fixup;

    if (vmalloc_fault(addr, regs->orig_rax, regs->rflags & RFLAGS_IF))
        return;
    fixup = exception_table_find(regs->rip);
    if (!fixup)
        panic_kernel_fault(regs, addr);
    regs->rip = fixup;
}

static void user_fault(enum fault_result result, u64 addr, u64 error)
{
    switch (result) {
    case FAULT_ACCERR:
        force_signal(SIGSEGV, SEGV_ACCERR, addr, TRAP_PF, error);
        break;
    case FAULT_SIGBUS:
        force_signal(SIGBUS, BUS_ADRERR, addr, TRAP_PF, error);
        break;
    case FAULT_OOM:
        force_signal(SIGKILL, SI_KERNEL, addr, TRAP_PF, error);
        break;
    default:
        force_signal(SIGSEGV, SEGV_MAPERR, addr, TRAP_PF, error);
    }
}

/* A bug must not start to sleep in atomic context, nor look like a fault that
 * was settled already: the kernel touches ring 3's pages only between stac and
 * clac, and never runs them. */
static bool may_be_uaccess(const struct pt_regs *regs)
{
    u64 want = cpu_has(CPU_SMAP) ? RFLAGS_IF | RFLAGS_AC : RFLAGS_IF;

    return current->mm && !this_cpu_read(atomic_depth) &&
           (regs->rflags & want) == want && !(regs->orig_rax & FAULT_EXEC);
}

static void page_fault(struct pt_regs *regs, u64 addr)
{
    bool user = user_mode(regs);
    u64 error = regs->orig_rax;
    struct task_struct *task = current;
    enum fault_result result;

    if (unlikely(addr >= user_limit())) {
        if (user)
            force_signal(SIGSEGV, SEGV_MAPERR, addr, TRAP_PF,
                         error | FAULT_PRESENT);
        else
            kernel_fault(regs, addr);
        return;
    }
    if (unlikely(!user && !may_be_uaccess(regs))) {
        kernel_fault(regs, addr);
        return;
    }
    local_irq_enable();
    task->min_flt++;
    result = handle_mm_fault(task->mm, addr, error);
    if (unlikely(result != FAULT_OK)) {
        /* Tried again once there is memory; not for an allocation that a test
         * made fail. */
        if (result == FAULT_OOM && !fail_nth_armed)
            result = out_of_memory() ? FAULT_OK : result;
        else if (user)
            user_fault(result, addr, error);
        if (!user && result != FAULT_OK)
            kernel_fault(regs, addr);
    }
    local_irq_disable();
}

/* Which of the six conditions of a floating-point exception it was. */
static int fpe_code(unsigned int vector)
{
    u32 status, mask;

    if (vector == TRAP_MF) {
        u16 cw, sw;

        __asm__ volatile("fnstcw %0; fnstsw %1" : "=m"(cw), "=m"(sw));
        mask = cw;
        status = sw;
    } else {
        u32 mxcsr;

        __asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
        mask = mxcsr >> 7;
        status = mxcsr;
    }
    status &= ~mask;
    if (status & BIT(0))
        return FPE_FLTINV;
    if (status & BIT(2))
        return FPE_FLTDIV;
    if (status & BIT(3))
        return FPE_FLTOVF;
    if (status & (BIT(4) | BIT(1)))
        return FPE_FLTUND;
    return status & BIT(5) ? FPE_FLTRES : 0;
}

static void user_trap(struct pt_regs *regs, unsigned int vector, u64 dr6)
{
    const struct trap_signal *how = &trap_signals[vector];
    u64 error = regs->orig_rax;

    local_irq_enable();
    if (vector == TRAP_DB)
        force_signal(SIGTRAP, dr6 & DR6_SINGLE_STEP ? TRAP_TRACE : TRAP_HWBKPT,
                     regs->rip, vector, 0);
    else if (vector == TRAP_MF || vector == TRAP_XM)
        force_signal(SIGFPE, fpe_code(vector), regs->rip, vector, 0);
    else if (how->sig)
        force_signal(how->sig, how->code ? how->code : SI_KERNEL,
                     how->at_rip ? regs->rip : 0, vector, error);
    else
        panic_at(regs, 0, "exception %u of %s[%d] has no signal", vector,
                 current->comm, current->pid);
    local_irq_disable();
}

void upcall_trap(struct pt_regs *regs, unsigned int vector, u64 cr2)
{
    if (likely(vector == TRAP_PF)) {
        page_fault(regs, cr2);
    } else if (user_mode(regs) && vector < ARRAY_SIZE(trap_signals)) {
        user_trap(regs, vector, cr2);
    } else {
        panic_at(regs, 0, "kernel exception %u, %s, error code %#llx", vector,
                 trap_name(vector), (unsigned long long)regs->orig_rax);
    }
}
