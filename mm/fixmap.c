/*
 * mm/fixmap.c - the fixed windows at the top of the address space.
 *
 * Their one table is made at start-up, so setting an entry is a store.  The
 * owner of an index serialises its use.
 */
#include <kernel/core/panic.h>
#include <mm/fixmap.h>
#include <mm/memory.h>
#include <mm/tlb.h>

void __init fixmap_init(void)
{
    if (pt_add_tables(master_table, fix_to_virt(FIX_EARLY_END), FIXMAP_TOP, 0) <
        0)
        panic("no memory for the fixmap's table");
}

static void fixmap_write(enum fixmap_index index, pte_t pte)
{
    unsigned long va = fix_to_virt(index);
    struct pt_cursor c;

    BUG_ON(index > FIX_EARLY_END);
    pt_start(&c, master_table, va, va + PAGE_SIZE);
    pt_set(&c, pte);
    tlb_flush_kernel_range(va, va + PAGE_SIZE);
}

void fixmap_set(enum fixmap_index index, phys_addr_t phys, pgprot_t prot)
{
    fixmap_write(index, pte_make_leaf(phys & PAGE_MASK, prot, 0));
}

void fixmap_clear(enum fixmap_index index)
{
    fixmap_write(index, (pte_t){0});
}
