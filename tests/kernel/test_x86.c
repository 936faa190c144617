/*
 * tests/kernel/test_x86.c - traps, protection bits, entry area, FPU state.
 */
#include <kernel/core/irq.h>
#include <kernel/core/ktest.h>
#include <kernel/core/percpu.h>
#include <kernel/lib/string.h>
#include <kernel/x86/cpu.h>
#include <kernel/x86/entry_area.h>
#include <kernel/x86/fpu.h>
#include <kernel/x86/trap.h>
#include <mm/layout.h>
#include <mm/slab.h>
#include <tests/kernel/probe.h>

#define RFLAGS_TF 0x100
#define CR0_WP BIT(16)
#define CR4_SMEP BIT(20)
#define CR4_SMAP BIT(21)
#define CR4_UMIP BIT(11)

static struct {
    unsigned int calls;
    u64 rip, error, flags;
    u32 cpu;
    u64 stack;
} seen;

static bool note(struct pt_regs *regs, unsigned int vector __maybe_unused)
{
    seen.calls++;
    seen.rip = regs->rip;
    seen.error = regs->orig_rax;
    seen.flags = regs->rflags;
    seen.cpu = smp_processor_id();
    seen.stack = (u64)regs;
    return true;
}

static vector_handler_t *watch(unsigned int vector)
{
    vector_handler_t *before = vector_handlers[vector];

    memset(&seen, 0, sizeof(seen));
    vector_handlers[vector] = note;
    return before;
}

KTEST(x86, breakpoint_reaches_its_handler)
{
    vector_handler_t *before = watch(TRAP_BP);
    u64 after;

    __asm__ volatile("int3\n1: leaq 1b(%%rip), %0" : "=r"(after)::"memory");
    vector_handlers[TRAP_BP] = before;
    KTEST_EXPECT(seen.calls == 1);
    KTEST_EXPECT(seen.rip == after);
    KTEST_EXPECT(seen.error == 0);
}

/* All registers but rsp are given a value before and compared after. */
KTEST(x86, registers_survive_a_trap)
{
    vector_handler_t *before = watch(TRAP_BP);
    u64 sum;

    __asm__ volatile("movl $1, %%eax; movl $2, %%ebx; movl $3, %%ecx\n\t"
                     "movl $4, %%edx; movl $5, %%esi; movl $6, %%edi\n\t"
                     "movl $7, %%r8d; movl $8, %%r9d; movl $9, %%r10d\n\t"
                     "movl $10, %%r11d; movl $11, %%r12d\n\t"
                     "movl $12, %%r13d; movl $13, %%r14d; movl $14, %%r15d\n\t"
                     "int3\n\t"
                     "leaq (%%rax, %%rbx, 2), %%rax\n\t"
                     "leaq (%%rax, %%rcx, 4), %%rax\n\t"
                     "leaq (%%rax, %%rdx, 8), %%rax\n\t"
                     "imulq $3, %%rax; addq %%rsi, %%rax\n\t"
                     "imulq $3, %%rax; addq %%rdi, %%rax\n\t"
                     "imulq $3, %%rax; addq %%r8, %%rax\n\t"
                     "imulq $3, %%rax; addq %%r9, %%rax\n\t"
                     "imulq $3, %%rax; addq %%r10, %%rax\n\t"
                     "imulq $3, %%rax; addq %%r11, %%rax\n\t"
                     "imulq $3, %%rax; addq %%r12, %%rax\n\t"
                     "imulq $3, %%rax; addq %%r13, %%rax\n\t"
                     "imulq $3, %%rax; addq %%r14, %%rax\n\t"
                     "imulq $3, %%rax; addq %%r15, %%rax"
                     : "=a"(sum)
                     :
                     : "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10",
                       "r11", "r12", "r13", "r14", "r15", "memory", "cc");
    vector_handlers[TRAP_BP] = before;
    u64 want = 1 + 2 * 2 + 4 * 3 + 8 * 4;
    for (u64 reg = 5; reg <= 14; reg++)
        want = want * 3 + reg;
    KTEST_EXPECT(sum == want);
}

