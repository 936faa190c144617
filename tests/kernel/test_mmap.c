/*
 * tests/kernel/test_mmap.c - mappings come, move and go, and leave nothing
 * behind: pages, tables, charges.  (How VMAs merge and split is
 * tests/host/test_vma.c's.)
 */
#include <tests/kernel/mm_probe.h>
#include <mm/fail.h>
#include <mm/slab.h>

KTEST(mmap, munmap_frees_pages_and_tables)
{
    struct mm_struct *mm = probe_mm();
    const unsigned long at = 0x40000000000;

    KTEST_REQUIRE(mm);
    KTEST_EXPECT(atomic_read(&mm->table_pages) == pt_root_pages());
    KTEST_EXPECT(probe_map(mm, at, 600, PROBE_RW, MAP_PRIVATE | MAP_FIXED) ==
                 (long)at);
    for (size_t i = 0; i < 600; i += 50)
        KTEST_EXPECT(probe_write(mm, at + i * PAGE_SIZE) == FAULT_OK);
    KTEST_EXPECT(mm_rss(mm) == 12);
    KTEST_EXPECT(atomic_read(&mm->table_pages) ==
                 pt_root_pages() + 2 + pgtable_levels - 2);
    KTEST_EXPECT(do_munmap(mm, at, 600 * PAGE_SIZE) == 0);
    KTEST_EXPECT(mm_rss(mm) == 0 && mm->total_vm == 0);
    KTEST_EXPECT(atomic_read(&mm->table_pages) == pt_root_pages());
    KTEST_EXPECT(mm_hiwater_rss(mm) == 12);
    KTEST_EXPECT(probe_is_sound(mm));
    mm_put(mm);
}

KTEST(mmap, tables_stay_while_a_neighbour_needs_them)
{
    struct mm_struct *mm = probe_mm();
    const unsigned long at = 0x40000000;
    s64 tables;

    KTEST_REQUIRE(mm);
    probe_map(mm, at, 8, PROBE_RW, MAP_PRIVATE | MAP_FIXED);
    KTEST_EXPECT(probe_store(mm, at, 1));
    KTEST_EXPECT(probe_store(mm, at + 7 * PAGE_SIZE, 2));
    tables = atomic_read(&mm->table_pages);
    KTEST_EXPECT(do_munmap(mm, at, 4 * PAGE_SIZE) == 0);
    KTEST_EXPECT(atomic_read(&mm->table_pages) == tables);
    KTEST_EXPECT(probe_load(mm, at + 7 * PAGE_SIZE) == 2);
    KTEST_EXPECT(do_munmap(mm, at + 4 * PAGE_SIZE, 4 * PAGE_SIZE) == 0);
    KTEST_EXPECT(atomic_read(&mm->table_pages) == pt_root_pages());
    KTEST_EXPECT(probe_is_sound(mm));
    mm_put(mm);
}

KTEST(mmap, mremap_moves_pages_without_copying)
{
    struct mm_struct *mm = probe_mm();
    const unsigned long from = 0x40000000, to = 0x7ff00000; /* other tables */
    struct page *page;

    KTEST_REQUIRE(mm);
    probe_map(mm, from, 600, PROBE_RW, MAP_PRIVATE | MAP_FIXED);
    probe_map(mm, to, 700, PROT_READ, MAP_PRIVATE | MAP_FIXED);
    for (size_t i = 0; i < 600; i += 30)
        KTEST_EXPECT(probe_store(mm, from + i * PAGE_SIZE, i / 30 + 1));
    page = probe_page(mm, from + 570 * PAGE_SIZE);
    KTEST_EXPECT(do_mremap(mm, from, 600 * PAGE_SIZE, 650 * PAGE_SIZE,
                           MREMAP_MAYMOVE | MREMAP_FIXED, to) == (long)to);
    KTEST_EXPECT(probe_page(mm, to + 570 * PAGE_SIZE) == page);
    KTEST_EXPECT(mm_rss(mm) == 20);
    for (size_t i = 0; i < 600; i += 30)
        KTEST_EXPECT(probe_load(mm, to + i * PAGE_SIZE) == (int)i / 30 + 1);
    KTEST_EXPECT(probe_read(mm, from) == FAULT_MAPERR);
    KTEST_EXPECT(probe_write(mm, to + 649 * PAGE_SIZE) == FAULT_OK);
    KTEST_EXPECT(probe_vmas(mm) == 2 && mm->total_vm == 700);
    KTEST_EXPECT(probe_is_sound(mm));
    mm_put(mm);
}

