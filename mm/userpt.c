/*
 * mm/userpt.c - entries of the user half: protections, growing, taking down.
 *
 * Taking down  clear entries, detach tables, one flush, then free.  Pages
 *              whose last reference went, and tables, wait on a chain through
 *              page->private, so a batch has no limit and no allocation.
 * Cost         about a dozen instructions an entry; tables are visited along
 *              the range only.
 * Locking      page_table_lock while entries change; tables are detached with
 *              mmap_lock held for writing.
 * Invariant    a present entry that is not special holds one reference and
 *              one mapcount of its page, and one page of RSS.
 */
#include <kernel/core/panic.h>
#include <kernel/x86/cpu.h>
#include <mm/huge.h>
#include <mm/internal.h>
#include <mm/tlb.h>

struct page_zero empty_zero_page;

/* ---- protections ---- */

#define USER_R (PTE_PRESENT | PTE_USER | PTE_ACCESSED | PTE_NX)
#define USER_RX (PTE_PRESENT | PTE_USER | PTE_ACCESSED)
#define USER_NONE (PTE_PROTNONE | PTE_ACCESSED)

/*
 * Index: VM_READ 1, VM_WRITE 2, VM_EXEC 4, VM_SHARED 8.  x86 cannot refuse
 * reading what may be written or executed.
 */
static u64 protection_map[16] = {
    USER_NONE,
    USER_R,
    USER_R,
    USER_R, /* private: a write copies first */
    USER_RX,
    USER_RX,
    USER_RX,
    USER_RX,
    USER_NONE,
    USER_R,
    USER_R | PTE_WRITE,
    USER_R | PTE_WRITE, /* shared */
    USER_RX,
    USER_RX,
    USER_RX | PTE_WRITE,
    USER_RX | PTE_WRITE,
};

void userpt_init(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(protection_map); i++)
        if (!(pte_supported_mask & PTE_NX))
            protection_map[i] &= ~PTE_NX;
}

pgprot_t vm_get_page_prot(unsigned long vm_flags)
{
    return (pgprot_t){protection_map[vm_flags & 15]};
}

/* ---- growing ---- */

int userpt_grow(struct mm_struct *mm, struct pt_cursor *c)
{
    int before = c->tables;
    int err = pt_grow_empty(c, 0);

    if (c->tables != before)
        atomic_add(&mm->table_pages, c->tables - before);
    return err;
}

int userpt_slot(struct mm_struct *mm, unsigned long addr, unsigned long end,
                struct pt_cursor *c)
{
    pt_start(c, mm->root, addr, end);
    return c->level ? userpt_grow(mm, c) : 0;
}

/* ---- taking down ---- */

static inline void chain_page(struct page **chain, struct page *page)
{
    page->private = (unsigned long)*chain;
    *chain = page;
}

void gather_start(struct mmu_gather *g, struct mm_struct *mm)
{
    *g = (struct mmu_gather){.mm = mm, .start = ~0ul};
}

/* A reference less.  The last one is kept for gather_finish: nobody else can
 * see the page then. */
static inline void gather_reference(struct mmu_gather *g, struct page *page)
{
    if (likely(atomic_read(&page->refs) == 1)) {
        chain_page(&g->pages, page);
    } else if (atomic_dec_and_test(&page->refs)) {
        atomic_set(&page->refs, 1);
        chain_page(&g->pages, page);
    }
}

/* Returns the number of pages that were not anonymous. */
static long zap_run(struct mmu_gather *g, pte_t *slot, size_t n, bool shared)
{
    long others = 0;

    for (pte_t *end = slot + n; slot < end; slot++) {
        pte_t pte = *slot;
        struct page *page;

        if (pte_none(pte))
            continue;
        slot->val = 0;
        page = pte_page(pte);
        if (!page)
            continue;
        atomic_dec(&page->mapcount);
        if (page_is_anon(page)) {
            g->anon++;
        } else {
            others++;
            if (shared && pte_dirty(pte))
                page_set(page, PG_dirty);
        }
        gather_reference(g, compound_head(page));
    }
    return others;
}

/*
 * The whole block.  Whoever wants a part of it has it split before; a block
 * that came since then, by a write at the same time, stays.
 */
