/*
 * mm/populate.c - bringing pages in before the program touches them:
 * MAP_POPULATE, locked memory, MADV_POPULATE_*.
 *
 * Each page takes the way of a fault, without the exception.
 * Locks    mmap_lock for reading, taken here.
 */
#include <kernel/uapi/errno.h>
#include <mm/huge.h>
#include <mm/internal.h>

void mm_populate(struct mm_struct *mm, unsigned long start, unsigned long end)
{
    struct vm_area_struct *vma;
    vm_fault_t ret = 0;
    u32 flags;

    down_read(&mm->mmap_lock);
    while (start < end && !ret) {
        vma = find_vma(mm, start);
        if (!vma || vma->vm_start >= end ||
            vma->vm_flags & (VM_IO | VM_PFNMAP) || !(vma->vm_flags & VM_ACCESS))
            break;
        start = max(start, vma->vm_start);
        flags = vma->vm_flags & VM_WRITE ? FAULT_WRITE : 0;
        if (vma->vm_flags & VM_SHARED) /* these are not made dirty */
            flags = 0;
        while (start < min(end, vma->vm_end) && !ret) {
            ret = fault_in_vma(vma, start, flags);
            start = huge_next(mm, start);
        }
    }
    up_read(&mm->mmap_lock);
}

int mm_populate_as(struct mm_struct *mm, unsigned long start, unsigned long end,
                   u32 flags)
{
    unsigned long want = flags & FAULT_WRITE ? VM_WRITE : VM_READ;
    struct vm_area_struct *vma;
    vm_fault_t ret = 0;
    int err = 0;

    down_read(&mm->mmap_lock);
    while (start < end && !ret && !err) {
        vma = find_vma(mm, start);
        if (!vma || vma->vm_start > start)
            err = -ENOMEM;
        else if (vma->vm_flags & (VM_IO | VM_PFNMAP) || !(vma->vm_flags & want))
            err = -EINVAL;
        else
            ret = fault_in_vma(vma, start, flags);
        start = huge_next(mm, start);
    }
    up_read(&mm->mmap_lock);
    if (ret & VM_FAULT_OOM)
        return -ENOMEM;
    return ret & (VM_FAULT_SIGBUS | VM_FAULT_SIGSEGV) ? -EFAULT : err;
}
