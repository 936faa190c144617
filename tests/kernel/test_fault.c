/*
 * tests/kernel/test_fault.c - the decision table of mm/fault.c, row by row.
 */
#include <tests/kernel/mm_probe.h>
#include <kernel/lib/string.h>
#include <mm/anon_vma.h>
#include <mm/filemap.h>
#include <mm/slab.h>

KTEST(fault, untouched_memory_reads_as_the_zero_page)
{
    struct mm_struct *mm = probe_mm();
    long a;
    pte_t pte;

    KTEST_REQUIRE(mm);
    a = probe_map(mm, 0, 2, PROBE_RW, MAP_PRIVATE);
    KTEST_EXPECT(a > 0);
    KTEST_EXPECT(probe_read(mm, a) == FAULT_OK);
    pte = probe_entry(mm, a);
    KTEST_EXPECT(pte_is_special(pte) && !pte_write(pte));
    KTEST_EXPECT(mm_rss(mm) == 0);
    KTEST_EXPECT(probe_write(mm, a) == FAULT_OK);
    KTEST_EXPECT(probe_page(mm, a) && pte_write(probe_entry(mm, a)));
    KTEST_EXPECT(mm_rss(mm) == 1);
    KTEST_EXPECT(probe_load(mm, a) == 0);
    KTEST_EXPECT(empty_zero_page.bytes[0] == 0);
    KTEST_EXPECT(pte_none(probe_entry(mm, a + PAGE_SIZE)));
    KTEST_EXPECT(probe_is_sound(mm));
    mm_put(mm);
}

KTEST(fault, what_the_vma_forbids_fails)
{
    struct mm_struct *mm = probe_mm();
    long a;

    KTEST_REQUIRE(mm);
    a = probe_map(mm, 0x100000, 1, PROT_READ, MAP_PRIVATE | MAP_FIXED);
    KTEST_EXPECT(a == 0x100000);
    KTEST_EXPECT(probe_write(mm, a) == FAULT_ACCERR);
    KTEST_EXPECT(handle_mm_fault(mm, a, FAULT_USER | FAULT_EXEC) ==
                 FAULT_ACCERR);
    KTEST_EXPECT(probe_read(mm, a - 1) == FAULT_MAPERR);
    KTEST_EXPECT(probe_read(mm, a + PAGE_SIZE) == FAULT_MAPERR);
    KTEST_EXPECT(probe_read(mm, TASK_SIZE_5L) == FAULT_MAPERR);
    KTEST_EXPECT(probe_read(mm, ~0ul) == FAULT_MAPERR);
    KTEST_EXPECT(do_mprotect(mm, a, PAGE_SIZE, PROT_NONE) == 0);
    KTEST_EXPECT(probe_read(mm, a) == FAULT_ACCERR);
    KTEST_EXPECT(probe_is_sound(mm));
    mm_put(mm);
}

KTEST(fault, prot_none_keeps_the_page)
{
    struct mm_struct *mm = probe_mm();
    struct page *page;
    long a;

    KTEST_REQUIRE(mm);
    a = probe_map(mm, 0, 1, PROBE_RW, MAP_PRIVATE);
    KTEST_EXPECT(probe_store(mm, a, 7));
    page = probe_page(mm, a);
    KTEST_EXPECT(do_mprotect(mm, a, PAGE_SIZE, PROT_NONE) == 0);
    KTEST_EXPECT(!pte_accessible(probe_entry(mm, a)));
    KTEST_EXPECT(probe_page(mm, a) == page);
    KTEST_EXPECT(do_mprotect(mm, a, PAGE_SIZE, PROBE_RW) == 0);
    KTEST_EXPECT(pte_write(probe_entry(mm, a))); /* sole owner: at once */
    KTEST_EXPECT(probe_load(mm, a) == 7);
    KTEST_EXPECT(probe_is_sound(mm));
    mm_put(mm);
}

