/*
 * mm/fixmap.c - the fixed windows at the top of the address space.
 *
 * Their one table is made at start-up, so setting an entry is a store.  The
 * owner of an index serialises its use.
 */
#include <kernel/core/panic.h>
#include <kernel/core/printk.h>
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

void __set_fixmap(enum fixmap_index index, phys_addr_t phys, pgprot_t prot)
{
    fixmap_write(index, pte_make_leaf(phys & PAGE_MASK, prot, 0));
}

void clear_fixmap(enum fixmap_index index)
{
    fixmap_write(index, (pte_t){0});
}

/* ---- early_ioremap ---- */

static struct {
    unsigned long addr; /* as given out; 0: free */
    size_t size;
} early[EARLY_SLOTS];

static unsigned int early_pages(phys_addr_t phys, size_t size)
{
    return PFN_UP(phys + size) - PFN_DOWN(phys);
}

/* Its lowest page; indexes count downwards. */
static enum fixmap_index early_first(unsigned int slot)
{
    return FIX_EARLY + slot * EARLY_PAGES + EARLY_PAGES - 1;
}

static void *early_map(phys_addr_t phys, size_t size, pgprot_t prot,
                       void *caller)
{
    const char *why = NULL;
    unsigned int slot = 0;

    while (slot < EARLY_SLOTS && early[slot].addr)
        slot++;
    if (!size || phys + size - 1 < phys)
        why = size ? "the range wraps" : "no bytes";
    else if (size > EARLY_PAGES * PAGE_SIZE ||
             early_pages(phys, size) > EARLY_PAGES)
        why = "longer than a window";
    else if (slot == EARLY_SLOTS)
        why = "no window is free";
    if (why) {
        pr_err("early_ioremap(%pa, %#zx) by %pS: refused, %s\n", &phys, size,
               caller, why);
        return NULL;
    }
    for (unsigned int i = 0; i < early_pages(phys, size); i++)
        __set_fixmap(early_first(slot) - i, phys + i * PAGE_SIZE, prot);
    early[slot].addr = fix_to_virt(early_first(slot)) + phys % PAGE_SIZE;
    early[slot].size = size;
    return (void *)early[slot].addr;
}

static void early_unmap(unsigned long addr, size_t size, void *caller)
{
    for (unsigned int slot = 0; slot < EARLY_SLOTS; slot++) {
        if (!addr || early[slot].addr != addr || early[slot].size != size)
            continue;
        for (unsigned int i = 0; i < EARLY_PAGES; i++)
            clear_fixmap(early_first(slot) - i);
        early[slot].addr = 0;
        return;
    }
    pr_err("early_iounmap(%#lx, %#zx) by %pS: no window is like that\n", addr,
           size, caller);
}

void __iomem *early_ioremap(phys_addr_t phys, size_t size)
{
    return (void __iomem __force *)early_map(
        phys, size, pgprot_noncached(PAGE_KERNEL), __builtin_return_address(0));
}

void *early_memremap(phys_addr_t phys, size_t size)
{
    return early_map(phys, size, PAGE_KERNEL, __builtin_return_address(0));
}

void early_iounmap(void __iomem *addr, size_t size)
{
    early_unmap((unsigned long)addr, size, __builtin_return_address(0));
}

void early_memunmap(void *addr, size_t size)
{
    early_unmap((unsigned long)addr, size, __builtin_return_address(0));
}
