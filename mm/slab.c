/*
 * mm/slab.c - objects smaller than a page.
 *
 * Structure  a slab is 2^order pages cut into equal objects.  Each CPU owns
 *            one slab per cache and a list of its free objects, which alloc
 *            pops and free pushes.  Slabs that belong to no CPU and have free
 *            objects stand on cache->partial; full ones on no list.
 * Cost       alloc and free without a lock when the object's slab is the
 *            CPU's own, else one lock; O(1).
 * Locking    a CPU's list: interrupts off on that CPU.  cache->lock covers
 *            page->freelist, page->objects and the partial list.
 * Invariant  page->objects == objects_per_slab - length of page->freelist;
 *            a slab with objects == 0 is given back, but for one per cache.
 * Context    any; a new slab may sleep if gfp allows.
 *
 * Links between free objects are stored xor-ed with a secret and their own
 * address, so that a stray write does not become a chosen address.
 */
#include <kernel/core/panic.h>
#include <kernel/core/printk.h>
#include <kernel/core/time.h>
#include <kernel/core/xcall.h>
#include <kernel/lib/string.h>
#include <mm/fail.h>
#include <mm/memory.h>
#include <mm/slab_internal.h>
#include <mm/zone.h>

#define SLAB_ORDER_MAX 3
#define SLAB_NO_GFP                                                            \
    (__GFP_ZERO | GFP_ZONE_BITS | GFP_TYPE_BITS) /* the cache's decision */
#define SLAB_FLAGS                                                             \
    (SLAB_HWCACHE_ALIGN | SLAB_PANIC | SLAB_RECLAIM_ACCOUNT | SLAB_CACHE_DMA | \
     SLAB_CACHE_DMA32)
#define CACHE_LINE 64ul

DEFINE_PER_CPU(struct slab_cpu, slab_cpus[SLAB_CACHES_MAX]);

DEFINE_SPINLOCK(slab_caches_lock);
LIST_HEAD(slab_caches);
static u64 caches_used; /* (slab_caches_lock) a bit per index */
u64 slab_link_secret;   /* (c) */
unsigned long slab_reach;
static struct kmem_cache cache_of_caches;

static void slab_free_pages(struct kmem_cache *cache, struct page *page)
{
    page->freelist = NULL;
    page->frozen = 0;
    page->slab_cache = NULL;
    page_clear(page, PG_slab);
    __free_pages(page, cache->order);
}

/* A slab, all of it free, in no CPU's hands. */
static struct page *slab_new(struct kmem_cache *cache, gfp_t gfp)
{
    struct page *page =
        alloc_pages_owner((gfp & ~SLAB_NO_GFP) | __GFP_COMP | cache->gfp,
                          cache->order, OWNER_SLAB);
    char *obj;

    if (!page)
        return NULL;
    obj = page_address(page);
    page_set(page, PG_slab);
    page->slab_cache = cache;
    page->objects = 0;
    page->frozen = 0;
    page->freelist = obj;
    for (u32 i = 1; i <= cache->objects_per_slab; i++, obj += cache->stride) {
        if (DEBUG_ON)
            debug_object_new(cache, obj);
        if (cache->ctor)
            cache->ctor(obj);
        link_set(cache, obj,
                 i < cache->objects_per_slab ? obj + cache->stride : NULL);
    }
    return page;
}

static void partial_add(struct kmem_cache *cache, struct page *page)
{
    list_add(&page->link, &cache->partial);
    cache->nr_partial++;
}

static void partial_remove(struct kmem_cache *cache, struct page *page)
{
    list_del(&page->link);
    cache->nr_partial--;
}

/* Moves the slab's free objects to the CPU.  Locks: cache->lock. */
static void cpu_adopt(struct kmem_cache *cache, struct slab_cpu *cpu,
                      struct page *page)
{
    cpu->page = page;
    cpu->freelist = page->freelist;
    page->freelist = NULL;
    page->objects = cache->objects_per_slab;
    page->frozen = 1;
}

