/*
 * mm/slab.h - objects smaller than a page.
 *
 * kmalloc memory is physically contiguous and has a logical address.  Sizes
 * over 8 KiB go straight to the buddy allocator.  Debug builds put red zones
 * around objects, poison freed ones, and report a double or foreign free in
 * words.
 */
#pragma once

#include <mm/gfp.h>

struct kmem_cache;

/* align 0: natural for the size, at least 8.  ctor may be NULL; runs once per
 * object when its slab is made.  Returns NULL without memory. */
struct kmem_cache *kmem_cache_create(const char *name, size_t size,
                                     size_t align, void (*ctor)(void *obj));
/* Its objects go when memory is short (dentries, inodes): its pages stand
 * apart from those of other kernel memory.  Right after creating it. */
void kmem_cache_reclaimable(struct kmem_cache *cache);
u64 slab_reclaimable_pages(void);
void kmem_cache_destroy(struct kmem_cache *cache); /* all must be free */
void *kmem_cache_alloc(struct kmem_cache *cache, gfp_t gfp);
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
