/*
 * mm/slab_internal.h - a cache's shape; for slab.c, slab_debug.c and reports.
 *
 * An object's place in a slab (stride bytes):
 *
 *     | object ............ | link |          constructor: link outside
 *     | link, object ...... |                 otherwise: inside, while free
 *     | ... | red zone | allocated by | freed by |   debug builds append
 */
#pragma once

#include <kernel/core/panic.h>
#include <kernel/sync/spinlock.h>
#include <mm/page.h>
#include <mm/slab.h>

struct kmem_cache {
    u32 index;  /* (c) into the CPUs' slab_cpu[] */
    u32 link;   /* (c) where a free object holds the next one's address */
    u32 size;   /* (c) bytes that the user may touch */
    u32 stride; /* (c) bytes from object to object */
    u32 order;  /* (c) a slab is 2^order pages */
    u32 objects_per_slab;    /* (c) */
    void (*ctor)(void *obj); /* (c) */
    const char *name;        /* (c) */
    spinlock_t lock;
    struct list_head partial; /* (lock) slabs with free objects, no CPU's */
    u32 nr_partial;           /* (lock) */
    u64 nr_slabs;             /* (lock) all */
    struct list_head all;     /* (caches_lock) */
};

#define DEBUG_TAIL 24 /* red zone, allocated by, freed by */

/* slab_debug.c; only reached in debug builds.  The object as it goes out and
 * comes in; debug_object_free says false for what must not be freed. */
void debug_object_new(struct kmem_cache *cache, void *obj);
void debug_object_alloc(struct kmem_cache *cache, void *obj, void *caller);
bool debug_object_free(struct kmem_cache *cache, struct page *page, void *obj,
                       void *caller);