/* Whether the CPU has free objects now, without a new slab. */
static bool cpu_refill(struct kmem_cache *cache, struct slab_cpu *cpu)
{
    struct page *page = cpu->page;

    spin_lock(&cache->lock);
    if (page && !page->freelist) {
        page->frozen = 0; /* full: on no list until one comes back */
        page = cpu->page = NULL;
    }
    if (!page && !list_empty(&cache->partial)) {
        page = list_first_entry(&cache->partial, struct page, link);
        partial_remove(cache, page);
    }
    if (page)
        cpu_adopt(cache, cpu, page);
    spin_unlock(&cache->lock);
    return page;
}

/* One object past the CPU's list, which stays empty; NULL: none is free. */
static void *partial_take(struct kmem_cache *cache)
{
    struct page *page;
    void *obj = NULL;

    spin_lock(&cache->lock);
    if (!list_empty(&cache->partial)) {
        page = list_first_entry(&cache->partial, struct page, link);
        obj = page->freelist;
        page->freelist = link_get(cache, obj);
        page->objects++;
        if (!page->freelist)
            partial_remove(cache, page);
    }
    spin_unlock(&cache->lock);
    return obj;
}

/* An object for a CPU whose list was empty, after finding or making a slab;
 * interrupts are off only in between. */
static void *alloc_refill(struct kmem_cache *cache, gfp_t gfp)
{
    for (;;) {
        u64 flags = local_irq_save();
        struct slab_cpu *cpu = this_cpu_ptr(&slab_cpus[cache->index]);
        struct page *page;
        void *obj = NULL;

        if (unlikely(fail_nth_armed)) {
            obj = partial_take(cache);
        } else if (cpu->freelist || cpu_refill(cache, cpu)) {
            obj = cpu->freelist;
            cpu->freelist = link_get(cache, obj);
        }
        local_irq_restore(flags);
        if (obj)
            return obj;
        page = slab_new(cache, gfp);
        if (!page)
            return NULL;
        flags = spin_lock_irqsave(&cache->lock);
        cache->nr_slabs++;
        partial_add(cache, page);
        spin_unlock_irqrestore(&cache->lock, flags);
    }
}

void *slab_alloc_slow(struct kmem_cache *cache, gfp_t gfp, void *caller)
{
    void *obj;

    if (unlikely(fail_nth_armed) && fail_nth_now(gfp))
        return NULL;
    obj = alloc_refill(cache, gfp);
    if (!obj)
        return NULL;
    if (DEBUG_ON)
        debug_object_alloc(cache, obj, caller);
    return gfp & SLAB_SPECIAL ? slab_alloc_special(cache, obj, gfp, caller)
                              : obj;
}

/* Why the slab cannot take the object back, or NULL.  Locks: cache->lock. */
static const char *why_not_free(const struct kmem_cache *cache,
                                const struct page *page, const void *obj)
{
    unsigned long offset = obj - page_address(page);

    if (offset % cache->stride)
        return "it points into an object";
    if (obj == page->freelist ||
        obj == this_cpu_ptr(&slab_cpus[cache->index])->freelist)
        return "freed twice";
    return page->objects ? NULL : "none of the slab's objects is in use";
}

/* Into a slab that is not this CPU's, or what is wrong. */
void slab_free_slow(struct kmem_cache *cache, struct page *page, void *obj,
                    u64 flags, void *caller)
{
    bool was_full, give_back;
    const char *why;

    spin_lock(&cache->lock);
    why = why_not_free(cache, page, obj);
    if (unlikely(why)) {
        spin_unlock_irqrestore(&cache->lock, flags);
        slab_refuse("free", obj, why, caller);
        return;
    }
    was_full = !page->freelist;
    link_set(cache, obj, page->freelist);
    page->freelist = obj;
    page->objects--;
    if (was_full && !page->frozen)
        partial_add(cache, page);
    give_back = !page->objects && !page->frozen && cache->nr_partial > 1;
    if (give_back) {
        partial_remove(cache, page);
        cache->nr_slabs--;
    }
    spin_unlock_irqrestore(&cache->lock, flags);
    if (give_back)
        slab_free_pages(cache, page);
}

void *kmem_cache_alloc(struct kmem_cache *cache, gfp_t gfp)
{
    return slab_alloc(cache, gfp, __builtin_return_address(0));
}

