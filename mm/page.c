/*
 * mm/page.c - giving out pages and taking them back.
 *
 * Structure  single pages come from and go to the CPU's stacks (pcp.c), larger
 *            blocks straight to the zone.
 * Cost       a single page: a dozen memory accesses, no lock, no list.
 * Locking    a CPU's stacks and counters are touched with interrupts off on
 *            that CPU only.
 * Invariant  refs == 0 exactly for free pages; owner says who holds a page
 *            and the sum of page_owned over CPUs counts them.
 * Context    any, also interrupts; nothing here sleeps.
 */
#include <kernel/core/panic.h>
#include <kernel/core/printk.h>
#include <kernel/lib/string.h>
#include <kernel/sync/lockdep.h>
#include <kernel/sync/sched_hook.h>
#include <mm/alloc.h>
#include <mm/fail.h>
#include <mm/kmap.h>
#include <mm/page_bad.h>
#include <mm/pcp.h>
#include <mm/slab.h>

DEFINE_PER_CPU(s64, page_owned[NR_PAGE_OWNERS]);

/* What stays with the frame through all its lives. */
#define FLAGS_OF_FRAME BIT(PG_highmem)

#define POISON_FREE 0xaa /* debug builds: contents of a free page */

static void debug_poison(struct page *page, unsigned int order)
{
    if (DEBUG_ON && !page_test(page, PG_highmem))
        memset(page_address(page), POISON_FREE, PAGE_SIZE << order);
}

static void debug_check_poison(struct page *page)
{
    const u64 *word;

    if (!DEBUG_ON || page_test(page, PG_highmem))
        return;
    word = page_address(page);
    for (size_t i = 0; i < PAGE_SIZE / 8; i++)
        if (word[i] != 0x0101010101010101ull * POISON_FREE &&
            word[0] == 0x0101010101010101ull * POISON_FREE)
            page_broken(page, "written to while free");
}

static struct page *take_block(gfp_t gfp, unsigned int order)
{
    struct page *page;
    struct zone *zone;

    if (zone_alloc(gfp, order, 1, &page, &zone))
        return page;
    page_drain_local(); /* single pages may complete a block */
    return zone_alloc(gfp, order, 1, &page, &zone) ? page : NULL;
}

/* Gives back what is only cached.  May sleep. */
static void shrink_caches(void)
{
    if (nr_cpus_online > 1)
        page_drain_all();
    kernel_stack_shrink();
    vm_purge();
    vmalloc_shrink();
    slab_shrink();
    pt_stock_shrink();
}

static struct page *take_again(gfp_t gfp, unsigned int order)
{
    u64 flags = local_irq_save();
    struct page *page = take_block(gfp, order);

    local_irq_restore(flags);
    return page;
}

/*
 * Nothing was free at once.  Who may sleep has memory compacted if it is a
 * block that is missing, and what is merely cached given back; with
 * __GFP_NORETRY only the first, with __GFP_NOFAIL until it works.
 */
static struct page *take_harder(gfp_t gfp, unsigned int order, void *caller)
{
    bool may_sleep =
        gfp & __GFP_SLEEP && !irqs_disabled() && !this_cpu_read(atomic_depth);
    struct page *page = NULL;

    do {
        if (may_sleep && order && compact_for(gfp, order))
            page = take_again(gfp, order);
        if (page)
            return page;
        if (gfp & __GFP_NORETRY)
            break;
        if (may_sleep)
            shrink_caches();
        page = take_again(gfp, order);
        if (!page && gfp & __GFP_NOFAIL && may_sleep)
            schedule(); /* somebody else may give some back */
    } while (!page && gfp & __GFP_NOFAIL && may_sleep);
    if (!page && !(gfp & __GFP_NOWARN))
        pr_warn("out of memory: %lu pages wanted (gfp %x) by %p\n",
                1ul << order, gfp, caller);
    return page;
}

/* The pages of an allocated block lead to its head. */
static void block_make_compound(struct page *head, unsigned int order)
{
    for (unsigned long i = 1; i < 1ul << order; i++) {
        head[i].flags |= BIT(PG_tail);
        head[i].head = head;
    }
}

static inline void block_page_undo(struct page *tail)
{
    tail->flags &= FLAGS_OF_FRAME;
    tail->owner = OWNER_FREE;
}

