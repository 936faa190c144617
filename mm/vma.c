/*
 * mm/vma.c - the set of a process's mappings: search, gaps, merge, split.
 *
 * Structure  red-black tree by address, threaded by vm_next and vm_prev.
 *            vma->gap is the free space left of a VMA (without the guard gap
 *            of a stack), vma->subtree_gap the widest in the tree below it.
 * Cost       find an address O(log n), or O(1) if it is in the VMA found
 *            last; find a free gap O(log n); next and previous O(1).
 * Locking    mmap_lock of the mm: reading to search, writing to change.
 * Invariant  VMAs are page-aligned, not empty, disjoint and ascending;
 *            vma_tree_check() recounts.
 * Context    pure apart from kmem_cache_alloc(), and compiled for the host.
 *
 * Merging.  A range R with new properties lies between L and N, and may be a
 * part of one VMA (self) that has other properties so far:
 *
 *      L R N  ->  L L L     both agree: L takes R and N
 *      L R .  ->  L L .     L grows up into R
 *      . R N  ->  . N N     N grows down into R
 *
 * What is left of self beside R keeps its properties.
 */
#include <kernel/lib/string.h>
#include <mm/anon_vma.h>
#include <mm/internal.h>
#include <mm/slab.h>

static struct kmem_cache *vma_cache;

void vma_init(void)
{
    vma_cache = kmem_cache_create("vm_area_struct",
                                  sizeof(struct vm_area_struct), 0, 0, NULL);
}

struct vm_area_struct *vma_alloc(struct mm_struct *mm)
{
    struct vm_area_struct *vma = kmem_cache_alloc(vma_cache, GFP_KERNEL);

    if (!vma)
        return NULL;
    memset(vma, 0, sizeof(*vma));
    vma->vm_mm = mm;
    return vma;
}

void vma_copy(struct vm_area_struct *to, const struct vm_area_struct *from)
{
    memcpy(to, from, sizeof(*to));
    to->map_node.rb.parent_color = 0; /* in no tree */
    to->anon_node.rb.parent_color = 0;
}

void vma_free(struct vm_area_struct *vma)
{
    kmem_cache_free(vma_cache, vma);
}

static inline struct vm_area_struct *vma_of(const struct rb_node *node)
{
    return rb_entry(node, struct vm_area_struct, node);
}

/* ---- gaps ---- */

/* Where the free space under this VMA ends. */
static inline unsigned long gap_end(const struct vm_area_struct *vma)
{
    unsigned long start = vma->vm_start;

    if (unlikely(vma->vm_flags & VM_GROWSDOWN))
        return start > STACK_GUARD_GAP ? start - STACK_GUARD_GAP : 0;
    return start;
}

static inline unsigned long gap_start(const struct vm_area_struct *vma)
{
    return vma->vm_prev ? vma->vm_prev->vm_end : 0;
}

static inline unsigned long gap_width(const struct vm_area_struct *vma)
{
    unsigned long start = gap_start(vma), end = gap_end(vma);

    return end > start ? end - start : 0;
}

static bool gap_update(struct rb_node *node)
{
    struct vm_area_struct *vma = vma_of(node);
    unsigned long widest = vma->gap;

    if (node->left)
        widest = max(widest, vma_of(node->left)->subtree_gap);
    if (node->right)
        widest = max(widest, vma_of(node->right)->subtree_gap);
    if (vma->subtree_gap == widest)
        return false;
    vma->subtree_gap = widest;
    return true;
}

/* After vma's start or its predecessor's end moved.  NULL is fine. */
static void gap_refresh(struct vm_area_struct *vma)
{
    unsigned long gap;

    if (!vma)
        return;
    gap = gap_width(vma);
    if (gap == vma->gap)
        return;
    vma->gap = gap;
    rb_propagate(&vma->node, gap_update);
}

struct gap_query {
    size_t len;
    unsigned long low, high;
};

static unsigned long gap_fit_high(const struct gap_query *q,
                                  unsigned long start, unsigned long end)
{
    start = max(start, q->low);
    end = min(end, q->high);
    return end > start && end - start >= q->len ? end - q->len : 0;
}

