/*
 * kernel/lib/printer.h - where a report goes: /proc, the log, a panic, a
 * test.  A module writes one x_report(struct printer *) for all of them.
 *
 * Text of any length passes through unbroken into pieces: nothing here has a
 * buffer of its own.  Who collects text lends its buffer: what fits between
 * next and end is stored there at once, without a call.
 */
#pragma once

#include <kernel/lib/string.h>

struct printer {
    /* Takes text that did not fit; may move next and end. */
    void (*write)(struct printer *out, const char *text, size_t len);
    char *next, *end; /* room; equal: none.  *end is a byte more, for the NUL
                         that the room is kept ended with */
};

void printer_printf(struct printer *out, const char *fmt, ...) __printf(2, 3);
/* Returns the number of characters written; format.h has the directives. */
size_t printer_vprintf(struct printer *out, const char *fmt, va_list ap);
void printer_write(struct printer *out, const char *text, size_t len);
void printer_fill(struct printer *out, char c, size_t n);

static inline void printer_puts(struct printer *out, const char *text)
{
    printer_write(out, text, strlen(text));
}

static inline void printer_putc(struct printer *out, char c)
{
    if (out->next == out->end) {
        out->write(out, &c, 1);
        return;
    }
    *out->next++ = c;
    *out->next = '\0';
}

/*
 * One number without a format, several times faster: right-aligned in `width`
 * columns (at most 64) with `fill` before it; base 10 or 16.  Returns its
 * length.  For tables of thousands of lines.
 */
unsigned int printer_number(struct printer *out, u64 value, unsigned int base,
                            unsigned int width, char fill);

/* "Label:             1234 kB": the label, sixteen characters, as it is. */
#define PRINTER_LABEL 16
void printer_row_kib(struct printer *out, const char *label, u64 kib);

/* Into a buffer; what does not fit is cut and `overflow` set. */
struct printer_buf {
    struct printer out;
    char *buf;
    size_t size;
    bool overflow;
};
void printer_buf_init(struct printer_buf *p, char *buf, size_t size);

static inline size_t printer_buf_len(const struct printer_buf *p)
{
    return p->out.next - p->buf;
}
