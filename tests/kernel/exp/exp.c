/*
 * tests/kernel/exp/exp.c - finds experiments, runs one, keeps its report.
 *
 * Structure  /proc/exp is a query file (kernel/fs/query.h).
 * Ledger     an experiment runs twice and the second run is measured: what the
 *            kernel keeps on purpose (a table of a kernel region, a slab page)
 *            it took in the first.  More pages in use afterwards are a leak if
 *            that happens every time it runs: another CPU may be about to give
 *            something back.
 * Locking    exp_mutex around a run, so that ledger and counters belong to
 *            one experiment.
 */
#include <tests/kernel/exp/exp.h>

#include <kernel/core/printk.h>
#include <kernel/fs/query.h>
#include <kernel/lib/format.h>
#include <kernel/lib/string.h>
#include <kernel/sync/mutex.h>
#include <kernel/uapi/errno.h>
#include <kernel/x86/cpu.h>
#include <mm/page.h>
#include <mm/pgtable.h>
#include <mm/slab.h>

#define EXP_AGAIN 5                  /* runs until a leak is believed */
#define EXP_TEXT_MAX (8 * KIB - 128) /* one kmalloc of 8 KiB */

extern const struct experiment *const __start_experiments[],
    *const __stop_experiments[];
extern const struct exp_helper *const __start_exp_helpers[],
    *const __stop_exp_helpers[];

static DEFINE_MUTEX(exp_mutex);

void exp_obs(struct exp *e, const char *fmt, ...)
{
    va_list ap;

    printer_puts(e->out, "OBS ");
    va_start(ap, fmt);
    printer_vprintf(e->out, fmt, ap);
    va_end(ap);
    printer_puts(e->out, "\n");
}

bool exp_check(struct exp *e, bool ok, const char *why, ...)
{
    va_list ap;

    if (ok || e->failed)
        return ok;
    e->failed = true;
    va_start(ap, why);
    vsnprintf(e->answer, sizeof(e->answer), why, ap);
    va_end(ap);
    return false;
}

void exp_answer(struct exp *e, const char *fmt, ...)
{
    va_list ap;

    if (e->failed)
        return;
    va_start(ap, fmt);
    vsnprintf(e->answer, sizeof(e->answer), fmt, ap);
    va_end(ap);
}

void exp_skip(struct exp *e, const char *why)
{
    e->skipped = why;
}

void exp_walk(const volatile void *va, struct pt_walk *walk)
{
    pte_t *root = __va(read_cr3() & PTE_PFN_MASK);

    pt_walk_address(root, (unsigned long)va, walk);
}

const char *exp_entry_words(const struct pt_walk *walk, char *buf, size_t size)
{
    static const char *const cache[] = {"WB", "WC", "UC-", "UC", "WT"};
    pte_t leaf;

    if (walk->leaf_level < 0) {
        strscpy(buf, "none", size);
        return buf;
    }
    leaf = walk->entry[walk->levels - 1];
    scnprintf(buf, size, "present,level%d,pfn=%#lx,%s,%s,%s,%s%s",
              walk->leaf_level, pte_pfn(leaf), pte_write(leaf) ? "W" : "R",
              pte_user(leaf) ? "U" : "K", leaf.val & PTE_NX ? "NX" : "X",
              cache[pte_cache_mode(leaf, walk->leaf_level)],
              leaf.val & PTE_GLOBAL ? ",G" : "");
    return buf;
}

static const struct experiment *find(const char *id)
{
    const struct experiment *const *p;

    for (p = __start_experiments; p < __stop_experiments; p++)
        if (!strcmp((*p)->id, id))
            return *p;
    return NULL;
}

static u64 pages_in_use(void)
{
    struct page_ledger ledger;

    slab_shrink();
    page_ledger_read(&ledger);
    return ledger.total - ledger.pages[OWNER_FREE];
}

static void discard(struct printer *out, const char *text, size_t len)
{
    (void)out;
    (void)text;
    (void)len;
}

static void print_verdict(const struct exp *e, s64 leak)
{
    if (e->skipped)
        printer_printf(e->out, "VERDICT SKIP %s\n", e->skipped);
    else if (!e->failed && leak > 0)
        printer_printf(e->out, "VERDICT FAIL pages were lost\n");
    else
        printer_printf(e->out, "VERDICT %s %s\n", e->failed ? "FAIL" : "PASS",
                       e->answer);
}

static void run_experiment(const struct experiment *x, bool broken,
                           struct printer *out)
{
    struct printer nowhere = {discard};
    struct exp first = {.out = &nowhere, .broken = broken};
    struct exp e = {.out = out, .broken = broken};
    u64 before, after;
    int again;

    printer_printf(out, "EXP %s %s\nclaim: %s\n", x->id, x->question, x->claim);
    if (broken)
        printer_printf(out, "broken on purpose: %s\n", x->broken);
    mutex_lock(&exp_mutex);
    x->run(&first);
    before = pages_in_use();
    x->run(&e);
    after = pages_in_use();
    for (again = 0; after > before && again < EXP_AGAIN; again++) {
        before = after;
        x->run(&first);
        after = pages_in_use();
    }
    mutex_unlock(&exp_mutex);
    print_verdict(&e, (s64)(after - before));
    printer_printf(out, "LEDGER before=%llu after=%llu leak=%lld\n",
                   (unsigned long long)before, (unsigned long long)after,
                   (long long)(after > before ? after - before : 0));
}

/* "run ID [--broken]" */
static int command_run(char *args, struct printer *out)
{
    char *option = strchr(args, ' ');
    const struct experiment *x;
    bool broken = false;

    if (option) {
        *option++ = '\0';
        if (strcmp(option, "--broken"))
            return -EINVAL;
        broken = true;
    }
    x = find(args);
    if (!x)
        return -ENOENT;
    if (broken && !x->broken)
        return -EOPNOTSUPP;
    run_experiment(x, broken, out);
    return 0;
}

/* "do NAME [ARGS]" */
static int command_do(char *args, struct printer *out)
{
    const struct exp_helper *const *p;
    char *rest = strchr(args, ' ');

    if (rest)
        *rest++ = '\0';
    for (p = __start_exp_helpers; p < __stop_exp_helpers; p++)
        if (!strcmp((*p)->name, args))
            return (*p)->fn(rest ? rest : "", out);
    return -ENOENT;
}

static void list(struct printer *out)
{
    const struct experiment *const *p;

    for (p = __start_experiments; p < __stop_experiments; p++)
        printer_printf(out, "%s\t%s\t%s\n", (*p)->id,
                       (*p)->broken ? "broken" : "-", (*p)->question);
}

static int ask(char *line, struct printer *out)
{
    if (!strncmp(line, "run ", 4))
        return command_run(line + 4, out);
    if (!strncmp(line, "do ", 3))
        return command_do(line + 3, out);
    return -EINVAL;
}

static const struct query_ops exp_query = {
    .text_max = EXP_TEXT_MAX, .ask = ask, .greet = list};

void exp_init(void)
{
    if (!query_create(proc_root, "exp", 0600, &exp_query))
        pr_err("exp: no memory for /proc/exp");
}
