/*
 * mm/munmap.c - munmap(2): taking a range down.
 *
 * Prepare  memory for the cuts at both ends; nothing changes.
 * Commit   cannot fail: cuts, VMAs leave the tree, their entries are cleared
 *          in one walk each, tables that serve no one are detached, one flush,
 *          then pages, tables and VMAs go back.
 * Cost     O(log VMAs + VMAs removed + pages mapped).
 * Locking  do_munmap takes mmap_lock for writing; the others want it held.
 */
#include <kernel/uapi/errno.h>
#include <mm/anon_vma.h>
#include <mm/huge.h>
#include <mm/internal.h>

int plan_unmap(struct mm_struct *mm, unsigned long start, unsigned long end,
               struct unmap_plan *plan)
{
    struct vm_area_struct *first = find_vma_intersection(mm, start, end);
    struct vm_area_struct *last;
    int err = 0, cuts;

    *plan = (struct unmap_plan){.start = start, .end = end};
    if (!first)
        return 0;
    for (last = first;
         last->vm_end < end && last->vm_next && last->vm_next->vm_start < end;)
        last = last->vm_next;
    if (first->vm_start < start)
        err = vma_may_split(first, start);
    if (!err && last->vm_end > end)
        err = vma_may_split(last, end);
    if (err)
        return err;
    cuts = (first->vm_start < start) + (last->vm_end > end);
    if (cuts == 2 && first == last && mm->map_count >= VM_MAP_COUNT_MAX)
        return -ENOMEM;
    if (huge_split_edges(mm, start, end) < 0)
        return -ENOMEM;
    while (cuts--) {
        plan->spare[cuts] = vma_alloc(mm);
        if (!plan->spare[cuts]) {
            drop_plan(plan);
            return -ENOMEM;
        }
    }
    return 0;
}

void drop_plan(struct unmap_plan *plan)
{
    for (size_t i = 0; i < ARRAY_SIZE(plan->spare); i++) {
        if (plan->spare[i])
            vma_free(plan->spare[i]);
        plan->spare[i] = NULL;
    }
}

static struct vm_area_struct *take_spare(struct unmap_plan *plan)
{
    size_t i = plan->spare[0] ? 0 : 1;
    struct vm_area_struct *vma = plan->spare[i];

    plan->spare[i] = NULL;
    return vma;
}

/* Pages, tables and charges of the chain, which has left the tree. */
static void unmap_chain(struct mm_struct *mm, struct vm_area_struct *chain,
                        unsigned long floor, unsigned long ceil)
{
    struct vm_area_struct *vma;
    struct mmu_gather g;
    unsigned long start = chain->vm_start, end = start;

    gather_start(&g, mm);
    for (vma = chain; vma; vma = vma->vm_next) {
        unsigned long pages = vma_pages(vma);

        gather_zap(&g, vma, vma->vm_start, vma->vm_end);
        if (vma->vm_mapping)
            rmap_unlink(vma); /* truncation no longer looks here */
        mm_account(mm, vma->vm_flags, -pages);
        if (vma->vm_flags & VM_ACCOUNT)
            vm_uncommit(mm, pages);
        end = vma->vm_end;
    }
    gather_tables(&g, start, end, floor, ceil);
    gather_finish(&g);
    vma_close_chain(chain);
}

void commit_unmap(struct mm_struct *mm, struct unmap_plan *plan)
{
    unsigned long start = plan->start, end = plan->end;
    struct vm_area_struct *vma = find_vma_intersection(mm, start, end);
    struct vm_area_struct *chain = NULL, **tail = &chain, *prev, *next;

    if (!vma) {
        drop_plan(plan);
        return;
    }
    if (vma->vm_start < start) {
        vma_split_open(mm, vma, take_spare(plan), start);
        vma = vma->vm_next;
    }
    prev = vma->vm_prev;
    for (; vma && vma->vm_start < end; vma = next) {
        if (vma->vm_end > end)
            vma_split_open(mm, vma, take_spare(plan), end);
        next = vma->vm_next;
        vma_unlink(mm, vma);
        *tail = vma;
        tail = &vma->vm_next;
    }
    *tail = NULL;
    drop_plan(plan);
    if (plan->keep_tables)
        unmap_chain(mm, chain, end, start);
    else
        unmap_chain(mm, chain, prev ? prev->vm_end : 0,
                    vma ? vma->vm_start : ~0ul);
}

int munmap_locked(struct mm_struct *mm, unsigned long addr, size_t len)
{
    struct unmap_plan plan;
    int err;

    if ((addr & ~PAGE_MASK) || !len || addr > user_limit() ||
        len > user_limit() - addr)
        return -EINVAL;
    err = plan_unmap(mm, addr, addr + len, &plan);
    if (!err)
        commit_unmap(mm, &plan);
    return err;
}

int do_munmap(struct mm_struct *mm, unsigned long addr, size_t len)
{
    int err;

    len = PAGE_ALIGN(len);
    down_write(&mm->mmap_lock);
    err = munmap_locked(mm, addr, len);
    mm_write_unlock(mm);
    return err;
}
