/*
 * mm/internal.h - what the files behind mmap(2) share; no one outside mm/
 * includes this.
 *
 * Everything here wants mmap_lock held for writing unless it says otherwise.
 */
#pragma once

#include <mm/userpt.h>
#include <mm/vma.h>

/* Bytes kept free under a stack that grows: Linux's stack_guard_gap. */
#define STACK_GUARD_GAP (256 * PAGE_SIZE)

/* ---- the tree (vma.c, also compiled for the host) ---- */

/* Zeroed; NULL: no memory.  A copy is on no list and in no tree; references to
 * file and mapping are the caller's affair: see vma_open(). */
struct vm_area_struct *vma_alloc(struct mm_struct *mm);
void vma_copy(struct vm_area_struct *to, const struct vm_area_struct *from);
void vma_free(struct vm_area_struct *vma);
void vma_init(void);

/* Where a VMA that starts at `start` goes: the one before it, or NULL. */
struct vm_area_struct *find_vma_prev(struct mm_struct *mm, unsigned long start);
void vma_link(struct mm_struct *mm, struct vm_area_struct *vma,
              struct vm_area_struct *prev);
void vma_unlink(struct mm_struct *mm, struct vm_area_struct *vma);
/* New bounds; vm_pgoff follows vm_start.  Must not overlap a neighbour. */
void vma_resize(struct vm_area_struct *vma, unsigned long start,
                unsigned long end);

/* What a mapping in the making looks like to its neighbours. */
struct vma_shape {
    unsigned long start, end, flags, pgoff;
    struct file *file;
    const struct vm_operations_struct *ops;
    struct address_space *mapping;
    struct anon_vma *anon_vma;
    u32 anon_id;
    bool fresh; /* of a mapping in the making, as opposed to one that grows */
    void *private_data;
};
struct vma_shape vma_shape_of(const struct vm_area_struct *vma);

/*
 * Makes neighbours swallow [start, end) if their properties agree, as Linux
 * does: prev grows up, next grows down, or prev takes both.  The range itself
 * must be free, or be VMAs that the caller is changing (`self`, swallowed
 * too).  Returns the VMA that now covers it, or NULL.  Never fails: nothing
 * is allocated.  `gone`: VMAs that left the tree, chained by vm_next, for the
 * caller to close.
 */
struct vm_area_struct *vma_merge(struct mm_struct *mm,
                                 struct vm_area_struct *prev,
                                 struct vm_area_struct *self,
                                 const struct vma_shape *shape,
                                 struct vm_area_struct **gone);

/* Cuts vma at addr; `upper`, a copy of it, becomes the part from addr on. */
void vma_split(struct mm_struct *mm, struct vm_area_struct *vma,
               struct vm_area_struct *upper, unsigned long addr);

/* A free gap of len in [low, high): the highest, or lowest.  Address or 0. */
unsigned long vma_gap_topdown(struct mm_struct *mm, size_t len,
                              unsigned long low, unsigned long high);
unsigned long vma_gap_bottomup(struct mm_struct *mm, size_t len,
                               unsigned long low, unsigned long high);
/* Whether [start, end) is free, guard gaps of stacks included. */
bool vma_range_free(struct mm_struct *mm, unsigned long start,
                    unsigned long end);
/* Recounts order, overlap, gaps and links; false and a word if wrong. */
bool vma_tree_check(struct mm_struct *mm, const char **why);

/* ---- life of a VMA (change.c) ---- */

/* A copy came to be: references and ops->open.  It is linked to the reverse
 * map afterwards: rmap_link(). */
void vma_open(struct vm_area_struct *vma);
/* The opposite, and frees it; its pages are gone already. */
void vma_close(struct vm_area_struct *vma);
/* up_write(); only then are files of closed VMAs put, because a file system
 * may take an inode's lock, under which others fault. */
