/*
 * tests/kernel/test_mm_buddy.c - the page allocator: types, reserves, bulk,
 * contiguous ranges; and requests that make no sense, which it answers in the
 * log and survives.
 */
#include <kernel/core/ktest.h>
#include <kernel/lib/string.h>
#include <kernel/uapi/errno.h>
#include <mm/alloc.h>
#include <mm/migrate.h>
#include <mm/slab.h>

static struct page *test_pages(gfp_t gfp, unsigned int order)
{
    return alloc_pages_owner(gfp, order, OWNER_TEST);
}

/* ---- frees that are refused ---- */

KTEST(free, a_second_time_is_refused)
{
    struct page *page = test_pages(GFP_KERNEL, 0), *a, *b;

    KTEST_REQUIRE(page);
    put_page(page);
    put_page(page); /* said in the log */
    a = test_pages(GFP_KERNEL, 0);
    b = test_pages(GFP_KERNEL, 0);
    KTEST_EXPECT(a && b && a != b);
    __free_page(a);
    __free_page(b);
    a = test_pages(GFP_KERNEL, 3);
    KTEST_REQUIRE(a);
    __free_pages(a, 3);
    __free_pages(a, 3);
}

KTEST(free, the_middle_of_a_block_is_refused)
{
    static const gfp_t kinds[] = {0, __GFP_COMP};

    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        struct page *page = test_pages(GFP_KERNEL | kinds[i], 2);

        KTEST_REQUIRE(page);
        __free_page(page + 1);
        __free_pages(page + 2, 1);
        KTEST_EXPECT(page_count(page) == 1 && page->owner == OWNER_TEST);
        __free_pages(page, 2);
    }
}

KTEST(free, another_order_is_refused)
{
    struct page *page = test_pages(GFP_KERNEL, 2);

    KTEST_REQUIRE(page);
    __free_pages(page, 1);
    __free_pages(page, 3);
    __free_pages(page, 0);
    __free_pages(page, 77);
    KTEST_EXPECT(page_count(page) == 1);
    __free_pages(page, 2);
    page = test_pages(GFP_KERNEL, 0);
    KTEST_REQUIRE(page);
    __free_pages(page, 2);
    KTEST_EXPECT(page_count(page) == 1);
    __free_page(page);
}

KTEST(free, pages_in_use_are_refused)
{
    struct page *page = test_pages(GFP_KERNEL, 0);
    void *object = kmalloc(64, GFP_KERNEL);

    KTEST_EXPECT(page && object);
    if (page) {
        atomic_set(&page->mapcount, 1);
        __free_page(page);
        KTEST_EXPECT(page_count(page) == 1);
        atomic_set(&page->mapcount, 0);
        __free_page(page);
    }
    if (object) {
        page = compound_head(virt_to_page(object));
        put_page(page);
        KTEST_EXPECT(page_test(page, PG_slab) && page_count(page) == 1);
        kfree(object);
    }
    page = virt_to_page(__va(__pa_symbol(__text_start)));
    __free_page(page);
    KTEST_EXPECT(page_test(page, PG_reserved) && page_count(page) == 1);
}

KTEST(free, addresses_of_no_page_are_refused)
{
    unsigned long addr = __get_free_pages(GFP_KERNEL, 1);
    void *area = vmalloc(PAGE_SIZE);

    free_pages(0x1234, 0);
    free_pages(0x1000, 0);
    free_pages((unsigned long)area, 0);
    free_pages(page_offset + PFN_PHYS(lowmem_end_pfn), 0);
    free_pages_exact(area, PAGE_SIZE);
    vfree(area);
    KTEST_REQUIRE(addr);
    free_pages(addr + 8, 1);
    KTEST_EXPECT(page_count(virt_to_page((void *)addr)) == 1);
    free_pages(addr, 1);
}

/* ---- requests that make no sense ---- */

KTEST(gfp, impossible_sizes_are_refused)
{
    KTEST_EXPECT(!alloc_pages_exact(0, GFP_KERNEL));
    KTEST_EXPECT(!alloc_pages_exact(~0ul, GFP_KERNEL));
    KTEST_EXPECT(!__get_free_pages(GFP_KERNEL, MAX_ORDER + 1));
    KTEST_EXPECT(!test_pages(GFP_KERNEL, ~0u));
    KTEST_EXPECT(!test_pages(GFP_KERNEL | __GFP_NOFAIL, MAX_ORDER + 1));
    KTEST_EXPECT(alloc_pages_bulk(GFP_KERNEL, OWNER_TEST, 0, NULL) == 0);
}

KTEST(gfp, contradictions_are_answered_with_the_stricter)
{
    struct page *page = test_pages(GFP_KERNEL | __GFP_DMA | __GFP_DMA32, 0);
    unsigned long addr = __get_free_pages(GFP_HIGHUSER, 0);

    KTEST_EXPECT(page && page_to_phys(page) < 16 * MIB);
    __free_page(page);
    KTEST_EXPECT(addr && virt_addr_valid((void *)addr));
    free_page(addr);
    page = test_pages(GFP_KERNEL | __GFP_MOVABLE | __GFP_RECLAIMABLE, 0);
    KTEST_EXPECT(page);
    __free_page(page);
    page = test_pages(GFP_KERNEL | __GFP_NOFAIL, 2);
    KTEST_EXPECT(page);
    __free_pages(page, 2);
}

