/*
 * drivers/pci/bar.h - a base address register, and how its size is read.
 *
 * Pure; also compiled for the host.
 */
#pragma once

#include <kernel/lib/types.h>

#define PCI_BARS 6

struct resource;

struct pci_bar {
    phys_addr_t start; /* or the first I/O port */
    u64 size;          /* bytes, a power of two; 0: not implemented */
    bool io, mem64, prefetch;
    u8 index;              /* which of the function's registers */
    struct resource *res;  /* its line in /proc/iomem; memory only */
    struct resource *busy; /* the driver's, between bar_map and bar_unmap */
};

/*
 * Decodes one BAR: value[0] is what the register held, probe[0] what it read
 * after ones had been written, [1] the same of the register behind it (used
 * by a 64-bit BAR only).  Fills all but res, busy, index.
 * Returns: registers used, 1 or 2.
 */
int pci_bar_decode(const u32 value[2], const u32 probe[2], struct pci_bar *bar);

/* The IORESOURCE_* word that Linux shows in sysfs `resource`. */
u64 pci_bar_linux_flags(const struct pci_bar *bar);
