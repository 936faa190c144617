/*
 * mm/kmap.c - windows to RAM that has no logical address.
 *
 *      FIX_KMAP_LOCAL  | CPU 0: 16 slots | CPU 1: 16 slots | ...
 *      FIX_PKMAP       | 128 slots, shared |
 *
 * Shared     a slot shows one page to everybody and counts its users.  At
 *            zero the translation stays until slots run out; then all unused
 *            ones are cleared with a single flush.  If that frees none, kmap()
 *            sleeps until some kunmap().
 * Local      a CPU's slots are a stack: an interrupt pushes and pops its own
 *            above those of what it interrupted, so nothing is locked.
 * Locking    kmap_lock covers the shared window.
 */
#include <kernel/core/panic.h>
#include <kernel/core/percpu.h>
#include <kernel/core/printk.h>
#include <kernel/lib/string.h>
#include <kernel/sync/waitq.h>
#include <mm/fixmap.h>
#include <mm/kmap.h>
#include <mm/memory.h>
#include <mm/slab.h>
#include <mm/tlb.h>
#include <mm/zone.h>

#define BUCKETS 64
#define NO_SLOT 0xff
_Static_assert(PKMAP_SLOTS < NO_SLOT, "a slot's number is a byte");

struct window {
    struct page *page[PKMAP_SLOTS]; /* NULL: the slot is on the free list */
    u32 users[PKMAP_SLOTS];
    u8 next[PKMAP_SLOTS]; /* in the bucket's list, or the free list */
    u8 bucket[BUCKETS];   /* slots by frame number */
    u8 free;
};

static DEFINE_SPINLOCK(kmap_lock);
static struct window *window; /* (kmap_lock) NULL without HIGHMEM */
static DEFINE_WAIT_QUEUE(slot_freed);
static DEFINE_PER_CPU(u32, local_depth);

static unsigned long slot_address(unsigned int slot)
{
    return fix_to_virt(FIX_PKMAP + slot);
}

static u8 *bucket_of(const struct page *page)
{
    return &window->bucket[page_to_pfn(page) % BUCKETS];
}

static u8 find_slot(const struct page *page)
{
    u8 slot = *bucket_of(page);

    while (slot != NO_SLOT && window->page[slot] != page)
        slot = window->next[slot];
    return slot;
}

static void set_entry(unsigned long va, pte_t pte)
{
    struct pt_cursor c;

    pt_start(&c, master_table, va, va + PAGE_SIZE);
    pt_set(&c, pte);
}

static void unhash(u8 slot)
{
    u8 *link = bucket_of(window->page[slot]);

    while (*link != slot)
        link = &window->next[*link];
    *link = window->next[slot];
}

/*
 * Makes all slots without users free: one flush for all of them, and without
 * the lock, because other CPUs may spin on it with interrupts off.
 */
static void purge_unused(void)
{
    u64 flags = spin_lock_irqsave(&kmap_lock);
    u8 gone = NO_SLOT, last = NO_SLOT;

    for (unsigned int slot = 0; slot < PKMAP_SLOTS; slot++) {
        if (!window->page[slot] || window->users[slot])
            continue;
        unhash(slot);
        set_entry(slot_address(slot), (pte_t){0});
        window->page[slot] = NULL;
        window->next[slot] = gone;
        gone = slot;
        if (last == NO_SLOT)
            last = slot;
    }
    spin_unlock_irqrestore(&kmap_lock, flags);
    if (gone == NO_SLOT)
        return;
    tlb_flush_kernel_range(slot_address(PKMAP_SLOTS - 1),
                           slot_address(0) + PAGE_SIZE);
    flags = spin_lock_irqsave(&kmap_lock);
    window->next[last] = window->free;
    window->free = gone;
    spin_unlock_irqrestore(&kmap_lock, flags);
}

/* Points a free slot at the page; NO_SLOT: none is free.  Locks: kmap_lock. */
static u8 fill_slot(struct page *page)
{
    u8 slot = window->free, *bucket = bucket_of(page);

    if (slot == NO_SLOT)
        return NO_SLOT;
    window->free = window->next[slot];
    window->page[slot] = page;
    window->next[slot] = *bucket;
    *bucket = slot;
    set_entry(slot_address(slot),
              pte_make_leaf(page_to_phys(page), PAGE_KERNEL, 0));
    return slot;
}