/* Takes what these flags give, at most `most` pages; chained by private. */
static size_t take_up_to(gfp_t gfp, size_t most, struct page **chain)
{
    struct page *page;
    size_t n = 0;

    while (n < most && (page = test_pages(gfp | __GFP_NOWARN, 0))) {
        page->private = (unsigned long)*chain;
        *chain = page;
        n++;
    }
    return n;
}

static void give_chain(struct page *chain)
{
    while (chain) {
        struct page *page = chain;

        chain = (struct page *)page->private;
        put_page(page);
    }
}

KTEST(gfp, reserves_are_for_those_who_cannot_wait)
{
    struct page *chain = NULL;
    size_t most, atomic;

    if (physmap_ram_bytes() > 256 * MIB) {
        ktest_skip("more than 256 MiB of RAM");
        return;
    }
    take_up_to(GFP_KERNEL, ~0ul, &chain);
    KTEST_EXPECT(take_up_to(GFP_NOWAIT, 1, &chain) == 0);
    most = zone_min_free();
    atomic = take_up_to(GFP_ATOMIC, most, &chain);
    ktest_note("%zu of %zu pages of the reserve", atomic, most);
    KTEST_EXPECT(atomic > 0 && atomic < most);
    KTEST_EXPECT(take_up_to(GFP_ATOMIC | __GFP_MEMALLOC, 1, &chain) == 1);
    give_chain(chain);
}

/* ---- what there is to have ---- */

KTEST(page, types_stand_in_pageblocks_of_their_own)
{
    static const gfp_t gfp[] = {0, __GFP_MOVABLE, __GFP_RECLAIMABLE};
    struct page *page[3];

    if (page_group_by_mobility_disabled ||
        pages_available() < 16 * PAGEBLOCK_PAGES) {
        ktest_skip("too little memory to keep types apart");
        return;
    }
    page_drain_all();
    for (int i = 0; i < 3; i++) {
        page[i] = test_pages(GFP_KERNEL | gfp[i], 0);
        KTEST_EXPECT(page[i] && pageblock_type(page[i]) == i);
    }
    for (int i = 0; i < 3; i++)
        __free_page(page[i]);
}

KTEST(page, bulk_gives_single_pages)
{
    enum { N = 150 };
    static struct page *pages[N];
    size_t n = alloc_pages_bulk(GFP_KERNEL | __GFP_ZERO, OWNER_TEST, N, pages);

    KTEST_EXPECT(n == N);
    for (size_t i = 0; i < n; i++) {
        u64 *word = page_address(pages[i]);

        KTEST_EXPECT(page_count(pages[i]) == 1 && !word[0] && !word[511]);
        KTEST_EXPECT(pages[i]->owner == OWNER_TEST);
        word[0] = i;
    }
    while (n-- > 0) {
        KTEST_EXPECT(*(u64 *)page_address(pages[n]) == n);
        put_page(pages[n]);
    }
}

KTEST(contig, lengths_that_are_no_power_of_two)
{
    unsigned long n = 700;
    struct page *page =
        alloc_contig_pages(n, GFP_KERNEL | __GFP_ZERO, OWNER_TEST);

    if (!page) {
        KTEST_EXPECT(min(physmap_ram_bytes(), PFN_PHYS(lowmem_end_pfn)) <
                     32 * MIB);
        return;
    }
    for (unsigned long i = 0; i < n; i++) {
        KTEST_EXPECT(page_count(page + i) == 1 &&
                     !*(u64 *)page_address(page + i));
        KTEST_EXPECT((page + i)->owner == OWNER_TEST);
    }
    free_contig_range(page_to_pfn(page), n);
    KTEST_EXPECT(!alloc_contig_pages(0, GFP_KERNEL, OWNER_TEST));
    KTEST_EXPECT(!alloc_contig_pages(~0ul, GFP_KERNEL, OWNER_TEST));
}

KTEST(contig, a_page_in_the_way_keeps_the_range)
{
    struct page *page = test_pages(GFP_KERNEL, 3);
    pfn_t pfn;

    KTEST_REQUIRE(page);
    pfn = page_to_pfn(page);
    split_page(page, 3);
    for (int i = 0; i < 8; i++)
        if (i != 5)
            put_page(page + i);
    KTEST_EXPECT(alloc_contig_range(pfn, pfn + 8, GFP_KERNEL, OWNER_TEST) ==
                 -EBUSY);
    KTEST_EXPECT(page_count(page + 5) == 1 &&
                 pageblock_type(page) != MIGRATE_ISOLATE);
    put_page(page + 5);
    KTEST_EXPECT(alloc_contig_range(pfn, pfn + 8, GFP_KERNEL, OWNER_TEST) == 0);
    free_contig_range(pfn, 8);
}

KTEST(contig, ranges_that_are_no_memory_are_refused)
{
    gfp_t gfp = GFP_KERNEL;
    pfn_t image = PFN_DOWN(__pa_symbol(__text_start));

    KTEST_EXPECT(alloc_contig_range(5, 5, gfp, OWNER_TEST) == -EINVAL);
    KTEST_EXPECT(alloc_contig_range(9, 5, gfp, OWNER_TEST) == -EINVAL);
    KTEST_EXPECT(alloc_contig_range(0xf0, 0x100, gfp, OWNER_TEST) == -EINVAL);
    KTEST_EXPECT(alloc_contig_range(1, ~0ul, gfp, OWNER_TEST) == -EINVAL);
    KTEST_EXPECT(alloc_contig_range(image, image + 4, gfp, OWNER_TEST) ==
                 -EBUSY);
}
