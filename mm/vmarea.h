/*
 * mm/vmarea.h - which addresses of the vmalloc region are taken: a set of
 * areas without overlap, each followed by an unmapped guard page.  Pure; the
 * caller locks and owns the memory of the areas.
 */
#pragma once

#include <kernel/lib/rbtree.h>
#include <mm/vmalloc.h>

struct vm_area_set {
    struct rb_root tree;      /* by address; vm_struct.node */
    unsigned long start, end; /* [start, end), page-aligned */
};

/* The lowest gap that holds size bytes and the guard page, at a multiple of
 * align; sets area->addr and adds it.  False: no such gap. */
bool vm_area_place(struct vm_area_set *set, struct vm_struct *area, size_t size,
                   size_t align);
void vm_area_remove(struct vm_area_set *set, struct vm_struct *area);
/* `right`, which follows left without a gap, leaves the set, and left reserves
 * its addresses from now on. */
void vm_area_absorb(struct vm_area_set *set, struct vm_struct *left,
                    struct vm_struct *right);
/* The area (guard page included) that holds addr, or NULL. */
struct vm_struct *vm_area_at(const struct vm_area_set *set, unsigned long addr);
/* In ascending order; NULL at the end. */
struct vm_struct *vm_area_first(const struct vm_area_set *set);
struct vm_struct *vm_area_next(const struct vm_struct *area);
struct vm_struct *vm_area_prev(const struct vm_struct *area);

static inline unsigned long vm_area_end(const struct vm_struct *area)
{
    return area->addr + area->size + PAGE_SIZE;
}
