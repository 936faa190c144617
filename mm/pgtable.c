/*
 * mm/pgtable.c - the one walker of page tables.
 *
 * Structure  a cursor holds the tables on its way down, so the next slot is
 *            mostly slot + 1 (pgtable.h, inline); only at a table's edge, or
 *            above level 0, does pt_reseek climb and descend.
 * Cost       a step O(1) amortised; a range one walk, with an inner loop over
 *            the slots of each table.
 * Locking    the caller's for leaves.  A table is linked by compare-and-swap,
 *            so two CPUs that grow side by side never lose one.
 * Invariant  a table is reached through exactly one slot (kernel tables: one
 *            slot per root, always the same); rights are decided by leaves
 *            alone, upper entries allow everything their half may have.
 */
#include <kernel/core/panic.h>
#include <kernel/lib/string.h>
#include <kernel/uapi/errno.h>
#include <kernel/x86/cpu.h>
#include <mm/memory.h>

unsigned int pgtable_levels = 4;
bool pti_on;
u64 pte_supported_mask = ~(PTE_NX | PTE_GLOBAL);

/* Accessed and dirty are set at once: the CPU need not write them later. */
#define KERNEL_BITS (PTE_PRESENT | PTE_ACCESSED | PTE_GLOBAL)
const pgprot_t PAGE_KERNEL = {KERNEL_BITS | PTE_WRITE | PTE_DIRTY | PTE_NX};
const pgprot_t PAGE_KERNEL_RO = {KERNEL_BITS | PTE_NX};
const pgprot_t PAGE_KERNEL_EXEC = {KERNEL_BITS};

/* PAT index = PAT:PCD:PWT (SDM 3A 11.12.3); what an index means is what
 * cpu_enable_protections() programs: enum pat_index in kernel/x86/cpu.h. */
#define PTE_CACHE_BITS (PTE_PAT_4K | PTE_PCD | PTE_PWT)
static const u64 cache_bits[] = {
    [CACHE_WB] = 0,
    [CACHE_WC] = PTE_PAT_4K,
    [CACHE_UC_MINUS] = PTE_PCD,
    [CACHE_UC] = PTE_PCD | PTE_PWT,
    [CACHE_WT] = PTE_PWT,
};

pgprot_t pgprot_cached(pgprot_t prot, enum cache_mode mode)
{
    u64 bits = cache_bits[mode];

    if (!cpu_has(CPU_PAT) && mode == CACHE_WC)
        bits = PTE_PCD; /* a CPU without PAT takes bit 7 for reserved */
    return (pgprot_t){(prot.bits & ~PTE_CACHE_BITS) | bits};
}

enum cache_mode pte_cache_mode(pte_t pte, int level)
{
    u64 pat = pte.val & (level ? PTE_PAT_HUGE : PTE_PAT_4K);
    u64 bits = (pte.val & (PTE_PCD | PTE_PWT)) | (pat ? PTE_PAT_4K : 0);

    for (int mode = 0; mode < (int)ARRAY_SIZE(cache_bits); mode++)
        if (cache_bits[mode] == bits)
            return mode;
    return CACHE_WB; /* indices 5 to 7 are never written by us */
}

pte_t pte_make_leaf(phys_addr_t pa, pgprot_t prot, int level)
{
    u64 bits = prot.bits;

    if (level > 0) {
        if (bits & PTE_PAT_4K)
            bits ^= PTE_PAT_4K | PTE_PAT_HUGE;
        bits |= PTE_HUGE;
    }
    return (pte_t){(pa | bits) & pte_supported_mask};
}

static pte_t *pte_table(pte_t pte)
{
    return __va(pte.val & PTE_PFN_MASK);
}

/* From the table of c->level down, as far as there are tables. */
static void pt_descend(struct pt_cursor *c)
{
    int level = c->level;
    pte_t *slot = c->table[level] + pt_index(c->va, level);

    for (pte_t pte = *slot; pte_is_table(pte, level); pte = *slot) {
        level--;
        c->table[level] = pte_table(pte);
        slot = c->table[level] + pt_index(c->va, level);
    }
    c->level = level;
    c->slot = slot;
}

