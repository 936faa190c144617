/*
 * tests/kernel/test_mm_fail.c - each operation of the kernel's memory with
 * every allocation in it failing in turn.  The runner's ledger says whether
 * all was undone.
 */
#include <kernel/core/ktest.h>
#include <mm/fail.h>
#include <mm/io.h>
#include <mm/slab.h>
#include <mm/vmalloc.h>

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
    struct kmem_cache *cache = kmem_cache_create("test", 100, 0, NULL);
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

    release_mem_region(res);
    return res;
}

static bool do_stack(void)
{
    void *stack = kernel_stack_alloc();

    if (stack)
        kernel_stack_free(stack);
    return stack;
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
