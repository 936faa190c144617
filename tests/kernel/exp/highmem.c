/*
 * tests/kernel/exp/highmem.c - RAM without a logical address, and the windows
 * to it.  Most of it needs lowmem=SIZE below the RAM there is.
 */
#include <tests/kernel/exp/exp.h>
#include <tests/kernel/exp/touch.h>

#include <kernel/core/time.h>
#include <kernel/sync/waitq.h>
#include <kernel/task/task.h>
#include <mm/fixmap.h>
#include <mm/kmap.h>
#include <mm/memory.h>
#include <mm/physmap.h>
#include <mm/slab.h>
#include <mm/tlb.h>
#include <mm/zone.h>

static struct page *high_page(struct exp *e)
{
    struct page *page;

    if (!zones[ZONE_HIGHMEM].present) {
        exp_skip(e, "no high memory; boot with lowmem=SIZE");
        return NULL;
    }
    page = alloc_pages_owner(GFP_HIGHUSER, 0, OWNER_TEST);
    exp_check(e, page && page_test(page, PG_highmem), "no high page to be had");
    return page;
}

/* ---- 0.4 and 3.5 ---- */

static void show_low_page(struct exp *e)
{
    struct page *page = alloc_pages_owner(GFP_KERNEL, 0, OWNER_TEST);

    if (!exp_check(e, page, "no memory"))
        return;
    exp_obs(e, "low_page address=%p kmap=%p", page_address(page), kmap(page));
    exp_check(e, kmap(page) == __va(page_to_phys(page)),
              "kmap of a low page is not its logical address");
    kunmap(page);
    kunmap(page);
    put_page(page);
}

static void run_high_page(struct exp *e)
{
    struct page *page = high_page(e);
    unsigned int used, slots;
    struct touch_result r;
    char words[64];
    u64 *window;

    if (!page)
        return;
    exp_obs(e, "high_page phys=%#llx address=%p lowmem_end=%#llx",
            (unsigned long long)page_to_phys(page), page_address(page),
            (unsigned long long)PFN_PHYS(lowmem_end_pfn));
    exp_check(e, !page_address(page), "it has an address before kmap");
    exp_watch_start();
    window = e->broken ? __va(page_to_phys(page)) : kmap(page);
    r = exp_touch(window, TOUCH_WRITE);
    exp_watch_stop();
    exp_obs(e, "window=%p touch=%s", (void *)window,
            exp_touch_words(&r, words, sizeof(words)));
    if (exp_check(e, !r.faulted, "the address used for it is not mapped")) {
        *window = 0x1234;
        kunmap(page);
        exp_check(e, !page_address(page), "it keeps an address after kunmap");
        window = kmap(page);
        exp_obs(e, "again=%p value=%#llx", (void *)window,
                (unsigned long long)*window);
        exp_check(e, *window == 0x1234, "data lost between two kmaps");
        kunmap(page);
    }
    show_low_page(e);
    kmap_usage(&used, &slots);
    exp_obs(e, "slots_in_use=%u/%u", used, slots);
    exp_check(e, used == 0, "a slot is still counted as used");
    put_page(page);
    exp_answer(e, "only kmap gives it an address, and only for a while");
}

EXPERIMENT(high_page) = {
    .id = "0.4",
    .question = "has every page of RAM a logical address?",
    .claim = "not above lowmem=: page_address is NULL until kmap",
    .broken = "physical + PAGE_OFFSET is taken for a high page's address",
    .run = run_high_page,
};

EXPERIMENT(kmap_balance) = {
    .id = "3.5",
    .question = "what do kmap and kunmap do?",
    .claim = "a window for high pages, the logical address for low ones",
    .broken = "physical + PAGE_OFFSET is taken for a high page's address",
    .run = run_high_page,
};

/* ---- 0.5 ---- */

static struct {
    struct page *page;
    struct wait_queue queue;
    bool mapped, done;
    struct page *irq_page;
    u64 *interrupted; /* the slot below the interrupt's */
    bool broken, rang;
    u64 *irq_slot;
} window;

static int kmap_one_more(void *arg)
{
    *(u64 *)kmap(window.page) = 7;
    kunmap(window.page);
    WRITE_ONCE(window.mapped, true);
    wake_up_all(&window.queue);
    return 0;
}

/* Maps a page from an interrupt; the broken one into the slot that the
 * interrupted code is using. */
static void map_from_interrupt(struct timer *timer)
{
    window.irq_slot = kmap_local_page(window.irq_page);
    *window.irq_slot = 0xbad;
    kunmap_local(window.irq_slot);
    if (window.broken) {
        struct pt_cursor c;
        unsigned long va = (unsigned long)window.interrupted;

        pt_start(&c, master_table, va, va + PAGE_SIZE);
        pt_set(&c,
               pte_make_leaf(page_to_phys(window.irq_page), PAGE_KERNEL, 0));
        tlb_flush_local_page(va);
    }
    WRITE_ONCE(window.rang, true);
}

static void show_interrupt(struct exp *e, struct page *page)
{
    struct timer timer;
    u64 until;

    window.rang = false;
    timer_init(&timer, map_from_interrupt);
    window.interrupted = kmap_local_page(page);
    *window.interrupted = 0x900d;
    timer_add(&timer, ktime_get());
    until = ktime_get() + 100 * NSEC_PER_MSEC;
    while (!READ_ONCE(window.rang) && ktime_get() < until)
        cpu_relax();
    exp_obs(e, "in_interrupt=%s own_slot=%p its_slot=%p seen=%#llx",
            window.rang ? "kmap_local ok" : "never rang",
            (void *)window.interrupted, (void *)window.irq_slot,
            (unsigned long long)READ_ONCE(*window.interrupted));
    exp_check(e, window.rang, "the timer did not ring");
    exp_check(e, READ_ONCE(*window.interrupted) == 0x900d,
              "the interrupt's page shows in the interrupted slot");
    kunmap_local(window.interrupted);
    timer_cancel(&timer);
}

