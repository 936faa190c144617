/*
 * kernel/lib/printer.c - text into whatever takes text.
 */
#include <kernel/lib/printer.h>
#include <kernel/lib/string.h>

void printer_printf(struct printer *out, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    printer_vprintf(out, fmt, ap);
    va_end(ap);
}

void printer_puts(struct printer *out, const char *text)
{
    out->write(out, text, strlen(text));
}

static void printer_buf_write(struct printer *out, const char *text, size_t len)
{
    struct printer_buf *p = container_of(out, struct printer_buf, out);
    size_t room;

    if (!p->size) {
        p->overflow |= len > 0;
        return;
    }
    room = p->size - 1 - p->len;
    if (len > room) {
        len = room;
        p->overflow = true;
    }
    memcpy(p->buf + p->len, text, len);
    p->len += len;
    p->buf[p->len] = '\0';
}

void printer_buf_init(struct printer_buf *p, char *buf, size_t size)
{
    *p = (struct printer_buf){
        .out.write = printer_buf_write, .buf = buf, .size = size};
    if (size)
        buf[0] = '\0';
}