void mm_write_unlock(struct mm_struct *mm);
void mm_put_files(struct vm_area_struct *closed);
void vma_close_chain(struct vm_area_struct *gone);

/* Cuts at addr, references and all.  `upper` is memory from vma_alloc() and
 * becomes the part from addr on.  Ask vma_may_split() first. */
void vma_split_open(struct mm_struct *mm, struct vm_area_struct *vma,
                    struct vm_area_struct *upper, unsigned long addr);

/* Free address for a new mapping by Linux's rules, or -errno. */
long get_unmapped_area(struct mm_struct *mm, unsigned long addr, size_t len,
                       int flags, bool privileged);

/*
 * Taking [start, end) down in two steps.  plan_unmap() may fail and changes
 * nothing that a program can see (blocks at the ends are split); commit_unmap()
 * cannot fail, and uses up the plan.
 */
struct unmap_plan {
    unsigned long start, end;
    struct vm_area_struct *spare[2]; /* for the cuts at both ends */
    bool keep_tables; /* another mapping takes exactly this range over */
};
int plan_unmap(struct mm_struct *mm, unsigned long start, unsigned long end,
               struct unmap_plan *plan);
void commit_unmap(struct mm_struct *mm, struct unmap_plan *plan);
void drop_plan(struct unmap_plan *plan);
/* Both; 0 or -errno, nothing changed on failure. */
int munmap_locked(struct mm_struct *mm, unsigned long addr, size_t len);
/* [start, end) of *vmap gets new flags (VMA only, not its entries): merged
 * or split as needed; *vmap becomes what covers it.  0 or -errno. */
int vma_change(struct mm_struct *mm, struct vm_area_struct **vmap,
               unsigned long start, unsigned long end, unsigned long flags);
/* Asked before a VMA is cut at addr. */
int vma_may_split(struct vm_area_struct *vma, unsigned long addr);
/* Grows a VM_GROWSDOWN area to hold addr. */
int vma_expand_down(struct vm_area_struct *vma, unsigned long addr);

/* Pages more of this kind: limits, RLIMIT_AS and _DATA.  True: fine. */
bool mm_may_expand(struct mm_struct *mm, unsigned long vm_flags, u64 pages);
void mm_account(struct mm_struct *mm, unsigned long vm_flags, long pages);
/* Overcommit: 0 or -ENOMEM; uncommit gives back. */
int vm_commit(struct mm_struct *mm, u64 pages);
void vm_commit_unchecked(struct mm_struct *mm, u64 pages);
void vm_uncommit(struct mm_struct *mm, u64 pages);
bool vm_flags_accountable(unsigned long vm_flags, bool file);

/* Brings in pages of [start, end) as an access by the program would; takes
 * mmap_lock.  Goes on with the next VMA where one cannot be had: the mapping
 * stands.  0, or what mlock(2) says of the first: -ENOMEM, -EAGAIN. */
int mm_populate(struct mm_struct *mm, unsigned long start, unsigned long end);
/* The same as MADV_POPULATE_*: says why a page cannot be had.  flags: perhaps
 * FAULT_WRITE.  0, -ENOMEM (or a hole), -EINVAL (not allowed), -EFAULT. */
int mm_populate_as(struct mm_struct *mm, unsigned long start, unsigned long end,
                   u32 flags);

/* ---- the rest ---- */

/* The fault itself; mmap_lock held for reading, vma covers addr. */
vm_fault_t fault_in_vma(struct vm_area_struct *vma, unsigned long addr,
                        u32 flags);

/* PROT_* <-> VM_*: the low three bits agree. */
static inline unsigned long vm_flags_of_prot(int prot)
{
    return prot & 7;
}

/* A fresh VMA shows its vm_mapping from now on: truncation looks at it. */
void mapping_link(struct vm_area_struct *vma);
/* A VMA of it was unlinked, its entries were flushed: the last one tells the
 * mapping. */
void mapping_leave(struct address_space *mapping);
