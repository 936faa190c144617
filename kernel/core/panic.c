/*
 * kernel/core/panic.c - the last words of the kernel, and the way out.
 *
 * Order      message, registers, stack with names, registered reports (newest
 *            last), the last log lines; then the exit: isa-debug-exit if QEMU
 *            has it, else panic=.
 * Reentry    a fault while all this is printed comes back to panic(), which
 *            then goes straight to the exit.  A second CPU stops where it is.
 * Context    any, interrupts go off and stay off.
 */
#include <kernel/core/cmdline.h>
#include <kernel/core/irq.h>
#include <kernel/core/ksyms.h>
#include <kernel/core/panic.h>
#include <kernel/core/percpu.h>
#include <kernel/core/power.h>
#include <kernel/core/time.h>
#include <kernel/core/xcall.h>
#include <kernel/lib/format.h>
#include <kernel/lib/string.h>
#include <kernel/sync/atomic.h>
#include <kernel/x86/cpu.h>
#include <kernel/x86/trap.h>

#define DEBUG_EXIT_PORT 0xf4 /* QEMU's isa-debug-exit under test */
#define DEBUG_EXIT_ABSENT 0xff
#define DEBUG_EXIT_PANIC 0x12
#define NMI_PAUSE (100 * NSEC_PER_MSEC) /* after one has been told */
#define BACKTRACE_MAX 32
#define LAST_LINES 12ull
#define STOP_LIMIT (2 * NSEC_PER_SEC) /* an emulated CPU may have to wait */
#define FRAME_STEP_MAX (64 * KIB)     /* no frame is larger than a stack */

extern char __entry_text_start[], __entry_text_end[]; /* linker.ld */

void (*panic_exit_hook)(void);
static LIST_HEAD(reports);
static s64 panic_timeout; /* panic=: 0 halt, > 0 seconds, < 0 at once */
static u32 panic_cpu;     /* number + 1 of the CPU that panics */
static u32 panic_depth;
static const struct pt_regs *stopped_at[NR_CPUS_MAX];
static DEFINE_PER_CPU(u64, nmi_pause_end); /* ktime */

void panic_report_register(struct panic_report *report)
{
    list_add_tail(&report->link, &reports);
}

static void print_address(const char *what, u64 addr)
{
    char name[KSYM_NAME_MAX];
    unsigned long offset, size;

    if (ksym_lookup(addr, name, &offset, &size))
        pr_err("%s%016llx %s+%#lx/%#lx", what, (unsigned long long)addr, name,
               offset, size);
    else
        pr_err("%s%016llx", what, (unsigned long long)addr);
}

static bool in_entry_text(u64 addr)
{
    return addr >= (u64)__entry_text_start && addr < (u64)__entry_text_end;
}

static bool plausible_frame(u64 rbp, u64 previous)
{
    return rbp > previous && rbp - previous < FRAME_STEP_MAX &&
           rbp % sizeof(u64) == 0 && (s64)rbp < 0;
}

/*
 * A frame is two words: the caller's frame pointer and the return address.
 * Above a frame that returns into entry code lies a struct pt_regs, and the
 * story goes on where that was interrupted.
 */
void dump_frames(u64 rip, u64 rbp)
{
    u64 limit = rbp;

    if (rip)
        print_address("  ", rip);
    for (int i = 0; i < BACKTRACE_MAX && (s64)rbp < 0 && rbp % 8 == 0; i++) {
        const u64 *frame = (const u64 *)rbp;

        if (!kernel_text_address(frame[1]))
            return;
        print_address("  ", frame[1]);
        if (in_entry_text(frame[1])) {
            const struct pt_regs *regs = (const void *)(frame + 2);

            if (user_mode(regs)) {
                pr_err("  from ring 3 at %016llx",
                       (unsigned long long)regs->rip);
                return;
            }
            print_address("  interrupted at ", regs->rip);
        }
        limit = rbp;
        rbp = frame[0];
        if (!plausible_frame(rbp, limit))
            return;
    }
}

