/*
 * mm/page.c - giving out pages and taking them back.
 *
 * Structure  each CPU keeps two stacks of single free pages per zone, one
 *            for movable pages; they are filled and emptied in batches.
 *            Larger blocks go straight to the zone.  page->pcp names the
 *            stack that a page goes to when it is freed.
 * Cost       a single page: a dozen memory accesses, no lock, no list.
 * Locking    a CPU's stacks and counters are touched with interrupts off on
 *            that CPU only; zone->lock is taken inside.
 * Invariant  refs == 0 exactly for free pages; owner says who holds a page
 *            and the sum of page_owned over CPUs counts them.
 * Context    any, also interrupts; nothing here sleeps.
 */
#include <kernel/core/panic.h>
#include <kernel/core/printk.h>
#include <kernel/core/xcall.h>
#include <kernel/lib/string.h>
#include <kernel/sync/lockdep.h>
#include <kernel/sync/sched_hook.h>
#include <mm/alloc.h>
#include <mm/fail.h>
#include <mm/kmap.h>
#include <mm/page_bad.h>
#include <mm/slab.h>

#define PCP_MAX 62 /* a struct pcp is 512 bytes */

struct pcp {
    u32 count; /* of pages[] */
    u32 high;  /* a full stack; 0: not set up */
    u32 batch; /* pages that move at a time */
    u32 unused;
    struct page *pages[PCP_MAX];
};

/* The last one, PCP_NONE, is always empty and always full. */
static DEFINE_PER_CPU(struct pcp, page_pcp[PCP_NONE + 1]);
DEFINE_PER_CPU(s64, page_owned[NR_PAGE_OWNERS]);

/* By the place bits of a request: which stack serves it.  A hint that the
 * last refill left; any zone that the request allows is right. */
static u8 stack_hint[GFP_PLACE_BITS + 1];

const char *const page_owner_names[NR_PAGE_OWNERS] = {
    [OWNER_FREE] = "free",
    [OWNER_RESERVED] = "reserved",
    [OWNER_IMAGE] = "image",
    [OWNER_MEMMAP] = "memmap",
    [OWNER_PAGETABLE] = "pagetable",
    [OWNER_SLAB] = "slab",
    [OWNER_KMALLOC_LARGE] = "kmalloc_large",
    [OWNER_VMALLOC] = "vmalloc",
    [OWNER_STACK] = "stack",
    [OWNER_PERCPU] = "percpu",
    [OWNER_ANON] = "anon",
    [OWNER_PAGECACHE] = "pagecache",
    [OWNER_PIPE] = "pipe",
    [OWNER_DRIVER] = "driver",
    [OWNER_INITRD] = "initrd",
    [OWNER_TEST] = "test",
};

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

/* Small zones cache little: 62 pages of 3 MiB would be missed. */
static void pcp_setup(struct pcp *pcp, const struct zone *zone)
{
    pcp->batch = min(max(zone->present / 512, 2ul), PCP_MAX / 2ul);
    pcp->high = 2 * pcp->batch;
}

static struct zone *pcp_zone(const struct pcp *pcp)
{
    return &zones[(pcp - this_cpu_ptr(&page_pcp[0])) / 2];
}

static void pcp_drain(struct pcp *pcp, u32 n)
{
    struct zone *zone = pcp_zone(pcp);

    spin_lock(&zone->lock);
    while (n-- > 0)
        buddy_give(zone, pcp->pages[--pcp->count], 0);
    spin_unlock(&zone->lock);
}

/* Interrupts are off, the hinted stack is empty. */
static struct page *pcp_refill(gfp_t gfp)
{
    struct page *pages[PCP_MAX / 2];
    u8 *hint = &stack_hint[gfp & GFP_PLACE_BITS];
    struct pcp *pcp = this_cpu_ptr(&page_pcp[*hint]);
    u32 batch = pcp->batch ? pcp->batch : 1;
    struct zone *zone;
    size_t got = zone_alloc(gfp, 0, batch, pages, &zone);
    u8 index;

    if (!got)
        return NULL;
    index = pcp_index(zone, gfp_migratetype(gfp));
    if (index == PCP_NONE)
        return pages[0]; /* one is what was asked for */
    if (likely(!fail_nth_armed && place_makes_sense(gfp)))
        *hint = index;
    pcp = this_cpu_ptr(&page_pcp[index]);
    if (unlikely(!pcp->high) && !debug_pagealloc)
        pcp_setup(pcp, zone);
    if (unlikely(pcp->count + got > PCP_MAX))
        pcp_drain(pcp, got);
    while (got > 1)
        pcp->pages[pcp->count++] = pages[--got];
    return pages[0];
}

static u8 first_stack(gfp_t gfp)
{
    enum zone_index zone = ZONE_DMA32;

    if (!place_makes_sense(gfp))
        return PCP_NONE; /* the slow path says so */
    if (gfp & __GFP_DMA)
        zone = ZONE_DMA;
    else if (gfp & __GFP_HIGHMEM && zones[ZONE_HIGHMEM].present)
        zone = ZONE_HIGHMEM;
    return pcp_index(&zones[zone], gfp_migratetype(gfp));
}

