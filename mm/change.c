/*
 * mm/change.c - a VMA comes, goes, is cut, or gets other properties.
 *
 * vma_change()  gives a part of a VMA new flags: neighbours that agree take it
 *               over, else it is cut out; all or nothing.
 * Locking       mmap_lock for writing; bounds of a VMA that the reverse map
 *               leads to change under rmap_hold() as well.
 */
#include <kernel/uapi/errno.h>
#include <mm/anon_vma.h>
#include <mm/filemap.h>
#include <mm/huge.h>
#include <mm/internal.h>

const struct mm_file_ops *mm_file_ops;

void vma_open(struct vm_area_struct *vma)
{
    if (vma->vm_file)
        mm_file_ops->get(vma->vm_file);
    if (vma->vm_mapping)
        atomic_inc(&vma->vm_mapping->vma_count);
    if (vma->anon_vma)
        refcount_inc(&vma->anon_vma->refs);
    if (vma->vm_ops && vma->vm_ops->open)
        vma->vm_ops->open(vma);
}

void vma_close(struct vm_area_struct *vma)
{
    if (vma->vm_ops && vma->vm_ops->close)
        vma->vm_ops->close(vma);
    rmap_unlink(vma);
    if (vma->vm_mapping)
        mapping_leave(vma->vm_mapping);
    if (vma->anon_vma)
        anon_vma_put(vma->anon_vma);
    if (vma->vm_file) {
        vma->vm_next = vma->vm_mm->closed;
        vma->vm_mm->closed = vma;
    } else {
        vma_free(vma);
    }
}

void mm_put_files(struct vm_area_struct *closed)
{
    while (closed) {
        struct vm_area_struct *next = closed->vm_next;

        mm_file_ops->put(closed->vm_file);
        vma_free(closed);
        closed = next;
    }
}

void mm_write_unlock(struct mm_struct *mm)
{
    struct vm_area_struct *closed = mm->closed;

    mm->closed = NULL;
    up_write(&mm->mmap_lock);
    if (closed)
        mm_put_files(closed);
}

void vma_close_chain(struct vm_area_struct *gone)
{
    while (gone) {
        struct vm_area_struct *next = gone->vm_next;

        vma_close(gone);
        gone = next;
    }
}

int vma_may_split(struct vm_area_struct *vma, unsigned long addr)
{
    if (vma->vm_ops && vma->vm_ops->may_split)
        return vma->vm_ops->may_split(vma, addr);
    return 0;
}

void vma_split_open(struct mm_struct *mm, struct vm_area_struct *vma,
                    struct vm_area_struct *upper, unsigned long addr)
{
    vma_copy(upper, vma);
    upper->vm_pgoff = vma_pgoff(vma, addr);
    upper->vm_start = addr;
    vma_open(upper);
    rmap_hold(vma->vm_mapping, vma->anon_vma);
    vma_split(mm, vma, upper, addr);
    rmap_release(vma->vm_mapping, vma->anon_vma);
}

/* Cuts [start, end) out of *vmap, which becomes it; all or nothing. */
static int isolate(struct mm_struct *mm, struct vm_area_struct **vmap,
                   unsigned long start, unsigned long end)
{
    struct vm_area_struct *vma = *vmap, *low = NULL, *high = NULL;
    bool cut_low = vma->vm_start<start, cut_high = vma->vm_end> end;
    int err = 0;

    if (cut_low)
        err = vma_may_split(vma, start);
    if (!err && cut_high)
        err = vma_may_split(vma, end);
    if (err)
        return err;
    if (mm->map_count + cut_low + cut_high > VM_MAP_COUNT_MAX)
        return -ENOMEM;
    if (cut_low && !(low = vma_alloc(mm)))
        return -ENOMEM;
    if (cut_high && !(high = vma_alloc(mm))) {
        if (low)
            vma_free(low);
        return -ENOMEM;
    }
    if (high)
        vma_split_open(mm, vma, high, end);
    if (low) {
        vma_split_open(mm, vma, low, start);
        *vmap = low;
    }
    return 0;
}

int vma_change(struct mm_struct *mm, struct vm_area_struct **vmap,
               unsigned long start, unsigned long end, unsigned long flags)
{
    struct vm_area_struct *vma = *vmap, *merged, *gone;
    struct vma_shape shape = vma_shape_of(vma);
    int err;

    if (vma->vm_flags == flags)
        return 0;
    if (huge_split_edges(mm, start, end) < 0)
        return -ENOMEM;
    shape.start = start;
    shape.end = end;
    shape.flags = flags;
    shape.pgoff = vma_pgoff(vma, start);
    merged = vma_merge(mm, vma->vm_prev, vma, &shape, &gone);
    if (merged) {
        vma_close_chain(gone);
        *vmap = merged;
        return 0;
    }
    err = isolate(mm, vmap, start, end);
    if (!err)
        (*vmap)->vm_flags = flags;
    return err;
}
