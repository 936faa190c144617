/*
 * kernel/core/ksyms.c - looking up functions in the table that
 * ksyms_gen.py made (it describes the format).
 *
 * Cost       binary search over blocks of 16 symbols, then at most 16 steps.
 * Context    any: constant data, no lock, little stack.
 * Invariant  the first link of the kernel has no table; the weak count is
 *            then 0 and nothing else is looked at.
 */
#include <kernel/core/ksyms.h>
#include <kernel/lib/format.h>
#include <kernel/lib/string.h>
#include <mm/layout.h>

#define BLOCK 16
#define FIRST_PAIR 0x80
#define PAIR_DEPTH 64 /* pairs of pairs: at most one byte per level waits */

struct ksym_block {
    u32 addr;   /* of its first symbol, from KERNEL_BASE */
    u32 stream; /* where that one stands in the stream */
};

extern const u32 ksyms_count __attribute__((weak));
extern const struct ksym_block ksyms_index[] __attribute__((weak));
extern const u8 ksyms_pairs[][2] __attribute__((weak));
extern const u8 ksyms_stream[] __attribute__((weak));

struct ksym_cursor {
    const u8 *at; /* the next symbol in the stream */
    u32 number;   /* its number */
    u32 addr;     /* of the symbol before it */
    const u8 *name;
    u8 name_len; /* coded */
};

static u32 count(void)
{
    return &ksyms_count ? ksyms_count : 0;
}

static void cursor_start(struct ksym_cursor *c, u32 block)
{
    c->at = ksyms_stream + ksyms_index[block].stream;
    c->number = block * BLOCK;
}

/* Steps to the next symbol; false at the end. */
static bool cursor_next(struct ksym_cursor *c)
{
    u32 distance = 0;
    unsigned int shift = 0;

    if (c->number == count())
        return false;
    do {
        distance |= (u32)(*c->at & 0x7f) << shift;
        shift += 7;
    } while (*c->at++ & 0x80);
    if (c->number % BLOCK == 0)
        c->addr = ksyms_index[c->number / BLOCK].addr;
    else
        c->addr += distance;
    c->number++;
    c->name_len = *c->at++;
    c->name = c->at;
    c->at += c->name_len;
    return true;
}

static void decode(const struct ksym_cursor *c, char *name)
{
    u8 waiting[PAIR_DEPTH];
    size_t len = 0;

    for (u8 i = 0; i < c->name_len; i++) {
        size_t depth = 0;
        u8 code = c->name[i];

        for (;;) {
            while (code >= FIRST_PAIR && depth < PAIR_DEPTH) {
                waiting[depth++] = ksyms_pairs[code - FIRST_PAIR][1];
                code = ksyms_pairs[code - FIRST_PAIR][0];
            }
            if (len < KSYM_NAME_MAX - 1)
                name[len++] = code;
            if (!depth)
                break;
            code = waiting[--depth];
        }
    }
    name[len] = '\0';
}

/* The last block that starts at or below `addr`. */
static u32 find_block(u32 addr)
{
    u32 low = 0, high = DIV_ROUND_UP(count(), BLOCK);

    while (high - low > 1) {
        u32 middle = (low + high) / 2;

        if (ksyms_index[middle].addr <= addr)
            low = middle;
        else
            high = middle;
    }
    return low;
}

bool kernel_text_address(unsigned long addr)
{
    return (addr >= (unsigned long)__text_start &&
            addr < (unsigned long)__text_end) ||
           (addr >= (unsigned long)__selftest_start &&
            addr < (unsigned long)__selftest_text_end) ||
           (addr >= (unsigned long)__init_start &&
            addr < (unsigned long)__init_text_end);
}

bool ksym_lookup(unsigned long addr, char *name, unsigned long *offset,
                 unsigned long *size)
{
    struct ksym_cursor c, found;
    u32 from_base = addr - KERNEL_BASE;

    if (!kernel_text_address(addr) || !count() ||
        from_base < ksyms_index[0].addr)
        return false;
    cursor_start(&c, find_block(from_base));
    cursor_next(&c);
    do
        found = c;
    while (cursor_next(&c) && c.addr <= from_base);
    decode(&found, name);
    if (offset)
        *offset = from_base - found.addr;
    if (size)
        *size = c.addr > found.addr ? c.addr - found.addr : 0;
    return true;
}

static bool symbol_words(u64 addr, char *buf, size_t size)
{
    char name[KSYM_NAME_MAX];
    unsigned long offset, length;

    if (!ksym_lookup(addr, name, &offset, &length))
        return false;
    snprintf(buf, size, "%s+0x%lx/0x%lx", name, offset, length);
    return true;
}

void __init ksyms_init(void)
{
    format_symbol = symbol_words;
}
