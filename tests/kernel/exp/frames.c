/*
 * tests/kernel/exp/frames.c - frames of RAM: who holds them, how the kernel
 * knows which are free, and struct page.
 */
#include <tests/kernel/exp/exp.h>
#include <tests/kernel/exp/touch.h>

#include <kernel/lib/format.h>
#include <kernel/lib/string.h>
#include <mm/alloc.h>
#include <mm/audit.h>
#include <mm/fixmap.h>
#include <mm/physmap.h>
#include <mm/set_memory.h>
#include <mm/slab.h>
#include <mm/tlb.h>
#include <mm/zone.h>

/* ---- 0.12 ---- */

static void run_absent_page(struct exp *e)
{
    struct page *page;
    struct touch_result r;
    struct pt_walk walk;
    char words[100];
    u8 *addr;

    if (!debug_pagealloc) {
        exp_skip(e, "boot with debug_pagealloc=on");
        return;
    }
    page = alloc_pages_owner(GFP_KERNEL, 0, OWNER_TEST);
    if (!exp_check(e, page, "no memory"))
        return;
    addr = page_address(page);
    *addr = 1;
    put_page(page);
    if (e->broken)
        set_direct_map_default(page, 1);
    exp_walk(addr, &walk);
    exp_watch_start();
    r = exp_touch(addr, TOUCH_READ);
    exp_watch_stop();
    exp_obs(e, "freed=%p pte=%s touch=%s", addr,
            walk.leaf_level < 0 ? "none" : "present",
            exp_touch_words(&r, words, sizeof(words)));
    exp_check(e, r.faulted, "a freed page can still be read");
    exp_check(e, r.error == 0, "not a not-present fault");
    exp_walk(addr, &walk);
    exp_check(e, walk.leaf_level < 0, "the fault mapped it again");
    if (e->broken)
        set_direct_map_invalid(page, 1);
    exp_answer(e, "the access faults and nothing repairs it: it is a bug");
}

EXPERIMENT(absent_page) = {
    .id = "0.12",
    .question = "what if a page of the direct map is absent?",
    .claim = "a bug report with the walk, never a repair",
    .broken = "the freed page stays mapped",
    .run = run_absent_page,
};

/* ---- 0.21 ---- */

static void run_first_mib(struct exp *e)
{
    u64 held[NR_PAGE_OWNERS] = {0}, holes = 0;
    gfp_t gfp = e->broken ? GFP_KERNEL : GFP_DMA;
    struct page *page;
    phys_addr_t pa;

    for (pfn_t pfn = 0; pfn < 256; pfn++) {
        if (!pfn_valid(pfn))
            holes++;
        else
            held[pfn_to_page(pfn)->owner]++;
    }
    for (int i = 0; i < NR_PAGE_OWNERS; i++)
        if (held[i])
            exp_obs(e, "first_mib owner=%s pages=%llu", page_owner_names[i],
                    (unsigned long long)held[i]);
    exp_obs(e, "first_mib no_ram=%llu", (unsigned long long)holes);
    exp_check(e, !pfn_valid(0) || page_test(pfn_to_page(0), PG_reserved),
              "the first page is not reserved");
    page = alloc_pages_owner(gfp, 2, OWNER_TEST);
    if (!exp_check(e, page, "no memory"))
        return;
    pa = page_to_phys(page);
    exp_obs(e, "dma_buffer=%#llx-%#llx", (unsigned long long)pa,
            (unsigned long long)pa + 4 * PAGE_SIZE - 1);
    exp_check(e, pa + 4 * PAGE_SIZE <= 16 * MIB,
              "a buffer for ISA DMA above 16 MiB");
    exp_check(e, pa / 65536 == (pa + 4 * PAGE_SIZE - 1) / 65536,
              "it crosses a 64 KiB boundary");
    __free_pages(page, 2);
    exp_answer(e, "firmware's parts are reserved, DMA memory lies below "
                  "16 MiB");
}

EXPERIMENT(first_mib) = {
    .id = "0.21",
    .question = "what becomes of the first MiB, and where is ISA DMA memory?",
    .claim = "the first page and firmware ranges are kept; GFP_DMA is below "
             "16 MiB",
    .broken = "the buffer is allocated without GFP_DMA",
    .run = run_first_mib,
};

/* ---- 2.10 ---- */

