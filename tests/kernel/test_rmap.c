/*
 * The reverse map: from every page to every entry that shows it, whatever
 * fork, splits and moves did in between; and moving pages by it.
 */
#include <tests/kernel/mm_probe.h>
#include <kernel/core/time.h>
#include <kernel/lib/string.h>
#include <kernel/task/task.h>
#include <mm/anon_vma.h>
#include <mm/fail.h>
#include <mm/filemap.h>
#include <mm/kmap.h>
#include <mm/migrate.h>
#include <mm/rmap.h>
#include <mm/slab.h>

/* ---- finding ---- */

/* Whether each page of the area is found where it is, and nowhere else than
 * its mapcount says. */
static bool all_found(struct mm_struct *mm)
{
    struct pt_cursor c;
    bool good = true;

    if (!probe_is_sound(mm))
        return false;
    for (pt_start(&c, mm->root, 0, user_limit()); c.slot; pt_next(&c)) {
        struct page *page = c.level ? NULL : pte_page(*c.slot);

        if (page && rmap_count(page) != (size_t)page_mapcount(page)) {
            ktest_note("%lx: %zu found, mapcount %d", c.va, rmap_count(page),
                       page_mapcount(page));
            good = false;
        }
    }
    return good;
}

static long map_written(struct mm_struct *mm, size_t pages, int flags)
{
    long addr = probe_map(mm, 0, pages, PROBE_RW, flags);

    for (size_t i = 0; i < pages; i++)
        if (!probe_store(mm, addr + i * PAGE_SIZE, i + 1))
            return -1;
    return addr;
}

KTEST(rmap, a_private_page_is_found_in_every_relative)
{
    struct mm_struct *mm = probe_mm(), *child, *grandchild;
    struct page *page;
    long a;

    KTEST_REQUIRE(mm);
    a = map_written(mm, 4, MAP_PRIVATE);
    page = probe_page(mm, a);
    KTEST_EXPECT(page && rmap_count(page) == 1);
    KTEST_REQUIRE(mm_fork(mm, &child) == 0);
    KTEST_REQUIRE(mm_fork(child, &grandchild) == 0);
    KTEST_EXPECT(rmap_count(page) == 3);
    KTEST_EXPECT(probe_store(child, a, 9));
    KTEST_EXPECT(rmap_count(page) == 2);
    KTEST_EXPECT(rmap_count(probe_page(child, a)) == 1);
    mm_put(child); /* in the middle of the line */
    KTEST_EXPECT(rmap_count(page) == 2);
    KTEST_EXPECT(do_munmap(grandchild, a, PAGE_SIZE) == 0);
    KTEST_EXPECT(rmap_count(page) == 1);
    KTEST_EXPECT(all_found(grandchild) && all_found(mm));
    mm_put(mm);
    page = probe_page(grandchild, a + PAGE_SIZE);
    KTEST_EXPECT(rmap_count(page) == 1);
    mm_put(grandchild);
}

KTEST(rmap, cuts_and_moves_lose_no_page)
{
    const int fixed = MREMAP_MAYMOVE | MREMAP_FIXED;
    struct mm_struct *mm = probe_mm(), *child;
    long a, to;

    KTEST_REQUIRE(mm);
    a = map_written(mm, 16, MAP_PRIVATE);
    to = probe_map(mm, 0, 64, PROT_NONE, MAP_PRIVATE);
    KTEST_EXPECT(do_mprotect(mm, a + 4 * PAGE_SIZE, 4 * PAGE_SIZE, PROT_READ) ==
                 0);
    KTEST_REQUIRE(mm_fork(mm, &child) == 0);
    KTEST_EXPECT(do_mremap(mm, a, 2 * PAGE_SIZE, 2 * PAGE_SIZE, fixed,
                           to + 8 * PAGE_SIZE) == to + 8 * (long)PAGE_SIZE);
    KTEST_EXPECT(do_mremap(child, a + 12 * PAGE_SIZE, PAGE_SIZE, 4 * PAGE_SIZE,
                           fixed, to + 32 * PAGE_SIZE) > 0);
    KTEST_EXPECT(all_found(mm) && all_found(child));
    KTEST_EXPECT(rmap_count(probe_page(mm, to + 8 * PAGE_SIZE)) == 2);
    KTEST_EXPECT(rmap_count(probe_page(mm, a + 12 * PAGE_SIZE)) == 2);
    KTEST_EXPECT(do_munmap(mm, a + 5 * PAGE_SIZE, PAGE_SIZE) == 0);
    KTEST_EXPECT(rmap_count(probe_page(child, a + 5 * PAGE_SIZE)) == 1);
    KTEST_EXPECT(do_mprotect(mm, a + 4 * PAGE_SIZE, PAGE_SIZE, PROT_NONE) == 0);
    KTEST_EXPECT(rmap_count(probe_page(mm, a + 4 * PAGE_SIZE)) == 2);
    KTEST_EXPECT(all_found(mm) && all_found(child));
    mm_put(child);
    KTEST_EXPECT(all_found(mm));
    mm_put(mm);
}

