/*
 * mm/migrate.c - moving what a page holds to another frame.
 *
 * Private page   every entry becomes read-only and is flushed: from then on a
 *     write copies, because the mover's own reference makes the page look
 *     shared.  If nobody else holds the page now, nobody can write it any
 *     more; it is copied, and entry after entry is exchanged, empty until the
 *     flush is done.  Who takes a reference meanwhile only reads: the entries
 *     not yet exchanged stay as they are then, and both pages are valid
 *     private copies of each other, counted like any.
 *     A write that would copy waits instead (PG_locked).
 * Block of 2 MiB   the same with its head.  Its entries are exchanged without
 *     being empty in between, where a fault would put a table: what both blocks
 *     show is the same, and nobody can write.
 * Page of a cache   every entry goes; whoever needs the page comes to the
 *     cache again.  Under mapping->lock, where references come from, it is
 *     copied and exchanged if nobody holds it; entries that have come back
 *     meanwhile go once more.  Mappings that are locked (mlock) get it back at
 *     once, the others at their next access.
 * Counts         an entry's reference comes before its mapcount and goes after
 *     it, entries that were cleared keep their reference until they are
 *     flushed: so page_extra_refs() has everyone who may still touch the page.
 * Locking        the reverse map is held throughout, so no entry escapes to
 *     another place; page_table_lock at each entry, also while it is flushed.
 * Cost           two flushes and two walks an entry, one copy.
 */
#include <kernel/uapi/errno.h>
#include <mm/filemap.h>
#include <mm/huge.h>
#include <mm/kmap.h>
#include <mm/migrate.h>
#include <mm/rmap.h>
#include <mm/tlb.h>

static bool is_movable_kind(const struct page *page)
{
    const u32 never = BIT(PG_reserved) | BIT(PG_buddy) | BIT(PG_slab) |
                      BIT(PG_head) | BIT(PG_tail) | BIT(PG_locked);

    if (READ_ONCE(page->flags) & never)
        return false;
    return page_is_anon(page) || page_test(page, PG_cache);
}

/* The cache's. */
static int expected_refs(const struct page *page)
{
    return page_test(page, PG_cache) ? 1 : 0;
}

bool page_may_move(struct page *page)
{
    return is_movable_kind(page) && page_count(page) > 0 &&
           page_extra_refs(page) <= expected_refs(page);
}

bool huge_may_move(struct page *page)
{
    struct page *head = huge_block_of(page);

    return head && !page_test(head, PG_locked) && page_count(head) > 0 &&
           page_extra_refs(head) <= 0;
}

static void flush_place(const struct rmap_place *place)
{
    tlb_flush_range(place->vma->vm_mm, place->addr, place->addr + PAGE_SIZE);
}

/* ---- private pages ---- */

/* Flushed even if it was read-only: fork and mprotect flush later than they
 * write. */
static bool protect_entry(struct rmap_place *place, struct page *page,
                          void *arg __maybe_unused)
{
    if (rmap_shows(place, page)) {
        *place->slot = pte_wrprotect(*place->slot);
        flush_place(place);
    }
    return true;
}

static pte_t pte_of_other_page(pte_t pte, const struct page *page)
{
    return (pte_t){(pte.val & ~(PTE_PFN_MASK | PTE_WRITE)) |
                   page_to_phys(page)};
}

static bool exchange_entry(struct rmap_place *place, struct page *page,
                           void *arg)
{
    struct page *to = arg;
    pte_t pte = *place->slot;

    if (!rmap_shows(place, page))
        return true;
    if (page_extra_refs(page) != 1 || place->block != page_test(page, PG_head))
        return false;
    get_page(to);
    atomic_inc(&to->mapcount);
    if (!place->block)
        place->slot->val = 0;
    else
        *place->slot = pte_of_other_page(pte, to);
    flush_place(place);
    *place->slot = pte_of_other_page(pte, to);
    atomic_dec(&page->mapcount);
    put_page(page);
    return true;
}

