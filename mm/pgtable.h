/*
 * mm/pgtable.h - page-table entries and the one cursor that walks them.
 *
 * The only place that names a bit of an entry (SDM 3A 4.5, tables 4-15 to
 * 4-20).  Levels count from 0: a leaf at level 0 maps 4 KiB, at 1 2 MiB, at
 * 2 1 GiB; the top is level pgtable_levels - 1.
 */
#pragma once

#include <mm/layout.h>

typedef struct {
    u64 val;
} pte_t;

#define PTE_PRESENT BIT(0)
#define PTE_WRITE BIT(1)
#define PTE_USER BIT(2)
#define PTE_PWT BIT(3)
#define PTE_PCD BIT(4)
#define PTE_ACCESSED BIT(5)
#define PTE_DIRTY BIT(6)
#define PTE_HUGE BIT(7)       /* levels 1 and 2: a leaf */
#define PTE_PAT_4K BIT(7)     /* level 0 */
#define PTE_PAT_HUGE BIT(12)  /* levels 1 and 2 */
#define PTE_GLOBAL BIT(8)
#define PTE_SPECIAL BIT(9) /* ours: a pfn mapping without reference counting */
#define PTE_SOFT_DIRTY BIT(10)
#define PTE_NX BIT(63)
#define PTE_PFN_MASK 0x000ffffffffff000ull

/* Not-present entries of ours (present bit clear): bit 8 marks PROT_NONE. */
#define PTE_PROTNONE BIT(8)

/* What a mapping may do; the entry's bits come from a table. */
typedef struct {
    u64 bits;
} pgprot_t;

enum cache_mode { CACHE_WB, CACHE_WC, CACHE_UC_MINUS, CACHE_UC, CACHE_WT };

extern u64 pte_supported_mask; /* without NX or GLOBAL if the CPU lacks it */

extern const pgprot_t PAGE_KERNEL, PAGE_KERNEL_RO, PAGE_KERNEL_EXEC;
pgprot_t pgprot_cached(pgprot_t prot, enum cache_mode mode);
static inline pgprot_t pgprot_noncached(pgprot_t prot)
{
    return pgprot_cached(prot, CACHE_UC);
}
static inline pgprot_t pgprot_writecombine(pgprot_t prot)
{
    return pgprot_cached(prot, CACHE_WC);
}
enum cache_mode pte_cache_mode(pte_t pte, int level);

static inline bool pte_none(pte_t pte)
{
    return pte.val == 0;
}
static inline bool pte_present(pte_t pte)
{
    return pte.val & (PTE_PRESENT | PTE_PROTNONE);
}
static inline pfn_t pte_pfn(pte_t pte)
{
    return (pte.val & PTE_PFN_MASK) >> PAGE_SHIFT;
}
static inline pte_t pte_make(pfn_t pfn, pgprot_t prot)
{
    return (pte_t){(PFN_PHYS(pfn) | prot.bits) & pte_supported_mask};
}
static inline bool pte_write(pte_t pte)
{
    return pte.val & PTE_WRITE;
}
static inline bool pte_user(pte_t pte)
{
    return pte.val & PTE_USER;
}
static inline bool pte_dirty(pte_t pte)
{
    return pte.val & PTE_DIRTY;
}

struct pagetable; /* a root page; see mm.h for who owns one */

/* Bytes that one entry of this level covers. */
static inline unsigned long pt_span(int level)
{
    return PAGE_SIZE << (9 * level);
}

/*
 * The cursor.  slot maps [va, va + pt_span(level)); a query stops at the
 * level where the walk ends: a leaf, or an entry that is not present.
 *
 *     for (pt_start(&c, pt, start, end); c.slot; pt_next(&c))
 *         if (pte_present(*c.slot))
 *             pt_set(&c, pte_wrprotect(*c.slot));
 *
 * Locks: the caller holds what covers the table (mm->page_table_lock, or for
 * the master table the owner of the region); a query of a live table by
 * someone else may see it change.
 */
struct pt_cursor {
    pte_t *root;            /* logical address of the top table */
    unsigned long va, end;
    pte_t *slot;            /* NULL once va reaches end */
    int level;
    pte_t *table[5];        /* tables on the way down, by level */
};

void pt_start(struct pt_cursor *c, pte_t *root, unsigned long va,
              unsigned long end);
void pt_next(struct pt_cursor *c); /* hops over absent subtrees */

/*
 * Goes down to `level` at the current va, adding tables (and splitting a
 * larger leaf) as needed.  Returns 0 or -ENOMEM, with nothing half done.
 */
int pt_grow(struct pt_cursor *c, int level);

/* Writes the slot (one store).  Flushing is the caller's: see tlb.h. */
void pt_set(struct pt_cursor *c, pte_t pte);

/*
 * Range operations; one walk each.  They allocate tables with GFP_KERNEL,
 * undo what they did when they fail, and never flush.
 * flags of pt_map_range: the largest page that fits, up to this level.
 */
int pt_map_range(pte_t *root, unsigned long va, phys_addr_t pa, size_t size,
                 pgprot_t prot, int max_level);
int pt_map_pages(pte_t *root, unsigned long va, struct page **pages, size_t n,
                 pgprot_t prot);
/* Clears leaves; tables stay (kernel regions keep theirs). */
void pt_unmap_range(pte_t *root, unsigned long va, unsigned long end);
/* Gives back tables that only serve [va, end), which must hold no leaf. */
void pt_free_tables(pte_t *root, unsigned long va, unsigned long end);

/*
 * One address, every level: for dumps, `what`, panic, gva2gpa comparison.
 * Reads only through the direct map; tolerates rubbish.
 */
struct pt_walk {
    int levels;        /* entries filled below, from the top */
    pte_t entry[5];    /* [0] is the top level's */
    int leaf_level;    /* -1: not mapped */
    phys_addr_t phys;  /* of the address, if mapped */
    bool write, user, exec; /* over all levels */
};
void pt_walk_address(pte_t *root, unsigned long va, struct pt_walk *walk);

/* Prints the walk in words, a level a line. */
void pt_print_walk(pte_t *root, unsigned long va,
                   void (*print)(void *arg, const char *line), void *arg);

extern pte_t *master_table; /* swapper_pg_dir: logical address of its root */
