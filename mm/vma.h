/*
 * mm/vma.h - one range of user addresses with one set of properties, and the
 * table of functions that answers for it.  Linux's names.
 */
#pragma once

#include <kernel/lib/interval.h>
#include <mm/mm.h>

#define VM_READ 0x1ul
#define VM_WRITE 0x2ul
#define VM_EXEC 0x4ul
#define VM_SHARED 0x8ul
#define VM_MAYREAD 0x10ul
#define VM_MAYWRITE 0x20ul
#define VM_MAYEXEC 0x40ul
#define VM_MAYSHARE 0x80ul
#define VM_GROWSDOWN 0x100ul
#define VM_PFNMAP 0x400ul
#define VM_LOCKED 0x2000ul
#define VM_IO 0x4000ul
#define VM_SEQ_READ 0x8000ul
#define VM_RAND_READ 0x10000ul
#define VM_DONTCOPY 0x20000ul
#define VM_DONTEXPAND 0x40000ul
#define VM_LOCKONFAULT 0x80000ul
#define VM_ACCOUNT 0x100000ul
#define VM_NORESERVE 0x200000ul
#define VM_WIPEONFORK 0x2000000ul
#define VM_DONTDUMP 0x4000000ul
#define VM_MIXEDMAP 0x10000000ul
#define VM_HUGEPAGE 0x20000000ul
#define VM_NOHUGEPAGE 0x40000000ul
#define VM_MERGEABLE 0x80000000ul
#define VM_ACCESS (VM_READ | VM_WRITE | VM_EXEC)
/* Never merged with a neighbour: a driver counts on its own. */
#define VM_SPECIAL_MASK (VM_IO | VM_DONTEXPAND | VM_PFNMAP | VM_MIXEDMAP)

struct vm_fault {
    struct vm_area_struct *vma;
    unsigned long address; /* page-aligned */
    unsigned long pgoff;   /* of address in the file, pages */
    u32 flags;             /* FAULT_* */
    struct page *page;     /* out: with a reference for the mapping */
    struct page *cow_page; /* a private write's own page, or NULL */
    pte_t *slot;           /* address's entry; its table is there */
    pte_t seen;            /* what the entry said when it was looked at */
};

/*
 * fault produces the page: 0 with vmf->page set (referenced), or
 * VM_FAULT_NOPAGE (entry already written by vm_insert_*), or a failure.
 * Context: mmap_lock held for reading, may sleep.
 */
typedef unsigned int vm_fault_t;
#define VM_FAULT_OOM 0x1u
#define VM_FAULT_SIGBUS 0x2u
#define VM_FAULT_MAJOR 0x4u
#define VM_FAULT_SIGSEGV 0x40u
#define VM_FAULT_NOPAGE 0x100u

struct vm_operations_struct {
    void (*open)(struct vm_area_struct *vma);  /* a copy came to be: fork,
                                                  split; not at mmap */
    void (*close)(struct vm_area_struct *vma); /* one went */
    vm_fault_t (*fault)(struct vm_fault *vmf);
    /* maps what is already there around the fault, at most [start, end] in
     * pages of the file, all in the table of vmf->slot; optional */
    void (*map_pages)(struct vm_fault *vmf, unsigned long start,
                      unsigned long end);
    /* a shared page is about to become writable */
    vm_fault_t (*page_mkwrite)(struct vm_fault *vmf);
    int (*may_split)(struct vm_area_struct *vma, unsigned long addr);
    int (*mremap)(struct vm_area_struct *vma);
    const char *(*name)(struct vm_area_struct *vma);
};

/*
 * Lock letters: (w) mmap_lock held for writing to change; bounds and the
 *                   trees of a VMA that is in one: rmap_hold() as well
 *               (p) page_table_lock, once
 */
struct vm_area_struct {
    unsigned long vm_start, vm_end; /* (w) [start, end) */
    unsigned long vm_flags;         /* (w) VM_* */
    unsigned long vm_pgoff;         /* (w) of vm_start in the file, pages;
                                       anonymous: start >> 12 when made */
    pgprot_t vm_page_prot;
    u32 anon_id; /* (p) tells families apart in merging: ANON_ID_FORKED */
    struct anon_vma *anon_vma; /* (p) where its private pages are found; NULL:
                                  there were none, fork copies nothing */
    struct mm_struct *vm_mm;
    const struct vm_operations_struct *vm_ops; /* NULL: anonymous */
    struct file *vm_file;                      /* a reference, or NULL */
    struct address_space *vm_mapping;          /* its pages' cache, or NULL */
    void *vm_private_data;                     /* the driver's */
    struct interval_node map_node;             /* (w) vm_mapping->vmas */
    struct interval_node anon_node;            /* (w) anon_vma->vmas */
    struct rb_node node;                       /* (w) mm->vmas */
    struct vm_area_struct *vm_next, *vm_prev;  /* (w) by address */
    unsigned long gap;         /* (w) free bytes left of it, guard excluded */
    unsigned long subtree_gap; /* (w) widest gap of the tree below here */
};

/* What mmap(2) asks for, after the descriptor has been looked up. */
struct mmap_request {
    unsigned long addr, len;    /* bytes; len is rounded up */
    int prot, flags;            /* PROT_*, MAP_* */
    unsigned long pgoff;        /* pages */
    struct file *file;          /* borrowed; NULL with MAP_ANONYMOUS */
    unsigned long vm_flags_may; /* VM_MAY* that the open mode allows */
    int (*mmap)(struct file *file, struct vm_area_struct *vma); /* NULL:
                                                                   -ENODEV */
    u64 file_max;       /* bytes that offsets into it may reach; 0: any */
    bool sealed;        /* against writing */
    bool unknown_flags; /* flags that MAP_SHARED_VALIDATE refuses */
    bool privileged;    /* may map below mmap_min_addr, lock without limit */
};

