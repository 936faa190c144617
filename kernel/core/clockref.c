/*
 * kernel/core/clockref.c - readers of HPET (IA-PC HPET 1.0a, 2.3), ACPI PM
 * timer (ACPI 6.4, 4.8.3.3) and PIT (8254 data sheet).
 */
#include <kernel/core/clockref.h>
#include <kernel/core/clockscale.h>
#include <kernel/x86/cpu.h>

#define HPET_PERIOD 0x04 /* femtoseconds, high half of the capabilities */
#define HPET_CAPABILITIES 0x00
#define HPET_CONFIG 0x10
#define HPET_COUNTER 0xf0
#define HPET_COUNTER_64 BIT(13)
#define HPET_ENABLE BIT(0)
#define HPET_PERIOD_MAX 100000000 /* by the specification: 100 ns */
#define FEMTOSECONDS 1000000000000000ull

#define PM_TIMER_HZ 3579545
#define PIT_HZ 1193182
#define PIT_COMMAND 0x43
#define PIT_CHANNEL_0 0x40
#define PIT_LATCH_0 0x00
#define PIT_RATE_0 0x34 /* channel 0, both bytes, rate generator */

static const volatile void __iomem *hpet;
static u16 pm_port;

static struct clock_ref hpet_ref, pm_ref;

static u32 hpet_reg(u32 offset)
{
    return *(const volatile u32 __force *)(hpet + offset);
}

static u64 hpet_read64(void)
{
    u64 val;

    __asm__ volatile(
        "movq %1, %0"
        : "=r"(val)
        : "m"(*(const volatile u64 __force *)(hpet + HPET_COUNTER)));
    return val;
}

static u64 hpet_read32(void)
{
    return hpet_reg(HPET_COUNTER);
}

static u64 pm_read(void)
{
    return inl(pm_port);
}

static u64 pit_read(void)
{
    u16 left;

    outb(PIT_COMMAND, PIT_LATCH_0);
    left = inb(PIT_CHANNEL_0);
    left |= (u16)inb(PIT_CHANNEL_0) << 8;
    return (u16)-left; /* it counts down */
}

static const struct clock_ref pit_ref = {
    .name = "PIT", .read = pit_read, .hz = PIT_HZ, .mask = 0xffff};

static bool hpet_usable(void)
{
    u32 period = hpet_reg(HPET_PERIOD);
    bool wide = hpet_reg(HPET_CAPABILITIES) & HPET_COUNTER_64;
    volatile u32 *config = (volatile u32 __force *)(hpet + HPET_CONFIG);

    if (period == 0 || period > HPET_PERIOD_MAX)
        return false;
    *config |= HPET_ENABLE;
    hpet_ref = (struct clock_ref){
        .name = "HPET",
        .read = wide ? hpet_read64 : hpet_read32,
        .hz = FEMTOSECONDS / period,
        .mask = wide ? ~0ull : ~0u,
    };
    return true;
}

const struct clock_ref *clock_ref_find(const struct time_hardware *hardware)
{
    hpet = hardware->hpet;
    if (hpet && hpet_usable())
        return &hpet_ref;
    pm_port = hardware->pm_timer_port;
    if (pm_port && inl(pm_port) != ~0u) {
        pm_ref = (struct clock_ref){
            .name = "ACPI PM timer",
            .read = pm_read,
            .hz = PM_TIMER_HZ,
            .mask = hardware->pm_timer_32bit ? ~0u : 0xffffff,
        };
        return &pm_ref;
    }
    outb(PIT_COMMAND, PIT_RATE_0);
    outb(PIT_CHANNEL_0, 0);
    outb(PIT_CHANNEL_0, 0);
    return &pit_ref;
}
