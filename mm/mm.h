/*
 * mm/mm.h - an address space, and the lock order of everything in mm/.
 *
 * Lock order, outermost first (the only place that states it):
 *
 *   a file's own lock (fs: its copies to and from ring 3 may fault)
 *     mm->mmap_lock (rwsem)
 *       mapping->vmas_lock (mutex)
 *         anon_vma->lock (mutex)
 *           mapping->lock (spin)
 *             mm->page_table_lock (spin)
 *               vmalloc area_lock, zone->lock (spin, irq-safe), slab lock
 *
 * Under the two mutexes nothing is allocated: whoever looks for memory may
 * move pages, which takes them.
 *
 * mmap_lock: read to look at or fault into a VMA, write to change the tree.
 * page_table_lock: entries of the user half.  Kernel regions' entries belong
 * to whoever reserved the range.
 */
#pragma once

#include <kernel/lib/rbtree.h>
#include <kernel/sync/refcount.h>
#include <kernel/sync/rwsem.h>
#include <mm/pgtable.h>

/* Limits of the process in bytes; setrlimit(2) keeps them up to date. */
struct mm_limits {
    u64 stack, as, data, memlock;
};

struct mm_struct {
    struct rb_root vmas;           /* (mmap_lock) by vm_start, gap-augmented */
    struct vm_area_struct *first;  /* (mmap_lock) lowest VMA */
    struct vm_area_struct *cache;  /* (hint) last one found */
    u32 map_count;                 /* (mmap_lock) VMAs */
    u32 anon_ids;                  /* (page_table_lock) given out so far */
    u32 membarriers;               /* (a) MEMBARRIER_CMD_* registered for */
    struct vm_area_struct *closed; /* (mmap_lock) gone; their files are put
                                      when the lock is released */
    struct rw_semaphore mmap_lock;
    spinlock_t page_table_lock;
    pte_t *root;      /* (c) logical address of the top table */
    refcount_t users; /* tasks; the last one unmaps everything */
    refcount_t count; /* users as a whole are 1, + lazy borrowers;
                                the last one frees this and the root */
    u64 cpus;         /* (a) CPUs that have it loaded */
    u64 tlb_gen;      /* (a) changes that needed a flush, from 1 */
    u64 id;           /* (c) never used twice; 0: init_mm */

    unsigned long mmap_base; /* top of the mmap area, grows down */
    unsigned long start_code, end_code, start_data, end_data;
    unsigned long start_brk, brk; /* (mmap_lock) */
    unsigned long start_stack;
    unsigned long arg_start, arg_end, env_start, env_end;
    u64 auxv[48]; /* saved for /proc/PID/auxv */

    atomic64_t anon_pages, file_pages, shmem_pages; /* RSS */
    atomic64_t table_pages;
    atomic64_t huge_pages; /* entries at level 1 */
    bool no_huge_pages;    /* prctl(PR_SET_THP_DISABLE) */
    bool dumpable;         /* prctl(PR_SET_DUMPABLE): its user looks inside */
    u64 total_vm, locked_vm, data_vm, stack_vm, exec_vm; /* (mmap_lock)
                                                             pages */
    u64 committed;           /* (mmap_lock) pages charged, VM_ACCOUNT */
    unsigned long def_flags; /* (mmap_lock) of new VMAs: mlockall */
    struct mm_limits limits;
    u64 hiwater_rss;
    u64 min_flt, maj_flt;  /* approximate under contention */
    struct file *exe_file; /* what execve mapped; a reference */
};

/* First byte that ring 3 may never map. */
static inline unsigned long user_limit(void)
{
    return pgtable_levels == 5 ? TASK_SIZE_5L : TASK_SIZE_4L;
}

/* Stricter than access_ok(), for calls that refuse a range which ring 3
 * cannot have before they move its first bytes. */
static inline bool user_range_ok(const void __user *addr, size_t size)
{
    return size <= user_limit() && (unsigned long)addr <= user_limit() - size;
}

extern struct mm_struct init_mm; /* kernel threads: root is master_table */

struct mm_struct *mm_create(void); /* cloned from the master; NULL: no memory */
/* A copy for fork: VMAs duplicated, private pages shared and write-protected
 * on both sides.  Locks: takes both mmap_locks.  Returns 0 or -ENOMEM (with
 * the parent as it was). */
int mm_fork(struct mm_struct *parent, struct mm_struct **child);
void mm_get(struct mm_struct *mm);
void mm_put(struct mm_struct *mm); /* last user: unmaps; may sleep */
void mm_grab(struct mm_struct *mm);
void mm_drop(struct mm_struct *mm); /* `count`; any context */

void mm_init(void); /* once the page allocator and slab are up */

/* Pages mapped now, and the most there were. */
u64 mm_rss(const struct mm_struct *mm);
u64 mm_hiwater_rss(const struct mm_struct *mm);

/*
 * Loads the table on this CPU for ring 3, and flushes what has changed since
 * it was loaded here last.  mm_borrow: what is loaded stays, for somebody who
 * uses no address of ring 3; before ring 3 comes mm_switch, also to the same.
 * Context: interrupts off.
 */
void mm_switch(struct mm_struct *next);
void mm_borrow(void);

/* What the outside tells mm about struct file without mm knowing it. */
struct mm_file_ops {
    void (*get)(struct file *file);
    void (*put)(struct file *file);
    /* path for /proc/PID/maps into buf; returns its start inside buf */
    char *(*path)(struct file *file, char *buf, size_t size);
    void (*ids)(struct file *file, u64 *dev, u64 *ino);
};
extern const struct mm_file_ops *mm_file_ops; /* set once by fs at start-up */

/* Decides about a fault of ring 3 or of a uaccess in the kernel.
 * Context: may sleep, interrupts on, no lock held. */
enum fault_result {
    FAULT_OK,     /* retry the instruction */
    FAULT_MAPERR, /* SIGSEGV SEGV_MAPERR */
    FAULT_ACCERR, /* SIGSEGV SEGV_ACCERR */
    FAULT_SIGBUS, /* SIGBUS BUS_ADRERR */
    FAULT_OOM,
};
#define FAULT_PRESENT BIT(0) /* the CPU's error code, SDM 3A 4.7 */
#define FAULT_WRITE BIT(1)
#define FAULT_USER BIT(2)
#define FAULT_RSVD BIT(3)
#define FAULT_EXEC BIT(4)
enum fault_result handle_mm_fault(struct mm_struct *mm, unsigned long addr,
                                  u32 error_code);
