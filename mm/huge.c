/*
 * mm/huge.c - transparent huge pages: anonymous memory in blocks of 2 MiB.
 *
 * A write to an aligned, untouched 2-MiB part of an anonymous VMA gets a block
 * of 512 frames and one entry at level 1.  That entry holds one reference and
 * one mapcount of the block's head; RSS counts 512.  fork shares the block.
 *
 * Moving     migrate.c exchanges the entries as they are; a write meanwhile
 *            waits instead of splitting (PG_locked).
 * Splitting  whoever wants a part of a block only (munmap, mprotect, a copy on
 *            write) first has the entry replaced by a table of 512 entries.
 *            If nobody else holds the block it falls apart into ordinary
 *            pages; else each entry holds a reference of the head, and the
 *            block goes back when the last of them is gone.
 * Policy     as Linux: on with 512 MiB of RAM or more, off for a process by
 *            prctl(PR_SET_THP_DISABLE), for a range by MADV_NOHUGEPAGE;
 *            transparent_hugepage=always|madvise|never on the command line.
 * Locking    mmap_lock for reading; the entry is looked at again under
 *            page_table_lock.
 * Cost       a block is cleared once; mapping, sharing and unmapping it is one
 *            entry's work.
 */
#include <kernel/core/cmdline.h>
#include <kernel/lib/string.h>
#include <kernel/uapi/errno.h>
#include <mm/anon_vma.h>
#include <mm/huge.h>
#include <mm/internal.h>
#include <mm/kmap.h>
#include <mm/memory.h>
#include <mm/physmap.h>
#include <mm/tlb.h>

#define HUGE_RAM_MIN (512 * MIB) /* below it blocks would waste too much */

bool huge_enabled;
static bool huge_only_advised;

void huge_init(void)
{
    const char *word = cmdline_get("transparent_hugepage");

    huge_enabled = physmap_ram_bytes() >= HUGE_RAM_MIN;
    if (!word)
        return;
    huge_only_advised = !strcmp(word, "madvise");
    if (!strcmp(word, "always") || huge_only_advised)
        huge_enabled = true;
    else if (!strcmp(word, "never"))
        huge_enabled = false;
}

static bool huge_fits(const struct vm_area_struct *vma, unsigned long addr)
{
    unsigned long base = addr & -HUGE_SIZE;

    if (!huge_enabled || vma->vm_mm->no_huge_pages || !vma_is_anonymous(vma) ||
        vma->vm_flags & (VM_NOHUGEPAGE | VM_GROWSDOWN | VM_SPECIAL_MASK))
        return false;
    if (huge_only_advised && !(vma->vm_flags & VM_HUGEPAGE))
        return false;
    return base >= vma->vm_start && base + HUGE_SIZE <= vma->vm_end;
}

struct page *huge_alloc(gfp_t gfp)
{
    struct page *head = alloc_pages_owner(gfp, HUGE_ORDER, OWNER_ANON);

    for (unsigned long i = 1; head && i < HUGE_PAGES; i++)
        head[i].owner = OWNER_ANON; /* page_is_anon() asks any of them */
    return head;
}

/* Who asked for large pages (MADV_HUGEPAGE) has memory compacted for them. */
static struct page *alloc_block(const struct vm_area_struct *vma)
{
    gfp_t gfp =
        vma->vm_flags & VM_HUGEPAGE ? GFP_TRANSHUGE : GFP_TRANSHUGE_LIGHT;

    return huge_alloc(gfp | __GFP_ZERO);
}

bool huge_fault(struct vm_area_struct *vma, struct pt_cursor *c)
{
    struct mm_struct *mm = vma->vm_mm;
    struct page *head;
    int before = c->tables, grown;
    pte_t pte;
    bool won;

    if (!huge_fits(vma, c->va))
        return false;
    grown = pt_grow_empty(c, 1);
    atomic_add(&mm->table_pages, c->tables - before);
    if (grown < 0 || c->level != 1)
        return false; /* or somebody made a table meanwhile */
    if (anon_vma_prepare(vma) < 0)
        return false;
    head = alloc_block(vma);
    if (!head)
        return false;
    anon_page_init(head, vma, c->va & -HUGE_SIZE);
    pte = pte_mkwrite(pte_huge_of_page(head, vma->vm_page_prot));
    spin_lock(&mm->page_table_lock);
    won = pte_none(*c->slot);
    if (won) {
        atomic_inc(&head->mapcount);
        *c->slot = pte;
    }
    spin_unlock(&mm->page_table_lock);
    if (!won) {
        put_page(head);
        return true; /* the access is tried again */
    }
    atomic_add(&mm->anon_pages, HUGE_PAGES);
    atomic_inc(&mm->huge_pages);
    return true;
}

