/*
 * mm/slab_debug.c - what debug builds check about each object.
 *
 * A red zone behind the object says whether it is in use, and a changed one
 * that somebody wrote past the end; the bytes of a free object are poison,
 * and changed ones say that somebody wrote after freeing.
 */
#include <kernel/lib/string.h>
#include <kernel/core/printk.h>
#include <mm/slab_internal.h>

#define RED_FREE 0xbb5eed0ff7eebb5eull
#define RED_USED 0xcc5eed0fa110cc5eull
#define POISON_FREED 0x6b
#define POISON_NEW 0x5a

struct object_tail {
    u64 red;
    void *allocated_by, *freed_by;
};

static struct object_tail *tail_of(const struct kmem_cache *cache, void *obj)
{
    return obj + cache->link +
           (cache->link ? 8 : ALIGN_UP(max(cache->size, 8u), 8));
}

static void complain(const struct kmem_cache *cache, void *obj,
                     const char *what, void *caller)
{
    const struct object_tail *tail = tail_of(cache, obj);

    pr_err("slab %s: object %p %s, noticed by %pS (allocated by %pS, freed by "
           "%pS, red zone %llx)\n",
           cache->name, obj, what, caller, tail->allocated_by, tail->freed_by,
           (unsigned long long)tail->red);
    WARN_ON(1);
}

/* Poison leaves the first word alone: the link stands there. */
static void poison(const struct kmem_cache *cache, void *obj, int byte)
{
    if (!cache->ctor && cache->size > 8)
        memset(obj + 8, byte, cache->size - 8);
}

void debug_object_new(struct kmem_cache *cache, void *obj)
{
    *tail_of(cache, obj) = (struct object_tail){.red = RED_FREE};
    poison(cache, obj, POISON_FREED);
}

void debug_object_alloc(struct kmem_cache *cache, void *obj, void *caller)
{
    struct object_tail *tail = tail_of(cache, obj);
    const u8 *byte = obj;

    if (tail->red != RED_FREE)
        complain(cache, obj, "written past its end while free", caller);
    for (u32 i = 8; !cache->ctor && i < cache->size; i++)
        if (byte[i] != POISON_FREED) {
            complain(cache, obj, "written to after it was freed", caller);
            break;
        }
    tail->red = RED_USED;
    tail->allocated_by = caller;
    poison(cache, obj, POISON_NEW);
}

bool debug_object_used(const struct kmem_cache *cache, struct page *page,
                       void *obj, void *caller)
{
    struct object_tail *tail = tail_of(cache, obj);
    unsigned long offset = obj - page_address(page);

    if (offset % cache->stride) {
        pr_err("slab %s: %p points into an object, used by %pS\n", cache->name,
               obj, caller);
        return false;
    }
    if (tail->red == RED_FREE)
        complain(cache, obj,
                 tail->freed_by ? "used after it was freed, or freed twice"
                                : "used, but was never allocated",
                 caller);
    return tail->red != RED_FREE;
}

bool debug_object_free(struct kmem_cache *cache, struct page *page, void *obj,
                       void *caller)
{
    struct object_tail *tail = tail_of(cache, obj);

    if (!debug_object_used(cache, page, obj, caller))
        return false;
    if (tail->red != RED_USED)
        complain(cache, obj, "written past its end", caller);
    tail->red = RED_FREE;
    tail->freed_by = caller;
    poison(cache, obj, POISON_FREED);
    return true;
}
