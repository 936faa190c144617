/*
 * drivers/pci/internal.h - shared by the files of drivers/pci only.
 */
#pragma once

#include <drivers/pci/pci.h>

/* Configuration space header, PCI 3.0 6.1. */
#define PCI_VENDOR_ID 0x00
#define PCI_COMMAND 0x04
#define PCI_COMMAND_IO BIT(0)
#define PCI_COMMAND_MEMORY BIT(1)
#define PCI_COMMAND_MASTER BIT(2)
#define PCI_STATUS 0x06
#define PCI_STATUS_CAP_LIST BIT(4)
#define PCI_CLASS_REVISION 0x08
#define PCI_HEADER_TYPE 0x0e
#define PCI_HEADER_MULTI 0x80
#define PCI_HEADER_NORMAL 0
#define PCI_HEADER_BRIDGE 1
#define PCI_BAR0 0x10
#define PCI_SECONDARY_BUS 0x19 /* bridges */
#define PCI_BRIDGE_MEMORY 0x20 /* base and limit, 16 bits each, MiB units */
#define PCI_BRIDGE_PREFETCH 0x24
#define PCI_BRIDGE_PREFETCH_HIGH 0x28 /* the base's, then the limit's */
#define PCI_SUBSYSTEM 0x2c
#define PCI_CAP_POINTER 0x34
#define PCI_INTERRUPT_LINE 0x3c
#define PCI_INTERRUPT_PIN 0x3d

#define PCI_CAP_MSI 0x05
#define PCI_CONFIG_SIZE 256 /* bytes; what every function has */

struct pci_bus {
    u16 segment;
    u8 number;
    void __iomem *ecam;         /* its 1 MiB of configuration; NULL: by ports */
    struct pci_dev *bridge;     /* that leads to it; NULL: the root */
    char name[16];              /* "PCI Bus 0000:01" */
    struct resource windows[2]; /* that the bridge lets through: memory, and
                                   prefetchable memory; end 0: none */
};

/* Access before there is a pci_dev. */
u32 pci_config_read(const struct pci_bus *bus, u8 slot, u8 func, u16 reg,
                    unsigned int bytes);
void pci_config_write(const struct pci_bus *bus, u8 slot, u8 func, u16 reg,
                      unsigned int bytes, u32 val);

/* A bus, with its ECAM mapped where ACPI tells of one; NULL: no memory. */
struct pci_bus *pci_bus_create(u16 segment, u8 number, struct pci_dev *bridge);
bool pci_config_present(void); /* whether there is any PCI at all */

void pci_scan(void); /* fills pci_devices */

/* Drivers: bind looks for one that wants dev. */
int pci_driver_attach(const struct pci_driver *driver, struct pci_dev *dev);
void pci_driver_detach(struct pci_dev *dev);
struct pci_dev *pci_find(const char *name); /* "0000:00:04.0" or NULL */

/* /sys/bus/pci.  Failures are said in the log and cost only the files. */
void pci_sysfs_init(void);
void pci_sysfs_add(struct pci_dev *dev);
void pci_sysfs_bound(struct pci_dev *dev);
void pci_sysfs_unbound(struct pci_dev *dev, const struct pci_driver *driver);
