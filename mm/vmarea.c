/*
 * mm/vmarea.c - a gap for an area in O(log areas).
 *
 * Structure  rbtree of areas by address.  Each knows the gap in front of it
 *            and caches the widest one in its subtree, so the search for the
 *            lowest gap that fits turns into a subtree only if the answer
 *            may lie there.
 * Invariant  gap == addr - end of the previous area (or the set's start);
 *            widest == the maximum of gap over the subtree.
 */
#include <mm/vmarea.h>

static struct vm_struct *area_of(struct rb_node *node)
{
    return rb_entry_or_null(node, struct vm_struct, node);
}

static unsigned long widest_of(struct rb_node *node)
{
    return node ? area_of(node)->widest : 0;
}

static bool update_widest(struct rb_node *node)
{
    struct vm_struct *area = area_of(node);
    unsigned long widest = max(widest_of(node->left), widest_of(node->right));

    widest = max(widest, area->gap);
    if (area->widest == widest)
        return false;
    area->widest = widest;
    return true;
}

static void set_gap(struct vm_struct *area, unsigned long before)
{
    area->gap = area->addr - before;
    rb_propagate(&area->node, update_widest);
}

/* The lowest area whose gap is at least `size` wide, or NULL. */
static struct vm_struct *first_gap(const struct vm_area_set *set, size_t size)
{
    struct rb_node *node = set->tree.node;

    if (widest_of(node) < size)
        return NULL;
    for (;;) {
        if (widest_of(node->left) >= size)
            node = node->left;
        else if (area_of(node)->gap >= size)
            return area_of(node);
        else
            node = node->right;
    }
}

/* Makes the area the last in front of `next` (NULL: the last of all). */
static void link_before(struct vm_area_set *set, struct vm_struct *area,
                        struct vm_struct *last, struct vm_struct *next)
{
    struct rb_node **link = &set->tree.node, *parent = NULL;

    if (!next && last) {
        parent = &last->node;
        link = &parent->right;
    } else if (next) {
        parent = &next->node;
        for (link = &parent->left; *link; link = &parent->right)
            parent = *link;
    }
    area->widest = area->gap;
    rb_insert(&set->tree, &area->node, parent, link, update_widest);
}

bool vm_area_place(struct vm_area_set *set, struct vm_struct *area, size_t size,
                   size_t align)
{
    size_t want = size + PAGE_SIZE + (align - PAGE_SIZE);
    struct vm_struct *next, *last = NULL;
    unsigned long before;

    if (want < size)
        return false;
    next = first_gap(set, want);
    if (next) {
        before = next->addr - next->gap;
    } else {
        last = area_of(rb_last(&set->tree));
        before = last ? vm_area_end(last) : set->start;
        if (set->end - before < want)
            return false;
    }
    area->addr = ALIGN_UP(before, align);
    area->size = size;
    area->gap = area->addr - before;
    link_before(set, area, last, next);
    if (next)
        set_gap(next, vm_area_end(area));
    return true;
}

void vm_area_remove(struct vm_area_set *set, struct vm_struct *area)
{
    struct vm_struct *next = vm_area_next(area);
    unsigned long before = area->addr - area->gap;

    rb_erase(&set->tree, &area->node, update_widest);
    if (next)
        set_gap(next, before);
}

void vm_area_absorb(struct vm_area_set *set, struct vm_struct *left,
                    struct vm_struct *right)
{
    rb_erase(&set->tree, &right->node, update_widest);
    left->size += right->size + PAGE_SIZE;
}

struct vm_struct *vm_area_at(const struct vm_area_set *set, unsigned long addr)
{
    struct rb_node *node = set->tree.node;

    while (node) {
        struct vm_struct *area = area_of(node);

        if (addr < area->addr)
            node = node->left;
        else if (addr >= vm_area_end(area))
            node = node->right;
        else
            return area;
    }
    return NULL;
}

struct vm_struct *vm_area_first(const struct vm_area_set *set)
{
    return area_of(rb_first(&set->tree));
}

struct vm_struct *vm_area_next(const struct vm_struct *area)
{
    return area_of(rb_next(&area->node));
}

struct vm_struct *vm_area_prev(const struct vm_struct *area)
{
    return area_of(rb_prev(&area->node));
}
