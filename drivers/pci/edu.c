/*
 * drivers/pci/edu.c - QEMU's "edu" device, as a driver to copy from.
 *
 * The device (QEMU docs/specs/edu) computes factorials and answers at BAR 0,
 * 1 MiB of registers.  Programs get at it in two ways through /dev/eduN:
 *
 *     mmap(2)   maps the registers themselves.  From then on ordinary loads
 *               and stores reach the device; the kernel is not asked again.
 *     write(2)  of a u32 n starts n! in the device; read(2) sleeps until the
 *     read(2)   device's interrupt says that it is done, and gives the u32.
 *
 * Structure  struct edu per device, in edus[] by minor number.  It lives as
 *            long as the device is bound or a file is open: `refs` counts
 *            both.  After remove() open files find `regs` NULL: -ENODEV.
 * Locking    edus_lock (mutex) covers edus[], so that open either finds a
 *            device with its reference or none.  edu->mutex covers regs and
 *            is what remove() waits for.  edu->lock (spin, irq-safe) covers
 *            what the interrupt handler changes.  Order: as listed.
 * Invariant  busy: a factorial was started and its interrupt has not come.
 *            done: `result` waits to be read.  Never both.
 * Context    file operations may sleep; edu_interrupt must not.
 */
#include <drivers/driver.h>
#include <drivers/pci/pci.h>

#include <kernel/core/printk.h>
#include <kernel/fs/fs.h>
#include <kernel/lib/format.h>
#include <kernel/sync/mutex.h>
#include <kernel/uapi/errno.h>
#include <kernel/uapi/poll.h>
#include <mm/filemap.h>
#include <mm/slab.h>
#include <mm/uaccess.h>
#include <mm/vma.h>

#define EDU_VENDOR 0x1234
#define EDU_DEVICE 0x11e8
#define EDU_BAR 0
#define EDU_MAJOR 240 /* Linux's devices.txt: for local use */
#define EDU_MAX 4     /* devices we give a name to */

/* Registers, offsets into BAR 0.  All are 32 bits wide. */
#define EDU_ID 0x00        /* 0xRRrr00ed, version RR.rr */
#define EDU_FACTORIAL 0x08 /* write n, read n! when STATUS says so */
#define EDU_STATUS 0x20
#define EDU_IRQ_STATUS 0x24 /* why it interrupts; */
#define EDU_IRQ_ACK 0x64    /* written back here to stop it */

#define EDU_ID_MASK 0xffff
#define EDU_ID_VALUE 0x00ed
#define EDU_STATUS_COMPUTING 0x01
#define EDU_STATUS_WANT_IRQ 0x80 /* interrupt when the factorial is done */
#define EDU_IRQ_FACTORIAL 0x01

struct edu {
    struct pci_dev *dev; /* (c) */
    unsigned int minor;  /* (c) */
    refcount_t refs;     /* being bound, and each open file */
    struct mutex mutex;
    void __iomem *regs; /* (mutex) NULL once the device is gone */
    spinlock_t lock;
    bool busy, done;              /* (lock) */
    u32 result;                   /* (lock) valid while done */
    bool gone;                    /* (lock) remove() was here */
    struct wait_queue changed;    /* busy, done or gone did */
    struct address_space mapping; /* knows the VMAs that show the registers */
};

static DEFINE_MUTEX(edus_lock);
static struct edu *edus[EDU_MAX];

static void edu_put(struct edu *edu)
{
    if (!refcount_dec_and_test(&edu->refs))
        return;
    mapping_quiesce(&edu->mapping);
    kfree(edu);
}

/*
 * Context: interrupt.  An INTx line may be shared, so first ask the device;
 * it goes on asserting the line until it gets its reason back.
 */
static void edu_interrupt(unsigned int irq, void *arg)
{
    struct edu *edu = arg;
    u32 why = readl(edu->regs + EDU_IRQ_STATUS);
    u64 flags;

    if (!why)
        return;
    writel(why, edu->regs + EDU_IRQ_ACK);
    if (!(why & EDU_IRQ_FACTORIAL))
        return;
    flags = spin_lock_irqsave(&edu->lock);
    if (edu->busy) {
        edu->result = readl(edu->regs + EDU_FACTORIAL);
        edu->busy = false;
        edu->done = true;
    }
    spin_unlock_irqrestore(&edu->lock, flags);
    wake_up_all(&edu->changed);
}

static int edu_open(struct inode *inode, struct file *file)
{
    unsigned int minor = MINOR(inode->rdev);
    struct edu *edu;

    mutex_lock(&edus_lock);
    edu = minor < EDU_MAX ? edus[minor] : NULL;
    if (edu)
        refcount_inc(&edu->refs);
    mutex_unlock(&edus_lock);
    if (!edu)
        return -ENXIO;
    file->private_data = edu;
    file->fmode |= FMODE_STREAM; /* no position: a read may sleep while
                                    another thread writes */
    return 0;
}

