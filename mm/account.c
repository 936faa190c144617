/*
 * mm/account.c - what mappings are charged with: limits of the process, and
 * the promise of memory (overcommit).
 *
 * Committed  pages that may have to be produced one day: private writable
 *            memory and shared anonymous memory.  Mode 0 refuses only a single
 *            request larger than RAM, mode 1 nothing, mode 2 all beyond half of
 *            RAM (overcommit_ratio 50; there is no swap).
 * Locking    mmap_lock for writing; vm_committed_pages is atomic.
 */
#include <kernel/uapi/errno.h>
#include <mm/internal.h>
#include <mm/physmap.h>

int vm_overcommit_memory;
atomic64_t vm_committed_pages;

static bool is_data(unsigned long vm_flags)
{
    return (vm_flags & (VM_WRITE | VM_SHARED | VM_GROWSDOWN)) == VM_WRITE;
}

bool mm_may_expand(struct mm_struct *mm, unsigned long vm_flags, u64 pages)
{
    if (pages > (mm->limits.as >> PAGE_SHIFT) -
                    min(mm->total_vm, mm->limits.as >> PAGE_SHIFT))
        return false;
    return !is_data(vm_flags) ||
           mm->data_vm + pages <= mm->limits.data >> PAGE_SHIFT;
}

void mm_account(struct mm_struct *mm, unsigned long vm_flags, long pages)
{
    mm->total_vm += pages;
    if ((vm_flags & (VM_EXEC | VM_WRITE | VM_GROWSDOWN)) == VM_EXEC)
        mm->exec_vm += pages;
    else if (vm_flags & VM_GROWSDOWN)
        mm->stack_vm += pages;
    else if (is_data(vm_flags))
        mm->data_vm += pages;
    if (vm_flags & VM_LOCKED)
        mm->locked_vm += pages;
}

u64 vm_commit_limit(void)
{
    return physmap_ram_bytes() / 2 >> PAGE_SHIFT; /* overcommit_ratio 50 */
}

int vm_commit(struct mm_struct *mm, u64 pages)
{
    u64 now = atomic_add_return(&vm_committed_pages, pages);
    bool fits = true;

    if (vm_overcommit_memory == 0)
        fits = pages <= physmap_ram_bytes() >> PAGE_SHIFT;
    else if (vm_overcommit_memory == 2)
        fits = now <= vm_commit_limit();
    if (!fits) {
        atomic_sub(&vm_committed_pages, pages);
        return -ENOMEM;
    }
    mm->committed += pages;
    return 0;
}

void vm_commit_unchecked(struct mm_struct *mm, u64 pages)
{
    mm->committed += pages;
    atomic_add(&vm_committed_pages, pages);
}

void vm_uncommit(struct mm_struct *mm, u64 pages)
{
    mm->committed -= pages;
    atomic_sub(&vm_committed_pages, pages);
}

/* Private writable memory may all have to be produced one day; shared
 * anonymous memory too. */
bool vm_flags_accountable(unsigned long vm_flags, bool file)
{
    if (vm_flags & VM_NORESERVE && vm_overcommit_memory != 2)
        return false;
    if (vm_flags & VM_SHARED)
        return !file;
    return vm_flags & VM_WRITE;
}