KTEST(rmap, after_random_work_every_page_is_found)
{
    struct mm_struct *mm = probe_mm();
    struct mm_struct *child = NULL;

    KTEST_REQUIRE(mm);
    for (int i = 0; i < 8; i++) {
        probe_random_work(mm, 0x10000000, 40, 100);
        KTEST_REQUIRE(mm_fork(mm, &child) == 0);
        probe_random_work(child, 0x10000000, 40, 50);
        KTEST_EXPECT(all_found(mm) && all_found(child));
        mm_put(child);
    }
    mm_put(mm);
}

static struct {
    struct vm_area_struct *vma;
    bool gone;
} leaver;

static int leave(void *arg __maybe_unused)
{
    rmap_unlink(leaver.vma);
    WRITE_ONCE(leaver.gone, true);
    return 0;
}

static void rest(void)
{
    set_current_state(TASK_UNINTERRUPTIBLE);
    schedule_until(ktime_get() + 5 * NSEC_PER_MSEC);
    set_current_state(TASK_RUNNING);
}

/* While a relative enters the tree, a node in it can look like one in none: a
 * root that is red for a moment. */
KTEST(rmap, who_leaves_waits_for_who_changes_the_tree)
{
    struct mm_struct *mm = probe_mm(), *child;
    struct interval_node *node;
    unsigned long colour;
    bool started;
    long a;

    KTEST_REQUIRE(mm);
    a = map_written(mm, 1, MAP_PRIVATE);
    KTEST_REQUIRE(mm_fork(mm, &child) == 0);
    leaver.vma = find_vma(child, a);
    leaver.gone = false;
    node = &leaver.vma->anon_node;
    mutex_lock(&leaver.vma->anon_vma->lock);
    colour = node->rb.parent_color;
    node->rb.parent_color = 0;
    started = kthread_run(leave, NULL, "leaver", NULL) == 0;
    KTEST_EXPECT(started);
    rest();
    KTEST_EXPECT(!READ_ONCE(leaver.gone));
    node->rb.parent_color = colour;
    mutex_unlock(&leaver.vma->anon_vma->lock);
    while (started && !READ_ONCE(leaver.gone))
        rest();
    KTEST_EXPECT(!interval_linked(node));
    KTEST_EXPECT(rmap_count(probe_page(mm, a)) == 1);
    rmap_link(leaver.vma, NULL);
    mm_put(child);
    mm_put(mm);
    rest(); /* it gives back its stack */
}

