/*
 * drivers/pci/irq.c - a device's interrupt: MSI, else its INTx line.
 *
 * MSI (PCI 3.0 6.8.1) is a memory write that the device makes, so it needs
 * bus mastering, is never shared and cannot be lost to a wrong routing.  The
 * line is what firmware wrote into the function's interrupt line register:
 * an ISA interrupt number, whose trigger mode the MADT tells.  pci=nomsi on
 * the command line makes all devices use it.
 */
#include <drivers/pci/internal.h>

#include <kernel/core/cmdline.h>
#include <kernel/lib/string.h>
#include <kernel/uapi/errno.h>

#define MSI_CONTROL 2 /* offsets into the capability */
#define MSI_ADDRESS 4
#define MSI_ADDRESS_HIGH 8
#define MSI_DATA_32 8
#define MSI_DATA_64 12
#define MSI_ENABLE BIT(0)
#define MSI_MULTIPLE (7 << 4) /* messages granted, log2 */
#define MSI_64BIT BIT(7)

#define IRQ_LINE_NONE 0xff

static void msi_program(struct pci_dev *dev, u16 cap, u64 addr, u32 data)
{
    u16 control = pci_read16(dev, cap + MSI_CONTROL);

    pci_write32(dev, cap + MSI_ADDRESS, addr);
    if (control & MSI_64BIT) {
        pci_write32(dev, cap + MSI_ADDRESS_HIGH, addr >> 32);
        pci_write16(dev, cap + MSI_DATA_64, data);
    } else {
        pci_write16(dev, cap + MSI_DATA_32, data);
    }
    control &= ~(u16)MSI_MULTIPLE;
    pci_write16(dev, cap + MSI_CONTROL, control | MSI_ENABLE);
}

static void msi_disable(struct pci_dev *dev)
{
    u16 cap = pci_find_capability(dev, PCI_CAP_MSI);
    u16 control = pci_read16(dev, cap + MSI_CONTROL);

    pci_write16(dev, cap + MSI_CONTROL, control & ~MSI_ENABLE);
}

static int request_msi(struct pci_dev *dev, u16 cap, irq_handler_t *handler,
                       void *arg)
{
    u64 addr;
    u32 data;
    int irq = irq_alloc_msi(&addr, &data);
    int err;

    if (irq < 0)
        return irq;
    err = irq_request(irq, 0, handler, arg, dev->driver->name);
    if (err) {
        irq_free_msi(irq);
        return err;
    }
    pci_set_master(dev);
    msi_program(dev, cap, addr, data);
    dev->irq = irq;
    dev->msi = true;
    return 0;
}

static int request_line(struct pci_dev *dev, irq_handler_t *handler, void *arg)
{
    unsigned int irq;
    int err;

    if (!dev->irq_pin || dev->irq_line == IRQ_LINE_NONE || !dev->irq_line)
        return -ENODEV;
    irq = irq_isa_to_gsi(dev->irq_line);
    err = irq_request(irq, IRQ_SHARED | IRQ_ISA_DEFAULT, handler, arg,
                      dev->driver->name);
    if (!err)
        dev->irq = irq;
    return err;
}

int pci_irq_request(struct pci_dev *dev, irq_handler_t *handler, void *arg)
{
    const char *option = cmdline_get("pci");
    u16 cap = pci_find_capability(dev, PCI_CAP_MSI);

    if (option && !strcmp(option, "nomsi"))
        cap = 0;
    if (cap && request_msi(dev, cap, handler, arg) == 0)
        return 0;
    return request_line(dev, handler, arg);
}

void pci_irq_free(struct pci_dev *dev, void *arg)
{
    if (dev->msi)
        msi_disable(dev);
    irq_free(dev->irq, arg);
    if (dev->msi)
        irq_free_msi(dev->irq);
    dev->msi = false;
    dev->irq = 0;
}
