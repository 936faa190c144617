/*
 * mm/anon_vma.c - the trees that lead from a page to the VMAs that may show
 * it.
 *
 * Structure  a private page says which family of VMAs it belongs to
 *            (page->anon_vma) and where in it (page->index, which counts as
 *            vm_pgoff does and so survives every move); a page of a cache has
 *            page->mapping and page->index.  Family and mapping each hold an
 *            interval tree of VMAs by vm_pgoff.
 * Cost       a change or a search O(log VMAs).  A family is one object for a
 *            VMA and all that fork, split and move ever made of it, where
 *            Linux has a chain of objects, one a fork: a fork is cheaper here
 *            by an allocation and a list for each VMA, but a walk for a page
 *            of one process looks into every relative that covers the index,
 *            and all of them share one lock.
 * Locking    a tree under its family's or its mapping's mutex, which may be
 *            taken with mmap_lock held or without it.  vma->anon_vma is set
 *            once, under page_table_lock.  families_lock: from a bare page to
 *            its family or mapping, against both being freed.
 * Invariant  a VMA with private pages is in its family's tree; entries go
 *            before the VMA leaves.  So whoever sees, under families_lock, a
 *            page that some entry shows, sees a family that is not freed:
 *            its last reference goes under that lock.
 */
#include <kernel/sync/sched_hook.h>
#include <kernel/uapi/errno.h>
#include <mm/anon_vma.h>
#include <mm/filemap.h>
#include <mm/internal.h>
#include <mm/slab.h>

static struct kmem_cache *family_cache;
static DEFINE_SPINLOCK(families_lock);

/* What a family is between two lives. */
static void family_ctor(void *obj)
{
    struct anon_vma *family = obj;

    mutex_init(&family->lock);
    family->vmas = RB_ROOT;
}

void anon_vma_init(void)
{
    family_cache = kmem_cache_create("anon_vma", sizeof(struct anon_vma), 0, 0,
                                     family_ctor);
}

/* ---- the trees ---- */

static void set_bounds(struct interval_node *node,
                       const struct vm_area_struct *vma)
{
    node->first = vma->vm_pgoff;
    node->last = vma->vm_pgoff + vma_pages(vma) - 1;
}

static void insert(struct rb_root *tree, struct interval_node *node,
                   const struct vm_area_struct *vma,
                   struct interval_node *after)
{
    set_bounds(node, vma);
    if (after)
        interval_insert_after(tree, node, after);
    else
        interval_insert(tree, node);
}

void rmap_insert(struct vm_area_struct *vma, struct vm_area_struct *after)
{
    if (vma->vm_mapping)
        insert(&vma->vm_mapping->vmas, &vma->map_node, vma,
               after ? &after->map_node : NULL);
    if (vma->anon_vma)
        insert(&vma->anon_vma->vmas, &vma->anon_node, vma,
               after ? &after->anon_node : NULL);
}

void rmap_erase(struct vm_area_struct *vma)
{
    if (vma->vm_mapping)
        interval_erase(&vma->vm_mapping->vmas, &vma->map_node);
    if (vma->anon_vma)
        interval_erase(&vma->anon_vma->vmas, &vma->anon_node);
}

static bool check(const struct interval_node *node,
                  const struct vm_area_struct *vma, const void *tree)
{
    return interval_linked(node) == !!tree &&
           (!tree || (node->first == vma->vm_pgoff &&
                      node->last == vma->vm_pgoff + vma_pages(vma) - 1));
}

bool rmap_check(const struct vm_area_struct *vma)
{
    struct anon_vma *family = smp_load_acquire(&vma->anon_vma);
    bool right;

    rmap_hold(vma->vm_mapping, family);
    right = check(&vma->map_node, vma, vma->vm_mapping) &&
            check(&vma->anon_node, vma, vma->anon_vma) &&
            !vma->anon_vma == !vma->anon_id;
    rmap_release(vma->vm_mapping, family);
    return right;
}

void rmap_hold(struct address_space *mapping, struct anon_vma *family)
{
    if (mapping)
        mutex_lock(&mapping->vmas_lock);
    if (family)
        mutex_lock(&family->lock);
}

void rmap_release(struct address_space *mapping, struct anon_vma *family)
{
    if (family)
        mutex_unlock(&family->lock);
    if (mapping)
        mutex_unlock(&mapping->vmas_lock);
}

void rmap_link(struct vm_area_struct *vma, struct vm_area_struct *after)
{
    rmap_hold(vma->vm_mapping, vma->anon_vma);
    rmap_insert(vma, after);
    rmap_release(vma->vm_mapping, vma->anon_vma);
}

