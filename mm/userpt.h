/*
 * mm/userpt.h - what entries of the user half say, and how a range of them is
 * taken down.
 *
 * An entry that is present and not PTE_SPECIAL holds one reference and one
 * mapcount of its page.  PTE_SPECIAL entries (device frames, the zero page)
 * hold nothing.  PROT_NONE keeps the frame in an entry that the CPU ignores.
 *
 * A table of the user half exists only where a VMA lies within its span.
 */
#pragma once

#include <mm/page.h>
#include <mm/vma.h>

extern struct page_zero {
    u8 bytes[PAGE_SIZE];
} __aligned(4096) empty_zero_page; /* what reads of untouched memory see */

static inline pte_t pte_special(pfn_t pfn, pgprot_t prot)
{
    return (pte_t){PFN_PHYS(pfn) | prot.bits | PTE_SPECIAL};
}

/* prot comes from vm_get_page_prot(), so it needs no masking. */
static inline pte_t pte_of_page(const struct page *page, pgprot_t prot)
{
    return (pte_t){page_to_phys(page) | prot.bits};
}

/* The entry of a block of 2 MiB, at level 1. */
static inline pte_t pte_huge_of_page(const struct page *head, pgprot_t prot)
{
    return (pte_t){page_to_phys(head) | prot.bits | PTE_HUGE};
}

static inline bool pte_is_special(pte_t pte)
{
    return pte.val & PTE_SPECIAL;
}

/* The CPU would use it; pte_present() also counts PROT_NONE. */
static inline bool pte_accessible(pte_t pte)
{
    return pte.val & PTE_PRESENT;
}

static inline bool pte_young(pte_t pte)
{
    return pte.val & PTE_ACCESSED;
}

static inline pte_t pte_wrprotect(pte_t pte)
{
    return (pte_t){pte.val & ~PTE_WRITE};
}

static inline pte_t pte_mkwrite(pte_t pte)
{
    return (pte_t){pte.val | PTE_WRITE | PTE_DIRTY | PTE_ACCESSED};
}

static inline pte_t pte_mkdirty(pte_t pte)
{
    return (pte_t){pte.val | PTE_DIRTY | PTE_ACCESSED};
}

/* The same frame under another protection. */
static inline pte_t pte_modify(pte_t pte, pgprot_t prot)
{
    const u64 keep = PTE_PFN_MASK | PTE_DIRTY | PTE_ACCESSED | PTE_SPECIAL |
                     PTE_SOFT_DIRTY | PTE_PWT | PTE_PCD | PTE_PAT_4K;

    return (pte_t){(pte.val & keep) | prot.bits};
}

/* The page whose counts the entry holds, NULL if it holds none. */
static inline struct page *pte_page(pte_t pte)
{
    if (!pte_present(pte) || pte_is_special(pte))
        return NULL;
    return pfn_to_page(pte_pfn(pte));
}

static inline bool page_is_anon(const struct page *page)
{
    return page->owner == OWNER_ANON;
}

/* The entry's bits for a VMA's flags: private writable starts read-only. */
pgprot_t vm_get_page_prot(unsigned long vm_flags);
void userpt_init(void); /* once the CPU's features are known */

/*
 * The cursor at addr's level-0 slot, tables added as needed.  Locks: mmap_lock
 * (reading is enough: tables are added by compare-and-exchange).  0 or
 * -ENOMEM.
 */
int userpt_slot(struct mm_struct *mm, unsigned long addr, unsigned long end,
                struct pt_cursor *c);
/* The same at the cursor's place, inside a walk. */
int userpt_grow(struct mm_struct *mm, struct pt_cursor *c);

/*
 * Taking down: entries and tables are cleared first, then one flush, and only
 * then do pages and tables go back.  What is to be freed is chained through
 * page->private, so that any amount is one batch and nothing is allocated.
 */
struct mmu_gather {
    struct mm_struct *mm;
    unsigned long start, end; /* what changed; start >= end: nothing */
    struct page *pages;       /* whose last reference the entries held */
    struct page *tables;
    long anon, file, shmem; /* leaves RSS */
    long nr_tables;
};

void gather_start(struct mmu_gather *g, struct mm_struct *mm);
/* Clears the entries of [start, end), all of it inside vma. */
void gather_zap(struct mmu_gather *g, struct vm_area_struct *vma,
                unsigned long start, unsigned long end);
/* Detaches tables around [start, end), which hold no entry any more; floor
 * and ceil: end and start of the neighbours that stay (0, ~0ul: none). */
void gather_tables(struct mmu_gather *g, unsigned long start, unsigned long end,
                   unsigned long floor, unsigned long ceil);
void gather_finish(struct mmu_gather *g);

/* All in one, for callers that keep the VMA (madvise, truncate). */
void zap_range(struct vm_area_struct *vma, unsigned long start,
               unsigned long end);
