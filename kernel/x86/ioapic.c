/*
 * kernel/x86/ioapic.c - the redirection table of an I/O APIC.
 *
 * 82093AA data sheet 3.2: an index register and a data register.
 * Locking    the caller's (core/irq.c): index and data belong together.
 */
#include <kernel/x86/apic.h>

#define IOAPIC_INDEX 0x00
#define IOAPIC_DATA 0x10
#define REG_VERSION 1
#define REG_REDIRECTION(input) (0x10 + 2 * (input))
#define REDIRECTION_MASKED BIT(16)
#define REDIRECTION_LEVEL BIT(15)
#define REDIRECTION_ACTIVE_LOW BIT(13)

static volatile u32 *reg_at(volatile void __iomem *regs, u32 offset)
{
    return (volatile u32 __force *)(regs + offset);
}

static u32 ioapic_read(volatile void __iomem *regs, u32 reg)
{
    *reg_at(regs, IOAPIC_INDEX) = reg;
    return *reg_at(regs, IOAPIC_DATA);
}

static void ioapic_write(volatile void __iomem *regs, u32 reg, u32 val)
{
    *reg_at(regs, IOAPIC_INDEX) = reg;
    *reg_at(regs, IOAPIC_DATA) = val;
}

unsigned int ioapic_inputs(volatile void __iomem *regs)
{
    return (ioapic_read(regs, REG_VERSION) >> 16 & 0xff) + 1;
}

void ioapic_route(volatile void __iomem *regs, unsigned int input, u8 vector,
                  u32 apic_id, unsigned int flags)
{
    u32 low = vector;

    if (flags & IOAPIC_LEVEL)
        low |= REDIRECTION_LEVEL;
    if (flags & IOAPIC_ACTIVE_LOW)
        low |= REDIRECTION_ACTIVE_LOW;
    ioapic_write(regs, REG_REDIRECTION(input) + 1, apic_id << 24);
    ioapic_write(regs, REG_REDIRECTION(input), low);
}

void ioapic_mask(volatile void __iomem *regs, unsigned int input)
{
    u32 low = ioapic_read(regs, REG_REDIRECTION(input));

    ioapic_write(regs, REG_REDIRECTION(input), low | REDIRECTION_MASKED);
}
