/*
 * drivers/char/uart.c - the PC's 16550 serial ports, ttyS0 and ttyS1.
 *
 * As a log console (from the first lines of kmain on) a port is polled: one
 * status read covers a FIFO's worth of characters, so a line costs little
 * more than an instruction per character.  As a terminal it receives by
 * interrupt, and transmits at once while the chip takes it; only what is left
 * waits in a ring for the transmit interrupt.
 *
 * Structure  one struct uart per standard port address; `present` is decided
 *            once by registers that only a UART remembers.
 * Locking    uart->lock (spin, irq-safe) covers the chip and the ring; it
 *            nests inside tty->lock.  The log must come out in a panic too,
 *            so its writer stops waiting for the lock after a while.
 * Invariant  the ring is not empty => the transmit interrupt is on, or the
 *            terminal is stopped by Ctrl-S.
 * Context    console writes and the interrupt handler: any.
 */
#include <drivers/char/console.h>
#include <drivers/char/tty.h>
#include <drivers/driver.h>

#include <kernel/core/irq.h>
#include <kernel/core/printk.h>
#include <kernel/lib/string.h>
#include <kernel/sync/spinlock.h>
#include <kernel/uapi/errno.h>
#include <kernel/x86/cpu.h>
#include <mm/slab.h>

/* Register offsets and bits: TI PC16550D data sheet, table II. */
#define UART_DATA 0
#define UART_IER 1
#define UART_DIVISOR 0 /* two bytes, while LCR_DLAB */
#define UART_IIR 2     /* read */
#define UART_FCR 2     /* write */
#define UART_LCR 3
#define UART_MCR 4
#define UART_LSR 5
#define UART_SCRATCH 7

#define IER_RECEIVE 0x01
#define IER_TRANSMIT 0x02
#define IIR_NONE 0x01         /* no interrupt pending */
#define FCR_ENABLE_CLEAR 0x07 /* FIFOs on and empty, interrupt at 1 byte */
#define LCR_8N1 0x03
#define LCR_DLAB 0x80
#define MCR_DTR_RTS_OUT2 0x0b /* OUT2 lets the interrupt through on a PC */
#define LSR_DATA 0x01         /* a byte has come */
#define LSR_BREAK 0x10        /* the line was held low */
#define LSR_THRE 0x20         /* transmit FIFO empty */

#define UART_FIFO 16    /* bytes */
#define UART_RING 1024u /* bytes waiting to be sent, a power of two */
#define UART_ROUNDS 64  /* of the handler: a chip gone mad ends there */
#define UART_DIVISOR_115200 1
#define UART_PATIENCE 100000 /* status reads before a byte is given up */

struct uart {
    u16 port;        /* (c) */
    u8 isa_irq;      /* (c) */
    bool present;    /* (c) */
    spinlock_t lock; /* the chip, and: */
    u8 ier;          /* what the chip's register holds */
    bool stopped;
    u8 *ring;       /* UART_RING bytes; NULL until the first open */
    u32 head, tail; /* counts of bytes put in and taken out */
    struct console console;
    struct tty tty;
};

static void uart_console_write(struct console *con, const char *text,
                               size_t len);
static const struct tty_ops uart_tty_ops;

#define UART(name_, port_, irq_, minor)                                        \
    {                                                                          \
        .port = port_, .isa_irq = irq_, .lock = SPINLOCK_INIT(name_),          \
        .console = {.name = #name_, .write = uart_console_write}, .tty = {     \
            .name = #name_,                                                    \
            .dev = MKDEV(4, minor),                                            \
            .ops = &uart_tty_ops                                               \
        }                                                                      \
    }
