/*
 * tests/kernel/test_mm_bad.c - calls that ask for what cannot be, or free what
 * is not there: each says so in the log, names its caller, and changes nothing
 * (the runner compares the ledger).
 */
#include <kernel/core/ktest.h>
#include <kernel/core/xcall.h>
#include <kernel/lib/string.h>
#include <kernel/core/panic.h>
#include <mm/io.h>
#include <mm/kmap.h>
#include <mm/memory.h>
#include <mm/set_memory.h>
#include <mm/slab.h>
#include <mm/zone.h>
#include <tests/kernel/said.h>

KTEST(bad, sizes_of_vmalloc)
{
    EXPECT_SAYS("nothing is asked for", KTEST_EXPECT(!vmalloc(0)));
    EXPECT_SAYS("not so much RAM", KTEST_EXPECT(!vmalloc(~0ul)));
    EXPECT_SAYS("not so much RAM", KTEST_EXPECT(!vzalloc(1ul << 46)));
    EXPECT_SAYS("not so much RAM", KTEST_EXPECT(!vmalloc(-PAGE_SIZE)));
    EXPECT_SAYS("no range of addresses", KTEST_EXPECT(!get_vm_area(0, 0)));
    EXPECT_SAYS("no range of addresses", KTEST_EXPECT(!get_vm_area(~0ul, 0)));
}

KTEST(bad, frees_of_vmalloc)
{
    char *p = vmalloc(2 * PAGE_SIZE);
    struct page *page;

    KTEST_REQUIRE(p);
    page = vmalloc_to_page(p);
    EXPECT_SAYS("points into an area", vfree(p + PAGE_SIZE));
    EXPECT_SAYS("points into an area", vfree(p + 8));
    EXPECT_SAYS("guard page", vfree(p + 2 * PAGE_SIZE));
    EXPECT_SAYS("another kind", vunmap(p));
    EXPECT_SAYS("another kind", iounmap((void __iomem __force *)p));
    EXPECT_SAYS("no area is there", vfree((void *)page_offset));
    EXPECT_SAYS("no area is there", vfree((void *)0x1000));
    EXPECT_SAYS("no area is there", vunmap((void *)(vmalloc_end - PAGE_SIZE)));
    KTEST_EXPECT(vmalloc_to_page(p) == page); /* all of that did nothing */
    vfree(p);
    EXPECT_SAYS("freed already", vfree(p));
    vm_purge();
    EXPECT_SAYS("no area is there", vfree(p));
    vfree(NULL);
    vunmap(NULL);
}

KTEST(bad, requests_of_vmap)
{
    struct page *pages[2] = {alloc_page(GFP_KERNEL), NULL};
    pgprot_t wx = {PAGE_KERNEL.bits & ~PTE_NX};
    pgprot_t user = {PAGE_KERNEL.bits | PTE_USER};

    KTEST_REQUIRE(pages[0]);
    EXPECT_SAYS("a page is missing",
                KTEST_EXPECT(!vmap(pages, 2, VM_MAP, PAGE_KERNEL)));
    EXPECT_SAYS("no pages", KTEST_EXPECT(!vmap(pages, 0, VM_MAP, PAGE_KERNEL)));
    EXPECT_SAYS("no pages", KTEST_EXPECT(!vmap(NULL, 1, VM_MAP, PAGE_KERNEL)));
    EXPECT_SAYS("more pages",
                KTEST_EXPECT(!vmap(pages, ~0ul, VM_MAP, PAGE_KERNEL)));
    EXPECT_SAYS("writable and executable",
                KTEST_EXPECT(!vmap(pages, 1, VM_MAP, wx)));
    EXPECT_SAYS("not the rights", KTEST_EXPECT(!vmap(pages, 1, VM_MAP, user)));
    EXPECT_SAYS("other than VM_MAP",
                KTEST_EXPECT(!vmap(pages, 1, VM_ALLOC, PAGE_KERNEL)));
    __free_page(pages[0]);
}

