/*
 * mm/pgtable.h - page-table entries and the one cursor that walks them.
 *
 * The only place that names a bit of an entry (SDM 3A 4.5, tables 4-15 to
 * 4-20).  Levels count from 0: a leaf at level 0 maps 4 KiB, at 1 2 MiB, at
 * 2 1 GiB; the top is level pgtable_levels - 1.
 */
#pragma once

#include <kernel/lib/list.h>
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
#define PTE_HUGE BIT(7)      /* levels 1 and 2: a leaf */
#define PTE_PAT_4K BIT(7)    /* level 0 */
#define PTE_PAT_HUGE BIT(12) /* levels 1 and 2 */
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

/*
 * pti=on, constant after boot.  A root is then a pair of pages: the kernel's
 * table, and behind it the one that ring 3 runs on.  Their user halves lead to
 * the same tables, but for one bit: in the kernel's nothing of it can be
 * executed.  Of the kernel's half ring 3's table has the entry code and the
 * CPU entry area.
 */
extern bool pti_on;

static inline pte_t *pti_user_root(pte_t *root)
{
    return root + 512;
}

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

/* Bytes that one entry of this level covers. */
static inline unsigned long pt_span(int level)
{
    return PAGE_SIZE << (9 * level);
}

static inline unsigned int pt_index(unsigned long va, int level)
{
    return va >> (PAGE_SHIFT + 9 * level) & 511;
}

/* Whether the entry leads to a further table. */
static inline bool pte_is_table(pte_t pte, int level)
{
    return level > 0 && (pte.val & (PTE_PRESENT | PTE_HUGE)) == PTE_PRESENT;
}

/*
 * The cursor.  slot covers va; a query stops at the level where the walk
 * ends: a leaf, or an entry that is not present.  One step goes over all that
 * the slot covers, so an absent subtree costs one step.
 *
 *     for (pt_start(&c, root, start, end); c.slot; pt_next(&c))
 *         if (pte_present(*c.slot))
 *             pt_set(&c, pte_wrprotect(*c.slot));
 *
 * A hot loop over pages handles a table at a time: slot[0 .. pt_run(&c)) lie
 * side by side; pt_skip(&c, n) goes on behind n of them.
 *
 * Locks: the caller holds what covers the table (mm->page_table_lock, or for
 * the master table the owner of the region); a query of a live table by
 * someone else may see it change.  Adding tables is safe against others who
 * add tables beside it.
 */
struct pt_cursor {
    unsigned long va, end;
    pte_t *slot; /* NULL once va reaches end */
    int level;
    int tables;      /* added by pt_grow since pt_start */
    pte_t *table[5]; /* tables on the way down, by level */
};

/* end 0 means the top of the address space. */
void pt_start(struct pt_cursor *c, pte_t *root, unsigned long va,
              unsigned long end);
void pt_reseek(struct pt_cursor *c); /* finds the slot of c->va again */

/* Slots of pages from here to the end of this table or of the range; 1 above
 * level 0, where what follows may be a table. */
static inline size_t pt_run(const struct pt_cursor *c)
{
    size_t in_table = 512 - pt_index(c->va, 0);
    size_t in_range = (c->end - 1 - c->va) / PAGE_SIZE + 1;

    return c->level ? 1 : min(in_table, in_range);
}

/* Goes on behind n slots of this table. */
static inline void pt_skip(struct pt_cursor *c, size_t n)
{
    unsigned long span = pt_span(c->level);

    c->va = (c->va & -span) + n * span;
    if (c->va - 1 >= c->end - 1)
        c->slot = NULL;
    else if (c->level == 0 && pt_index(c->va, 0))
        c->slot += n;
    else
        pt_reseek(c);
}

static inline void pt_next(struct pt_cursor *c)
{
    pt_skip(c, 1);
}

/*
 * Goes down to `level` at the current va, adding tables (and splitting a
 * larger leaf) as needed.  Returns 0 or -ENOMEM, with nothing half done.
 */
int pt_grow(struct pt_cursor *c, int level);

/* The same, but a leaf on the way stays as it is: -EEXIST, also if another CPU
 * puts it there meanwhile.  What was added stays. */