KTEST(rmap, a_block_is_found_whole_and_in_parts)
{
    struct mm_struct *mm = mm_create(), *child;
    struct page *page;
    long a;

    KTEST_REQUIRE(mm);
    if (!huge_enabled) {
        ktest_note("no blocks on this machine");
        mm_put(mm);
        return;
    }
    a = probe_map(mm, 0, HUGE_PAGES, PROBE_RW, MAP_PRIVATE);
    KTEST_EXPECT(probe_store(mm, a, 1));
    KTEST_REQUIRE(atomic_read(&mm->huge_pages) == 1);
    KTEST_REQUIRE(get_user_pages(mm, a + 5 * PAGE_SIZE, 1, 0, &page) == 1);
    KTEST_EXPECT(page_test(page, PG_tail) && rmap_count(page) == 1);
    KTEST_REQUIRE(mm_fork(mm, &child) == 0);
    KTEST_EXPECT(rmap_count(page) == 2);
    KTEST_EXPECT(do_munmap(child, a, 4 * PAGE_SIZE) == 0); /* cuts it */
    KTEST_EXPECT(atomic_read(&child->huge_pages) == 0);
    KTEST_EXPECT(rmap_count(page) == 2);
    KTEST_EXPECT(rmap_count(page - 5) == 1);
    KTEST_EXPECT(probe_is_sound(mm) && probe_is_sound(child));
    KTEST_EXPECT(!page_may_move(page));
    mm_put(child);
    put_page(page);
    KTEST_EXPECT(do_munmap(mm, a, PAGE_SIZE) == 0); /* falls apart */
    page = probe_page(mm, a + 5 * PAGE_SIZE);
    KTEST_EXPECT(page && !page_test(page, PG_tail) && rmap_count(page) == 1);
    KTEST_EXPECT(all_found(mm));
    mm_put(mm);
}

/* Each allocation of a first write, a fork and a copy fails in turn. */
KTEST(rmap, without_memory_no_page_gets_lost)
{
    struct mm_struct *mm = probe_mm(), *child = NULL;
    enum fault_result result = FAULT_OOM;
    int err = -ENOMEM;
    long a;

    KTEST_REQUIRE(mm);
    a = probe_map(mm, 0, 2, PROBE_RW, MAP_PRIVATE);
    for (u64 n = 1; n < 50 && result != FAULT_OK; n++) {
        fail_nth_arm(n);
        result = probe_write(mm, a);
        KTEST_EXPECT((result == FAULT_OK) == !!fail_nth_disarm());
        KTEST_EXPECT(all_found(mm));
    }
    for (u64 n = 1; n < 50 && err; n++) {
        fail_nth_arm(n);
        err = mm_fork(mm, &child);
        KTEST_EXPECT(!err == !!fail_nth_disarm());
        KTEST_EXPECT(all_found(mm));
    }
    KTEST_REQUIRE(!err && result == FAULT_OK);
    KTEST_EXPECT(rmap_count(probe_page(mm, a)) == 2);
    fail_nth_arm(1);
    KTEST_EXPECT(probe_write(child, a) == FAULT_OOM);
    fail_nth_arm(2); /* the page is all it takes: the family is there */
    KTEST_EXPECT(probe_write(child, a) == FAULT_OK && fail_nth_disarm());
    KTEST_EXPECT(all_found(child) && all_found(mm));
    mm_put(child);
    mm_put(mm);
}

/* ---- moving ---- */

/* The page at addr goes to another frame.  migrate_page()'s answer. */
static int move(struct mm_struct *mm, unsigned long addr)
{
    struct page *page = probe_page(mm, addr), *to = alloc_page(GFP_HIGHUSER);
    int err;

    if (!page || !to || !get_page_unless_zero(page))
        return -EINVAL;
    err = migrate_page(page, to);
    if (err)
        KTEST_EXPECT(probe_page(mm, addr) == page || !probe_page(mm, addr));
    else
        KTEST_EXPECT(page_count(page) == 1 && page_mapcount(page) == 0 &&
                     probe_page(mm, addr) != page);
    put_page(page);
    return err;
}