KTEST(bad, ranges_of_ioremap)
{
    phys_addr_t ram = __pa_symbol(__data_start);
    void __iomem *p;

    EXPECT_SAYS("no bytes", KTEST_EXPECT(!ioremap(0xfee00000, 0)));
    EXPECT_SAYS("wraps", KTEST_EXPECT(!ioremap(~0ull - 100, 200)));
    EXPECT_SAYS("wraps", KTEST_EXPECT(!ioremap_wc(0xfee00000, ~0ul)));
    EXPECT_SAYS("beyond the CPU", KTEST_EXPECT(!ioremap(1ull << 60, 1)));
    EXPECT_SAYS("this is RAM", KTEST_EXPECT(!ioremap(ram, PAGE_SIZE)));
    EXPECT_SAYS("this is RAM", KTEST_EXPECT(!ioremap_cache(0, 1ull << 32)));
    EXPECT_SAYS("no bytes", KTEST_EXPECT(!memremap(ram, 0, MEMREMAP_RO)));
    EXPECT_SAYS("wraps", KTEST_EXPECT(!memremap(ram, ~0ul, MEMREMAP_RO)));
    EXPECT_SAYS("not one memory type",
                KTEST_EXPECT(!memremap(0xd0000000, PAGE_SIZE, 0)));
    EXPECT_SAYS("not one memory type",
                KTEST_EXPECT(!memremap(0xd0000000, PAGE_SIZE,
                                       MEMREMAP_WB | MEMREMAP_WC)));
    EXPECT_SAYS("this is RAM",
                KTEST_EXPECT(!memremap(ram, PAGE_SIZE, MEMREMAP_WC)));
    EXPECT_SAYS("partly RAM",
                KTEST_EXPECT(!memremap(ram, 1ull << 32, MEMREMAP_WB)));
    p = ioremap(0xd0000800, 0x1000);
    KTEST_REQUIRE(p);
    EXPECT_SAYS("has it as uncached", KTEST_EXPECT(!ioremap_wc(0xd0001000, 1)));
    EXPECT_SAYS("points into an area", iounmap(p + PAGE_SIZE));
    EXPECT_SAYS("another kind", vfree((void __force *)p - 0x800));
    iounmap(p);
    EXPECT_SAYS("freed already", iounmap(p));
    EXPECT_SAYS("no area is there", iounmap((void __iomem *)0x1234));
    EXPECT_SAYS("no area is there", memunmap((void *)0x1234));
}

KTEST(bad, requests_of_regions)
{
    struct resource *res;

    EXPECT_SAYS("no bytes",
                KTEST_EXPECT(!request_mem_region(0xd0000000, 0, "test")));
    EXPECT_SAYS("wraps", KTEST_EXPECT(!request_mem_region(~0ull, 2, "test")));
    res = request_mem_region(0xd0000000, 0x1000, "test");
    KTEST_REQUIRE(res);
    EXPECT_SAYS("nobody has requested", release_mem_region(0xd0000000, 0x800));
    EXPECT_SAYS("nobody has requested", release_mem_region(0xd0000000, 0));
    release_mem_region(0xd0000000, 0x1000);
    EXPECT_SAYS("nobody has requested", release_mem_region(0xd0000000, 0x1000));
    EXPECT_SAYS("nobody has requested", release_mem_region(0, 0x1000));
}

KTEST(bad, ranges_of_set_memory)
{
    unsigned long addr = __get_free_page(GFP_KERNEL);

    KTEST_REQUIRE(addr);
    EXPECT_SAYS("not the direct map's", KTEST_EXPECT(set_memory_ro(0x1000, 1)));
    EXPECT_SAYS("not page-aligned", KTEST_EXPECT(set_memory_ro(addr + 1, 1)));
    EXPECT_SAYS("no pages", KTEST_EXPECT(set_memory_nx(addr, 0)));
    EXPECT_SAYS("wraps", KTEST_EXPECT(set_memory_ro(addr, ~0ul)));
    EXPECT_SAYS("wraps", KTEST_EXPECT(set_memory_ro(addr, (1ul << 52) + 1)));
    EXPECT_SAYS("not mapped",
                KTEST_EXPECT(set_memory_uc(vmalloc_end - PAGE_SIZE, 1)));
    EXPECT_SAYS("writable", KTEST_EXPECT(set_memory_x(addr, 1)));
    *(volatile u64 *)addr = 1; /* still there, still writable */
    free_page(addr);
}