void kmem_cache_free(struct kmem_cache *cache, void *obj)
{
    struct page *page;
    bool in_slab;
    u64 flags;

    if (!obj)
        return;
    in_slab = slab_of(obj, &page);
    if (unlikely(!in_slab || page->slab_cache != cache)) {
        slab_refuse("kmem_cache_free", obj,
                    in_slab ? "it is from another cache" : NULL,
                    __builtin_return_address(0));
        return;
    }
    if (DEBUG_ON &&
        !debug_object_free(cache, page, obj, __builtin_return_address(0)))
        return;
    if (!slab_free_fast(cache, page, obj, &flags))
        slab_free_slow(cache, page, obj, flags, __builtin_return_address(0));
}

/* The smallest slab that holds four objects, or at least one. */
static void choose_order(struct kmem_cache *cache)
{
    u32 want = physmap_ram_pages() < 4096 ? 1 : 4;
    u32 order = 0;

    while (order < SLAB_ORDER_MAX &&
           (PAGE_SIZE << order) / cache->stride < want)
        order++;
    cache->order = order;
    cache->objects_per_slab = (PAGE_SIZE << order) / cache->stride;
}

bool slab_cache_setup(struct kmem_cache *cache, const char *name, size_t size,
                      size_t align, void (*ctor)(void *obj))
{
    size_t room = ALIGN_UP(max(size, sizeof(void *)), 8);
    u64 flags;

    if (!align)
        align = 8;
    *cache = (struct kmem_cache){.name = name, .size = size, .ctor = ctor};
    if (ctor) {
        cache->link = room;
        room += 8;
    }
    if (DEBUG_ON)
        room += DEBUG_TAIL;
    cache->stride = ALIGN_UP(room, max(align, 8ul));
    if (size > SLAB_OBJECT_MAX || cache->stride > PAGE_SIZE << SLAB_ORDER_MAX)
        return false;
    choose_order(cache);
    spin_lock_init_named(&cache->lock, name);
    list_init(&cache->partial);
    flags = spin_lock_irqsave(&slab_caches_lock);
    cache->index = ~caches_used ? __builtin_ctzl(~caches_used) : ~0u;
    if (cache->index < SLAB_CACHES_MAX) {
        caches_used |= BIT(cache->index);
        list_add_tail(&cache->all, &slab_caches);
    }
    spin_unlock_irqrestore(&slab_caches_lock, flags);
    return cache->index < SLAB_CACHES_MAX;
}

static const char *bad_cache(size_t size, size_t align, slab_flags_t flags)
{
    if (flags & ~SLAB_FLAGS)
        return "flags that are not known";
    if (flags & SLAB_CACHE_DMA && flags & SLAB_CACHE_DMA32)
        return "more than one zone";
    if (!size || size > SLAB_OBJECT_MAX)
        return "objects have 1 byte to 8 KiB";
    if (align & (align - 1) || align > PAGE_SIZE)
        return "the alignment is no power of two up to a page";
    return NULL;
}

/* What the pages of such a cache are asked for with, besides. */
static gfp_t gfp_of_cache(slab_flags_t flags)
{
    return (flags & SLAB_RECLAIM_ACCOUNT ? __GFP_RECLAIMABLE : 0) |
           (flags & SLAB_CACHE_DMA ? __GFP_DMA : 0) |
           (flags & SLAB_CACHE_DMA32 ? __GFP_DMA32 : 0);
}

/* A small object is aligned to a part of a line that holds it. */
static size_t line_align(size_t size)
{
    size_t align = CACHE_LINE;

    while (align > 8 && size <= align / 2)
        align /= 2;
    return align;
}

struct kmem_cache *kmem_cache_create(const char *name, size_t size,
                                     size_t align, slab_flags_t flags,
                                     void (*ctor)(void *obj))
{
    const char *why = bad_cache(size, align, flags);
    struct kmem_cache *cache;

    if (flags & SLAB_HWCACHE_ALIGN)
        align = max(align, line_align(size));
    if (!why) {
        why = "no memory";
        cache = kmem_cache_alloc(&cache_of_caches, GFP_KERNEL);
        if (cache && slab_cache_setup(cache, name, size, align, ctor)) {
            cache->gfp = gfp_of_cache(flags);
            return cache;
        }
        if (cache)
            why = "there are too many caches";
        kmem_cache_free(&cache_of_caches, cache);
    }
    pr_err("kmem_cache_create(%s, %zu, %zu) by %pS: %s\n", name, size, align,
           __builtin_return_address(0), why);
    if (flags & SLAB_PANIC)
        panic("no cache of %s", name);
    return NULL;
}

