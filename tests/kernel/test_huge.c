/*
 * tests/kernel/test_huge.c - blocks of 2 MiB: that they come, are shared, fall
 * apart where a part is wanted, and leave nothing behind.
 */
#include <mm/fail.h>
#include <mm/huge.h>
#include <mm/memory.h>
#include <mm/migrate.h>
#include <mm/zone.h>
#include <tests/kernel/mm_probe.h>

#define AT 0x40000000ul /* aligned to a block */
#define IN_BLOCK(page) (AT + (page)*PAGE_SIZE)

static bool enabled_before;

static struct mm_struct *block_mm(size_t pages)
{
    struct mm_struct *mm = mm_create();

    enabled_before = huge_enabled;
    huge_enabled = true;
    if (mm)
        probe_map(mm, AT, pages, PROBE_RW, MAP_PRIVATE | MAP_FIXED);
    return mm;
}

static void done(struct mm_struct *mm)
{
    mm_put(mm);
    huge_enabled = enabled_before;
}

/* A byte in each page, by number. */
static void fill(struct mm_struct *mm, size_t pages)
{
    for (size_t i = 0; i < pages; i++)
        probe_store(mm, IN_BLOCK(i), i % 251);
}

static bool holds(struct mm_struct *mm, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        if (probe_load(mm, IN_BLOCK(i)) != (int)(i % 251))
            return false;
    return true;
}

KTEST(huge, a_write_brings_a_block)
{
    struct mm_struct *mm = block_mm(3 * HUGE_PAGES);
    struct pt_cursor c;

    KTEST_REQUIRE(mm);
    KTEST_EXPECT(probe_write(mm, IN_BLOCK(700)) == FAULT_OK);
    if (!atomic_read(&mm->huge_pages)) {
        ktest_skip("no block is free");
        done(mm);
        return;
    }
    pt_start(&c, mm->root, IN_BLOCK(700), IN_BLOCK(701));
    KTEST_EXPECT(pt_at_huge(&c) && pte_write(*c.slot));
    KTEST_EXPECT(mm_rss(mm) == HUGE_PAGES);
    KTEST_EXPECT(probe_load(mm, IN_BLOCK(1023)) == 0);
    KTEST_EXPECT(mm_rss(mm) == HUGE_PAGES);
    KTEST_EXPECT(probe_read(mm, IN_BLOCK(0)) == FAULT_OK); /* the zero page */
    KTEST_EXPECT(atomic_read(&mm->huge_pages) == 1);
    KTEST_EXPECT(probe_write(mm, IN_BLOCK(0)) == FAULT_OK); /* a small one */
    KTEST_EXPECT(mm_rss(mm) == HUGE_PAGES + 1);
    KTEST_EXPECT(do_munmap(mm, AT, 3 * HUGE_SIZE) == 0);
    KTEST_EXPECT(mm_rss(mm) == 0 && atomic_read(&mm->huge_pages) == 0);
    KTEST_EXPECT(atomic_read(&mm->table_pages) == pt_root_pages());
    done(mm);
}

KTEST(huge, only_whole_aligned_parts_of_a_mapping)
{
    struct mm_struct *mm = block_mm(HUGE_PAGES - 1);

    KTEST_REQUIRE(mm);
    KTEST_EXPECT(probe_write(mm, AT) == FAULT_OK && mm_rss(mm) == 1);
    probe_map(mm, AT + HUGE_SIZE, HUGE_PAGES, PROBE_RW,
              MAP_PRIVATE | MAP_FIXED);
    KTEST_EXPECT(do_madvise(mm, AT + HUGE_SIZE, HUGE_SIZE, MADV_NOHUGEPAGE) ==
                 0);
    KTEST_EXPECT(probe_write(mm, AT + HUGE_SIZE) == FAULT_OK);
    KTEST_EXPECT(mm_rss(mm) == 2 && atomic_read(&mm->huge_pages) == 0);
    done(mm);
}

KTEST(huge, a_part_unmapped_leaves_the_rest)
{
    struct mm_struct *mm = block_mm(2 * HUGE_PAGES);

    KTEST_REQUIRE(mm);
    fill(mm, 2 * HUGE_PAGES);
    KTEST_EXPECT(mm_rss(mm) == 2 * HUGE_PAGES);
    KTEST_EXPECT(do_munmap(mm, IN_BLOCK(100), PAGE_SIZE) == 0);
    KTEST_EXPECT(mm_rss(mm) == 2 * HUGE_PAGES - 1);
    KTEST_EXPECT(atomic_read(&mm->huge_pages) <= 1);
    KTEST_EXPECT(holds(mm, 0, 100) && holds(mm, 101, 2 * HUGE_PAGES));
    KTEST_EXPECT(do_munmap(mm, IN_BLOCK(500), 24 * PAGE_SIZE) == 0);
    KTEST_EXPECT(holds(mm, 524, 2 * HUGE_PAGES) && holds(mm, 101, 500));
    KTEST_EXPECT(do_madvise(mm, IN_BLOCK(600), PAGE_SIZE, MADV_DONTNEED) == 0);
    KTEST_EXPECT(probe_load(mm, IN_BLOCK(600)) == 0);
    done(mm);
}

