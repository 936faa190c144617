/*
 * tests/kernel/test_mm_kmap.c - windows to high memory; most need lowmem=.
 */
#include <kernel/core/ktest.h>
#include <kernel/core/irq.h>
#include <kernel/core/xcall.h>
#include <kernel/lib/string.h>
#include <kernel/sync/sched_hook.h>
#include <kernel/sync/waitq.h>
#include <kernel/task/task.h>
#include <mm/fixmap.h>
#include <mm/kmap.h>
#include <mm/memory.h>
#include <mm/zone.h>

static struct page *high_page(void)
{
    struct page *page;

    if (!zones[ZONE_HIGHMEM].present) {
        ktest_skip("boot with lowmem=SIZE below the RAM there is");
        return NULL;
    }
    page = alloc_pages_owner(GFP_HIGHUSER, 0, OWNER_TEST);
    KTEST_EXPECT(page);
    return page;
}

KTEST(kmap, low_pages_keep_their_logical_address)
{
    struct page *page = alloc_pages_owner(GFP_KERNEL, 0, OWNER_TEST);

    KTEST_REQUIRE(page);
    KTEST_EXPECT(kmap(page) == page_address(page));
    KTEST_EXPECT(kmap_local_page(page) == page_address(page));
    kunmap_local(page_address(page));
    kunmap(page);
    put_page(page);
}

KTEST(kmap, high_pages_have_an_address_only_while_mapped)
{
    struct page *page = high_page();
    u64 *a, *b;

    if (!page)
        return;
    KTEST_EXPECT(page_test(page, PG_highmem));
    KTEST_EXPECT(page_to_pfn(page) >= lowmem_end_pfn);
    KTEST_EXPECT(page_address(page) == NULL);
    a = kmap(page);
    KTEST_EXPECT((unsigned long)a >= MODULES_END);
    KTEST_EXPECT(page_address(page) == a);
    *a = 0x1234;
    b = kmap(page);
    KTEST_EXPECT(a == b);
    kunmap(page);
    KTEST_EXPECT(page_address(page) == a);
    kunmap(page);
    KTEST_EXPECT(page_address(page) == NULL);
    b = kmap_local_page(page);
    KTEST_EXPECT(*b == 0x1234 && b != a);
    kunmap_local(b);
    put_page(page);
}

KTEST(kmap, local_windows_nest)
{
    struct page *page[3];
    u64 *at[3];

    for (int i = 0; i < 3; i++) {
        page[i] = high_page();
        if (!page[i]) {
            while (i-- > 0)
                put_page(page[i]);
            return;
        }
    }
    for (int i = 0; i < 3; i++) {
        at[i] = kmap_local_page(page[i]);
        *at[i] = i;
    }
    KTEST_EXPECT(at[0] != at[1] && at[1] != at[2]);
    kunmap_local(at[0]); /* out of order: refused, said in the log */
    for (int i = 2; i >= 0; i--) {
        KTEST_EXPECT(*at[i] == (u64)i);
        kunmap_local(at[i]);
    }
    for (int i = 0; i < 3; i++)
        put_page(page[i]);
}

KTEST(kmap, the_window_is_used_again_when_full)
{
    enum { N = 3 * PKMAP_SLOTS };
    static struct page *page[N];

    for (int i = 0; i < N; i++) {
        page[i] = high_page();
        if (!page[i]) {
            while (i-- > 0)
                put_page(page[i]);
            return;
        }
        *(u64 *)kmap(page[i]) = i;
        kunmap(page[i]);
    }
    for (int i = 0; i < N; i++) {
        KTEST_EXPECT(*(u64 *)kmap(page[i]) == (u64)i);
        kunmap(page[i]);
        put_page(page[i]);
    }
}

KTEST(kmap, zeroed_high_pages_are_zero)
{
    struct page *page = high_page();
    u64 *at;

    if (!page)
        return;
    at = kmap_local_page(page);
    memset(at, 0xff, PAGE_SIZE);
    kunmap_local(at);
    put_page(page);
    page = alloc_pages_owner(GFP_HIGHUSER | __GFP_ZERO, 0, OWNER_TEST);
    KTEST_REQUIRE(page);
    at = kmap_local_page(page);
    for (size_t i = 0; i < PAGE_SIZE / 8; i++)
        if (at[i] && !KTEST_EXPECT(at[i] == 0))
            break;
    kunmap_local(at);
    put_page(page);
}

/* ---- interrupts ---- */

static struct {
    struct page *page[3];
    struct wait_queue done;
    atomic_t left, wrong, nested;
} busy;

/* Holds two windows again and again, and looks whether they stay its own. */
static int hold_windows(void *arg)
{
    for (int i = 0; i < 3000; i++) {
        u64 *a = kmap_local_page(busy.page[0]);
        u64 *b = kmap_local_page(busy.page[1]);

        for (int k = 0; k < 20; k++)
            if (READ_ONCE(*a) != 100 || READ_ONCE(*b) != 101)
                atomic_inc(&busy.wrong);
        kunmap_local(b);
        kunmap_local(a);
    }
    if (atomic_dec_and_test(&busy.left))
        wake_up_all(&busy.done);
    return 0;
}

static void use_window_in_interrupt(void *arg)
{
    u64 *at = kmap_local_page(busy.page[2]);
    unsigned long slot =
        fix_to_virt(FIX_KMAP_LOCAL + smp_processor_id() * KMAP_LOCAL_MAX);

    if (*at != 102)
        atomic_inc(&busy.wrong);
    if (((unsigned long)at & PAGE_MASK) != slot)
        atomic_inc(&busy.nested);
    kunmap_local(at);
}

KTEST(kmap, interrupts_use_windows_above_those_they_interrupt)
{
    unsigned int threads = nr_cpus_online - 1;

    if (!threads) {
        ktest_skip("one CPU: nobody sends interrupts");
        return;
    }
    for (int i = 0; i < 3; i++) {
        if (!(busy.page[i] = high_page())) {
            while (i-- > 0)
                put_page(busy.page[i]);
            return;
        }
        *(u64 *)kmap(busy.page[i]) = 100 + i;
        kunmap(busy.page[i]);
    }
    wait_queue_init(&busy.done);
    atomic_set(&busy.left, threads);
    atomic_set(&busy.wrong, 0);
    atomic_set(&busy.nested, 0);
    for (unsigned int i = 0; i < threads; i++)
        if (kthread_run(hold_windows, NULL, "windows", NULL))
            atomic_dec(&busy.left);
    while (atomic_read(&busy.left) > 0) {
        for (int i = 0; i < 20; i++)
            xcall(~0ull, use_window_in_interrupt, NULL);
        schedule();
    }
    KTEST_EXPECT(!atomic_read(&busy.wrong));
    ktest_note("%d interrupts came while windows were held",
               atomic_read(&busy.nested));
    for (int i = 0; i < 3; i++)
        put_page(busy.page[i]);
}
