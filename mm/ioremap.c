/*
 * mm/ioremap.c - device memory in the kernel's address space.
 *
 * The page table is filled by the call; the first access finds it there and
 * does not fault.  The memory type comes from the entry's PAT bits.  RAM is
 * refused: the direct map has it as write-back already, and two memory types
 * for one frame are undefined (SDM 3A 11.12.4).
 */
#include <kernel/core/printk.h>
#include <kernel/sync/spinlock.h>
#include <mm/memory.h>
#include <mm/io.h>

static DEFINE_SPINLOCK(mapped_lock);
static LIST_HEAD(mapped); /* (mapped_lock) ioremap areas, vm_struct.link */

static const char *const mode_names[] = {"write-back", "write-combining",
                                         "uncached-minus", "uncached",
                                         "write-through"};

/* Enters the area unless another shows some of its bytes with another memory
 * type, which the CPU does not define; returns that one. */
static struct vm_struct *enter(struct vm_struct *area)
{
    u64 flags = spin_lock_irqsave(&mapped_lock);
    struct vm_struct *other, *conflict = NULL;

    list_for_each_entry(other, &mapped, link)
        if (other->phys < area->phys + area->size &&
            area->phys < other->phys + other->size &&
            other->cache != area->cache)
            conflict = other;
    if (!conflict)
        list_add(&area->link, &mapped);
    spin_unlock_irqrestore(&mapped_lock, flags);
    return conflict;
}

static void leave(struct vm_struct *area)
{
    u64 flags = spin_lock_irqsave(&mapped_lock);

    list_del(&area->link);
    spin_unlock_irqrestore(&mapped_lock, flags);
}

/* Maps [phys, phys + size) and returns the address of its first byte. */
static void *map_phys(phys_addr_t phys, size_t size, pgprot_t prot,
                      enum cache_mode mode, void *caller)
{
    phys_addr_t first = phys & PAGE_MASK;
    size_t bytes = PAGE_ALIGN(phys + size) - first;
    struct vm_struct *area = get_vm_area_caller(bytes, VM_AREA_IOREMAP, caller);
    struct vm_struct *other;

    if (!area)
        return NULL;
    area->phys = first;
    area->cache = mode;
    other = enter(area);
    if (other) {
        pr_err("ioremap(%#llx, %#zx) by %p as %s: refused, %p has it as %s\n",
               (unsigned long long)phys, size, caller, mode_names[mode],
               other->caller, mode_names[other->cache]);
        free_vm_area(area);
        return NULL;
    }
    if (pt_map_range(master_table, area->addr, first, bytes,
                     pgprot_cached(prot, mode), 0) < 0) {
        leave(area);
        free_vm_area(area);
        return NULL;
    }
    return (void *)(area->addr + (phys - first));
}

/* What the CPU's tables cannot express, or wraps. */
static bool bad_range(phys_addr_t phys, size_t size)
{
    return !size || phys + size - 1 < phys ||
           (phys + size - 1) & ~(PTE_PFN_MASK | ~PAGE_MASK);
}

static void __iomem *ioremap_mode(phys_addr_t phys, size_t size,
                                  enum cache_mode mode, void *caller)
{
    if (bad_range(phys, size)) {
        pr_err("ioremap(%#llx, %#zx) by %p: not a physical range\n",
               (unsigned long long)phys, size, caller);
        return NULL;
    }
    if (physmap_is_ram(phys, phys + size)) {
        pr_err("ioremap(%#llx, %#zx) by %p: refused, this is RAM\n",
               (unsigned long long)phys, size, caller);
        return NULL;
    }
    return (void __iomem __force *)map_phys(phys, size, PAGE_KERNEL, mode,
                                            caller);
}

void __iomem *ioremap(phys_addr_t phys, size_t size)
{
    return ioremap_mode(phys, size, CACHE_UC, __builtin_return_address(0));
}

void __iomem *ioremap_wc(phys_addr_t phys, size_t size)
{
    return ioremap_mode(phys, size, CACHE_WC, __builtin_return_address(0));
}

void __iomem *ioremap_cache(phys_addr_t phys, size_t size)
{
    return ioremap_mode(phys, size, CACHE_WB, __builtin_return_address(0));
}

/* `addr` may point into the first page, as the call gave it. */
static void unmap_phys(unsigned long addr, const char *call, void *caller)
{
    struct vm_struct *area = find_vm_area((void *)(addr & PAGE_MASK));

    if (area && area->addr == (addr & PAGE_MASK) &&
        area->flags & VM_AREA_IOREMAP) {
        leave(area);
        free_vm_area(area);
    } else {
        pr_err("%s(%lx) by %p: nothing is mapped there\n", call, addr, caller);
    }
}

void iounmap(volatile void __iomem *addr)
{
    if (addr)
        unmap_phys((unsigned long)addr, "iounmap", __builtin_return_address(0));
}

void *memremap(phys_addr_t phys, size_t size)
{
    if (bad_range(phys, size))
        return NULL;
    return map_phys(phys, size, PAGE_KERNEL_RO, CACHE_WB,
                    __builtin_return_address(0));
}

void memunmap(void *addr)
{
    if (addr)
        unmap_phys((unsigned long)addr, "memunmap",
                   __builtin_return_address(0));
}