KTEST(bad, sizes_of_kmalloc)
{
    EXPECT_SAYS("nothing is asked for",
                KTEST_EXPECT(!alloc_pages_exact(0, GFP_KERNEL)));
    EXPECT_SAYS("overflows",
                KTEST_EXPECT(!kmalloc_array(1ul << 33, 1ul << 33, 0)));
    EXPECT_SAYS("overflows", KTEST_EXPECT(!kcalloc(~0ul, 2, GFP_KERNEL)));
    EXPECT_SAYS("the largest block", KTEST_EXPECT(!kmalloc(~0ul, GFP_KERNEL)));
    EXPECT_SAYS("the largest block",
                KTEST_EXPECT(!kzalloc((4 << 20) + 1, GFP_KERNEL)));
}

static u64 in_the_image;

KTEST(bad, pointers_that_kmalloc_never_gave)
{
    u64 on_the_stack = 0;
    void *area = vmalloc(PAGE_SIZE);
    unsigned long page = __get_free_page(GFP_KERNEL);
    char *large = kmalloc(20000, GFP_KERNEL);
    void *obj = kmalloc(100, GFP_KERNEL), *bad = (void *)0x123456;

    KTEST_REQUIRE(area && page && large && obj);
    EXPECT_SAYS("stack", kfree(&on_the_stack));
    EXPECT_SAYS("image", kfree(&in_the_image));
    EXPECT_SAYS("vmalloc area", kfree(area));
    EXPECT_SAYS("user address", kfree(bad));
    EXPECT_SAYS("never gave it", kfree((void *)page));
    EXPECT_SAYS("never gave it", kfree(large + PAGE_SIZE));
    EXPECT_SAYS("never gave it", kfree(large + 8));
    EXPECT_SAYS("no RAM", kfree((void *)(page_offset + (1ul << 45))));
    EXPECT_SAYS("vmalloc area", KTEST_EXPECT(!krealloc(area, 10, GFP_KERNEL)));
    EXPECT_SAYS("user address", KTEST_EXPECT(!ksize(bad)));
    KTEST_EXPECT(ksize(obj) >= 100 && ksize(large) >= 20000);
    kfree(obj);
    kfree(large);
    free_page(page);
    vfree(area);
}

/* The last frame of the largest zone that has any left is not online. */
KTEST(bad, pointers_to_ram_that_is_not_online)
{
    for (struct zone *zone = zones; zone < &zones[NR_ZONES]; zone++) {
        pfn_t last = min(zone->end, lowmem_end_pfn) - 1;

        if (zone->online == zone->present || !zone->present ||
            pfn_valid(last) || zone->end > lowmem_end_pfn)
            continue;
        EXPECT_SAYS("no RAM is there",
                    kfree((void *)(page_offset + PFN_PHYS(last))));
        return;
    }
    ktest_skip("all RAM is online, or high");
}

KTEST(bad, objects_freed_twice)
{
    struct kmem_cache *cache = kmem_cache_create("test", 40, 0, 0, NULL);
    void *a, *b, *c;

    KTEST_REQUIRE(cache);
    a = kmem_cache_alloc(cache, GFP_KERNEL);
    b = kmem_cache_alloc(cache, GFP_KERNEL);
    KTEST_REQUIRE(a && b);
    kmem_cache_free(cache, a);
    EXPECT_SAYS("freed twice", kmem_cache_free(cache, a));
    KTEST_EXPECT(kmem_cache_alloc(cache, GFP_KERNEL) == a);
    c = kmem_cache_alloc(cache, GFP_KERNEL);
    KTEST_EXPECT(c && c != a); /* a was given out once */
    EXPECT_SAYS("another cache", kmem_cache_free(cache, cache));
    if (DEBUG_ON)
        EXPECT_SAYS("points into", kmem_cache_free(cache, a + 8));
    EXPECT_SAYS("in use", kmem_cache_destroy(cache));
    kmem_cache_free(cache, a);
    kmem_cache_free(cache, b);
    EXPECT_SAYS("in use", kmem_cache_destroy(cache));
    kmem_cache_free(cache, c);
    kmem_cache_destroy(cache);
}