void pt_start(struct pt_cursor *c, pte_t *root, unsigned long va,
              unsigned long end)
{
    c->va = va;
    c->end = end;
    c->tables = 0;
    c->level = pgtable_levels - 1;
    c->table[c->level] = root;
    if (va > end - 1)
        c->slot = NULL;
    else
        pt_descend(c);
}

void pt_reseek(struct pt_cursor *c)
{
    int top = pgtable_levels - 1;
    unsigned long hole = 1ul << (PAGE_SHIFT + 9 * pgtable_levels - 1);

    while (c->level < top && pt_index(c->va, c->level) == 0)
        c->level++;
    if (c->va == hole) {
        c->va = -hole; /* the kernel half: addresses are sign-extended */
        if (c->va > c->end - 1) {
            c->slot = NULL;
            return;
        }
    }
    pt_descend(c);
}

s64 pt_direct_leaves[PT_LEAF_LEVELS];

/* So many leaves more at va; only the direct map's are counted. */
static inline void pt_count(unsigned long va, int level, s64 n)
{
    unsigned long base = pgtable_levels == 5 ? DIRECT_BASE_5L : DIRECT_BASE_4L;

    if (va - base < PHYS_LIMIT)
        __atomic_fetch_add(&pt_direct_leaves[level], n, __ATOMIC_RELAXED);
}

/* Fills a new table with what the large leaf mapped. */
static void pt_split(pte_t *table, pte_t leaf, int level)
{
    u64 val = leaf.val;

    if (level == 1) { /* the parts are level 0: bit 7 is PAT there */
        val &= ~(u64)PTE_HUGE;
        if (val & PTE_PAT_HUGE)
            val ^= PTE_PAT_HUGE | PTE_PAT_4K;
    }
    for (int i = 0; i < 512; i++)
        table[i].val = val + i * pt_span(level - 1);
}

/* Both tables of a pair, the kernel's first: ring 3 on another CPU may fault
 * in between, and finds nothing to do. */