/* Highest fit in the gaps of this subtree; 0 if none. */
static unsigned long gap_search_down(const struct rb_node *node,
                                     const struct gap_query *q)
{
    const struct vm_area_struct *vma;
    unsigned long addr = 0;

    while (node) {
        vma = vma_of(node);
        if (vma->subtree_gap < q->len)
            return 0;
        if (vma->vm_end < q->high)
            addr = gap_search_down(node->right, q);
        if (!addr && vma->gap >= q->len)
            addr = gap_fit_high(q, gap_start(vma), gap_end(vma));
        if (addr || gap_start(vma) <= q->low)
            return addr;
        node = node->left;
    }
    return 0;
}

/* Lowest fit in the gaps of this subtree; 0 if none. */
static unsigned long gap_search_up(const struct rb_node *node,
                                   const struct gap_query *q)
{
    const struct vm_area_struct *vma;
    unsigned long addr = 0, start;

    while (node) {
        vma = vma_of(node);
        if (vma->subtree_gap < q->len)
            return 0;
        start = gap_start(vma);
        if (start > q->low)
            addr = gap_search_up(node->left, q);
        if (!addr && vma->gap >= q->len && gap_fit_high(q, start, gap_end(vma)))
            addr = max(start, q->low);
        if (addr || vma->vm_end >= q->high)
            return addr;
        node = node->right;
    }
    return 0;
}

/* End of the highest VMA: nothing is mapped from there on. */
static unsigned long last_end(struct mm_struct *mm)
{
    struct rb_node *last = rb_last(&mm->vmas);

    return last ? vma_of(last)->vm_end : 0;
}

unsigned long vma_gap_topdown(struct mm_struct *mm, size_t len,
                              unsigned long low, unsigned long high)
{
    const struct gap_query q = {len, low, high};
    unsigned long addr = gap_fit_high(&q, last_end(mm), high);

    return addr ? addr : gap_search_down(mm->vmas.node, &q);
}

unsigned long vma_gap_bottomup(struct mm_struct *mm, size_t len,
                               unsigned long low, unsigned long high)
{
    const struct gap_query q = {len, low, high};
    unsigned long addr = gap_search_up(mm->vmas.node, &q);

    if (!addr && gap_fit_high(&q, last_end(mm), high))
        addr = max(low, last_end(mm));
    return addr;
}

bool vma_range_free(struct mm_struct *mm, unsigned long start,
                    unsigned long end)
{
    const struct vm_area_struct *next = find_vma(mm, start);

    return !next || end <= gap_end(next);
}

/* ---- search ---- */

struct vm_area_struct *find_vma(struct mm_struct *mm, unsigned long addr)
{
    struct vm_area_struct *vma = READ_ONCE(mm->cache), *found = NULL;
    struct rb_node *node = mm->vmas.node;

    if (vma && addr - vma->vm_start < vma->vm_end - vma->vm_start)
        return vma;
    while (node) {
        vma = vma_of(node);
        if (addr >= vma->vm_end) {
            node = node->right;
            continue;
        }
        found = vma;
        if (addr >= vma->vm_start) {
            WRITE_ONCE(mm->cache, vma);
            break;
        }
        node = node->left;
    }
    return found;
}

struct vm_area_struct *find_vma_intersection(struct mm_struct *mm,
                                             unsigned long start,
                                             unsigned long end)
{
    struct vm_area_struct *vma = find_vma(mm, start);

    return vma && vma->vm_start < end ? vma : NULL;
}

struct vm_area_struct *find_vma_prev(struct mm_struct *mm, unsigned long start)
{
    struct vm_area_struct *next = find_vma(mm, start);
    struct rb_node *last;

    if (next)
        return next->vm_prev;
    last = rb_last(&mm->vmas);
    return last ? vma_of(last) : NULL;
}

/* ---- changes ---- */

void vma_link(struct mm_struct *mm, struct vm_area_struct *vma,
              struct vm_area_struct *prev)
{
    struct vm_area_struct *next = prev ? prev->vm_next : mm->first;
    struct rb_node *parent = NULL, **link = &mm->vmas.node;

