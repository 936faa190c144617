/*
 * drivers/pci/scan.c - finds the functions, sizes their BARs.
 *
 * Walks the root bus, and behind each bridge the bus that firmware gave it;
 * a function that is absent costs one read.  Decoding is off while a BAR
 * holds the size probe, so that the device answers nowhere by accident.
 *
 * Context    once, at start-up, single-threaded; may sleep.
 */
#include <drivers/pci/internal.h>

#include <kernel/core/printk.h>
#include <kernel/lib/format.h>
#include <mm/slab.h>

#define PCI_SLOTS 32
#define PCI_FUNCS 8
#define PCI_DEPTH_MAX 8 /* bridges behind each other; a loop ends here */

LIST_HEAD(pci_devices);

/* Leaves the register as it was. */
static void probe_bar(const struct pci_dev *dev, unsigned int index, u32 *value,
                      u32 *probe)
{
    u16 reg = PCI_BAR0 + 4 * index;

    *value = pci_read32(dev, reg);
    pci_write32(dev, reg, ~0u);
    *probe = pci_read32(dev, reg);
    pci_write32(dev, reg, *value);
}

static void size_bars(struct pci_dev *dev, unsigned int nr_bars)
{
    u16 command = pci_read16(dev, PCI_COMMAND);
    unsigned int i = 0, used;

    pci_write16(dev, PCI_COMMAND,
                command & ~(PCI_COMMAND_IO | PCI_COMMAND_MEMORY));
    for (; i < nr_bars; i += used) {
        struct pci_bar *bar = &dev->bar[i];
        u32 value[2] = {0, 0}, probe[2] = {0, 0};

        probe_bar(dev, i, &value[0], &probe[0]);
        if ((value[0] & 7) == 4 && i + 1 < nr_bars) /* 64-bit memory */
            probe_bar(dev, i + 1, &value[1], &probe[1]);
        used = pci_bar_decode(value, probe, bar);
        bar->index = i;
    }
    pci_write16(dev, PCI_COMMAND, command);
}

/* Its line in /proc/iomem.  A BAR that firmware left without an address is
 * not there for us. */
static void claim_bar(struct pci_dev *dev, struct pci_bar *bar)
{
    struct resource *res;

    if (!bar->size || bar->io)
        return;
    if (!bar->start) {
        pr_warn("pci %s: BAR %u (%llu KiB) has no address", dev->name,
                bar->index, (unsigned long long)bar->size >> 10);
        bar->size = 0;
        return;
    }
    res = kzalloc(sizeof(*res), GFP_KERNEL);
    if (!res)
        return;
    res->start = bar->start;
    res->end = bar->start + bar->size - 1;
    res->name = dev->name;
    if (resource_insert(res) < 0) {
        pr_warn("pci %s: BAR %u overlaps something else", dev->name,
                bar->index);
        kfree(res);
        return;
    }
    bar->res = res;
}

static void report(const struct pci_dev *dev)
{
    char bars[160] = "";
    size_t len = 0;
    int i;

    for (i = 0; i < PCI_BARS; i++) {
        const struct pci_bar *bar = &dev->bar[i];

        if (!bar->size)
            continue;
        len += scnprintf(bars + len, sizeof(bars) - len,
                         bar->io ? " BAR%d io %llx+%llx" : " BAR%d %#llx+%#llx",
                         i, (unsigned long long)bar->start,
                         (unsigned long long)bar->size);
    }
    pr_info("pci %s: %04x:%04x class %06x%s", dev->name, dev->vendor,
            dev->device, dev->class, bars);
}

static struct pci_dev *dev_create(struct pci_bus *bus, u8 slot, u8 func, u32 id)
{
    struct pci_dev *dev = kzalloc(sizeof(*dev), GFP_KERNEL);
    u32 class;

