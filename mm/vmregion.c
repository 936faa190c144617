/*
 * mm/vmregion.c - the addresses of the vmalloc region: giving them out, and
 * taking them back with one flush for many areas.
 *
 * Region     [VMALLOC_START, VMALLOC_END), shared by vmalloc, vmap, ioremap
 *            and kernel stacks; mm/layout.h.
 * Structure  mm/vmarea.c keeps the areas; one unmapped guard page follows
 *            each.  One that is freed loses its entries at once, is found by
 *            nobody any more, and waits on `retired`.  A purge flushes once
 *            for all that wait, and only then gives their addresses, their
 *            own pages and themselves back.
 * When       more addresses wait than retired_max (a part of RAM, and 2 MiB
 *            per power of two of CPUs at most: more saves no flush that
 *            counts, and what comes back is cold by then); addresses or pages
 *            run out; an ioremap wants another memory type than some area
 *            that waits; the ledger is read.
 * Promise    no address and no page of vmalloc's is used for something else
 *            while a CPU may still have its translation, so a late access
 *            reads old contents or faults and never meets new ones (Linux
 *            frees the pages before its flush).  Pages that are the caller's
 *            (vmap, a range with a fault handler) are his when the call
 *            returns.  With debug_pagealloc=on an area is flushed when it is
 *            freed, and a late access faults for certain.
 * Cost       reserve and free O(log areas); a flush, which on many CPUs
 *            interrupts all of them, once per purge.
 * Locking    area_lock covers the trees and `retired`, with interrupts on, so
 *            that a holder may flush other CPUs.  purge_lock (mutex, outside
 *            it) is held over a purge: who has waited for it finds done what
 *            was retired before.  An area under construction belongs to its
 *            creator.
 * Invariant  an entry exists here only under a reserved area; no two areas
 *            overlap, those that wait included.
 * Context    may sleep; a free in atomic context leaves the purge to another.
 */
#include <kernel/core/irq.h>
#include <kernel/core/panic.h>
#include <kernel/core/printk.h>
#include <kernel/lib/printer.h>
#include <kernel/sync/mutex.h>
#include <mm/memory.h>
#include <mm/report.h>
#include <mm/slab.h>
#include <mm/tlb.h>
#include <mm/vmarea.h>

#define RETIRED_MAX (2 * MIB) /* per power of two of CPUs */
#define RETIRED_MIN (16 * PAGE_SIZE)
#define RETIRED_RAM_SHARE_BITS 8

static DEFINE_SPINLOCK(area_lock);
static struct vm_area_set areas; /* (area_lock) */
/* vmalloc's own with vmalloc_sync=lazy: the slots that are not filled. */
static struct vm_area_set lazy_areas; /* (area_lock) */
static struct kmem_cache *area_cache;
static u64 used_bytes; /* (area_lock) of areas not retired */
bool vmalloc_lazy;

/* (area_lock) Areas that wait for a flush, chained by vm_struct.link. */
static struct {
    struct list_head areas;
    unsigned long start, end; /* what the flush must cover */
    size_t bytes;             /* addresses, guard pages included */
    u32 modes;                /* BIT(cache_mode) of ioremap areas */
    u32 purge;                /* counts them: areas wait for the next */
} retired = {.areas = LIST_HEAD_INIT(retired.areas), .start = ~0ul, .purge = 1};
static u32 purging_modes;  /* (area_lock) of those that a purge works on */
static size_t retired_max; /* (c) for one CPU */
static DEFINE_MUTEX(purge_lock);
struct vm_purge_stats vm_purge_stats;

void __init vmalloc_init(void)
{
    areas.start = vmalloc_start;
    areas.end = vmalloc_end;
    if (vmalloc_lazy) {
        areas.end = vmalloc_start + pt_span(pgtable_levels - 1);
        lazy_areas.start = areas.end;
        lazy_areas.end = vmalloc_end;
    }
    retired_max =
        min(physmap_ram_bytes() >> RETIRED_RAM_SHARE_BITS, (u64)RETIRED_MAX);
    retired_max = max(retired_max, RETIRED_MIN);
    area_cache =
        kmem_cache_create("vm_struct", sizeof(struct vm_struct), 0, 0, NULL);
    if (!area_cache)
        panic("no memory for the list of vmalloc areas");
}

static struct vm_area_set *set_of(u32 flags)
{
    return vmalloc_lazy && flags & VM_ALLOC ? &lazy_areas : &areas;
}

static struct vm_area_set *set_at(unsigned long addr)
{
    return addr < areas.end ? &areas : &lazy_areas;
}

