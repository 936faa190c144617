/*
 * kernel/x86/apic.h - the local APIC of each CPU, and the I/O APICs.
 *
 * SDM 3A 10; 82093AA data sheet.  x2APIC (MSRs) where the CPU has it, else
 * xAPIC (memory).  Nothing here finds the hardware: struct irq_hardware says
 * where it is, and its memory is already mapped.
 */
#pragma once

#include <kernel/lib/types.h>
#include <kernel/x86/cpu.h>

#define IOAPICS_MAX 8
#define IRQ_OVERRIDES_MAX 16

/* From the MADT (ACPI 6.4, 5.2.12), or what every PC has without one. */
struct irq_hardware {
    phys_addr_t lapic_phys;
    volatile void __iomem *lapic; /* mapped uncached */
    unsigned int nr_cpus;
    u32 apic_id[NR_CPUS_MAX]; /* enabled ones, in the table's order */
    unsigned int nr_ioapics;
    struct {
        phys_addr_t phys;
        volatile void __iomem *regs; /* mapped uncached */
        u32 gsi_base;
        u8 id;
    } ioapic[IOAPICS_MAX];
    unsigned int nr_overrides;
    struct {
        u8 isa;
        u32 gsi;
        bool level, active_low;
    } override[IRQ_OVERRIDES_MAX];
    bool has_8259;
};

/* On each CPU.  Whether there is a local APIC. */
bool lapic_init_cpu(volatile void __iomem *regs, u8 spurious_vector);
u32 lapic_id(void);
void lapic_eoi(void);

/* One shot, to `vector`; the count runs down at a rate that time.c measures.
 * lapic_timer_free_run() lets it run silently from the top for that. */
void lapic_timer_init(u8 vector);
void lapic_timer_free_run(void);
u32 lapic_timer_count(void);
void lapic_timer_arm(u32 count);  /* not 0 */
void lapic_deadline_arm(u64 tsc); /* CPU_TSC_DEADLINE only */

void lapic_send_ipi(u32 apic_id, u8 vector);
void lapic_send_nmi(u32 apic_id);
void lapic_send_init(u32 apic_id);
void lapic_send_startup(u32 apic_id, u8 page); /* page << 12: where */

/* The 8259 pair: out of the way of exceptions, and masked. */
void pic_silence(void);

#define IOAPIC_LEVEL BIT(0)
#define IOAPIC_ACTIVE_LOW BIT(1)
unsigned int ioapic_inputs(volatile void __iomem *regs);
void ioapic_route(volatile void __iomem *regs, unsigned int input, u8 vector,
                  u32 apic_id, unsigned int flags); /* and unmasks */
void ioapic_mask(volatile void __iomem *regs, unsigned int input);
