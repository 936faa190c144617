/*
 * mm/page.c - giving out pages and taking them back.
 *
 * Structure  each CPU keeps a stack of single free pages per zone; it is
 *            filled and emptied in batches.  Larger blocks go straight to
 *            the zone.
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
#include <mm/slab.h>

#define PCP_MAX 62 /* a struct pcp is 512 bytes */

struct pcp {
    u32 count; /* of pages[] */
    u32 high;  /* a full stack; 0: not set up */
    u32 batch; /* pages that move at a time */
    u32 unused;
    struct page *pages[PCP_MAX];
};

/* The last one is always empty. */
static DEFINE_PER_CPU(struct pcp, page_pcp[NR_ZONES + 1]);
DEFINE_PER_CPU(s64, page_owned[NR_PAGE_OWNERS]);

/* By the zone bits of a request: whose stack serves it.  A hint that the
 * last refill left; any zone that the request allows is right. */
static u8 zone_hint[8];

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

/* A free page has none of these; a page that is freed neither. */
#define FLAGS_IN_USE                                                           \
    (BIT(PG_reserved) | BIT(PG_buddy) | BIT(PG_slab) | BIT(PG_lru) |           \
     BIT(PG_locked) | BIT(PG_hole))
/* What stays with the frame through all its lives. */
#define FLAGS_OF_FRAME BIT(PG_highmem)

#define POISON_FREE 0xaa /* debug builds: contents of a free page */

static __noinline void __noreturn page_broken(struct page *page,
                                              const char *what)
{
    panic("page %p (frame %lx): %s; flags %x refs %d mapcount %d owner %s, "
          "allocated at %llx",
          (void *)page, page_to_pfn(page), what, page->flags,
          atomic_read(&page->refs), atomic_read(&page->mapcount),
          page->owner < NR_PAGE_OWNERS ? page_owner_names[page->owner] : "?",
          (unsigned long long)page_site(page));
}

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

static void pcp_drain(struct pcp *pcp, struct zone *zone, u32 n)
{
    spin_lock(&zone->lock);
    while (n-- > 0)
        buddy_give(zone, pcp->pages[--pcp->count], 0);
    spin_unlock(&zone->lock);
}

/* Interrupts are off, the stack of the hinted zone is empty. */
static struct page *pcp_refill(gfp_t gfp)
{
    struct page *pages[PCP_MAX / 2];
    struct pcp *pcp = this_cpu_ptr(&page_pcp[zone_hint[gfp & 7]]);
    u32 batch = pcp->batch ? pcp->batch : 1;
    struct zone *zone;
    size_t got = zone_alloc(gfp, 0, batch, pages, &zone);

    if (!got)
        return NULL;
    if (likely(!fail_nth_armed))
        zone_hint[gfp & 7] = zone->index;
    pcp = this_cpu_ptr(&page_pcp[zone->index]);
    if (unlikely(!pcp->high) && !debug_pagealloc)
        pcp_setup(pcp, zone);
    if (unlikely(pcp->count + got > PCP_MAX))
        pcp_drain(pcp, zone, got);
    while (got > 1)
        pcp->pages[pcp->count++] = pages[--got];
    return pages[0];
}

static u8 first_zone(gfp_t gfp)
{
    if (gfp & __GFP_DMA)
        return ZONE_DMA;
    if (gfp == __GFP_HIGHMEM && zones[ZONE_HIGHMEM].present)
        return ZONE_HIGHMEM;
    return ZONE_DMA32;
}

void page_fast_path(bool on)
{
    for (size_t i = 0; i < ARRAY_SIZE(zone_hint); i++)
        zone_hint[i] = on ? first_zone(i) : NR_ZONES;
}

void page_drain_local(void)
{
    u64 flags = local_irq_save();

    for (int i = 0; i < NR_ZONES; i++) {
        struct pcp *pcp = this_cpu_ptr(&page_pcp[i]);

        pcp_drain(pcp, &zones[i], pcp->count);
    }
    local_irq_restore(flags);
}

static void drain_here(void *arg)
{
    page_drain_local();
}

