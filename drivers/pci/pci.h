/*
 * drivers/pci/pci.h - PCI functions, their BARs, and drivers for them.
 *
 * PCI 3.0 6.1-6.2; ECAM: PCIe 3.0 7.2.2.
 *
 *     static const struct pci_device_id edu_ids[] = {{0x1234, 0x11e8}, {0}};
 *     static const struct pci_driver edu_driver = {
 *         .name = "edu", .ids = edu_ids, .probe = ..., .remove = ...,
 *     };
 *     PCI_DRIVER(edu_driver);
 */
#pragma once

#include <drivers/pci/bar.h>
#include <kernel/core/irq.h>
#include <kernel/lib/list.h>
#include <mm/io.h>

#define PCI_ANY_ID 0xffff

struct pci_bus;      /* drivers/pci/internal.h */
struct pseudo_entry; /* kernel/fs/pseudo.h */

/* All but driver, driver_data, irq, msi, enabled is constant after the scan;
 * those belong to the driver that is bound (pci_bind_lock). */
struct pci_dev {
    char name[16]; /* "0000:00:04.0" */
    struct pci_bus *parent;
    u16 segment;
    u8 bus, slot, func;
    u16 vendor, device, subvendor, subdevice;
    u32 class; /* base << 16 | sub << 8 | interface */
    u8 revision, header_type, irq_pin, irq_line;
    struct pci_bar bar[PCI_BARS];
    unsigned int irq; /* after pci_irq_request */
    bool msi;
    bool enabled; /* pci_enable was called */
    const struct pci_driver *driver;
    void *driver_data;
    struct pseudo_entry *sysfs; /* its directory */
    struct list_head link;      /* pci_devices, in bus order */
};

struct pci_device_id {
    u16 vendor, device; /* 0: end of the table */
};

struct pci_driver {
    const char *name;
    const struct pci_device_id *ids;
    /* 0, or -errno with everything given back.  May sleep. */
    int (*probe)(struct pci_dev *dev);
    void (*remove)(struct pci_dev *dev);
};
#define PCI_DRIVER(driver)                                                     \
    static const struct pci_driver *const pci_driver_##driver __section(       \
        ".pci_drivers") = &(driver)

extern struct list_head pci_devices;

u8 pci_read8(const struct pci_dev *dev, u16 reg);
u16 pci_read16(const struct pci_dev *dev, u16 reg);
u32 pci_read32(const struct pci_dev *dev, u16 reg);
void pci_write8(const struct pci_dev *dev, u16 reg, u8 val);
void pci_write16(const struct pci_dev *dev, u16 reg, u16 val);
void pci_write32(const struct pci_dev *dev, u16 reg, u32 val);

/* Lets the device answer at its BARs, and with pci_set_master also reach
 * memory (DMA, MSI). */
void pci_enable(struct pci_dev *dev);
void pci_set_master(struct pci_dev *dev);
void pci_disable(struct pci_dev *dev); /* neither any more */
u16 pci_find_capability(const struct pci_dev *dev, u8 id); /* 0: none */

/* The whole BAR, uncached, region requested.  NULL: not memory, taken, or no
 * room.  Undo with pci_bar_unmap. */
void __iomem *pci_bar_map(struct pci_dev *dev, int bar);
void pci_bar_unmap(struct pci_dev *dev, int bar, void __iomem *addr);

/*
 * MSI where the device has it (which also makes it bus master), else its INTx
 * line, shared: the handler then first asks the device whether it was it.
 * Returns: 0, -ENODEV (no line), or irq_request's error.
 */
int pci_irq_request(struct pci_dev *dev, irq_handler_t *handler, void *arg);
void pci_irq_free(struct pci_dev *dev, void *arg);

/* file_operations.mmap for a BAR: io_remap_pfn_range of what the VMA asks,
 * offset and length checked.  0, -EINVAL, -ENODEV. */
struct vm_area_struct;
int pci_bar_mmap(struct pci_dev *dev, int bar, struct vm_area_struct *vma);
