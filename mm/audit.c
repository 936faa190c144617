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

    if (c->level > 0) /* SDM 3A table 4-15: below the frame, but for PAT */
        reserved |= PTE_PFN_MASK & (pt_span(c->level) - 1) & ~PTE_PAT_HUGE;
    if (val & PTE_PRESENT && val & reserved)
        n += finding(out, c->va, c->level, "reserved bits are set");
    if (!(val & PTE_PRESENT))
        return n + finding(out, c->va, c->level, "rubbish, not present");
    if (val & PTE_WRITE && !(val & PTE_NX) && cpu_has(CPU_NX))
        n += finding(out, c->va, c->level, "writable and executable");
    if (val & PTE_USER)
        n += finding(out, c->va, c->level, "open to ring 3");
    return n;
}

/* The tables that begin at the cursor, and the entries that lead to them. */
static size_t audit_tables(const struct pt_cursor *c, u64 reserved,
                           struct printer *out)
{
    int top = pgtable_levels - 1;
    size_t n = 0;

    for (int i = c->level; i < top && pt_index(c->va, i) == 0; i++) {
        struct page *page = virt_to_page(c->table[i]);
        u64 entry = c->table[i + 1][pt_index(c->va, i + 1)].val;

        if (page->owner != OWNER_PAGETABLE || page_count(page) == 0)
            n += finding(out, c->va, i, "a table whose page is not a table's");
        if (entry & reserved)
            n += finding(out, c->va, i + 1, "reserved bits lead to a table");
    }
    return n;
}

static size_t audit_kernel_half(struct printer *out)
{
    u64 reserved = reserved_bits();
    struct pt_cursor c;
    size_t n = 0;

    pt_start(&c, master_table, KERNEL_HALF(pgtable_levels), 0);
    for (; c.slot; pt_next(&c)) {
        n += audit_tables(&c, reserved, out);
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
