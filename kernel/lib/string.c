/*
 * kernel/lib/string.c - memory and strings.
 *
 * Cost    memcpy, memmove and memset move 8 bytes per instruction (rep movsq,
 *         rep stosq); what is left over is one access that overlaps the last
 *         full one, so that no length needs a byte loop.
 * Overlap everything that a tail or head needs is loaded before the first
 *         store; that makes the forward copy right for memmove too.
 */
#include <kernel/lib/string.h>
#include <kernel/uapi/errno.h>

/* The compiler must not turn these loops into calls of themselves. */
#pragma GCC optimize("no-tree-loop-distribute-patterns")

#ifdef PAGEWALK_KERNEL
typedef u16 __attribute__((may_alias, aligned(1))) any_u16;
typedef u32 __attribute__((may_alias, aligned(1))) any_u32;
typedef u64 __attribute__((may_alias, aligned(1))) any_u64;

/* n < 8; all loads come before all stores, so overlap does not matter. */
static inline void copy_small(u8 *to, const u8 *from, size_t n)
{
    if (n >= 4) {
        u32 head = *(const any_u32 *)from;
        u32 tail = *(const any_u32 *)(from + n - 4);

        *(any_u32 *)to = head;
        *(any_u32 *)(to + n - 4) = tail;
    } else if (n >= 2) {
        u16 head = *(const any_u16 *)from;
        u16 tail = *(const any_u16 *)(from + n - 2);

        *(any_u16 *)to = head;
        *(any_u16 *)(to + n - 2) = tail;
    } else if (n) {
        *to = *from;
    }
}

/* n >= 8, and `to` does not lie inside (from, from + n). */
static inline void copy_forward(u8 *to, const u8 *from, size_t n)
{
    u64 tail = *(const any_u64 *)(from + n - 8);
    u8 *tail_at = to + n - 8;
    size_t words = n / 8;

    __asm__ volatile("rep movsq"
                     : "+D"(to), "+S"(from), "+c"(words)
                     :
                     : "memory");
    *(any_u64 *)tail_at = tail;
}

/* n >= 8, and `to` lies inside (from, from + n). */
static inline void copy_backward(u8 *to, const u8 *from, size_t n)
{
    u64 head = *(const any_u64 *)from;
    u8 *last = to + n - 8;
    size_t words = n / 8;

    from += n - 8;
    __asm__ volatile("std; rep movsq; cld"
                     : "+D"(last), "+S"(from), "+c"(words)
                     :
                     : "memory");
    *(any_u64 *)to = head;
}

void *memcpy(void *to, const void *from, size_t n)
{
    if (n >= 8)
        copy_forward(to, from, n);
    else
        copy_small(to, from, n);
    return to;
}

void *memmove(void *to, const void *from, size_t n)
{
    if (n < 8)
        copy_small(to, from, n);
    else if ((uintptr_t)to - (uintptr_t)from >= n)
        copy_forward(to, from, n);
    else
        copy_backward(to, from, n);
    return to;
}

void *memset(void *to, int byte, size_t n)
{
    u64 word = (u8)byte * 0x0101010101010101ull;
    u8 *p = to;

    if (n >= 8) {
        size_t words = n / 8;

        *(any_u64 *)(p + n - 8) = word;
        __asm__ volatile("rep stosq"
                         : "+D"(p), "+c"(words)
                         : "a"(word)
                         : "memory");
    } else if (n >= 4) {
        *(any_u32 *)p = (u32)word;
        *(any_u32 *)(p + n - 4) = (u32)word;
    } else if (n >= 2) {
        *(any_u16 *)p = (u16)word;
        *(any_u16 *)(p + n - 2) = (u16)word;
    } else if (n) {
        *p = (u8)word;
    }
    return to;
}

int memcmp(const void *a, const void *b, size_t n)
{
    const u8 *p = a, *q = b;

    while (n >= 8 && *(const any_u64 *)p == *(const any_u64 *)q) {
        p += 8;
        q += 8;
        n -= 8;
    }
    for (; n; p++, q++, n--)
        if (*p != *q)
            return *p - *q;
    return 0;
}

void *memchr(const void *mem, int byte, size_t n)
{
    const u8 *p = mem;

    for (; n; p++, n--)
        if (*p == (u8)byte)
            return (void *)p;
    return NULL;
}

size_t strlen(const char *s)
{
    const char *p = s;

    while (*p)
        p++;
    return p - s;
}

size_t strnlen(const char *s, size_t max)
{
    size_t n = 0;

    while (n < max && s[n])
        n++;
    return n;
}

int strcmp(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return (u8)*a - (u8)*b;
}

int strncmp(const char *a, const char *b, size_t n)
{
    for (; n; a++, b++, n--)
        if (*a != *b || !*a)
            return (u8)*a - (u8)*b;
    return 0;
}

char *strchr(const char *s, int c)
{
    for (; *s != (char)c; s++)
        if (!*s)
            return NULL;
    return (char *)s;
}

char *strrchr(const char *s, int c)
{
    const char *found = NULL;

    do {
        if (*s == (char)c)
            found = s;
    } while (*s++);
    return (char *)found;
}

char *strstr(const char *s, const char *what)
{
    size_t n = strlen(what);

    for (;; s++) {
        if (!strncmp(s, what, n))
            return (char *)s;
        if (!*s)
            return NULL;
    }
}
#endif

ssize_t strscpy(char *to, const char *from, size_t size)
{
    size_t n;

    if (!size)
        return -E2BIG;
    n = strnlen(from, size);
    if (n == size) {
        memcpy(to, from, size - 1);
        to[size - 1] = '\0';
        return -E2BIG;
    }
    memcpy(to, from, n + 1);
    return n;
}

/* On a mismatch the last star takes one character more; a star before that
 * one never has to be looked at again. */
bool glob_match(const char *glob, const char *text)
{
    const char *star = NULL, *resume = NULL;

    while (*text) {
        if (*glob == '*') {
            star = ++glob;
            resume = text;
        } else if (*glob == '?' || *glob == *text) {
            glob++;
            text++;
        } else if (star) {
            glob = star;
            text = ++resume;
        } else {
            return false;
        }
    }
    while (*glob == '*')
        glob++;
    return !*glob;
}

static unsigned int digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return ~0u;
}

bool parse_u64(const char *text, const char **end, u64 *value)
{
    unsigned int base = 10;
    const char *p = text;
    u64 sum = 0;

    if (p[0] == '0' && (p[1] == 'x' || p[1] == 'X') && digit_value(p[2]) < 16) {
        base = 16;
        p += 2;
    } else if (p[0] == '0') {
        base = 8;
    }
    if (digit_value(*p) >= base)
        return false;
    for (; digit_value(*p) < base; p++)
        if (__builtin_mul_overflow(sum, base, &sum) ||
            __builtin_add_overflow(sum, digit_value(*p), &sum))
            return false;
    if (end)
        *end = p;
    *value = sum;
    return true;
}