KTEST(fault, fork_shares_and_a_write_copies)
{
    struct mm_struct *mm = probe_mm(), *child;
    struct page *page;
    long a;

    KTEST_REQUIRE(mm);
    a = probe_map(mm, 0, 4, PROBE_RW, MAP_PRIVATE);
    KTEST_EXPECT(probe_store(mm, a, 1));
    page = probe_page(mm, a);
    KTEST_REQUIRE(mm_fork(mm, &child) == 0);
    KTEST_EXPECT(probe_page(child, a) == page && page_mapcount(page) == 2);
    KTEST_EXPECT(!pte_write(probe_entry(mm, a)));
    KTEST_EXPECT(!pte_write(probe_entry(child, a)));
    KTEST_EXPECT(mm_rss(child) == 1);

    KTEST_EXPECT(probe_store(child, a, 2));
    KTEST_EXPECT(probe_page(child, a) != page && page_mapcount(page) == 1);
    KTEST_EXPECT(probe_load(mm, a) == 1 && probe_load(child, a) == 2);
    KTEST_EXPECT(probe_store(mm, a, 3)); /* the last owner keeps the page */
    KTEST_EXPECT(probe_page(mm, a) == page);
    KTEST_EXPECT(probe_load(child, a) == 2);
    mm_put(child);
    KTEST_EXPECT(probe_is_sound(mm));
    mm_put(mm);
}

KTEST(fault, shared_anonymous_memory_is_shared_across_fork)
{
    struct mm_struct *mm = probe_mm(), *child;
    long a;

    KTEST_REQUIRE(mm);
    a = probe_map(mm, 0, 3, PROBE_RW, MAP_SHARED);
    KTEST_EXPECT(a > 0 && probe_store(mm, a, 1));
    KTEST_REQUIRE(mm_fork(mm, &child) == 0);
    KTEST_EXPECT(probe_load(child, a) == 1);
    KTEST_EXPECT(probe_store(child, a, 2));
    KTEST_EXPECT(probe_store(child, a + PAGE_SIZE, 4));
    KTEST_EXPECT(probe_load(mm, a) == 2 && probe_load(mm, a + PAGE_SIZE) == 4);
    KTEST_EXPECT(probe_page(mm, a) == probe_page(child, a));
    mm_put(mm);
    KTEST_EXPECT(probe_load(child, a) == 2);
    mm_put(child);
}

KTEST(fault, stacks_grow_to_their_limit)
{
    struct mm_struct *mm = probe_mm();
    unsigned long top = 0x10000000;

    KTEST_REQUIRE(mm);
    mm->limits.stack = 64 * PAGE_SIZE;
    KTEST_EXPECT(mm_add_stack(mm, top, PAGE_SIZE, 0) == 0);
    KTEST_EXPECT(probe_write(mm, top - 8) == FAULT_OK);
    KTEST_EXPECT(probe_write(mm, top - 40 * PAGE_SIZE) == FAULT_OK);
    KTEST_EXPECT(mm->first->vm_start == top - 40 * PAGE_SIZE);
    KTEST_EXPECT(probe_write(mm, top - 65 * PAGE_SIZE) == FAULT_MAPERR);
    KTEST_EXPECT(mm->stack_vm == 40);

    mm->limits.stack = 8 * MIB; /* now a neighbour is in the way */
    KTEST_EXPECT(probe_map(mm, top - STACK_GUARD_GAP - 50 * PAGE_SIZE, 1,
                           PROT_READ, MAP_PRIVATE | MAP_FIXED) > 0);
    KTEST_EXPECT(probe_write(mm, top - 49 * PAGE_SIZE) == FAULT_OK);
    KTEST_EXPECT(probe_write(mm, top - 50 * PAGE_SIZE) == FAULT_MAPERR);
    probe_vmas(mm);
    KTEST_EXPECT(probe_is_sound(mm));
    mm_put(mm);
}

KTEST(fault, neighbours_race_to_nothing)
{
    struct mm_struct *mm = probe_mm();
    struct page *page;
    long a;

    KTEST_REQUIRE(mm);
    a = probe_map(mm, 0, 1, PROBE_RW, MAP_PRIVATE);
    KTEST_EXPECT(probe_write(mm, a) == FAULT_OK);
    page = probe_page(mm, a);
    KTEST_EXPECT(probe_write(mm, a) == FAULT_OK); /* spurious */
    KTEST_EXPECT(probe_page(mm, a) == page && mm_rss(mm) == 1);
    KTEST_EXPECT(probe_is_sound(mm));
    mm_put(mm);
}