KTEST(mmap, mremap_dontunmap_leaves_an_empty_mapping)
{
    struct mm_struct *mm = probe_mm();
    long a, b;

    KTEST_REQUIRE(mm);
    a = probe_map(mm, 0, 2, PROBE_RW, MAP_PRIVATE);
    KTEST_EXPECT(probe_store(mm, a, 9));
    b = do_mremap(mm, a, 2 * PAGE_SIZE, 2 * PAGE_SIZE,
                  MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0);
    KTEST_EXPECT(b > 0 && b != a);
    KTEST_EXPECT(probe_load(mm, b) == 9 && probe_load(mm, a) == 0);
    KTEST_EXPECT(mm->total_vm == 4);
    KTEST_EXPECT(probe_is_sound(mm));
    mm_put(mm);
}

KTEST(mmap, brk_grows_and_shrinks)
{
    struct mm_struct *mm = probe_mm();
    const unsigned long base = 0x500000;

    KTEST_REQUIRE(mm);
    mm->start_brk = mm->brk = base;
    KTEST_EXPECT(do_brk(mm, 0) == base);
    KTEST_EXPECT(do_brk(mm, base + 100) == base + 100);
    KTEST_EXPECT(do_brk(mm, base + 5 * PAGE_SIZE) == base + 5 * PAGE_SIZE);
    KTEST_EXPECT(probe_vmas(mm) == 1 && probe_store(mm, base + 100, 1));
    probe_map(mm, base + 10 * PAGE_SIZE, 1, PROT_READ, MAP_PRIVATE | MAP_FIXED);
    KTEST_EXPECT(do_brk(mm, base + 10 * PAGE_SIZE) == base + 5 * PAGE_SIZE);
    KTEST_EXPECT(do_brk(mm, base + 9 * PAGE_SIZE) == base + 9 * PAGE_SIZE);
    KTEST_EXPECT(do_brk(mm, base - 1) == base + 9 * PAGE_SIZE);
    KTEST_EXPECT(do_brk(mm, base) == base && mm_rss(mm) == 0);
    KTEST_EXPECT(probe_is_sound(mm));
    mm_put(mm);
}

KTEST(mmap, advice_drops_and_brings_pages)
{
    struct mm_struct *mm = probe_mm();
    u8 vec[4];
    long a;

    KTEST_REQUIRE(mm);
    a = probe_map(mm, 0, 4, PROBE_RW, MAP_PRIVATE | MAP_POPULATE);
    KTEST_EXPECT(mm_rss(mm) == 4);
    KTEST_EXPECT(probe_store(mm, a, 5));
    KTEST_EXPECT(do_madvise(mm, a, PAGE_SIZE, MADV_DONTNEED) == 0);
    KTEST_EXPECT(mm_rss(mm) == 3);
    KTEST_EXPECT(do_mincore(mm, a, 4, vec) == 0);
    KTEST_EXPECT(vec[0] == 0 && vec[1] == 1 && vec[3] == 1);
    KTEST_EXPECT(probe_load(mm, a) == 0);
    KTEST_EXPECT(do_madvise(mm, a, PAGE_SIZE, MADV_POPULATE_WRITE) == 0);
    KTEST_EXPECT(mm_rss(mm) == 4);
    KTEST_EXPECT(do_madvise(mm, a, 5 * PAGE_SIZE, MADV_DONTNEED) == -ENOMEM);
    KTEST_EXPECT(mm_rss(mm) == 0);
    KTEST_EXPECT(do_madvise(mm, a, PAGE_SIZE, 4711) == -EINVAL);
    KTEST_EXPECT(probe_is_sound(mm));
    mm_put(mm);
}

