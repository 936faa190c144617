/*
 * mm/ioremap.c - device memory in the kernel's address space.
 *
 * The page table is filled by the call; the first access finds it there and
 * does not fault.  The memory type comes from the entry's PAT bits.  RAM is
 * refused: the direct map has it as write-back already, and two memory types
 * for one frame are undefined (SDM 3A 11.12.4).  For the same reason a type
 * waits for the flush of areas that were unmapped and had another.
 *
 * Structure  an interval tree of the physical ranges that are mapped.
 * Cost       O(log mappings), besides those that show the same bytes.
 * Locking    mapped_lock covers the tree, with interrupts on, and nests outside
 *            vmregion.c's area_lock.
 */
#include <kernel/core/printk.h>
#include <kernel/sync/spinlock.h>
#include <kernel/x86/cpu.h>
#include <mm/memory.h>
#include <mm/io.h>

static DEFINE_SPINLOCK(mapped_lock);
static struct rb_root mapped = RB_ROOT; /* (mapped_lock) vm_struct.physical */

static const char *const mode_names[] = {"write-back", "write-combining",
                                         "uncached-minus", "uncached",
                                         "write-through"};

/* An area that shows some of these bytes with another memory type, or NULL.
 * Locks: mapped_lock. */
static struct vm_struct *find_conflict(const struct vm_struct *area)
{
    unsigned long first = area->phys, last = first + area->size - 1;
    struct interval_node *node = interval_first(&mapped, first, last);

    for (; node; node = interval_next(node, first, last)) {
        struct vm_struct *other =
            container_of(node, struct vm_struct, physical);

        if (other->cache != area->cache)
            return other;
    }
    return NULL;
}

/* Enters the area unless it conflicts, which the CPU does not define: false,
 * and says with what. */
static bool enter(struct vm_struct *area)
{
    enum cache_mode mode = area->cache;
    struct vm_struct *other;
    void *holder = NULL;

    spin_lock(&mapped_lock);
    other = find_conflict(area);
    if (other) {
        holder = other->caller;
        mode = other->cache;
    } else {
        area->physical.first = area->phys;
        area->physical.last = area->phys + area->size - 1;
        interval_insert(&mapped, &area->physical);
    }
    spin_unlock(&mapped_lock);
    if (other)
        pr_err("ioremap(%pa, %#zx) by %pS as %s: refused, %pS has it as %s\n",
               &area->phys, area->size, area->caller, mode_names[area->cache],
               holder, mode_names[mode]);
    else /* nor may a CPU remember one that is gone */
        vm_purge_other_modes(mode);
    return !other;
}

/* Under the lock, so that enter() meets it either here or among what waits
 * for a flush. */
static void leave(struct vm_struct *area)
{
    spin_lock(&mapped_lock);
    interval_erase(&mapped, &area->physical);
    vm_area_retire(area);
    spin_unlock(&mapped_lock);
    vm_purge_if_many();
}

/* Maps [phys, phys + size) and returns the address of its first byte. */
static void *map_phys(phys_addr_t phys, size_t size, pgprot_t prot,
                      enum cache_mode mode, void *caller)
{
    phys_addr_t first = phys & PAGE_MASK;
    size_t bytes = PAGE_ALIGN(phys + size) - first;
    struct vm_struct *area = get_vm_area_caller(bytes, VM_IOREMAP, caller);

    if (!area)
        return NULL;
    area->phys = first;
    area->cache = mode;
    if (!enter(area)) {
        free_vm_area(area);
        return NULL;
    }
    if (pt_map_range(master_table, area->addr, first, bytes,
                     pgprot_cached(prot, mode), 0) < 0) {
        leave(area);
        return NULL;
    }
    return (void *)(area->addr + (phys - first));
}

/* What of the range the CPU cannot address, or NULL. */
static const char *bad_range(phys_addr_t phys, size_t size)
{
    if (!size)
        return "no bytes";
    if (phys + size - 1 < phys)
        return "the range wraps";
    if ((phys + size - 1) >> cpu_phys_bits())
        return "beyond the CPU's physical addresses";
    return NULL;
}

static bool refuse(const char *call, phys_addr_t phys, size_t size,
                   const char *why, void *caller)
{
    if (why)
        pr_err("%s(%#llx, %#zx) by %pS: refused, %s\n", call,
               (unsigned long long)phys, size, caller, why);
    return why;
}

static void __iomem *ioremap_mode(phys_addr_t phys, size_t size,
                                  enum cache_mode mode, void *caller)
{
    const char *why = bad_range(phys, size);

    if (!why && physmap_is_ram(phys, phys + size))
        why = "this is RAM";
    if (refuse("ioremap", phys, size, why, caller))
        return NULL;
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
    struct vm_struct *area =
        vm_area_claim(addr & PAGE_MASK, VM_IOREMAP, call, caller);

    if (area)
        leave(area);
}

void iounmap(volatile void __iomem *addr)
{
    if (addr)
        unmap_phys((unsigned long)addr, "iounmap", __builtin_return_address(0));
}

/* Whether all of the RAM has a logical address now. */
static bool is_logical(phys_addr_t phys, size_t size)
{
    for (phys_addr_t at = phys & PAGE_MASK; at < phys + size; at += PAGE_SIZE)
        if (!virt_addr_valid(__va(at)))
            return false;
    return true;
}

static const char *bad_memremap(phys_addr_t phys, size_t size,
                                unsigned long flags)
{
    const char *why = bad_range(phys, size);

    if (why || flags == MEMREMAP_RO)
        return why;
    if (flags != MEMREMAP_WB && flags != MEMREMAP_WT && flags != MEMREMAP_WC)
        return "not one memory type";
    if (!physmap_is_ram(phys, phys + size))
        return NULL;
    if (!physmap_all_ram(phys, phys + size))
        return "partly RAM";
    return flags == MEMREMAP_WB ? NULL : "this is RAM, and write-back";
}

void *memremap(phys_addr_t phys, size_t size, unsigned long flags)
{
    void *caller = __builtin_return_address(0);
    enum cache_mode mode = CACHE_WB;

    if (refuse("memremap", phys, size, bad_memremap(phys, size, flags), caller))
        return NULL;
    if (flags == MEMREMAP_RO)
        return map_phys(phys, size, PAGE_KERNEL_RO, mode, caller);
    if (flags == MEMREMAP_WB && is_logical(phys, size))
        return __va(phys);
    if (flags != MEMREMAP_WB)
        mode = flags == MEMREMAP_WC ? CACHE_WC : CACHE_WT;
    return map_phys(phys, size, PAGE_KERNEL, mode, caller);
}

void memunmap(void *addr)
{
    if (addr && !virt_addr_valid(addr))
        unmap_phys((unsigned long)addr, "memunmap",
                   __builtin_return_address(0));
}
