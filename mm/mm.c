/*
 * mm/mm.c - an address space: made, shared, taken down.
 *
 * Counts   `users` are tasks; when the last one leaves, everything is unmapped.
 *          `count` is one for all users together plus one for each CPU that
 *          borrows the table while a kernel thread runs; the last one frees
 *          the top table and the struct.
 * Table    the upper half is a copy of 256 entries of the master table, whose
 *          entries never change after boot (mm/layout.h); the lower half is
 *          ours.
 * Cost     mm_create: one page, 512 stores.
 * Loaded   by mm/mm_switch.c.
 */
#include <kernel/core/panic.h>
#include <kernel/core/percpu.h>
#include <kernel/lib/string.h>
#include <kernel/x86/cpu.h>
#include <kernel/x86/trap.h>
#include <mm/anon_vma.h>
#include <mm/check.h>
#include <mm/filemap.h>
#include <mm/huge.h>
#include <mm/internal.h>
#include <mm/slab.h>
#include <mm/tlb.h>
#include <mm/uaccess.h>

#define STACK_LIMIT_DEFAULT (8 * MIB)
#define MEMLOCK_LIMIT_DEFAULT (8 * MIB)
/* Room for the stack and its guard gap, as Linux leaves it. */
#define MMAP_BASE_GAP (128 * MIB)

struct mm_struct init_mm;

static struct kmem_cache *mm_cache;
static u64 last_id; /* (a) */

static void mm_setup(struct mm_struct *mm)
{
    mm->tlb_gen = 1;
    rwsem_init(&mm->mmap_lock);
    spin_lock_init(&mm->page_table_lock);
    refcount_set(&mm->users, 1);
    refcount_set(&mm->count, 1);
    mm->mmap_base = TASK_SIZE - MMAP_BASE_GAP;
    mm->limits = (struct mm_limits){.stack = STACK_LIMIT_DEFAULT,
                                    .as = ~0ull,
                                    .data = ~0ull,
                                    .memlock = MEMLOCK_LIMIT_DEFAULT};
}

void mm_init(void)
{
    trap_fixup_find = exception_table_find;
    userpt_init();
    vma_init();
    anon_vma_init();
    huge_init();
    filemap_init();
    mm_cache =
        kmem_cache_create("mm_struct", sizeof(struct mm_struct), 0, 0, NULL);
    BUG_ON(!mm_cache);
    mm_setup(&init_mm);
    init_mm.root = master_table;
    this_cpu_write(current_mm, &init_mm);
}

struct mm_struct *mm_create(void)
{
    struct mm_struct *mm = kmem_cache_alloc(mm_cache, GFP_KERNEL);

    if (!mm)
        return NULL;
    memset(mm, 0, sizeof(*mm));
    mm->root = pt_root_alloc();
    if (!mm->root) {
        kmem_cache_free(mm_cache, mm);
        return NULL;
    }
    mm_setup(mm);
    mm->id = __atomic_add_fetch(&last_id, 1, __ATOMIC_RELAXED);
    atomic_set(&mm->table_pages, pt_root_pages());
    return mm;
}

void mm_get(struct mm_struct *mm)
{
    refcount_inc(&mm->users);
}

void mm_grab(struct mm_struct *mm)
{
    refcount_inc(&mm->count);
}

void mm_drop(struct mm_struct *mm)
{
    if (!refcount_dec_and_test(&mm->count))
        return;
    pt_root_free(mm->root);
    kmem_cache_free(mm_cache, mm);
}

/* The last user is gone: nobody else changes anything here. */
static void unmap_everything(struct mm_struct *mm)
{
    struct vm_area_struct *vma = mm->first;
    struct mmu_gather g;

    gather_start(&g, mm);
    for (; vma; vma = vma->vm_next) {
        gather_zap(&g, vma, vma->vm_start, vma->vm_end);
        if (vma->vm_mapping)
            rmap_unlink(vma);
    }
    for (vma = mm->first; vma; vma = vma->vm_next) /* what nobody above uses */
        gather_tables(&g, vma->vm_start, vma->vm_end, 0,
                      vma->vm_next ? vma->vm_next->vm_start : ~0ul);
    gather_finish(&g);
    vma_close_chain(mm->first);
    mm_put_files(mm->closed);
    mm->closed = NULL;
    vm_uncommit(mm, mm->committed);
    mm->first = NULL;
    mm->cache = NULL;
    mm->vmas = RB_ROOT;
    mm->map_count = 0;
}

void mm_put(struct mm_struct *mm)
{
    if (!refcount_dec_and_test(&mm->users))
        return;
    mm_check_at_exit(mm);
    unmap_everything(mm);
    if (mm->exe_file)
        mm_file_ops->put(mm->exe_file);
    mm->exe_file = NULL;
    mm_drop(mm);
}

u64 mm_rss(const struct mm_struct *mm)
{
    return atomic_read(&mm->anon_pages) + atomic_read(&mm->file_pages) +
           atomic_read(&mm->shmem_pages);
}

u64 mm_hiwater_rss(const struct mm_struct *mm)
{
    return max(mm->hiwater_rss, mm_rss(mm));
}
