/*
 * kernel/lib/printer.c - text into whatever takes text.
 */
#include <kernel/lib/printer.h>
#include <kernel/lib/string.h>

#define NUMBER_MAX 64 /* columns */

static inline size_t room(const struct printer *out)
{
    return out->end - out->next;
}

/* What was stored behind next counts now. */
static inline void advance(struct printer *out, size_t len)
{
    out->next += len;
    *out->next = '\0';
}

void printer_write(struct printer *out, const char *text, size_t len)
{
    if (unlikely(len > room(out))) {
        out->write(out, text, len);
        return;
    }
    if (!len)
        return;
    memcpy(out->next, text, len);
    advance(out, len);
}

void printer_fill(struct printer *out, char c, size_t n)
{
    char run[16];

    if (likely(n && n <= room(out))) {
        memset(out->next, c, n);
        advance(out, n);
        return;
    }
    memset(run, c, sizeof(run));
    for (; n > 0; n -= min(n, sizeof(run)))
        printer_write(out, run, min(n, sizeof(run)));
}

void printer_printf(struct printer *out, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    printer_vprintf(out, fmt, ap);
    va_end(ap);
}

typedef u64 __attribute__((may_alias, aligned(1))) any_u64;

/* The eight hexadecimal digits of a u32, as eight bytes to be stored: nibbles
 * spread over bytes, then all made letters at once. */
static inline u64 hex_digits(u32 value)
{
    const u64 each = 0x0101010101010101ull;
    u64 x = value;

    x = (x << 16 | x) & 0x0000ffff0000ffffull;
    x = (x << 8 | x) & 0x00ff00ff00ff00ffull;
    x = (x << 4 | x) & 0x0f * each;
    x += '0' * each + ((x + 6 * each) >> 4 & each) * ('a' - '0' - 10);
    return __builtin_bswap64(x);
}

/* Up to `end`; returns the first. */
static char *store_hex(char *end, u64 value)
{
    *(any_u64 *)(end - 8) = hex_digits(value);
    if (value >> 32)
        *(any_u64 *)(end - 16) = hex_digits(value >> 32);
    return end - (67 - __builtin_clzl(value | 1)) / 4;
}

static char *store_decimal(char *end, u64 value)
{
    do
        *--end = '0' + value % 10;
    while (value /= 10);
    return end;
}

static unsigned int print_long(struct printer *out, u64 value,
                               unsigned int base, unsigned int width, char fill)
{
    char text[8 + NUMBER_MAX + 8], *end = text + 8 + NUMBER_MAX;
    char *p = base == 16 ? store_hex(end, value) : store_decimal(end, value);
    unsigned int len;

    len = max((unsigned int)(end - p), min(width, NUMBER_MAX));
    while (end - p < len) /* eight at a time: it may be a few too many */
        *(any_u64 *)(p -= 8) = 0x0101010101010101ull * (u8)fill;
    p = end - len;
    if (unlikely(len + 8 > room(out))) {
        printer_write(out, p, len);
        return len;
    }
    for (unsigned int i = 0; i < len; i += 8) /* the last may be too long */
        *(any_u64 *)(out->next + i) = *(any_u64 *)(p + i);
    advance(out, len);
    return len;
}

unsigned int printer_number(struct printer *out, u64 value, unsigned int base,
                            unsigned int width, char fill)
{
    if (value > 9 || width > 1)
        return print_long(out, value, base, width, fill);
    printer_putc(out, '0' + value); /* most are */
    return 1;
}

void printer_row_kib(struct printer *out, const char *label, u64 kib)
{
    printer_write(out, label, PRINTER_LABEL);
    printer_number(out, kib, 10, 8, ' ');
    printer_write(out, " kB\n", 4);
}

static void printer_buf_write(struct printer *out, const char *text, size_t len)
{
    struct printer_buf *p = container_of(out, struct printer_buf, out);

    p->overflow |= len > room(out);
    len = min(len, room(out));
    if (len) {
        memcpy(out->next, text, len);
        advance(out, len);
    }
}

void printer_buf_init(struct printer_buf *p, char *buf, size_t size)
{
    *p = (struct printer_buf){.out.write = printer_buf_write,
                              .out.next = buf,
                              .out.end = size ? buf + size - 1 : buf,
                              .buf = buf,
                              .size = size};
    if (size)
        buf[0] = '\0';
}
