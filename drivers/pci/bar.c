/*
 * drivers/pci/bar.c - what the bits of a base address register mean.
 *
 * PCI 3.0 6.2.5.1.  A register answers a write of ones with zeroes in the
 * address bits that it decodes by itself, so the lowest one that stays is
 * the size.
 */
#include <drivers/pci/bar.h>

#define BAR_IO 0x1u
#define BAR_TYPE 0x6u
#define BAR_TYPE_64 0x4u
#define BAR_PREFETCH 0x8u
#define BAR_IO_FLAGS 0x3u
#define BAR_MEM_FLAGS 0xfu

/* Linux's include/linux/ioport.h numbers, part of its sysfs interface. */
#define IORESOURCE_IO 0x100
#define IORESOURCE_MEM 0x200
#define IORESOURCE_PREFETCH 0x2000
#define IORESOURCE_SIZEALIGN 0x40000
#define IORESOURCE_MEM_64 0x100000

static u64 lowest_bit(u64 x)
{
    return x & -x;
}

int pci_bar_decode(const u32 value[2], const u32 probe[2], struct pci_bar *bar)
{
    u32 flags = value[0] & BAR_MEM_FLAGS;

    bar->io = flags & BAR_IO;
    bar->mem64 = !bar->io && (flags & BAR_TYPE) == BAR_TYPE_64;
    bar->prefetch = !bar->io && (flags & BAR_PREFETCH);
    if (bar->io) {
        bar->start = value[0] & ~BAR_IO_FLAGS;
        bar->size = lowest_bit(probe[0] & ~BAR_IO_FLAGS);
    } else if (!bar->mem64) {
        bar->start = value[0] & ~BAR_MEM_FLAGS;
        bar->size = lowest_bit(probe[0] & ~BAR_MEM_FLAGS);
    } else {
        bar->start = (u64)value[1] << 32 | (value[0] & ~BAR_MEM_FLAGS);
        bar->size =
            lowest_bit((u64)probe[1] << 32 | (probe[0] & ~BAR_MEM_FLAGS));
    }
    return bar->mem64 ? 2 : 1;
}

u64 pci_bar_linux_flags(const struct pci_bar *bar)
{
    u64 flags = IORESOURCE_SIZEALIGN;

    if (!bar->size)
        return 0;
    if (bar->io)
        return flags | IORESOURCE_IO | BAR_IO;
    flags |= IORESOURCE_MEM;
    if (bar->prefetch)
        flags |= IORESOURCE_PREFETCH | BAR_PREFETCH;
    if (bar->mem64)
        flags |= IORESOURCE_MEM_64 | BAR_TYPE_64;
    return flags;
}
