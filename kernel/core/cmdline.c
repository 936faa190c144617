/*
 * kernel/core/cmdline.c - the words of the kernel command line.
 *
 * Structure  one copy of the text as it came and one that is cut into words
 *            by NULs; a bit per word says that somebody here knows it.
 * Cost       a query walks all words: start-up only.
 * Quotes     key="a b" is one word, as on Linux; '-' and '_' are the same in
 *            a key.
 * Context    cmdline_init before any other CPU runs, constant afterwards but
 *            for the "known" bits.
 */
#include <kernel/core/cmdline.h>
#include <kernel/core/printk.h>
#include <kernel/lib/string.h>

#define CMDLINE_MAX 2048 /* bytes with the NUL */
#define WORDS_MAX 128

static char text[CMDLINE_MAX];
static char split[CMDLINE_MAX];
static u16 words[WORDS_MAX]; /* offsets into split */
static bool known[WORDS_MAX];
static size_t nr_words;  /* all of them */
static size_t nr_kernel; /* those before "--" */

/* Copies one word to `to`, without its quotes; returns the end of its text. */
static const char *take_word(const char *from, char **to)
{
    bool quoted = false;

    for (; *from && (quoted || *from != ' '); from++) {
        if (*from == '"')
            quoted = !quoted;
        else
            *(*to)++ = *from;
    }
    *(*to)++ = '\0';
    return from;
}

void cmdline_init(const char *line)
{
    const char *from;
    char *to = split;
    bool ours = true;

    if (strscpy(text, line, sizeof(text)) < 0)
        pr_warn("cmdline: longer than %d bytes, the rest is ignored",
                CMDLINE_MAX - 1);
    nr_words = nr_kernel = 0;
    for (from = text; *from;) {
        char *word = to;

        if (*from == ' ') {
            from++;
            continue;
        }
        if (nr_words == WORDS_MAX) {
            pr_warn("cmdline: more than %d words, the rest is ignored",
                    WORDS_MAX);
            break;
        }
        from = take_word(from, &to);
        if (ours && strcmp(word, "--") == 0) {
            ours = false;
            continue;
        }
        known[nr_words] = false;
        words[nr_words++] = word - split;
        nr_kernel += ours;
    }
}

const char *cmdline_text(void)
{
    return text;
}

static char plain(char c)
{
    return c == '-' ? '_' : c;
}

/* What follows KEY in a word that is KEY or KEY=VALUE, else NULL. */
static const char *word_value(const char *word, const char *key)
{
    while (*key && plain(*word) == plain(*key)) {
        word++;
        key++;
    }
    if (*key || (*word && *word != '='))
        return NULL;
    return *word ? word + 1 : word;
}

const char *cmdline_get(const char *key)
{
    const char *value = NULL;

    for (size_t i = 0; i < nr_kernel; i++) {
        const char *found = word_value(split + words[i], key);

        if (found) {
            known[i] = true;
            value = found;
        }
    }
    return value;
}

bool cmdline_has(const char *key)
{
    return cmdline_get(key) != NULL;
}

/* True the first time it is asked about this word. */
static bool first_complaint(const char *value)
{
    static const char *last;
    bool first = value != last;

    last = value;
    return first;
}

bool cmdline_is(const char *key, const char *value, const char *otherwise)
{
    const char *given = cmdline_get(key);

    if (!given)
        return false;
    if (!strcmp(given, value))
        return true;
    if (strcmp(given, otherwise) && first_complaint(given))
        pr_warn("cmdline: %s=%s is neither %s=%s nor %s=%s, the usual\n", key,
                given, key, value, key, otherwise);
    return false;
}

static unsigned int unit_shift(char unit)
{
    switch (unit) {
    case 'k':
    case 'K':
        return 10;
    case 'm':
    case 'M':
        return 20;
    case 'g':
    case 'G':
        return 30;
    case 't':
    case 'T':
        return 40;
    default:
        return 0;
    }
}

u64 cmdline_size(const char *key, u64 fallback)
{
    const char *value = cmdline_get(key);
    const char *end;
    unsigned int shift;
    u64 number;

    if (!value)
        return fallback;
    if (parse_u64(value, &end, &number)) {
        shift = unit_shift(*end);
        if (!end[shift != 0] && number << shift >> shift == number)
            return number << shift;
    }
    if (first_complaint(value))
        pr_warn("cmdline: %s=%s is not a size such as 64, 512K or 1G", key,
                value);
    return fallback;
}

/* A word before "--" that is init's: nobody here knows it and it does not
 * name a parameter of a module (with a dot in its key), as on Linux. */
static bool left_to_init(size_t i, bool with_value)
{
    const char *word = split + words[i];
    const char *equals = strchr(word, '=');
    const char *dot = strchr(word, '.');

    if (known[i] || (equals != NULL) != with_value)
        return false;
    return !dot || (equals && dot > equals);
}

static size_t collect(const char **list, size_t max, bool with_value)
{
    size_t n = 0;

    for (size_t i = 0; i < nr_words && n < max; i++)
        if (i < nr_kernel ? left_to_init(i, with_value) : !with_value)
            list[n++] = split + words[i];
    if (n < max)
        list[n] = NULL;
    return n;
}

size_t cmdline_init_args(const char **argv, size_t max)
{
    return collect(argv, max, false);
}

size_t cmdline_init_env(const char **envp, size_t max)
{
    return collect(envp, max, true);
}
