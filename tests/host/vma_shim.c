/*
 * tests/host/vma_shim.c - see vma_shim.h.
 */
#include "vma_shim.h"
#include <kernel/core/panic.h>
#include <mm/anon_vma.h>
#include <mm/filemap.h>
#include <mm/huge.h>
#include <mm/slab.h>
#include <mm/tlb.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>

void panic(const char *fmt, ...)
{
    (void)fmt;
    abort();
}

int shim_fail_at, shim_vmas;
int shim_file_refs, shim_opens, shim_closes;
unsigned int pgtable_levels = 4;
unsigned long vmemmap_base;

struct kmem_cache {
    size_t size;
    void (*ctor)(void *obj);
};

struct kmem_cache *kmem_cache_create(const char *name, size_t size,
                                     size_t align, slab_flags_t flags,
                                     void (*ctor)(void *obj))
{
    static struct kmem_cache caches[4];
    static int n;

    assert(n < 4);
    caches[n] = (struct kmem_cache){size, ctor};
    return &caches[n++];
}

void *kmem_cache_alloc(struct kmem_cache *cache, gfp_t gfp)
{
    void *obj;

    if (shim_fail_at && --shim_fail_at == 0)
        return NULL;
    shim_vmas++;
    obj = malloc(cache->size);
    if (cache->ctor)
        cache->ctor(obj);
    return obj;
}

void kmem_cache_free(struct kmem_cache *cache, void *obj)
{
    shim_vmas--;
    free(obj);
}

static void file_get(struct file *file)
{
    shim_file_refs++;
}

static void file_put(struct file *file)
{
    shim_file_refs--;
}

static const struct mm_file_ops file_ops = {.get = file_get, .put = file_put};

void shim_mm_init(struct mm_struct *mm)
{
    static bool initialized;

    memset(mm, 0, sizeof(*mm));
    mm->limits = (struct mm_limits){8 * MIB, ~0ull, ~0ull, 8 * MIB};
    mm->mmap_base = TASK_SIZE - 128 * MIB;
    mm_file_ops = &file_ops;
    if (!initialized) {
        vma_init();
        anon_vma_init();
    }
    initialized = true;
}

/* ---- no tables ---- */

void gather_start(struct mmu_gather *g, struct mm_struct *mm)
{
    g->mm = mm;
}
void gather_zap(struct mmu_gather *g, struct vm_area_struct *vma,
                unsigned long start, unsigned long end)
{
}
void gather_tables(struct mmu_gather *g, unsigned long start, unsigned long end,
                   unsigned long floor, unsigned long ceil)
{
}
void gather_finish(struct mmu_gather *g)
{
}
void pt_start(struct pt_cursor *c, pte_t *root, unsigned long va,
              unsigned long end)
{
    c->slot = NULL;
}
void pt_reseek(struct pt_cursor *c)
{
}
int userpt_slot(struct mm_struct *mm, unsigned long addr, unsigned long end,
                struct pt_cursor *c)
{
    return 0;
}
pgprot_t vm_get_page_prot(unsigned long vm_flags)
{
    return (pgprot_t){vm_flags};
}
void tlb_flush_range(struct mm_struct *mm, unsigned long start,
                     unsigned long end)
{
}
int mm_populate(struct mm_struct *mm, unsigned long start, unsigned long end)
{
    return 0;
}
u64 physmap_ram_bytes(void)
{
    return TIB;
}

bool huge_enabled;
int huge_split_edges(struct mm_struct *mm, unsigned long start,
                     unsigned long end)
{
    return 0;
}
int huge_split_range(struct mm_struct *mm, unsigned long start,
                     unsigned long end)
{
    return 0;
}

/* ---- no page cache ---- */

void mapping_link(struct vm_area_struct *vma)
{
}
void mapping_leave(struct address_space *mapping)
{
}
int shmem_zero_setup(struct vm_area_struct *vma)
{
    return 0;
}

/* ---- no other CPU ---- */

void down_read(struct rw_semaphore *sem)
{
}
void up_read(struct rw_semaphore *sem)
{
}
void down_write(struct rw_semaphore *sem)
{
}
void up_write(struct rw_semaphore *sem)
{
}
void mutex_init_named(struct mutex *m, const char *name)
{
    m->locked = 0;
}
void mutex_lock(struct mutex *m)
{
    assert(!m->locked); /* nobody is there who would unlock it */
    m->locked = 1;
}
void mutex_unlock(struct mutex *m)
{
    assert(m->locked);
    m->locked = 0;
}
void schedule(void)
{
}
void spin_lock_wait(spinlock_t *lock, u16 ticket)
{
}
u32 atomic_depth; /* GS.base is 0 on the host: %gs:variable is the variable */
