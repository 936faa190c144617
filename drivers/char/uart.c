/*
 * drivers/char/uart.c - the PC's 16550 serial ports, ttyS0 and ttyS1.
 *
 * As a log console (from the first lines of kmain on) a port is polled: one
 * status read covers a FIFO's worth of characters, so a line costs little
 * more than an instruction per character.
 *
 * Structure  one struct uart per standard port address; `present` is decided
 *            once by registers that only a UART remembers.
 * Locking    uart->lock (spin, irq-safe) covers the chip.  The log must come
 *            out in a panic too, so its writer stops waiting for the lock
 *            after a while.
 * Context    console writes: any.
 */
#include <drivers/char/console.h>

#include <kernel/core/printk.h>
#include <kernel/lib/string.h>
#include <kernel/sync/spinlock.h>
#include <kernel/x86/cpu.h>

/* Register offsets and bits: TI PC16550D data sheet, table II. */
#define UART_DATA    0
#define UART_IER     1
#define UART_DIVISOR 0 /* two bytes, while LCR_DLAB */
#define UART_IIR     2 /* read */
#define UART_FCR     2 /* write */
#define UART_LCR     3
#define UART_MCR     4
#define UART_LSR     5
#define UART_SCRATCH 7

#define FCR_ENABLE_CLEAR 0x07 /* FIFOs on and empty, interrupt at 1 byte */
#define LCR_8N1          0x03
#define LCR_DLAB         0x80
#define MCR_DTR_RTS_OUT2 0x0b /* OUT2 lets the interrupt through on a PC */
#define LSR_THRE         0x20 /* transmit FIFO empty */

#define UART_FIFO           16 /* bytes */
#define UART_DIVISOR_115200 1
#define UART_PATIENCE       100000 /* status reads before a byte is given up */

struct uart {
    u16 port;
    bool present;    /* (c) */
    spinlock_t lock; /* the chip's registers */
    struct console console;
};

static void uart_console_write(struct console *con, const char *text,
                               size_t len);

static struct uart uarts[] = {
    {.port = 0x3f8,
     .lock = SPINLOCK_INIT(ttyS0),
     .console = {.name = "ttyS0", .write = uart_console_write}},
    {.port = 0x2f8,
     .lock = SPINLOCK_INIT(ttyS1),
     .console = {.name = "ttyS1", .write = uart_console_write}},
};

/* A port that nobody drives reads as ones and remembers nothing. */
static bool uart_detect(u16 port)
{
    outb(port + UART_IER, 0);
    if (inb(port + UART_IER))
        return false;
    outb(port + UART_SCRATCH, 0x5a);
    return inb(port + UART_SCRATCH) == 0x5a;
}

static void uart_setup(u16 port)
{
    outb(port + UART_LCR, LCR_DLAB);
    outb(port + UART_DIVISOR, UART_DIVISOR_115200);
    outb(port + UART_DIVISOR + 1, 0);
    outb(port + UART_LCR, LCR_8N1);
    outb(port + UART_FCR, FCR_ENABLE_CLEAR);
    outb(port + UART_MCR, MCR_DTR_RTS_OUT2);
}

static bool uart_wait_empty(u16 port)
{
    unsigned int tries;

    for (tries = 0; tries < UART_PATIENCE; tries++)
        if (inb(port + UART_LSR) & LSR_THRE)
            return true;
    return false;
}

static void uart_fill_fifo(u16 port, const void *bytes, size_t n)
{
    __asm__ volatile("rep outsb"
                     : "+S"(bytes), "+c"(n)
                     : "d"(port + UART_DATA)
                     : "memory");
}

/* Moves text into out[UART_FIFO], "\n" as "\r\n"; characters used up. */
static size_t burst_from(const char *text, size_t len, char *out, size_t *n)
{
    size_t used = 0, fill = 0;

    while (used < len && fill < UART_FIFO) {
        if (text[used] == '\n') {
            if (fill == UART_FIFO - 1)
                break;
            out[fill++] = '\r';
        }
        out[fill++] = text[used++];
    }
    *n = fill;
    return used;
}

/* A panic may interrupt the lock's holder on this very CPU. */
static bool lock_patiently(spinlock_t *lock)
{
    unsigned int tries;

    for (tries = 0; tries < UART_PATIENCE; tries++) {
        if (spin_trylock(lock))
            return true;
        __asm__ volatile("pause");
    }
    return false;
}

static void uart_console_write(struct console *con, const char *text,
                               size_t len)
{
    struct uart *uart = container_of(con, struct uart, console);
    u64 flags = local_irq_save();
    bool locked = lock_patiently(&uart->lock);

    while (len && uart_wait_empty(uart->port)) {
        char burst[UART_FIFO];
        size_t n, used = burst_from(text, len, burst, &n);

        uart_fill_fifo(uart->port, burst, n);
        text += used;
        len -= used;
    }
    if (locked)
        spin_unlock(&uart->lock);
    local_irq_restore(flags);
}

void uart_console_init(void)
{
    size_t i;

    for (i = 0; i < ARRAY_SIZE(uarts); i++) {
        struct uart *uart = &uarts[i];

        uart->present = uart_detect(uart->port);
        if (!uart->present)
            continue;
        uart_setup(uart->port);
        if (console_wanted(uart->console.name))
            console_register(&uart->console);
    }
}
