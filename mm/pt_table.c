/*
 * mm/pt_table.c - the pages that page tables are made of.
 *
 * A table that is given back empty is worth more than a page: clearing one
 * costs 512 stores.  Each CPU keeps a few, and a few roots whose kernel half
 * is in place, which makes most of what fork and exec ask for.
 *
 * Locking    a CPU's stock is touched in tasks only, which the kernel never
 *            preempts.
 * Invariant  a stocked table is all zero; a stocked root is zero in the user
 *            half and equal to the master table in the other, and so is the
 *            other one of its pair with pti=on.  The ledger counts both as
 *            free, and memory pressure takes them.
 */
#include <kernel/core/panic.h>
#include <kernel/lib/string.h>
#include <mm/fail.h>
#include <mm/memory.h>

#define STOCK_MAX 15
#define HALF (512 / 2) /* entries */

struct stock {
    u64 count;
    pte_t *table[STOCK_MAX];
};

static DEFINE_PER_CPU(struct stock, empty_tables);
static DEFINE_PER_CPU(struct stock, roots);
DEFINE_PER_CPU(pt_source_fn *, pt_table_source);

static pte_t *stock_take(struct stock *stock)
{
    return stock->count ? stock->table[--stock->count] : NULL;
}

/* Whether there was room; none while a test wants every allocation to count. */
static bool stock_put(struct stock *stock, pte_t *table)
{
    if (stock->count == STOCK_MAX || fail_nth_armed)
        return false;
    stock->table[stock->count++] = table;
    return true;
}

pte_t *pt_table_alloc(void)
{
    pt_source_fn *source = this_cpu_read(pt_table_source);
    struct page *page;
    pte_t *table;

    if (unlikely(source))
        return source();
    table = stock_take(this_cpu_ptr(&empty_tables));
    if (table)
        return table;
    page = alloc_pages_owner(GFP_KERNEL | __GFP_ZERO, 0, OWNER_PAGETABLE);
    return page ? page_address(page) : NULL;
}

void pt_table_free(pte_t *table)
{
    __free_page(virt_to_page(table));
}

static bool all_zero(const pte_t *entry, size_t n)
{
    u64 bits = 0;

    while (n-- > 0)
        bits |= entry[n].val;
    return !bits;
}

void pt_table_free_empty(pte_t *table)
{
    ASSERT(all_zero(table, 512));
    if (!stock_put(this_cpu_ptr(&empty_tables), table))
        pt_table_free(table);
}

unsigned int pt_root_pages(void)
{
    return 1u << pti_on;
}

static void copy_kernel_half(pte_t *root, const pte_t *from)
{
    memcpy(root + HALF, from + HALF, HALF * sizeof(*root));
}

/* A pair lies side by side, the kernel's at an even page (bit 12 of CR3). */
static pte_t *pair_alloc(void)
{
    struct page *page =
        alloc_pages_owner(GFP_KERNEL | __GFP_ZERO, 1, OWNER_PAGETABLE);
    pte_t *root = page ? page_address(page) : NULL;

    if (root)
        copy_kernel_half(pti_user_root(root), pti_user_root(master_table));
    return root;
}

pte_t *pt_root_alloc(void)
{
    pte_t *root = stock_take(this_cpu_ptr(&roots));

    if (root)
        return root;
    root = pti_on ? pair_alloc() : pt_table_alloc();
    if (root)
        copy_kernel_half(root, master_table);
    return root;
}

static void root_release(pte_t *root)
{
    __free_pages(virt_to_page(root), pti_on);
}

void pt_root_free(pte_t *root)
{
    ASSERT(all_zero(root, HALF));
    ASSERT(!pti_on || all_zero(pti_user_root(root), HALF));
    /* Under vmalloc_sync=lazy a root's kernel half may lag behind. */
    if (vmalloc_lazy || !stock_put(this_cpu_ptr(&roots), root))
        root_release(root);
}

void pt_stock_shrink(void)
{
    pte_t *table;

    while ((table = stock_take(this_cpu_ptr(&empty_tables))))
        pt_table_free(table);
    while ((table = stock_take(this_cpu_ptr(&roots))))
        root_release(table);
}

u64 pt_stock_pages(void)
{
    u64 n = 0;

    for (unsigned int cpu = 0; cpu < nr_cpus_online; cpu++)
        n += per_cpu_ptr(&empty_tables, cpu)->count +
             per_cpu_ptr(&roots, cpu)->count * pt_root_pages();
    return n;
}

bool pt_table_reachable(phys_addr_t pa)
{
    return pfn_valid(PFN_DOWN(pa)) && PFN_DOWN(pa) < lowmem_end_pfn;
}
