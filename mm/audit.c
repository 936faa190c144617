/*
 * mm/audit.c - a scan of everything for what must always hold.
 *
 * Cost       linear in mapped kernel tables: for tests and experiments.
 * Locking    none: entries are read one by one; run it when nothing changes.
 */
#include <kernel/lib/printer.h>
#include <kernel/x86/cpu.h>
#include <mm/alloc.h>
#include <mm/audit.h>

#define KERNEL_HALF(levels) (-(1ul << (PAGE_SHIFT + 9 * (levels)-1)))

/* Bits that must be zero in an entry of ours (SDM 3A 4.5, MAXPHYADDR). */
static u64 reserved_bits(void)
{
    u64 bits = PTE_PFN_MASK & ~((1ull << cpu_phys_bits()) - 1);

    if (!cpu_has(CPU_NX))
        bits |= PTE_NX;
    return bits;
}

static size_t finding(struct printer *out, unsigned long va, int level,
                      const char *what)
{
    printer_printf(out, "audit: %016lx (level %d): %s\n", va, level, what);
    return 1;
}

static size_t audit_leaf(const struct pt_cursor *c, u64 reserved,
                         struct printer *out)
{
    u64 val = c->slot->val;
    size_t n = 0;

    if (val & reserved)
        n += finding(out, c->va, c->level, "reserved bits are set");
    if (!(val & PTE_PRESENT))
        return n + finding(out, c->va, c->level, "rubbish, not present");
    if (val & PTE_WRITE && !(val & PTE_NX) && cpu_has(CPU_NX))
        n += finding(out, c->va, c->level, "writable and executable");
    if (val & PTE_USER)
        n += finding(out, c->va, c->level, "open to ring 3");
    return n;
}

static size_t audit_table(const struct pt_cursor *c, int level,
                          struct printer *out)
{
    struct page *page = virt_to_page(c->table[level]);

    if (page->owner == OWNER_PAGETABLE && page_count(page) > 0)
        return 0;
    return finding(out, c->va, level, "a table whose page is not a table's");
}

static size_t audit_kernel_half(struct printer *out)
{
    u64 reserved = reserved_bits();
    struct pt_cursor c;
    size_t n = 0;

    pt_start(&c, master_table, KERNEL_HALF(pgtable_levels), 0);
    for (; c.slot; pt_next(&c)) {
        if (pt_index(c.va, c.level) == 0)
            n += audit_table(&c, c.level, out);
        if (!pte_none(*c.slot))
            n += audit_leaf(&c, reserved, out);
    }
    return n;
}

static size_t audit_zone(struct zone *zone, struct printer *out)
{
    u64 flags = spin_lock_irqsave(&zone->lock), sum = 0;
    size_t n = 0;

    for (unsigned int order = 0; order <= MAX_ORDER; order++) {
        struct free_area *area = &zone->free_area[order];
        struct page *page;
        u64 blocks = 0;

        for (int type = 0; type < NR_MIGRATE_TYPES; type++)
            list_for_each_entry(page, &area->list[type], link) {
                blocks++;
                if (page->order != order || !page_test(page, PG_buddy) ||
                    page->zone != zone->index || atomic_read(&page->refs))
                    n += finding(out, page_to_pfn(page), order,
                                 "frame of a free block with a wrong entry");
            }
        if (blocks != area->blocks)
            n += finding(out, 0, order, "free blocks miscounted");
        sum += blocks << order;
    }
    if (sum != zone->free)
        n += finding(out, 0, 0, "free pages of a zone miscounted");
    spin_unlock_irqrestore(&zone->lock, flags);
    return n;
}

static size_t audit_ledger(struct printer *out)
{
    struct page_ledger ledger;
    u64 free;

    page_ledger_read(&ledger);
    free = page_cached_count() + pt_stock_pages();
    for (struct zone *zone = zones; zone < &zones[NR_ZONES]; zone++)
        free += zone->free;
    if (free + ledger.offline == ledger.pages[OWNER_FREE])
        return 0;
    printer_printf(out,
                   "audit: %llu pages are free, %llu offline, but the owners "
                   "leave %llu\n",
                   (unsigned long long)free, (unsigned long long)ledger.offline,
                   (unsigned long long)ledger.pages[OWNER_FREE]);
    return 1;
}

size_t mm_audit(struct printer *out)
{
    size_t n = audit_ledger(out) + audit_kernel_half(out);

    for (struct zone *zone = zones; zone < &zones[NR_ZONES]; zone++)
        n += audit_zone(zone, out);
    return n;
}