KTEST(fault, a_debugger_writes_to_a_copy_that_stays_read_only)
{
    struct mm_struct *mm = probe_mm();
    u8 byte = 7;
    long a;

    KTEST_REQUIRE(mm);
    a = probe_map(mm, 0, 1, PROT_READ, MAP_PRIVATE);
    KTEST_EXPECT(probe_load(mm, a) == 0);
    KTEST_EXPECT(access_process_vm(mm, a, &byte, 1, FOLL_WRITE) == 0);
    KTEST_EXPECT(access_process_vm(mm, a, &byte, 1, FOLL_WRITE | FOLL_FORCE) ==
                 1);
    KTEST_EXPECT(!pte_write(probe_entry(mm, a)));
    KTEST_EXPECT(probe_write(mm, a) == FAULT_ACCERR);
    KTEST_EXPECT(probe_load(mm, a) == 7 && empty_zero_page.bytes[0] == 0);
    KTEST_EXPECT(do_mprotect(mm, a, PAGE_SIZE, PROT_NONE) == 0);
    KTEST_EXPECT(probe_load(mm, a) == -1);
    byte = 0;
    KTEST_EXPECT(access_process_vm(mm, a, &byte, 1, FOLL_FORCE) == 1);
    KTEST_EXPECT(byte == 7);
    KTEST_EXPECT(probe_is_sound(mm));
    mm_put(mm);
}

/* ---- a file ---- */

#define FILE_PAGES 40

static u64 file_bytes;

static u64 file_size(struct address_space *mapping)
{
    return file_bytes;
}

static int test_file_mmap(struct file *file, struct vm_area_struct *vma)
{
    vma->vm_file = NULL; /* there is none: no reference is to be taken */
    return filemap_mmap((struct address_space *)file, vma);
}

/* The page cache that mmap gave it goes. */
static void forget_mapping(struct vm_area_struct *vma)
{
    rmap_unlink(vma);
    mapping_leave(vma->vm_mapping);
    vma->vm_mapping = NULL;
}

/* Links a VMA of the file by hand: struct file belongs to another layer. */
static long map_file(struct mm_struct *mm, struct address_space *mapping,
                     size_t pages, unsigned long pgoff, bool shared)
{
    long addr =
        probe_map(mm, 0, pages, PROBE_RW, shared ? MAP_SHARED : MAP_PRIVATE);
    struct vm_area_struct *vma = find_vma(mm, addr);

    if (vma->vm_mapping)
        forget_mapping(vma);
    vma->vm_pgoff = pgoff;
    test_file_mmap((struct file *)mapping, vma);
    mapping_link(vma);
    return addr;
}

static void fill_file(struct address_space *mapping)
{
    file_bytes = FILE_PAGES * PAGE_SIZE;
    mapping_init(mapping, NULL, file_size);
    for (unsigned long i = 0; i < FILE_PAGES; i++) {
        u8 byte = i + 1;

        filemap_write_kernel(mapping, &byte, 1, i * PAGE_SIZE);
    }
}

KTEST(fault, reading_a_file_maps_what_lies_around)
{
    struct mm_struct *mm = probe_mm();
    struct address_space mapping;
    long a;
    size_t mapped = 0;

    KTEST_REQUIRE(mm);
    fill_file(&mapping);
    a = map_file(mm, &mapping, FILE_PAGES + 1, 0, true);
    KTEST_EXPECT(probe_read(mm, a + 20 * PAGE_SIZE) == FAULT_OK);
    for (unsigned long i = 0; i < FILE_PAGES; i++)
        mapped += probe_page(mm, a + i * PAGE_SIZE) != NULL;
    KTEST_EXPECT(mapped >= 8 && mapped <= 16);
    KTEST_EXPECT(mm_rss(mm) == mapped);
    for (unsigned long i = 0; i < FILE_PAGES; i++)
        KTEST_EXPECT(probe_load(mm, a + i * PAGE_SIZE) == (int)i + 1);
    KTEST_EXPECT(probe_read(mm, a + FILE_PAGES * PAGE_SIZE) == FAULT_SIGBUS);
    mm_put(mm);
    filemap_truncate(&mapping, 0);
}

KTEST(fault, a_private_write_leaves_the_file_alone)
{
    struct mm_struct *mm = probe_mm();
    struct address_space mapping;
    u8 byte = 0;
    long a;

    KTEST_REQUIRE(mm);
    fill_file(&mapping);
    a = map_file(mm, &mapping, FILE_PAGES, 0, false);
    KTEST_EXPECT(probe_load(mm, a) == 1);
    KTEST_EXPECT(!pte_write(probe_entry(mm, a)));
    KTEST_EXPECT(probe_store(mm, a, 99)); /* over a mapped page */
    KTEST_EXPECT(probe_store(mm, a + 30 * PAGE_SIZE, 98)); /* an empty one */
    KTEST_EXPECT(atomic_read(&mm->anon_pages) == 2);
    filemap_read_kernel(&mapping, &byte, 1, 0);
    KTEST_EXPECT(byte == 1 && probe_load(mm, a) == 99);
    KTEST_EXPECT(probe_load(mm, a + 30 * PAGE_SIZE) == 98);
    mm_put(mm);
    filemap_truncate(&mapping, 0);
}

