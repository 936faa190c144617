/*
 * tests/kernel/test_mm_map.c - the kernel's windows: direct map, vmalloc,
 * ioremap, fixmap, stacks, image.
 */
#include <kernel/core/irq.h>
#include <kernel/core/ktest.h>
#include <kernel/core/xcall.h>
#include <kernel/lib/string.h>
#include <kernel/x86/cpu.h>
#include <mm/fixmap.h>
#include <mm/io.h>
#include <mm/kmap.h>
#include <mm/memory.h>
#include <mm/set_memory.h>
#include <mm/slab.h>
#include <mm/tlb.h>
#include <tests/kernel/probe.h>
#include <tests/kernel/said.h>

static struct pt_walk walk_of(const volatile void *va)
{
    struct pt_walk walk;

    pt_walk_address(master_table, (unsigned long)va, &walk);
    return walk;
}

static enum cache_mode mode_of(const volatile void *va)
{
    struct pt_walk walk = walk_of(va);

    return pte_cache_mode(walk.entry[walk.levels - 1], walk.leaf_level);
}

KTEST(image, has_only_the_rights_it_needs)
{
    struct pt_walk text = walk_of(__text_start);
    struct pt_walk rodata = walk_of(__rodata_start);
    struct pt_walk data = walk_of(__data_start);
    struct pt_walk alias = walk_of(__va(__pa_symbol(__text_start)));

    KTEST_EXPECT(text.exec && !text.write && !text.user);
    KTEST_EXPECT(!rodata.exec && !rodata.write && !rodata.user);
    KTEST_EXPECT(!data.exec && data.write && !data.user);
    KTEST_EXPECT(!alias.exec && !alias.write && !alias.user);
    KTEST_EXPECT(walk_of(__va(0x100000 - PAGE_SIZE)).leaf_level < 0 ||
                 physmap_is_ram(0x100000 - PAGE_SIZE, 0x100000));
}

KTEST(vmalloc, pages_are_there_at_the_call)
{
    u64 *p = vmalloc(5 * PAGE_SIZE);

    KTEST_REQUIRE(p);
    KTEST_EXPECT(is_vmalloc_addr(p));
    for (int i = 0; i < 5; i++) {
        struct page *page = vmalloc_to_page((char *)p + i * PAGE_SIZE);

        KTEST_EXPECT(page && page->owner == OWNER_VMALLOC);
        p[i * 512] = i;
        if (page) {
            u64 *same = kmap_local_page(page);

            KTEST_EXPECT(*same == (u64)i);
            kunmap_local(same);
        }
    }
    vfree(p);
    KTEST_EXPECT(walk_of(p).leaf_level < 0);
    KTEST_EXPECT(!vmalloc_to_page(p));
}

KTEST(vmalloc, guard_page_is_unmapped)
{
    char *p = vmalloc(PAGE_SIZE);

    KTEST_REQUIRE(p);
    KTEST_EXPECT(walk_of(p).leaf_level == 0);
    KTEST_EXPECT(walk_of(p + PAGE_SIZE).leaf_level < 0);
    KTEST_EXPECT(!access_faults(p + PAGE_SIZE - 1));
    KTEST_EXPECT(access_faults(p + PAGE_SIZE));
    vfree(p);
    vm_purge();
    KTEST_EXPECT(access_faults(p));
}

KTEST(vmalloc, impossible_sizes_are_refused)
{
    KTEST_EXPECT(!vmalloc(0));
    KTEST_EXPECT(!vmalloc(~0ul));
    KTEST_EXPECT(!vmalloc(1ul << 46));
    vfree(NULL);
    vfree((void *)(vmalloc_start + 123)); /* said in the log */
}

KTEST(vmalloc, large_areas_use_large_pages)
{
    size_t size = 5 * MIB;
    struct page *page;
    char *p = vmalloc(size);

    if (!p) {
        ktest_skip("not enough memory");
        return;
    }
    ktest_note("levels %d %d", walk_of(p).leaf_level,
               walk_of(p + size - 1).leaf_level);
    KTEST_EXPECT(walk_of(p + size - 1).leaf_level == 0);
    page = vmalloc_to_page(p + 3 * PAGE_SIZE);
    KTEST_EXPECT(page && page->owner == OWNER_VMALLOC);
    memset(p, 0x5a, size);
    KTEST_EXPECT(p[0] == 0x5a && p[size - 1] == 0x5a);
    KTEST_EXPECT(set_memory_ro((unsigned long)p + PAGE_SIZE, 1) == 0);
    KTEST_EXPECT(write_faults(p + PAGE_SIZE) && !write_faults(p));
    KTEST_EXPECT(set_memory_rw((unsigned long)p + PAGE_SIZE, 1) == 0);
    vfree(p);
    KTEST_EXPECT(walk_of(p).leaf_level < 0);
    KTEST_EXPECT(!vmalloc(2 * physmap_ram_bytes()));
}