static bool place(struct vm_struct *area, size_t size, size_t align)
{
    bool placed;

    spin_lock(&area_lock);
    placed = vm_area_place(set_of(area->flags), area, size, align);
    if (placed)
        used_bytes += size;
    spin_unlock(&area_lock);
    return placed;
}

struct vm_struct *get_vm_area_caller(size_t size, u32 flags, void *caller)
{
    struct vm_struct *area;
    size_t align = PAGE_SIZE;

    if (!size || size > vmalloc_end - vmalloc_start) {
        pr_err("get_vm_area(%#zx) by %pS: no range of addresses is like that\n",
               size, caller);
        return NULL;
    }
    area = kmem_cache_alloc(area_cache, GFP_KERNEL);
    if (!area)
        return NULL;
    size = PAGE_ALIGN(size);
    if (flags & VM_ALLOC && size >= pt_span(1))
        align = pt_span(1);
    area->flags = flags;
    area->purge = 0;
    area->cache = CACHE_WB;
    area->pages = NULL;
    area->nr_pages = 0;
    area->phys = 0;
    area->fault = NULL;
    area->private = NULL;
    area->caller = caller;
    list_init(&area->link);
    if (place(area, size, align) || (vm_purge() && place(area, size, align)))
        return area;
    kmem_cache_free(area_cache, area);
    return NULL;
}

struct vm_struct *get_vm_area(size_t size, u32 flags)
{
    return get_vm_area_caller(size, flags, __builtin_return_address(0));
}

/* For a fault handler, which cannot wait for a lock it may have hit. */
struct vm_struct *find_vm_area_nolock(const void *addr)
{
    struct vm_struct *area =
        vm_area_at(set_at((unsigned long)addr), (unsigned long)addr);

    return area && !(area->flags & VM_AREA_RETIRED) ? area : NULL;
}

struct vm_struct *find_vm_area(const void *addr)
{
    struct vm_struct *area;

    spin_lock(&area_lock);
    area = find_vm_area_nolock(addr);
    spin_unlock(&area_lock);
    return area;
}

static const char *why_not(const struct vm_struct *area, unsigned long addr,
                           u32 kind)
{
    if (!area)
        return "no area is there";
    if (area->flags & VM_AREA_RETIRED)
        return "freed already";
    if (area->addr != addr)
        return addr < area->addr + area->size ? "it points into an area"
                                              : "it points to a guard page";
    return area->flags & kind ? NULL : "the area is of another kind";
}

struct vm_struct *vm_area_claim(unsigned long addr, u32 kind, const char *call,
                                void *caller)
{
    struct vm_struct *area;
    const char *why;

    spin_lock(&area_lock);
    area = vm_area_at(set_at(addr), addr);
    why = why_not(area, addr, kind);
    if (!why)
        area->flags |= VM_AREA_RETIRED;
    spin_unlock(&area_lock);
    if (!why)
        return area;
    pr_err("%s(%#lx) by %pS: %s; nothing is done\n", call, addr, caller, why);
    return NULL;
}

/* One for both, if both wait for the same purge: what a purge has to take out
 * of the tree, and others find in it, are few wide areas. */
static struct vm_struct *join(struct vm_area_set *set, struct vm_struct *left,
                              struct vm_struct *right)
{
    if (!left || !right || right->gap ||
        !(left->flags & right->flags & VM_AREA_RETIRED) ||
        left->purge != right->purge)
        return right;
    vm_area_absorb(set, left, right);
    right->flags |= VM_AREA_ABSORBED;
    return left;
}

void vm_area_retire(struct vm_struct *area)
{
    unsigned long end = area->addr + area->size;
    struct vm_area_set *set = set_at(area->addr);

    pt_unmap_range(master_table, area->addr, end);
    if (debug_pagealloc)
        tlb_flush_kernel_range(area->addr, end);
    spin_lock(&area_lock);
    area->flags |= VM_AREA_RETIRED;
    area->purge = retired.purge;
    list_add_tail(&area->link, &retired.areas);
    retired.start = min(retired.start, area->addr);
    retired.end = max(retired.end, end);
    retired.bytes += area->size + PAGE_SIZE;
    if (area->flags & VM_IOREMAP)
        retired.modes |= BIT(area->cache);
    used_bytes -= area->size;
    area = join(set, vm_area_prev(area), area);
    join(set, area, vm_area_next(area));
    spin_unlock(&area_lock);
}

static void forget_area(struct vm_struct *area)
{
    if (!(area->flags & VM_AREA_ABSORBED)) {
        spin_lock(&area_lock);
        vm_area_remove(set_at(area->addr), area);
        spin_unlock(&area_lock);
    }
    kmem_cache_free(area_cache, area);
}