/* How many pages stay kmapped: as many as there are slots. */
static size_t fill_window(struct page **pages, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        pages[i] = alloc_pages_owner(GFP_HIGHUSER, 0, OWNER_TEST);
        if (!pages[i] || !page_test(pages[i], PG_highmem)) {
            __free_page(pages[i]);
            return i;
        }
        kmap(pages[i]);
    }
    return n;
}

static void show_waiter(struct exp *e, struct page **pages, size_t *n)
{
    unsigned int used, slots;
    int err;

    window.mapped = false;
    kmap_usage(&used, &slots);
    if (!exp_check(e, kthread_run(kmap_one_more, NULL, "kmap", NULL) == 0,
                   "no thread"))
        return;
    err = wait_event_until(&window.queue, READ_ONCE(window.mapped),
                           ktime_get() + 20 * NSEC_PER_MSEC);
    exp_obs(e, "slots=%u/%u one_more=%s", used, slots,
            err ? "sleeps" : "got one");
    exp_check(e, used == slots && err, "a full window gave out a slot");
    show_interrupt(e, pages[0]);
    --*n;
    kunmap(pages[*n]);
    put_page(pages[*n]);
    wait_event_until(&window.queue, READ_ONCE(window.mapped),
                     ktime_get() + NSEC_PER_SEC);
    exp_obs(e, "after_kunmap one_more=%s",
            window.mapped ? "woken, mapped" : "still sleeps");
    exp_check(e, window.mapped, "the sleeper was not woken");
}

static void run_window(struct exp *e)
{
    struct page **pages;
    size_t n;

    window.page = high_page(e);
    if (!window.page)
        return;
    window.broken = e->broken;
    window.irq_page = alloc_pages_owner(GFP_HIGHUSER, 0, OWNER_TEST);
    wait_queue_init(&window.queue);
    pages = kcalloc(PKMAP_SLOTS, sizeof(*pages), GFP_KERNEL);
    if (exp_check(e, pages && window.irq_page, "no memory")) {
        n = fill_window(pages, PKMAP_SLOTS);
        if (exp_check(e, n == PKMAP_SLOTS, "not enough high memory"))
            show_waiter(e, pages, &n);
        while (n > 0) {
            kunmap(pages[--n]);
            put_page(pages[n]);
        }
    }
    kfree(pages);
    __free_page(window.irq_page);
    put_page(window.page);
    exp_answer(e, "kmap sleeps when its window is full; a CPU's own slots "
                  "are a stack");
}

EXPERIMENT(kmap_window) = {
    .id = "0.5",
    .question = "what is a window, and what if it is full?",
    .claim = "kmap's is shared and may make one sleep; kmap_local's is the "
             "CPU's, nests, and works in interrupts",
    .broken = "an interrupt maps into the slot that the interrupted code uses",
    .run = run_window,
};

/* ---- 2.11 and 3.3 ---- */

static void run_limits(struct exp *e)
{
    phys_addr_t ram_end = physmap_ram_end();
    phys_addr_t low_end = min(ram_end, PFN_PHYS(lowmem_end_pfn));
    phys_addr_t beyond = e->broken ? ALIGN_UP(low_end, GIB) - PAGE_SIZE
                                   : ALIGN_UP(low_end, PAGE_SIZE);
    struct touch_result r;
    char words[64];
    u64 sum = 0;

    for (struct zone *zone = zones; zone < &zones[NR_ZONES]; zone++) {
        exp_obs(e, "zone=%s MiB=%llu", zone->name,
                (unsigned long long)zone->present >> (20 - PAGE_SHIFT));
        sum += zone->present;
    }
    exp_check(e, sum == physmap_ram_pages(), "the zones are not all of RAM");
    exp_check(e, pfn_zone(lowmem_end_pfn) == &zones[ZONE_HIGHMEM],
              "HIGHMEM does not begin at the limit");
    exp_watch_start();
    r = exp_touch(__va(low_end - PAGE_SIZE), TOUCH_READ);
    exp_obs(e, "last_low_page=%p %s", __va(low_end - PAGE_SIZE),
            exp_touch_words(&r, words, sizeof(words)));
    r = exp_touch(__va(beyond), TOUCH_READ);
    exp_watch_stop();
    exp_obs(e, "beyond=%p %s", __va(beyond),
            exp_touch_words(&r, words, sizeof(words)));
    if (e->broken)
        exp_check(e, !r.faulted, "the map does not reach the end of the GiB");
    else
        exp_check(e, r.faulted, "the direct map reaches beyond RAM");
    exp_obs(e, "on_32_bits: 896 MiB low, 128 MiB for windows; of 512 MiB all "
               "is low");
    exp_answer(e, "the direct map ends with RAM or at lowmem=, zones follow");
}

EXPERIMENT(direct_map_end) = {
    .id = "2.11",
    .question = "a machine has 512 MiB: how can 896 MiB be mapped?",
    .claim = "they are not: only RAM is mapped, 896 MiB is an upper limit",
    .broken = "the map is believed to reach the end of its GiB",
    .run = run_limits,
};

EXPERIMENT(lowmem_limit) = {
    .id = "3.3",
    .question = "who decides where high memory begins?",
    .claim = "a setting of the kernel (lowmem=), not 640 KiB",
    .broken = "the map is believed to reach the end of its GiB",
    .run = run_limits,
};
