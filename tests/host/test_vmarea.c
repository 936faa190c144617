/*
 * tests/host/test_vmarea.c - the set of vmalloc areas against a bitmap of
 * pages, and against itself with 100 000 areas.
 *
 * HOST_SOURCES: mm/vmarea.c kernel/lib/rbtree.c
 */
#include "shim.h"
#include <mm/vmarea.h>
#include <time.h>

#define BASE 0xffffc90000000000ul
#define PAGES 4000ul
#define AREAS_MAX 1000

static struct vm_area_set set;
static bool taken[PAGES];
static struct vm_struct *live[AREAS_MAX];
static size_t nr_live;

/* The lowest gap of n pages at a multiple of `align` pages, or -1. */
static long model_place(size_t n, size_t align)
{
    size_t want = n + 1 + align - 1;

    for (size_t start = 0; start + want <= PAGES; start++) {
        size_t k = 0;

        if (start > 0 && !taken[start - 1])
            continue; /* not the beginning of a gap */
        while (k < want && !taken[start + k])
            k++;
        if (k == want)
            return (start + align - 1) / align * align;
    }
    return -1;
}

static void mark(const struct vm_struct *area, bool now)
{
    size_t first = (area->addr - BASE) / PAGE_SIZE;
    size_t n = area->size / PAGE_SIZE + 1;

    for (size_t i = first; i < first + n; i++) {
        assert_int_equal(taken[i], !now);
        taken[i] = now;
    }
}

static void check_order_and_lookup(void)
{
    struct vm_struct *area = vm_area_first(&set);
    unsigned long done = BASE;
    size_t n = 0;

    for (; area; area = vm_area_next(area), n++) {
        assert_true(area->addr >= done);
        assert_int_equal(area->gap, area->addr - done);
        done = vm_area_end(area);
    }
    assert_int_equal(n, nr_live);
    for (int k = 0; k < 20; k++) {
        size_t i = host_random() % PAGES;
        struct vm_struct *at = vm_area_at(&set, BASE + i * PAGE_SIZE + 7);

        assert_int_equal(at != NULL, taken[i]);
    }
}

/* A random neighbour's addresses become the area's, if they touch. */
static void absorb_next(size_t k)
{
    struct vm_struct *left = live[k], *right = vm_area_next(left);

    assert_ptr_equal(right ? vm_area_prev(right) : left, left);
    if (!right || right->gap)
        return;
    vm_area_absorb(&set, left, right);
    for (size_t i = 0; i < nr_live; i++)
        if (live[i] == right)
            live[i] = live[nr_live - 1];
    nr_live--;
    free(right);
}

static void lowest_gap_that_fits_is_taken(void **state)
{
    set = (struct vm_area_set){RB_ROOT, BASE, BASE + PAGES * PAGE_SIZE};
    for (int i = 0; i < 20000; i++) {
        if (host_random() % 2 && nr_live < AREAS_MAX) {
            size_t n = 1 + host_random() % 30;
            size_t align = host_random() % 4 ? 1 : 8;
            struct vm_struct *area = calloc(1, sizeof(*area));
            long expect = model_place(n, align);
            bool ok =
                vm_area_place(&set, area, n * PAGE_SIZE, align * PAGE_SIZE);

            assert_int_equal(ok, expect >= 0);
            if (!ok) {
                free(area);
                continue;
            }
            assert_int_equal(area->addr, BASE + expect * PAGE_SIZE);
            mark(area, true);
            live[nr_live++] = area;
        } else if (nr_live && host_random() % 4 == 0) {
            absorb_next(host_random() % nr_live);
        } else if (nr_live) {
            size_t k = host_random() % nr_live;
            struct vm_struct *area = live[k];

            live[k] = live[--nr_live];
            mark(area, false);
            vm_area_remove(&set, area);
            free(area);
        }
        if (i % 100 == 0)
            check_order_and_lookup();
    }
    while (nr_live) {
        vm_area_remove(&set, live[--nr_live]);
        free(live[nr_live]);
    }
    assert_null(set.tree.node);
}

static void sizes_that_cannot_be(void **state)
{
    struct vm_struct area;

    set = (struct vm_area_set){RB_ROOT, BASE, BASE + PAGES * PAGE_SIZE};
    assert_false(vm_area_place(&set, &area, PAGES * PAGE_SIZE, PAGE_SIZE));
    assert_false(vm_area_place(&set, &area, -PAGE_SIZE, PAGE_SIZE));
    assert_false(vm_area_place(&set, &area, ~0ul - 1, PAGE_SIZE));
    assert_true(vm_area_place(&set, &area, (PAGES - 1) * PAGE_SIZE, PAGE_SIZE));
    assert_ptr_equal(vm_area_at(&set, BASE + (PAGES - 1) * PAGE_SIZE), &area);
}

static void many_areas(void **state)
{
    enum { N = 100000 };
    struct vm_struct *areas = calloc(N, sizeof(*areas));
    clock_t begin;

    set = (struct vm_area_set){RB_ROOT, BASE, BASE + 4ul * N * PAGE_SIZE};
    for (int i = 0; i < N; i++)
        assert_true(vm_area_place(&set, &areas[i], PAGE_SIZE, PAGE_SIZE));
    for (int i = 0; i < N; i += 2)
        vm_area_remove(&set, &areas[i]);
    begin = clock();
    for (int i = 0; i < N; i += 2) /* fills the holes, lowest first */
        assert_true(vm_area_place(&set, &areas[i], PAGE_SIZE, PAGE_SIZE));
    assert_true(clock() - begin < 2 * CLOCKS_PER_SEC);
    for (int i = 0; i < N; i++)
        assert_int_equal(areas[i].addr, BASE + 2ul * i * PAGE_SIZE);
    free(areas);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lowest_gap_that_fits_is_taken),
        cmocka_unit_test(sizes_that_cannot_be),
        cmocka_unit_test(many_areas),
    };

    host_random_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