/* Takes what waits; false: nothing does. */
static bool take_retired(struct list_head *gone, unsigned long *start,
                         unsigned long *end)
{
    spin_lock(&area_lock);
    list_splice_tail(&retired.areas, gone);
    *start = retired.start;
    *end = retired.end;
    purging_modes = retired.modes;
    retired.purge++;
    retired.start = ~0ul;
    retired.end = retired.bytes = retired.modes = 0;
    spin_unlock(&area_lock);
    return !list_empty(gone);
}

/* Locks: purge_lock. */
static bool purge(void)
{
    struct vm_struct *area, *next;
    unsigned long start, end;
    LIST_HEAD(gone);

    if (!take_retired(&gone, &start, &end))
        return false;
    tlb_flush_kernel_range(start, end);
    vm_purge_stats.flushes++;
    list_for_each_entry_safe(area, next, &gone, link) {
        vm_purge_stats.areas++;
        vm_area_free_pages(area); /* may retire the array of its pages */
        forget_area(area);
    }
    WRITE_ONCE(purging_modes, 0);
    return true;
}

bool vm_purge(void)
{
    bool any;

    mutex_lock(&purge_lock);
    any = purge();
    mutex_unlock(&purge_lock);
    return any;
}

void vm_purge_if_many(void)
{
    unsigned int cpu_bits = 32 - __builtin_clz(nr_cpus_online);

    if (likely(READ_ONCE(retired.bytes) < retired_max * cpu_bits) ||
        this_cpu_read(atomic_depth) ||
        (nr_cpus_online > 1 && irqs_disabled()) || !mutex_trylock(&purge_lock))
        return;
    purge();
    mutex_unlock(&purge_lock);
}

void vm_purge_other_modes(enum cache_mode mode)
{
    u32 modes;

    spin_lock(&area_lock);
    modes = retired.modes | purging_modes;
    spin_unlock(&area_lock);
    if (modes & ~BIT(mode))
        vm_purge();
}

void free_vm_area(struct vm_struct *area)
{
    vm_area_retire(area);
    vm_purge_if_many();
}

/* Tables that serve no area: those that lie wholly in a gap.  The tables
 * right under the top level stay, every process shares them. */
static void shrink_set(struct vm_area_set *set, struct list_head *detached)
{
    struct vm_struct *area = vm_area_first(set);
    unsigned long done = set->start;

    for (;; area = vm_area_next(area)) {
        unsigned long stop = area ? area->addr : set->end;

        pt_detach_tables(master_table, done, stop, detached);
        if (!area)
            break;
        done = vm_area_end(area);
    }
}

void vmalloc_shrink(void)
{
    LIST_HEAD(detached);

    spin_lock(&area_lock);
    shrink_set(&areas, &detached);
    if (vmalloc_lazy)
        shrink_set(&lazy_areas, &detached);
    if (!list_empty(&detached))
        tlb_flush_kernel_range(vmalloc_start, vmalloc_end);
    spin_unlock(&area_lock);
    pt_release_tables(&detached);
}

static void report_area(const struct vm_struct *area, struct printer *out)
{
    printer_printf(out, "0x%016lx-0x%016lx %7zu ", area->addr,
                   vm_area_end(area), area->size + PAGE_SIZE);
    if (area->flags & VM_AREA_RETIRED) {
        printer_puts(out, "unpurged vm_area\n");
        return;
    }
    printer_printf(out, "%pS", area->caller);
    if (area->nr_pages)
        printer_printf(out, " pages=%zu", area->nr_pages);
    if (area->flags & VM_IOREMAP)
        printer_printf(out, " phys=0x%016llx ioremap",
                       (unsigned long long)area->phys);
    if (area->flags & VM_ALLOC)
        printer_puts(out, " vmalloc");
    if (area->flags & VM_MAP)
        printer_puts(out, " vmap");
    if (area->flags & VM_AREA_STACK)
        printer_puts(out, " stack");
    if (area->flags & VM_AREA_FAULT)
        printer_puts(out, " on-demand");
    printer_puts(out, "\n");
}

static void report_set(const struct vm_area_set *set, struct printer *out)
{
    struct vm_struct *area = vm_area_first(set);

    for (; area; area = vm_area_next(area))
        report_area(area, out);
}

void vmallocinfo_report(struct printer *out)
{
    spin_lock(&area_lock);
    report_set(&areas, out);
    report_set(&lazy_areas, out);
    spin_unlock(&area_lock);
}

u64 vmalloc_used_bytes(void)
{
    return READ_ONCE(used_bytes);
}
