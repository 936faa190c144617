/*
 * mm/rmap.c - walking from a page to the entries that show it.
 *
 * The page says which family of VMAs or which page cache it belongs to, and
 * its place in it; the interval tree there has the VMAs that cover the place;
 * each has it at one address, whose entry shows this page, another one, or
 * none.
 * Cost     O(log VMAs + those that cover the place), a walk of the levels
 *          each.
 * Locking  the tree's mutex from rmap_open() to rmap_close(), page_table_lock
 *          at each entry.  A VMA in the tree has tables: it leaves before its
 *          mm is freed.
 */
#include <mm/filemap.h>
#include <mm/rmap.h>

bool rmap_open(struct rmap *rmap, struct page *page)
{
    struct page *head = compound_head(page);

    *rmap = (struct rmap){.page = page};
    if (page_is_anon(head))
        rmap->family = page_anon_vma_get(page);
    else
        rmap->mapping = page_mapping_get(page);
    if (!rmap->family && !rmap->mapping)
        return false;
    rmap->index = head->index + (page - head);
    rmap_hold(rmap->mapping, rmap->family);
    return true;
}

void rmap_close(struct rmap *rmap)
{
    rmap_release(rmap->mapping, rmap->family);
    if (rmap->family)
        anon_vma_put(rmap->family);
    else
        page_mapping_put(rmap->mapping);
}

/* The place in one VMA.  Whether to go on. */
static bool visit(const struct rmap *rmap, struct vm_area_struct *vma,
                  rmap_fn *fn, void *arg)
{
    struct mm_struct *mm = vma->vm_mm;
    struct rmap_place place = {.vma = vma};
    struct pt_cursor c;
    bool go_on = true;

    place.addr = vma->vm_start + ((rmap->index - vma->vm_pgoff) << PAGE_SHIFT);
    spin_lock(&mm->page_table_lock);
    pt_start(&c, mm->root, place.addr, place.addr + PAGE_SIZE);
    place.block = pt_at_huge(&c);
    if (place.block || c.level == 0) {
        place.slot = c.slot;
        go_on = fn(&place, rmap->page, arg);
    }
    spin_unlock(&mm->page_table_lock);
    return go_on;
}

void rmap_walk(const struct rmap *rmap, rmap_fn *fn, void *arg)
{
    struct rb_root *vmas =
        rmap->family ? &rmap->family->vmas : &rmap->mapping->vmas;
    struct interval_node *node = interval_first(vmas, rmap->index, rmap->index);
    struct vm_area_struct *vma;

    for (; node; node = interval_next(node, rmap->index, rmap->index)) {
        vma = rmap->family
                  ? container_of(node, struct vm_area_struct, anon_node)
                  : container_of(node, struct vm_area_struct, map_node);
        if (!visit(rmap, vma, fn, arg))
            return;
    }
}

static bool count_one(struct rmap_place *place, struct page *page, void *arg)
{
    *(size_t *)arg += rmap_shows(place, page);
    return true;
}

size_t rmap_count(struct page *page)
{
    struct rmap rmap;
    size_t n = 0;

    if (!rmap_open(&rmap, page))
        return 0;
    rmap_walk(&rmap, count_one, &n);
    rmap_close(&rmap);
    return n;
}