u64 page_cached_count(void)
{
    u64 n = 0;

    for (unsigned int cpu = 0; cpu < nr_cpus_online; cpu++)
        for (int i = 0; i < NR_ZONES; i++)
            n += per_cpu_ptr(&page_pcp[i], cpu)->count;
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

/* Nothing was free: give back what is only cached, then look again. */
static struct page *take_after_shrinking(gfp_t gfp, unsigned int order,
                                         void *caller)
{
    bool may_sleep =
        gfp & __GFP_SLEEP && !irqs_disabled() && !this_cpu_read(atomic_depth);
    struct page *page;
    u64 flags;

    if (gfp & __GFP_NORETRY)
        return NULL;
    do {
        if (may_sleep) {
            if (nr_cpus_online > 1)
                xcall(~0ull, drain_here, NULL);
            slab_shrink();
            kernel_stack_shrink();
            pt_stock_shrink();
        }
        flags = local_irq_save();
        page = take_block(gfp, order);
        local_irq_restore(flags);
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
    if (unlikely(page->flags & FLAGS_IN_USE))
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

    if (order > MAX_ORDER || (unlikely(fail_nth_armed) && fail_nth_now(gfp)))
        return NULL;
    flags = local_irq_save();
    page = order ? take_block(gfp, order) : pcp_refill(gfp);
    local_irq_restore(flags);
    if (unlikely(!page))
        page = take_after_shrinking(gfp, order, caller);
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
    pcp = this_cpu_ptr(&page_pcp[zone_hint[gfp & 7]]);
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

size_t alloc_pages_bulk(gfp_t gfp, enum page_owner owner, size_t n,
                        struct page **pages)
{
    for (size_t i = 0; i < n; i++) {
        pages[i] = alloc_pages_owner(gfp, 0, owner);
        if (!pages[i])
            return i;
    }
    return n;
}

void *alloc_pages_exact(size_t size, gfp_t gfp)
{
    unsigned int order = 0;
    struct page *page;

    while (PAGE_SIZE << order < size && order <= MAX_ORDER)
        order++;
    page = alloc_pages(gfp & ~__GFP_HIGHMEM, order);
    if (!page)
        return NULL;
    split_page(page, order);
    for (size_t i = PFN_UP(size); i < 1ul << order; i++)
        put_page(page + i);
    return page_address(page);
}

void free_pages_exact(void *addr, size_t size)
{
    for (size_t i = 0; addr && i < PFN_UP(size); i++)
        put_page(virt_to_page(addr) + i);
}

static __noinline void free_block(struct page *page, unsigned int order)
{
    u64 flags;

    block_undo_compound(page, order);
    page->flags &= FLAGS_OF_FRAME;
    debug_poison(page, order);
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

/* The CPU's stack is full, or was never used. */
static __noinline void free_single_slow(struct page *page)
{
    u64 flags = local_irq_save();
    struct pcp *pcp = this_cpu_ptr(&page_pcp[page->zone]);

    if (unlikely(debug_pagealloc)) {
        free_block(page, 0);
        local_irq_restore(flags);
        return;
    }
    if (!pcp->high)
        pcp_setup(pcp, page_zone(page));
    else if (pcp->count >= pcp->high)
        pcp_drain(pcp, page_zone(page), pcp->batch);
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
    pcp = this_cpu_ptr(&page_pcp[page->zone]);
    if (unlikely(pcp->count >= pcp->high)) {
        local_irq_restore(flags);
        free_single_slow(page);
        return;
    }
    pcp_push(pcp, page);
    local_irq_restore(flags);
}

void __free_pages(struct page *page, unsigned int order)
{
    int refs;

    if (!page)
        return;
    refs = atomic_sub_return(&page->refs, 1);
    if (unlikely(refs < 0))
        page_broken(page, "freed twice");
    if (refs > 0)
        return;
    if (unlikely((page->flags & FLAGS_IN_USE) | atomic_read(&page->mapcount)))
        page_broken(page, "freed while in use");
    if (likely(order == 0))
        free_single(page);
    else
        free_block(page, order);
}

void put_page(struct page *page)
{
    page = compound_head(page);
    __free_pages(page, page_test(page, PG_head) ? page->order : 0);
}

unsigned long __get_free_pages(gfp_t gfp, unsigned int order)
{
    struct page *page = alloc_pages(gfp & ~__GFP_HIGHMEM, order);

    return page ? (unsigned long)page_address(page) : 0;
}

unsigned long get_zeroed_page(gfp_t gfp)
{
    return __get_free_pages(gfp | __GFP_ZERO, 0);
}

void free_pages(unsigned long addr, unsigned int order)
{
    if (addr)
        __free_pages(virt_to_page((void *)addr), order);
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