    /* One of two neighbours has its inner child free. */
    if (prev && !prev->node.right) {
        parent = &prev->node;
        link = &parent->right;
    } else if (next) {
        parent = &next->node;
        link = &parent->left;
    }
    vma->vm_prev = prev;
    vma->vm_next = next;
    if (prev)
        prev->vm_next = vma;
    else
        mm->first = vma;
    if (next)
        next->vm_prev = vma;
    vma->gap = gap_width(vma);
    vma->subtree_gap = 0;
    rb_insert(&mm->vmas, &vma->node, parent, link, gap_update);
    gap_refresh(next);
    mm->map_count++;
}

void vma_unlink(struct mm_struct *mm, struct vm_area_struct *vma)
{
    struct vm_area_struct *prev = vma->vm_prev, *next = vma->vm_next;

    rb_erase(&mm->vmas, &vma->node, gap_update);
    if (prev)
        prev->vm_next = next;
    else
        mm->first = next;
    if (next)
        next->vm_prev = prev;
    gap_refresh(next);
    if (mm->cache == vma)
        mm->cache = NULL;
    mm->map_count--;
}

void vma_resize(struct vm_area_struct *vma, unsigned long start,
                unsigned long end)
{
    rmap_erase(vma);
    vma->vm_pgoff += (long)(start - vma->vm_start) >> PAGE_SHIFT;
    vma->vm_start = start;
    vma->vm_end = end;
    rmap_insert(vma, NULL);
    gap_refresh(vma);
    gap_refresh(vma->vm_next);
}

void vma_split(struct mm_struct *mm, struct vm_area_struct *vma,
               struct vm_area_struct *upper, unsigned long addr)
{
    upper->vm_pgoff = vma_pgoff(vma, addr);
    upper->vm_start = addr;
    upper->vm_end = vma->vm_end;
    rmap_erase(vma);
    vma->vm_end = addr;
    rmap_insert(vma, NULL);
    rmap_insert(upper, NULL);
    vma_link(mm, upper, vma);
}

/* ---- merging ---- */

struct vma_shape vma_shape_of(const struct vm_area_struct *vma)
{
    return (struct vma_shape){
        .start = vma->vm_start,
        .end = vma->vm_end,
        .flags = vma->vm_flags,
        .pgoff = vma->vm_pgoff,
        .file = vma->vm_file,
        .ops = vma->vm_ops,
        .mapping = vma->vm_mapping,
        .anon_vma = vma->anon_vma,
        .anon_id = vma->anon_id,
        .private_data = vma->vm_private_data,
    };
}

/*
 * Whether vma may take over a range whose private pages have that id.  As on
 * Linux a range without any joins a VMA that has some, unless that came by a
 * fork, but not the other way round.
 */
static bool anon_agrees(const struct vm_area_struct *vma, u32 id)
{
    return vma->anon_id == id || (!id && !(vma->anon_id & ANON_ID_FORKED));
}

/* Whether vma, which borders the range at `addr`, could cover it as well. */
static bool shape_agrees(const struct vm_area_struct *vma,
                         const struct vma_shape *shape, unsigned long addr,
                         unsigned long pgoff)
{
    if (!anon_agrees(vma, shape->anon_id) || vma->vm_flags != shape->flags ||
        vma->vm_file != shape->file || vma->vm_ops != shape->ops ||
        vma->vm_mapping != shape->mapping ||
        vma->vm_private_data != shape->private_data)
        return false;
    if (vma->vm_ops && vma->vm_ops->close)
        return false;
    return vma->vm_pgoff + ((long)(addr - vma->vm_start) >> PAGE_SHIFT) ==
           pgoff;
}

static void swallow(struct mm_struct *mm, struct vm_area_struct *vma,
                    struct vm_area_struct *into, struct vm_area_struct **gone)
{
    rmap_erase(vma);
    if (vma->anon_vma && !into->anon_vma)
        anon_vma_adopt(into, vma);
    vma_unlink(mm, vma);
    vma->vm_next = *gone;
    *gone = vma;
}

