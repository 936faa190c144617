/*
 * tests/kernel/test_mm_pages.c - pages, zones and sections in the booted
 * kernel.
 */
#include <kernel/core/ktest.h>
#include <kernel/core/printk.h>
#include <kernel/lib/printer.h>
#include <kernel/lib/string.h>
#include <mm/audit.h>
#include <mm/page.h>
#include <mm/physmap.h>
#include <mm/slab.h>
#include <mm/zone.h>

KTEST(page, single_page_has_one_owner_and_one_reference)
{
    struct page *page = alloc_pages_owner(GFP_KERNEL, 0, OWNER_TEST);

    KTEST_REQUIRE(page);
    KTEST_EXPECT(page_count(page) == 1 && page_mapcount(page) == 0);
    KTEST_EXPECT(page->owner == OWNER_TEST);
    KTEST_EXPECT(virt_to_page(page_address(page)) == page);
    KTEST_EXPECT(pfn_to_page(page_to_pfn(page)) == page);
    KTEST_EXPECT(pfn_valid(page_to_pfn(page)));
    KTEST_EXPECT(virt_addr_valid(page_address(page)));
    get_page(page);
    put_page(page);
    KTEST_EXPECT(page_count(page) == 1);
    put_page(page);
}

KTEST(page, blocks_are_contiguous_and_aligned)
{
    for (unsigned int order = 0; order <= 8; order++) {
        struct page *page =
            alloc_pages_owner(GFP_KERNEL | __GFP_NOWARN, order, OWNER_TEST);

        if (!page)
            return; /* a small machine */
        KTEST_EXPECT(IS_ALIGNED(page_to_pfn(page), 1ul << order));
        memset(page_address(page), order, PAGE_SIZE << order);
        __free_pages(page, order);
    }
}

KTEST(page, orders_beyond_the_largest_are_refused)
{
    KTEST_EXPECT(!alloc_pages(GFP_KERNEL, MAX_ORDER + 1));
    KTEST_EXPECT(!alloc_pages(GFP_KERNEL, 64));
    KTEST_EXPECT(!kmalloc(~0ul, GFP_KERNEL));
    KTEST_EXPECT(!kmalloc_array(~0ul / 2, 4, GFP_KERNEL));
}

KTEST(page, zeroed_pages_are_zero)
{
    struct page *page = alloc_pages_owner(GFP_KERNEL, 0, OWNER_TEST);
    const u64 *word;

    KTEST_REQUIRE(page);
    memset(page_address(page), 0xff, PAGE_SIZE);
    put_page(page);
    word = (const u64 *)get_zeroed_page(GFP_KERNEL);
    KTEST_REQUIRE(word);
    for (size_t i = 0; i < PAGE_SIZE / 8; i++)
        if (word[i] && !KTEST_EXPECT(word[i] == 0))
            break;
    free_page((unsigned long)word);
}

KTEST(page, compound_pages_lead_to_their_head)
{
    struct page *page =
        alloc_pages_owner(GFP_KERNEL | __GFP_COMP, 2, OWNER_TEST);

    KTEST_REQUIRE(page);
    KTEST_EXPECT(compound_head(page + 3) == page);
    get_page(page + 2);
    KTEST_EXPECT(page_count(page) == 2);
    put_page(page + 1);
    put_page(page); /* frees all four */
    page = alloc_pages_owner(GFP_KERNEL, 0, OWNER_TEST);
    KTEST_REQUIRE(page);
    KTEST_EXPECT(!page_test(page, PG_tail));
    put_page(page);
}

KTEST(page, exact_sizes_keep_nothing_more)
{
    char *p = alloc_pages_exact(5 * PAGE_SIZE, GFP_KERNEL);
    struct page *page;

    KTEST_REQUIRE(p);
    page = virt_to_page(p);
    for (int i = 0; i < 5; i++)
        KTEST_EXPECT(page_count(page + i) == 1);
    KTEST_EXPECT(page_count(page + 5) == 0);
    free_pages_exact(p, 5 * PAGE_SIZE);
    KTEST_EXPECT(!alloc_pages_exact(64 * MIB, GFP_KERNEL));
}

