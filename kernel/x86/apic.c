/*
 * kernel/x86/apic.c - local APIC: end of interrupt, timer, IPIs.
 *
 * Registers are named by their xAPIC offset; x2APIC has the same ones as MSRs
 * 0x800 + offset / 16, and one 64-bit ICR (SDM 3A 10.12.1.2).
 */
#include <kernel/x86/apic.h>

#define LAPIC_ID 0x20
#define LAPIC_TPR 0x80
#define LAPIC_EOI 0xb0
#define LAPIC_SVR 0xf0
#define LAPIC_ICR 0x300
#define LAPIC_ICR_HIGH 0x310
#define LAPIC_LVT_TIMER 0x320
#define LAPIC_LVT_LINT0 0x350
#define LAPIC_LVT_LINT1 0x360
#define LAPIC_LVT_ERROR 0x370
#define LAPIC_TIMER_INITIAL 0x380
#define LAPIC_TIMER_CURRENT 0x390
#define LAPIC_TIMER_DIVIDE 0x3e0

#define SVR_ENABLE BIT(8)
#define LVT_MASKED BIT(16)
#define LVT_NMI (4 << 8)
#define LVT_TIMER_PERIODIC BIT(17)
#define LVT_TIMER_DEADLINE BIT(18)
#define DIVIDE_BY_1 0xb
#define ICR_NMI (4 << 8)
#define ICR_INIT (5 << 8)
#define ICR_STARTUP (6 << 8)
#define ICR_ASSERT BIT(14)
#define ICR_PENDING BIT(12)

#define APIC_BASE_ENABLE BIT(11)
#define APIC_BASE_X2APIC BIT(10)
#define MSR_X2APIC 0x800

#define PIC1_COMMAND 0x20
#define PIC1_DATA 0x21
#define PIC2_COMMAND 0xa0
#define PIC2_DATA 0xa1
#define PIC_ICW1_INIT 0x11
#define PIC_VECTOR 0x20

static volatile void __iomem *lapic; /* (c) */
static bool x2apic;                  /* (c) */
static u32 timer_vector;             /* (c) */

static u32 lapic_read(u32 reg)
{
    u32 val;

    if (x2apic)
        return rdmsr(MSR_X2APIC + reg / 16);
    __asm__ volatile("movl %1, %0"
                     : "=r"(val)
                     : "m"(*(volatile u32 __force *)(lapic + reg))
                     : "memory");
    return val;
}

static void lapic_write(u32 reg, u32 val)
{
    if (x2apic)
        wrmsr(MSR_X2APIC + reg / 16, val);
    else
        __asm__ volatile("movl %0, %1"
                         :
                         : "r"(val), "m"(*(volatile u32 __force *)(lapic + reg))
                         : "memory");
}

bool lapic_init_cpu(volatile void __iomem *regs, u8 spurious_vector)
{
    u64 base;

    if (!cpu_has(CPU_APIC) || (!regs && !cpu_has(CPU_X2APIC)))
        return false;
    base = rdmsr(MSR_APIC_BASE);
    lapic = regs;
    x2apic = cpu_has(CPU_X2APIC);
    wrmsr(MSR_APIC_BASE, base | APIC_BASE_ENABLE);
    if (x2apic)
        wrmsr(MSR_APIC_BASE, base | APIC_BASE_ENABLE | APIC_BASE_X2APIC);
    lapic_write(LAPIC_TPR, 0);
    /* first of all: while it is off, LVT entries stay masked (10.4.7.2) */
    lapic_write(LAPIC_SVR, SVR_ENABLE | spurious_vector);
    lapic_write(LAPIC_LVT_TIMER, LVT_MASKED);
    lapic_write(LAPIC_LVT_ERROR, LVT_MASKED);
    lapic_write(LAPIC_LVT_LINT0, LVT_MASKED);
    lapic_write(LAPIC_LVT_LINT1, LVT_NMI);
    return true;
}

u32 lapic_id(void)
{
    u32 id = lapic_read(LAPIC_ID);

    return x2apic ? id : id >> 24;
}

void lapic_eoi(void)
{
    lapic_write(LAPIC_EOI, 0);
}

void lapic_timer_init(u8 vector)
{
    timer_vector = vector;
    if (cpu_has(CPU_TSC_DEADLINE)) {
        lapic_write(LAPIC_LVT_TIMER, LVT_TIMER_DEADLINE | vector);
        __asm__ volatile("mfence" ::: "memory"); /* SDM 3A 10.5.4.1 */
    } else {
        lapic_write(LAPIC_TIMER_DIVIDE, DIVIDE_BY_1);
    }
}

void lapic_timer_free_run(void)
{
    lapic_write(LAPIC_LVT_TIMER, LVT_MASKED | LVT_TIMER_PERIODIC);
    lapic_write(LAPIC_TIMER_INITIAL, ~0u);
}

u32 lapic_timer_count(void)
{
    return lapic_read(LAPIC_TIMER_CURRENT);
}

void lapic_timer_arm(u32 count)
{
    lapic_write(LAPIC_LVT_TIMER, timer_vector);
    lapic_write(LAPIC_TIMER_INITIAL, count);
}

void lapic_deadline_arm(u64 tsc)
{
    wrmsr(MSR_TSC_DEADLINE, tsc);
}

static void send(u32 apic_id, u32 low)
{
    if (x2apic) {
        /* No store waits for this WRMSR (SDM 3A 10.12.3): what the other CPU
         * is to find must be visible before. */
        __asm__ volatile("mfence; lfence" ::: "memory");
        wrmsr(MSR_X2APIC + LAPIC_ICR / 16, (u64)apic_id << 32 | low);
        return;
    }
    while (lapic_read(LAPIC_ICR) & ICR_PENDING)
        __asm__ volatile("pause");
    lapic_write(LAPIC_ICR_HIGH, apic_id << 24);
    lapic_write(LAPIC_ICR, low);
}

void lapic_send_ipi(u32 apic_id, u8 vector)
{
    send(apic_id, ICR_ASSERT | vector);
}

void lapic_send_nmi(u32 apic_id)
{
    send(apic_id, ICR_ASSERT | ICR_NMI);
}

void lapic_send_init(u32 apic_id)
{
    send(apic_id, ICR_ASSERT | ICR_INIT);
}

void lapic_send_startup(u32 apic_id, u8 page)
{
    send(apic_id, ICR_ASSERT | ICR_STARTUP | page);
}

/* 8259A data sheet, initialization command words 1 to 4. */
void pic_silence(void)
{
    outb(PIC1_COMMAND, PIC_ICW1_INIT);
    outb(PIC2_COMMAND, PIC_ICW1_INIT);
    outb(PIC1_DATA, PIC_VECTOR);
    outb(PIC2_DATA, PIC_VECTOR + 8);
    outb(PIC1_DATA, 4); /* the second one is at input 2 */
    outb(PIC2_DATA, 2);
    outb(PIC1_DATA, 1); /* 8086 mode */
    outb(PIC2_DATA, 1);
    outb(PIC1_DATA, 0xff);
    outb(PIC2_DATA, 0xff);
}
