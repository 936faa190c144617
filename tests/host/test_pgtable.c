/*
 * tests/host/test_pgtable.c - the cursor and the range operations against an
 * array of pages, with 4 and 5 levels, and with every table allocation
 * failing in turn.
 *
 * HOST_SOURCES: mm/pgtable.c mm/pt_print.c kernel/lib/format.c
 * HOST_SOURCES: kernel/lib/printer.c
 */
#include "mm_shim.h"
#include <mm/memory.h>
#include <sys/mman.h>

#define ARENA_PAGES 4096ul
#define WINDOW_PAGES 3072ul /* 12 MiB, crosses tables of level 0 and 1 */

static char *arena;
static struct page array[ARENA_PAGES];
static bool used[ARENA_PAGES];
static size_t nr_used;
static long fail_after = -1; /* allocations that still succeed; -1: all */

struct model_page {
    phys_addr_t pa;
    bool mapped;
};
static struct model_page model[WINDOW_PAGES];
static pte_t *root;
static unsigned long window;

pte_t *pt_table_alloc(void)
{
    static size_t next;

    if (fail_after == 0)
        return NULL;
    if (fail_after > 0)
        fail_after--;
    while (used[next])
        next = (next + 1) % ARENA_PAGES;
    used[next] = true;
    nr_used++;
    memset(arena + next * PAGE_SIZE, 0, PAGE_SIZE);
    return (pte_t *)(arena + next * PAGE_SIZE);
}

void pt_table_free(pte_t *table)
{
    size_t i = ((char *)table - arena) / PAGE_SIZE;

    assert_true(used[i]);
    used[i] = false;
    nr_used--;
    memset(table, 0xee, PAGE_SIZE);
}

bool pt_table_reachable(phys_addr_t pa)
{
    return pa < ARENA_PAGES * PAGE_SIZE;
}

void *page_address(const struct page *page)
{
    return __va(page_to_phys(page));
}