static int move_private(struct rmap *rmap, struct page *to)
{
    struct page *page = rmap->page;

    if (page_extra_refs(page) != 1)
        return -EAGAIN;
    page_set(page, PG_locked);
    rmap_walk(rmap, protect_entry, NULL);
    if (page_extra_refs(page) == 1) {
        for (size_t i = 0; i < (page_test(page, PG_head) ? HUGE_PAGES : 1); i++)
            copy_highpage(to + i, page + i);
        to->anon_vma = rmap->family;
        to->index = rmap->index;
        rmap_walk(rmap, exchange_entry, to);
    }
    page_clear(page, PG_locked);
    return page_count(page) == 1 ? 0 : -EAGAIN;
}

/* ---- pages of a cache ---- */

static atomic64_t *rss_of(const struct vm_area_struct *vma)
{
    return vma->vm_file ? &vma->vm_mm->file_pages : &vma->vm_mm->shmem_pages;
}

static bool unmap_entry(struct rmap_place *place, struct page *page,
                        void *arg __maybe_unused)
{
    struct vm_area_struct *vma = place->vma;
    pte_t pte;

    if (!rmap_shows(place, page))
        return true;
    pte.val = __atomic_exchange_n(&place->slot->val, 0, __ATOMIC_SEQ_CST);
    flush_place(place);
    if (vma->vm_flags & VM_SHARED && pte_dirty(pte))
        page_set(page, PG_dirty);
    vma->vm_mm->hiwater_rss = mm_hiwater_rss(vma->vm_mm);
    atomic_dec(rss_of(vma));
    atomic_dec(&page->mapcount);
    put_page(page);
    return true;
}

/* mlock promises that there is no waiting for pages: they are there.  Not
 * after a truncation, whose zap waits for us. */
static bool map_again(struct rmap_place *place,
                      struct page *page __maybe_unused, void *arg)
{
    struct vm_area_struct *vma = place->vma;
    struct page *now = arg;

    if (!(vma->vm_flags & VM_LOCKED) || place->block ||
        !pte_none(*place->slot) || READ_ONCE(now->mapping) != vma->vm_mapping)
        return true;
    get_page(now);
    atomic_inc(&now->mapcount);
    atomic_inc(rss_of(vma));
    *place->slot = pte_of_page(now, vma->vm_page_prot);
    return true;
}

static int move_cached(struct rmap *rmap, struct page *to)
{
    struct address_space *mapping = rmap->mapping;
    struct page *page = rmap->page;
    bool moved;

    if (page_extra_refs(page) != 2)
        return -EAGAIN;
    rmap_walk(rmap, unmap_entry, NULL);
    spin_lock(&mapping->lock);
    if (page_mapcount(page))
        rmap_walk(rmap, unmap_entry, NULL);
    moved = filemap_replace(mapping, page, to);
    spin_unlock(&mapping->lock);
    rmap_walk(rmap, map_again, moved ? to : page);
    return moved ? 0 : -EAGAIN;
}

int migrate_page(struct page *page, struct page *to)
{
    struct rmap rmap;
    int err = -EAGAIN;

    bool block = huge_block_of(page) == page;

    if ((block || is_movable_kind(page)) && block == page_test(to, PG_head) &&
        rmap_open(&rmap, page)) {
        page_set_owner(to, page->owner);
        err = rmap.family ? move_private(&rmap, to) : move_cached(&rmap, to);
        rmap_close(&rmap);
    }
    put_page(to);
    return err;
}

int migrate_away(struct page *page, unsigned long *to)
{
    struct page *block = huge_block_of(page), *target;
    struct page *what = block ? block : page;

    target = block ? huge_alloc(GFP_TRANSHUGE)
                   : alloc_pages_owner(GFP_HIGHUSER_MOVABLE | __GFP_NOWARN, 0,
                                       what->owner);
    if (!target)
        return -ENOMEM;
    *to = page_to_pfn(target) + (page - what);
    return migrate_page(what, target);
}
