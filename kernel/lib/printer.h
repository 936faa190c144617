/*
 * kernel/lib/printer.h - where a report goes: /proc, the log, a panic, a
 * test.  A module writes one x_report(struct printer *) for all of them.
 *
 * Text of any length passes through unbroken into pieces: nothing here has a
 * buffer of its own.
 */
#pragma once

#include <kernel/lib/types.h>

struct printer {
    void (*write)(struct printer *out, const char *text, size_t len);
};

void printer_printf(struct printer *out, const char *fmt, ...) __printf(2, 3);
/* Returns the number of characters written; format.h has the directives. */
size_t printer_vprintf(struct printer *out, const char *fmt, va_list ap);
void printer_puts(struct printer *out, const char *text);

/* Into a buffer; what does not fit is cut and `overflow` set. */
struct printer_buf {
    struct printer out;
    char *buf;
    size_t size, len;
    bool overflow;
};
void printer_buf_init(struct printer_buf *p, char *buf, size_t size);
