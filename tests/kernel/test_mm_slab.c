/*
 * tests/kernel/test_mm_slab.c - kmalloc and object caches.
 */
#include <kernel/core/ktest.h>
#include <kernel/lib/string.h>
#include <mm/page.h>
#include <mm/slab.h>

KTEST(slab, every_size_is_aligned_and_apart)
{
    static const size_t sizes[] = {1,    8,    9,    33,   64,   65,
                                   100,  129,  200,  257,  513,  1025,
                                   2049, 4097, 8192, 8193, 20000};

    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        char *a = kmalloc(sizes[i], GFP_KERNEL);
        char *b = kmalloc(sizes[i], GFP_KERNEL);

        KTEST_EXPECT(a && b && a != b);
        if (a && b) {
            KTEST_EXPECT(IS_ALIGNED((unsigned long)a, 8));
            KTEST_EXPECT(ksize(a) >= sizes[i]);
            memset(a, 1, sizes[i]);
            memset(b, 2, sizes[i]);
            KTEST_EXPECT(a[0] == 1 && a[sizes[i] - 1] == 1);
        }
        kfree(a);
        kfree(b);
    }
}

KTEST(slab, zeroed_memory_is_zero)
{
    for (int round = 0; round < 3; round++) {
        u8 *p = kzalloc(300, GFP_KERNEL);
        size_t sum = 0;

        KTEST_REQUIRE(p);
        for (size_t i = 0; i < 300; i++)
            sum += p[i];
        KTEST_EXPECT(sum == 0);
        memset(p, 0xff, 300);
        kfree(p);
    }
}

KTEST(slab, random_sizes_keep_their_contents)
{
    enum { N = 200 };
    static u8 *object[N];
    static u16 size[N];

    for (int i = 0; i < 5000; i++) {
        int k = ktest_random() % N;

        if (object[k]) {
            KTEST_EXPECT(object[k][0] == (u8)k);
            KTEST_EXPECT(object[k][size[k] - 1] == (u8)k);
            kfree(object[k]);
            object[k] = NULL;
        } else {
            size[k] = 1 + ktest_random() % 3000;
            object[k] = kmalloc(size[k], GFP_KERNEL);
            if (object[k])
                memset(object[k], k, size[k]);
        }
    }
    for (int k = 0; k < N; k++) {
        kfree(object[k]);
        object[k] = NULL;
    }
}

static int constructed;

static void construct(void *obj)
{
    *(u64 *)obj = 0x1234;
    constructed++;
}

KTEST(slab, constructor_runs_once_per_object)
{
    struct kmem_cache *cache = kmem_cache_create("test", 48, 64, 0, construct);
    u64 *a, *b;

    constructed = 0;
    KTEST_REQUIRE(cache);
    a = kmem_cache_alloc(cache, GFP_KERNEL);
    KTEST_REQUIRE(a);
    KTEST_EXPECT(*a == 0x1234);
    KTEST_EXPECT(IS_ALIGNED((unsigned long)a, 64));
    kmem_cache_free(cache, a);
    b = kmem_cache_alloc(cache, GFP_KERNEL);
    KTEST_EXPECT(b == a && *b == 0x1234);
    KTEST_EXPECT(constructed >= 1);
    kmem_cache_free(cache, b);
    kmem_cache_destroy(cache);
}

KTEST(slab, bad_caches_are_refused)
{
    KTEST_EXPECT(!kmem_cache_create("zero", 0, 0, 0, NULL));
    KTEST_EXPECT(!kmem_cache_create("huge", 1 << 20, 0, 0, NULL));
    KTEST_EXPECT(!kmem_cache_create("odd", 64, 24, 0, NULL));
}

KTEST(slab, resizing_keeps_what_was_there)
{
    char *p = kmalloc(20, GFP_KERNEL), *q;

    KTEST_REQUIRE(p);
    memcpy(p, "page walk", 10);
    q = krealloc(p, 5000, GFP_KERNEL);
    KTEST_REQUIRE(q);
    KTEST_EXPECT(strcmp(q, "page walk") == 0);
    q = krealloc(q, 10, GFP_KERNEL);
    KTEST_EXPECT(q && strcmp(q, "page walk") == 0);
    kfree(q);
    p = kstrdup("copy", GFP_KERNEL);
    KTEST_EXPECT(p && strcmp(p, "copy") == 0);
    kfree(p);
    kfree(NULL);
}

/* Says so in the log and goes on. */
KTEST(slab, foreign_pointers_are_refused)
{
    struct page *page = alloc_pages_owner(GFP_KERNEL, 0, OWNER_TEST);
    struct kmem_cache *cache = kmem_cache_create("test", 32, 0, 0, NULL);
    void *obj = kmalloc(32, GFP_KERNEL);

    KTEST_EXPECT(page && cache && obj);
    if (page)
        kfree(page_address(page));
    if (cache && obj)
        kmem_cache_free(cache, obj);
    kfree(obj);
    kmem_cache_destroy(cache);
    put_page(page);
}

KTEST(kmalloc, memory_for_isa_devices_lies_below_16_mib)
{
    static const size_t size[] = {1, 64, 100, 4096, 8192, 10000};
    void *obj[ARRAY_SIZE(size)];

    for (size_t i = 0; i < ARRAY_SIZE(size); i++) {
        obj[i] = kzalloc(size[i], GFP_DMA);
        KTEST_REQUIRE(obj[i]);
        KTEST_EXPECT(virt_to_phys(obj[i]) + size[i] <= 16 * MIB);
        KTEST_EXPECT(ksize(obj[i]) >= size[i] && !*(u8 *)obj[i]);
    }
    for (size_t i = 0; i < ARRAY_SIZE(size); i++)
        kfree(obj[i]);
    obj[0] = kmalloc(64, GFP_DMA32 | __GFP_NOWARN);
    KTEST_EXPECT(!obj[0] || virt_to_phys(obj[0]) < 4 * GIB);
    kfree(obj[0]);
}

KTEST(slab, flags_of_a_cache)
{
    struct kmem_cache *dma =
        kmem_cache_create("dma", 40, 0, SLAB_CACHE_DMA, NULL);
    struct kmem_cache *line =
        kmem_cache_create("line", 40, 0, SLAB_HWCACHE_ALIGN, NULL);
    u64 *a = kmem_cache_zalloc(dma, GFP_KERNEL);
    char *b[2];

    KTEST_REQUIRE(a);
    KTEST_EXPECT(virt_to_phys(a) < 16 * MIB && !a[0] && !a[4]);
    kmem_cache_free(dma, a);
    for (int i = 0; i < 2; i++) {
        KTEST_REQUIRE(b[i] = kmem_cache_alloc(line, GFP_KERNEL));
        KTEST_EXPECT(IS_ALIGNED((unsigned long)b[i], 64));
    }
    kmem_cache_free(line, b[0]);
    kmem_cache_free(line, b[1]);
    kmem_cache_destroy(line);
    kmem_cache_destroy(dma);
}