int pt_grow_empty(struct pt_cursor *c, int level);

/* Puts an empty table under the slot, which it fills with what a large leaf
 * there mapped; false if another CPU's table got there first. */
bool pt_link(struct pt_cursor *c, pte_t *table);

/* An entry of the user half, in a top table, that leads to a table or is
 * emptied.  With pti=on both of the pair change. */
void pti_clear_top(pte_t *slot);

/* Writes the slot (one store).  Flushing is the caller's: see tlb.h. */
static inline void pt_set(struct pt_cursor *c, pte_t pte)
{
    WRITE_ONCE(c->slot->val, pte.val);
}

/* A leaf of this level; prot's bits stand as for level 0. */
pte_t pte_make_leaf(phys_addr_t pa, pgprot_t prot, int level);

/*
 * Range operations; one walk each.  They allocate tables with GFP_KERNEL,
 * undo what they did when they fail, and never flush.
 * pt_map_range uses the largest page that fits, up to max_level.
 */
int pt_map_range(pte_t *root, unsigned long va, phys_addr_t pa, size_t size,
                 pgprot_t prot, int max_level);
int pt_map_pages(pte_t *root, unsigned long va, struct page **pages, size_t n,
                 pgprot_t prot);
/* Clears leaves, which must lie wholly inside; tables stay. */
void pt_unmap_range(pte_t *root, unsigned long va, unsigned long end);

/* Adds what is missing of the tables of level >= `level` for [va, end), and
 * no leaf.  Returns 0 or -ENOMEM (what was added stays). */
int pt_add_tables(pte_t *root, unsigned long va, unsigned long end, int level);

/*
 * Gives back the tables that serve only [va, end), which must hold no leaf:
 * those whose whole span lies inside.  Returns how many.  pt_free_tables is
 * for tables that no CPU can have cached; else detach, flush, release.
 */
size_t pt_detach_tables(pte_t *root, unsigned long va, unsigned long end,
                        struct list_head *detached);
void pt_release_tables(struct list_head *detached);
size_t pt_free_tables(pte_t *root, unsigned long va, unsigned long end);

/*
 * A process's root: user half empty, kernel half as in the master table; with
 * pti=on the pair.  NULL: no memory.  It must be so again when it is given
 * back, and so must a table for pt_table_free_empty: all its entries zero, and
 * no CPU able to reach it.  Context: a task.
 */
unsigned int pt_root_pages(void);
pte_t *pt_root_alloc(void);
void pt_root_free(pte_t *root);
void pt_table_free_empty(pte_t *table);

/*
 * Makes one large leaf of each table whose 512 entries around [va, end) map
 * one aligned stretch with equal rights; never beyond what a large leaf
 * replaced.  The caller flushes and then releases `detached`.
 */
void pt_merge(pte_t *root, unsigned long va, unsigned long end,
              struct list_head *detached);

/*
 * One address, every level: for dumps, `what`, panic, gva2gpa comparison.
 * Reads only through the direct map; tolerates rubbish.
 */
struct pt_walk {
    int levels;             /* entries filled below, from the top */
    pte_t entry[5];         /* [0] is the top level's */
    int leaf_level;         /* -1: not mapped */
    phys_addr_t phys;       /* of the address, if mapped */
    bool write, user, exec; /* over all levels */
};
void pt_walk_address(pte_t *root, unsigned long va, struct pt_walk *walk);

/* Prints the walk in words, a level a line. */
void pt_print_walk(pte_t *root, unsigned long va,
                   void (*print)(void *arg, const char *line), void *arg);

/* "PGD" ... "PTE", and an entry's rights in words ("rw user nx UC G D A"). */
const char *pt_level_name(int level);
int pte_describe(pte_t pte, int level, char *buf, size_t size);

extern pte_t *master_table; /* swapper_pg_dir: logical address of its root */

/* Present leaves of the direct map by level, as they come, are split, merged
 * and go. */
#define PT_LEAF_LEVELS 3
extern s64 pt_direct_leaves[PT_LEAF_LEVELS];
