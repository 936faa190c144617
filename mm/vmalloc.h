/*
 * mm/vmalloc.h - kernel memory contiguous in virtual addresses only, and the
 * area allocator that ioremap and kernel stacks share.
 *
 * One unmapped guard page follows every area.  All calls may sleep.
 *
 * What is freed loses its entries at once.  CPUs forget their translations
 * later, for many areas together; until then neither the addresses nor pages
 * of vmalloc's serve anybody else.  A request that cannot be, or frees what is
 * not there, is a line in the log that names the caller, and does nothing.
 */
#pragma once

#include <kernel/lib/interval.h>
#include <mm/gfp.h>
#include <mm/pgtable.h>

#define VM_ALLOC BIT(0) /* owns its pages */
#define VM_IOREMAP BIT(1)
#define VM_MAP BIT(2) /* vmap: the caller's pages */
#define VM_AREA_STACK BIT(3)
#define VM_AREA_FAULT BIT(4) /* pages come when touched: ->fault */
/* (area_lock) vmregion.c only. */
#define VM_AREA_RETIRED BIT(5)  /* freed */
#define VM_AREA_ABSORBED BIT(6) /* a neighbour reserves its addresses */

/* (area_lock) for what the tree needs; the rest is its creator's. */
struct vm_struct {
    struct rb_node node;   /* (area_lock) by addr */
    unsigned long gap;     /* (area_lock) free bytes in front */
    unsigned long widest;  /* (area_lock) largest gap in this subtree */
    unsigned long addr;    /* (c) first byte */
    size_t size;           /* (c) bytes mapped, without the guard page */
    u32 flags;             /* VM_AREA_* */
    enum cache_mode cache; /* of ioremap areas */
    u32 purge;             /* (area_lock) which one it waits for */
    struct page **pages;   /* of vmalloc, vmap and stack areas */
    size_t nr_pages;
    union {
        struct page *few[4];           /* `pages` of a small area */
        struct interval_node physical; /* ioremap.c's: bytes it shows */
    };
    phys_addr_t phys;      /* of ioremap areas */
    struct list_head link; /* vmregion.c's, once retired */
    int (*fault)(struct vm_struct *area, unsigned long addr);
    void *private; /* fault's */
    void *caller;  /* return address, for /proc/vmallocinfo */
};

void *vmalloc(size_t size); /* NULL: no memory, or size 0 */
void *vzalloc(size_t size);
void vfree(const void *addr); /* not from interrupts; NULL is fine */
/* flags: VM_MAP. */
void *vmap(struct page **pages, size_t n, u32 flags, pgprot_t prot);
void vunmap(const void *addr); /* the pages stay the caller's */
struct page *vmalloc_to_page(const void *addr); /* NULL: not mapped */
bool is_vmalloc_addr(const void *addr);

/* Reserves addresses only.  `caller` is what /proc/vmallocinfo names. */
struct vm_struct *get_vm_area(size_t size, u32 flags);
struct vm_struct *get_vm_area_caller(size_t size, u32 flags, void *caller);
void free_vm_area(struct vm_struct *area);
struct vm_struct *find_vm_area(const void *addr); /* holding it, or NULL */

/*
 * A range larger than the memory for it: get_vm_area() with VM_AREA_FAULT,
 * then set ->fault.  It is called with the page-aligned address of an access
 * that found nothing mapped, maps a page there and returns 0; anything else
 * makes the access a bug.  Context: may sleep; an access where that is not
 * allowed is a bug too.
 */
int vm_area_map_page(struct vm_struct *area, unsigned long addr,
                     struct page *page, pgprot_t prot); /* 0, -ENOMEM */
/* The page that was mapped there, or NULL; nobody reaches it any more. */
struct page *vm_area_unmap_page(struct vm_struct *area, unsigned long addr);

/*
 * A kernel access to `addr` faulted, with interrupts on or off: whether it
 * can be tried again now.  Context: interrupts off.
 * Besides the above there is vmalloc_sync=lazy, the picture of older books:
 * vmalloc then uses top-level slots that only the master table has at first;
 * each process's table copies a slot in the fault of its first access.
 */
bool vmalloc_fault(unsigned long addr, u32 error_code, bool irqs_on);
/* Slots copied so far, by faults, under vmalloc_sync=lazy. */
extern u64 vmalloc_sync_faults;
extern bool vmalloc_lazy; /* (c) */

/* Kernel stacks: mapped pages with a guard page on both sides, cached. */
void *kernel_stack_alloc(void);      /* lowest byte; NULL without memory */
void kernel_stack_free(void *stack); /* any context */
void kernel_stack_trim(void);        /* frees what is kept beyond a few */
#define KERNEL_STACK_SIZE (4 * PAGE_SIZE)
/* Whether addr lies in the guard page under some kernel stack. */
bool kernel_stack_guard_hit(unsigned long addr);
