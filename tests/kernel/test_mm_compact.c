/*
 * tests/kernel/test_mm_compact.c - large blocks made by moving pages, and
 * ranges that are emptied: what the pages hold survives, what cannot move
 * stays.
 */
#include <mm/alloc.h>
#include <mm/compact.h>
#include <mm/slab.h>
#include <tests/kernel/mm_probe.h>

#define AT 0x40000000ul
#define KEPT 8 /* one of so many pages stays */
#define NO_WAIT ((GFP_HIGHUSER | __GFP_NOWARN) & ~__GFP_SLEEP)
#define LIGHT (GFP_HIGHUSER | __GFP_NOWARN | __GFP_NORETRY)

static unsigned long pages; /* of anonymous memory: most of all */

/* Starts afresh otherwise: what failed before is not put off. */
static bool too_small_or_large(void)
{
    compact_all();
    pages = ALIGN_DOWN(pages_available() / 4 * 3, KEPT);
    if (!page_group_by_mobility_disabled && pages > 16 * PAGEBLOCK_PAGES &&
        physmap_ram_bytes() <= 256 * MIB)
        return false;
    ktest_skip("less than 48 MiB free, or more than 256 MiB");
    return true;
}

static unsigned long at(unsigned long i)
{
    return AT + i * PAGE_SIZE;
}

static bool holds_its_bytes(struct mm_struct *mm)
{
    for (unsigned long i = 0; i < pages; i += KEPT)
        if (probe_load(mm, at(i)) != (int)(i / KEPT % 251))
            return false;
    return probe_is_sound(mm);
}

static struct mm_struct *full_mm(void)
{
    struct mm_struct *mm = probe_mm();

    if (!mm)
        return NULL;
    probe_map(mm, AT, pages, PROBE_RW, MAP_PRIVATE | MAP_FIXED);
    for (unsigned long i = 0; i < pages; i++)
        probe_store(mm, at(i), i / KEPT % 251);
    return mm;
}

static void thin_out(struct mm_struct *mm)
{
    for (unsigned long i = 0; i < pages; i += KEPT)
        do_madvise(mm, at(i + 1), (KEPT - 1) * PAGE_SIZE, MADV_DONTNEED);
}

/* Every free block of that order or above, chained by private. */
static struct page *take_blocks(unsigned int order, struct page *chain)
{
    struct page *page;

    while ((page = alloc_pages_owner(NO_WAIT, order, OWNER_TEST))) {
        page->private = (unsigned long)chain;
        chain = page;
    }
    return chain;
}

static void give_blocks(struct page *chain, unsigned int order)
{
    while (chain) {
        struct page *page = chain;

        chain = (struct page *)page->private;
        __free_pages(page, order);
    }
}

/* Free memory in pieces of at most KEPT - 1 pages between those of the mm;
 * *chain holds every larger block.  NULL: no memory. */
static struct mm_struct *scattered_mm(struct page **chain)
{
    struct mm_struct *mm = full_mm();

    if (!mm)
        return NULL;
    *chain = take_blocks(PAGEBLOCK_ORDER, NULL);
    thin_out(mm);
    *chain = take_blocks(PAGEBLOCK_ORDER, *chain);
    return mm;
}

KTEST(compact, a_block_is_made_of_scattered_pages)
{
    struct compact_stats before = compact_stats;
    struct page *chain, *block;
    struct mm_struct *mm;

    if (too_small_or_large())
        return;
    mm = scattered_mm(&chain);
    KTEST_REQUIRE(mm);
    block = alloc_pages_owner(LIGHT, PAGEBLOCK_ORDER, OWNER_TEST);
    KTEST_EXPECT(block);
    KTEST_EXPECT(compact_stats.success == before.success + 1);
    ktest_note("%llu frames looked at, %llu for targets, %llu moved",
               (unsigned long long)compact_stats.migrate_scanned -
                   before.migrate_scanned,
               (unsigned long long)compact_stats.free_scanned -
                   before.free_scanned,
               (unsigned long long)compact_stats.migrate_success -
                   before.migrate_success);
    KTEST_EXPECT(compact_stats.migrate_success - before.migrate_success <=
                 2 * PAGEBLOCK_PAGES);
    KTEST_EXPECT(holds_its_bytes(mm));
    __free_pages(block, PAGEBLOCK_ORDER);
    give_blocks(chain, PAGEBLOCK_ORDER);
    mm_put(mm);
}

