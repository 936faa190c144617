/*
 * drivers/char/vga.c - the 80x25 text screen that BIOS left, as tty0.
 *
 * Shows the log and what programs write, and gives what the keyboard types:
 * for those who start QEMU with a window and say console=tty0.
 *
 * Structure  the screen is device memory, a character and an attribute byte
 *            per cell.  Of the escape sequences those that place the cursor,
 *            erase and colour are obeyed, the others are swallowed.
 * Locking    vga_lock (spin, irq-safe) covers cursor, parser and screen; it
 *            nests inside tty->lock.  The log's writer stops waiting for it
 *            after a while, for the sake of a panic.
 * Cost       scrolling copies 4000 bytes of device memory.
 */
#include <boot/bootinfo.h>
#include <drivers/char/console.h>
#include <drivers/char/keyboard.h>
#include <drivers/char/tty.h>
#include <drivers/driver.h>

#include <kernel/core/printk.h>
#include <kernel/lib/string.h>
#include <kernel/sync/spinlock.h>
#include <kernel/uapi/errno.h>
#include <kernel/x86/cpu.h>
#include <mm/io.h>

#define VGA_PHYS 0xb8000
#define ROWS 25
#define COLUMNS 80
#define CELLS (ROWS * COLUMNS)
#define NORMAL 0x07 /* attribute: grey on black */
#define BRIGHT 0x08
#define VGA_PATIENCE 100000 /* tries for the lock */

/* CRT controller, IBM VGA technical reference. */
#define CRTC_INDEX 0x3d4
#define CRTC_DATA 0x3d5
#define CRTC_CURSOR_HIGH 0x0e
#define CRTC_CURSOR_LOW 0x0f

#define ESC 0x1b
#define PARAMS 8 /* of a sequence, that we look at */

enum parser { PLAIN, ESCAPE, SEQUENCE };

static DEFINE_SPINLOCK(vga_lock);
static u16 __iomem *screen;
static unsigned int row, column;
static u8 attribute = NORMAL;
static enum parser parser;
static unsigned int params[PARAMS], nr_params;

static void put_cell(unsigned int cell, u8 c)
{
    writew(attribute << 8 | c, screen + cell);
}

static void erase(unsigned int from, unsigned int to)
{
    for (; from < to; from++)
        put_cell(from, ' ');
}

static void scroll(void)
{
    volatile u64 __iomem *to = (void __iomem *)screen;
    const unsigned int step = COLUMNS * 2 / 8; /* words of a row */
    unsigned int i;

    for (i = 0; i < (ROWS - 1) * step; i++)
        writeq(readq(to + i + step), to + i);
    erase((ROWS - 1) * COLUMNS, CELLS);
}

static void newline(void)
{
    column = 0;
    if (row < ROWS - 1)
        row++;
    else
        scroll();
}

static void show_cursor(void)
{
    unsigned int cell = row * COLUMNS + min(column, COLUMNS - 1u);

    outw(CRTC_INDEX, CRTC_CURSOR_HIGH | (cell & 0xff00));
    outw(CRTC_INDEX, CRTC_CURSOR_LOW | (cell & 0xff) << 8);
}

static void put_plain(u8 c)
{
    switch (c) {
    case '\n':
        newline();
        return;
    case '\r':
        column = 0;
        return;
    case '\b':
        column -= column > 0;
        return;
    case '\t':
        column = min((column + 8) & ~7u, COLUMNS - 1u);
        return;
    case ESC:
        parser = ESCAPE;
        return;
    }
    if (c < ' ')
        return;
    if (column == COLUMNS)
        newline();
    put_cell(row * COLUMNS + column++, c);
}

static unsigned int param(unsigned int i, unsigned int if_absent)
{
    return params[i] ? params[i] : if_absent;
}

/* SGR.  VGA counts blue as 1 and red as 4, the sequences the other way. */
static void set_attribute(unsigned int param)
{
    static const u8 colours[] = {0, 4, 2, 6, 1, 5, 3, 7};

    if (param == 0)
        attribute = NORMAL;
    else if (param == 1)
        attribute |= BRIGHT;
    else if (param == 7)
        attribute = NORMAL << 4;
    else if (param == 27 || param == 39 || param == 49)
        attribute = NORMAL;
    else if (param >= 30 && param <= 37)
        attribute = (attribute & 0xf8) | colours[param - 30];
    else if (param >= 40 && param <= 47)
        attribute = (attribute & 0x0f) | colours[param - 40] << 4;
}

