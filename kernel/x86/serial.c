/*
 * kernel/x86/serial.c - polled output on COM1; see the header.
 *
 * 16550 data sheet; registers by offset from the port.
 */
#include <kernel/x86/cpu.h>
#include <kernel/x86/serial.h>

#define COM1 0x3f8
#define UART_DATA 0
#define UART_IER 1
#define UART_FCR 2
#define UART_LCR 3
#define UART_MCR 4
#define UART_LSR 5
#define UART_SCRATCH 7
#define LCR_8N1 0x03
#define LCR_DLAB 0x80
#define FCR_ENABLE_CLEAR 0x07
#define MCR_DTR_RTS_OUT2 0x0b
#define LSR_THR_EMPTY 0x20
#define SEND_POLLS_MAX 100000 /* then the line is taken for dead */

static bool present;

static bool scratch_keeps(u8 val)
{
    outb(COM1 + UART_SCRATCH, val);
    return inb(COM1 + UART_SCRATCH) == val;
}

bool serial_early_init(void)
{
    present = inb(COM1 + UART_LSR) != 0xff && scratch_keeps(0x5a) &&
              scratch_keeps(0xa5);
    if (!present)
        return false;
    outb(COM1 + UART_IER, 0);
    outb(COM1 + UART_LCR, LCR_DLAB | LCR_8N1);
    outb(COM1 + UART_DATA, 1); /* divisor: 115200 baud */
    outb(COM1 + UART_IER, 0);
    outb(COM1 + UART_LCR, LCR_8N1);
    outb(COM1 + UART_FCR, FCR_ENABLE_CLEAR);
    outb(COM1 + UART_MCR, MCR_DTR_RTS_OUT2);
    return true;
}

static void send(char c)
{
    for (unsigned int polls = 0; polls < SEND_POLLS_MAX; polls++) {
        if (inb(COM1 + UART_LSR) & LSR_THR_EMPTY) {
            outb(COM1 + UART_DATA, c);
            return;
        }
    }
    present = false;
}

void serial_early_write(const char *text, size_t len)
{
    for (size_t i = 0; i < len && present; i++) {
        if (text[i] == '\n')
            send('\r');
        send(text[i]);
    }
}