u64 slab_reclaimable_pages(void)
{
    u64 flags = spin_lock_irqsave(&slab_caches_lock), n = 0;
    struct kmem_cache *cache;

    list_for_each_entry(cache, &slab_caches, all)
        if (cache->gfp & __GFP_RECLAIMABLE)
            n += READ_ONCE(cache->nr_slabs) << cache->order;
    spin_unlock_irqrestore(&slab_caches_lock, flags);
    return n;
}

/* Makes this CPU's slab an ordinary one again. */
static void cpu_release(struct kmem_cache *cache)
{
    struct slab_cpu *cpu = this_cpu_ptr(&slab_cpus[cache->index]);
    struct page *page = cpu->page;

    if (!page)
        return;
    while (cpu->freelist) {
        void *obj = cpu->freelist;

        cpu->freelist = link_get(cache, obj);
        link_set(cache, obj, page->freelist);
        page->freelist = obj;
        page->objects--;
    }
    page->frozen = 0;
    cpu->page = NULL;
    if (page->freelist)
        partial_add(cache, page);
}

void slab_fast_path_empty(void)
{
    u64 flags = spin_lock_irqsave(&slab_caches_lock);
    struct kmem_cache *cache;

    list_for_each_entry(cache, &slab_caches, all) {
        spin_lock(&cache->lock);
        cpu_release(cache);
        spin_unlock(&cache->lock);
    }
    spin_unlock_irqrestore(&slab_caches_lock, flags);
}

static void cache_shrink(struct kmem_cache *cache)
{
    u64 flags = spin_lock_irqsave(&cache->lock);
    struct page *page, *next;
    LIST_HEAD(empty);

    cpu_release(cache);
    list_for_each_entry_safe(page, next, &cache->partial, link) {
        if (page->objects)
            continue;
        partial_remove(cache, page);
        cache->nr_slabs--;
        list_add(&page->link, &empty);
    }
    spin_unlock_irqrestore(&cache->lock, flags);
    list_for_each_entry_safe(page, next, &empty, link)
        slab_free_pages(cache, page);
}

static void empty_here(void *arg __maybe_unused)
{
    slab_fast_path_empty();
}

void slab_shrink(void)
{
    struct kmem_cache *cache;
    u64 flags;

    xcall(~0ull, empty_here, NULL);
    flags = spin_lock_irqsave(&slab_caches_lock);
    list_for_each_entry(cache, &slab_caches, all)
        cache_shrink(cache);
    spin_unlock_irqrestore(&slab_caches_lock, flags);
}

static void release_here(void *arg)
{
    struct kmem_cache *cache = arg;
    u64 flags = spin_lock_irqsave(&cache->lock);

    cpu_release(cache);
    spin_unlock_irqrestore(&cache->lock, flags);
}

void kmem_cache_destroy(struct kmem_cache *cache)
{
    u64 flags;

    if (!cache)
        return;
    xcall(~0ull, release_here, cache); /* each CPU may own a slab */
    cache_shrink(cache);
    if (cache->nr_slabs) {
        pr_err("kmem_cache_destroy(%s) by %pS: objects are still in use\n",
               cache->name, __builtin_return_address(0));
        return;
    }
    flags = spin_lock_irqsave(&slab_caches_lock);
    caches_used &= ~BIT(cache->index);
    list_del(&cache->all);
    spin_unlock_irqrestore(&slab_caches_lock, flags);
    kmem_cache_free(&cache_of_caches, cache);
}

void __init slab_init(void)
{
    slab_link_secret = rdtsc() * 0x9e3779b97f4a7c15ull;
    slab_reach = min(PFN_PHYS(lowmem_end_pfn), physmap_ram_end());
    slab_cache_setup(&cache_of_caches, "kmem_cache", sizeof(struct kmem_cache),
                     0, NULL);
    kmalloc_init();
}