KTEST(mmap, frames_of_a_driver_are_not_counted)
{
    struct mm_struct *mm = probe_mm();
    struct page *page = alloc_page(GFP_KERNEL);
    struct vm_area_struct *vma;
    pfn_t pfn;
    long a;

    KTEST_REQUIRE(mm && page);
    pfn = page_to_pfn(page);
    a = probe_map(mm, 0, 4, PROBE_RW, MAP_SHARED);
    vma = find_vma(mm, a);
    KTEST_EXPECT(remap_pfn_range(vma, a, pfn, 5 * PAGE_SIZE,
                                 vma->vm_page_prot) == -EINVAL);
    KTEST_EXPECT(remap_pfn_range(vma, a, pfn, 0, vma->vm_page_prot) == -EINVAL);
    KTEST_EXPECT(remap_pfn_range(vma, a + 1, pfn, 1, vma->vm_page_prot) ==
                 -EINVAL);
    KTEST_EXPECT(remap_pfn_range(vma, a, ~0ul, PAGE_SIZE, vma->vm_page_prot) ==
                 -EINVAL);
    KTEST_EXPECT(remap_pfn_range(vma, a, (1ul << 40) - 1, 2 * PAGE_SIZE,
                                 vma->vm_page_prot) == -EINVAL);
    KTEST_EXPECT(remap_pfn_range(vma, a, pfn, 1, vma->vm_page_prot) == 0);
    KTEST_EXPECT(pte_pfn(probe_entry(mm, a)) == pfn);
    KTEST_EXPECT(pte_is_special(probe_entry(mm, a)));
    KTEST_EXPECT(page_mapcount(page) == 0 && page_count(page) == 1);
    KTEST_EXPECT(mm_rss(mm) == 0);
    KTEST_EXPECT(do_mremap(mm, a, 4 * PAGE_SIZE, 8 * PAGE_SIZE, MREMAP_MAYMOVE,
                           0) == -EFAULT);
    mm_put(mm);
    KTEST_EXPECT(page_count(page) == 1);
    __free_page(page);
}

KTEST(mmap, an_inserted_page_is_counted)
{
    struct mm_struct *mm = probe_mm();
    struct page *page = alloc_page(GFP_KERNEL);
    struct vm_area_struct *vma;
    long a;

    KTEST_REQUIRE(mm && page);
    a = probe_map(mm, 0, 2, PROBE_RW, MAP_SHARED);
    vma = find_vma(mm, a);
    KTEST_EXPECT(vm_insert_page(vma, a, page) == 0);
    KTEST_EXPECT(vm_insert_page(vma, a, page) == -EBUSY);
    KTEST_EXPECT(vm_insert_page(vma, a + 2 * PAGE_SIZE, page) == -EFAULT);
    KTEST_EXPECT(page_mapcount(page) == 1 && page_count(page) == 2);
    KTEST_EXPECT(mm_rss(mm) == 1);
    mm_put(mm);
    KTEST_EXPECT(page_mapcount(page) == 0 && page_count(page) == 1);
    __free_page(page);
}

KTEST(mmap, a_page_of_a_larger_block_holds_the_block)
{
    struct mm_struct *mm = probe_mm(), *child;
    struct page *block = alloc_pages(GFP_KERNEL | __GFP_COMP, 2);
    struct vm_area_struct *vma;
    long a;

    KTEST_REQUIRE(mm && block);
    a = probe_map(mm, 0, 4, PROBE_RW, MAP_SHARED);
    vma = find_vma(mm, a);
    for (size_t i = 0; i < 4; i++)
        KTEST_EXPECT(vm_insert_page(vma, a + i * PAGE_SIZE, block + i) == 0);
    KTEST_EXPECT(page_count(block) == 5 && page_mapcount(block + 3) == 1);
    KTEST_REQUIRE(mm_fork(mm, &child) == 0);
    KTEST_EXPECT(page_count(block) == 9 && page_mapcount(block + 3) == 2);
    mm_put(mm);
    KTEST_EXPECT(page_count(block) == 5);
    __free_pages(block, 2); /* the driver's; the child keeps the block */
    KTEST_EXPECT(page_count(block) == 4);
    mm_put(child);
}