void dump_stack(void)
{
    pr_err("Call trace:");
    dump_frames(0, (u64)__builtin_frame_address(0));
}

void dump_regs(const struct pt_regs *regs)
{
    print_address("RIP ", regs->rip);
    pr_err("RSP %016llx  RFLAGS %08llx  CS %02llx  SS %02llx  error %llx",
           (unsigned long long)regs->rsp, (unsigned long long)regs->rflags,
           (unsigned long long)regs->cs, (unsigned long long)regs->ss,
           (unsigned long long)regs->orig_rax);
#define ROW(a, x, b, y, c, z)                                                  \
    pr_err(a " %016llx  " b " %016llx  " c " %016llx",                         \
           (unsigned long long)regs->x, (unsigned long long)regs->y,           \
           (unsigned long long)regs->z)
    ROW("RAX", rax, "RBX", rbx, "RCX", rcx);
    ROW("RDX", rdx, "RSI", rsi, "RDI", rdi);
    ROW("RBP", rbp, "R8 ", r8, "R9 ", r9);
    ROW("R10", r10, "R11", r11, "R12", r12);
    ROW("R13", r13, "R14", r14, "R15", r15);
#undef ROW
    pr_err("CR0 %08llx  CR2 %016llx  CR3 %016llx  CR4 %08llx",
           (unsigned long long)read_cr0(), (unsigned long long)read_cr2(),
           (unsigned long long)read_cr3(), (unsigned long long)read_cr4());
}

/* Where the other CPUs were when the panic's NMI stopped them. */
static void print_other_cpus(void)
{
    u64 limit = ktime_get() + STOP_LIMIT;

    for (unsigned int cpu = 0; cpu < nr_cpus_online; cpu++) {
        const struct pt_regs *regs;

        if (cpu == smp_processor_id())
            continue;
        while (!(regs = READ_ONCE(stopped_at[cpu])) && ktime_get() < limit)
            cpu_relax();
        if (!regs) {
            pr_err("-- CPU %u did not stop", cpu);
            continue;
        }
        pr_err("-- CPU %u was stopped %s", cpu,
               user_mode(regs) ? "in ring 3" : "at");
        if (user_mode(regs))
            pr_err("  %016llx", (unsigned long long)regs->rip);
        else
            dump_frames(regs->rip, regs->rbp);
    }
}

static void spend_seconds(u64 seconds)
{
    u64 end = ktime_get() + seconds * NSEC_PER_SEC;

    while (ktime_get() < end)
        cpu_relax();
}

static void __noreturn leave(void)
{
    u8 port = inb(DEBUG_EXIT_PORT);

    if (port != DEBUG_EXIT_ABSENT)
        outl(DEBUG_EXIT_PORT, DEBUG_EXIT_PANIC);
    if (panic_exit_hook)
        panic_exit_hook();
    if (panic_timeout != 0) {
        if (panic_timeout > 0)
            pr_emerg("Restarting in %lld s.", (long long)panic_timeout);
        spend_seconds(panic_timeout > 0 ? panic_timeout : 0);
        if (power_ops)
            power_ops->restart(NULL);
    }
    for (;;)
        __asm__ volatile("cli; hlt");
}

/* Only one CPU tells; later ones, and this one inside itself, do not. */
static void enter_panic(void)
{
    u32 me = smp_processor_id() + 1, nobody = 0;

    local_irq_disable();
    if (!__atomic_compare_exchange_n(&panic_cpu, &nobody, me, false,
                                     __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST) &&
        nobody != me)
        for (;;)
            __asm__ volatile("cli; hlt");
    if (panic_depth == 0)
        xcall_nmi_others();
    printk_enter_panic();
    if (++panic_depth > 3)
        leave();
}

