/*
 * tests/kernel/ktest.c - runs the self-tests and reports them in KTAP.
 *
 * Order      shuffled by a seed, so that tests that lean on one another are
 *            found; seed= on the command line repeats an order, and is what
 *            ktest_random() starts every test from.
 * Leaks      the page ledger is compared around each test.  A difference may
 *            also be something that is kept on purpose (a table of a kernel
 *            region, a slab cache that grew), or another CPU that gives back
 *            later, so the test then runs again: a leak leaks each time.
 * Context    one task, before init; tests may sleep.
 */
#include <kernel/core/cmdline.h>
#include <kernel/core/ktest.h>
#include <kernel/core/printk.h>
#include <kernel/core/time.h>
#include <kernel/lib/format.h>
#include <kernel/lib/string.h>
#include <mm/page.h>
#include <mm/slab.h>

#define RUNS_MAX 4 /* of a test until a leak is believed */

/* KTAP wants its lines as they are. */
#define say(...) printk(LOG_NOTICE | LOG_PLAIN, __VA_ARGS__)

extern const struct ktest __start_ktests[], __stop_ktests[];

static struct {
    u64 seed;
    u64 random;
    bool failed;
    const char *skipped;
} run;

bool ktest_check(bool ok, const char *file, int line, const char *what)
{
    if (!ok) {
        run.failed = true;
        say("# %s:%d: expected %s", file, line, what);
    }
    return ok;
}

void ktest_skip(const char *why)
{
    run.skipped = why;
}

void ktest_note(const char *fmt, ...)
{
    char line[160];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    say("# %s", line);
}

/* xorshift64* */
u64 ktest_random(void)
{
    run.random ^= run.random >> 12;
    run.random ^= run.random << 25;
    run.random ^= run.random >> 27;
    return run.random * 0x2545f4914f6cdd1dull;
}

static void read_ledger(struct page_ledger *ledger)
{
    slab_shrink();
    page_ledger_read(ledger);
}

static bool ledgers_equal(const struct page_ledger *a,
                          const struct page_ledger *b)
{
    return !memcmp(a->pages, b->pages, sizeof(a->pages));
}

/* Whether it used memory that it did not give back. */
static bool run_once(const struct ktest *test, struct page_ledger *before,
                     struct page_ledger *after)
{
    read_ledger(before);
    run.random = run.seed;
    test->run();
    read_ledger(after);
    return !ledgers_equal(before, after);
}

static bool run_test(const struct ktest *test, unsigned int number)
{
    struct page_ledger before, after;
    bool lost = true;
    int runs;

    run.failed = false;
    run.skipped = NULL;
    for (runs = 0; lost && !run.failed && runs < RUNS_MAX; runs++)
        lost = run_once(test, &before, &after);
    if (lost && !run.failed) {
        page_ledger_differs(&before, &after); /* names the owners */
        ktest_check(false, test->suite, 0, "no page lost");
    }
    if (run.skipped && !run.failed)
        say("ok %u %s.%s # SKIP %s", number, test->suite, test->name,
            run.skipped);
    else
        say("%sok %u %s.%s", run.failed ? "not " : "", number, test->suite,
            test->name);
    return !run.failed;
}

/* `globs`: one, or several with commas between; a suite's name is all of it. */
static bool selected(const struct ktest *test, const char *globs)
{
    char full[80], glob[80];

    scnprintf(full, sizeof(full), "%s.%s", test->suite, test->name);
    for (const char *at = globs; *at;) {
        const char *comma = strchr(at, ',');
        size_t n = comma ? (size_t)(comma - at) : strlen(at);

        strscpy(glob, at, min(n + 1, sizeof(glob)));
        if (glob_match(glob, full) || !strcmp(glob, test->suite))
            return true;
        at += comma ? n + 1 : n;
    }
    return !*globs;
}

/* Those that glob selects, shuffled; the array is the caller's to free. */
static const struct ktest **choose(const char *glob, size_t *n)
{
    size_t max = __stop_ktests - __start_ktests;
    const struct ktest *test, **chosen;
    size_t i;

    *n = 0;
    chosen = kmalloc_array(max + 1, sizeof(*chosen), GFP_KERNEL);
    if (!chosen)
        return NULL;
    for (test = __start_ktests; test < __stop_ktests; test++)
        if (selected(test, glob))
            chosen[(*n)++] = test;
    run.random = run.seed;
    for (i = *n; i > 1; i--) {
        size_t other = ktest_random() % i;
        const struct ktest *swap = chosen[i - 1];

        chosen[i - 1] = chosen[other];
        chosen[other] = swap;
    }
    return chosen;
}

static u64 choose_seed(void)
{
    const char *text = cmdline_get("seed");
    u64 seed;

    if (!text || !parse_u64(text, NULL, &seed))
        seed = rdtsc() & 0xffffffff;
    return seed ? seed : 1; /* xorshift stays at 0 for ever */
}

int ktest_run(const char *glob)
{
    const struct ktest **tests;
    int failures = 0;
    size_t i, n;

    run.seed = choose_seed();
    tests = choose(glob, &n);
    if (!tests) {
        say("Bail out! no memory for the list of tests");
        return 1;
    }
    say("KTAP version 1");
    say("1..%zu", n);
    say("# seed=%llu", (unsigned long long)run.seed);
    for (i = 0; i < n; i++)
        failures += !run_test(tests[i], i + 1);
    kfree(tests);
    if (!n) {
        say("Bail out! no test is called \"%s\"", glob);
        return 1;
    }
    say("# %zu tests, %d failed; repeat with \"selftest=%s seed=%llu\"", n,
        failures, *glob ? glob : "*", (unsigned long long)run.seed);
    return failures;
}