KTEST(vmalloc, many_areas_do_not_meet)
{
    enum { N = 100 };
    static u64 *area[N];
    static size_t pages[N];
    struct vm_purge_stats before = vm_purge_stats;
    u64 remote = tlb_events(TLB_REMOTE_FLUSH);

    for (int i = 0; i < 2000; i++) {
        int k = ktest_random() % N;

        if (area[k]) {
            KTEST_EXPECT(area[k][0] == (u64)k);
            KTEST_EXPECT(area[k][pages[k] * 512 - 1] == (u64)k);
            vfree(area[k]);
            area[k] = NULL;
        } else {
            pages[k] = 1 + ktest_random() % 5;
            area[k] = vmalloc(pages[k] * PAGE_SIZE);
            if (area[k])
                area[k][0] = area[k][pages[k] * 512 - 1] = k;
        }
    }
    for (int k = 0; k < N; k++) {
        vfree(area[k]);
        area[k] = NULL;
    }
    ktest_note("%llu areas purged, %llu flushes, other CPUs asked %llu times",
               (unsigned long long)(vm_purge_stats.areas - before.areas),
               (unsigned long long)(vm_purge_stats.flushes - before.flushes),
               (unsigned long long)(tlb_events(TLB_REMOTE_FLUSH) - remote));
    KTEST_EXPECT(debug_pagealloc ||
                 tlb_events(TLB_REMOTE_FLUSH) - remote < 200);
}

KTEST(vmalloc, the_same_pages_twice)
{
    struct page *pages[2];
    size_t n = alloc_pages_bulk(GFP_KERNEL, OWNER_TEST, 2, pages);
    u64 *p;

    KTEST_EXPECT(n == 2);
    p = n == 2 ? vmap(pages, 2, VM_MAP, PAGE_KERNEL) : NULL;
    if (KTEST_EXPECT(p)) {
        p[512] = 42;
        KTEST_EXPECT(*(u64 *)page_address(pages[1]) == 42);
        vunmap(p);
    }
    while (n > 0)
        put_page(pages[--n]);
}

KTEST(ioremap, fills_the_table_at_the_call)
{
    void __iomem *p = ioremap(0xfee00000, PAGE_SIZE); /* the local APIC */
    struct pt_walk walk = walk_of((void __force *)p);

    KTEST_REQUIRE(p);
    KTEST_EXPECT(walk.leaf_level == 0 && walk.phys == 0xfee00000);
    KTEST_EXPECT(walk.write && !walk.user && !walk.exec);
    KTEST_EXPECT(mode_of((void __force *)p) == CACHE_UC);
    iounmap(p);
    KTEST_EXPECT(walk_of((void __force *)p).leaf_level < 0);
}

KTEST(ioremap, keeps_offsets_and_cache_modes)
{
    void __iomem *wc = ioremap_wc(0xd0000123, 8000);
    void __iomem *wb = ioremap_cache(0xd0100000, 1);

    KTEST_EXPECT(wc && wb);
    KTEST_EXPECT(((unsigned long)wc & 0xfff) == 0x123);
    KTEST_EXPECT(walk_of((void __force *)wc).phys == 0xd0000123);
    KTEST_EXPECT(!ioremap(0xd0001000, 1)); /* another type: said in the log */
    KTEST_EXPECT(mode_of((void __force *)wc) == CACHE_WC &&
                 mode_of((void __force *)wb) == CACHE_WB);
    iounmap(wc);
    iounmap(wb);
}

/* The entry's three bits choose a byte of the PAT register: it must hold the
 * type that the mode is named after (SDM 3A 11.12.2). */