static struct uart uarts[] = {
    UART(ttyS0, 0x3f8, 4, 64),
    UART(ttyS1, 0x2f8, 3, 65),
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

/* --- the terminal ------------------------------------------------------------
 */

static struct uart *uart_of(struct tty *tty)
{
    return container_of(tty, struct uart, tty);
}

static void set_ier(struct uart *uart, u8 ier)
{
    if (uart->ier != ier)
        outb(uart->port + UART_IER, ier);
    uart->ier = ier;
}

/* Sends while the chip takes it, and asks for an interrupt if some is left.
 * Locks: uart->lock. */
static void transmit(struct uart *uart)
{
    u8 ier = uart->ier & ~IER_TRANSMIT;

    while (uart->head != uart->tail && !uart->stopped &&
           (inb(uart->port + UART_LSR) & LSR_THRE)) {
        u32 from = uart->tail % UART_RING;
        u32 n = min(uart->head - uart->tail, (u32)UART_FIFO);

        n = min(n, UART_RING - from);
        uart_fill_fifo(uart->port, uart->ring + from, n);
        uart->tail += n;
    }
    if (uart->head != uart->tail && !uart->stopped)
        ier |= IER_TRANSMIT;
    set_ier(uart, ier);
}

static size_t uart_room(struct tty *tty)
{
    struct uart *uart = uart_of(tty);

    return UART_RING - (READ_ONCE(uart->head) - READ_ONCE(uart->tail));
}

static size_t uart_queued(struct tty *tty)
{
    return UART_RING - uart_room(tty);
}

static size_t uart_write(struct tty *tty, const u8 *bytes, size_t n)
{
    struct uart *uart = uart_of(tty);
    u64 flags = spin_lock_irqsave(&uart->lock);
    size_t i;

    n = min(n, uart_room(tty));
    for (i = 0; i < n; i++)
        uart->ring[uart->head++ % UART_RING] = bytes[i];
    transmit(uart);
    spin_unlock_irqrestore(&uart->lock, flags);
    return n;
}

static void uart_discard(struct tty *tty)
{
    struct uart *uart = uart_of(tty);
    u64 flags = spin_lock_irqsave(&uart->lock);

    uart->tail = uart->head;
    set_ier(uart, uart->ier & ~IER_TRANSMIT);
    spin_unlock_irqrestore(&uart->lock, flags);
}

static void uart_flow(struct tty *tty, bool stop)
{
    struct uart *uart = uart_of(tty);
    u64 flags = spin_lock_irqsave(&uart->lock);

    uart->stopped = stop;
    transmit(uart);
    spin_unlock_irqrestore(&uart->lock, flags);
}

/* Without the interrupt bytes stay in the chip, and behind it in QEMU. */
static void uart_throttle(struct tty *tty, bool stop)
{
    struct uart *uart = uart_of(tty);
    u64 flags = spin_lock_irqsave(&uart->lock);
    u8 ier = uart->ier & ~IER_RECEIVE;

    set_ier(uart, stop ? ier : ier | IER_RECEIVE);
    spin_unlock_irqrestore(&uart->lock, flags);
}

/* What has come, at most a FIFO full; a break is not a byte. */
static size_t receive(struct uart *uart, u8 bytes[UART_FIFO])
{
    size_t n = 0;
    u8 status;

    while (n < UART_FIFO &&
           ((status = inb(uart->port + UART_LSR)) & LSR_DATA)) {
        bytes[n] = inb(uart->port + UART_DATA);
        if (!(status & LSR_BREAK))
            n++;
    }
    return n;
}

/*
 * The line is edge-triggered: it must have been low once before the next
 * interrupt can come, so go on until the chip has no reason left.
 */
static void uart_interrupt(unsigned int irq, void *arg)
{
    struct uart *uart = arg;
    unsigned int rounds;

    for (rounds = 0; rounds < UART_ROUNDS; rounds++) {
        u8 bytes[UART_FIFO];
        bool had_output, none;
        size_t n;

        spin_lock(&uart->lock);
        none = inb(uart->port + UART_IIR) & IIR_NONE;
        had_output = uart->head != uart->tail;
        n = uart->ier & IER_RECEIVE ? receive(uart, bytes) : 0;
        transmit(uart);
        spin_unlock(&uart->lock);
        if (n)
            tty_receive(&uart->tty, bytes, n);
        if (had_output)
            tty_wake_writers(&uart->tty);
        if (none && !n)
            break;
    }
}

static int uart_start(struct tty *tty)
{
    struct uart *uart = uart_of(tty);
    u64 flags;
    int err;

    if (!uart->ring)
        uart->ring = kmalloc(UART_RING, GFP_KERNEL);
    if (!uart->ring)
        return -ENOMEM;
    err = irq_request(irq_isa_to_gsi(uart->isa_irq), IRQ_ISA_DEFAULT,
                      uart_interrupt, uart, tty->name);
    if (err) {
        pr_err("%s: no interrupt (error %d): output only", tty->name, -err);
        return 0;
    }
    flags = spin_lock_irqsave(&uart->lock);
    set_ier(uart, uart->ier | IER_RECEIVE);
    spin_unlock_irqrestore(&uart->lock, flags);
    return 0;
}

static const struct tty_ops uart_tty_ops = {
    .start = uart_start,
    .write = uart_write,
    .room = uart_room,
    .queued = uart_queued,
    .discard = uart_discard,
    .flow = uart_flow,
    .throttle = uart_throttle,
};

static int uart_tty_init(void)
{
    bool any = false;
    size_t i;

    for (i = 0; i < ARRAY_SIZE(uarts); i++) {
        if (!uarts[i].present)
            continue;
        any = true;
        if (tty_register(&uarts[i].tty) < 0)
            pr_err("%s: not registered", uarts[i].tty.name);
    }
    return any ? 0 : -ENODEV;
}
DRIVER_INITCALL(uart_tty_init);
