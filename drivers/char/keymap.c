/*
 * drivers/char/keymap.c - the US layout, and the escape sequences that
 * TERM=linux gives the other keys.
 *
 * Scan code set 1 (IBM PC/AT technical reference): one byte a key, bit 7 set
 * when it is released, 0xe0 before the keys that the AT keyboard added.
 */
#include <drivers/char/keymap.h>

#include <kernel/lib/string.h>

#define EXTENDED 0xe0
#define RELEASED 0x80
#define ESCAPE 0x1b

#define KEY_CONTROL 0x1d /* the extended ones are the right-hand keys */
#define KEY_SHIFT_LEFT 0x2a
#define KEY_SHIFT_RIGHT 0x36
#define KEY_ALT 0x38
#define KEY_CAPS_LOCK 0x3a
#define KEY_ENTER 0x1c
#define KEY_SLASH 0x35

/* By scan code, from 0x00 to 0x39. */
static const char plain[] = "\0\0331234567890-=\177\tqwertyuiop[]\r\0asdfghjkl;"
                            "'`\0\\zxcvbnm,./\0*\0 ";
static const char shifted[] =
    "\0\033!@#$%^&*()_+\177\tQWERTYUIOP{}\r\0ASDFGHJKL:"
    "\"~\0|ZXCVBNM<>?\0*\0 ";

static const struct {
    u8 code;
    const char *text; /* after ESC */
} sequences[] = {
    {0x47, "[1~"}, {0x48, "[A"}, {0x49, "[5~"}, {0x4b, "[D"},  {0x4d, "[C"},
    {0x4f, "[4~"}, {0x50, "[B"}, {0x51, "[6~"}, {0x52, "[2~"}, {0x53, "[3~"},
};

/* Whether the key was one of those that change others. */
static bool modifier(struct keymap *map, u8 key, bool down, bool extended)
{
    switch (key) {
    case KEY_SHIFT_LEFT:
        if (!extended) /* else a fake one around an arrow key */
            map->shift_left = down;
        return true;
    case KEY_SHIFT_RIGHT:
        if (!extended)
            map->shift_right = down;
        return true;
    case KEY_CONTROL:
        map->control = down;
        return true;
    case KEY_ALT:
        map->alt = down;
        return true;
    case KEY_CAPS_LOCK:
        map->caps_lock ^= down;
        return true;
    }
    return false;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static size_t character(const struct keymap *map, u8 key, u8 *out)
{
    bool shift = map->shift_left || map->shift_right;
    size_t n = 0;
    char c;

    if (key >= sizeof(plain) - 1)
        return 0;
    c = plain[key];
    if (map->caps_lock && is_letter(c))
        shift = !shift;
    if (shift)
        c = shifted[key];
    if (!c)
        return 0;
    if (map->control && ((c >= '@' && c <= '_') || is_letter(c)))
        c &= 0x1f;
    if (map->alt)
        out[n++] = ESCAPE;
    out[n++] = c;
    return n;
}

/* The keypad's codes are the same without the prefix; it is not told apart. */
static size_t sequence(u8 key, u8 *out)
{
    size_t i, len;

    for (i = 0; i < ARRAY_SIZE(sequences); i++) {
        if (sequences[i].code != key)
            continue;
        len = strlen(sequences[i].text);
        out[0] = ESCAPE;
        memcpy(out + 1, sequences[i].text, len);
        return len + 1;
    }
    return 0;
}

size_t keymap_translate(struct keymap *map, u8 code, u8 out[KEYMAP_OUT_MAX])
{
    bool extended = map->extended, down = !(code & RELEASED);
    u8 key = code & ~RELEASED;

    map->extended = code == EXTENDED;
    if (map->extended || modifier(map, key, down, extended) || !down)
        return 0;
    if (!extended || key == KEY_ENTER || key == KEY_SLASH) {
        size_t n = character(map, key, out);

        if (n)
            return n;
    }
    return sequence(key, out);
}
