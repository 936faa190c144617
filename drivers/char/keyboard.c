/*
 * drivers/char/keyboard.c - the PC's keyboard, behind the text screen.
 *
 * The controller (i8042; IBM PC/AT technical reference) was set up by the
 * firmware: it translates to scan code set 1 and raises ISA interrupt 1 for
 * each byte.  Here bytes become characters, and those go to tty0.
 *
 * Locking    only the interrupt handler touches `keymap`; the line keeps it
 *            from running twice at a time.
 * Context    keyboard_start may sleep; the handler must not.
 */
#include <drivers/char/keyboard.h>

#include <drivers/char/keymap.h>
#include <kernel/core/irq.h>
#include <kernel/core/printk.h>
#include <kernel/uapi/errno.h>
#include <kernel/x86/cpu.h>

#define KBD_DATA 0x60
#define KBD_STATUS 0x64    /* read */
#define KBD_COMMAND 0x64   /* write */
#define STATUS_OUTPUT 0x01 /* a byte waits in KBD_DATA */
#define STATUS_INPUT 0x02  /* the controller has not taken the last byte */
#define STATUS_MOUSE 0x20  /* and it is the mouse's */
#define COMMAND_READ_CONFIG 0x20
#define COMMAND_WRITE_CONFIG 0x60
#define CONFIG_KEYBOARD_IRQ 0x01
#define CONFIG_KEYBOARD_OFF 0x10
#define CONFIG_TRANSLATE 0x40
#define KBD_ISA_IRQ 1
#define KBD_PATIENCE 10000 /* status reads before the controller is given up */
#define KBD_BURST 16       /* bytes in one interrupt */

static struct keymap keymap;

/* Waits until the status bits under `mask` are `want`. */
static bool wait_status(u8 mask, u8 want)
{
    unsigned int tries;

    for (tries = 0; tries < KBD_PATIENCE; tries++)
        if ((inb(KBD_STATUS) & mask) == want)
            return true;
    return false;
}

static bool send(u16 port, u8 byte)
{
    if (!wait_status(STATUS_INPUT, 0))
        return false;
    outb(port, byte);
    return true;
}

/* Interrupts on, keyboard on, translation on.  False: nobody answers. */
static bool configure(void)
{
    u8 config;
    int drain;

    if (inb(KBD_STATUS) == 0xff)
        return false;
    for (drain = 0; drain < KBD_BURST && (inb(KBD_STATUS) & STATUS_OUTPUT);
         drain++)
        inb(KBD_DATA);
    if (!send(KBD_COMMAND, COMMAND_READ_CONFIG) ||
        !wait_status(STATUS_OUTPUT, STATUS_OUTPUT))
        return false;
    config = inb(KBD_DATA) & ~CONFIG_KEYBOARD_OFF;
    config |= CONFIG_KEYBOARD_IRQ | CONFIG_TRANSLATE;
    return send(KBD_COMMAND, COMMAND_WRITE_CONFIG) && send(KBD_DATA, config);
}

static void keyboard_interrupt(unsigned int irq, void *arg)
{
    struct tty *tty = arg;
    int burst;

    for (burst = 0; burst < KBD_BURST; burst++) {
        u8 status = inb(KBD_STATUS), out[KEYMAP_OUT_MAX], code;
        size_t n;

        if (!(status & STATUS_OUTPUT))
            break;
        code = inb(KBD_DATA);
        if (status & STATUS_MOUSE)
            continue;
        n = keymap_translate(&keymap, code, out);
        if (n)
            tty_receive(tty, out, n);
    }
}

int keyboard_start(struct tty *tty)
{
    if (!configure())
        return -ENODEV;
    return irq_request(irq_isa_to_gsi(KBD_ISA_IRQ), IRQ_ISA_DEFAULT,
                       keyboard_interrupt, tty, "keyboard");
}