KTEST(migrate, a_private_page_moves_with_what_it_holds)
{
    struct mm_struct *mm = probe_mm();
    u8 *pattern = kmalloc(2 * PAGE_SIZE, GFP_KERNEL);
    struct page *page;
    u64 rss;
    long a;

    KTEST_REQUIRE(mm && pattern);
    a = map_written(mm, 3, MAP_PRIVATE) + PAGE_SIZE;
    for (size_t i = 0; i < PAGE_SIZE; i++)
        pattern[i] = i * 7 + i / 256;
    KTEST_EXPECT(access_process_vm(mm, a, pattern, PAGE_SIZE, FOLL_WRITE) ==
                 PAGE_SIZE);
    page = probe_page(mm, a);
    KTEST_EXPECT(page_may_move(page));
    rss = mm_rss(mm);
    KTEST_EXPECT(move(mm, a) == 0);
    KTEST_EXPECT(mm_rss(mm) == rss);
    page = probe_page(mm, a);
    KTEST_EXPECT(page && page_count(page) == 1 && page_mapcount(page) == 1);
    KTEST_EXPECT(access_process_vm(mm, a, pattern + PAGE_SIZE, PAGE_SIZE, 0) ==
                 PAGE_SIZE);
    KTEST_EXPECT(!memcmp(pattern, pattern + PAGE_SIZE, PAGE_SIZE));
    KTEST_EXPECT(probe_write(mm, a) == FAULT_OK && probe_page(mm, a) == page);
    KTEST_EXPECT(pte_write(probe_entry(mm, a)));
    KTEST_EXPECT(move(mm, a) == 0 && all_found(mm)); /* and again */
    kfree(pattern);
    mm_put(mm);
}

KTEST(migrate, a_page_shared_by_fork_moves_under_all_of_them)
{
    struct mm_struct *mm = probe_mm(), *child[3];
    struct page *page;
    long a;

    KTEST_REQUIRE(mm);
    a = map_written(mm, 2, MAP_PRIVATE);
    for (size_t i = 0; i < ARRAY_SIZE(child); i++)
        KTEST_REQUIRE(mm_fork(i ? child[i - 1] : mm, &child[i]) == 0);
    KTEST_EXPECT(do_mprotect(child[1], a, PAGE_SIZE, PROT_NONE) == 0);
    KTEST_EXPECT(move(mm, a) == 0);
    page = probe_page(mm, a);
    KTEST_EXPECT(page_mapcount(page) == 4 && page_count(page) == 4);
    for (size_t i = 0; i < ARRAY_SIZE(child); i++)
        KTEST_EXPECT(probe_page(child[i], a) == page);
    KTEST_EXPECT(!pte_accessible(probe_entry(child[1], a)));
    KTEST_EXPECT(probe_store(child[0], a, 50));
    KTEST_EXPECT(probe_load(mm, a) == 1 && probe_load(child[2], a) == 1);
    KTEST_EXPECT(all_found(mm));
    for (size_t i = 0; i < ARRAY_SIZE(child); i++) {
        KTEST_EXPECT(all_found(child[i]));
        mm_put(child[i]);
    }
    mm_put(mm);
}

KTEST(migrate, a_page_of_a_cache_moves_under_all_that_show_it)
{
    struct mm_struct *mm = probe_mm(), *child;
    struct page *page;
    long a;

    KTEST_REQUIRE(mm);
    a = map_written(mm, 4, MAP_SHARED);
    KTEST_REQUIRE(mm_fork(mm, &child) == 0);
    KTEST_EXPECT(probe_load(child, a) == 1);
    page = probe_page(mm, a);
    KTEST_EXPECT(page == probe_page(child, a) && page_may_move(page));
    KTEST_EXPECT(move(mm, a) == 0);
    KTEST_EXPECT(probe_load(child, a) == 1); /* faults it in */
    KTEST_EXPECT(probe_store(mm, a, 60) && probe_load(child, a) == 60);
    KTEST_EXPECT(probe_page(mm, a) == probe_page(child, a));
    page = probe_page(mm, a);
    KTEST_EXPECT(page_test(page, PG_dirty) || pte_dirty(probe_entry(mm, a)));
    KTEST_EXPECT(page_owner_of(page) == OWNER_PAGECACHE);
    KTEST_EXPECT(move(child, a) == 0 && probe_load(mm, a) == 60);
    KTEST_EXPECT(probe_load(mm, a + PAGE_SIZE) == 2);
    KTEST_EXPECT(all_found(mm) && all_found(child));
    mm_put(child);
    KTEST_EXPECT(probe_load(mm, a) == 60);
    mm_put(mm);
}