/* A slot that shows the page, with one more user; NO_SLOT: all are used. */
static u8 window_get(struct page *page)
{
    u64 flags = spin_lock_irqsave(&kmap_lock);
    u8 slot = find_slot(page);

    if (slot == NO_SLOT)
        slot = fill_slot(page);
    if (slot == NO_SLOT) {
        spin_unlock_irqrestore(&kmap_lock, flags);
        purge_unused();
        flags = spin_lock_irqsave(&kmap_lock);
        slot = find_slot(page); /* unlocked: another may have mapped it */
        if (slot == NO_SLOT)
            slot = fill_slot(page);
    }
    if (slot != NO_SLOT)
        window->users[slot]++;
    spin_unlock_irqrestore(&kmap_lock, flags);
    return slot;
}

void *kmap_high(struct page *page)
{
    u8 slot;

    if (this_cpu_read(atomic_depth))
        panic("BUG: kmap() may sleep, but the context is atomic");
    slot = window_get(page);
    if (unlikely(slot == NO_SLOT))
        wait_event(&slot_freed, (slot = window_get(page)) != NO_SLOT);
    return (void *)slot_address(slot);
}

void kunmap_high(struct page *page)
{
    u64 flags = spin_lock_irqsave(&kmap_lock);
    u8 slot = find_slot(page);
    bool unused = false;

    if (slot == NO_SLOT || !window->users[slot])
        pr_err("kunmap by %pS: frame %lx is not kmapped\n",
               __builtin_return_address(0), page_to_pfn(page));
    else
        unused = --window->users[slot] == 0;
    spin_unlock_irqrestore(&kmap_lock, flags);
    if (unused)
        wake_up(&slot_freed);
}

void *kmap_address(const struct page *page)
{
    u64 flags = spin_lock_irqsave(&kmap_lock);
    u8 slot = window ? find_slot(page) : NO_SLOT;
    bool used = slot != NO_SLOT && window->users[slot];

    spin_unlock_irqrestore(&kmap_lock, flags);
    return used ? (void *)slot_address(slot) : NULL;
}

void kmap_usage(unsigned int *used, unsigned int *slots)
{
    *used = 0;
    *slots = window ? PKMAP_SLOTS : 0;
    for (unsigned int slot = 0; slot < *slots; slot++)
        *used += window->page[slot] && window->users[slot];
}

static unsigned long local_address(u32 depth)
{
    return fix_to_virt(FIX_KMAP_LOCAL + smp_processor_id() * KMAP_LOCAL_MAX +
                       depth);
}

void *kmap_local_high(struct page *page)
{
    u32 depth = this_cpu_read(local_depth);
    unsigned long va = local_address(depth);

    BUG_ON(depth >= KMAP_LOCAL_MAX);
    this_cpu_inc(local_depth);
    this_cpu_inc(atomic_depth); /* the slot is this CPU's */
    set_entry(va, pte_make_leaf(page_to_phys(page), PAGE_KERNEL, 0));
    tlb_flush_local_page(va);
    return (void *)va;
}

void kunmap_local_high(const void *addr)
{
    unsigned long va = (unsigned long)addr & PAGE_MASK;
    u32 depth = this_cpu_read(local_depth);

    if (depth == 0 || va != local_address(depth - 1)) {
        pr_err("kunmap_local(%p) by %pS: not what this CPU mapped last\n", addr,
               __builtin_return_address(0));
        return;
    }
    set_entry(va, (pte_t){0});
    tlb_flush_local_page(va);
    this_cpu_dec(local_depth);
    this_cpu_dec(atomic_depth);
}

void clear_highpage(struct page *page)
{
    void *addr = kmap_local_page(page);

    clear_page(addr);
    kunmap_local(addr);
}

void copy_highpage(struct page *to, struct page *from)
{
    void *src = kmap_local_page(from), *dst = kmap_local_page(to);

    copy_page(dst, src);
    kunmap_local(dst);
    kunmap_local(src);
}

void __init kmap_init(void)
{
    if (!zones[ZONE_HIGHMEM].present)
        return;
    window = kzalloc(sizeof(*window), GFP_KERNEL);
    if (!window || pt_add_tables(master_table, fix_to_virt(NR_FIXMAP - 1),
                                 FIXMAP_TOP, 0) < 0)
        panic("no memory for the windows to high memory");
    memset(window->bucket, NO_SLOT, sizeof(window->bucket));
    for (unsigned int slot = 0; slot < PKMAP_SLOTS; slot++)
        window->next[slot] = slot + 1 < PKMAP_SLOTS ? slot + 1 : NO_SLOT;
    window->free = 0;
}
