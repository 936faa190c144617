/*
 * tests/kernel/test_mm_compact.c - large blocks made by moving pages, and
 * ranges that are emptied: what the pages hold survives, what cannot move
 * stays.
 */
#include <mm/alloc.h>
#include <mm/compact.h>
#include <mm/huge.h>
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

/* ---- a bit of everything ---- */

#define BLOCKS 2                                /* of 2 MiB, or their pages */
#define SHARED (BLOCKS * PAGEBLOCK_PAGES)       /* from here on shared memory */
#define SINGLE (SHARED + PAGEBLOCK_PAGES / 2)   /* private, every other page */
#define MIXED (SINGLE + 2 * PAGEBLOCK_PAGES)    /* their end */
#define PINNED 7                                /* of the single ones */
#define HELD (2 * PAGEBLOCK_PAGES / PINNED + 1) /* so many */

static struct mm_struct *mixed_mm(struct page **held)
{
    struct mm_struct *mm = mm_create();
    bool huge_before = huge_enabled;
    size_t n = 0;

    if (!mm)
        return NULL;
    huge_enabled = true;
    probe_map(mm, AT, SHARED, PROBE_RW, MAP_PRIVATE | MAP_FIXED);
    probe_map(mm, at(SHARED), SINGLE - SHARED, PROBE_RW,
              MAP_SHARED | MAP_FIXED);
    for (unsigned long i = 0; i < SINGLE; i++)
        probe_store(mm, at(i), i % 251);
    mm->no_huge_pages = true;
    probe_map(mm, at(SINGLE), MIXED - SINGLE, PROBE_RW,
              MAP_PRIVATE | MAP_FIXED);
    for (unsigned long i = SINGLE; i < MIXED; i++)
        probe_store(mm, at(i), i % 251);
    for (unsigned long i = SINGLE; i < MIXED; i += 2)
        do_madvise(mm, at(i), PAGE_SIZE, MADV_DONTNEED);
    for (unsigned long i = SINGLE + 1; i < MIXED; i += 2 * PINNED)
        n += get_user_pages(mm, at(i), 1, 0, &held[n]) == 1;
    huge_enabled = huge_before;
    return mm;
}

static bool mixed_is_whole(struct mm_struct *mm, struct page **held)
{
    size_t n = 0;

    for (unsigned long i = 0; i < MIXED; i++)
        if (probe_load(mm, at(i)) !=
            (int)(i >= SINGLE && !((i - SINGLE) % 2) ? 0 : i % 251))
            return false;
    for (unsigned long i = SINGLE + 1; i < MIXED; i += 2 * PINNED)
        if (probe_page(mm, at(i)) != held[n++])
            return false;
    return probe_is_sound(mm);
}

/* Each pageblock that has a page of ours: how many could be had whole. */
static size_t take_each_pageblock(struct mm_struct *mm)
{
    size_t taken = 0;

    for (unsigned long i = 0; i < MIXED; i += 32) {
        struct page *page;
        pfn_t pfn;

        if (get_user_pages(mm, at(i), 1, 0, &page) != 1)
            continue;
        pfn = ALIGN_DOWN(page_to_pfn(page), PAGEBLOCK_PAGES);
        put_page(page);
        if (alloc_contig_range(pfn, pfn + PAGEBLOCK_PAGES, GFP_KERNEL,
                               OWNER_TEST))
            continue;
        free_contig_range(pfn, PAGEBLOCK_PAGES);
        taken++;
    }
    return taken;
}

KTEST(compact, blocks_relatives_shared_and_held_pages_keep_what_they_hold)
{
    struct page **held;
    struct mm_struct *mm, *child;
    size_t taken;

    if (too_small_or_large())
        return;
    held = kcalloc(HELD, sizeof(*held), GFP_KERNEL);
    KTEST_REQUIRE(held);
    mm = mixed_mm(held);
    KTEST_REQUIRE(mm && mm_fork(mm, &child) == 0);
    for (int round = 0; round < 2; round++) {
        compact_all();
        KTEST_EXPECT(mixed_is_whole(mm, held));
        taken = take_each_pageblock(mm);
        KTEST_EXPECT(taken > 0);
        KTEST_EXPECT(mixed_is_whole(mm, held));
        KTEST_EXPECT(probe_load(child, at(5)) == 5 && probe_is_sound(child));
    }
    ktest_note("%zu times 2 MiB emptied", taken);
    mm_put(child);
    for (size_t n = 0; n < HELD && held[n]; n++)
        put_page(held[n]);
    kfree(held);
    mm_put(mm);
}