/* Free pages as the entries of the array say it. */
static u64 count_by_entries(const struct zone *zone)
{
    struct pfn_run run = {zone->start, zone->start};
    u64 n = 0;

    while (physmap_ram_run(run.end, &run) && run.start < zone->next_section) {
        pfn_t end = min(run.end, min(zone->next_section, zone->end));

        for (pfn_t pfn = run.start; pfn < end; pfn++)
            if (page_test(pfn_to_page(pfn), PG_buddy))
                n += 1ul << pfn_to_page(pfn)->order;
        run.end = end;
    }
    return n;
}

static u64 count_by_lists(const struct zone *zone)
{
    u64 n = 0;

    for (int order = 0; order <= MAX_ORDER; order++)
        n += zone->free_area[order].blocks << order;
    return n;
}

static void print_blocks(struct exp *e, const struct zone *zone,
                         const char *when)
{
    char text[120];
    int len = 0;

    for (int order = 0; order <= MAX_ORDER; order++)
        len += scnprintf(text + len, sizeof(text) - len, " %llu",
                         (unsigned long long)zone->free_area[order].blocks);
    exp_obs(e, "zone=%s %s blocks=%s", zone->name, when, text);
}

static void run_free_frames(struct exp *e)
{
    struct zone *zone;
    struct page *page;
    u64 entries, lists;

    page_drain_local();
    for (zone = zones; zone < &zones[NR_ZONES]; zone++) {
        if (!zone->online)
            continue;
        entries = count_by_entries(zone) + (e->broken ? 1 : 0);
        lists = count_by_lists(zone);
        exp_obs(e, "zone=%s by_entries=%llu by_lists=%llu counter=%llu",
                zone->name, (unsigned long long)entries,
                (unsigned long long)lists, (unsigned long long)zone->free);
        exp_check(e, entries == lists && lists == zone->free,
                  "the three counts of free pages differ");
    }
    page = alloc_pages_owner(GFP_KERNEL, 3, OWNER_TEST);
    if (!exp_check(e, page, "no memory"))
        return;
    zone = page_zone(page);
    print_blocks(e, zone, "taken");
    entries = zone->free;
    __free_pages(page, 3);
    print_blocks(e, zone, "given");
    exp_check(e, zone->free == entries + 8, "eight pages did not come back");
    exp_answer(e, "lists of free blocks; entries and counter say the same");
}

EXPERIMENT(free_frames) = {
    .id = "2.10",
    .question = "how does the kernel know which frames are free?",
    .claim = "free blocks stand on lists by size; each head says so in its "
             "struct page",
    .broken = "one frame is counted too many",
    .run = run_free_frames,
};

/* ---- 3.2 ---- */

static void run_frame_numbers(struct exp *e)
{
    pfn_t samples[] = {0,
                       1,
                       0xfffff,
                       0x100000,
                       0x100001,
                       PFN_DOWN(physmap_ram_end() - 1),
                       PFN_DOWN(PHYS_LIMIT) - 1};
    size_t wrong = 0;

    exp_obs(e, "PAGE_SIZE=%lu PAGE_SHIFT=%d", PAGE_SIZE, PAGE_SHIFT);
    for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
        phys_addr_t pa = PFN_PHYS(samples[i]);

        if (e->broken)
            pa = (u32)pa;
        wrong += PFN_DOWN(pa) != samples[i] ||
                 PFN_DOWN(pa + PAGE_SIZE - 1) != samples[i] ||
                 PFN_UP(pa + 1) != samples[i] + 1;
        exp_obs(e, "pfn=%#lx phys=%#llx back=%#llx", samples[i],
                (unsigned long long)pa, (unsigned long long)PFN_DOWN(pa));
    }
    exp_check(e, !wrong, "%zu frame numbers do not come back", wrong);
    exp_answer(e, "phys = pfn << 12, also above 4 GiB");
}

EXPERIMENT(frame_numbers) = {
    .id = "3.2",
    .question = "how are physical addresses and pages related?",
    .claim = "a frame number is the address without the 12 bits of the offset",
    .broken = "physical addresses are kept in 32 bits",
    .run = run_frame_numbers,
};

/* ---- 3.4 ---- */

static size_t round_trips(size_t want)
{
    struct pfn_run run = {0, 0};
    size_t wrong = 0, n = 0;
    u64 step = max(physmap_ram_pages() / (2 * want), 1ul);

    while (n < want && physmap_ram_run(run.end, &run))
        for (pfn_t pfn = run.start; pfn < run.end && n < want; pfn += step) {
            struct page *page = pfn_to_page(pfn);

            if (!pfn_valid(pfn))
                break; /* not online: there is no struct page */
            n++;
            wrong += page_to_pfn(page) != pfn;
            if (pfn < lowmem_end_pfn)
                wrong += virt_to_page(page_address(page)) != page ||
                         __pa(page_address(page)) != PFN_PHYS(pfn);
        }
    return wrong;
}