KTEST(huge, protection_of_a_part_and_of_the_whole)
{
    struct mm_struct *mm = block_mm(2 * HUGE_PAGES);

    KTEST_REQUIRE(mm);
    fill(mm, 2 * HUGE_PAGES);
    KTEST_EXPECT(do_mprotect(mm, AT, HUGE_SIZE, PROT_NONE) == 0);
    KTEST_EXPECT(probe_read(mm, AT) == FAULT_ACCERR);
    KTEST_EXPECT(do_mprotect(mm, AT, HUGE_SIZE, PROBE_RW) == 0);
    KTEST_EXPECT(probe_store(mm, IN_BLOCK(1), 1) && holds(mm, 0, 1024));
    KTEST_EXPECT(do_mprotect(mm, IN_BLOCK(7), PAGE_SIZE, PROT_READ) == 0);
    KTEST_EXPECT(probe_write(mm, IN_BLOCK(7)) == FAULT_ACCERR);
    KTEST_EXPECT(probe_write(mm, IN_BLOCK(8)) == FAULT_OK);
    KTEST_EXPECT(holds(mm, 0, 2 * HUGE_PAGES));
    KTEST_EXPECT(probe_vmas(mm) == 3);
    done(mm);
}

KTEST(huge, fork_shares_a_block_and_copies_a_page)
{
    struct mm_struct *mm = block_mm(HUGE_PAGES), *child;

    KTEST_REQUIRE(mm);
    fill(mm, HUGE_PAGES);
    KTEST_REQUIRE(mm_fork(mm, &child) == 0);
    KTEST_EXPECT(mm_rss(child) == HUGE_PAGES);
    KTEST_EXPECT(probe_store(child, IN_BLOCK(9), 250));
    KTEST_EXPECT(probe_load(mm, IN_BLOCK(9)) == 9);
    KTEST_EXPECT(holds(child, 0, 9) && holds(child, 10, HUGE_PAGES));
    KTEST_EXPECT(holds(mm, 0, HUGE_PAGES));
    KTEST_EXPECT(mm_rss(child) == HUGE_PAGES);
    mm_put(child);
    KTEST_EXPECT(probe_store(mm, IN_BLOCK(3), 3) && holds(mm, 0, HUGE_PAGES));
    KTEST_REQUIRE(mm_fork(mm, &child) == 0); /* now the parent goes first */
    KTEST_EXPECT(probe_store(mm, IN_BLOCK(9), 250));
    mm_put(mm);
    KTEST_EXPECT(holds(child, 0, HUGE_PAGES));
    done(child);
}

KTEST(huge, moving_keeps_contents)
{
    struct mm_struct *mm = block_mm(2 * HUGE_PAGES);
    const unsigned long to = AT + 8 * HUGE_SIZE + 5 * PAGE_SIZE;

    KTEST_REQUIRE(mm);
    fill(mm, 2 * HUGE_PAGES);
    probe_map(mm, AT + 8 * HUGE_SIZE, 2 * HUGE_PAGES, PROBE_RW,
              MAP_PRIVATE | MAP_FIXED);
    KTEST_EXPECT(probe_write(mm, AT + 8 * HUGE_SIZE) == FAULT_OK);
    KTEST_EXPECT(do_mremap(mm, IN_BLOCK(3), 600 * PAGE_SIZE, 600 * PAGE_SIZE,
                           MREMAP_MAYMOVE | MREMAP_FIXED, to) == (long)to);
    for (size_t i = 0; i < 600; i++)
        if (!KTEST_EXPECT(probe_load(mm, to + i * PAGE_SIZE) ==
                          (int)((i + 3) % 251)))
            break;
    KTEST_EXPECT(holds(mm, 0, 3) && holds(mm, 603, 2 * HUGE_PAGES));
    KTEST_EXPECT(probe_read(mm, IN_BLOCK(3)) == FAULT_MAPERR);
    done(mm);
}

KTEST(huge, a_held_page_survives)
{
    struct mm_struct *mm = block_mm(HUGE_PAGES);
    struct page *page;

    KTEST_REQUIRE(mm);
    fill(mm, HUGE_PAGES);
    down_read(&mm->mmap_lock);
    KTEST_EXPECT(get_user_pages(mm, IN_BLOCK(77), 1, FOLL_WRITE, &page) == 1);
    up_read(&mm->mmap_lock);
    KTEST_EXPECT(do_munmap(mm, IN_BLOCK(76), 3 * PAGE_SIZE) == 0);
    KTEST_EXPECT(page_count(page) >= 1);
    put_page(page);
    done(mm);
}

KTEST(huge, splitting_without_memory_changes_nothing)
{
    struct mm_struct *mm = block_mm(HUGE_PAGES);

    KTEST_REQUIRE(mm);
    fill(mm, HUGE_PAGES);
    if (atomic_read(&mm->huge_pages)) {
        fail_nth_arm(1);
        KTEST_EXPECT(do_mprotect(mm, IN_BLOCK(1), PAGE_SIZE, PROT_READ) ==
                     -ENOMEM);
        fail_nth_disarm();
    }
    KTEST_EXPECT(probe_vmas(mm) == 1 && holds(mm, 0, HUGE_PAGES));
    done(mm);
}

