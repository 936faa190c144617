/*
 * mm/slab.h - objects smaller than a page.
 *
 * kmalloc memory is physically contiguous and has a logical address, below 16
 * MiB with GFP_DMA.  Sizes over 8 KiB go straight to the buddy allocator.
 * Debug builds put red zones around objects, poison freed ones, and report a
 * double or foreign free in words.
 */
#pragma once

#include <mm/gfp.h>

struct kmem_cache;
typedef u32 slab_flags_t;

#define SLAB_HWCACHE_ALIGN BIT(0) /* no two objects in one cache line */
#define SLAB_PANIC BIT(1)         /* there is no going on without it */
/* Its objects go when memory is short (dentries, inodes): its pages stand
 * apart from those of other kernel memory. */
#define SLAB_RECLAIM_ACCOUNT BIT(2)
#define SLAB_CACHE_DMA BIT(3)   /* objects lie below 16 MiB, */
#define SLAB_CACHE_DMA32 BIT(4) /* below 4 GiB */

/* align 0: natural for the size, at least 8.  ctor may be NULL; runs once per
 * object when its slab is made.  Returns NULL without memory. */
struct kmem_cache *kmem_cache_create(const char *name, size_t size,
                                     size_t align, slab_flags_t flags,
                                     void (*ctor)(void *obj));
u64 slab_reclaimable_pages(void);
void kmem_cache_destroy(struct kmem_cache *cache); /* all must be free */
void *kmem_cache_alloc(struct kmem_cache *cache, gfp_t gfp);
static inline void *kmem_cache_zalloc(struct kmem_cache *cache, gfp_t gfp)
{
    return kmem_cache_alloc(cache, gfp | __GFP_ZERO);
}
void kmem_cache_free(struct kmem_cache *cache, void *obj);

void *kmalloc(size_t size, gfp_t gfp); /* 0 bytes: a unique pointer */
void *kzalloc(size_t size, gfp_t gfp);
void *kmalloc_array(size_t n, size_t size, gfp_t gfp); /* checks overflow */
void *kcalloc(size_t n, size_t size, gfp_t gfp);
void *krealloc(void *obj, size_t size, gfp_t gfp);
void kfree(const void *obj); /* NULL is fine */
size_t ksize(const void *obj);
char *kstrdup(const char *s, gfp_t gfp);

void slab_shrink(void); /* gives empty slabs back: before a ledger reading */