static void block_undo_compound(struct page *head, unsigned int order)
{
    if (order && head[1].flags & BIT(PG_tail))
        for (unsigned long i = 1; i < 1ul << order; i++)
            block_page_undo(&head[i]);
}

void split_page(struct page *head, unsigned int order)
{
    block_undo_compound(head, order);
    head->flags &= ~(u32)BIT(PG_head);
    head->order = 0;
    for (unsigned long i = 1; i < 1ul << order; i++) {
        head[i].owner = head->owner;
        head[i].order = 0;
        head[i].pcp = head->pcp;
        head[i].site = head->site;
        head[i].serial = head->serial;
        atomic_set(&head[i].refs, 1);
    }
}

u32 page_serial; /* debug builds: allocations so far */

/* The state of an allocated page, whichever way it came. */
static inline struct page *page_prepare(struct page *page,
                                        enum page_owner owner, void *caller)
{
    if (unlikely(page->flags & PAGE_FLAGS_IN_USE))
        page_broken(page, "given out while in use");
    if (DEBUG_ON) {
        debug_check_poison(page);
        page->site = (u64)caller;
        page->serial = ++page_serial;
    }
    page->owner = owner;
    atomic_set(&page->refs, 1);
    return page;
}

/* Blocks, zeroed pages, and when the CPU's stack is empty. */
static __noinline struct page *alloc_slow(gfp_t gfp, unsigned int order,
                                          enum page_owner owner, void *caller)
{
    struct page *page;
    u64 flags;

    if (unlikely(!request_makes_sense(gfp, order, caller)) ||
        (unlikely(fail_nth_armed) && fail_nth_now(gfp)))
        return NULL;
    flags = local_irq_save();
    page = order ? take_block(gfp, order) : pcp_refill(gfp);
    local_irq_restore(flags);
    if (unlikely(!page))
        page = take_harder(gfp, order, caller);
    if (!page)
        return NULL;
    page_prepare(page, owner, caller);
    flags = local_irq_save();
    this_cpu_add(page_owned[owner], 1l << order);
    local_irq_restore(flags);
    if (order) {
        page->order = order;
        page->flags |= BIT(PG_head);
        if (gfp & __GFP_COMP)
            block_make_compound(page, order);
    }
    if (gfp & __GFP_ZERO)
        for (unsigned long i = 0; i < 1ul << order; i++)
            clear_highpage(page + i);
    return page;
}

static __noinline struct page *zeroed(struct page *page)
{
    clear_highpage(page);
    return page;
}

struct page *alloc_pages_owner(gfp_t gfp, unsigned int order,
                               enum page_owner owner)
{
    void *caller = __builtin_return_address(0);
    struct page *page;
    struct pcp *pcp;
    u64 flags;

    if (DEBUG_ON && gfp & __GFP_SLEEP)
        may_sleep();
    if (unlikely(order))
        return alloc_slow(gfp, order, owner, caller);
    flags = local_irq_save();
    pcp = pcp_for(gfp);
    if (unlikely(!pcp->count)) {
        local_irq_restore(flags);
        return alloc_slow(gfp, 0, owner, caller);
    }
    page = pcp->pages[--pcp->count];
    this_cpu_inc(page_owned[owner]);
    local_irq_restore(flags);
    page_prepare(page, owner, caller);
    return gfp & __GFP_ZERO ? zeroed(page) : page;
}

void page_hand_out(struct page *page, enum page_owner owner, void *caller)
{
    u64 flags;

    page_prepare(page, owner, caller);
    flags = local_irq_save();
    this_cpu_inc(page_owned[owner]);
    local_irq_restore(flags);
}

/* As many as there are on the CPU's stack, the rest from the zone. */
static size_t take_pages(gfp_t gfp, enum page_owner owner, size_t n,
                         struct page **pages)
{
    u64 flags = local_irq_save();
    struct pcp *pcp = pcp_for(gfp);
    struct zone *zone;
    size_t got = 0;

    while (got < n && pcp->count)
        pages[got++] = pcp->pages[--pcp->count];
    if (got < n)
        got += zone_alloc(gfp, 0, n - got, pages + got, &zone);
    this_cpu_add(page_owned[owner], got);
    local_irq_restore(flags);
    return got;
}

size_t alloc_pages_bulk(gfp_t gfp, enum page_owner owner, size_t n,
                        struct page **pages)
{
    void *caller = __builtin_return_address(0);
    size_t got = 0;