/* Who of the two neighbours takes part; NULL: does not. */
static void find_partners(const struct vma_shape *range,
                          struct vm_area_struct **left,
                          struct vm_area_struct **right)
{
    unsigned long pages = (range->end - range->start) >> PAGE_SHIFT;
    struct vm_area_struct *l = *left, *r = *right;
    struct vma_shape shape = *range;

    if (r && (r->vm_start != shape.end ||
              !shape_agrees(r, &shape, shape.end, shape.pgoff + pages)))
        r = NULL;
    if (r && shape.fresh) /* it is the right one's already, for the left one */
        shape.anon_id = r->anon_id;
    if (l && (l->vm_end != shape.start ||
              !shape_agrees(l, &shape, shape.start, shape.pgoff)))
        l = NULL;
    if (l && r && l->anon_id && r->anon_id && l->anon_id != r->anon_id)
        r = NULL;
    *left = l;
    *right = r;
}

/* The neighbours that take part move over the range.  Locks: rmap_hold(). */
static void do_merge(struct mm_struct *mm, struct vm_area_struct *left,
                     struct vm_area_struct *right, struct vm_area_struct *self,
                     const struct vma_shape *shape,
                     struct vm_area_struct **gone)
{
    unsigned long start = shape->start, end = shape->end;

    if (self && start == self->vm_start && end == self->vm_end)
        swallow(mm, self, left ? left : right, gone);
    else if (self)
        vma_resize(self, left ? end : self->vm_start,
                   left ? self->vm_end : start);
    if (left && right) {
        end = right->vm_end;
        swallow(mm, right, left, gone);
    }
    if (left)
        vma_resize(left, left->vm_start, end);
    else
        vma_resize(right, start, right->vm_end);
}

struct vm_area_struct *vma_merge(struct mm_struct *mm,
                                 struct vm_area_struct *prev,
                                 struct vm_area_struct *self,
                                 const struct vma_shape *shape,
                                 struct vm_area_struct **gone)
{
    struct vm_area_struct *left = prev, *right;
    struct anon_vma *family = shape->anon_vma;

    *gone = NULL;
    if (shape->flags & VM_SPECIAL_MASK)
        return NULL;
    right = self ? self->vm_next : prev ? prev->vm_next : mm->first;
    find_partners(shape, &left, &right);
    if (!left && !right)
        return NULL;
    if (!family && left) /* whoever has one has the same */
        family = left->anon_vma;
    if (!family && right)
        family = right->anon_vma;
    rmap_hold(shape->mapping, family);
    do_merge(mm, left, right, self, shape, gone);
    rmap_release(shape->mapping, family);
    return left ? left : right;
}

/* ---- checking ---- */

static const char *check_one(const struct vm_area_struct *vma)
{
    const struct vm_area_struct *next = vma->vm_next;
    unsigned long widest = vma->gap;

    if (vma->vm_start >= vma->vm_end)
        return "empty";
    if ((vma->vm_start | vma->vm_end) & ~PAGE_MASK)
        return "not page-aligned";
    if (next && (next->vm_prev != vma || next->vm_start < vma->vm_end))
        return "overlap, or broken links";
    if (rb_next(&vma->node) != (next ? &next->node : NULL))
        return "tree and list differ";
    if (vma->gap != gap_width(vma))
        return "stale gap";
    if (vma->node.left)
        widest = max(widest, vma_of(vma->node.left)->subtree_gap);
    if (vma->node.right)
        widest = max(widest, vma_of(vma->node.right)->subtree_gap);
    if (widest != vma->subtree_gap)
        return "stale subtree gap";
    return rmap_check(vma) ? NULL : "stale in the reverse map";
}

bool vma_tree_check(struct mm_struct *mm, const char **why)
{
    const struct vm_area_struct *vma;
    u32 count = 0;

    *why = NULL;
    for (vma = mm->first; vma && !*why; vma = vma->vm_next, count++)
        *why = check_one(vma);
    if (!*why && count != mm->map_count)
        *why = "wrong count";
    if (!*why && !mm->first != !mm->vmas.node)
        *why = "list head";
    return !*why;
}