static void run_struct_page(struct exp *e)
{
    size_t wrong = round_trips(1000);
    u8 *area = vmalloc(PAGE_SIZE);
    struct page *real;

    exp_obs(e, "array=%p size=%zu mismatches=%zu", (void *)pfn_to_page(0),
            sizeof(struct page), wrong);
    exp_check(e, !wrong, "frame -> page -> frame does not come back");
    if (!exp_check(e, area, "no memory"))
        return;
    real = vmalloc_to_page(area);
    exp_obs(e, "virt_addr_valid vmalloc=%d user=%d beyond_ram=%d text=%d",
            virt_addr_valid(area), virt_addr_valid((void *)0x400000),
            virt_addr_valid(__va(PHYS_LIMIT - PAGE_SIZE)),
            virt_addr_valid(__text_start));
    exp_check(e,
              !virt_addr_valid(area) && !virt_addr_valid((void *)0x400000) &&
                  !virt_addr_valid(__va(PHYS_LIMIT - PAGE_SIZE)) &&
                  !virt_addr_valid(__text_start),
              "a page is promised for an address that is not logical");
    if (e->broken) /* __pa of an address that is not logical */
        exp_check(e, virt_to_page(area) == real,
                  "virt_to_page of a vmalloc address is not its page");
    vfree(area);
    exp_answer(e, "one entry a frame, found by arithmetic; other addresses "
                  "are refused");
}

EXPERIMENT(struct_page) = {
    .id = "3.4",
    .question = "how do frame, struct page and address lead to each other?",
    .claim = "by arithmetic for logical addresses, by the table for others",
    .broken = "virt_to_page is used on a vmalloc address",
    .run = run_struct_page,
};

/* ---- 4.1 ---- */

static void run_ledger(struct exp *e)
{
    struct page_ledger before, after;
    struct page *leak;
    u64 sum = 0;
    void *slab, *area, *stack;

    page_ledger_read(&before);
    for (int i = 0; i < NR_PAGE_OWNERS; i++) {
        sum += before.pages[i];
        exp_obs(e, "owner=%s pages=%llu", page_owner_names[i],
                (unsigned long long)before.pages[i]);
    }
    exp_obs(e, "sum=%llu total=%llu", (unsigned long long)sum,
            (unsigned long long)before.total);
    exp_check(e, sum == before.total, "the owners' pages are not all of RAM");
    slab = kmalloc(3000, GFP_KERNEL);
    area = vmalloc(7 * PAGE_SIZE);
    stack = kernel_stack_alloc();
    leak = alloc_pages_owner(GFP_KERNEL, 0, OWNER_TEST);
    if (stack)
        kernel_stack_free(stack);
    vfree(area);
    kfree(slab);
    if (!e->broken)
        __free_page(leak);
    page_ledger_read(&after);
    exp_check(e, after.pages[OWNER_TEST] == before.pages[OWNER_TEST],
              "a page of owner 'test' was not given back");
    exp_check(e, !page_ledger_differs(&before, &after),
              "the ledger differs afterwards");
    if (e->broken)
        __free_page(leak);
    exp_answer(e, "RAM is the sum over its owners, before and after");
}

EXPERIMENT(ledger) = {
    .id = "4.1",
    .question = "is all RAM accounted for?",
    .claim = "RAM = the sum over owners; what is given back is seen to be",
    .broken = "a page is kept",
    .run = run_ledger,
};

/* ---- 4.7 ---- */

static void run_audit(struct exp *e)
{
    size_t findings;

    if (e->broken) { /* a page that is writable and executable */
        __set_fixmap(FIX_TEST, __pa_symbol(__data_start),
                     (pgprot_t){PAGE_KERNEL.bits & ~PTE_NX});
    }
    findings = mm_audit(e->out);
    clear_fixmap(FIX_TEST);
    exp_obs(e, "findings=%zu", findings);
    exp_check(e, findings == 0, "the scan of the kernel half found something");
    exp_answer(e, "nothing is W+X, nothing of the kernel is open to ring 3, "
                  "all tables have an owner");
}

EXPERIMENT(audit) = {
    .id = "4.7",
    .question = "is anything writable and executable, or the kernel's and open "
                "to ring 3?",
    .claim = "no: a scan of the whole kernel half counts 0",
    .broken = "one page is mapped writable and executable",
    .run = run_audit,
};
