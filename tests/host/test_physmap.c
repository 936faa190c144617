/*
 * tests/host/test_physmap.c - firmware ranges and reservations against an
 * array of frames.
 *
 * HOST_SOURCES: mm/physmap.c
 */
#include "mm_shim.h"
#include <mm/physmap.h>

#define FRAMES 2048ul

const char *const page_owner_names[NR_PAGE_OWNERS];

static enum phys_type bytes[FRAMES * 4]; /* in quarters of a page */
static enum page_owner held[FRAMES];

static int rank_of(enum phys_type type)
{
    static const int ranks[] = {[PHYS_RAM] = 1,
                                [PHYS_RESERVED] = 4,
                                [PHYS_ACPI] = 2,
                                [PHYS_NVS] = 3,
                                [PHYS_BAD] = 5};

    return type ? ranks[type] : 0;
}

static bool frame_is_ram(pfn_t pfn)
{
    for (int i = 0; i < 4; i++)
        if (bytes[pfn * 4 + i] != PHYS_RAM)
            return false;
    return true;
}

static void forget_everything(void)
{
    const struct phys_range *ranges;
    struct pfn_run run;
    enum page_owner owner;
    const char *why;

    while (physmap_reservation(0, &run, &owner, &why))
        physmap_unreserve(PFN_PHYS(run.start), PFN_PHYS(run.end));
    memset(bytes, 0, sizeof(bytes));
    memset(held, 0, sizeof(held));
    if (physmap_ranges(&ranges))
        memset((void *)ranges, 0, sizeof(*ranges) * PHYS_RANGES_MAX);
    physmap_finish(); /* empty ranges vanish */
}

static void add(size_t start, size_t end, enum phys_type type)
{
    physmap_add(start * 1024, end * 1024, type);
    for (size_t i = start; i < end; i++)
        if (rank_of(type) > rank_of(bytes[i]))
            bytes[i] = type;
}

static void check_ranges(void)
{
    const struct phys_range *r;
    size_t n = physmap_ranges(&r);

    for (size_t i = 0; i < n; i++) {
        assert_true(r[i].start < r[i].end);
        if (i + 1 < n)
            assert_true(
                r[i].end < r[i + 1].start ||
                (r[i].end == r[i + 1].start && r[i].type != r[i + 1].type));
        for (u64 b = r[i].start; b < r[i].end; b += 1024)
            assert_int_equal(bytes[b / 1024], r[i].type);
    }
}

static void check_runs(void)
{
    struct pfn_run run = {0, 0};
    pfn_t done = 0;
    u64 pages = 0;

    while (physmap_free_run(run.end, &run)) {
        for (; done < run.start; done++)
            assert_true(!frame_is_ram(done) || held[done]);
        for (; done < run.end; done++)
            assert_true(frame_is_ram(done) && !held[done]);
    }
    for (; done < FRAMES; done++)
        assert_true(!frame_is_ram(done) || held[done]);
    for (pfn_t pfn = 0; pfn < FRAMES; pfn++) {
        struct pfn_run same;

        pages += frame_is_ram(pfn);
        assert_int_equal(physmap_owner_run(pfn, &same), held[pfn]);
        assert_true(same.end > pfn);
        assert_int_equal(physmap_all_ram(PFN_PHYS(pfn), PFN_PHYS(pfn + 1)),
                         frame_is_ram(pfn));
    }
    assert_int_equal(pages, physmap_ram_pages());
}

static void random_maps_match_the_model(void **state)
{
    for (int round = 0; round < 200; round++) {
        forget_everything();
        for (int i = 0; i < 20; i++) {
            size_t start = host_random() % (FRAMES * 4 - 1000);

            add(start, start + 1 + host_random() % 999,
                host_random() % 3 ? PHYS_RAM : 1 + host_random() % 5);
        }
        physmap_finish();
        check_ranges();
        check_runs();
        for (int i = 0; i < 10; i++) {
            pfn_t start = host_random() % (FRAMES - 100);
            pfn_t end = start + 1 + host_random() % 99;
            enum page_owner owner = 1 + host_random() % 4;

            if (host_random() % 4) {
                physmap_reserve_as(PFN_PHYS(start), PFN_PHYS(end), owner, "x");
                for (pfn_t pfn = start; pfn < end; pfn++)
                    held[pfn] = max(held[pfn], owner);
            } else {
                physmap_unreserve(PFN_PHYS(start), PFN_PHYS(end));
                memset(held + start, 0, (end - start) * sizeof(held[0]));
            }
            check_runs();
        }
    }
}

static void boot_allocations_are_free_ram_and_apart(void **state)
{
    forget_everything();
    add(0, 639, PHYS_RAM);
    add(1024, FRAMES * 4, PHYS_RAM);
    physmap_finish();
    physmap_reserve_as(0, PAGE_SIZE, OWNER_RESERVED, "first page");
    held[0] = OWNER_RESERVED;
    for (int i = 0;; i++) {
        size_t align = i < 20 ? PAGE_SIZE << host_random() % 3 : PAGE_SIZE;
        size_t n = 1 + host_random() % 3;
        phys_addr_t pa = physmap_alloc(n * PAGE_SIZE, align, OWNER_PAGETABLE);

        if (!pa)
            break;
        assert_true(IS_ALIGNED(pa, align));
        for (pfn_t pfn = PFN_DOWN(pa); pfn < PFN_DOWN(pa) + n; pfn++) {
            assert_true(frame_is_ram(pfn) && !held[pfn]);
            held[pfn] = OWNER_PAGETABLE;
        }
        check_runs();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_maps_match_the_model),
        cmocka_unit_test(boot_allocations_are_free_ram_and_apart),
    };

    host_random_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
