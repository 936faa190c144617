/*
 * mm/pagemap.c - what /proc/PID/pagemap says about a page (Linux's
 * Documentation/admin-guide/mm/pagemap.rst).
 */
#include <kernel/lib/string.h>
#include <mm/huge.h>
#include <mm/internal.h>
#include <mm/pagemap.h>

#define PM_FRAME_MASK (BIT(55) - 1) /* frame number, if it may be seen */
#define PM_SOFT_DIRTY BIT(55)
#define PM_EXCLUSIVE BIT(56) /* mapped once */
#define PM_FILE BIT(61)      /* page of a file, or shared anonymous */
#define PM_PRESENT BIT(63)

static u64 describe(pte_t pte, bool show_frames)
{
    const struct page *page;
    u64 entry = PM_PRESENT;

    if (!pte_present(pte))
        return 0;
    if (show_frames)
        entry |= pte_pfn(pte) & PM_FRAME_MASK;
    if (pte.val & PTE_SOFT_DIRTY)
        entry |= PM_SOFT_DIRTY;
    page = pte_page(pte);
    if (page && !page_is_anon(page))
        entry |= PM_FILE;
    if (page && page_mapcount((struct page *)page) == 1)
        entry |= PM_EXCLUSIVE;
    return entry;
}

/* The part of a block that was asked for. */
static void describe_huge(const struct pt_cursor *c, bool show_frames,
                          u64 *entry)
{
    pfn_t first = pte_pfn(*c->slot), frame = first + pt_index(c->va, 0);
    pfn_t last = first + HUGE_PAGES;
    u64 word = PM_PRESENT;

    if (page_mapcount(pfn_to_page(first)) == 1)
        word |= PM_EXCLUSIVE;
    last = min(last, frame + ((c->end - c->va) >> PAGE_SHIFT));
    for (; frame < last; frame++)
        *entry++ = word | (show_frames ? frame & PM_FRAME_MASK : 0);
}

void pagemap_read(struct mm_struct *mm, unsigned long addr, size_t n,
                  bool show_frames, u64 *entries)
{
    unsigned long end = addr + n * PAGE_SIZE;
    struct pt_cursor c;

    memset(entries, 0, n * sizeof(*entries));
    end = min(end, user_limit() & PAGE_MASK);
    if (addr >= end)
        return;
    down_read(&mm->mmap_lock);
    spin_lock(&mm->page_table_lock);
    for (pt_start(&c, mm->root, addr, end); c.slot; pt_next(&c)) {
        u64 *entry = entries + ((c.va - addr) >> PAGE_SHIFT);

        if (pt_at_huge(&c))
            describe_huge(&c, show_frames, entry);
        else if (!c.level)
            *entry = describe(*c.slot, show_frames);
    }
    spin_unlock(&mm->page_table_lock);
    up_read(&mm->mmap_lock);
}