KTEST(fault, truncation_takes_entries_away)
{
    struct mm_struct *mm = probe_mm(), *child;
    struct address_space mapping;
    long a, b;

    KTEST_REQUIRE(mm);
    fill_file(&mapping);
    a = map_file(mm, &mapping, FILE_PAGES, 0, true);
    b = map_file(mm, &mapping, 10, 2, false);
    KTEST_EXPECT(probe_store(mm, a + 5 * PAGE_SIZE, 77));
    KTEST_EXPECT(probe_store(mm, b + 5 * PAGE_SIZE, 78)); /* private copy */
    KTEST_REQUIRE(mm_fork(mm, &child) == 0);
    KTEST_EXPECT(probe_load(child, a + 5 * PAGE_SIZE) == 77);
    file_bytes = 3 * PAGE_SIZE + 100;
    filemap_truncate(&mapping, file_bytes);
    KTEST_EXPECT(mapping.nr_pages == 4);
    KTEST_EXPECT(pte_none(probe_entry(mm, a + 5 * PAGE_SIZE)));
    KTEST_EXPECT(pte_none(probe_entry(child, a + 5 * PAGE_SIZE)));
    KTEST_EXPECT(pte_none(probe_entry(mm, b + 5 * PAGE_SIZE)));
    KTEST_EXPECT(probe_read(mm, a + 4 * PAGE_SIZE) == FAULT_SIGBUS);
    KTEST_EXPECT(probe_read(child, a + 4 * PAGE_SIZE) == FAULT_SIGBUS);
    KTEST_EXPECT(probe_load(mm, a + 3 * PAGE_SIZE) == 4);
    mm_put(child);
    mm_put(mm);
    filemap_truncate(&mapping, 0);
    KTEST_EXPECT(mapping.nr_pages == 0);
}

KTEST(fault, file_reads_and_writes_go_through_the_cache)
{
    struct address_space mapping;
    char text[24];

    file_bytes = 0;
    mapping_init(&mapping, NULL, file_size);
    KTEST_EXPECT(filemap_write_kernel(&mapping, "across the edge", 15,
                                      PAGE_SIZE - 4) == 15);
    file_bytes = PAGE_SIZE + 11;
    KTEST_EXPECT(mapping.nr_pages == 2);
    memset(text, 'x', sizeof(text));
    KTEST_EXPECT(filemap_read_kernel(&mapping, text, 24, PAGE_SIZE - 4) == 15);
    KTEST_EXPECT(!memcmp(text, "across the edge", 15) && text[15] == 'x');
    KTEST_EXPECT(filemap_read_kernel(&mapping, text, 4, 0) == 4);
    KTEST_EXPECT(!memcmp(text, "\0\0\0\0", 4));
    file_bytes = 1000 * PAGE_SIZE; /* a hole reads as zeroes */
    memset(text, 'x', sizeof(text));
    KTEST_EXPECT(filemap_read_kernel(&mapping, text, 4, 500 * PAGE_SIZE) == 4);
    KTEST_EXPECT(text[0] == 0 && mapping.nr_pages == 2);
    filemap_truncate(&mapping, PAGE_SIZE);
    KTEST_EXPECT(mapping.nr_pages == 1);
    filemap_truncate(&mapping, 0);
}

/* ---- a driver that produces pages ---- */

static struct page *driver_pages[3];
static unsigned long asked_pgoff;
static int asked, told_of_writes, opened, closed;
static bool refuses_writes;

static vm_fault_t driver_fault(struct vm_fault *vmf)
{
    asked++;
    asked_pgoff = vmf->pgoff;
    if (vmf->pgoff >= ARRAY_SIZE(driver_pages))
        return VM_FAULT_SIGBUS;
    vmf->page = driver_pages[vmf->pgoff];
    get_page(vmf->page);
    return 0;
}

static vm_fault_t driver_mkwrite(struct vm_fault *vmf)
{
    told_of_writes++;
    return refuses_writes ? VM_FAULT_SIGBUS : 0;
}

static void driver_open(struct vm_area_struct *vma)
{
    opened++;
}

