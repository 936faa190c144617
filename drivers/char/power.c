/*
 * drivers/char/power.c - off, restart, halt, and the exit status of a test.
 *
 * Off        ACPI's PM1 control register with S5's sleep type; if the tables
 *            say nothing, the ports where QEMU's machines have it.
 * Restart    ACPI's reset register, the keyboard controller's reset line, and
 *            last an exception without a handler table, which no PC survives.
 * Test       with isa-debug-exit present every way out goes through it, so
 *            that the status of QEMU tells what happened: off is "passed",
 *            a panic "panic", a restart for the reason "failed" is that.
 * Context    any, also with interrupts off in the middle of a panic.
 */
#include <drivers/char/power.h>

#include <drivers/acpi/tables.h>
#include <kernel/core/irq.h>
#include <kernel/core/panic.h>
#include <kernel/core/power.h>
#include <kernel/core/time.h>
#include <kernel/lib/string.h>
#include <kernel/sync/atomic.h>
#include <kernel/x86/cpu.h>

#define DEBUG_EXIT_PORT 0xf4 /* the iobase that our tests give it */
#define PORT_ABSENT 0xff     /* nobody drives the bus */
#define KBD_COMMAND_PORT 0x64
#define KBD_PULSE_RESET 0xfe /* pulses output line 0, the CPU's reset */
#define PM1_SLP_EN BIT(13)   /* ACPI 6.4 table 4.14 */
#define PM1_SLP_TYP_MASK (7 << 10)
#define PM1_SLP_TYP_SHIFT 10
#define POWER_OFF_LIMIT (3 * NSEC_PER_SEC) /* then it was a refusal */
#define ACPI_SPACE_PORTS 1                 /* ACPI 6.4 table 5.1 */

/* PM1a control where the tables do not tell: port, and value for S5. */
static const struct {
    u16 port, value;
} qemu_off[] = {
    {0x604, PM1_SLP_EN},  /* pc, q35; SLP_TYP of S5 is 0 */
    {0xb004, PM1_SLP_EN}, /* pc under OVMF */
};

/* Whether isa-debug-exit answers at port 0xf4. */
static bool power_under_test(void)
{
    return inb(DEBUG_EXIT_PORT) == 0;
}

/* The machine stops a moment after it was asked to: a caller that went on
 * meanwhile would take that for a refusal. */
static void await_the_end(void)
{
    u64 until = ktime_get() + POWER_OFF_LIMIT;

    while (ktime_get() < until)
        cpu_relax();
}

static void debug_exit(int value)
{
    if (!power_under_test())
        return;
    outl(DEBUG_EXIT_PORT, value);
    await_the_end();
}

static void __noreturn power_halt(void)
{
    for (;;)
        __asm__ volatile("cli; hlt");
}

/* Reading the tables may sleep; in a panic the known ports have to do. */
static bool may_read_tables(void)
{
    return !irqs_disabled();
}

static void sleep_forever(u16 control, u8 type)
{
    u16 old = inw(control) & ~(PM1_SLP_TYP_MASK | PM1_SLP_EN);

    outw(control, old | type << PM1_SLP_TYP_SHIFT | PM1_SLP_EN);
}

static void acpi_off(void)
{
    struct acpi_fadt fadt;
    struct acpi_sleep sleep;

    if (!may_read_tables() || !acpi_fadt(&fadt) || acpi_s5(&sleep) ||
        !fadt.pm1a_control)
        return;
    sleep_forever(fadt.pm1a_control, sleep.type_a);
    if (fadt.pm1b_control)
        sleep_forever(fadt.pm1b_control, sleep.type_b);
}

static void power_off(void)
{
    size_t i;

    debug_exit(POWER_TEST_PASSED);
    acpi_off();
    for (i = 0; i < ARRAY_SIZE(qemu_off); i++)
        outw(qemu_off[i].port, qemu_off[i].value);
    await_the_end();
}

static void acpi_reset(void)
{
    struct acpi_fadt fadt;

    if (may_read_tables() && acpi_fadt(&fadt) && fadt.has_reset &&
        fadt.reset_space == ACPI_SPACE_PORTS)
        outb(fadt.reset_address, fadt.reset_value);
}

static void power_restart(const char *word)
{
    struct __packed {
        u16 limit;
        u64 base;
    } no_idt = {0, 0};

    if (word && !strcmp(word, "failed"))
        debug_exit(POWER_TEST_FAILED);
    acpi_reset();
    outb(KBD_COMMAND_PORT, KBD_PULSE_RESET);
    /* Both resets take effect at once where there is one. */
    __asm__ volatile("lidt %0; int3" : : "m"(no_idt));
}

static const struct power_ops pc_power_ops = {
    .off = power_off,
    .restart = power_restart,
    .halt = power_halt,
};

static void panic_exit(void)
{
    debug_exit(POWER_TEST_PANIC);
}

void power_test_exit(int value)
{
    debug_exit(value);
    power_off();
    power_halt();
}

void power_init(void)
{
    power_ops = &pc_power_ops;
    panic_exit_hook = panic_exit;
}