    if (likely(!fail_nth_armed && place_makes_sense(gfp)))
        got = take_pages(gfp, owner, n, pages);
    for (size_t i = 0; i < got; i++) {
        page_prepare(pages[i], owner, caller);
        if (gfp & __GFP_ZERO)
            clear_highpage(pages[i]);
    }
    for (; got < n; got++) { /* the hard way */
        pages[got] = alloc_pages_owner(gfp, 0, owner);
        if (!pages[got])
            break;
    }
    return got;
}

static void free_block(struct page *page, unsigned int order)
{
    u64 flags;

    block_undo_compound(page, order);
    page->flags &= FLAGS_OF_FRAME;
    debug_poison(page, order);
    if (unlikely(debug_pagealloc))
        page_hide(page, 1ul << order);
    flags = local_irq_save();
    this_cpu_add(page_owned[page->owner], -(1l << order));
    page->owner = OWNER_FREE;
    page->order = 0;
    zone_give(page, order);
    local_irq_restore(flags);
}

/* Owned by nobody, onto the stack, which has room.  Interrupts are off. */
static inline void pcp_push(struct pcp *pcp, struct page *page)
{
    this_cpu_dec(page_owned[page->owner]);
    page->owner = OWNER_FREE;
    pcp->pages[pcp->count++] = page;
}

/* The CPU's stack is full, or was never used, or none is meant. */
static __noinline void free_single_slow(struct page *page)
{
    struct pcp *pcp;
    u64 flags;

    if (unlikely(debug_pagealloc || page->pcp == PCP_NONE)) {
        free_block(page, 0);
        return;
    }
    flags = local_irq_save();
    pcp = this_cpu_ptr(&page_pcp[page->pcp]);
    pcp_make_room(pcp, page_zone(page));
    pcp_push(pcp, page);
    local_irq_restore(flags);
}

static inline void free_single(struct page *page)
{
    u64 flags;
    struct pcp *pcp;

    page->flags &= FLAGS_OF_FRAME;
    debug_poison(page, 0);
    flags = local_irq_save();
    pcp = this_cpu_ptr(&page_pcp[page->pcp]);
    if (unlikely(pcp->count >= pcp->high)) {
        local_irq_restore(flags);
        free_single_slow(page);
        return;
    }
    pcp_push(pcp, page);
    local_irq_restore(flags);
}

/* What a single page has none of when it is freed. */
#define FLAGS_NOT_SINGLE (PAGE_FLAGS_IN_USE | BIT(PG_tail) | BIT(PG_head))

/* Blocks; and what cannot be freed, which gets back its reference. */
static __noinline void free_other(struct page *page, unsigned int order,
                                  void *caller)
{
    bool wrong = page->flags & (PAGE_FLAGS_IN_USE | BIT(PG_tail));

    if (!order || wrong || !page_test(page, PG_head) || page->order != order ||
        atomic_read(&page->refs) || atomic_read(&page->mapcount)) {
        atomic_inc(&page->refs);
        page_free_complain(page, order, caller);
        return;
    }
    free_block(page, order);
}

static inline void drop_page(struct page *page, unsigned int order,
                             void *caller)
{
    int refs = atomic_sub_return(&page->refs, 1);

    if (refs) {
        if (unlikely(refs < 0))
            free_other(page, order, caller);
        return;
    }
    if (unlikely(order | (page->flags & FLAGS_NOT_SINGLE) |
                 (u32)atomic_read(&page->mapcount)))
        free_other(page, order, caller);
    else
        free_single(page);
}

void page_drop(struct page *page, unsigned int order, void *caller)
{
    drop_page(page, order, caller);
}

void __free_pages(struct page *page, unsigned int order)
{
    if (page)
        drop_page(page, order, __builtin_return_address(0));
}

void put_page(struct page *page)
{
    page = compound_head(page);
    drop_page(page, page_test(page, PG_head) ? page->order : 0,
              __builtin_return_address(0));
}

void page_set_owner(struct page *page, enum page_owner owner)
{
    long n = page_test(page, PG_head) ? 1l << page->order : 1;
    u64 flags = local_irq_save();

    this_cpu_add(page_owned[page->owner], -n);
    this_cpu_add(page_owned[owner], n);
    page->owner = owner;
    local_irq_restore(flags);
}
