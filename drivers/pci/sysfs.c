/*
 * drivers/pci/sysfs.c - PCI in /sys, in the places and formats of Linux.
 *
 *     /sys/devices/pci0000:00/0000:00:04.0/   vendor device class resource ...
 *     /sys/bus/pci/devices/0000:00:04.0       -> the above
 *     /sys/bus/pci/drivers/edu/               bind unbind, -> its devices
 *
 * resourceN is a memory BAR as a file: mmap reaches the device (uncached,
 * offset and length checked), so that a program written for Linux's sysfs
 * works here unchanged.  config is the function's configuration space.
 *
 * Context    entries are made at start-up; show and store may sleep.
 */
#include <drivers/pci/internal.h>

#include <kernel/core/printk.h>
#include <kernel/fs/pseudo.h>
#include <kernel/lib/format.h>
#include <kernel/lib/string.h>
#include <kernel/task/task.h>
#include <kernel/uapi/errno.h>
#include <mm/uaccess.h>

#define CONFIG_UNPRIVILEGED 64 /* bytes that everybody may read */
#define RESOURCE_LINES 13      /* 6 BARs, ROM, 6 of virtual functions */

static struct pseudo_entry *bus_devices, *bus_drivers;

/* --- text attributes ---------------------------------------------------- */

#define PCI_ATTR(attr, fmt, value)                                             \
    static int attr##_show(void *data, struct printer *out)                    \
    {                                                                          \
        const struct pci_dev *dev = data;                                      \
                                                                               \
        printer_printf(out, fmt, value);                                       \
        return 0;                                                              \
    }                                                                          \
    static const struct pseudo_ops attr##_ops = {.show = attr##_show}

PCI_ATTR(vendor, "0x%04x\n", dev->vendor);
PCI_ATTR(device, "0x%04x\n", dev->device);
PCI_ATTR(subsystem_vendor, "0x%04x\n", dev->subvendor);
PCI_ATTR(subsystem_device, "0x%04x\n", dev->subdevice);
PCI_ATTR(class, "0x%06x\n", dev->class);
PCI_ATTR(revision, "0x%02x\n", dev->revision);
PCI_ATTR(irq, "%u\n", dev->irq ? dev->irq : dev->irq_line);

static int resource_show(void *data, struct printer *out)
{
    const struct pci_dev *dev = data;
    int i;

    for (i = 0; i < RESOURCE_LINES; i++) {
        const struct pci_bar *bar = i < PCI_BARS ? &dev->bar[i] : NULL;
        unsigned long long start = 0, end = 0, flags = 0;

        if (bar && bar->size) {
            start = bar->start;
            end = bar->start + bar->size - 1;
            flags = pci_bar_linux_flags(bar);
        }
        printer_printf(out, "0x%016llx 0x%016llx 0x%016llx\n", start, end,
                       flags);
    }
    return 0;
}
static const struct pseudo_ops resource_ops = {.show = resource_show};

static void print_modalias(const struct pci_dev *dev, struct printer *out)
{
    printer_printf(out, "pci:v%08Xd%08Xsv%08Xsd%08Xbc%02Xsc%02Xi%02X\n",
                   dev->vendor, dev->device, dev->subvendor, dev->subdevice,
                   dev->class >> 16, (dev->class >> 8) & 0xff,
                   dev->class & 0xff);
}

static int modalias_show(void *data, struct printer *out)
{
    print_modalias(data, out);
    return 0;
}
static const struct pseudo_ops modalias_ops = {.show = modalias_show};

static int uevent_show(void *data, struct printer *out)
{
    const struct pci_dev *dev = data;

    if (dev->driver)
        printer_printf(out, "DRIVER=%s\n", dev->driver->name);
    printer_printf(out,
                   "PCI_CLASS=%X\nPCI_ID=%04X:%04X\n"
                   "PCI_SUBSYS_ID=%04X:%04X\nPCI_SLOT_NAME=%s\nMODALIAS=",
                   dev->class, dev->vendor, dev->device, dev->subvendor,
                   dev->subdevice, dev->name);
    print_modalias(dev, out);
    return 0;
}
static const struct pseudo_ops uevent_ops = {.show = uevent_show};

static int enable_show(void *data, struct printer *out)
{
    const struct pci_dev *dev = data;

    printer_printf(out, "%d\n", dev->enabled);
    return 0;
}

static ssize_t enable_store(void *data, char *text, size_t len)
{
    struct pci_dev *dev = data;

    if (text[0] == '1')
        pci_enable(dev);
    else if (text[0] == '0' && !dev->driver)
        pci_disable(dev);
    else
        return text[0] == '0' ? -EBUSY : -EINVAL;
    return len;
}
static const struct pseudo_ops enable_ops = {.show = enable_show,
                                             .store = enable_store};