static void start(int levels, unsigned long base)
{
    arena = mmap(NULL, ARENA_PAGES * PAGE_SIZE, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    page_offset = (unsigned long)arena;
    vmemmap_base = (unsigned long)array;
    pte_supported_mask = ~0ull;
    pgtable_levels = levels;
    memset(used, 0, sizeof(used));
    memset(model, 0, sizeof(model));
    nr_used = 0;
    fail_after = -1;
    window = base;
    root = pt_table_alloc();
}

static void finish(void)
{
    munmap(arena, ARENA_PAGES * PAGE_SIZE);
}

/* The cursor's picture and the walk's agree with the model. */
static void check_window(void)
{
    struct pt_cursor c;
    size_t done = 0;

    pt_start(&c, root, window, window + WINDOW_PAGES * PAGE_SIZE);
    for (; c.slot; pt_next(&c)) {
        unsigned long end = (c.va & -pt_span(c.level)) + pt_span(c.level);

        for (unsigned long va = c.va; va < end; va += PAGE_SIZE, done++) {
            size_t i = (va - window) / PAGE_SIZE;

            if (i >= WINDOW_PAGES)
                break;
            assert_int_equal(model[i].mapped, pte_present(*c.slot));
            if (model[i].mapped)
                assert_int_equal(
                    model[i].pa,
                    (c.slot->val & PTE_PFN_MASK & -pt_span(c.level)) |
                        (va & (pt_span(c.level) - 1)));
        }
    }
    assert_int_equal(done, WINDOW_PAGES);
    for (int k = 0; k < 50; k++) {
        size_t i = host_random() % WINDOW_PAGES;
        struct pt_walk walk;

        pt_walk_address(root, window + i * PAGE_SIZE + 5, &walk);
        assert_int_equal(walk.leaf_level >= 0, model[i].mapped);
        if (model[i].mapped)
            assert_int_equal(walk.phys, model[i].pa + 5);
    }
}

/* What stays when the window is empty: nothing but the way to it. */
static void empty_window(void)
{
    unsigned long end = window + WINDOW_PAGES * PAGE_SIZE;
    unsigned long slot = pt_span(pgtable_levels - 1);

    pt_unmap_range(root, window, end);
    pt_free_tables(root, window & -slot, (end + slot - 1) & -slot);
}

/* A range without a mapping, from the model; its length in pages. */
static size_t free_run(size_t from, size_t want)
{
    size_t n = 0;

    while (n < want && from + n < WINDOW_PAGES && !model[from + n].mapped)
        n++;
    return n;
}

static void random_map(bool may_fail)
{
    size_t at = host_random() % WINDOW_PAGES;
    size_t n = free_run(at, 1 + host_random() % 1500);
    phys_addr_t pa = (host_random() % 4096) * PAGE_SIZE + 64 * GIB;
    int err, top = host_random() % 3;

    if (!n)
        return;
    if (host_random() % 2) /* often such that large pages fit */
        pa = ALIGN_DOWN(pa, 2 * MIB) + (window + at * PAGE_SIZE) % (2 * MIB);
    err = pt_map_range(root, window + at * PAGE_SIZE, pa, n * PAGE_SIZE,
                       PAGE_KERNEL, top);
    assert_true(err == 0 || may_fail);
    for (size_t i = 0; err == 0 && i < n; i++)
        model[at + i] = (struct model_page){pa + i * PAGE_SIZE, true};
}

/* Unmapping a part of a large page needs it split first. */
static bool split_at(unsigned long va)
{
    struct pt_cursor c;

    pt_start(&c, root, va, va + PAGE_SIZE);
    if (!c.slot || pte_none(*c.slot) || c.level == 0 ||
        IS_ALIGNED(va, pt_span(c.level)))
        return true;
    return pt_grow(&c, 0) == 0;
}

static void random_unmap(void)
{
    size_t at = host_random() % WINDOW_PAGES;
    size_t n = min(1 + host_random() % 700, WINDOW_PAGES - at);
    unsigned long va = window + at * PAGE_SIZE;

    if (!split_at(va) || !split_at(va + n * PAGE_SIZE))
        return;
    pt_unmap_range(root, va, va + n * PAGE_SIZE);
    memset(model + at, 0, n * sizeof(model[0]));
    if (host_random() % 4 == 0)
        pt_free_tables(root, va, va + n * PAGE_SIZE);
}

static void random_run(int levels, unsigned long base)
{
    start(levels, base);
    for (int i = 0; i < 1500; i++) {
        bool fail = host_random() % 5 == 0;

        fail_after = fail ? (long)(host_random() % 6) : -1;
        if (host_random() % 2)
            random_map(fail);
        else
            random_unmap();
        fail_after = -1;
        if (i % 10 == 0)
            check_window();
    }
    check_window();
    empty_window();
    finish();
}

static void random_operations_match_the_model(void **state)
{
    random_run(4, 0x7f0000000000 - 5 * MIB);
    random_run(5, 0x00ff000000000000 - 5 * MIB);
    random_run(4, 0xffffc90000000000 + GIB - 6 * MIB);
    random_run(5, 0xffa0000000000000 + 512 * GIB - 6 * MIB);
}

static void user_tables_all_come_back(void **state)
{
    for (int levels = 4; levels <= 5; levels++) {
        start(levels, 0x7f0000000000 - 5 * MIB);
        for (int i = 0; i < 50; i++)
            random_map(false);
        empty_window();
        assert_int_equal(nr_used, 1); /* the root */
        finish();
    }
}

static void kernel_top_slots_stay(void **state)
{
    start(4, 0xffffc90000000000);
    random_map(false);
    empty_window();
    assert_int_equal(nr_used, 2);
    finish();
}

static void each_failing_allocation_leaves_nothing(void **state)
{
    for (long after = 0; after < 12; after++) {
        int err;

        start(5, 0x7f0000000000 - 5 * MIB);
        fail_after = after;
        err = pt_map_range(root, window, 0x1000, WINDOW_PAGES * PAGE_SIZE,
                           PAGE_KERNEL, 0);
        fail_after = -1;
        if (err == 0) {
            assert_true(after >= 8);
            pt_unmap_range(root, window, window + WINDOW_PAGES * PAGE_SIZE);
        }
        check_window();
        empty_window();
        assert_int_equal(nr_used, 1);
        finish();
    }
}

static void split_keeps_rights_and_memory_type(void **state)
{
    struct pt_cursor c;
    pgprot_t wc = pgprot_cached(PAGE_KERNEL_RO, CACHE_WC);

    start(4, 0x40000000);
    assert_int_equal(pt_map_range(root, window, 8 * GIB, GIB, wc, 2), 0);
    pt_start(&c, root, window + 5 * PAGE_SIZE, window + 6 * PAGE_SIZE);
    assert_int_equal(c.level, 2);
    assert_int_equal(pte_cache_mode(*c.slot, 2), CACHE_WC);
    assert_int_equal(pt_grow(&c, 0), 0);
    assert_int_equal(c.level, 0);
    assert_int_equal(c.slot->val,
                     pte_make_leaf(8 * GIB + 5 * PAGE_SIZE, wc, 0).val);
    assert_int_equal(c.tables, 2);
    pt_start(&c, root, window + 512 * MIB, window + GIB);
    assert_int_equal(c.level, 1);
    assert_int_equal(c.slot->val,
                     pte_make_leaf(8 * GIB + 512 * MIB, wc, 1).val);
    finish();
}

static void the_whole_root_is_walked_across_the_hole(void **state)
{
    for (int levels = 4; levels <= 5; levels++) {
        struct pt_cursor c;
        size_t slots = 0;

        start(levels, 0);
        for (pt_start(&c, root, 0, 0); c.slot; pt_next(&c))
            slots++;
        assert_int_equal(slots, 512);
        assert_int_equal(
            pt_map_range(root, -PAGE_SIZE, 0, PAGE_SIZE, PAGE_KERNEL, 0), 0);
        slots = 0;
        for (pt_start(&c, root, 0, 0); c.slot; pt_next(&c))
            slots += pte_present(*c.slot);
        assert_int_equal(slots, 1);
        finish();
    }
}

static void keep_line(void *arg, const char *line)
{
    strncat(arg, line, 1000);
    strcat(arg, "\n");
}

static void walk_in_words(void **state)
{
    char text[4096] = "";

    start(4, 0x400000);
    assert_int_equal(
        pt_map_range(root, window, 0x5000, PAGE_SIZE, PAGE_KERNEL, 0), 0);
    pt_print_walk(root, window + 8, keep_line, text);
    assert_non_null(strstr(text, "PGD[  0]"));
    assert_non_null(strstr(text, "4 KiB page rw kernel nx WB"));
    assert_non_null(strstr(text, "is physical 5008"));
    pt_print_walk(root, window + MIB, keep_line, text);
    assert_non_null(strstr(text, "is not mapped"));
    root[0].val = 0x00fffffffffff003; /* rubbish: a table far outside */
    pt_print_walk(root, window, keep_line, text);
    finish();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_operations_match_the_model),
        cmocka_unit_test(user_tables_all_come_back),
        cmocka_unit_test(kernel_top_slots_stay),
        cmocka_unit_test(each_failing_allocation_leaves_nothing),
        cmocka_unit_test(split_keeps_rights_and_memory_type),
        cmocka_unit_test(the_whole_root_is_walked_across_the_hole),
        cmocka_unit_test(walk_in_words),
    };

    host_random_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
