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
static void check_block(struct page *page, unsigned int order)
{
    pfn_t pfn = page_to_pfn(page), buddy = pfn ^ (1ul << order);

    assert_true(page->flags & BIT(PG_buddy));
    assert_int_equal(page->order, order);
    assert_int_equal(pfn & ((1ul << order) - 1), 0);
    for (pfn_t i = 0; i < 1ul << order; i++) {
        assert_false(taken[pfn + i]);
        assert_ptr_equal(buddy_find_free(page + i), page);
    }
    if (order < MAX_ORDER && buddy < FRAMES)
        assert_false(array[buddy].flags & BIT(PG_buddy) &&
                     array[buddy].order == order);
}

static void check_lists(void)
{
    u64 sum = 0;

    for (unsigned int order = 0; order <= MAX_ORDER; order++) {
        struct free_area *area = &zone.free_area[order];
        struct page *page;
        u64 n = 0;

        for (int type = 0; type < NR_MIGRATE_TYPES; type++)
            list_for_each_entry(page, &area->list[type], link) {
                check_block(page, order);
                n++;
            }
        assert_int_equal(n, area->blocks);
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
    page_group_by_mobility_disabled = false;
    for (pfn_t pfn = 0; pfn < FRAMES; pfn += PAGEBLOCK_PAGES)
        array[pfn].block_type = MIGRATE_MOVABLE;
    buddy_init(&zone);
    return 0;
}

static enum migrate_type random_type(void)
{
    return host_random() % MIGRATE_ISOLATE;
}

/* As the page allocator does it: the owner tells what can move. */
static void note_taken(struct page *page, unsigned int order,
                       enum migrate_type type)
{
    for (pfn_t i = 0; i < 1ul << order; i++)
        page[i].owner = type == MIGRATE_MOVABLE ? OWNER_ANON : OWNER_SLAB;
    assert_int_equal(page->pcp, pcp_index(&zone, pageblock_type(page)));
}

static void take_one(unsigned int order, enum migrate_type type)
{
    struct page *page = buddy_take(&zone, order, type);

    if (!page)
        return;
    note_taken(page, order, type);
    assert_int_equal(page_to_pfn(page) & ((1ul << order) - 1), 0);
    set_taken(page, order, true);
    blocks[nr_blocks++] = (struct block){page, order};
}

static void give_one(size_t i)
{
    struct block block = blocks[i];

    blocks[i] = blocks[--nr_blocks];
    set_taken(block.page, block.order, false);
    for (pfn_t k = 0; k < 1ul << block.order; k++)
        block.page[k].owner = OWNER_FREE;
    buddy_give(&zone, block.page, block.order);
}

static void everything_merges_again(void **state)
{
    buddy_give_run(&zone, 0, FRAMES);
    assert_int_equal(zone.free_area[MAX_ORDER].blocks, FRAMES >> MAX_ORDER);
    for (int i = 0; i < 2000; i++)
        take_one(host_random() % 4, random_type());
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

static void take_many(size_t n, enum migrate_type type)
{
    struct page *pages[64];
    size_t got = buddy_take_pages(&zone, type, n, pages);

    for (size_t k = 0; k < got; k++) {
        note_taken(pages[k], 0, type);
        set_taken(pages[k], 0, true);
        blocks[nr_blocks++] = (struct block){pages[k], 0};
    }
}

static void random_operations_keep_the_books(void **state)
{
    buddy_give_run(&zone, 1, FRAMES - 3);
    memset(taken, true, 1);
    memset(taken + FRAMES - 3, true, 3);
    for (int i = 0; i < 20000; i++) {
        u64 what = host_random() % 4;

        if (what == 0 && nr_blocks + 64 < BLOCKS_MAX) {
            take_many(1 + host_random() % 64, random_type());
        } else if (what == 1 && nr_blocks < BLOCKS_MAX) {
            take_one(host_random() % (MAX_ORDER + 1), random_type());
        } else {
            for (int k = 0; k < 20 && nr_blocks; k++)
                give_one(host_random() % nr_blocks);
        }
        if (i % 500 == 0)
            check_lists();
    }
    assert_int_equal(zone.free, FRAMES - count_taken());
}

/* Pageblocks that hold a page which cannot move. */
static int spoiled_pageblocks(void)
{
    int n = 0;

    for (pfn_t first = 0; first < FRAMES; first += PAGEBLOCK_PAGES)
        for (pfn_t i = 0; i < PAGEBLOCK_PAGES; i++)
            if (array[first + i].owner == OWNER_SLAB) {
                n++;
                break;
            }
    return n;
}

/* Three of four pages can move; all but every fourth go again. */
static void mix_and_thin_out(void)
{
    for (int i = 0; i < 3000; i++)
        take_one(0, host_random() % 4 ? MIGRATE_MOVABLE : MIGRATE_UNMOVABLE);
    for (size_t i = nr_blocks; i-- > 0;)
        if (host_random() % 4)
            give_one(i);
    check_lists();
}

static void pages_that_stay_are_kept_together(void **state)
{
    buddy_give_run(&zone, 0, FRAMES);
    mix_and_thin_out();
    assert_in_range(spoiled_pageblocks(), 1, 3); /* 750 pages need two */
}

static void small_machines_do_not_sort(void **state)
{
    page_group_by_mobility_disabled = true;
    for (pfn_t pfn = 0; pfn < FRAMES; pfn += PAGEBLOCK_PAGES)
        array[pfn].block_type = MIGRATE_UNMOVABLE;
    buddy_give_run(&zone, 0, FRAMES);
    for (int i = 0; i < 3000; i++) {
        struct page *page = buddy_take(&zone, 0, MIGRATE_UNMOVABLE);

        assert_non_null(page);
        page->owner = host_random() % 4 ? OWNER_ANON : OWNER_SLAB;
    }
    assert_in_range(spoiled_pageblocks(), 6, 16);
}

static void a_type_takes_the_largest_block_of_another(void **state)
{
    struct page *page;

    buddy_give_run(&zone, 0, FRAMES);
    page = buddy_take(&zone, 0, MIGRATE_UNMOVABLE);
    assert_int_equal(pageblock_type(page), MIGRATE_UNMOVABLE);
    for (int i = 1; i < 600; i++) { /* and stays in what it has taken */
        struct page *next = buddy_take(&zone, 0, MIGRATE_UNMOVABLE);

        assert_int_equal(page_to_pfn(next) / 1024, page_to_pfn(page) / 1024);
    }
    page = buddy_take(&zone, 3, MIGRATE_MOVABLE);
    assert_int_equal(pageblock_type(page), MIGRATE_MOVABLE);
    page = buddy_take(&zone, 3, MIGRATE_RECLAIMABLE);
    assert_int_equal(pageblock_type(page), MIGRATE_RECLAIMABLE);
    check_lists();
}

static void movable_pages_change_no_pageblock_for_little(void **state)
{
    struct page *page;

    array[0].block_type = MIGRATE_UNMOVABLE;
    buddy_give_run(&zone, 8, 12);
    page = buddy_take(&zone, 0, MIGRATE_MOVABLE);
    assert_ptr_equal(page, &array[8]);
    assert_int_equal(array[0].block_type, MIGRATE_UNMOVABLE);
    assert_int_equal(page->pcp, pcp_index(&zone, MIGRATE_UNMOVABLE));
}

static void isolated_pageblocks_give_nothing(void **state)
{
    struct page *page;

    buddy_give_run(&zone, 0, 2 * PAGEBLOCK_PAGES);
    page = buddy_take(&zone, 0, MIGRATE_MOVABLE);
    buddy_isolate(&zone, &array[0]);
    buddy_isolate(&zone, &array[PAGEBLOCK_PAGES]);
    for (int type = 0; type < MIGRATE_ISOLATE; type++) {
        assert_null(buddy_take(&zone, 0, type));
        assert_false(buddy_has(&zone, 0, type));
    }
    buddy_give(&zone, page, 0); /* what comes back is not given out either */
    assert_null(buddy_take(&zone, 0, MIGRATE_MOVABLE));
    assert_int_equal(zone.free, 2 * PAGEBLOCK_PAGES);
    check_lists();
    buddy_unisolate(&zone, &array[0]);
    buddy_unisolate(&zone, &array[PAGEBLOCK_PAGES]);
    assert_int_equal(array[0].block_type, MIGRATE_MOVABLE);
    assert_non_null(buddy_take(&zone, MAX_ORDER, MIGRATE_MOVABLE));
}

static void a_block_is_taken_from_where_it_lies(void **state)
{
    struct page *head;

    buddy_give_run(&zone, 64, 128);
    head = buddy_find_free(&array[100]);
    assert_ptr_equal(head, &array[64]);
    assert_null(buddy_find_free(&array[128]));
    buddy_take_block(&zone, head, 2);
    set_taken(head, 2, true);
    check_lists();
    assert_int_equal(zone.free, 60);
}

static void empty_zone_gives_nothing(void **state)
{
    struct page *pages[4];

    assert_null(buddy_take(&zone, 0, 0));
    assert_int_equal(buddy_take_pages(&zone, 0, 4, pages), 0);
    buddy_give_run(&zone, 5, 6);
    assert_null(buddy_take(&zone, 1, 0));
    assert_int_equal(buddy_take_pages(&zone, 0, 4, pages), 1);
    assert_ptr_equal(pages[0], &array[5]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(everything_merges_again, setup),
        cmocka_unit_test_setup(runs_with_odd_edges_become_blocks, setup),
        cmocka_unit_test_setup(random_operations_keep_the_books, setup),
        cmocka_unit_test_setup(pages_that_stay_are_kept_together, setup),
        cmocka_unit_test_setup(small_machines_do_not_sort, setup),
        cmocka_unit_test_setup(a_type_takes_the_largest_block_of_another,
                               setup),
        cmocka_unit_test_setup(movable_pages_change_no_pageblock_for_little,
                               setup),
        cmocka_unit_test_setup(isolated_pageblocks_give_nothing, setup),
        cmocka_unit_test_setup(a_block_is_taken_from_where_it_lies, setup),
        cmocka_unit_test_setup(empty_zone_gives_nothing, setup),
    };

    host_random_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
