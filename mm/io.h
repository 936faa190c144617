/*
 * mm/io.h - device memory: mapping it and touching it.
 *
 * ioremap fills the kernel's page table at the call; the first access does
 * not fault.  RAM is refused (-> NULL, with a line in the log).
 */
#pragma once

#include <mm/pgtable.h>

void __iomem *ioremap(phys_addr_t phys, size_t size); /* UC */
void __iomem *ioremap_wc(phys_addr_t phys, size_t size);
void __iomem *ioremap_cache(phys_addr_t phys, size_t size);
void iounmap(volatile void __iomem *addr);

/*
 * What is memory, though perhaps no RAM: firmware tables, a card's buffers.
 * One type must be named.  Write-back of RAM is the logical address, if it has
 * one; any other type of RAM is refused.  MEMREMAP_RO, which Linux does not
 * have: a window of its own, write-back and read-only, RAM or not.
 */
#define MEMREMAP_WB BIT(0)
#define MEMREMAP_WT BIT(1)
#define MEMREMAP_WC BIT(2)
#define MEMREMAP_RO BIT(3)
void *memremap(phys_addr_t phys, size_t size, unsigned long flags);
void memunmap(void *addr);

#define DEFINE_MMIO(bits, letter)                                              \
    static inline u##bits read##letter(const volatile void __iomem *addr)      \
    {                                                                          \
        u##bits val;                                                           \
        __asm__ volatile("mov %1, %0"                                          \
                         : "=r"(val)                                           \
                         : "m"(*(const volatile u##bits __force *)addr)        \
                         : "memory");                                          \
        return val;                                                            \
    }                                                                          \
    static inline void write##letter(u##bits val, volatile void __iomem *addr) \
    {                                                                          \
        __asm__ volatile("mov %0, %1"                                          \
                         :                                                     \
                         : "r"(val), "m"(*(volatile u##bits __force *)addr)    \
                         : "memory");                                          \
    }
DEFINE_MMIO(8, b)
DEFINE_MMIO(16, w)
DEFINE_MMIO(32, l)
DEFINE_MMIO(64, q)
#undef DEFINE_MMIO

/*
 * The tree behind /proc/iomem.  Returns 0, -EBUSY (overlaps a region that is
 * not its parent), -EINVAL (wraps).
 */
struct resource {
    phys_addr_t start, end; /* end is the last byte */
    const char *name;
    bool busy; /* requested by a driver */
    struct resource *parent, *child, *sibling;
};
extern struct resource iomem_root;
struct printer;
/* The name of the smallest region that has the byte.  May sleep. */
void resource_print_at(phys_addr_t phys, struct printer *out);
int resource_insert(struct resource *res); /* nests by containment */
struct resource *request_mem_region(phys_addr_t start, size_t size,
                                    const char *name); /* NULL: taken */
void release_mem_region(phys_addr_t start, size_t size);
