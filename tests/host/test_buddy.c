/*
 * tests/host/test_buddy.c - the buddy allocator against a map of frames.
 *
 * HOST_SOURCES: mm/buddy.c
 */
#include "mm_shim.h"
#include <mm/zone.h>

#define FRAMES 8192ul /* two sections */
#define BLOCKS_MAX 4096

static struct page array[FRAMES];
static bool taken[FRAMES];
static struct zone zone;

struct block {
    struct page *page;
    unsigned int order;
};
static struct block blocks[BLOCKS_MAX];
static size_t nr_blocks;

static u64 count_taken(void)
{
    u64 n = 0;

    for (size_t i = 0; i < FRAMES; i++)
        n += taken[i];
    return n;
}

/* Every free block is aligned, untaken, and not beside a free equal. */
static void check_lists(void)
{
    u64 sum = 0;

    for (unsigned int order = 0; order <= MAX_ORDER; order++) {
        struct page *page;
        u64 n = 0;

        list_for_each_entry(page, &zone.free_area[order].list, link) {
            pfn_t pfn = page_to_pfn(page), buddy = pfn ^ (1ul << order);

            assert_true(page->flags & BIT(PG_buddy));
            assert_int_equal(page->order, order);
            assert_int_equal(pfn & ((1ul << order) - 1), 0);
            for (pfn_t i = 0; i < 1ul << order; i++)
                assert_false(taken[pfn + i]);
            if (order < MAX_ORDER && buddy < FRAMES)
                assert_false(array[buddy].flags & BIT(PG_buddy) &&
                             array[buddy].order == order);
            n++;
        }
        assert_int_equal(n, zone.free_area[order].blocks);
        sum += n << order;
    }
    assert_int_equal(sum, zone.free);
}

static void set_taken(struct page *page, unsigned int order, bool now)
{
    pfn_t pfn = page_to_pfn(page);

    for (pfn_t i = 0; i < 1ul << order; i++) {
        assert_int_equal(taken[pfn + i], !now);
        taken[pfn + i] = now;
    }
}

static int setup(void **state)
{
    memset(array, 0, sizeof(array));
    memset(taken, 0, sizeof(taken));
    nr_blocks = 0;
    vmemmap_base = (unsigned long)array;
    buddy_init(&zone);
    return 0;
}

static void take_one(unsigned int order)
{
    struct page *page = buddy_take(&zone, order);

    if (!page)
        return;
    assert_int_equal(page_to_pfn(page) & ((1ul << order) - 1), 0);
    set_taken(page, order, true);
    blocks[nr_blocks++] = (struct block){page, order};
}

static void give_one(size_t i)
{
    struct block block = blocks[i];

    blocks[i] = blocks[--nr_blocks];
    set_taken(block.page, block.order, false);
    buddy_give(&zone, block.page, block.order);
}

static void everything_merges_again(void **state)
{
    buddy_give_run(&zone, 0, FRAMES);
    assert_int_equal(zone.free_area[MAX_ORDER].blocks, FRAMES >> MAX_ORDER);
    for (int i = 0; i < 2000; i++)
        take_one(host_random() % 4);
    while (nr_blocks)
        give_one(host_random() % nr_blocks);
    assert_int_equal(zone.free_area[MAX_ORDER].blocks, FRAMES >> MAX_ORDER);
    assert_int_equal(zone.free, FRAMES);
    check_lists();
}

static void runs_with_odd_edges_become_blocks(void **state)
{
    memset(taken, true, sizeof(taken));
    for (pfn_t pfn = 0; pfn + 300 < FRAMES;) {
        pfn_t end = pfn + 1 + host_random() % 299;

        memset(taken + pfn, false, end - pfn);
        buddy_give_run(&zone, pfn, end);
        pfn = end + host_random() % 50;
        check_lists();
    }
    assert_int_equal(zone.free, FRAMES - count_taken());
}

static void random_operations_keep_the_books(void **state)
{
    struct page *pages[64];

    buddy_give_run(&zone, 1, FRAMES - 3);
    memset(taken, true, 1);
    memset(taken + FRAMES - 3, true, 3);
    for (int i = 0; i < 20000; i++) {
        u64 what = host_random() % 4;

        if (what == 0 && nr_blocks + 64 < BLOCKS_MAX) {
            size_t got = buddy_take_pages(&zone, 1 + host_random() % 64, pages);

            for (size_t k = 0; k < got; k++) {
                set_taken(pages[k], 0, true);
                blocks[nr_blocks++] = (struct block){pages[k], 0};
            }
        } else if (what == 1 && nr_blocks < BLOCKS_MAX) {
            take_one(host_random() % (MAX_ORDER + 1));
        } else {
            for (int k = 0; k < 20 && nr_blocks; k++)
                give_one(host_random() % nr_blocks);
        }
        if (i % 500 == 0)
            check_lists();
    }
    assert_int_equal(zone.free, FRAMES - count_taken());
}

static void empty_zone_gives_nothing(void **state)
{
    struct page *pages[4];

    assert_null(buddy_take(&zone, 0));
    assert_int_equal(buddy_take_pages(&zone, 4, pages), 0);
    buddy_give_run(&zone, 5, 6);
    assert_null(buddy_take(&zone, 1));
    assert_int_equal(buddy_take_pages(&zone, 4, pages), 1);
    assert_ptr_equal(pages[0], &array[5]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(everything_merges_again, setup),
        cmocka_unit_test_setup(runs_with_odd_edges_become_blocks, setup),
        cmocka_unit_test_setup(random_operations_keep_the_books, setup),
        cmocka_unit_test_setup(empty_zone_gives_nothing, setup),
    };

    host_random_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
