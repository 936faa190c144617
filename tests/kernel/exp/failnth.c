/*
 * tests/kernel/exp/failnth.c - the other experiments, with every allocation
 * failing in turn.
 */
#include <tests/kernel/exp/exp.h>

#include <kernel/lib/string.h>
#include <mm/fail.h>
#include <mm/page.h>

#define NTH_MAX 24 /* of one experiment; what comes later is alike */

extern const struct experiment *const __start_experiments[];
extern const struct experiment *const __stop_experiments[];

static void discard(struct printer *out, const char *text, size_t len)
{
}

/* Runs it with the n-th allocation failing.  Returns whether one failed. */
static bool run_with_failure(const struct experiment *x, u64 n)
{
    struct printer nowhere = {discard};
    struct exp inner = {.out = &nowhere};
    u64 left;

    fail_nth_arm(n);
    x->run(&inner);
    left = fail_nth_disarm();
    return left == 0;
}

/* Pages lost by the experiment's failures, by owner; -1: none. */
static s64 pages_lost(const struct experiment *x, u64 *failures, bool broken)
{
    static struct page *kept;
    struct page_ledger before, after;
    s64 lost = 0;

    run_with_failure(x, ~0ull); /* what is made once is made now */
    page_ledger_read(&before);
    for (u64 n = 1; n <= NTH_MAX && run_with_failure(x, n); n++)
        ++*failures;
    if (broken)
        kept = alloc_pages_owner(GFP_KERNEL, 0, OWNER_TEST);
    page_ledger_read(&after);
    for (int i = OWNER_FREE + 1; i < NR_PAGE_OWNERS; i++)
        if (i != OWNER_PAGETABLE && i != OWNER_MEMMAP)
            lost += after.pages[i] - before.pages[i];
    if (broken)
        __free_page(kept);
    return lost;
}

/*
 * Not looked at: this one; one with thousands of allocations alike; and those
 * that fault in the caller's memory, which is killed when a fault finds none.
 */
static bool stands_apart(const char *id)
{
    static const char *const ids[] = {"4.2", "2.8", "1.10", "3.6"};

    for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
        if (!strcmp(ids[i], id))
            return true;
    return false;
}

static void run_fail_nth(struct exp *e)
{
    const struct experiment *const *p;
    u64 all = 0;
    s64 lost = 0;

    for (p = __start_experiments; p < __stop_experiments; p++) {
        u64 failures = 0;
        s64 here;

        if (stands_apart((*p)->id))
            continue;
        here = pages_lost(*p, &failures, e->broken);
        exp_obs(e, "experiment=%s failures=%llu pages_lost=%lld", (*p)->id,
                (unsigned long long)failures, (long long)here);
        all += failures;
        lost += here;
    }
    exp_obs(e, "failures=%llu", (unsigned long long)all);
    exp_check(e, lost == 0, "failures lost %lld pages", (long long)lost);
    exp_answer(e, "every failure is an answer, and everything is undone");
}

EXPERIMENT(fail_nth) = {
    .id = "4.2",
    .question = "what if the n-th allocation fails, for every n?",
    .claim = "an error is returned, and nothing is lost",
    .broken = "a page is kept after each round",
    .run = run_fail_nth,
};