/* After its slab went back to the common list, the middle shows. */
KTEST(bad, pointers_into_the_middle)
{
    struct kmem_cache *cache = kmem_cache_create("test", 40, 0, 0, NULL);
    void *a;

    KTEST_REQUIRE(cache);
    a = kmem_cache_alloc(cache, GFP_KERNEL);
    KTEST_REQUIRE(a);
    slab_shrink();
    EXPECT_SAYS("points into", kmem_cache_free(cache, a + 8));
    EXPECT_SAYS("points into", kfree(a + 16));
    kfree(a);
    EXPECT_SAYS("freed twice", kfree(a));
    kmem_cache_destroy(cache);
}

KTEST(bad, a_freed_object_is_not_resized)
{
    void *p = kmalloc(40, GFP_KERNEL);

    if (!DEBUG_ON) {
        kfree(p);
        ktest_skip("only debug builds know");
        return;
    }
    KTEST_REQUIRE(p);
    kfree(p);
    EXPECT_SAYS("after it was freed", KTEST_EXPECT(!krealloc(p, 400, 0)));
    EXPECT_SAYS("after it was freed", KTEST_EXPECT(!ksize(p)));
}

KTEST(bad, caches)
{
    struct kmem_cache *cache[70];
    size_t n = 0;

    EXPECT_SAYS("1 byte", kmem_cache_create("none", 0, 0, 0, NULL));
    EXPECT_SAYS("8 KiB", kmem_cache_create("huge", 8193, 0, 0, NULL));
    EXPECT_SAYS("alignment", kmem_cache_create("odd", 64, 24, 0, NULL));
    EXPECT_SAYS("alignment", kmem_cache_create("far", 64, 8192, 0, NULL));
    EXPECT_SAYS("flags", kmem_cache_create("flags", 64, 0, BIT(30), NULL));
    EXPECT_SAYS("more than one zone",
                kmem_cache_create("where", 64, 0,
                                  SLAB_CACHE_DMA | SLAB_CACHE_DMA32, NULL));
    while (n < ARRAY_SIZE(cache) - 1 &&
           (cache[n] = kmem_cache_create("many", 64, 0, 0, NULL)))
        n++;
    KTEST_EXPECT(n < ARRAY_SIZE(cache) - 1);
    EXPECT_SAYS("too many caches", kmem_cache_create("more", 64, 0, 0, NULL));
    while (n > 0)
        kmem_cache_destroy(cache[--n]);
}

static struct kmem_cache *shared;

static void use_here(void *arg)
{
    kmem_cache_free(shared, kmem_cache_alloc(shared, GFP_ATOMIC));
}

KTEST(slab, a_cache_that_every_cpu_has_used_is_destroyed)
{
    u64 from = log_next_seq();

    shared = kmem_cache_create("test", 72, 0, 0, NULL);
    KTEST_REQUIRE(shared);
    xcall(~0ull, use_here, NULL);
    use_here(NULL);
    kmem_cache_destroy(shared);
    KTEST_EXPECT(!said_since(from, "in use"));
}

KTEST(bad, windows_to_high_memory)
{
    struct page *page[2];
    void *a, *b;

    if (!zones[ZONE_HIGHMEM].present) {
        ktest_skip("boot with lowmem=SIZE");
        return;
    }
    if (!KTEST_EXPECT(alloc_pages_bulk(GFP_HIGHUSER, OWNER_TEST, 2, page) == 2))
        return;
    if (page_test(page[0], PG_highmem) && page_test(page[1], PG_highmem)) {
        EXPECT_SAYS("is not kmapped", kunmap(page[0]));
        a = kmap_local_page(page[0]);
        b = kmap_local_page(page[1]);
        EXPECT_SAYS("not what this CPU mapped last", kunmap_local(a));
        kunmap_local(b);
        kunmap_local(a);
        EXPECT_SAYS("not what this CPU mapped last", kunmap_local(a));
    }
    put_page(page[0]);
    put_page(page[1]);
}