KTEST(ioremap, cache_modes_mean_what_the_cpu_was_told)
{
    static const u8 type[] = {[CACHE_WB] = 6,
                              [CACHE_WC] = 1,
                              [CACHE_UC_MINUS] = 7,
                              [CACHE_UC] = 0,
                              [CACHE_WT] = 4};
    u64 pat;

    if (!cpu_has(CPU_PAT)) {
        ktest_skip("a CPU without PAT");
        return;
    }
    pat = rdmsr(MSR_PAT);
    for (int mode = 0; mode < (int)ARRAY_SIZE(type); mode++) {
        u64 bits = pgprot_cached(PAGE_KERNEL, mode).bits;
        int index = (bits & PTE_PAT_4K ? 4 : 0) + (bits & PTE_PCD ? 2 : 0) +
                    (bits & PTE_PWT ? 1 : 0);

        KTEST_EXPECT((u8)(pat >> 8 * index) == type[mode]);
    }
}

KTEST(ioremap, ram_and_nonsense_are_refused)
{
    KTEST_EXPECT(!ioremap(__pa_symbol(__data_start), PAGE_SIZE));
    KTEST_EXPECT(!ioremap(0xfee00000, 0));
    KTEST_EXPECT(!ioremap(~0ull - 100, 200));
    KTEST_EXPECT(!ioremap(1ull << 60, 4096));
    iounmap((void __iomem *)0x1234); /* said in the log */
}

KTEST(ioremap, firmware_tables_are_read_only)
{
    const char *rom = memremap(0xffff0, 16, MEMREMAP_RO);

    KTEST_REQUIRE(rom);
    KTEST_EXPECT(!walk_of(rom).write && mode_of(rom) == CACHE_WB);
    memunmap((void *)rom);
}

KTEST(memremap, ram_is_its_logical_address)
{
    struct page *page = alloc_pages_owner(GFP_KERNEL, 1, OWNER_TEST);
    char *mem;

    KTEST_REQUIRE(page);
    mem = memremap(page_to_phys(page) + 5, PAGE_SIZE, MEMREMAP_WB);
    KTEST_EXPECT(mem == (char *)page_address(page) + 5);
    memunmap(mem);
    KTEST_EXPECT(phys_to_virt(virt_to_phys(mem)) == mem);
    __free_pages(page, 1);
}

KTEST(memremap, has_the_type_that_is_asked_for)
{
    static const struct {
        unsigned long flags;
        enum cache_mode mode;
    } type[] = {{MEMREMAP_WB, CACHE_WB},
                {MEMREMAP_WT, CACHE_WT},
                {MEMREMAP_WC, CACHE_WC}};

    for (size_t i = 0; i < ARRAY_SIZE(type); i++) {
        void *p = memremap(0xd0000000, PAGE_SIZE, type[i].flags);

        KTEST_REQUIRE(p);
        KTEST_EXPECT(walk_of(p).write && mode_of(p) == type[i].mode);
        memunmap(p);
    }
}

KTEST(fixmap, early_windows_are_few_and_come_back)
{
    struct page *page = alloc_pages_owner(GFP_KERNEL, 0, OWNER_TEST);
    u64 *window[EARLY_SLOTS];

    KTEST_REQUIRE(page);
    for (int i = 0; i < EARLY_SLOTS; i++) {
        KTEST_REQUIRE(window[i] =
                          early_memremap(page_to_phys(page) + 8 * i, 8));
        *window[i] = i;
    }
    EXPECT_SAYS("no window is free", KTEST_EXPECT(!early_ioremap(0, 1)));
    for (int i = 0; i < EARLY_SLOTS; i++) {
        KTEST_EXPECT(((u64 *)page_address(page))[i] == (u64)i);
        EXPECT_SAYS("no window is like that", early_memunmap(window[i], 9));
        early_memunmap(window[i], 8);
        KTEST_EXPECT(walk_of(window[i]).leaf_level < 0);
    }
    EXPECT_SAYS("no window is like that", early_memunmap(window[0], 8));
    EXPECT_SAYS("longer", early_ioremap(0xd0000001, EARLY_PAGES * PAGE_SIZE));
    EXPECT_SAYS("wraps", early_ioremap(~0ull, 2));
    EXPECT_SAYS("no bytes", early_ioremap(0xd0000000, 0));
    window[0] = (void __force *)early_ioremap(0xfee00ff0, 32);
    KTEST_EXPECT(window[0] && mode_of(window[0]) == CACHE_UC &&
                 walk_of((char *)window[0] + 31).leaf_level == 0);
    early_iounmap((void __iomem __force *)window[0], 32);
    put_page(page);
}

