/*
 * drivers/pci/config.c - reaching configuration space.
 *
 * Two ways: the index and data ports of PC compatibles (PCI 3.0 3.2.2.3.2),
 * 256 bytes of each function; and ECAM (PCIe 3.0 7.2.2), where ACPI's MCFG
 * says that a bus's configuration is 1 MiB of memory, 4 KiB a function.
 *
 * Locking    port_lock (spin, irq-safe) keeps index and data together.
 * Cost       ECAM one load, ports two accesses.
 */
#include <drivers/acpi/tables.h>
#include <drivers/pci/internal.h>

#include <kernel/lib/format.h>
#include <kernel/sync/spinlock.h>
#include <kernel/x86/cpu.h>
#include <mm/slab.h>

#define ECAM_BUS_SIZE MIB /* 32 slots, 8 functions, 4 KiB each */
#define CONFIG_INDEX 0xcf8
#define CONFIG_DATA 0xcfc
#define CONFIG_ENABLE 0x80000000u

static DEFINE_SPINLOCK(port_lock);

static u32 all_ones(unsigned int bytes)
{
    return bytes == 4 ? ~0u : (1u << (8 * bytes)) - 1;
}

static u32 port_index(const struct pci_bus *bus, u8 slot, u8 func, u16 reg)
{
    return CONFIG_ENABLE | bus->number << 16 | slot << 11 | func << 8 |
           (reg & 0xfc);
}

static u32 port_read(const struct pci_bus *bus, u8 slot, u8 func, u16 reg,
                     unsigned int bytes)
{
    u16 data = CONFIG_DATA + (reg & 3);
    u64 flags;
    u32 val;

    if (bus->segment || reg >= PCI_CONFIG_SIZE)
        return all_ones(bytes);
    flags = spin_lock_irqsave(&port_lock);
    outl(CONFIG_INDEX, port_index(bus, slot, func, reg));
    val = bytes == 1 ? inb(data) : bytes == 2 ? inw(data) : inl(data);
    spin_unlock_irqrestore(&port_lock, flags);
    return val;
}

static void port_write(const struct pci_bus *bus, u8 slot, u8 func, u16 reg,
                       unsigned int bytes, u32 val)
{
    u16 data = CONFIG_DATA + (reg & 3);
    u64 flags;

    if (bus->segment || reg >= PCI_CONFIG_SIZE)
        return;
    flags = spin_lock_irqsave(&port_lock);
    outl(CONFIG_INDEX, port_index(bus, slot, func, reg));
    if (bytes == 1)
        outb(data, val);
    else if (bytes == 2)
        outw(data, val);
    else
        outl(data, val);
    spin_unlock_irqrestore(&port_lock, flags);
}

static void __iomem *ecam_address(const struct pci_bus *bus, u8 slot, u8 func,
                                  u16 reg)
{
    return bus->ecam + ((u32)slot << 15 | (u32)func << 12 | reg);
}

u32 pci_config_read(const struct pci_bus *bus, u8 slot, u8 func, u16 reg,
                    unsigned int bytes)
{
    void __iomem *addr;

    if (!bus->ecam)
        return port_read(bus, slot, func, reg, bytes);
    addr = ecam_address(bus, slot, func, reg);
    return bytes == 1 ? readb(addr) : bytes == 2 ? readw(addr) : readl(addr);
}

void pci_config_write(const struct pci_bus *bus, u8 slot, u8 func, u16 reg,
                      unsigned int bytes, u32 val)
{
    void __iomem *addr;

    if (!bus->ecam) {
        port_write(bus, slot, func, reg, bytes, val);
        return;
    }
    addr = ecam_address(bus, slot, func, reg);
    if (bytes == 1)
        writeb(val, addr);
    else if (bytes == 2)
        writew(val, addr);
    else
        writel(val, addr);
}

#define DEFINE_ACCESSORS(bits)                                                 \
    u##bits pci_read##bits(const struct pci_dev *dev, u16 reg)                 \
    {                                                                          \
        return pci_config_read(dev->parent, dev->slot, dev->func, reg,         \
                               bits / 8);                                      \
    }                                                                          \
    void pci_write##bits(const struct pci_dev *dev, u16 reg, u##bits val)      \
    {                                                                          \
        pci_config_write(dev->parent, dev->slot, dev->func, reg, bits / 8,     \
                         val);                                                 \
    }
DEFINE_ACCESSORS(8)
DEFINE_ACCESSORS(16)
DEFINE_ACCESSORS(32)

/* Its configuration as memory, mapped; NULL: ports it is. */
static void __iomem *map_ecam(u16 segment, u8 number)
{
    struct acpi_ecam windows[ACPI_ECAM_MAX];
    int n = acpi_ecam(windows), i;

    for (i = 0; i < n; i++) {
        const struct acpi_ecam *w = &windows[i];

        if (w->segment == segment && number >= w->start_bus &&
            number <= w->end_bus)
            return ioremap(w->base + number * ECAM_BUS_SIZE, ECAM_BUS_SIZE);
    }
    return NULL;
}

struct pci_bus *pci_bus_create(u16 segment, u8 number, struct pci_dev *bridge)
{
    struct pci_bus *bus = kzalloc(sizeof(*bus), GFP_KERNEL);

    if (!bus)
        return NULL;
    bus->segment = segment;
    bus->number = number;
    bus->bridge = bridge;
    snprintf(bus->name, sizeof(bus->name), "PCI Bus %04x:%02x", segment,
             number);
    bus->ecam = map_ecam(segment, number);
    return bus;
}

/* The index port of a PC keeps what is written; nobody drives it elsewhere. */
bool pci_config_present(void)
{
    u32 old = inl(CONFIG_INDEX), seen;

    outl(CONFIG_INDEX, CONFIG_ENABLE);
    seen = inl(CONFIG_INDEX);
    outl(CONFIG_INDEX, old);
    return seen == CONFIG_ENABLE;
}