KTEST(mmap, held_pages_survive_munmap)
{
    struct mm_struct *mm = probe_mm();
    struct page *pages[3];
    long a;

    KTEST_REQUIRE(mm);
    a = probe_map(mm, 0, 2, PROBE_RW, MAP_PRIVATE);
    down_read(&mm->mmap_lock);
    KTEST_EXPECT(get_user_pages(mm, a, 3, FOLL_WRITE, pages) == 2);
    KTEST_EXPECT(get_user_pages(mm, a + 2 * PAGE_SIZE, 1, 0, pages + 2) ==
                 -EFAULT);
    up_read(&mm->mmap_lock);
    KTEST_EXPECT(page_count(pages[0]) == 2 && page_mapcount(pages[0]) == 1);
    KTEST_EXPECT(do_munmap(mm, a, 2 * PAGE_SIZE) == 0);
    KTEST_EXPECT(page_count(pages[0]) == 1 && page_mapcount(pages[0]) == 0);
    put_page(pages[0]);
    put_page(pages[1]);
    KTEST_EXPECT(probe_is_sound(mm));
    mm_put(mm);
}

/* Pages and charges of random work come back. */
KTEST(mmap, random_work_leaves_nothing_behind)
{
    struct mm_struct *mm = probe_mm();

    KTEST_REQUIRE(mm);
    probe_random_work(mm, 0x3fe00000, 1024, 1000); /* crosses tables */
    probe_vmas(mm);
    do_munmap(mm, 0x10000, TASK_SIZE - 0x10000);
    KTEST_EXPECT(mm_rss(mm) == 0 && mm->total_vm == 0 && mm->committed == 0);
    KTEST_EXPECT(atomic_read(&mm->table_pages) == pt_root_pages());
    KTEST_EXPECT(probe_is_sound(mm));
    mm_put(mm);
}

static size_t findings(struct mm_struct *mm)
{
    struct printer_buf nowhere;
    char text[64];

    printer_buf_init(&nowhere, text, sizeof(text));
    return mm_check(mm, &nowhere.out);
}

KTEST(mmap, the_check_notices)
{
    struct mm_struct *mm = probe_mm(), *child;
    struct pt_cursor c;
    pte_t before;
    long a;

    KTEST_REQUIRE(mm);
    a = probe_map(mm, 0, 2, PROBE_RW, MAP_PRIVATE);
    probe_store(mm, a, 1);
    KTEST_REQUIRE(mm_fork(mm, &child) == 0);
    KTEST_EXPECT(findings(mm) == 0 && findings(child) == 0);
    pt_start(&c, mm->root, a, a + PAGE_SIZE);
    before = *c.slot;
    *c.slot = pte_mkwrite(before); /* the child would see the write */
    KTEST_EXPECT(findings(mm) == 1);
    *c.slot = before;
    c.slot->val &= ~PTE_USER;
    KTEST_EXPECT(findings(mm) == 1);
    *c.slot = (pte_t){0}; /* a page that RSS still counts */
    KTEST_EXPECT(findings(mm) == 1);
    *c.slot = before;
    c.slot[2] = before; /* behind the mapping; counts do not matter there */
    KTEST_EXPECT(findings(mm) == 1);
    c.slot[2].val = 0;
    mm->total_vm++;
    KTEST_EXPECT(findings(mm) == 1);
    mm->total_vm--;
    KTEST_EXPECT(findings(mm) == 0);
    mm_put(child);
    mm_put(mm);
}

/* ---- no memory ---- */

#define NO_MEMORY_AT 0x40000000ul

/* Some mappings with contents; the same each time. */
static struct mm_struct *populated_mm(void)
{
    struct mm_struct *mm = probe_mm();