KTEST(fixmap, shows_what_it_is_pointed_at)
{
    struct page *page = alloc_pages_owner(GFP_KERNEL, 0, OWNER_TEST);
    u64 *window = (u64 *)fix_to_virt(FIX_TEST);

    KTEST_REQUIRE(page);
    *(u64 *)page_address(page) = 7;
    __set_fixmap(FIX_TEST, page_to_phys(page), PAGE_KERNEL);
    KTEST_EXPECT(*window == 7);
    *window = 8;
    KTEST_EXPECT(*(u64 *)page_address(page) == 8);
    clear_fixmap(FIX_TEST);
    KTEST_EXPECT(walk_of(window).leaf_level < 0);
    put_page(page);
}

KTEST(stack, lies_between_unmapped_pages)
{
    char *stack = kernel_stack_alloc();

    KTEST_REQUIRE(stack);
    KTEST_EXPECT(walk_of(stack).leaf_level == 0);
    KTEST_EXPECT(walk_of(stack + KERNEL_STACK_SIZE - 1).leaf_level == 0);
    KTEST_EXPECT(walk_of(stack - 1).leaf_level < 0);
    KTEST_EXPECT(walk_of(stack + KERNEL_STACK_SIZE).leaf_level < 0);
    KTEST_EXPECT(kernel_stack_guard_hit((unsigned long)stack - 1));
    KTEST_EXPECT(!kernel_stack_guard_hit((unsigned long)stack));
    kernel_stack_free(stack);
}

KTEST(resource, requests_exclude_each_other)
{
    struct resource *a = request_mem_region(0xd0000000, 0x1000, "test");

    KTEST_REQUIRE(a);
    KTEST_EXPECT(!request_mem_region(0xd0000800, 0x1000, "test2"));
    KTEST_EXPECT(!request_mem_region(0xd0000000, 0x1000, "test2"));
    KTEST_EXPECT(!request_mem_region(0xcffff000, 0x3000, "test2"));
    KTEST_EXPECT(!request_mem_region(0xd0000000, 0, "test2"));
    release_mem_region(0xd0000000, 0x1000);
    a = request_mem_region(0xd0000800, 0x1000, "test2");
    KTEST_EXPECT(a);
    release_mem_region(0xd0000800, 0x1000);
}

KTEST(tlb, a_changed_entry_is_seen_after_the_flush)
{
    struct page *pages[2];
    size_t n = alloc_pages_bulk(GFP_KERNEL, OWNER_TEST, 2, pages);
    u64 *window = (u64 *)fix_to_virt(FIX_TEST);

    if (KTEST_EXPECT(n == 2)) {
        *(u64 *)page_address(pages[0]) = 0xa;
        *(u64 *)page_address(pages[1]) = 0xb;
        __set_fixmap(FIX_TEST, page_to_phys(pages[0]), PAGE_KERNEL);
        KTEST_EXPECT(READ_ONCE(*window) == 0xa);
        __set_fixmap(FIX_TEST, page_to_phys(pages[1]), PAGE_KERNEL);
        KTEST_EXPECT(READ_ONCE(*window) == 0xb);
        clear_fixmap(FIX_TEST);
    }
    while (n > 0)
        put_page(pages[--n]);
}

/* Whether the counts kept are what a walk counts. */
static bool leaves_are_counted(void)
{
    s64 found[PT_LEAF_LEVELS] = {0};
    struct pt_cursor c;

    for (pt_start(&c, master_table, page_offset, page_offset + PHYS_LIMIT);
         c.slot; pt_next(&c))
        if (pte_present(*c.slot))
            found[c.level]++;
    return !memcmp(found, pt_direct_leaves, sizeof(found));
}

KTEST(set_memory, leaves_of_the_direct_map_are_counted)
{
    struct page *page = alloc_page(GFP_KERNEL);
    unsigned long addr;

    KTEST_REQUIRE(page);
    addr = (unsigned long)page_address(page);
    KTEST_EXPECT(leaves_are_counted());
    KTEST_EXPECT(set_memory_ro(addr, 1) == 0);
    KTEST_EXPECT(leaves_are_counted());
    KTEST_EXPECT(set_memory_rw(addr, 1) == 0);
    KTEST_EXPECT(set_direct_map_invalid(page, 1) == 0);
    KTEST_EXPECT(leaves_are_counted());
    KTEST_EXPECT(set_direct_map_default(page, 1) == 0);
    KTEST_EXPECT(leaves_are_counted());
    __free_page(page);
}

