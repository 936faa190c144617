/*
 * kernel/lib/format.c - printf, into a printer or a buffer.
 *
 * Structure  printer_vprintf parses; each directive becomes a struct spec and
 *            goes to the one function for its kind.  Text reaches the printer
 *            in pieces: runs of plain text, padding, digits.
 * Context    any: no memory is allocated, nothing sleeps, about 200 bytes of
 *            stack.
 */
#include <kernel/lib/format.h>
#include <kernel/lib/printer.h>
#include <kernel/lib/string.h>

struct spec {
    bool left, zero, plus, space, alt;
    unsigned int width;
    int precision; /* -1: not given */
    char size;     /* 'H' for hh, 'h', 'l', 'L' for ll, 'z', 't', 'j', 0 */
    char conv;
};

struct counter { /* passes text on and counts it */
    struct printer *out;
    size_t len;
};

static inline void emit(struct counter *to, const char *text, size_t len)
{
    if (!len)
        return;
    printer_write(to->out, text, len);
    to->len += len;
}

static inline void emit_repeat(struct counter *to, char c, size_t n)
{
    if (likely(!n))
        return;
    printer_fill(to->out, c, n);
    to->len += n;
}

/* Padding, prefix, zeroes, body: what every directive comes down to. */
static void emit_field(struct counter *to, const struct spec *spec,
                       const char *prefix, size_t zeroes, const char *body,
                       size_t len)
{
    size_t prefix_len = strlen(prefix);
    size_t total = prefix_len + zeroes + len;
    size_t pad = spec->width > total ? spec->width - total : 0;

    if (!spec->left)
        emit_repeat(to, ' ', pad);
    emit(to, prefix, prefix_len);
    emit_repeat(to, '0', zeroes);
    emit(to, body, len);
    if (spec->left)
        emit_repeat(to, ' ', pad);
}

static void emit_string(struct counter *to, const struct spec *spec,
                        const char *s)
{
    if (!s)
        s = "(null)";
    emit_field(to, spec, "", 0, s,
               spec->precision < 0 ? strlen(s)
                                   : strnlen(s, (size_t)spec->precision));
}

/* Digits from the end of buf[24]; returns the first. */
static char *digits_of(u64 value, unsigned int base, bool upper, char *buf_end)
{
    const char *set = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    char *p = buf_end;

    if (base == 16)
        for (; value; value >>= 4)
            *--p = set[value & 15];
    else if (base == 8)
        for (; value; value >>= 3)
            *--p = set[value & 7];
    else
        for (; value; value /= 10)
            *--p = set[value % 10];
    return p;
}

static void emit_number(struct counter *to, const struct spec *spec, u64 value,
                        unsigned int base, const char *prefix)
{
    char buf[24], *end = buf + sizeof(buf);
    char *p = digits_of(value, base, spec->conv == 'X', end);
    size_t len = end - p, zeroes = 0, want;

    if (likely(!spec->width && spec->precision < 0 && !*prefix && !spec->alt)) {
        if (!len)
            *--p = '0';
        emit(to, p, end - p); /* a plain number, as most are */
        return;
    }
    if (spec->precision >= 0) {
        want = (size_t)spec->precision;
    } else if (spec->zero && !spec->left) {
        want = spec->width > strlen(prefix) ? spec->width - strlen(prefix) : 0;
        want = max(want, (size_t)1);
    } else {
        want = 1;
    }
    if (want > len)
        zeroes = want - len;
    if (spec->alt && base == 8 && !zeroes)
        zeroes = 1;
    emit_field(to, spec, prefix, zeroes, p, len);
}

static void emit_signed(struct counter *to, const struct spec *spec, s64 value)
{
    const char *sign = spec->plus ? "+" : spec->space ? " " : "";

    emit_number(to, spec, value < 0 ? -(u64)value : (u64)value, 10,
                value < 0 ? "-" : sign);
}

