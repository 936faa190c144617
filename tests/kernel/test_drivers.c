/*
 * tests/kernel/test_drivers.c - PCI, edu, and the wall clock on the machine
 * that runs.
 */
#include <drivers/pci/internal.h>

#include <kernel/core/ktest.h>
#include <kernel/core/time.h>

#define EDU_ID_REG 0x00
#define EDU_LIVENESS_REG 0x04
#define EDU_ID_VALUE 0x010000ed
#define SECONDS_2020 1577836800ull /* 2020-01-01, since 1970 */

/* The first edu device; NULL after noting the skip. */
static struct pci_dev *edu_or_skip(void)
{
    struct pci_dev *dev;

    list_for_each_entry(dev, &pci_devices, link)
        if (dev->vendor == 0x1234 && dev->device == 0x11e8)
            return dev;
    ktest_skip("no edu device");
    return NULL;
}

KTEST(pci, every_function_answers_for_itself)
{
    struct pci_dev *dev;

    list_for_each_entry(dev, &pci_devices, link) {
        KTEST_EXPECT(pci_read16(dev, 0) == dev->vendor);
        KTEST_EXPECT(pci_read16(dev, 2) == dev->device);
        KTEST_EXPECT(pci_read8(dev, 0) == (dev->vendor & 0xff));
        KTEST_EXPECT(pci_find(dev->name) == dev);
    }
}

KTEST(pci, bars_are_aligned_to_their_size)
{
    struct pci_dev *dev;
    int i;

    list_for_each_entry(dev, &pci_devices, link) {
        for (i = 0; i < PCI_BARS; i++) {
            const struct pci_bar *bar = &dev->bar[i];

            if (!bar->size)
                continue;
            KTEST_EXPECT(!(bar->size & (bar->size - 1)));
            KTEST_EXPECT(!(bar->start & (bar->size - 1)));
            KTEST_EXPECT(bar->io || bar->res);
        }
    }
}

KTEST(pci, a_bar_is_mapped_once_only)
{
    struct pci_dev *dev = edu_or_skip();

    if (!dev)
        return;
    KTEST_EXPECT(dev->driver && dev->bar[0].busy);
    KTEST_EXPECT(!pci_bar_map(dev, 0)); /* the driver has it */
    KTEST_EXPECT(dev->bar[0].busy);
    KTEST_EXPECT(!pci_bar_map(dev, 1)); /* there is none */
}

KTEST(pci, capabilities_are_found)
{
    struct pci_dev *dev = edu_or_skip();

    if (!dev)
        return;
    KTEST_EXPECT(pci_find_capability(dev, PCI_CAP_MSI));
    KTEST_EXPECT(!pci_find_capability(dev, 0xfe));
}

KTEST(edu, the_liveness_register_inverts)
{
    struct pci_dev *dev = edu_or_skip();
    void __iomem *regs;

    if (!dev)
        return;
    regs = ioremap(dev->bar[0].start, PAGE_SIZE);
    KTEST_REQUIRE(regs);
    KTEST_EXPECT(readl(regs + EDU_ID_REG) == EDU_ID_VALUE);
    writel(0x12345678, regs + EDU_LIVENESS_REG);
    KTEST_EXPECT(readl(regs + EDU_LIVENESS_REG) == ~0x12345678u);
    iounmap(regs);
}

/* The runner compares the page ledger: everything must have come back. */
KTEST(edu, the_driver_lets_go_and_takes_again)
{
    struct pci_dev *dev = edu_or_skip();
    const struct pci_driver *driver;
    int i;

    if (!dev)
        return;
    driver = dev->driver;
    KTEST_REQUIRE(driver);
    for (i = 0; i < 3; i++) {
        pci_driver_detach(dev);
        KTEST_EXPECT(!dev->driver && !dev->irq && !dev->bar[0].busy);
        KTEST_EXPECT(!pci_driver_attach(driver, dev));
    }
    KTEST_EXPECT(dev->driver == driver && dev->irq);
}

KTEST(rtc, the_wall_clock_is_not_in_the_past)
{
    KTEST_EXPECT(ktime_get_real() / NSEC_PER_SEC > SECONDS_2020);
}