KTEST(set_memory, rights_change_and_come_back)
{
    struct page *page = alloc_pages_owner(GFP_KERNEL, 0, OWNER_TEST);
    struct pt_walk walk;
    unsigned long addr;
    int level;

    KTEST_REQUIRE(page);
    addr = (unsigned long)page_address(page);
    level = walk_of((void *)addr).leaf_level;
    KTEST_EXPECT(set_memory_ro(addr, 1) == 0);
    walk = walk_of((void *)addr);
    KTEST_EXPECT(!walk.write && !walk.exec && walk.leaf_level == 0);
    KTEST_EXPECT(walk.phys == page_to_phys(page));
    KTEST_EXPECT(set_memory_x(addr, 1) == 0);
    KTEST_EXPECT(walk_of((void *)addr).exec);
    KTEST_EXPECT(set_memory_rw(addr, 1) == 0);
    walk = walk_of((void *)addr);
    KTEST_EXPECT(walk.write && !walk.exec);
    KTEST_EXPECT(set_memory_x(addr, 1) < 0); /* never both */
    KTEST_EXPECT(set_memory_uc(addr, 1) == 0);
    KTEST_EXPECT(mode_of((void *)addr) == CACHE_UC);
    KTEST_EXPECT(set_memory_wb(addr, 1) == 0);
    KTEST_EXPECT(walk_of((void *)addr).leaf_level == level);
    put_page(page);
}

KTEST(set_memory, pages_leave_the_direct_map)
{
    struct page *page = alloc_pages_owner(GFP_KERNEL, 1, OWNER_TEST);
    int level;

    KTEST_REQUIRE(page);
    level = walk_of(page_address(page)).leaf_level;
    KTEST_EXPECT(set_direct_map_invalid(page, 1) == 0);
    KTEST_EXPECT(walk_of(page_address(page)).leaf_level < 0);
    KTEST_EXPECT(walk_of(page_address(page + 1)).leaf_level >= 0);
    KTEST_EXPECT(set_direct_map_default(page, 1) == 0);
    KTEST_EXPECT(walk_of(page_address(page)).leaf_level == level);
    __free_pages(page, 1);
}

KTEST(set_memory, what_is_not_the_kernels_is_refused)
{
    KTEST_EXPECT(set_memory_ro(0x1000, 1) < 0);
    KTEST_EXPECT(set_memory_ro(page_offset + 1, 1) < 0);
    KTEST_EXPECT(set_memory_ro(page_offset, 0) < 0);
    KTEST_EXPECT(set_memory_ro(vmalloc_end - PAGE_SIZE, 1) < 0);
}

KTEST(debug_pagealloc, free_pages_are_not_mapped)
{
    struct page *page;

    if (!debug_pagealloc) {
        ktest_skip("boot with debug_pagealloc=on");
        return;
    }
    page = alloc_pages_owner(GFP_KERNEL, 0, OWNER_TEST);
    KTEST_REQUIRE(page);
    KTEST_EXPECT(walk_of(page_address(page)).leaf_level == 0);
    put_page(page);
    KTEST_EXPECT(walk_of(page_address(page)).leaf_level < 0);
}

static atomic_t can_read;

static void try_to_read(void *at)
{
    if (!access_faults(at))
        atomic_inc(&can_read);
}

KTEST(debug_pagealloc, free_pages_are_gone_on_all_cpus)
{
    struct page *page;
    u64 flags;

    if (!debug_pagealloc || nr_cpus_online < 2) {
        ktest_skip("boot with debug_pagealloc=on and several CPUs");
        return;
    }
    page = alloc_pages_owner(GFP_KERNEL, 0, OWNER_TEST);
    KTEST_REQUIRE(page);
    atomic_set(&can_read, 0);
    xcall(~0ull, try_to_read, page_address(page));
    KTEST_EXPECT(atomic_read(&can_read) == (int)nr_cpus_online - 1);
    flags = local_irq_save();
    put_page(page);
    local_irq_restore(flags);
    atomic_set(&can_read, 0);
    xcall(~0ull, try_to_read, __va(page_to_phys(page)));
    KTEST_EXPECT(atomic_read(&can_read) == 0);
}
