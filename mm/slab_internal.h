/*
 * mm/slab_internal.h - a cache's shape and the fast paths, which slab.c and
 * kmalloc.c expand; for slab*.c and kmalloc.c only.
 *
 * An object's place in a slab (stride bytes):
 *
 *     | object ............ | link |          constructor: link outside
 *     | link, object ...... |                 otherwise: inside, while free
 *     | ... | red zone | allocated by | freed by |   debug builds append
 */
#pragma once

#include <kernel/core/panic.h>
#include <kernel/core/percpu.h>
#include <kernel/lib/string.h>
#include <kernel/sync/lockdep.h>
#include <kernel/sync/spinlock.h>
#include <mm/page.h>
#include <mm/slab.h>
#include <mm/uaccess.h>

extern struct list_head slab_caches; /* (slab_caches_lock) */
extern spinlock_t slab_caches_lock;

struct kmem_cache {
    u32 index;  /* (c) into the CPUs' slab_cpu[] */
    u32 link;   /* (c) where a free object holds the next one's address */
    u32 size;   /* (c) bytes that the user may touch */
    u32 stride; /* (c) bytes from object to object */
    u32 order;  /* (c) a slab is 2^order pages */
    u32 objects_per_slab;    /* (c) */
    gfp_t gfp;               /* (c) of its pages: __GFP_RECLAIMABLE or 0 */
    void (*ctor)(void *obj); /* (c) */
    const char *name;        /* (c) */
    spinlock_t lock;
    struct list_head partial; /* (lock) slabs with free objects, no CPU's */
    u32 nr_partial;           /* (lock) */
    u64 nr_slabs;             /* (lock) all */
    struct list_head all;     /* (slab_caches_lock) */
};

#define DEBUG_TAIL 24 /* red zone, allocated by, freed by */

/* slab_debug.c; only reached in debug builds.  The object as it goes out and
 * comes in; debug_object_free says false for what must not be freed. */
void debug_object_new(struct kmem_cache *cache, void *obj);
void debug_object_alloc(struct kmem_cache *cache, void *obj, void *caller);
/* Whether the object is in use; says so if not. */
bool debug_object_used(const struct kmem_cache *cache, struct page *page,
                       void *obj, void *caller);
bool debug_object_free(struct kmem_cache *cache, struct page *page, void *obj,
                       void *caller);

#define SLAB_CACHES_MAX 64
#define SLAB_OBJECT_MAX 8192 /* bytes */

/* A CPU's own slab of a cache, by kmem_cache.index.  Interrupts off. */
struct slab_cpu {
    void *freelist;
    struct page *page; /* frozen; NULL: none */
};
DECLARE_PER_CPU(struct slab_cpu, slab_cpus[SLAB_CACHES_MAX]);

extern u64 slab_link_secret;
extern unsigned long slab_reach; /* (c) bytes from page_offset to RAM's end */

/* slab_report.c: says that `call` of obj is wrong and not done; why NULL:
 * finds out.  Any context. */
void slab_refuse(const char *call, const void *obj, const char *why,
                 void *caller);

/* slab.c.  The slow ways: the first has interrupts as it finds them; the other
 * is called with them off, and `flags` says how they were. */
void *slab_alloc_slow(struct kmem_cache *cache, gfp_t gfp, void *caller);
void slab_free_slow(struct kmem_cache *cache, struct page *page, void *obj,
                    u64 flags, void *caller);
/* kmalloc.c.  The object of a request for more than any object: zeroed; if it
 * is one of kmalloc's and lies too high, exchanged for one that does not. */
#define SLAB_SPECIAL (__GFP_ZERO | __GFP_DMA | __GFP_DMA32)
void *slab_alloc_special(struct kmem_cache *cache, void *obj, gfp_t gfp,
                         void *caller);
/* Lays the object out; false if no slab can hold one, or no index is left. */
bool slab_cache_setup(struct kmem_cache *cache, const char *name, size_t size,
                      size_t align, void (*ctor)(void *obj));
void kmalloc_init(void);

/*
 * The slab that an object would be in; false: in none.  An address outside
 * the map of RAM, or of RAM that is not online, has no readable struct page.
 */
static __always_inline bool slab_of(const void *obj, struct page **slab)
{
    unsigned long offset = (unsigned long)obj - page_offset;
    struct page *page = pfn_to_page(PFN_DOWN(offset));
    u32 flags;

    if (unlikely(offset >= slab_reach))
        return false;
    *slab = page;
    flags = load_or_zero(&page->flags);
    if (likely(flags & BIT(PG_slab)))
        return true;
    if (!(flags & BIT(PG_tail)))
        return false;
    *slab = page->head;
    return page_test(page->head, PG_slab);
}

static inline void *link_get(const struct kmem_cache *cache, const void *obj)
{
    const u64 *where = obj + cache->link;

    return (void *)(*where ^ slab_link_secret ^ (u64)where);
}

static inline void link_set(const struct kmem_cache *cache, void *obj,
                            const void *next)
{
    u64 *where = obj + cache->link;

    *where = (u64)next ^ slab_link_secret ^ (u64)where;
}

static __always_inline void *slab_alloc(struct kmem_cache *cache, gfp_t gfp,
                                        void *caller)
{
    struct slab_cpu *cpu;
    u64 flags;
    void *obj;

    if (DEBUG_ON && gfp & __GFP_SLEEP)
        may_sleep();
    flags = local_irq_save();
    cpu = this_cpu_ptr(&slab_cpus[cache->index]);
    obj = cpu->freelist;
    if (unlikely(!obj)) {
        local_irq_restore(flags);
        return slab_alloc_slow(cache, gfp, caller);
    }
    cpu->freelist = link_get(cache, obj);
    local_irq_restore(flags);
    if (DEBUG_ON)
        debug_object_alloc(cache, obj, caller);
    return gfp & SLAB_SPECIAL ? slab_alloc_special(cache, obj, gfp, caller)
                              : obj;
}

/*
 * True: done.  False: slab_free_slow() must do it, with interrupts off as they
 * are now and `flags`.  The last object that was freed is on top of its list,
 * so freeing it again is noticed at no cost.
 */
static __always_inline bool slab_free_fast(struct kmem_cache *cache,
                                           struct page *page, void *obj,
                                           u64 *flags)
{
    struct slab_cpu *cpu;
    void *first;

    *flags = local_irq_save();
    cpu = this_cpu_ptr(&slab_cpus[cache->index]);
    first = cpu->freelist;
    if (unlikely(cpu->page != page || first == obj))
        return false;
    link_set(cache, obj, first);
    cpu->freelist = obj;
    local_irq_restore(*flags);
    return true;
}