static bool note_and_stop_stepping(struct pt_regs *regs, unsigned int vector)
{
    regs->rflags &= ~RFLAGS_TF;
    return note(regs, vector);
}

/* #DB comes on a stack of its own, even while GS is not the kernel's. */
KTEST(x86, debug_exception_with_foreign_gs)
{
    const u64 foreign = 0x1234567000ull;
    vector_handler_t *before = watch(TRAP_DB);
    u64 flags = local_irq_save(), kernel_gs = rdmsr(MSR_GS_BASE), left;
    struct tss *tss = this_cpu_read(cpu_tss);

    vector_handlers[TRAP_DB] = note_and_stop_stepping;
    wrmsr(MSR_GS_BASE, foreign);
    __asm__ volatile("pushfq; orq %0, (%%rsp); popfq; nop"
                     :
                     : "i"(RFLAGS_TF)
                     : "memory", "cc");
    left = rdmsr(MSR_GS_BASE);
    wrmsr(MSR_GS_BASE, kernel_gs);
    local_irq_restore(flags);
    vector_handlers[TRAP_DB] = before;
    KTEST_EXPECT(seen.calls == 1);
    KTEST_EXPECT(left == foreign);
    KTEST_EXPECT(seen.cpu == smp_processor_id());
    KTEST_EXPECT(seen.stack < tss->ist[IST_DEBUG] &&
                 seen.stack > tss->ist[IST_DEBUG] - IST_STACK_SIZE);
}

/* AC would switch SMAP off, DF would turn string instructions round. */
KTEST(x86, handlers_start_with_clean_flags)
{
    vector_handler_t *before = watch(TRAP_BP);

    __asm__ volatile("std; int3; cld" ::: "memory", "cc");
    vector_handlers[TRAP_BP] = before;
    KTEST_EXPECT(seen.calls == 1);
    KTEST_EXPECT(seen.flags & BIT(10)); /* DF as it was, in the frame */
}

KTEST(x86, protections_are_on)
{
    KTEST_EXPECT(read_cr0() & CR0_WP);
    KTEST_EXPECT(!cpu_has(CPU_SMEP) || (read_cr4() & CR4_SMEP));
    KTEST_EXPECT(!cpu_has(CPU_SMAP) || (read_cr4() & CR4_SMAP));
    KTEST_EXPECT(!cpu_has(CPU_UMIP) || (read_cr4() & CR4_UMIP));
    KTEST_EXPECT(!(rdmsr(MSR_FMASK) & ~0x257700ull));
}

KTEST(x86, pat_has_all_modes)
{
    u64 pat;

    if (!cpu_has(CPU_PAT)) {
        ktest_skip("no PAT");
        return;
    }
    pat = rdmsr(MSR_PAT);
    KTEST_EXPECT((pat >> 8 * PAT_WB & 7) == 6); /* SDM 3A table 11-10 */
    KTEST_EXPECT((pat >> 8 * PAT_WT & 7) == 4);
    KTEST_EXPECT((pat >> 8 * PAT_UC_MINUS & 7) == 7);
    KTEST_EXPECT((pat >> 8 * PAT_UC & 7) == 0);
    KTEST_EXPECT((pat >> 8 * PAT_WC & 7) == 1);
}

KTEST(x86, rodata_and_text_refuse_stores)
{
    KTEST_EXPECT(write_faults(__rodata_start));
    KTEST_EXPECT(write_faults(__text_start));
    KTEST_EXPECT(write_faults(__entry_text_start));
}

KTEST(x86, non_canonical_address_is_caught)
{
    KTEST_EXPECT(access_faults((void *)0x8000000000000000));
    KTEST_EXPECT(access_faults((void *)0x0100000000000000));
}