static void __noreturn panic_common(const struct pt_regs *regs, u64 addr,
                                    u64 rbp, const char *fmt, va_list ap)
{
    const u64 start = log_next_seq();
    char text[256];
    struct panic_report *report;

    vsnprintf(text, sizeof(text), fmt, ap);
    if (panic_depth > 1) {
        pr_emerg("Another panic inside it: %s", text);
        if (regs)
            print_address("RIP ", regs->rip);
        leave();
    }
    pr_emerg("Kernel panic: %s", text);
    pr_err("CPU %u, %s", smp_processor_id(), cpu_model_name());
    if (regs)
        dump_regs(regs);
    pr_err("Call trace:");
    dump_frames(regs ? regs->rip : 0, rbp);
    print_other_cpus();
    list_for_each_entry(report, &reports, link) {
        pr_err("-- %s", report->name);
        report->print(regs, addr);
    }
    pr_err("-- last lines of the log before it");
    printk_show_again(max(log_first_seq(), start - min(start, LAST_LINES)),
                      start);
    pr_emerg("End of the kernel panic: %s", text);
    leave();
}

void panic(const char *fmt, ...)
{
    va_list ap;

    enter_panic();
    va_start(ap, fmt);
    panic_common(NULL, 0, (u64)__builtin_frame_address(0), fmt, ap);
}

void panic_at(const struct pt_regs *regs, u64 addr, const char *fmt, ...)
{
    va_list ap;

    enter_panic();
    va_start(ap, fmt);
    panic_common(regs, addr, regs->rbp, fmt, ap);
}

void warn_at(const char *file, int line, const char *what)
{
    pr_warn("WARNING at %s:%d: %s", file, line, what);
    dump_stack();
}

/*
 * The CPU could not deliver an exception.  By far the likeliest reason is a
 * kernel stack that has run into the page below it: then CR2 lies right
 * there.
 */
static bool double_fault(struct pt_regs *regs,
                         unsigned int vector __maybe_unused)
{
    u64 cr2 = read_cr2();
    s64 below = (s64)(regs->rsp - cr2);

    if (below > -(s64)(4 * KIB) && below < (s64)(4 * KIB) && !user_mode(regs))
        panic_at(regs, cr2,
                 "kernel stack overflow: %016llx is in the guard page under "
                 "the stack (double fault)",
                 (unsigned long long)cr2);
    panic_at(regs, cr2, "double fault");
}

static bool machine_check(struct pt_regs *regs,
                          unsigned int vector __maybe_unused)
{
    panic_at(regs, 0, "machine check: the hardware reports an error");
}

/* QEMU's `nmi` command, or another CPU that panics: say where we are. */
static bool nmi(struct pt_regs *regs, unsigned int vector __maybe_unused)
{
    if (panic_cpu) {
        WRITE_ONCE(stopped_at[smp_processor_id()], regs);
        for (;;)
            __asm__ volatile("cli; hlt");
    }
    if (ktime_get() < this_cpu_read(nmi_pause_end))
        return true; /* it came while the last one was told, or just after */
    this_cpu_inc(nmi_depth);
    pr_emerg("NMI: CPU %u was here", smp_processor_id());
    dump_regs(regs);
    if (!user_mode(regs))
        dump_frames(regs->rip, regs->rbp);
    this_cpu_dec(nmi_depth);
    printk_flush();
    this_cpu_write(nmi_pause_end, ktime_get() + NMI_PAUSE);
    return true;
}

void panic_init(void)
{
    const char *text = cmdline_get("panic"), *end;
    bool negative = text && *text == '-';
    u64 seconds;

    if (text && parse_u64(text + negative, &end, &seconds) && *end == '\0')
        panic_timeout = negative ? -(s64)seconds : (s64)seconds;
    vector_handlers[TRAP_DF] = double_fault;
    vector_handlers[TRAP_MC] = machine_check;
    vector_handlers[TRAP_NMI] = nmi;
}