    if (!dev)
        return NULL;
    snprintf(dev->name, sizeof(dev->name), "%04x:%02x:%02x.%x", bus->segment,
             bus->number, slot, func);
    dev->parent = bus;
    dev->segment = bus->segment;
    dev->bus = bus->number;
    dev->slot = slot;
    dev->func = func;
    dev->vendor = id;
    dev->device = id >> 16;
    class = pci_read32(dev, PCI_CLASS_REVISION);
    dev->class = class >> 8;
    dev->revision = class;
    dev->header_type = pci_read8(dev, PCI_HEADER_TYPE);
    dev->irq_line = pci_read8(dev, PCI_INTERRUPT_LINE);
    dev->irq_pin = pci_read8(dev, PCI_INTERRUPT_PIN);
    return dev;
}

/* PCI-to-PCI Bridge 1.2 3.2.5.8, 3.2.5.9: the windows' lines in
 * /proc/iomem, which the BARs behind the bridge nest in. */
static void claim_windows(struct pci_bus *bus)
{
    static const u16 regs[] = {PCI_BRIDGE_MEMORY, PCI_BRIDGE_PREFETCH};
    const struct pci_dev *bridge = bus->bridge;
    size_t i;

    for (i = 0; i < ARRAY_SIZE(regs); i++) {
        struct resource *window = &bus->windows[i];
        u32 both = pci_read32(bridge, regs[i]);
        u64 start = (u64)(both & 0xfff0) << 16;
        u64 end = (both & 0xfff00000) | (MIB - 1);

        if (regs[i] == PCI_BRIDGE_PREFETCH && (both & 1)) { /* 64 bits */
            start |= (u64)pci_read32(bridge, PCI_BRIDGE_PREFETCH_HIGH) << 32;
            end |= (u64)pci_read32(bridge, PCI_BRIDGE_PREFETCH_HIGH + 4) << 32;
        }
        if (start > end || !start)
            continue; /* closed */
        window->start = start;
        window->end = end;
        window->name = bus->name;
        if (resource_insert(window) < 0)
            window->end = 0;
    }
}

static void scan_bus(struct pci_bus *bus, unsigned int depth);

static void scan_bridge(struct pci_dev *dev, unsigned int depth)
{
    u8 secondary = pci_read8(dev, PCI_SECONDARY_BUS);
    struct pci_bus *bus;

    if (secondary <= dev->bus) {
        pr_warn("pci %s: bridge without a bus number", dev->name);
        return;
    }
    if (depth >= PCI_DEPTH_MAX)
        return;
    bus = pci_bus_create(dev->segment, secondary, dev);
    if (!bus)
        return;
    claim_windows(bus);
    scan_bus(bus, depth + 1);
}

/* Returns whether the device has more functions than this one. */
static bool scan_function(struct pci_bus *bus, u8 slot, u8 func,
                          unsigned int depth)
{
    u32 id = pci_config_read(bus, slot, func, PCI_VENDOR_ID, 4);
    struct pci_dev *dev;
    int i;

    if ((id & 0xffff) == 0xffff || !(id & 0xffff))
        return false;
    dev = dev_create(bus, slot, func, id);
    if (!dev)
        return false;
    list_add_tail(&dev->link, &pci_devices);
    if ((dev->header_type & 0x7f) == PCI_HEADER_NORMAL) {
        u32 subsystem = pci_read32(dev, PCI_SUBSYSTEM);

        dev->subvendor = subsystem;
        dev->subdevice = subsystem >> 16;
        size_bars(dev, PCI_BARS);
    } else if ((dev->header_type & 0x7f) == PCI_HEADER_BRIDGE) {
        size_bars(dev, 2);
    }
    for (i = 0; i < PCI_BARS; i++)
        claim_bar(dev, &dev->bar[i]);
    report(dev);
    if ((dev->header_type & 0x7f) == PCI_HEADER_BRIDGE)
        scan_bridge(dev, depth);
    return dev->header_type & PCI_HEADER_MULTI;
}

static void scan_bus(struct pci_bus *bus, unsigned int depth)
{
    u8 slot, func;

    for (slot = 0; slot < PCI_SLOTS; slot++)
        if (scan_function(bus, slot, 0, depth))
            for (func = 1; func < PCI_FUNCS; func++)
                scan_function(bus, slot, func, depth);
}

void pci_scan(void)
{
    struct pci_bus *root;

    if (!pci_config_present())
        return;
    root = pci_bus_create(0, 0, NULL);
    if (root)
        scan_bus(root, 0);
}
