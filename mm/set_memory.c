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
#include <kernel/core/printk.h>
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

/* Why the rights of the range cannot be changed, or NULL. */
static const char *why_not(unsigned long addr, size_t pages)
{
    unsigned long end = addr + pages * PAGE_SIZE;
    bool direct = addr >= page_offset && end - page_offset <= PHYS_LIMIT;
    bool image = addr >= (unsigned long)__kernel_start &&
                 end <= (unsigned long)__kernel_end;
    bool area = addr >= vmalloc_start && end <= vmalloc_end;

    if (!IS_ALIGNED(addr, PAGE_SIZE))
        return "the address is not page-aligned";
    if (!pages || pages > -addr >> PAGE_SHIFT)
        return pages ? "the range wraps" : "no pages";
    if (!direct && !image && !area)
        return "the range is not the direct map's, the image's or vmalloc's";
    return NULL;
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
                        const struct change *change, void *caller)
{
    unsigned long end = addr + pages * PAGE_SIZE;
    const char *why = why_not(addr, pages);
    LIST_HEAD(merged);
    struct pt_cursor c;
    int err = why ? -EINVAL : prepare(addr, end, change->forbidden);

    if (err == -EINVAL)
        pr_err("set_memory(%#lx, %zu pages) by %pS: %s\n", addr, pages, caller,
               why                 ? why
               : change->forbidden ? "not mapped, or writable"
                                   : "not mapped");
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
    static const struct change change = {.clear = PTE_WRITE | PTE_DIRTY};

    return change_range(addr, pages, &change, __builtin_return_address(0));
}

int set_memory_rw(unsigned long addr, size_t pages)
{
    static const struct change change = {.set = PTE_WRITE | PTE_DIRTY | PTE_NX};

    return change_range(addr, pages, &change, __builtin_return_address(0));
}

int set_memory_x(unsigned long addr, size_t pages)
{
    static const struct change change = {.clear = PTE_NX,
                                         .forbidden = PTE_WRITE};

    return change_range(addr, pages, &change, __builtin_return_address(0));
}

int set_memory_nx(unsigned long addr, size_t pages)
{
    static const struct change change = {.set = PTE_NX};

    return change_range(addr, pages, &change, __builtin_return_address(0));
}

int set_memory_uc(unsigned long addr, size_t pages)
{
    static const struct change change = {.cache = true, .mode = CACHE_UC};

    return change_range(addr, pages, &change, __builtin_return_address(0));
}

int set_memory_wb(unsigned long addr, size_t pages)
{
    static const struct change change = {.cache = true, .mode = CACHE_WB};

    return change_range(addr, pages, &change, __builtin_return_address(0));
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
