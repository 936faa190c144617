/*
 * drivers/char/console.c - the console= words of the command line.
 *
 * Pure parsing, at start-up only; the text is constant after cmdline_init().
 */
#include <drivers/char/console.h>

#include <kernel/core/cmdline.h>
#include <kernel/lib/string.h>

static const char KEY[] = "console=";

/* Characters before the first `end` or blank. */
static size_t span(const char *p, char end)
{
    size_t n = 0;

    while (p[n] && p[n] != ' ' && p[n] != end)
        n++;
    return n;
}

/* The name in the next console= word after *text, which moves behind it;
 * NULL: no more.  Words after "--" belong to init. */
static const char *next_name(const char **text, size_t *len)
{
    const char *p = *text;

    for (;;) {
        size_t word;

        while (*p == ' ')
            p++;
        word = span(p, ' ');
        if (!word || (word == 2 && !memcmp(p, "--", 2)))
            return NULL;
        *text = p + word;
        if (word > sizeof(KEY) - 1 && !memcmp(p, KEY, sizeof(KEY) - 1)) {
            p += sizeof(KEY) - 1;
            *len = span(p, ',');
            return p;
        }
        p += word;
    }
}

/* tty0 also answers to "tty" and "tty1": there is one screen. */
static bool is_name(const char *word, size_t len, const char *name)
{
    if (len == strlen(name) && !memcmp(word, name, len))
        return true;
    return !strcmp(name, "tty0") && ((len == 3 && !memcmp(word, "tty", 3)) ||
                                     (len == 4 && !memcmp(word, "tty1", 4)));
}

bool console_wanted(const char *name)
{
    const char *text = cmdline_text(), *word;
    bool any = false;
    size_t len;

    while ((word = next_name(&text, &len))) {
        if (is_name(word, len, name))
            return true;
        any = true;
    }
    return !any && (!strcmp(name, "ttyS0") || !strcmp(name, "tty0"));
}

bool console_preferred(const char *name)
{
    const char *text = cmdline_text(), *word;
    bool preferred = false;
    size_t len;

    cmdline_get("console"); /* known: not for init's environment */
    while ((word = next_name(&text, &len)))
        preferred = is_name(word, len, name);
    return preferred;
}