/*
 * The calls behind the system calls.  All take mmap_lock themselves, change
 * nothing when they fail (do_munmap, do_mprotect and do_madvise may, as on
 * Linux, have done a part of the range before a hole ends it), and answer with
 * Linux's errno.
 */
/* Returns: the address, or -errno (EINVAL, ENOMEM, EEXIST, EPERM below
 * mmap_min_addr for ordinary users, ENODEV, EACCES...). */
long do_mmap(struct mm_struct *mm, const struct mmap_request *req);
int do_munmap(struct mm_struct *mm, unsigned long addr, size_t len);
int do_mprotect(struct mm_struct *mm, unsigned long addr, size_t len, int prot);
#define MREMAP_PRIVILEGED 0x40000000 /* no RLIMIT_MEMLOCK, no mmap_min_addr */
long do_mremap(struct mm_struct *mm, unsigned long addr, size_t old_len,
               size_t new_len, int flags, unsigned long new_addr);
int do_madvise(struct mm_struct *mm, unsigned long addr, size_t len,
               int advice);
unsigned long do_brk(struct mm_struct *mm, unsigned long brk);
int do_msync(struct mm_struct *mm, unsigned long addr, size_t len, int flags);
/* A byte a page into `vec` (kernel memory): bit 0 says resident. */
int do_mincore(struct mm_struct *mm, unsigned long addr, size_t pages, u8 *vec);
/* vm_flags: VM_LOCKED, perhaps VM_LOCKONFAULT; 0 unlocks. */
int do_mlock(struct mm_struct *mm, unsigned long addr, size_t len,
             unsigned long vm_flags, bool privileged);
int do_mlockall(struct mm_struct *mm, int flags, bool privileged);
int do_munlockall(struct mm_struct *mm);

extern unsigned long mmap_min_addr; /* bytes; 64 KiB */
/* /proc/sys/vm/overcommit_memory: 0 guess, 1 always, 2 never. */
extern int vm_overcommit_memory;
extern atomic64_t vm_committed_pages;
u64 vm_commit_limit(void); /* pages, for mode 2 and /proc/meminfo */
#define VM_MAP_COUNT_MAX 65530

/* The stack of a new program: VM_GROWSDOWN under `top`. */
int mm_add_stack(struct mm_struct *mm, unsigned long top, size_t size,
                 unsigned long vm_flags);

/*
 * Kernel-made mappings (vdso), `n` parts in a row of a page each, at `hint` or
 * else where mmap finds room; named by ops->name.  Returns the address of the
 * first or -errno.
 */
#define SPECIAL_PARTS_MAX 2
struct special_part {
    unsigned long vm_flags;
    const struct vm_operations_struct *ops;
};
long mm_install_special(struct mm_struct *mm, unsigned long hint,
                        const struct special_part *parts, size_t n);

/* First VMA whose end lies above addr; NULL if none.  Locks: mmap_lock. */
struct vm_area_struct *find_vma(struct mm_struct *mm, unsigned long addr);
/* The same if it overlaps [start, end). */
struct vm_area_struct *find_vma_intersection(struct mm_struct *mm,
                                             unsigned long start,
                                             unsigned long end);

static inline struct vm_area_struct *vma_next(struct vm_area_struct *vma)
{
    return vma->vm_next;
}

static inline unsigned long vma_pages(const struct vm_area_struct *vma)
{
    return (vma->vm_end - vma->vm_start) >> PAGE_SHIFT;
}

static inline bool vma_is_anonymous(const struct vm_area_struct *vma)
{
    return !vma->vm_ops;
}

/* The VMA's page of the file at this address. */
static inline unsigned long vma_pgoff(const struct vm_area_struct *vma,
                                      unsigned long addr)
{
    return vma->vm_pgoff + ((addr - vma->vm_start) >> PAGE_SHIFT);
}

/*
 * For drivers' mmap: fills [addr, addr + size) with frames from pfn on, sets
 * VM_IO|VM_PFNMAP|VM_DONTEXPAND|VM_DONTDUMP.  No reference is taken: the
 * frames must outlive the mapping.  Returns 0, -EINVAL (not inside the VMA,
 * wraps; private mapping of a part), -ENOMEM.
 */
int remap_pfn_range(struct vm_area_struct *vma, unsigned long addr, pfn_t pfn,
                    size_t size, pgprot_t prot);
int io_remap_pfn_range(struct vm_area_struct *vma, unsigned long addr,
                       pfn_t pfn, size_t size, pgprot_t prot);
int vm_insert_page(struct vm_area_struct *vma, unsigned long addr,
                   struct page *page);
vm_fault_t vmf_insert_pfn(struct vm_area_struct *vma, unsigned long addr,
                          pfn_t pfn);

/*
 * For a mmap operation that wants what /dev/zero gives: private, anonymous
 * memory; shared, a page cache of its own.  Returns 0 or -ENOMEM.
 */
int shmem_zero_setup(struct vm_area_struct *vma);

/* One line of /proc/PID/maps (and smaps with details) through print. */
struct printer;
void vma_print_maps(struct mm_struct *mm, struct printer *out);
void vma_print_smaps(struct mm_struct *mm, struct printer *out);
void vma_print_smaps_rollup(struct mm_struct *mm, struct printer *out);