static void emit_unsigned(struct counter *to, const struct spec *spec,
                          u64 value)
{
    switch (spec->conv) {
    case 'x':
        emit_number(to, spec, value, 16, spec->alt && value ? "0x" : "");
        break;
    case 'X':
        emit_number(to, spec, value, 16, spec->alt && value ? "0X" : "");
        break;
    case 'o':
        emit_number(to, spec, value, 8, "");
        break;
    default:
        emit_number(to, spec, value, 10, "");
    }
}

/* Sixteen digits after 0x, so that addresses stand under one another. */
static void emit_pointer(struct counter *to, const struct spec *spec, u64 value)
{
    struct spec full = *spec;

    full.precision = 16;
    emit_number(to, &full, value, 16, "0x");
}

bool (*format_symbol)(u64 addr, char *buf, size_t size);

static void emit_symbol(struct counter *to, const struct spec *spec, u64 addr)
{
    char words[96];

    if (format_symbol && format_symbol(addr, words, sizeof(words)))
        emit_string(to, spec, words);
    else
        emit_pointer(to, spec, addr);
}

static const char *parse_flags(const char *fmt, struct spec *spec)
{
    for (;; fmt++) {
        switch (*fmt) {
        case '-':
            spec->left = true;
            break;
        case '0':
            spec->zero = true;
            break;
        case '+':
            spec->plus = true;
            break;
        case ' ':
            spec->space = true;
            break;
        case '#':
            spec->alt = true;
            break;
        default:
            return fmt;
        }
    }
}

static const char *parse_size(const char *fmt, struct spec *spec)
{
    switch (*fmt) {
    case 'h':
        spec->size = fmt[1] == 'h' ? 'H' : 'h';
        return fmt + (fmt[1] == 'h' ? 2 : 1);
    case 'l':
        spec->size = fmt[1] == 'l' ? 'L' : 'l';
        return fmt + (fmt[1] == 'l' ? 2 : 1);
    case 'z':
    case 't':
    case 'j':
        spec->size = *fmt;
        return fmt + 1;
    default:
        return fmt;
    }
}

static const char *parse_int(const char *fmt, int *value)
{
    *value = 0;
    for (; *fmt >= '0' && *fmt <= '9'; fmt++)
        if (*value < 100000)
            *value = *value * 10 + (*fmt - '0');
    return fmt;
}

/* A va_list in a struct can be handed on by pointer. */
struct args {
    va_list ap;
};

static const char *parse_spec(const char *fmt, struct spec *spec,
                              struct args *args)
{
    int n;

    *spec = (struct spec){.precision = -1};
    fmt = parse_flags(fmt, spec);
    if (*fmt == '*') {
        n = va_arg(args->ap, int);
        fmt++;
    } else {
        fmt = parse_int(fmt, &n);
    }
    spec->left |= n < 0;
    spec->width = n < 0 ? -(unsigned int)n : (unsigned int)n;
    if (*fmt == '.') {
        if (*++fmt == '*') {
            spec->precision = max(va_arg(args->ap, int), -1);
            fmt++;
        } else {
            fmt = parse_int(fmt, &spec->precision);
        }
    }
    fmt = parse_size(fmt, spec);
    spec->conv = *fmt;
    return *fmt ? fmt + 1 : fmt;
}

static s64 next_signed(const struct spec *spec, struct args *args)
{
    switch (spec->size) {
    case 'H':
        return (s8)va_arg(args->ap, int);
    case 'h':
        return (s16)va_arg(args->ap, int);
    case 0:
        return va_arg(args->ap, int);
    default:
        return va_arg(args->ap, s64);
    }
}

static u64 next_unsigned(const struct spec *spec, struct args *args)
{
    switch (spec->size) {
    case 'H':
        return (u8)va_arg(args->ap, int);
    case 'h':
        return (u16)va_arg(args->ap, int);
    case 0:
        return va_arg(args->ap, unsigned int);
    default:
        return va_arg(args->ap, u64);
    }
}

/* Returns where the format goes on: %p may take one letter more. */
static const char *emit_spec(struct counter *to, const struct spec *spec,
                             struct args *args, const char *fmt)
{
    char c;