    if (!mm)
        return NULL;
    probe_map(mm, NO_MEMORY_AT, 8, PROBE_RW, MAP_PRIVATE | MAP_FIXED);
    probe_map(mm, NO_MEMORY_AT + GIB, 4, PROBE_RW, MAP_SHARED | MAP_FIXED);
    for (size_t i = 0; i < 8; i++)
        probe_store(mm, NO_MEMORY_AT + i * PAGE_SIZE, i + 1);
    probe_store(mm, NO_MEMORY_AT + GIB, 42);
    return mm;
}

static bool is_as_populated(struct mm_struct *mm)
{
    bool good = probe_vmas(mm) == 2 && mm->total_vm == 12 && mm_rss(mm) == 9 &&
                probe_load(mm, NO_MEMORY_AT + GIB) == 42;

    for (size_t i = 0; i < 8; i++)
        good &= probe_load(mm, NO_MEMORY_AT + i * PAGE_SIZE) == (int)i + 1;
    return good;
}

static long fork_and_drop(struct mm_struct *mm)
{
    struct mm_struct *child;
    int err = mm_fork(mm, &child);

    if (!err)
        mm_put(child);
    return err;
}

static long cut_and_restore(struct mm_struct *mm)
{
    unsigned long middle = NO_MEMORY_AT + 2 * PAGE_SIZE;
    int err = do_mprotect(mm, middle, PAGE_SIZE, PROT_READ);

    return err ? err : do_mprotect(mm, middle, PAGE_SIZE, PROBE_RW);
}

static long move_and_back(struct mm_struct *mm)
{
    const size_t len = 8 * PAGE_SIZE;
    const int flags = MREMAP_MAYMOVE | MREMAP_FIXED;
    const unsigned long far = NO_MEMORY_AT + 600 * GIB;
    long ret = do_mremap(mm, NO_MEMORY_AT, len, len, flags, far);
    u64 left;

    if (ret < 0)
        return ret;
    left = fail_nth_disarm(); /* the way back is only tidying up */
    ret = do_mremap(mm, far, len, len, flags, NO_MEMORY_AT);
    fail_nth_arm(left);
    return ret;
}

static long map_elsewhere(struct mm_struct *mm)
{
    long addr = probe_map(mm, NO_MEMORY_AT + 700 * GIB, 2, PROBE_RW,
                          MAP_SHARED | MAP_FIXED);

    return addr < 0 ? addr : do_munmap(mm, addr, 2 * PAGE_SIZE);
}

static long touch_elsewhere(struct mm_struct *mm)
{
    long addr = probe_map(mm, NO_MEMORY_AT + 800 * GIB, 1, PROBE_RW,
                          MAP_PRIVATE | MAP_FIXED);
    enum fault_result result;

    if (addr < 0)
        return addr;
    result = probe_write(mm, addr);
    if (do_munmap(mm, addr, PAGE_SIZE) < 0)
        return -EIO;
    return result == FAULT_OOM ? -ENOMEM : result == FAULT_OK ? 0 : -EIO;
}

/* op with the n-th allocation failing, for all n, until it succeeds. */
static void without_memory(const char *name, long (*op)(struct mm_struct *mm))
{
    struct mm_struct *mm = populated_mm();
    u64 left = 0;

    KTEST_REQUIRE(mm);
    for (u64 n = 1; n < 100 && !left; n++) {
        long ret;

        fail_nth_arm(n);
        ret = op(mm);
        left = fail_nth_disarm();
        if (!KTEST_EXPECT(left ? ret >= 0 : ret >= 0 || ret == -ENOMEM) ||
            !KTEST_EXPECT(is_as_populated(mm))) {
            ktest_note("%s, allocation %lu: %ld", name, n, ret);
            break;
        }
    }
    KTEST_EXPECT(left > 0);
    KTEST_EXPECT(probe_is_sound(mm));
    mm_put(mm);
}

KTEST(mmap, calls_without_memory_change_nothing)
{
    without_memory("fork", fork_and_drop);
    without_memory("mprotect", cut_and_restore);
    without_memory("mremap", move_and_back);
    without_memory("mmap", map_elsewhere);
    without_memory("fault", touch_elsewhere);
}
