/*
 * mm/kmalloc.c - memory of any size: a class's object, or whole pages.
 *
 * Classes    powers of two, and 96 and 192, sizes that structures like to
 *            have.  A table leads from a small size to its class.
 * Cost       the cache's: see slab.c.  Above 8 KiB a block of pages, found
 *            again by its struct page; with __GFP_DMA perhaps a page.
 */
#include <kernel/core/printk.h>
#include <kernel/lib/string.h>
#include <mm/alloc.h>
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

static __noinline void *kmalloc_large(size_t size, gfp_t gfp, void *caller)
{
    struct page *page;

    if (size > PAGE_SIZE << MAX_ORDER) {
        pr_err("kmalloc(%#zx) by %pS: the largest block is %lu MiB\n", size,
               caller, (PAGE_SIZE << MAX_ORDER) / MIB);
        return NULL;
    }
    page = alloc_pages_owner((gfp & ~__GFP_HIGHMEM) | __GFP_COMP,
                             order_for(size), OWNER_KMALLOC_LARGE);
    return page ? page_address(page) : NULL;
}

/* Caches of one zone are not kept for each class: whoever asks for memory
 * below 16 MiB or 4 GiB gets whole pages there, if chance does not help. */
static bool too_high(const struct kmem_cache *cache, const void *obj, gfp_t gfp)
{
    bool is_class =
        cache >= kmalloc_caches && cache < kmalloc_caches + NR_CLASSES;

    return gfp & (__GFP_DMA | __GFP_DMA32) && is_class &&
           virt_to_page(obj)->zone > gfp_zone(gfp);
}

void *slab_alloc_special(struct kmem_cache *cache, void *obj, gfp_t gfp,
                         void *caller)
{
    if (too_high(cache, obj, gfp)) {
        kmem_cache_free(cache, obj);
        return kmalloc_large(cache->size, gfp, caller);
    }
    return gfp & __GFP_ZERO ? memset(obj, 0, cache->size) : obj;
}

void *kmalloc(size_t size, gfp_t gfp)
{
    if (unlikely(size > SLAB_OBJECT_MAX))
        return kmalloc_large(size, gfp, __builtin_return_address(0));
    return slab_alloc(class_for(size), gfp, __builtin_return_address(0));
}

void *kzalloc(size_t size, gfp_t gfp)
{
    if (unlikely(size > SLAB_OBJECT_MAX))
        return kmalloc_large(size, gfp | __GFP_ZERO,
                             __builtin_return_address(0));
    return slab_alloc(class_for(size), gfp | __GFP_ZERO,
                      __builtin_return_address(0));
}

static void *array_caller(size_t n, size_t size, gfp_t gfp, void *caller)
{
    size_t bytes;

    if (__builtin_mul_overflow(n, size, &bytes)) {
        pr_err("kmalloc_array(%#zx, %#zx) by %pS: the product overflows\n", n,
               size, caller);
        return NULL;
    }
    if (unlikely(bytes > SLAB_OBJECT_MAX))
        return kmalloc_large(bytes, gfp, caller);
    return slab_alloc(class_for(bytes), gfp, caller);
}

void *kmalloc_array(size_t n, size_t size, gfp_t gfp)
{
    return array_caller(n, size, gfp, __builtin_return_address(0));
}

void *kcalloc(size_t n, size_t size, gfp_t gfp)
{
    return array_caller(n, size, gfp | __GFP_ZERO, __builtin_return_address(0));
}

/* The head of a large block that starts there, or NULL. */
static struct page *large_block(const void *obj)
{
    struct page *page;

    if (!virt_addr_valid(obj))
        return NULL;
    page = virt_to_page(obj);
    if (page->flags & (BIT(PG_tail) | BIT(PG_buddy)) ||
        page->owner != OWNER_KMALLOC_LARGE || page_address(page) != obj)
        return NULL;
    return page;
}

/* What the fast path could not do; page NULL: it is in no slab. */
static __noinline void kfree_slow(const void *obj, struct page *page, u64 flags,
                                  void *caller)
{
    if (page) {
        slab_free_slow(page->slab_cache, page, (void *)obj, flags, caller);
        return;
    }
    page = large_block(obj);
    if (page)
        put_page(page);
    else
        slab_refuse("kfree", obj, NULL, caller);
}

void kfree(const void *obj)
{
    struct page *page;
    u64 flags = 0;

    if (!obj)
        return;
    if (unlikely(!slab_of(obj, &page)))
        page = NULL;
    else if (DEBUG_ON && !debug_object_free(page->slab_cache, page, (void *)obj,
                                            __builtin_return_address(0)))
        return;
    else if (likely(
                 slab_free_fast(page->slab_cache, page, (void *)obj, &flags)))
        return;
    kfree_slow(obj, page, flags, __builtin_return_address(0));
}

/* Bytes of what is in use at obj; 0, said in the log, if nothing is. */
static size_t size_of(const void *obj, const char *call, void *caller)
{
    struct page *page;

    if (slab_of(obj, &page)) {
        if (DEBUG_ON &&
            !debug_object_used(page->slab_cache, page, (void *)obj, caller))
            return 0;
        return page->slab_cache->size;
    }
    page = large_block(obj);
    if (page)
        return PAGE_SIZE << page->order;
    slab_refuse(call, obj, NULL, caller);
    return 0;
}

size_t ksize(const void *obj)
{
    return obj ? size_of(obj, "ksize", __builtin_return_address(0)) : 0;
}

void *krealloc(void *obj, size_t size, gfp_t gfp)
{
    size_t have = 0;
    void *copy;

    if (obj) {
        have = size_of(obj, "krealloc", __builtin_return_address(0));
        if (!have)
            return NULL;
        if (size && size <= have && size > have / 4)
            return obj;
    }
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