static void driver_close(struct vm_area_struct *vma)
{
    closed++;
}

static const struct vm_operations_struct driver_ops = {
    .open = driver_open,
    .close = driver_close,
    .fault = driver_fault,
    .page_mkwrite = driver_mkwrite,
};

/* A shared mapping of five pages, of which the driver has three. */
static long map_driver(struct mm_struct *mm)
{
    long addr = probe_map(mm, 0, 5, PROBE_RW, MAP_SHARED);
    struct vm_area_struct *vma = find_vma(mm, addr);

    forget_mapping(vma);
    vma->vm_ops = &driver_ops;
    vma->vm_page_prot = vm_get_page_prot(vma->vm_flags & ~VM_SHARED);
    asked = told_of_writes = opened = closed = 0;
    refuses_writes = false;
    for (size_t i = 0; i < ARRAY_SIZE(driver_pages); i++)
        driver_pages[i] = alloc_page(GFP_KERNEL | __GFP_ZERO);
    return addr;
}

static void free_driver_pages(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(driver_pages); i++) {
        KTEST_EXPECT(page_count(driver_pages[i]) == 1);
        KTEST_EXPECT(page_mapcount(driver_pages[i]) == 0);
        __free_page(driver_pages[i]);
    }
}

KTEST(fault, a_driver_is_asked_once_a_page_and_told_of_the_first_write)
{
    struct mm_struct *mm = probe_mm();
    long a;

    KTEST_REQUIRE(mm);
    a = map_driver(mm);
    KTEST_EXPECT(probe_read(mm, a + PAGE_SIZE) == FAULT_OK);
    KTEST_EXPECT(asked == 1 && asked_pgoff == 1 && told_of_writes == 0);
    KTEST_EXPECT(probe_page(mm, a + PAGE_SIZE) == driver_pages[1]);
    KTEST_EXPECT(!pte_write(probe_entry(mm, a + PAGE_SIZE)));
    KTEST_EXPECT(page_count(driver_pages[1]) == 2);
    KTEST_EXPECT(probe_write(mm, a + PAGE_SIZE) == FAULT_OK);
    KTEST_EXPECT(asked == 1 && told_of_writes == 1);
    KTEST_EXPECT(pte_write(probe_entry(mm, a + PAGE_SIZE)));
    KTEST_EXPECT(probe_write(mm, a + 2 * PAGE_SIZE) == FAULT_OK);
    KTEST_EXPECT(asked == 2 && told_of_writes == 2);
    KTEST_EXPECT(probe_read(mm, a + 3 * PAGE_SIZE) == FAULT_SIGBUS);
    refuses_writes = true;
    KTEST_EXPECT(probe_write(mm, a) == FAULT_SIGBUS);
    KTEST_EXPECT(probe_read(mm, a) == FAULT_OK);
    KTEST_EXPECT(probe_write(mm, a) == FAULT_SIGBUS);
    KTEST_EXPECT(mm_rss(mm) == 3 && probe_is_sound(mm));
    mm_put(mm);
    KTEST_EXPECT(closed == 1);
    free_driver_pages();
}

KTEST(fault, opens_and_closes_of_a_driver_balance)
{
    struct mm_struct *mm = probe_mm(), *child;
    long a, b;

    KTEST_REQUIRE(mm);
    a = map_driver(mm);
    KTEST_EXPECT(probe_write(mm, a) == FAULT_OK);
    KTEST_REQUIRE(mm_fork(mm, &child) == 0);
    KTEST_EXPECT(opened == 1 && closed == 0);
    mm_put(child);
    KTEST_EXPECT(opened == 1 && closed == 1);
    KTEST_EXPECT(do_munmap(mm, a + 3 * PAGE_SIZE, PAGE_SIZE) == 0);
    KTEST_EXPECT(opened == 3 && closed == 2); /* two cuts, one part gone */
    b = do_mremap(mm, a, 3 * PAGE_SIZE, 5 * PAGE_SIZE, MREMAP_MAYMOVE, 0);
    KTEST_EXPECT(b > 0 && b != a && opened == 4 && closed == 3);
    KTEST_EXPECT(probe_page(mm, b) == driver_pages[0]);
    KTEST_EXPECT(probe_read(mm, b + PAGE_SIZE) == FAULT_OK);
    KTEST_EXPECT(asked_pgoff == 1);
    mm_put(mm);
    KTEST_EXPECT(closed == opened + 1); /* + 1: the first, by mmap */
    free_driver_pages();
}
