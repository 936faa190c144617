/*
 * drivers/pci/pci.c - what drivers call, and which driver gets which device.
 *
 * Structure  pci_devices, in bus order; drivers in [__start_pci_drivers,
 *            __stop_pci_drivers).  A device has at most one driver.
 * Locking    bind_lock (mutex) covers dev->driver; probe and remove run
 *            under it, so a driver sees them one at a time.
 * Context    may sleep, except the configuration accessors (any).
 */
#include <drivers/driver.h>
#include <drivers/pci/internal.h>

#include <kernel/core/printk.h>
#include <kernel/lib/string.h>
#include <kernel/sync/mutex.h>
#include <kernel/uapi/errno.h>
#include <mm/vma.h>

extern const struct pci_driver *const __start_pci_drivers[];
extern const struct pci_driver *const __stop_pci_drivers[];

static DEFINE_MUTEX(bind_lock);

static void command_change(struct pci_dev *dev, u16 clear, u16 set)
{
    u16 command = pci_read16(dev, PCI_COMMAND);

    pci_write16(dev, PCI_COMMAND, (command & ~clear) | set);
}

void pci_enable(struct pci_dev *dev)
{
    command_change(dev, 0, PCI_COMMAND_IO | PCI_COMMAND_MEMORY);
    dev->enabled = true;
}

void pci_set_master(struct pci_dev *dev)
{
    command_change(dev, 0, PCI_COMMAND_MASTER);
}

void pci_disable(struct pci_dev *dev)
{
    command_change(dev, PCI_COMMAND_MASTER, 0);
    dev->enabled = false;
}

u16 pci_find_capability(const struct pci_dev *dev, u8 id)
{
    unsigned int left = PCI_CONFIG_SIZE / 4; /* a list that loops ends */
    u8 at;

    if (!(pci_read16(dev, PCI_STATUS) & PCI_STATUS_CAP_LIST))
        return 0;
    at = pci_read8(dev, PCI_CAP_POINTER) & ~3;
    while (at && left--) {
        u16 head = pci_read16(dev, at); /* id, then the next one's offset */

        if ((head & 0xff) == id)
            return at;
        at = (head >> 8) & ~3;
    }
    return 0;
}

void __iomem *pci_bar_map(struct pci_dev *dev, int index)
{
    struct pci_bar *bar = &dev->bar[index];
    struct resource *busy;
    void __iomem *addr;

    if (!bar->size || bar->io)
        return NULL;
    busy = request_mem_region(bar->start, bar->size,
                              dev->driver ? dev->driver->name : dev->name);
    if (!busy)
        return NULL;
    addr = ioremap(bar->start, bar->size);
    if (addr)
        bar->busy = busy;
    else
        release_mem_region(bar->start, bar->size);
    return addr;
}

void pci_bar_unmap(struct pci_dev *dev, int index, void __iomem *addr)
{
    struct pci_bar *bar = &dev->bar[index];

    iounmap(addr);
    release_mem_region(bar->start, bar->size);
    bar->busy = NULL;
}

int pci_bar_mmap(struct pci_dev *dev, int index, struct vm_area_struct *vma)
{
    const struct pci_bar *bar = &dev->bar[index];
    unsigned long pages = (vma->vm_end - vma->vm_start) >> PAGE_SHIFT;
    unsigned long bar_pages = PFN_UP(bar->size);

    if (!bar->size || bar->io)
        return -ENODEV;
    if (vma->vm_pgoff >= bar_pages || pages > bar_pages - vma->vm_pgoff)
        return -EINVAL;
    vma->vm_page_prot = pgprot_noncached(vma->vm_page_prot);
    return io_remap_pfn_range(vma, vma->vm_start,
                              PFN_DOWN(bar->start) + vma->vm_pgoff,
                              vma->vm_end - vma->vm_start, vma->vm_page_prot);
}

struct pci_dev *pci_find(const char *name)
{
    struct pci_dev *dev;

    list_for_each_entry(dev, &pci_devices, link)
        if (!strcmp(dev->name, name))
            return dev;
    return NULL;
}

static bool driver_wants(const struct pci_driver *driver,
                         const struct pci_dev *dev)
{
    const struct pci_device_id *id;

    for (id = driver->ids; id->vendor; id++)
        if (id->vendor == dev->vendor &&
            (id->device == PCI_ANY_ID || id->device == dev->device))
            return true;
    return false;
}

int pci_driver_attach(const struct pci_driver *driver, struct pci_dev *dev)
{
    int err;

    if (!driver_wants(driver, dev))
        return -ENODEV;
    mutex_lock(&bind_lock);
    if (dev->driver) {
        err = -EBUSY;
    } else {
        dev->driver = driver;
        err = driver->probe(dev);
        if (err)
            dev->driver = NULL;
    }
    mutex_unlock(&bind_lock);
    if (err)
        pr_warn("%s %s: not taken, error %d", driver->name, dev->name, -err);
    else
        pci_sysfs_bound(dev);
    return err;
}

void pci_driver_detach(struct pci_dev *dev)
{
    const struct pci_driver *driver;

    mutex_lock(&bind_lock);
    driver = dev->driver;
    if (driver) {
        if (driver->remove)
            driver->remove(dev);
        dev->driver = NULL;
        dev->driver_data = NULL;
    }
    mutex_unlock(&bind_lock);
    if (driver)
        pci_sysfs_unbound(dev, driver);
}

static int pci_init(void)
{
    struct pci_dev *dev;

    pci_scan();
    if (list_empty(&pci_devices)) {
        pr_info("pci: no bus on this machine");
        return -ENODEV;
    }
    pci_sysfs_init();
    list_for_each_entry(dev, &pci_devices, link)
        pci_sysfs_add(dev);
    return 0;
}
BUS_INITCALL(pci_init);

static int pci_drivers_init(void)
{
    const struct pci_driver *const *driver;
    struct pci_dev *dev;

    for (driver = __start_pci_drivers; driver < __stop_pci_drivers; driver++)
        list_for_each_entry(dev, &pci_devices, link)
            if (!dev->driver && driver_wants(*driver, dev))
                pci_driver_attach(*driver, dev);
    return 0;
}
DRIVER_INITCALL(pci_drivers_init);
