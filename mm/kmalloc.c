/*
 * mm/kmalloc.c - memory of any size: a class's object, or whole pages.
 *
 * Classes    powers of two, and 96 and 192, sizes that structures like to
 *            have.  A table leads from a small size to its class.
 * Cost       the cache's: see slab.c.  Above 8 KiB a block of pages, found
 *            again by its struct page.
 */
#include <kernel/core/printk.h>
#include <kernel/lib/string.h>
#include <mm/memory.h>
#include <mm/slab_internal.h>

/* kmalloc's classes; those that are no power of two save memory at sizes
 * that structures like to have. */
static const u16 class_size[] = {8,   16,  32,   64,   96,   128, 192,
                                 256, 512, 1024, 2048, 4096, 8192};
#define NR_CLASSES ARRAY_SIZE(class_size)
static const char *const class_name[NR_CLASSES] = {
    "kmalloc-8",   "kmalloc-16",  "kmalloc-32",  "kmalloc-64",  "kmalloc-96",
    "kmalloc-128", "kmalloc-192", "kmalloc-256", "kmalloc-512", "kmalloc-1k",
    "kmalloc-2k",  "kmalloc-4k",  "kmalloc-8k"};
static struct kmem_cache kmalloc_caches[NR_CLASSES];
static u8 class_of[1024 / 8 + 1]; /* by size up to 1 KiB, in 8 bytes */
#define CLASS_TABLE_BYTES (8 * (ARRAY_SIZE(class_of) - 1))

static inline struct kmem_cache *class_for(size_t size)
{
    unsigned int bits;

    if (likely(size <= CLASS_TABLE_BYTES))
        return &kmalloc_caches[class_of[(size + 7) / 8]];
    bits = 64 - __builtin_clzl(size - 1); /* 2^bits >= size: 11 to 13 */
    return &kmalloc_caches[NR_CLASSES - 1 - (13 - bits)];
}

static unsigned int order_for(size_t size)
{
    unsigned int order = 0;

    while (PAGE_SIZE << order < size)
        order++;
    return order;
}

static __noinline void *kmalloc_large(size_t size, gfp_t gfp)
{
    struct page *page;

    if (size > PAGE_SIZE << MAX_ORDER)
        return NULL;
    page = alloc_pages_owner((gfp & ~__GFP_HIGHMEM) | __GFP_COMP,
                             order_for(size), OWNER_KMALLOC_LARGE);
    return page ? page_address(page) : NULL;
}

void *kmalloc(size_t size, gfp_t gfp)
{
    if (unlikely(size > SLAB_OBJECT_MAX))
        return kmalloc_large(size, gfp);
    return slab_alloc(class_for(size), gfp, __builtin_return_address(0));
}

void *kzalloc(size_t size, gfp_t gfp)
{
    if (unlikely(size > SLAB_OBJECT_MAX))
        return kmalloc_large(size, gfp | __GFP_ZERO);
    return slab_alloc(class_for(size), gfp | __GFP_ZERO,
                      __builtin_return_address(0));
}

void *kmalloc_array(size_t n, size_t size, gfp_t gfp)
{
    size_t bytes;

    if (__builtin_mul_overflow(n, size, &bytes))
        return NULL;
    return kmalloc(bytes, gfp);
}

void *kcalloc(size_t n, size_t size, gfp_t gfp)
{
    return kmalloc_array(n, size, gfp | __GFP_ZERO);
}

/* No slab: a large block, or no memory of kmalloc's at all. */
static __noinline void kfree_large(struct page *page, const void *obj,
                                   void *caller)
{
    if (!virt_addr_valid(obj) || page->owner != OWNER_KMALLOC_LARGE ||
        page_address(page) != obj)
        pr_err("kfree(%p) by %p: kmalloc never gave this\n", obj, caller);
    else
        put_page(page);
}

void kfree(const void *obj)
{
    struct page *page;

    if (!obj)
        return;
    page = compound_head(virt_to_page(obj));
    if (unlikely(!page_test(page, PG_slab))) {
        kfree_large(page, obj, __builtin_return_address(0));
        return;
    }
    if (DEBUG_ON && !debug_object_free(page->slab_cache, page, (void *)obj,
                                       __builtin_return_address(0)))
        return;
    slab_free(page->slab_cache, page, (void *)obj);
}

size_t ksize(const void *obj)
{
    struct page *page;

    if (!obj)
        return 0;
    page = compound_head(virt_to_page(obj));
    if (page_test(page, PG_slab))
        return page->slab_cache->size;
    return PAGE_SIZE << page->order;
}

void *krealloc(void *obj, size_t size, gfp_t gfp)
{
    size_t have = ksize(obj);
    void *copy;

    if (obj && size && size <= have && size > have / 4)
        return obj;
    copy = kmalloc(size, gfp);
    if (copy && obj) {
        memcpy(copy, obj, min(have, size));
        kfree(obj);
    }
    return copy;
}

char *kstrdup(const char *s, gfp_t gfp)
{
    size_t size = strlen(s) + 1;
    char *copy = kmalloc(size, gfp);

    if (copy)
        memcpy(copy, s, size);
    return copy;
}

void __init kmalloc_init(void)
{
    unsigned int class = 0;

    for (size_t i = 0; i < NR_CLASSES; i++)
        slab_cache_setup(
            &kmalloc_caches[i], class_name[i], class_size[i],
            class_size[i] & (class_size[i] - 1) ? 8 : class_size[i], NULL);
    for (size_t i = 0; i < ARRAY_SIZE(class_of); i++) {
        while (class_size[class] < 8 * i)
            class ++;
        class_of[i] = class;
    }
}