/* Kernel pages among them: nothing can be made, and trying costs little. */
KTEST(compact, a_hopeless_zone_is_left_alone)
{
    struct page *chain, *block;
    struct mm_struct *mm;
    u64 scanned, first;

    if (too_small_or_large())
        return;
    mm = scattered_mm(&chain);
    KTEST_REQUIRE(mm);
    for (unsigned long i = 0; i < pages; i += KEPT)
        get_page(probe_page(mm, at(i))); /* held: it cannot move */
    scanned = compact_stats.migrate_scanned;
    block = alloc_pages_owner(LIGHT, PAGEBLOCK_ORDER, OWNER_TEST);
    KTEST_EXPECT(!block);
    first = compact_stats.migrate_scanned - scanned;
    for (int i = 0; i < 20; i++)
        KTEST_EXPECT(!alloc_pages_owner(LIGHT, PAGEBLOCK_ORDER, OWNER_TEST));
    scanned = compact_stats.migrate_scanned - scanned;
    ktest_note("%llu frames looked at first, %llu in 21 attempts",
               (unsigned long long)first, (unsigned long long)scanned);
    KTEST_EXPECT(scanned <= 8 * first);
    for (unsigned long i = 0; i < pages; i += KEPT)
        put_page(probe_page(mm, at(i)));
    KTEST_EXPECT(holds_its_bytes(mm));
    give_blocks(chain, PAGEBLOCK_ORDER);
    mm_put(mm);
}

KTEST(compact, held_and_kernel_pages_stay)
{
    struct page *held, *kernel;
    struct mm_struct *mm;
    u64 moved;

    if (too_small_or_large())
        return;
    mm = full_mm();
    kernel = alloc_pages_owner(GFP_HIGHUSER_MOVABLE, 0, OWNER_TEST);
    KTEST_EXPECT(mm && kernel);
    if (mm && kernel) {
        thin_out(mm);
        held = probe_page(mm, at(KEPT));
        get_page(held);
        moved = compact_stats.migrate_success;
        compact_all();
        KTEST_EXPECT(compact_stats.migrate_success > moved);
        KTEST_EXPECT(probe_page(mm, at(KEPT)) == held);
        KTEST_EXPECT(page_count(kernel) == 1 && kernel->owner == OWNER_TEST);
        put_page(held);
        KTEST_EXPECT(holds_its_bytes(mm));
    }
    __free_page(kernel);
    if (mm)
        mm_put(mm);
}

KTEST(contig, pages_in_use_move_out_of_a_range)
{
    struct mm_struct *mm;
    struct page *page;
    pfn_t pfn;

    if (page_group_by_mobility_disabled) {
        ktest_skip("no other 4 MiB to move to");
        return;
    }
    mm = probe_mm();
    KTEST_REQUIRE(mm);
    probe_map(mm, AT, 1, PROBE_RW, MAP_PRIVATE | MAP_FIXED);
    KTEST_EXPECT(probe_store(mm, AT, 77));
    page = probe_page(mm, AT);
    pfn = page_to_pfn(page);
    get_page(page);
    KTEST_EXPECT(alloc_contig_range(pfn, pfn + 1, GFP_KERNEL, OWNER_TEST) ==
                 -EBUSY);
    KTEST_EXPECT(probe_page(mm, AT) == page);
    put_page(page);
    KTEST_EXPECT(alloc_contig_range(pfn, pfn + 1, GFP_KERNEL, OWNER_TEST) == 0);
    KTEST_EXPECT(probe_page(mm, AT) != page && probe_load(mm, AT) == 77);
    KTEST_EXPECT(page->owner == OWNER_TEST && page_count(page) == 1);
    free_contig_range(pfn, 1);
    KTEST_EXPECT(probe_is_sound(mm));
    mm_put(mm);
}