/* --- config --------------------------------------------------------------- */

static ssize_t config_read(struct file *file, char __user *buf, size_t count,
                           loff_t *pos)
{
    struct pci_dev *dev = file_inode(file)->private;
    size_t size =
        capable(CAP_SYS_ADMIN) ? PCI_CONFIG_SIZE : CONFIG_UNPRIVILEGED;
    size_t done;

    if (*pos < 0)
        return -EINVAL;
    if ((u64)*pos >= size)
        return 0;
    count = min(count, size - (size_t)*pos);
    for (done = 0; done < count; done++) {
        u8 byte = pci_read8(dev, *pos + done);

        if (copy_to_user(buf + done, &byte, 1))
            return done ? (ssize_t)done : -EFAULT;
    }
    *pos += done;
    return done;
}

/* An aligned word is one access: registers may not like less. */
static ssize_t config_write(struct file *file, const char __user *buf,
                            size_t count, loff_t *pos)
{
    struct pci_dev *dev = file_inode(file)->private;
    size_t done = 0;

    if (*pos < 0 || *pos >= PCI_CONFIG_SIZE)
        return *pos < 0 ? -EINVAL : 0;
    count = min(count, PCI_CONFIG_SIZE - (size_t)*pos);
    while (done < count) {
        u16 reg = *pos + done;
        size_t n = count - done;
        u32 val = 0;

        n = n >= 4 && IS_ALIGNED(reg, 4) ? 4 : n >= 2 && !(reg & 1) ? 2 : 1;
        if (copy_from_user(&val, buf + done, n))
            return done ? (ssize_t)done : -EFAULT;
        pci_config_write(dev->parent, dev->slot, dev->func, reg, n, val);
        done += n;
    }
    *pos += done;
    return done;
}

static loff_t config_llseek(struct file *file, loff_t off, int whence)
{
    if (whence == 1) /* SEEK_CUR */
        off += file->pos;
    else if (whence == 2) /* SEEK_END */
        off += PCI_CONFIG_SIZE;
    if (off < 0)
        return -EINVAL;
    return file->pos = off;
}

static const struct file_operations config_fops = {
    .read = config_read,
    .write = config_write,
    .llseek = config_llseek,
};
static const struct pseudo_ops config_ops = {.fops = &config_fops};

/* --- resourceN ------------------------------------------------------------ */

static int resource_mmap(struct file *file, struct vm_area_struct *vma)
{
    struct pci_bar *bar = file_inode(file)->private;
    struct pci_bar *first = bar - bar->index;

    return pci_bar_mmap(container_of(first, struct pci_dev, bar[0]), bar->index,
                        vma);
}

static const struct file_operations bar_fops = {.mmap = resource_mmap};
static const struct pseudo_ops bar_ops = {.fops = &bar_fops};

static void add_bar(struct pci_dev *dev, struct pci_bar *bar)
{
    struct pseudo_entry *entry;
    char name[16];

    if (!bar->size || bar->io)
        return;
    snprintf(name, sizeof(name), "resource%u", bar->index);
    entry = pseudo_create(dev->sysfs, name, 0600, &bar_ops, bar);
    if (entry)
        pseudo_set_size(entry, bar->size);
}

/* --- drivers: bind, unbind ------------------------------------------------ */

/* The device that a line like "0000:00:04.0\n" names. */
static struct pci_dev *dev_named(char *text, size_t len)
{
    if (len && text[len - 1] == '\n')
        text[len - 1] = '\0';
    return pci_find(text);
}

static ssize_t bind_store(void *data, char *text, size_t len)
{
    struct pci_dev *dev = dev_named(text, len);
    int err = dev ? pci_driver_attach(data, dev) : -ENODEV;

    return err ? err : (ssize_t)len;
}
static const struct pseudo_ops bind_ops = {.store = bind_store};

static ssize_t unbind_store(void *data, char *text, size_t len)
{
    struct pci_dev *dev = dev_named(text, len);

    if (!dev || dev->driver != data)
        return -ENODEV;
    pci_driver_detach(dev);
    return len;
}
static const struct pseudo_ops unbind_ops = {.store = unbind_store};

static struct pseudo_entry *driver_dir(const struct pci_driver *driver)
{
    struct pseudo_entry *dir = pseudo_find(bus_drivers, driver->name);

    if (dir)
        return dir;
    dir = pseudo_mkdir(bus_drivers, driver->name);
    if (dir) {
        pseudo_create(dir, "bind", 0200, &bind_ops, (void *)driver);
        pseudo_create(dir, "unbind", 0200, &unbind_ops, (void *)driver);
    }
    return dir;
}