    switch (spec->conv) {
    case 'd':
    case 'i':
        emit_signed(to, spec, next_signed(spec, args));
        break;
    case 'u':
    case 'x':
    case 'X':
    case 'o':
        emit_unsigned(to, spec, next_unsigned(spec, args));
        break;
    case 'c':
        c = (char)va_arg(args->ap, int);
        emit_field(to, spec, "", 0, &c, 1);
        break;
    case 's':
        emit_string(to, spec, va_arg(args->ap, const char *));
        break;
    case 'p':
        if (*fmt == 'a') {
            emit_pointer(to, spec, *va_arg(args->ap, const phys_addr_t *));
            return fmt + 1;
        }
        if (*fmt == 'S') {
            emit_symbol(to, spec, va_arg(args->ap, u64));
            return fmt + 1;
        }
        emit_pointer(to, spec, (u64)va_arg(args->ap, void *));
        break;
    case '%':
        emit(to, "%", 1);
        break;
    default: /* unknown: shown, so that it is seen */
        emit(to, "%", 1);
        emit(to, &spec->conv, spec->conv ? 1 : 0);
    }
    return fmt;
}

/*
 * The directives that reports are made of: s, c, d, u and x with at most a
 * width and zeroes before.  Returns where the format goes on, or NULL if this
 * is none of them.
 */
static const char *emit_common(struct counter *to, const char *fmt,
                               struct args *args)
{
    char fill = *fmt == '0' ? '0' : ' ';
    unsigned int width = 0, base = 10;
    struct args ahead;
    struct spec spec;
    u64 value;
    s64 n;

    spec.size = 0;
    while (*fmt >= '0' && *fmt <= '9' && width < 6)
        width = width * 10 + (*fmt++ - '0');
    if (*fmt == 'l' || *fmt == 'z') {
        spec.size = 'l';
        fmt += 1 + (fmt[0] == 'l' && fmt[1] == 'l');
    }
    switch (*fmt) {
    case 's':
        if (width || spec.size)
            return NULL;
        emit_string(to, &(struct spec){.precision = -1},
                    va_arg(args->ap, const char *));
        return fmt + 1;
    case 'x':
        base = 16;
        /* fall through */
    case 'u':
        value = next_unsigned(&spec, args);
        break;
    case 'd':
        va_copy(ahead.ap, args->ap);
        n = next_signed(&spec, &ahead);
        va_end(ahead.ap);
        if (n < 0)
            return NULL;
        value = next_signed(&spec, args);
        break;
    default:
        return NULL;
    }
    to->len += printer_number(to->out, value, base, width, fill);
    return fmt + 1;
}

size_t printer_vprintf(struct printer *out, const char *fmt, va_list ap)
{
    struct counter to = {.out = out};
    const char *next;
    struct args args;
    struct spec spec;

    va_copy(args.ap, ap);
    while (*fmt) {
        const char *plain = fmt;

        while (*fmt && *fmt != '%')
            fmt++;
        emit(&to, plain, fmt - plain);
        if (!*fmt)
            break;
        next = emit_common(&to, fmt + 1, &args);
        if (!next) {
            fmt = parse_spec(fmt + 1, &spec, &args);
            next = emit_spec(&to, &spec, &args, fmt);
        }
        fmt = next;
    }
    va_end(args.ap);
    return to.len;
}

#ifdef PAGEWALK_KERNEL
int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
{
    struct printer_buf p;

    printer_buf_init(&p, buf, size);
    return printer_vprintf(&p.out, fmt, ap);
}

int snprintf(char *buf, size_t size, const char *fmt, ...)
{
    va_list ap;
    int len;

    va_start(ap, fmt);
    len = vsnprintf(buf, size, fmt, ap);
    va_end(ap);
    return len;
}
#endif

int scnprintf(char *buf, size_t size, const char *fmt, ...)
{
    va_list ap;
    int len;

    va_start(ap, fmt);
    len = vsnprintf(buf, size, fmt, ap);
    va_end(ap);
    if (!size)
        return 0;
    return min(len, (int)size - 1);
}