KTEST(page, dma_pages_lie_below_16_mib)
{
    struct page *page = alloc_pages_owner(GFP_DMA, 3, OWNER_TEST);

    KTEST_REQUIRE(page);
    KTEST_EXPECT(page_to_phys(page) + 8 * PAGE_SIZE <= 16 * MIB);
    KTEST_EXPECT(page_to_phys(page) / 65536 ==
                 (page_to_phys(page) + 8 * PAGE_SIZE - 1) / 65536);
    __free_pages(page, 3);
    page = alloc_pages_owner(GFP_DMA32, 0, OWNER_TEST);
    KTEST_REQUIRE(page);
    KTEST_EXPECT(page_to_phys(page) < 4 * GIB);
    put_page(page);
}

KTEST(page, first_page_and_firmware_are_nobodys_to_take)
{
    KTEST_EXPECT(!pfn_valid(0xf0)); /* the BIOS, no RAM */
    KTEST_EXPECT(!physmap_is_ram(0xf0000, 0x100000));
    if (pfn_valid(0))
        KTEST_EXPECT(page_test(pfn_to_page(0), PG_reserved));
}

KTEST(page, ledger_names_every_page)
{
    struct page_ledger before, after;
    struct page *page;
    u64 sum = 0;

    page_ledger_read(&before);
    for (int i = 0; i < NR_PAGE_OWNERS; i++)
        sum += before.pages[i];
    KTEST_EXPECT(sum == before.total);
    page = alloc_pages_owner(GFP_KERNEL, 1, OWNER_TEST);
    KTEST_REQUIRE(page);
    page_ledger_read(&after);
    KTEST_EXPECT(after.pages[OWNER_TEST] == before.pages[OWNER_TEST] + 2);
    page_set_owner(page, OWNER_DRIVER);
    page_ledger_read(&after);
    KTEST_EXPECT(after.pages[OWNER_DRIVER] == before.pages[OWNER_DRIVER] + 2);
    __free_pages(page, 1);
    page_ledger_read(&after);
    KTEST_EXPECT(!page_ledger_differs(&before, &after));
}

/* Takes all that GFP_KERNEL gives, chained through page->private. */
static size_t take_everything(struct page **chain)
{
    struct page *page;
    size_t n = 0;

    while (
        (page = alloc_pages_owner(GFP_KERNEL | __GFP_NOWARN, 0, OWNER_TEST))) {
        page->private = (unsigned long)*chain;
        *chain = page;
        n++;
    }
    return n;
}

KTEST(page, all_memory_can_be_taken_and_comes_back)
{
    struct page *chain = NULL, *reserve;
    size_t n;

    if (physmap_ram_bytes() > 256 * MIB) {
        ktest_skip("more than 256 MiB of RAM");
        return;
    }
    n = take_everything(&chain);
    ktest_note("%zu pages", n);
    KTEST_EXPECT(!kmalloc(PAGE_SIZE * 4, GFP_KERNEL | __GFP_NOWARN));
    reserve = alloc_pages_owner(GFP_ATOMIC | __GFP_NOWARN, 0, OWNER_TEST);
    KTEST_EXPECT(reserve); /* GFP_ATOMIC may dip into the reserve */
    if (reserve)
        put_page(reserve);
    while (chain) {
        struct page *page = chain;

        chain = (struct page *)page->private;
        put_page(page);
    }
}

static void audit_write(struct printer *out, const char *text, size_t len)
{
    printk(LOG_NOTICE, "%.*s", (int)len, text);
}

KTEST(mm, audit_finds_nothing)
{
    struct printer out = {audit_write};

    KTEST_EXPECT(mm_audit(&out) == 0);
}