/* The entry's one reference and mapcount become 512.  Locks:
 * page_table_lock. */
static void share_out(struct page *head)
{
    if (atomic_read(&head->refs) == 1) {
        split_page(head, HUGE_ORDER);
        for (unsigned long i = 1; i < HUGE_PAGES; i++) {
            head[i].anon_vma = head->anon_vma;
            head[i].index = head->index + i;
            atomic_set(&head[i].mapcount, 1);
        }
        return;
    }
    atomic_add(&head->refs, HUGE_PAGES - 1);
    for (unsigned long i = 1; i < HUGE_PAGES; i++)
        atomic_inc(&head[i].mapcount);
}

static int huge_split(struct mm_struct *mm, unsigned long addr)
{
    pte_t *table = pt_table_alloc();
    struct pt_cursor c;
    bool split;

    if (!table)
        return -ENOMEM;
    spin_lock(&mm->page_table_lock);
    pt_start(&c, mm->root, addr, addr + PAGE_SIZE);
    split = pt_at_huge(&c);
    if (split) {
        share_out(pfn_to_page(pte_pfn(*c.slot)));
        pt_link(&c, table);
    }
    spin_unlock(&mm->page_table_lock);
    if (!split) {
        pt_table_free(table);
        return 0;
    }
    atomic_inc(&mm->table_pages);
    atomic_dec(&mm->huge_pages);
    tlb_flush_range(mm, addr, addr + PAGE_SIZE); /* one: the block's entry */
    return 0;
}

vm_fault_t huge_write_protected(struct vm_area_struct *vma, unsigned long addr,
                                pte_t seen)
{
    struct mm_struct *mm = vma->vm_mm;
    struct page *head = pfn_to_page(pte_pfn(seen));
    struct pt_cursor c;
    bool sole;

    spin_lock(&mm->page_table_lock);
    pt_start(&c, mm->root, addr, addr + PAGE_SIZE);
    sole = c.slot->val == seen.val && atomic_read(&head->refs) == 1 &&
           vma->vm_flags & VM_WRITE; /* else a debugger's: page by page */
    if (sole)
        *c.slot = pte_mkwrite(seen);
    spin_unlock(&mm->page_table_lock);
    if (sole)
        tlb_flush_local_page(addr);
    else if (huge_split(mm, addr & PAGE_MASK) < 0)
        return VM_FAULT_OOM;
    return 0; /* the access is tried again: it may find a page to copy */
}

/* The block that addr lies inside of, unless it starts there. */
static int split_across(struct mm_struct *mm, unsigned long addr)
{
    struct pt_cursor c;

    if (!(addr & (HUGE_SIZE - 1)))
        return 0;
    pt_start(&c, mm->root, addr, addr + PAGE_SIZE);
    return pt_at_huge(&c) ? huge_split(mm, addr) : 0;
}

unsigned long huge_next(struct mm_struct *mm, unsigned long addr)
{
    struct pt_cursor c;

    if (likely(!atomic_read(&mm->huge_pages)))
        return addr + PAGE_SIZE;
    pt_start(&c, mm->root, addr, addr + PAGE_SIZE);
    return pt_at_huge(&c) ? (addr & -HUGE_SIZE) + HUGE_SIZE : addr + PAGE_SIZE;
}

int huge_split_edges(struct mm_struct *mm, unsigned long start,
                     unsigned long end)
{
    int err;

    if (likely(!atomic_read(&mm->huge_pages)))
        return 0;
    err = split_across(mm, start);
    return err ? err : split_across(mm, end);
}

int huge_split_range(struct mm_struct *mm, unsigned long start,
                     unsigned long end)
{
    struct pt_cursor c;
    int err = 0;

    if (likely(!atomic_read(&mm->huge_pages)))
        return 0;
    for (pt_start(&c, mm->root, start, end); c.slot && !err; pt_next(&c)) {
        if (!pt_at_huge(&c))
            continue;
        err = huge_split(mm, c.va & PAGE_MASK);
        c.level = 1; /* on behind the block: the slot is still its own */
    }
    return err;
}
