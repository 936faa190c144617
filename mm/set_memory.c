/*
 * mm/set_memory.c - changing the rights of kernel mappings that exist.
 *
 * Every call prepares (splits the large pages at both ends; may fail, and
 * changes no translation) and then commits (rewrites leaves; cannot fail),
 * flushes once, and puts together again what became equal.
 *
 * Locking    set_lock covers committing and merging, with interrupts on so that
 *            a holder may flush other CPUs; splitting is safe beside
 *            everything (pgtable.c).
 * Invariant  nothing is ever writable and executable: set_memory_x refuses
 *            what is writable, set_memory_rw takes x away.
 */
#include <kernel/sync/spinlock.h>
#include <kernel/uapi/errno.h>
#include <mm/memory.h>
#include <mm/set_memory.h>
#include <mm/tlb.h>

static DEFINE_SPINLOCK(set_lock);

struct change {
    u64 set, clear;       /* bits, as at level 0 */
    u64 forbidden;        /* -EINVAL if an entry has one of these */
    enum cache_mode mode; /* if `cache` */
    bool cache;
};

static bool is_changeable(unsigned long addr, unsigned long end)
{
    bool direct = addr >= page_offset && end - page_offset <= PHYS_LIMIT;
    bool image = addr >= (unsigned long)__kernel_start &&
                 end <= (unsigned long)__kernel_end;
    bool area = addr >= vmalloc_start && end <= vmalloc_end;

    return IS_ALIGNED(addr, PAGE_SIZE) && addr < end &&
           (direct || image || area);
}

/* Whether the large leaf at the cursor reaches beyond the range. */
static bool must_split(const struct pt_cursor *c, unsigned long start)
{
    unsigned long span = pt_span(c->level), first = c->va & -span;

    return c->level > 0 && (first < start || first + span > c->end);
}

static int prepare(unsigned long addr, unsigned long end, u64 forbidden)
{
    struct pt_cursor c;

    pt_start(&c, master_table, addr, end);
    while (c.slot) {
        if (!(c.slot->val & PTE_PRESENT) || c.slot->val & forbidden)
            return -EINVAL;
        if (!must_split(&c, addr))
            pt_next(&c);
        else if (pt_grow(&c, c.level - 1) < 0)
            return -ENOMEM;
    }
    return 0;
}

static pte_t changed(pte_t pte, int level, const struct change *change)
{
    u64 cache = PTE_PCD | PTE_PWT | (level ? PTE_PAT_HUGE : PTE_PAT_4K);
    phys_addr_t pa = pte.val & PTE_PFN_MASK & -pt_span(level);
    pgprot_t prot;

    pte.val = (pte.val & ~change->clear) | change->set;
    if (!change->cache)
        return (pte_t){pte.val & pte_supported_mask};
    prot.bits = pte.val & ~(PTE_PFN_MASK | cache | (level ? PTE_HUGE : 0));
    return pte_make_leaf(pa, pgprot_cached(prot, change->mode), level);
}

static int change_range(unsigned long addr, size_t pages,
                        const struct change *change)
{
    unsigned long end = addr + pages * PAGE_SIZE;
    LIST_HEAD(merged);
    struct pt_cursor c;
    int err;

    if (!is_changeable(addr, end))
        return -EINVAL;
    err = prepare(addr, end, change->forbidden);
    if (err)
        return err;
    spin_lock(&set_lock);
    for (pt_start(&c, master_table, addr, end); c.slot; pt_next(&c))
        pt_set(&c, changed(*c.slot, c.level, change));
    pt_merge(master_table, addr, end, &merged);
    tlb_flush_kernel_range(addr, end);
    spin_unlock(&set_lock);
    pt_release_tables(&merged);
    return 0;
}

int set_memory_ro(unsigned long addr, size_t pages)
{
    return change_range(addr, pages,
                        &(struct change){.clear = PTE_WRITE | PTE_DIRTY});
}

int set_memory_rw(unsigned long addr, size_t pages)
{
    return change_range(
        addr, pages, &(struct change){.set = PTE_WRITE | PTE_DIRTY | PTE_NX});
}

int set_memory_x(unsigned long addr, size_t pages)
{
    return change_range(
        addr, pages, &(struct change){.clear = PTE_NX, .forbidden = PTE_WRITE});
}

int set_memory_nx(unsigned long addr, size_t pages)
{
    return change_range(addr, pages, &(struct change){.set = PTE_NX});
}

int set_memory_uc(unsigned long addr, size_t pages)
{
    return change_range(addr, pages,
                        &(struct change){.cache = true, .mode = CACHE_UC});
}

int set_memory_wb(unsigned long addr, size_t pages)
{
    return change_range(addr, pages,
                        &(struct change){.cache = true, .mode = CACHE_WB});
}

int set_direct_map_invalid(struct page *page, size_t pages)
{
    unsigned long addr = page_offset + page_to_phys(page);
    unsigned long end = addr + pages * PAGE_SIZE;
    int err = prepare(addr, end, 0);

    if (err)
        return err;
    spin_lock(&set_lock);
    pt_unmap_range(master_table, addr, end);
    tlb_flush_kernel_range(addr, end);
    spin_unlock(&set_lock);
    return 0;
}

int set_direct_map_default(struct page *page, size_t pages)
{
    unsigned long addr = page_offset + page_to_phys(page);
    unsigned long end = addr + pages * PAGE_SIZE;
    LIST_HEAD(merged);
    int err;

    spin_lock(&set_lock);
    err = pt_map_range(master_table, addr, page_to_phys(page), end - addr,
                       PAGE_KERNEL, 2);
    if (!err && !debug_pagealloc)
        pt_merge(master_table, addr, end, &merged);
    if (!list_empty(&merged))
        tlb_flush_kernel_range(addr, end);
    spin_unlock(&set_lock);
    pt_release_tables(&merged);
    return err;
}