static void edu_release(struct inode *inode, struct file *file)
{
    edu_put(file->private_data);
}

static const struct vm_operations_struct edu_vm_ops;

/*
 * Maps what the VMA asks for of BAR 0.  The frames are the device's, not RAM:
 * nothing is allocated, counted or freed for them, and the cache is off.
 * The whole range is mapped here and now, so no fault handler is needed: a
 * fault means that the device is gone, and is answered with SIGBUS.
 */
static int edu_mmap(struct file *file, struct vm_area_struct *vma)
{
    struct edu *edu = file->private_data;
    int err = -ENODEV;

    mutex_lock(&edu->mutex);
    if (edu->regs)
        err = pci_bar_mmap(edu->dev, EDU_BAR, vma);
    if (!err) {
        vma->vm_ops = &edu_vm_ops;
        vma->vm_mapping = &edu->mapping;
    }
    mutex_unlock(&edu->mutex);
    return err;
}

/* Claims the device for one factorial: 0, -EBUSY. */
static int edu_claim(struct edu *edu)
{
    u64 flags;
    int err = 0;

    flags = spin_lock_irqsave(&edu->lock);
    if (edu->busy) {
        err = -EBUSY;
    } else {
        edu->busy = true;
        edu->done = false;
    }
    spin_unlock_irqrestore(&edu->lock, flags);
    return err;
}

static void edu_unclaim(struct edu *edu)
{
    u64 flags = spin_lock_irqsave(&edu->lock);

    edu->busy = false;
    spin_unlock_irqrestore(&edu->lock, flags);
}

/* Starts n!.  A program that works through its own mapping may have the
 * device computing already, which only the device knows. */
static int edu_start(struct edu *edu, u32 n)
{
    int err;

    if (!edu->regs)
        return -ENODEV;
    err = edu_claim(edu);
    if (err)
        return err;
    if (readl(edu->regs + EDU_STATUS) & EDU_STATUS_COMPUTING) {
        edu_unclaim(edu);
        return -EBUSY;
    }
    writel(EDU_STATUS_WANT_IRQ, edu->regs + EDU_STATUS);
    writel(n, edu->regs + EDU_FACTORIAL);
    return 0;
}

/* Exactly one u32.  4, -EINVAL, -EFAULT, -EBUSY, -ENODEV. */
static ssize_t edu_write(struct file *file, const char __user *buf,
                         size_t count, loff_t *pos)
{
    struct edu *edu = file->private_data;
    u32 n;
    int err;

    if (count != sizeof(n))
        return -EINVAL;
    if (copy_from_user(&n, buf, sizeof(n)))
        return -EFAULT;
    mutex_lock(&edu->mutex);
    err = edu_start(edu, n);
    mutex_unlock(&edu->mutex);
    return err ? err : (ssize_t)sizeof(n);
}

/* Takes the result if there is one: whether it did. */
static bool edu_take(struct edu *edu, u32 *result)
{
    u64 flags = spin_lock_irqsave(&edu->lock);
    bool done = edu->done;

    *result = edu->result;
    edu->done = false;
    spin_unlock_irqrestore(&edu->lock, flags);
    return done;
}

/* One u32, once the interrupt has come.  4, -EINVAL, -EFAULT, -EAGAIN
 * (O_NONBLOCK), -ERESTARTSYS (a signal), -ENODEV. */
static ssize_t edu_read(struct file *file, char __user *buf, size_t count,
                        loff_t *pos)
{
    struct edu *edu = file->private_data;
    u32 result;

    if (count < sizeof(result))
        return -EINVAL;
    while (!edu_take(edu, &result)) {
        if (READ_ONCE(edu->gone))
            return -ENODEV;
        if (file->flags & O_NONBLOCK)
            return -EAGAIN;
        if (wait_event_interruptible(&edu->changed, READ_ONCE(edu->done) ||
                                                        READ_ONCE(edu->gone)))
            return -ERESTARTSYS;
    }
    return copy_to_user(buf, &result, sizeof(result)) ? -EFAULT
                                                      : (ssize_t)sizeof(result);
}

static u32 edu_poll(struct file *file, struct poll_table *table)
{
    struct edu *edu = file->private_data;
    u32 ready = 0;

    poll_wait(file, &edu->changed, table);
    if (READ_ONCE(edu->gone))
        return POLLERR | POLLHUP;
    if (READ_ONCE(edu->done))
        ready |= POLLIN | POLLRDNORM;
    if (!READ_ONCE(edu->busy))
        ready |= POLLOUT | POLLWRNORM;
    return ready;
}