void page_fast_path(bool on)
{
    for (size_t i = 0; i < ARRAY_SIZE(stack_hint); i++)
        stack_hint[i] = on ? first_stack(i) : PCP_NONE;
}

void page_drain_local(void)
{
    u64 flags = local_irq_save();

    for (int i = 0; i < PCP_NONE; i++) {
        struct pcp *pcp = this_cpu_ptr(&page_pcp[i]);

        if (pcp->count)
            pcp_drain(pcp, pcp->count);
    }
    local_irq_restore(flags);
}

static void drain_here(void *arg)
{
    page_drain_local();
}

void page_drain_all(void)
{
    xcall(~0ull, drain_here, NULL);
    page_drain_local();
}

struct pcp_count page_pcp_count(unsigned int cpu, enum zone_index zone)
{
    const struct pcp *pcp = per_cpu_ptr(&page_pcp[2 * zone], cpu);

    return (struct pcp_count){pcp[0].count + pcp[1].count,
                              pcp[0].high + pcp[1].high,
                              max(pcp[0].batch, pcp[1].batch)};
}

u64 page_cached_count(void)
{
    u64 n = 0;

    for (unsigned int cpu = 0; cpu < nr_cpus_online; cpu++)
        for (int i = 0; i < NR_ZONES; i++)
            n += page_pcp_count(cpu, i).count;
    return n;
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
        if (page || gfp & __GFP_NORETRY)
            return page;
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
    pcp = this_cpu_ptr(&page_pcp[stack_hint[gfp & GFP_PLACE_BITS]]);
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
    struct pcp *pcp = this_cpu_ptr(&page_pcp[stack_hint[gfp & GFP_PLACE_BITS]]);
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

void *alloc_pages_exact(size_t size, gfp_t gfp)
{
    void *caller = __builtin_return_address(0);
    unsigned int order = 0;
    struct page *page;

    while (PAGE_SIZE << order < size && order <= MAX_ORDER)
        order++;
    if (!size || !block_makes_sense(&gfp, order, caller))
        return NULL;
    page = alloc_pages(gfp, order);
    if (!page)
        return NULL;
    split_page(page, order);
    for (size_t i = PFN_UP(size); i < 1ul << order; i++)
        put_page(page + i);
    return page_address(page);
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
    if (!pcp->high)
        pcp_setup(pcp, page_zone(page));
    else if (pcp->count >= pcp->high)
        pcp_drain(pcp, pcp->batch);
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

unsigned long __get_free_pages(gfp_t gfp, unsigned int order)
{
    struct page *page;

    if (!block_makes_sense(&gfp, order, __builtin_return_address(0)))
        return 0;
    page = alloc_pages(gfp, order);
    return page ? (unsigned long)page_address(page) : 0;
}

unsigned long get_zeroed_page(gfp_t gfp)
{
    return __get_free_pages(gfp | __GFP_ZERO, 0);
}

void free_pages(unsigned long addr, unsigned int order)
{
    void *caller = __builtin_return_address(0);
    struct page *page = addr ? page_of_address(addr, caller) : NULL;

    if (page)
        drop_page(page, order, caller);
}

void free_pages_exact(void *addr, size_t size)
{
    void *caller = __builtin_return_address(0);
    struct page *page =
        addr ? page_of_address((unsigned long)addr, caller) : NULL;

    for (size_t i = 0; page && i < PFN_UP(size); i++)
        drop_page(page + i, 0, caller);
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

void clear_page(void *addr)
{
    size_t words = PAGE_SIZE / 8;

    __asm__ volatile("rep stosq" : "+D"(addr), "+c"(words) : "a"(0) : "memory");
}

void copy_page(void *to, const void *from)
{
    size_t words = PAGE_SIZE / 8;

    __asm__ volatile("rep movsq"
                     : "+D"(to), "+S"(from), "+c"(words)
                     :
                     : "memory");
}

struct page *page_block(struct page *page)
{
    pfn_t pfn = page_to_pfn(page);

    for (unsigned int order = 1; order <= MAX_ORDER; order++) {
        struct page *head = pfn_to_page(ALIGN_DOWN(pfn, 1ul << order));

        if (page_test(head, PG_head) && head->order >= order)
            return head;
    }
    return page;
}

void *page_address(const struct page *page)
{
    if (page_test(page, PG_highmem))
        return kmap_address(page);
    return __va(page_to_phys(page));
}

bool pfn_valid(pfn_t pfn)
{
    struct zone *zone = pfn_zone(pfn);

    return pfn < zone->next_section &&
           physmap_all_ram(PFN_PHYS(pfn), PFN_PHYS(pfn + 1));
}

bool virt_addr_valid(const void *addr)
{
    unsigned long offset = (unsigned long)addr - page_offset;

    return offset < PHYS_LIMIT && PFN_DOWN(offset) < lowmem_end_pfn &&
           pfn_valid(PFN_DOWN(offset));
}
