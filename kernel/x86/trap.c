/*
 * kernel/x86/trap.c - the IDT, and who gets a vector that arrived.
 *
 * Order      a handler in vector_handlers; for kernel faults other than page
 *            faults the exception table; then upcall_trap.
 * Structure  one IDT for all CPUs, on a page of its own, constant after
 *            trap_init().
 * Context    trap_dispatch runs with interrupts off and turns them on for
 *            upcall_trap where the interrupted code had them on.
 */
#include <kernel/x86/cpu.h>
#include <kernel/x86/entry_area.h>
#include <kernel/x86/trap.h>
#include <kernel/x86/upcall.h>

#define RFLAGS_IF BIT(9)
#define DR6_CLEAR 0xffff0ff0 /* SDM 3B 17.2.3: bits that read as one */
#define ISR_STUB_SIZE 16     /* isr.asm */

struct idt_gate { /* SDM 3A 6.14.1 */
    u16 offset_low;
    u16 selector;
    u8 ist;  /* 0: none, else index into TSS.ist + 1 */
    u8 type; /* present, DPL, interrupt gate */
    u16 offset_mid;
    u32 offset_high;
    u32 reserved;
};
#define GATE_INTERRUPT 0x8e /* present, DPL 0; interrupts go off */
#define GATE_USER 0xee      /* the same that ring 3 may call by INT n */

extern char isr_stubs[];
extern char syscall_entry[], syscall_entry_compat[];

vector_handler_t *vector_handlers[NR_VECTORS];
unsigned long (*trap_fixup_find)(unsigned long rip);

void trap_dispatch(struct pt_regs *regs, unsigned int vector);

static u64 read_and_clear_dr6(void)
{
    u64 dr6;

    __asm__ volatile("mov %%dr6, %0" : "=r"(dr6));
    __asm__ volatile("mov %0, %%dr6" : : "r"((u64)DR6_CLEAR));
    return dr6;
}

/* Called by isr.asm for every vector. */
void trap_dispatch(struct pt_regs *regs, unsigned int vector)
{
    vector_handler_t *handler = vector_handlers[vector];
    unsigned long fixup;
    u64 cr2 = 0;

    if (handler && handler(regs, vector))
        return;
    if (vector == TRAP_PF)
        cr2 = read_cr2();
    else if (vector == TRAP_DB)
        cr2 = read_and_clear_dr6();
    if (vector != TRAP_PF && !user_mode(regs) && trap_fixup_find) {
        fixup = trap_fixup_find(regs->rip);
        if (fixup) {
            regs->rip = fixup;
            return;
        }
    }
    if (!(regs->rflags & RFLAGS_IF)) {
        upcall_trap(regs, vector, cr2);
        return;
    }
    __asm__ volatile("sti" ::: "memory");
    upcall_trap(regs, vector, cr2);
    __asm__ volatile("cli" ::: "memory");
}

static u8 gate_ist(unsigned int vector)
{
    switch (vector) {
    case TRAP_DF:
    case TRAP_MC:
        return IST_FATAL + 1;
    case TRAP_NMI:
        return IST_NMI + 1;
    case TRAP_DB:
        return IST_DEBUG + 1;
    default:
        return 0;
    }
}

void trap_init(void)
{
    struct idt_gate *idt = (struct idt_gate *)idt_page;

    for (unsigned int vector = 0; vector < NR_VECTORS; vector++) {
        u64 stub = (u64)isr_stubs + vector * ISR_STUB_SIZE;
        bool user = vector == TRAP_BP || vector == TRAP_OF;

        idt[vector] = (struct idt_gate){
            .offset_low = stub,
            .selector = KERNEL_CS,
            .ist = gate_ist(vector),
            .type = user ? GATE_USER : GATE_INTERRUPT,
            .offset_mid = stub >> 16,
            .offset_high = stub >> 32,
        };
    }
}

void syscall_init(void)
{
    /* TF, IF, DF, IOPL, NT, RF, AC, ID: SDM 1 3.4.3 */
    const u64 cleared = BIT(8) | BIT(9) | BIT(10) | BIT(12) | BIT(13) |
                        BIT(14) | BIT(16) | BIT(18) | BIT(21);

    wrmsr(MSR_STAR, (u64)USER32_CS << 48 | (u64)KERNEL_CS << 32);
    wrmsr(MSR_LSTAR, (u64)syscall_entry);
    wrmsr(MSR_CSTAR, (u64)syscall_entry_compat);
    wrmsr(MSR_FMASK, cleared);
    wrmsr(MSR_SYSENTER_CS, 0);                 /* SYSENTER is #GP */
    wrmsr(MSR_EFER, rdmsr(MSR_EFER) | BIT(0)); /* SCE */
}