static const struct file_operations edu_fops = {
    .open = edu_open,
    .release = edu_release,
    .mmap = edu_mmap,
    .write = edu_write,
    .read = edu_read,
    .poll = edu_poll,
};

/* Puts it under the first free minor number: 0 or -ENOSPC. */
static int edu_publish(struct edu *edu)
{
    unsigned int minor = 0;

    mutex_lock(&edus_lock);
    while (minor < EDU_MAX && edus[minor])
        minor++;
    if (minor < EDU_MAX) {
        edu->minor = minor;
        edus[minor] = edu;
    }
    mutex_unlock(&edus_lock);
    return minor < EDU_MAX ? 0 : -ENOSPC;
}

static void edu_unpublish(struct edu *edu)
{
    mutex_lock(&edus_lock);
    edus[edu->minor] = NULL;
    mutex_unlock(&edus_lock);
}

/* There is no page behind it, only VMAs. */
static u64 edu_mapping_size(struct address_space *mapping)
{
    (void)mapping;
    return 0;
}

static struct edu *edu_create(struct pci_dev *dev)
{
    struct edu *edu = kzalloc(sizeof(*edu), GFP_KERNEL);

    if (!edu)
        return NULL;
    edu->dev = dev;
    refcount_set(&edu->refs, 1);
    mutex_init(&edu->mutex);
    spin_lock_init(&edu->lock);
    wait_queue_init(&edu->changed);
    mapping_init(&edu->mapping, edu, edu_mapping_size);
    return edu;
}

/*
 * Everything is taken in this order and, when a step fails, given back in the
 * opposite one.  The name in /dev comes last: from then on programs arrive.
 */
static int edu_probe(struct pci_dev *dev)
{
    struct edu *edu = edu_create(dev);
    char name[8];
    u32 id;
    int err;

    if (!edu)
        return -ENOMEM;
    pci_enable(dev);
    err = -EBUSY;
    edu->regs = pci_bar_map(dev, EDU_BAR);
    if (!edu->regs)
        goto disable;
    err = -ENODEV;
    id = readl(edu->regs + EDU_ID);
    if ((id & EDU_ID_MASK) != EDU_ID_VALUE)
        goto unmap;
    err = pci_irq_request(dev, edu_interrupt, edu);
    if (err)
        goto unmap;
    err = edu_publish(edu);
    if (err)
        goto free_irq;
    snprintf(name, sizeof(name), "edu%u", edu->minor);
    err = chrdev_register(MKDEV(EDU_MAJOR, edu->minor), name, 0666, &edu_fops,
                          edu);
    if (err)
        goto unpublish;
    dev->driver_data = edu;
    pr_info("%s: id %08x, registers at %#llx, %s %u", name, id,
            (unsigned long long)dev->bar[EDU_BAR].start,
            dev->msi ? "MSI irq" : "irq", dev->irq);
    return 0;

unpublish:
    edu_unpublish(edu);
free_irq:
    pci_irq_free(dev, edu);
unmap:
    pci_bar_unmap(dev, EDU_BAR, edu->regs);
disable:
    pci_disable(dev);
    edu_put(edu);
    return err;
}

/*
 * The device goes; open files stay and get errors.  The registers leave every
 * program that has them mapped.
 */
static void edu_remove(struct pci_dev *dev)
{
    struct edu *edu = dev->driver_data;
    u64 flags;

    chrdev_unregister(MKDEV(EDU_MAJOR, edu->minor));
    edu_unpublish(edu);
    pci_irq_free(dev, edu);
    mutex_lock(&edu->mutex);
    pci_bar_unmap(dev, EDU_BAR, edu->regs);
    edu->regs = NULL;
    mutex_unlock(&edu->mutex);
    unmap_mapping_from(&edu->mapping, 0);
    flags = spin_lock_irqsave(&edu->lock);
    edu->gone = true;
    spin_unlock_irqrestore(&edu->lock, flags);
    wake_up_all(&edu->changed);
    pci_disable(dev);
    edu_put(edu);
}

static const struct pci_device_id edu_ids[] = {{EDU_VENDOR, EDU_DEVICE}, {0}};

static const struct pci_driver edu_driver = {
    .name = "edu",
    .ids = edu_ids,
    .probe = edu_probe,
    .remove = edu_remove,
};
PCI_DRIVER(edu_driver);

static int edu_report(void)
{
    if (!edus[0])
        pr_info("edu: not on this machine; QEMU adds it with -device edu");
    return 0;
}
LATE_INITCALL(edu_report);