static struct page *block_at(struct mm_struct *mm, unsigned long addr)
{
    struct pt_cursor c;

    pt_start(&c, mm->root, addr, addr + PAGE_SIZE);
    return pt_at_huge(&c) ? pfn_to_page(pte_pfn(*c.slot)) : NULL;
}

/* migrate_page()'s answer; -ENOENT: there is no block, or no other one. */
static int move_block(struct mm_struct *mm)
{
    struct page *head = block_at(mm, AT), *to = huge_alloc(GFP_TRANSHUGE);
    int err;

    if (!head || !to) {
        put_page(to ? to : head);
        return -ENOENT;
    }
    get_page(head);
    err = migrate_page(head, to);
    KTEST_EXPECT(err || (page_count(head) == 1 && page_mapcount(head) == 0));
    put_page(head);
    return err;
}

static bool too_little_memory(void)
{
    if (pages_available() >= 8 * HUGE_PAGES)
        return false;
    ktest_skip("less than 16 MiB free: there may be no other block");
    return true;
}

KTEST(huge, a_block_moves_under_all_that_share_it)
{
    struct mm_struct *mm, *child;
    struct page *before;

    if (too_little_memory())
        return;
    mm = block_mm(HUGE_PAGES);
    KTEST_REQUIRE(mm);
    fill(mm, HUGE_PAGES);
    before = block_at(mm, AT);
    if (KTEST_EXPECT(before) && mm_fork(mm, &child) == 0) {
        KTEST_EXPECT(move_block(mm) == 0);
        KTEST_EXPECT(block_at(mm, AT) != before);
        KTEST_EXPECT(block_at(mm, AT) == block_at(child, AT));
        KTEST_EXPECT(holds(mm, 0, HUGE_PAGES) && holds(child, 0, HUGE_PAGES));
        probe_store(child, IN_BLOCK(7), 200); /* its own from now on */
        KTEST_EXPECT(holds(mm, 0, HUGE_PAGES));
        KTEST_EXPECT(move_block(mm) ==
                     -EAGAIN); /* the child has it in pieces */
        KTEST_EXPECT(probe_is_sound(mm) && probe_is_sound(child));
        mm_put(child);
        KTEST_EXPECT(move_block(mm) == 0);
        probe_store(mm, IN_BLOCK(3), 3); /* may be written again as it is */
        KTEST_EXPECT(atomic_read(&mm->huge_pages) == 1);
        KTEST_EXPECT(holds(mm, 0, HUGE_PAGES) && probe_is_sound(mm));
    }
    done(mm);
}

KTEST(huge, a_block_that_somebody_holds_stays)
{
    struct mm_struct *mm;
    struct page *page, *head;

    if (too_little_memory())
        return;
    mm = block_mm(HUGE_PAGES);
    KTEST_REQUIRE(mm);
    fill(mm, HUGE_PAGES);
    head = block_at(mm, AT);
    if (KTEST_EXPECT(head)) {
        KTEST_REQUIRE(get_user_pages(mm, IN_BLOCK(9), 1, 0, &page) == 1);
        KTEST_EXPECT(!huge_may_move(page) && move_block(mm) == -EAGAIN);
        KTEST_EXPECT(block_at(mm, AT) == head);
        put_page(page);
        KTEST_EXPECT(huge_may_move(page) && !page_may_move(page));
    }
    done(mm);
}

KTEST(contig, a_block_of_2_mib_moves_out_of_a_range)
{
    struct mm_struct *mm;
    struct page *head;
    pfn_t pfn;

    if (too_little_memory())
        return;
    mm = block_mm(HUGE_PAGES);
    KTEST_REQUIRE(mm);
    fill(mm, HUGE_PAGES);
    head = block_at(mm, AT);
    if (KTEST_EXPECT(head)) {
        pfn = page_to_pfn(head) + 100;
        KTEST_EXPECT(alloc_contig_range(pfn, pfn + 3, GFP_KERNEL, OWNER_TEST) ==
                     0);
        KTEST_EXPECT(head[100].owner == OWNER_TEST);
        KTEST_EXPECT(block_at(mm, AT) && block_at(mm, AT) != head);
        KTEST_EXPECT(holds(mm, 0, HUGE_PAGES) && probe_is_sound(mm));
        free_contig_range(pfn, 3);
    }
    done(mm);
}

KTEST(huge, random_work_leaves_nothing_behind)
{
    struct mm_struct *mm = block_mm(0);

    KTEST_REQUIRE(mm);
    probe_random_work(mm, 0x3fc00000, 5 * HUGE_PAGES, 300);
    probe_vmas(mm);
    do_munmap(mm, 0x10000, TASK_SIZE - 0x10000);
    KTEST_EXPECT(mm_rss(mm) == 0 && mm->total_vm == 0 && mm->committed == 0);
    KTEST_EXPECT(atomic_read(&mm->table_pages) == pt_root_pages());
    KTEST_EXPECT(atomic_read(&mm->huge_pages) == 0);
    done(mm);
}