KTEST(x86, entry_area_is_loaded_and_guarded)
{
    const unsigned long window =
        entry_window(CPU_ENTRY_AREA_BASE, smp_processor_id());
    struct {
        u16 limit;
        u64 base;
    } __packed idt, gdt;

    __asm__ volatile("sidt %0; sgdt %1" : "=m"(idt), "=m"(gdt));
    KTEST_EXPECT(idt.base == CPU_ENTRY_AREA_BASE);
    KTEST_EXPECT(gdt.base == window);
    KTEST_EXPECT(write_faults((void *)idt.base));
    KTEST_EXPECT(write_faults((void *)gdt.base));
    for (int i = 0; i < ENTRY_WINDOW_ROWS; i++) {
        const struct entry_window_row *row = &entry_window_rows[i];
        unsigned long start = window + row->window_page * ENTRY_PAGE;

        KTEST_EXPECT(!access_faults((void *)start));
        KTEST_EXPECT(access_faults((void *)(start + row->pages * ENTRY_PAGE)));
    }
}

KTEST(x86, error_codes_in_words)
{
    char buf[80];

    KTEST_EXPECT(!strcmp(trap_error_words(TRAP_PF, 6, buf, sizeof(buf)),
                         "write from ring 3, a page that is not present"));
    KTEST_EXPECT(strstr(trap_error_words(TRAP_PF, 0x15, buf, sizeof(buf)),
                        "execution from ring 3, a present page"));
    KTEST_EXPECT(!strcmp(trap_error_words(TRAP_GP, 0x402, buf, sizeof(buf)),
                         "IDT entry 128"));
    KTEST_EXPECT(!strcmp(trap_error_words(TRAP_GP, 0, buf, sizeof(buf)),
                         "a privileged instruction or a bad address"));
}

static void set_xmm0(u64 val)
{
    __asm__ volatile("movq %0, %%xmm0" : : "r"(val));
}

static u64 get_xmm0(void)
{
    u64 val;

    __asm__ volatile("movq %%xmm0, %0" : "=r"(val));
    return val;
}

KTEST(x86, fpu_state_follows_its_task)
{
    struct fpu_state *a, *b;
    u64 flags;

    KTEST_REQUIRE(fpu_alloc(&a) == 0);
    if (!KTEST_EXPECT(fpu_alloc(&b) == 0)) {
        fpu_free(a);
        return;
    }
    flags = local_irq_save();
    fpu_switch(NULL, a);
    set_xmm0(111);
    fpu_switch(a, NULL); /* a kernel thread in between */
    fpu_switch(NULL, a);
    KTEST_EXPECT(get_xmm0() == 111);
    fpu_switch(a, b);
    KTEST_EXPECT(get_xmm0() == 0);
    set_xmm0(222);
    fpu_switch(b, a);
    KTEST_EXPECT(get_xmm0() == 111);
    fpu_switch(a, b);
    KTEST_EXPECT(get_xmm0() == 222);
    fpu_switch(b, NULL);
    fpu_forget(a);
    fpu_forget(b);
    local_irq_restore(flags);
    fpu_free(a);
    fpu_free(b);
}

KTEST(x86, corrupt_fpu_images_are_refused)
{
    struct fpu_state *state;
    u8 *bytes;

    KTEST_REQUIRE(fpu_alloc(&state) == 0);
    bytes = (u8 *)state;
    KTEST_EXPECT(fpu_image_valid(state, fpu_state_size()));
    bytes[27] = 0x80; /* a reserved bit of MXCSR */
    KTEST_EXPECT(!fpu_image_valid(state, FXSAVE_SIZE));
    bytes[27] = 0;
    if (fpu_features()) {
        bytes[512 + 7] = 0x40; /* a component that does not exist */
        KTEST_EXPECT(!fpu_image_valid(state, fpu_state_size()));
        KTEST_EXPECT(fpu_image_valid(state, FXSAVE_SIZE));
        bytes[512 + 7] = 0;
        bytes[512 + 15] = 0x80; /* compacted format */
        KTEST_EXPECT(!fpu_image_valid(state, fpu_state_size()));
        bytes[512 + 15] = 0;
        bytes[512 + 20] = 1; /* reserved */
        KTEST_EXPECT(!fpu_image_valid(state, fpu_state_size()));
    }
    fpu_free(state);
}