/* Path of the device's directory below /sys/devices, outermost first. */
static size_t device_path(const struct pci_dev *dev, char *buf, size_t size)
{
    size_t len;

    if (dev->parent->bridge)
        len = device_path(dev->parent->bridge, buf, size);
    else
        len = scnprintf(buf, size, "pci%04x:%02x", dev->segment, dev->bus);
    return len + scnprintf(buf + len, size - len, "/%s", dev->name);
}

void pci_sysfs_bound(struct pci_dev *dev)
{
    struct pseudo_entry *dir;
    char target[192];
    size_t len;
    const struct pci_dev *up;

    dir = bus_drivers ? driver_dir(dev->driver) : NULL;
    if (!dir || !dev->sysfs)
        return;
    len = scnprintf(target, sizeof(target), "../../../../devices/");
    device_path(dev, target + len, sizeof(target) - len);
    pseudo_symlink(dir, dev->name, target);

    len = scnprintf(target, sizeof(target), "../../..");
    for (up = dev->parent->bridge; up; up = up->parent->bridge)
        len += scnprintf(target + len, sizeof(target) - len, "/..");
    scnprintf(target + len, sizeof(target) - len, "/bus/pci/drivers/%s",
              dev->driver->name);
    pseudo_symlink(dev->sysfs, "driver", target);
}

void pci_sysfs_unbound(struct pci_dev *dev, const struct pci_driver *driver)
{
    struct pseudo_entry *dir, *link;

    dir = bus_drivers ? pseudo_find(bus_drivers, driver->name) : NULL;
    link = dir ? pseudo_find(dir, dev->name) : NULL;
    if (link)
        pseudo_remove(link);
    link = dev->sysfs ? pseudo_find(dev->sysfs, "driver") : NULL;
    if (link)
        pseudo_remove(link);
}

/* --- the tree ------------------------------------------------------------- */

static const struct {
    const char *name;
    mode_t mode;
    const struct pseudo_ops *ops;
} attributes[] = {
    {"vendor", 0444, &vendor_ops},
    {"device", 0444, &device_ops},
    {"subsystem_vendor", 0444, &subsystem_vendor_ops},
    {"subsystem_device", 0444, &subsystem_device_ops},
    {"class", 0444, &class_ops},
    {"revision", 0444, &revision_ops},
    {"irq", 0444, &irq_ops},
    {"resource", 0444, &resource_ops},
    {"modalias", 0444, &modalias_ops},
    {"uevent", 0444, &uevent_ops},
    {"enable", 0644, &enable_ops},
};

static struct pseudo_entry *dir_below(struct pseudo_entry *dir,
                                      const char *name)
{
    struct pseudo_entry *entry = dir ? pseudo_find(dir, name) : NULL;

    return entry || !dir ? entry : pseudo_mkdir(dir, name);
}

void pci_sysfs_init(void)
{
    struct pseudo_entry *pci = dir_below(dir_below(sysfs_root, "bus"), "pci");

    bus_devices = dir_below(pci, "devices");
    bus_drivers = dir_below(pci, "drivers");
    if (!bus_drivers)
        pr_warn("pci: no memory for /sys/bus/pci");
}

static struct pseudo_entry *parent_dir(const struct pci_dev *dev)
{
    char name[16];

    if (dev->parent->bridge)
        return dev->parent->bridge->sysfs;
    snprintf(name, sizeof(name), "pci%04x:%02x", dev->segment, dev->bus);
    return dir_below(dir_below(sysfs_root, "devices"), name);
}

void pci_sysfs_add(struct pci_dev *dev)
{
    struct pseudo_entry *parent = parent_dir(dev), *entry;
    char target[192];
    size_t i, len;

    dev->sysfs = parent ? pseudo_mkdir(parent, dev->name) : NULL;
    if (!dev->sysfs || !bus_devices)
        return;
    for (i = 0; i < ARRAY_SIZE(attributes); i++)
        pseudo_create(dev->sysfs, attributes[i].name, attributes[i].mode,
                      attributes[i].ops, dev);
    entry = pseudo_create(dev->sysfs, "config", 0644, &config_ops, dev);
    if (entry)
        pseudo_set_size(entry, PCI_CONFIG_SIZE);
    for (i = 0; i < PCI_BARS; i++)
        add_bar(dev, &dev->bar[i]);
    len = scnprintf(target, sizeof(target), "../../../devices/");
    device_path(dev, target + len, sizeof(target) - len);
    pseudo_symlink(bus_devices, dev->name, target);
}
