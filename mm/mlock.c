/*
 * mm/mlock.c - mlock(2) and its family.
 *
 * Nothing is ever taken out of memory here, so a lock is a property of the VMA
 * that is accounted against RLIMIT_MEMLOCK, and pages brought in beforehand.
 * Locking  do_* take mmap_lock for writing, then for reading to populate.
 */
#include <kernel/uapi/errno.h>
#include <kernel/uapi/mman.h>
#include <mm/internal.h>

/* Walks VMAs of [start, end), which must be without holes. */
static int lock_range(struct mm_struct *mm, unsigned long start,
                      unsigned long end, unsigned long lock_flags)
{
    struct vm_area_struct *vma = find_vma(mm, start);
    unsigned long at = start, stop, flags;
    int err = 0;

    while (!err && at < end) {
        if (!vma || vma->vm_start > at)
            return -ENOMEM;
        stop = min(vma->vm_end, end);
        flags = (vma->vm_flags & ~(VM_LOCKED | VM_LOCKONFAULT)) | lock_flags;
        if (flags != vma->vm_flags && !(vma->vm_flags & VM_SPECIAL_MASK)) {
            bool was = vma->vm_flags & VM_LOCKED;
            long pages = (stop - at) >> PAGE_SHIFT;

            err = vma_change(mm, &vma, at, stop, flags);
            if (!err)
                mm->locked_vm += pages * (!!(lock_flags & VM_LOCKED) - was);
        }
        at = stop;
        if (vma->vm_end <= at)
            vma = vma->vm_next;
    }
    return err;
}

/* Pages of the range that are locked already count only once. */
static u64 locked_pages(struct mm_struct *mm, unsigned long start,
                        unsigned long end)
{
    struct vm_area_struct *vma = find_vma(mm, start);
    u64 bytes = 0;

    for (; vma && vma->vm_start < end; vma = vma->vm_next)
        if (vma->vm_flags & VM_LOCKED)
            bytes += min(vma->vm_end, end) - max(vma->vm_start, start);
    return bytes >> PAGE_SHIFT;
}

int do_mlock(struct mm_struct *mm, unsigned long addr, size_t len,
             unsigned long vm_flags, bool privileged)
{
    unsigned long start = addr & PAGE_MASK;
    unsigned long end = PAGE_ALIGN(addr + len);
    u64 limit = mm->limits.memlock >> PAGE_SHIFT, want;
    int err = 0;

    if (vm_flags && !privileged && !mm->limits.memlock)
        return -EPERM;
    if (end < start)
        return -EINVAL;
    if (end == start)
        return 0;
    down_write(&mm->mmap_lock);
    want = ((end - start) >> PAGE_SHIFT) + mm->locked_vm;
    if (vm_flags && !privileged && want > limit &&
        want - locked_pages(mm, start, end) > limit)
        err = -ENOMEM;
    if (!err)
        err = lock_range(mm, start, end, vm_flags);
    mm_write_unlock(mm);
    if (!err && (vm_flags & (VM_LOCKED | VM_LOCKONFAULT)) == VM_LOCKED)
        err = mm_populate(mm, start, end);
    return err;
}

static void lock_all(struct mm_struct *mm, unsigned long lock_flags)
{
    struct vm_area_struct *vma;
    unsigned long at = 0, end;

    while ((vma = find_vma(mm, at))) { /* merging may take it away */
        end = vma->vm_end;
        lock_range(mm, vma->vm_start, end, lock_flags);
        at = end;
    }
}

int do_mlockall(struct mm_struct *mm, int flags, bool privileged)
{
    unsigned long lock = VM_LOCKED;
    struct vm_area_struct *vma;
    unsigned long start, end;
    int err = 0;

    if (!flags || flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) ||
        flags == MCL_ONFAULT)
        return -EINVAL;
    if (!privileged && !mm->limits.memlock)
        return -EPERM;
    if (flags & MCL_ONFAULT)
        lock |= VM_LOCKONFAULT;
    down_write(&mm->mmap_lock);
    if (flags & MCL_CURRENT && !privileged &&
        mm->total_vm > mm->limits.memlock >> PAGE_SHIFT)
        err = -ENOMEM;
    if (!err) {
        mm->def_flags = flags & MCL_FUTURE ? lock : 0;
        if (flags & MCL_CURRENT)
            lock_all(mm, lock);
    }
    vma = mm->first;
    start = vma ? vma->vm_start : 0;
    end = start;
    for (; vma; vma = vma->vm_next)
        end = vma->vm_end;
    mm_write_unlock(mm);
    if (!err && flags & MCL_CURRENT && !(flags & MCL_ONFAULT))
        mm_populate(mm, start, end);
    return err;
}

int do_munlockall(struct mm_struct *mm)
{
    down_write(&mm->mmap_lock);
    mm->def_flags = 0;
    lock_all(mm, 0);
    mm_write_unlock(mm);
    return 0;
}
