/*
 * mm/brk.c - the program break: one anonymous area that grows and shrinks at
 * its end.
 *
 * Returns the new break, or the old one if it could not be moved, which is
 * how libc notices.
 */
#include <kernel/uapi/errno.h>
#include <mm/internal.h>

/* Maps [start, end), which is free, onto the heap's end if that fits. */
static int brk_grow(struct mm_struct *mm, unsigned long start,
                    unsigned long end)
{
    unsigned long flags = VM_READ | VM_WRITE | VM_MAYREAD | VM_MAYWRITE |
                          VM_MAYEXEC | VM_ACCOUNT | mm->def_flags;
    u64 pages = (end - start) >> PAGE_SHIFT;
    struct vma_shape shape = {.start = start,
                              .end = end,
                              .flags = flags,
                              .pgoff = start >> PAGE_SHIFT};
    struct vm_area_struct *prev = find_vma_prev(mm, start), *gone, *vma;

    if (!mm_may_expand(mm, flags, pages) || vm_commit(mm, pages) < 0)
        return -ENOMEM;
    if (vma_merge(mm, prev, NULL, &shape, &gone)) {
        vma_close_chain(gone);
    } else {
        vma = mm->map_count < VM_MAP_COUNT_MAX ? vma_alloc(mm) : NULL;
        if (!vma) {
            vm_uncommit(mm, pages);
            return -ENOMEM;
        }
        vma->vm_start = start;
        vma->vm_end = end;
        vma->vm_flags = flags;
        vma->vm_pgoff = shape.pgoff;
        vma->vm_page_prot = vm_get_page_prot(flags);
        vma_link(mm, vma, prev);
    }
    mm_account(mm, flags, pages);
    return 0;
}

static bool brk_may_move(const struct mm_struct *mm, unsigned long brk)
{
    u64 data = mm->end_data - mm->start_data;

    return brk >= mm->start_brk && brk < TASK_SIZE &&
           (mm->limits.data == ~0ull ||
            brk - mm->start_brk + data <= mm->limits.data);
}

unsigned long do_brk(struct mm_struct *mm, unsigned long brk)
{
    unsigned long old_end, new_end, result;
    int err = 0;

    down_write(&mm->mmap_lock);
    old_end = PAGE_ALIGN(mm->brk);
    new_end = PAGE_ALIGN(brk);
    if (!brk_may_move(mm, brk))
        err = -EINVAL;
    else if (new_end < old_end)
        err = munmap_locked(mm, new_end, old_end - new_end);
    else if (new_end > old_end)
        /* a page stays free above, and what grows down keeps its guard */
        err = vma_range_free(mm, old_end, new_end + PAGE_SIZE)
                  ? brk_grow(mm, old_end, new_end)
                  : -ENOMEM;
    if (!err)
        mm->brk = brk;
    result = mm->brk;
    mm_write_unlock(mm);
    if (!err && new_end > old_end && mm->def_flags & VM_LOCKED)
        mm_populate(mm, old_end, new_end);
    return result;
}
