/*
 * tests/kernel/test_mm_fail.c - each operation of the kernel's memory with
 * every allocation in it failing in turn.  The runner's ledger says whether
 * all was undone.
 */
#include <kernel/core/ktest.h>
#include <mm/fail.h>
#include <mm/io.h>
#include <mm/slab.h>
#include <mm/memory.h>
#include <mm/set_memory.h>
#include <mm/vmalloc.h>
#include <tests/kernel/probe.h>

/* Runs `op`, which says whether it succeeded, until no allocation is left to
 * fail; every failure must show. */
static void fail_each(bool (*op)(void))
{
    for (u64 n = 1; n < 1000; n++) {
        bool ok;
        u64 left;

        fail_nth_arm(n);
        ok = op();
        left = fail_nth_disarm();
        if (left) {
            KTEST_EXPECT(ok);
            return;
        }
        KTEST_EXPECT(!ok);
    }
    KTEST_EXPECT(!"more than 1000 allocations");
}

static bool do_vmalloc(void)
{
    void *p = vmalloc(20 * PAGE_SIZE);

    vfree(p);
    return p;
}

static bool do_ioremap(void)
{
    void __iomem *p = ioremap(0xd0000000, 3 * PAGE_SIZE);

    iounmap(p);
    return p;
}

static bool do_cache(void)
{
    struct kmem_cache *cache = kmem_cache_create("test", 100, 0, 0, NULL);
    void *obj = cache ? kmem_cache_alloc(cache, GFP_KERNEL) : NULL;

    if (cache) {
        kmem_cache_free(cache, obj);
        kmem_cache_destroy(cache);
    }
    return obj;
}

static bool do_kmalloc(void)
{
    void *small = kmalloc(100, GFP_KERNEL);
    void *large = small ? kmalloc(20000, GFP_KERNEL) : NULL;

    kfree(large);
    kfree(small);
    return large;
}

static bool do_region(void)
{
    struct resource *res = request_mem_region(0xd0000000, 0x1000, "test");

    if (res)
        release_mem_region(0xd0000000, 0x1000);
    return res;
}

static bool do_stack(void)
{
    void *stack = kernel_stack_alloc();

    if (stack)
        kernel_stack_free(stack);
    return stack;
}

/* A page array of its own, and large pages where there are some. */
static bool do_large_vmalloc(void)
{
    void *p = vzalloc(5 * MIB);

    vfree(p);
    return p;
}

static bool do_vmap(void)
{
    struct page *page[3];
    size_t n = alloc_pages_bulk(GFP_KERNEL, OWNER_TEST, 3, page);
    void *p = n == 3 ? vmap(page, n, VM_MAP, PAGE_KERNEL) : NULL;

    vunmap(p);
    while (n > 0)
        put_page(page[--n]);
    return p;
}

static bool do_memremap(void)
{
    void *p = memremap(0xffff0, 16, MEMREMAP_RO);

    memunmap(p);
    return p;
}

static bool do_krealloc(void)
{
    char *small = kmalloc(100, GFP_KERNEL), *large;

    if (!small)
        return false;
    small[99] = 42;
    large = krealloc(small, 3000, GFP_KERNEL);
    KTEST_EXPECT((large ? large : small)[99] == 42); /* one of them has it */
    kfree(large ? large : small);
    return large;
}

/* Splits a large page; if that fails nothing has changed. */
static bool do_set_memory(void)
{
    unsigned long addr = __get_free_page(GFP_KERNEL);
    bool done;

    if (!addr)
        return false;
    done = set_memory_ro(addr, 1) == 0;
    KTEST_EXPECT(write_faults((void *)addr) == done);
    if (done)
        KTEST_EXPECT(set_memory_rw(addr, 1) == 0);
    free_page(addr);
    return done;
}

KTEST(fail_nth, large_vmalloc)
{
    u64 left = 0;

    if (pages_available() < 8 * MIB / PAGE_SIZE) {
        ktest_skip("not enough memory");
        return;
    }
    for (u64 n = 1; n < 2000 && !left; n++) {
        bool ok;

        fail_nth_arm(n);
        ok = do_large_vmalloc(); /* small pages do if a large one fails */
        left = fail_nth_disarm();
        KTEST_EXPECT(ok || !left);
    }
    KTEST_EXPECT(left);
}

KTEST(fail_nth, vmap)
{
    fail_each(do_vmap);
}

KTEST(fail_nth, memremap)
{
    fail_each(do_memremap);
}

KTEST(fail_nth, krealloc)
{
    fail_each(do_krealloc);
}

KTEST(fail_nth, set_memory)
{
    fail_each(do_set_memory);
}

KTEST(fail_nth, vmalloc)
{
    fail_each(do_vmalloc);
}

KTEST(fail_nth, ioremap)
{
    fail_each(do_ioremap);
}

KTEST(fail_nth, object_cache)
{
    fail_each(do_cache);
}

KTEST(fail_nth, kmalloc)
{
    fail_each(do_kmalloc);
}

KTEST(fail_nth, request_mem_region)
{
    fail_each(do_region);
}

KTEST(fail_nth, kernel_stack)
{
    fail_each(do_stack);
}