/* ECMA-48 8.3: CUU CUD CUF CUB CUP ED EL SGR. */
static void obey(u8 final)
{
    unsigned int here = row * COLUMNS + column;
    unsigned int line = row * COLUMNS, i;

    switch (final) {
    case 'A':
        row -= min(row, param(0, 1));
        break;
    case 'B':
        row = min(row + param(0, 1), ROWS - 1u);
        break;
    case 'C':
        column = min(column + param(0, 1), COLUMNS - 1u);
        break;
    case 'D':
        column -= min(column, param(0, 1));
        break;
    case 'H':
        row = min(param(0, 1) - 1, ROWS - 1u);
        column = min(param(1, 1) - 1, COLUMNS - 1u);
        break;
    case 'J':
        erase(params[0] ? 0 : here, params[0] == 1 ? here : CELLS);
        break;
    case 'm':
        for (i = 0; i <= min(nr_params, PARAMS - 1u); i++)
            set_attribute(params[i]);
        break;
    case 'K':
        erase(params[0] ? line : here, params[0] == 1 ? here : line + COLUMNS);
        break;
    }
}

static void put_sequence(u8 c)
{
    if (c >= '0' && c <= '9') {
        if (nr_params < PARAMS)
            params[nr_params] = min(params[nr_params] * 10 + c - '0', 999u);
    } else if (c == ';') {
        nr_params++;
    } else if (c >= 0x40) { /* the final byte */
        parser = PLAIN;
        obey(c);
    }
}

static void put(u8 c)
{
    if (parser == PLAIN) {
        put_plain(c);
    } else if (parser == SEQUENCE) {
        put_sequence(c);
    } else {
        parser = c == '[' ? SEQUENCE : PLAIN;
        memset(params, 0, sizeof(params));
        nr_params = 0;
    }
}

/* --- the log
 * -------------------------------------------------------------------- */

static bool lock_patiently(void)
{
    unsigned int tries;

    for (tries = 0; tries < VGA_PATIENCE; tries++)
        if (spin_trylock(&vga_lock))
            return true;
    return false;
}

static void vga_console_write(struct console *con, const char *text, size_t len)
{
    u64 flags = local_irq_save();
    bool locked = lock_patiently();

    while (len--)
        put(*text++);
    show_cursor();
    if (locked)
        spin_unlock(&vga_lock);
    local_irq_restore(flags);
}

static struct console vga_console = {
    .name = "tty0",
    .write = vga_console_write,
};

/* --- the terminal
 * --------------------------------------------------------------- */

static size_t vga_write(struct tty *tty, const u8 *bytes, size_t n)
{
    u64 flags = spin_lock_irqsave(&vga_lock);
    size_t i;

    for (i = 0; i < n; i++)
        put(bytes[i]);
    show_cursor();
    spin_unlock_irqrestore(&vga_lock, flags);
    return n;
}

static size_t vga_room(struct tty *tty)
{
    return 1024; /* the screen takes everything at once */
}

static size_t vga_queued(struct tty *tty)
{
    return 0;
}

static void vga_discard(struct tty *tty)
{
}

/* Without a keyboard it is still a screen. */
static int vga_start(struct tty *tty)
{
    int err = keyboard_start(tty);

    if (err)
        pr_warn("%s: no keyboard (error %d)", tty->name, -err);
    return 0;
}

static const struct tty_ops vga_tty_ops = {
    .start = vga_start,
    .write = vga_write,
    .room = vga_room,
    .queued = vga_queued,
    .discard = vga_discard,
};

static struct tty vga_tty = {
    .name = "tty0",
    .dev = MKDEV(4, 0),
    .ops = &vga_tty_ops,
};

static int vga_init(void)
{
    static const char elsewhere[] =
        "Pagewalk: log and shell are on the serial port (console=ttyS0).\n";
    int err;

    if (!bootinfo.vga_text)
        return -ENODEV;
    screen = ioremap(VGA_PHYS, CELLS * sizeof(*screen));
    if (!screen)
        return -ENOMEM;
    erase(0, CELLS);
    if (console_wanted("tty0"))
        console_register(&vga_console);
    else
        vga_console_write(&vga_console, elsewhere, sizeof(elsewhere) - 1);
    err = tty_register(&vga_tty);
    vga_tty.winsize.ws_row = ROWS;
    return err;
}
DRIVER_INITCALL(vga_init);
