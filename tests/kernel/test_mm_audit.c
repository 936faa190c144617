/*
 * tests/kernel/test_mm_audit.c - the tools that look at the kernel's page
 * tables: each fault that the audit knows is planted, and must be found; the
 * dump shows what is there, and large pages come back after a split.
 */
#include <kernel/core/ktest.h>
#include <kernel/lib/printer.h>
#include <kernel/lib/string.h>
#include <kernel/x86/cpu.h>
#include <mm/audit.h>
#include <mm/memory.h>
#include <mm/report.h>
#include <mm/set_memory.h>
#include <mm/slab.h>
#include <mm/tlb.h>
#include <mm/zone.h>

/* The audit's lines, kept as far as they fit. */
static bool audit_says(const char *words)
{
    struct printer_buf notes;
    char text[400];

    printer_buf_init(&notes, text, sizeof(text));
    return mm_audit(&notes.out) > 0 && strstr(text, words);
}

static bool audit_is_silent(void)
{
    struct printer_buf notes;
    char text[400];

    printer_buf_init(&notes, text, sizeof(text));
    if (mm_audit(&notes.out) == 0)
        return true;
    ktest_note("%s", text);
    return false;
}

/* Plants an entry where nothing is mapped, looks, and takes it away. */
static void plant(struct vm_struct *area, u64 val, const char *words)
{
    struct pt_cursor c;

    pt_start(&c, master_table, area->addr, area->addr + PAGE_SIZE);
    KTEST_REQUIRE(pt_grow(&c, 0) == 0);
    pt_set(&c, (pte_t){val});
    KTEST_EXPECT(audit_says(words));
    pt_set(&c, (pte_t){0});
    tlb_flush_kernel_range(area->addr, area->addr + PAGE_SIZE);
}

KTEST(audit, finds_each_fault_that_is_planted)
{
    struct vm_struct *area = get_vm_area(PAGE_SIZE, VM_MAP);
    u64 leaf = pte_make_leaf(0, PAGE_KERNEL, 0).val;
    struct pt_cursor c;
    struct page *table;

    KTEST_REQUIRE(area);
    KTEST_EXPECT(audit_is_silent());
    plant(area, leaf & ~PTE_NX, "writable and executable");
    plant(area, leaf | PTE_USER, "open to ring 3");
    plant(area, leaf & ~PTE_PRESENT, "not present");
    if (cpu_phys_bits() < 52)
        plant(area, leaf | BIT(51), "reserved bits are set");
    pt_start(&c, master_table, area->addr, area->addr + PAGE_SIZE);
    KTEST_EXPECT(pt_grow(&c, 0) == 0);
    for (int level = c.level; level < (int)pgtable_levels - 1; level++) {
        table = virt_to_page(c.table[level]);
        table->owner = OWNER_ANON; /* not page_set_owner(): that counts */
        KTEST_EXPECT(audit_says("not a table's"));
        table->owner = OWNER_PAGETABLE;
    }
    KTEST_EXPECT(audit_is_silent());
    free_vm_area(area);
}

KTEST(audit, finds_a_page_that_two_count)
{
    struct page *page = alloc_pages_owner(GFP_KERNEL, 0, OWNER_TEST);

    KTEST_REQUIRE(page);
    zones[page->zone].free++; /* as if it were free as well */
    KTEST_EXPECT(audit_says("miscounted"));
    zones[page->zone].free--;
    KTEST_EXPECT(audit_is_silent());
    put_page(page);
}

static int level_of(unsigned long va)
{
    struct pt_walk walk;

    pt_walk_address(master_table, va, &walk);
    return walk.leaf_level;
}

/* Every call splits what it must, and its opposite puts it together again. */
KTEST(set_memory, each_change_splits_and_each_way_back_merges)
{
    static int (*const change[])(unsigned long, size_t) = {
        set_memory_ro, set_memory_uc, set_memory_ro};
    static int (*const back[])(unsigned long, size_t) = {
        set_memory_rw, set_memory_wb, set_memory_rw};
    unsigned long addr = __get_free_pages(GFP_KERNEL, 2);
    int level;

    KTEST_REQUIRE(addr);
    level = level_of(addr);
    for (size_t i = 0; i < ARRAY_SIZE(change); i++) {
        KTEST_EXPECT(change[i](addr + PAGE_SIZE, 2) == 0);
        KTEST_EXPECT(level_of(addr + PAGE_SIZE) == 0);
        KTEST_EXPECT(level_of(addr) == 0);
        KTEST_EXPECT(audit_is_silent());
        KTEST_EXPECT(back[i](addr + PAGE_SIZE, 1) == 0);
        KTEST_EXPECT(level_of(addr) == 0); /* one page still differs */
        KTEST_EXPECT(back[i](addr + 2 * PAGE_SIZE, 1) == 0);
        KTEST_EXPECT(level_of(addr) == level);
    }
    KTEST_EXPECT(set_memory_nx(addr, 4) == 0); /* as it was: nothing to do */
    KTEST_EXPECT(level_of(addr) == level);
    free_pages(addr, 2);
}

/* Sums up the dump's lines. */
struct dump_sum {
    struct printer out;
    char line[160];
    size_t len, lines;
    u64 direct_kib;
    bool wx;
};

static void dump_line(struct dump_sum *sum)
{
    const char *rest;
    u64 start, end, kib;

    sum->line[sum->len] = '\0';
    sum->lines++;
    if (!parse_u64(sum->line, &rest, &start) || *rest != '-' ||
        !parse_u64(rest + 1, &rest, &end))
        return;
    kib = (end - start) >> 10;
    if (start - page_offset < PHYS_LIMIT)
        sum->direct_kib += kib;
    sum->wx |= strstr(sum->line, " rw") && !strstr(sum->line, "nx");
}

static void dump_write(struct printer *out, const char *text, size_t len)
{
    struct dump_sum *sum = container_of(out, struct dump_sum, out);

    for (; len > 0; len--, text++) {
        if (*text != '\n' && sum->len < sizeof(sum->line) - 1)
            sum->line[sum->len++] = *text;
        if (*text == '\n') {
            dump_line(sum);
            sum->len = 0;
        }
    }
}

KTEST(ptdump, covers_the_direct_map_and_merges_neighbours)
{
    struct dump_sum sum = {.out = {.write = dump_write}};
    u64 kib = 0;
    struct pt_cursor c;

    ptdump_report(&sum.out);
    pt_start(&c, master_table, page_offset, page_offset + PHYS_LIMIT);
    for (; c.slot; pt_next(&c))
        if (pte_present(*c.slot))
            kib += pt_span(c.level) >> 10;
    ktest_note("%zu lines, %llu KiB of direct map", sum.lines,
               (unsigned long long)sum.direct_kib);
    KTEST_EXPECT(sum.direct_kib == kib);
    KTEST_EXPECT(!sum.wx);
    KTEST_EXPECT(debug_pagealloc || sum.lines < 600);
}