static void zap_huge(struct mmu_gather *g, const struct pt_cursor *c)
{
    struct page *head = pfn_to_page(pte_pfn(*c->slot));

    if (c->va & (HUGE_SIZE - 1) || c->end - c->va < HUGE_SIZE)
        return;
    c->slot->val = 0;
    atomic_dec(&head->mapcount);
    atomic_dec(&g->mm->huge_pages);
    g->anon += HUGE_PAGES;
    gather_reference(g, head);
}

void gather_zap(struct mmu_gather *g, struct vm_area_struct *vma,
                unsigned long start, unsigned long end)
{
    struct mm_struct *mm = vma->vm_mm;
    struct pt_cursor c;
    long others = 0;
    bool any = false;
    size_t n;

    spin_lock(&mm->page_table_lock);
    for (pt_start(&c, mm->root, start, end); c.slot; pt_skip(&c, n)) {
        n = pt_run(&c);
        if (pt_at_huge(&c))
            zap_huge(g, &c);
        else if (c.level)
            continue;
        else
            others += zap_run(g, c.slot, n, vma->vm_flags & VM_SHARED);
        any = true;
    }
    spin_unlock(&mm->page_table_lock);
    if (!any)
        return;
    *(vma->vm_file ? &g->file : &g->shmem) += others;
    g->start = min(g->start, start);
    g->end = max(g->end, end);
}

struct table_span {
    unsigned long start, end, floor, ceil;
};

/* Empties the entries of `table` whose whole span nobody needs any more. */
static void detach_tables(struct mmu_gather *g, pte_t *table, int level,
                          const struct table_span *s)
{
    unsigned long span = pt_span(level);
    unsigned long lo = ALIGN_DOWN(s->start, span);

    for (; lo < s->end; lo += span) {
        pte_t *entry = &table[pt_index(lo, level)];
        struct table_span below = {max(s->start, lo), min(s->end, lo + span),
                                   s->floor, s->ceil};
        struct page *child;

        if (!pte_is_table(*entry, level))
            continue;
        child = pfn_to_page(pte_pfn(*entry));
        if (level > 1)
            detach_tables(g, page_address(child), level - 1, &below);
        if (lo < s->floor || lo + span > s->ceil)
            continue;
        if (level == (int)pgtable_levels - 1)
            pti_clear_top(entry);
        else
            entry->val = 0;
        chain_page(&g->tables, child);
        g->nr_tables++;
    }
}

void gather_tables(struct mmu_gather *g, unsigned long start, unsigned long end,
                   unsigned long floor, unsigned long ceil)
{
    struct table_span span = {start, end, floor, ceil};

    unsigned long lo = ALIGN_DOWN(start, pt_span(1));

    if (end <= lo + pt_span(1) && (lo < floor || lo + pt_span(1) > ceil))
        return; /* the common case: a neighbour uses the same table */
    spin_lock(&g->mm->page_table_lock);
    detach_tables(g, g->mm->root, pgtable_levels - 1, &span);
    spin_unlock(&g->mm->page_table_lock);
    if (g->tables) {
        g->start = min(g->start, start);
        g->end = max(g->end, end);
    }
}

static void free_chain(struct page *page)
{
    while (page) {
        struct page *next = (struct page *)page->private;

        put_page(page);
        page = next;
    }
}

static void free_tables(struct page *page)
{
    while (page) {
        struct page *next = (struct page *)page->private;

        pt_table_free_empty(page_address(page));
        page = next;
    }
}

void gather_finish(struct mmu_gather *g)
{
    struct mm_struct *mm = g->mm;

    if (g->tables)
        tlb_flush_tables(mm, g->start, g->end);
    else if (g->start < g->end)
        tlb_flush_range(mm, g->start, g->end);
    if (g->anon | g->file | g->shmem)
        mm->hiwater_rss = mm_hiwater_rss(mm);
    if (g->anon)
        atomic_sub(&mm->anon_pages, g->anon);
    if (g->file)
        atomic_sub(&mm->file_pages, g->file);
    if (g->shmem)
        atomic_sub(&mm->shmem_pages, g->shmem);
    if (g->nr_tables)
        atomic_sub(&mm->table_pages, g->nr_tables);
    free_chain(g->pages);
    free_tables(g->tables);
}

void zap_range(struct vm_area_struct *vma, unsigned long start,
               unsigned long end)
{
    struct mmu_gather g;

    gather_start(&g, vma->vm_mm);
    gather_zap(&g, vma, start, end);
    gather_finish(&g);
}
