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

/* The part of one VMA; stops at the first page that cannot be had. */
static int populate_vma(struct vm_area_struct *vma, unsigned long start,
                        unsigned long end)
{
    u32 flags = vma->vm_flags & VM_WRITE ? FAULT_WRITE : 0;
    vm_fault_t ret = 0;

    if (vma->vm_flags & (VM_IO | VM_PFNMAP))
        return 0;
    if (!(vma->vm_flags & VM_ACCESS))
        return -ENOMEM;
    if (vma->vm_flags & VM_SHARED) /* these are not made dirty */
        flags = 0;
    while (start < end && !ret) {
        ret = fault_in_vma(vma, start, flags);
        start = huge_next(vma->vm_mm, start);
    }
    if (ret & VM_FAULT_OOM)
        return -EAGAIN;
    return ret & (VM_FAULT_SIGBUS | VM_FAULT_SIGSEGV) ? -ENOMEM : 0;
}

int mm_populate(struct mm_struct *mm, unsigned long start, unsigned long end)
{
    struct vm_area_struct *vma;
    int err = 0, ret;

    down_read(&mm->mmap_lock);
    while (start < end) {
        vma = find_vma(mm, start);
        if (!vma || vma->vm_start >= end)
            break;
        ret =
            populate_vma(vma, max(start, vma->vm_start), min(end, vma->vm_end));
        if (!err)
            err = ret;
        start = vma->vm_end;
    }
    up_read(&mm->mmap_lock);
    return err;
}

int mm_populate_as(struct mm_struct *mm, unsigned long start, unsigned long end,
                   u32 flags)
{
    unsigned long want = flags & FAULT_WRITE ? VM_WRITE : VM_READ;
    struct vm_area_struct *vma;
    vm_fault_t ret = 0;
    int err = 0, hole = 0;

    down_read(&mm->mmap_lock);
    while (start < end && !ret && !err) {
        vma = find_vma(mm, start);
        if (!vma || vma->vm_start > start)
            hole = -ENOMEM; /* said at the end, if nothing worse comes */
        if (!vma || vma->vm_start >= end)
            break;
        start = max(start, vma->vm_start);
        if (vma->vm_flags & (VM_IO | VM_PFNMAP) || !(vma->vm_flags & want))
            err = -EINVAL;
        else
            ret = fault_in_vma(vma, start, flags);
        start = huge_next(mm, start);
    }
    up_read(&mm->mmap_lock);
    if (ret & VM_FAULT_OOM)
        return -ENOMEM;
    if (ret & (VM_FAULT_SIGBUS | VM_FAULT_SIGSEGV))
        return -EFAULT;
    return err ? err : hole;
}