/* Whether it is in a tree can only be asked under that tree's lock: a relative
 * that comes or goes recolours its node meanwhile. */
void rmap_unlink(struct vm_area_struct *vma)
{
    if (!vma->vm_mapping && !vma->anon_vma)
        return;
    rmap_hold(vma->vm_mapping, vma->anon_vma);
    rmap_erase(vma);
    rmap_release(vma->vm_mapping, vma->anon_vma);
}

/* ---- families ---- */

/* Whether two neighbours differ at most in rights: Linux lets them share
 * then, in the hope that they will be one some day. */
static bool could_be_one(const struct vm_area_struct *low,
                         const struct vm_area_struct *high)
{
    return low->vm_end == high->vm_start && low->vm_file == high->vm_file &&
           !((low->vm_flags ^ high->vm_flags) & ~VM_ACCESS) &&
           vma_pgoff(low, low->vm_end) == high->vm_pgoff;
}

static bool may_lend(const struct vm_area_struct *vma)
{
    return smp_load_acquire(&vma->anon_vma) && !(vma->anon_id & ANON_ID_FORKED);
}

static struct vm_area_struct *find_lender(const struct vm_area_struct *vma)
{
    struct vm_area_struct *prev = vma->vm_prev, *next = vma->vm_next;

    if (next && could_be_one(vma, next) && may_lend(next))
        return next;
    if (prev && could_be_one(prev, vma) && may_lend(prev))
        return prev;
    return NULL;
}

/* Unless a fault of another thread came first.  Locks: the family's, or
 * nobody else can know it. */
static bool join(struct vm_area_struct *vma, struct anon_vma *family,
                 const struct vm_area_struct *lender)
{
    struct mm_struct *mm = vma->vm_mm;
    bool won;

    spin_lock(&mm->page_table_lock);
    won = !vma->anon_vma;
    if (won) {
        vma->anon_id = lender ? lender->anon_id : ++mm->anon_ids;
        insert(&family->vmas, &vma->anon_node, vma, NULL);
        smp_store_release(&vma->anon_vma, family);
    }
    spin_unlock(&mm->page_table_lock);
    return won;
}

int anon_vma_make(struct vm_area_struct *vma)
{
    struct vm_area_struct *lender = find_lender(vma);
    struct anon_vma *family;
    bool won;

    if (lender) { /* which keeps it: mmap_lock is held */
        family = lender->anon_vma;
        refcount_inc(&family->refs);
        mutex_lock(&family->lock);
        won = join(vma, family, lender);
        mutex_unlock(&family->lock);
    } else {
        family = kmem_cache_alloc(family_cache, GFP_KERNEL);
        if (!family)
            return -ENOMEM;
        refcount_set(&family->refs, 1);
        won = join(vma, family, NULL);
    }
    if (!won)
        anon_vma_put(family);
    return 0;
}

void anon_vma_adopt(struct vm_area_struct *into,
                    const struct vm_area_struct *from)
{
    into->anon_vma = from->anon_vma;
    into->anon_id = from->anon_id;
    refcount_inc(&from->anon_vma->refs);
}

void anon_vma_put(struct anon_vma *family)
{
    bool last;

    if (refcount_dec_not_one(&family->refs))
        return;
    spin_lock(&families_lock);
    last = refcount_dec_and_test(&family->refs);
    spin_unlock(&families_lock);
    if (last)
        kmem_cache_free(family_cache, family);
}

/* ---- from a page ---- */

struct anon_vma *page_anon_vma_get(struct page *page)
{
    struct page *head = compound_head(page);
    struct anon_vma *family = NULL;

    spin_lock(&families_lock);
    if (head->owner == OWNER_ANON &&
        (page_mapcount(head) > 0 || page_mapcount(page) > 0)) {
        family = head->anon_vma;
        refcount_inc(&family->refs);
    }
    spin_unlock(&families_lock);
    return family;
}

struct address_space *page_mapping_get(struct page *page)
{
    struct address_space *mapping = NULL;

    spin_lock(&families_lock);
    if (page_test(page, PG_cache))
        mapping = READ_ONCE(page->mapping);
    if (mapping)
        atomic_inc(&mapping->walks);
    spin_unlock(&families_lock);
    return mapping;
}

void page_mapping_put(struct address_space *mapping)
{
    atomic_dec(&mapping->walks);
}

void mapping_quiesce(struct address_space *mapping)
{
    spin_lock(&families_lock); /* whoever found it before has counted itself */
    spin_unlock(&families_lock);
    while (atomic_read(&mapping->walks))
        schedule();
}