KTEST(migrate, locked_memory_stays_present)
{
    struct mm_struct *mm = probe_mm();
    long a;

    KTEST_REQUIRE(mm);
    a = map_written(mm, 2, MAP_SHARED);
    KTEST_EXPECT(do_mlock(mm, a, 2 * PAGE_SIZE, VM_LOCKED, true) == 0);
    KTEST_EXPECT(move(mm, a) == 0);
    KTEST_EXPECT(probe_page(mm, a) && probe_load(mm, a) == 1);
    KTEST_EXPECT(mm_rss(mm) == 2 && all_found(mm));
    mm_put(mm);
}

KTEST(migrate, a_page_that_somebody_holds_stays)
{
    const int flags[] = {MAP_PRIVATE, MAP_SHARED};
    struct mm_struct *mm = probe_mm();
    struct page *held;
    u8 *window;
    long a;

    KTEST_REQUIRE(mm);
    for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
        a = map_written(mm, 1, flags[i]);
        KTEST_REQUIRE(get_user_pages(mm, a, 1, FOLL_WRITE, &held) == 1);
        KTEST_EXPECT(!page_may_move(held));
        KTEST_EXPECT(move(mm, a) == -EAGAIN);
        KTEST_EXPECT(probe_load(mm, a) == 1 && probe_page(mm, a) == held);
        window = kmap_local_page(held); /* as a device would write */
        window[1] = 99;
        kunmap_local(window);
        KTEST_EXPECT(probe_load(mm, a + 1) == 99);
        put_page(held);
        KTEST_EXPECT(move(mm, a) == 0);
        KTEST_EXPECT(probe_load(mm, a) == 1 && probe_load(mm, a + 1) == 99);
    }
    KTEST_EXPECT(all_found(mm));
    mm_put(mm);
}

/* Which must come back untouched. */
static void stays(struct page *page)
{
    struct page *to = alloc_page(GFP_KERNEL);
    enum page_owner owner = page_owner_of(page);
    int refs = page_count(page);

    KTEST_REQUIRE(to);
    KTEST_EXPECT(!page_may_move(page));
    get_page(page);
    KTEST_EXPECT(migrate_page(page, to) == -EAGAIN);
    put_page(page);
    KTEST_EXPECT(page_count(page) == refs && page_owner_of(page) == owner);
}

KTEST(migrate, what_the_kernel_uses_stays)
{
    struct mm_struct *mm = probe_mm();
    struct vm_area_struct *vma;
    struct page *page = alloc_page(GFP_KERNEL);
    void *object = kmalloc(64, GFP_KERNEL);
    long a;

    KTEST_REQUIRE(mm && page && object);
    stays(virt_to_page(object));
    stays(virt_to_page(mm->root));
    stays(page);
    a = probe_map(mm, 0, 1, PROBE_RW, MAP_SHARED);
    vma = find_vma(mm, a);
    page_set_owner(page, OWNER_DRIVER);
    down_write(&mm->mmap_lock);
    KTEST_EXPECT(vm_insert_page(vma, a, page) == 0);
    up_write(&mm->mmap_lock);
    stays(page);
    KTEST_EXPECT(probe_page(mm, a) == page);
    mm_put(mm);
    kfree(object);
    put_page(page);
}

KTEST(migrate, a_truncated_page_stays)
{
    struct mm_struct *mm = probe_mm();
    struct address_space *mapping;
    struct page *page;
    long a;

    KTEST_REQUIRE(mm);
    a = map_written(mm, 2, MAP_SHARED);
    page = probe_page(mm, a);
    mapping = page->mapping;
    get_page(page);
    filemap_truncate(mapping, 0);
    KTEST_EXPECT(pte_none(probe_entry(mm, a)));
    stays(page);
    KTEST_EXPECT(!page_test(page, PG_cache) && page_count(page) == 1);
    put_page(page);
    mm_put(mm);
}
