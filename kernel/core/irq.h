/*
 * kernel/core/irq.h - device interrupts, from request to handler.
 *
 * An IRQ number is a GSI (an I/O APIC input), or one that irq_alloc_msi()
 * made up.  A device interrupts one CPU for good, the one that requested the
 * interrupt: mostly the first, which starts the drivers.  Handlers run with
 * interrupts off there, on the interrupted task's kernel stack, and must not
 * sleep.
 */
#pragma once

#include <kernel/lib/types.h>

struct irq_hardware; /* kernel/x86/apic.h */
struct printer;

/* Vectors 0x30 to 0x30 + IRQ_LINES - 1 are handed out; above lie ours. */
#define IRQ_FIRST_VECTOR 0x30
#define IRQ_LINES 96
#define VECTOR_TIMER 0xec
#define VECTOR_RESCHEDULE 0xed
#define VECTOR_CALL 0xee
#define VECTOR_SPURIOUS 0xff

/* Takes over the interrupt hardware; without a local APIC it panics in words.
 * The struct is copied.  Once, interrupts off. */
void irq_init(const struct irq_hardware *hardware);
const struct irq_hardware *irq_hardware(void);
void irq_report(struct printer *out); /* /proc/interrupts */
u64 irq_total(void);                  /* so far, the timers' included */

typedef void irq_handler_t(unsigned int irq, void *arg);

#define IRQ_LEVEL BIT(0)      /* else edge */
#define IRQ_ACTIVE_LOW BIT(1) /* else active high */
#define IRQ_SHARED BIT(2)
#define IRQ_ISA_DEFAULT BIT(3) /* polarity and trigger as the MADT says */

/* Returns: 0, -EBUSY (taken, not shared), -ENOSPC (no vector), -EINVAL,
 * -ENODEV (no I/O APIC serves it). */
int irq_request(unsigned int irq, unsigned int flags, irq_handler_t *handler,
                void *arg, const char *name);
void irq_free(unsigned int irq, void *arg); /* returns when no handler runs */

/* A message-signalled interrupt: what the device has to write where.
 * Returns: IRQ number, or -ENOSPC. */
int irq_alloc_msi(u64 *msi_addr, u32 *msi_data);
void irq_free_msi(unsigned int irq);

/* ISA interrupt -> GSI, by the MADT's overrides. */
unsigned int irq_isa_to_gsi(unsigned int isa);

static inline bool irqs_disabled(void)
{
    u64 flags;

    __asm__ volatile("pushfq; popq %0" : "=r"(flags));
    return !(flags & BIT(9)); /* RFLAGS.IF, SDM 1 3.4.3 */
}

static inline void local_irq_disable(void)
{
    __asm__ volatile("cli" ::: "memory");
}

static inline void local_irq_enable(void)
{
    __asm__ volatile("sti" ::: "memory");
}

static inline u64 local_irq_save(void)
{
    u64 flags;

    __asm__ volatile("pushfq; popq %0; cli" : "=r"(flags)::"memory");
    return flags;
}

static inline void local_irq_restore(u64 flags)
{
    if (flags & BIT(9))
        local_irq_enable();
}