static bool pti_link_top(pte_t *slot, u64 link)
{
    u64 none = 0, nx = PTE_NX & pte_supported_mask;

    if (!__atomic_compare_exchange_n(&slot->val, &none, link | nx, false,
                                     __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
        return false;
    WRITE_ONCE(pti_user_root(slot)->val, link);
    return true;
}

void pti_clear_top(pte_t *slot)
{
    WRITE_ONCE(slot->val, 0);
    if (pti_on)
        WRITE_ONCE(pti_user_root(slot)->val, 0);
}

/* The cursor's slot leads to `table` instead of what it held. */
static bool pt_exchange(struct pt_cursor *c, u64 old, const pte_t *table)
{
    u64 link = __pa(table) | PTE_PRESENT | PTE_WRITE | PTE_ACCESSED;

    if ((s64)c->va >= 0)
        link |= PTE_USER;
    if (unlikely(pti_on) && (s64)c->va >= 0 &&
        c->level == (int)pgtable_levels - 1)
        return pti_link_top(c->slot, link);
    return __atomic_compare_exchange_n(&c->slot->val, &old, link, false,
                                       __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

bool pt_link(struct pt_cursor *c, pte_t *table)
{
    u64 old = READ_ONCE(c->slot->val);

    if (pte_is_table((pte_t){old}, c->level))
        return false;
    if (old)
        pt_split(table, (pte_t){old}, c->level);
    if (!pt_exchange(c, old, table))
        return false;
    if (old) {
        pt_count(c->va, c->level, -1);
        pt_count(c->va, c->level - 1, 512);
    }
    return true;
}

int pt_grow(struct pt_cursor *c, int level)
{
    pte_t *table[4];
    int have = 0;

    for (; c->level - have > level; have++) {
        table[have] = pt_table_alloc();
        if (!table[have])
            goto no_memory;
    }
    while (c->level > level) {
        if (pt_link(c, table[have - 1])) {
            have--;
            c->tables++;
        }
        pt_descend(c);
    }
    while (have > 0)
        pt_table_free(table[--have]);
    return 0;

no_memory:
    while (have > 0)
        pt_table_free(table[--have]);
    return -ENOMEM;
}

int pt_grow_empty(struct pt_cursor *c, int level)
{
    while (c->level > level) {
        pte_t *table;

        if (!pte_none(*c->slot) && !pte_is_table(*c->slot, c->level))
            return -EEXIST;
        table = pt_table_alloc();
        if (!table)
            return -ENOMEM;
        if (pt_exchange(c, 0, table))
            c->tables++;
        else
            pt_table_free(table);
        pt_descend(c);
    }
    return 0;
}

/* The level of the largest page that may stand at va. */
static int pt_fit(unsigned long va, phys_addr_t pa, unsigned long left, int max)
{
    while (max > 0 &&
           (!IS_ALIGNED(va | pa, pt_span(max)) || left < pt_span(max)))
        max--;
    return max;
}

/* Writes leaves from the cursor on, within its table; returns how many. */
static size_t pt_fill(struct pt_cursor *c, phys_addr_t pa, pgprot_t prot)
{
    unsigned long span = pt_span(c->level);
    size_t whole = (c->end - c->va) / span;
    size_t run = min(512ul - pt_index(c->va, c->level), whole);
    u64 val = pte_make_leaf(pa, prot, c->level).val;
    pte_t *slot = c->slot;

    for (size_t i = 0; i < run; i++, val += span) {
        if (unlikely(slot[i].val)) {
            BUG_ON(i == 0 || !pte_is_table(slot[i], c->level));
            run = i; /* mapped by smaller pages: the cursor goes there */
            break;
        }
        slot[i].val = val;
    }
    pt_count(c->va, c->level, run);
    return run;
}

int pt_map_range(pte_t *root, unsigned long va, phys_addr_t pa, size_t size,
                 pgprot_t prot, int max_level)
{
    struct pt_cursor c;

    for (pt_start(&c, root, va, va + size); c.slot;) {
        int top = min(c.level, max_level);
        size_t n;

        if (pt_grow(&c, pt_fit(c.va, pa, c.end - c.va, top)) < 0) {
            if (c.va > va)
                pt_unmap_range(root, va, c.va);
            return -ENOMEM;
        }
        n = pt_fill(&c, pa, prot);
        pa += n * pt_span(c.level);
        pt_skip(&c, n);
    }
    return 0;
}

int pt_map_pages(pte_t *root, unsigned long va, struct page **pages, size_t n,
                 pgprot_t prot)
{
    struct pt_cursor c;
    u64 bits = pte_make_leaf(0, prot, 0).val;

    for (pt_start(&c, root, va, va + n * PAGE_SIZE); c.slot;) {
        size_t run;

        if (pt_grow(&c, 0) < 0) {
            if (c.va > va)
                pt_unmap_range(root, va, c.va);
            return -ENOMEM;
        }
        run = pt_run(&c);
        for (size_t i = 0; i < run; i++)
            c.slot[i].val = page_to_phys(pages[i]) | bits;
        pages += run;
        pt_skip(&c, run);
    }
    return 0;
}

void pt_unmap_range(pte_t *root, unsigned long va, unsigned long end)
{
    struct pt_cursor c;

    for (pt_start(&c, root, va, end); c.slot;) {
        size_t run = pt_run(&c);
        s64 leaves = 0;

        if (c.level > 0 && !pte_none(*c.slot)) {
            unsigned long start = c.va & -pt_span(c.level);

            BUG_ON(start < va || start + pt_span(c.level) - 1 > end - 1);
        }
        for (size_t i = 0; i < run; i++) {
            if (pte_present(c.slot[i]))
                leaves++;
            WRITE_ONCE(c.slot[i].val, 0);
        }
        pt_count(c.va, c.level, -leaves);
        pt_skip(&c, run);
    }
}

int pt_add_tables(pte_t *root, unsigned long va, unsigned long end, int level)
{
    struct pt_cursor c;

    for (pt_start(&c, root, va, end); c.slot; pt_next(&c)) {
        if (pt_grow(&c, level) < 0)
            return -ENOMEM;
        c.level = level + 1; /* on to the next table, not the next slot */
    }
    return 0;
}

/* The large leaf that says the same as this table, or none. */
static pte_t pt_merged(const pte_t *table, int level)
{
    const u64 may_differ = PTE_ACCESSED | PTE_DIRTY;
    u64 first = table[0].val & ~may_differ, bits = first & ~PTE_PFN_MASK;
    phys_addr_t pa = first & PTE_PFN_MASK & -pt_span(level);

    if (!(first & PTE_PRESENT) || !IS_ALIGNED(pa, pt_span(level + 1)) ||
        pte_is_table(table[0], level))
        return (pte_t){0};
    for (int i = 1; i < 512; i++)
        if ((table[i].val & ~may_differ) != first + i * pt_span(level))
            return (pte_t){0};
    if (level == 0)
        return pte_make_leaf(pa, (pgprot_t){bits | (table[0].val & may_differ)},
                             1);
    return table[0];
}

/* Merges upwards from the table at the cursor, as far as that goes. */
static void pt_merge_up(struct pt_cursor *c, struct list_head *detached)
{
    while (c->level < 2) {
        pte_t *table = c->table[c->level];
        pte_t leaf = pt_merged(table, c->level);

        if (pte_none(leaf) || (c->level == 1 && !cpu_has(CPU_PDPE1GB)))
            return;
        c->level++;
        c->slot = c->table[c->level] + pt_index(c->va, c->level);
        pt_set(c, leaf);
        pt_count(c->va, c->level, 1);
        pt_count(c->va, c->level - 1, -512);
        list_add(&virt_to_page(table)->link, detached);
    }
}

void pt_merge(pte_t *root, unsigned long va, unsigned long end,
              struct list_head *detached)
{
    struct pt_cursor c;

    va = ALIGN_DOWN(va, pt_span(1));
    for (pt_start(&c, root, va, end); c.slot; pt_next(&c)) {
        pt_merge_up(&c, detached);
        if (c.level == 0)
            c.level = 1; /* looked at the whole table */
    }
}

/*
 * Detaching: unlike the cursor it looks at tables rather than at leaves, and
 * each subtree that lies inside the range goes as a whole.  What hangs in the
 * kernel half's top-level slots stays: every process shares it.
 */
static size_t pt_collect(pte_t *table, int level, struct list_head *detached)
{
    size_t n = 1;

    for (int i = 0; level > 0 && i < 512; i++)
        if (pte_is_table(table[i], level))
            n += pt_collect(pte_table(table[i]), level - 1, detached);
    list_add(&virt_to_page(table)->link, detached);
    return n;
}

static size_t pt_prune(pte_t *table, int level, unsigned long va,
                       unsigned long last, struct list_head *detached)
{
    unsigned long span = pt_span(level);
    unsigned int end = pt_index(last, level);
    size_t n = 0;

    for (unsigned int i = pt_index(va, level); i <= end; i++) {
        unsigned long start = va & -span;
        unsigned long stop = start + span - 1;

        if (pte_is_table(table[i], level)) {
            pte_t *child = pte_table(table[i]);
            bool shared = level == (int)pgtable_levels - 1 && (s64)va < 0;

            if (start >= va && stop <= last && !shared) {
                if (level == (int)pgtable_levels - 1)
                    pti_clear_top(&table[i]);
                else
                    WRITE_ONCE(table[i].val, 0);
                n += pt_collect(child, level - 1, detached);
            } else if (level > 1) {
                n += pt_prune(child, level - 1, va, min(stop, last), detached);
            }
        }
        va = stop + 1;
    }
    return n;
}

size_t pt_detach_tables(pte_t *root, unsigned long va, unsigned long end,
                        struct list_head *detached)
{
    if (va > end - 1)
        return 0;
    return pt_prune(root, pgtable_levels - 1, va, end - 1, detached);
}

void pt_release_tables(struct list_head *detached)
{
    while (!list_empty(detached)) {
        struct page *page = list_first_entry(detached, struct page, link);

        list_del(&page->link);
        pt_table_free(page_address(page));
    }
}

size_t pt_free_tables(pte_t *root, unsigned long va, unsigned long end)
{
    LIST_HEAD(detached);
    size_t n = pt_detach_tables(root, va, end, &detached);

    pt_release_tables(&detached);
    return n;
}
