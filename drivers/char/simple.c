/*
 * drivers/char/simple.c - two ways in which a driver can map RAM of its own.
 *
 * /dev/simple0 and /dev/simple1 are each 16 KiB of memory that read(2) and
 * write(2) reach as a file and mmap(2) as memory; they differ in how a
 * mapping comes about:
 *
 *     simple0   simple_remap_mmap() calls remap_pfn_range(): every entry of
 *               the range is written at mmap, by frame number, without a
 *               reference to the page.  No access ever faults.
 *     simple1   simple_fault_mmap() only sets vm_ops; the first access to each
 *               page faults, and simple_fault() hands the page over with a
 *               reference that the mapping then owns.
 *
 * vm_ops->open and ->close keep count of the VMAs, which shows when the
 * kernel calls them: not at mmap (so the driver does it itself), but at fork,
 * when a mapping is split, and at munmap or exit.  Reading
 * /sys/module/simple/maps tells the counts.
 *
 * Structure  the pages of a device are allocated at its first open and stay:
 *            a mapping by frame number must never outlive its frames.
 * Locking    simple->mutex covers `pages` while they are allocated; afterwards
 *            they are constant.  `maps` and `faults` are atomic.
 * Context    may sleep.
 */
#include <drivers/driver.h>

#include <kernel/core/printk.h>
#include <kernel/fs/fs.h>
#include <kernel/fs/pseudo.h>
#include <kernel/lib/format.h>
#include <kernel/lib/string.h>
#include <kernel/sync/atomic.h>
#include <kernel/sync/mutex.h>
#include <kernel/uapi/errno.h>
#include <mm/page.h>
#include <mm/uaccess.h>
#include <mm/vma.h>

#define SIMPLE_MAJOR 241 /* Linux's devices.txt: for local use */
#define SIMPLE_ORDER 2   /* pages, as a power of two */
#define SIMPLE_PAGES (1ul << SIMPLE_ORDER)
#define SIMPLE_SIZE (SIMPLE_PAGES * PAGE_SIZE)

struct simple {
    const char *name; /* (c) */
    struct mutex mutex;
    struct page *pages; /* SIMPLE_PAGES in a row, counted as one; NULL before
                           the first open */
    atomic_t maps;      /* VMAs that exist */
    atomic_t faults;    /* calls of simple_fault */
};

static struct simple simples[] = {{.name = "simple0"}, {.name = "simple1"}};

static int simple_open(struct inode *inode, struct file *file)
{
    struct simple *simple = chrdev_private(inode);
    struct page *pages;

    mutex_lock(&simple->mutex);
    if (!simple->pages) {
        pages = alloc_pages(GFP_KERNEL | __GFP_ZERO | __GFP_COMP, SIMPLE_ORDER);
        WRITE_ONCE(simple->pages, pages);
    }
    mutex_unlock(&simple->mutex);
    if (!simple->pages)
        return -ENOMEM;
    file->private_data = simple;
    return 0;
}

/* --- read and write: the same bytes, copied
 * ------------------------------------ */

/* Bytes of [pos, pos + count) that exist. */
static size_t clip(loff_t pos, size_t count)
{
    if (pos < 0 || pos >= (loff_t)SIMPLE_SIZE)
        return 0;
    return min(count, SIMPLE_SIZE - (size_t)pos);
}

static ssize_t simple_read(struct file *file, char __user *buf, size_t count,
                           loff_t *pos)
{
    struct simple *simple = file->private_data;
    const char *memory = page_address(simple->pages);

    count = clip(*pos, count);
    if (copy_to_user(buf, memory + *pos, count))
        return -EFAULT;
    *pos += count;
    return count;
}

static ssize_t simple_write(struct file *file, const char __user *buf,
                            size_t count, loff_t *pos)
{
    struct simple *simple = file->private_data;
    char *memory = page_address(simple->pages);
    size_t n = clip(*pos, count);

    if (!n && count)
        return -ENOSPC;
    if (copy_from_user(memory + *pos, buf, n))
        return -EFAULT;
    *pos += n;
    return n;
}

/* --- mmap
 * -------------------------------------------------------------------------- */

/* A VMA came to be; it keeps the file open, which keeps us. */
static void simple_vma_open(struct vm_area_struct *vma)
{
    struct simple *simple = vma->vm_private_data;

    atomic_inc(&simple->maps);
}

static void simple_vma_close(struct vm_area_struct *vma)
{
    struct simple *simple = vma->vm_private_data;

    atomic_dec(&simple->maps);
}

/*
 * The page behind vmf->pgoff, with a reference that goes to the mapping.
 * A mapping may be longer than the device: SIGBUS behind the end.
 */
static vm_fault_t simple_fault(struct vm_fault *vmf)
{
    struct simple *simple = vmf->vma->vm_private_data;

    atomic_inc(&simple->faults);
    if (vmf->pgoff >= SIMPLE_PAGES)
        return VM_FAULT_SIGBUS;
    vmf->page = simple->pages + vmf->pgoff;
    get_page(vmf->page);
    return 0;
}

static const struct vm_operations_struct simple_remap_vm_ops = {
    .open = simple_vma_open,
    .close = simple_vma_close,
};

static const struct vm_operations_struct simple_fault_vm_ops = {
    .open = simple_vma_open,
    .close = simple_vma_close,
    .fault = simple_fault,
};

static int simple_remap_mmap(struct file *file, struct vm_area_struct *vma)
{
    struct simple *simple = file->private_data;
    unsigned long pages = (vma->vm_end - vma->vm_start) >> PAGE_SHIFT;
    int err;

    if (vma->vm_pgoff >= SIMPLE_PAGES || pages > SIMPLE_PAGES - vma->vm_pgoff)
        return -EINVAL;
    err = remap_pfn_range(vma, vma->vm_start,
                          page_to_pfn(simple->pages) + vma->vm_pgoff,
                          vma->vm_end - vma->vm_start, vma->vm_page_prot);
    if (err)
        return err;
    vma->vm_private_data = simple;
    vma->vm_ops = &simple_remap_vm_ops;
    simple_vma_open(vma);
    return 0;
}

static int simple_fault_mmap(struct file *file, struct vm_area_struct *vma)
{
    vma->vm_private_data = file->private_data;
    vma->vm_ops = &simple_fault_vm_ops;
    simple_vma_open(vma);
    return 0;
}

static const struct file_operations simple_fops[] = {
    {
        .open = simple_open,
        .read = simple_read,
        .write = simple_write,
        .llseek = generic_llseek,
        .mmap = simple_remap_mmap,
    },
    {
        .open = simple_open,
        .read = simple_read,
        .write = simple_write,
        .llseek = generic_llseek,
        .mmap = simple_fault_mmap,
    },
};

/* --- counts, and registration
 * -------------------------------------------------------- */

static int maps_show(void *data, struct printer *out)
{
    size_t i;

    for (i = 0; i < ARRAY_SIZE(simples); i++)
        printer_printf(out, "%s maps=%d faults=%d\n", simples[i].name,
                       atomic_read(&simples[i].maps),
                       atomic_read(&simples[i].faults));
    return 0;
}
static const struct pseudo_ops maps_ops = {.show = maps_show};

static void add_counts(void)
{
    struct pseudo_entry *dir = pseudo_find(sysfs_root, "module");

    if (!dir)
        dir = pseudo_mkdir(sysfs_root, "module");
    if (dir)
        dir = pseudo_mkdir(dir, "simple");
    if (dir)
        pseudo_create(dir, "maps", 0444, &maps_ops, NULL);
}

static int simple_init(void)
{
    size_t i;
    int err = 0;

    for (i = 0; i < ARRAY_SIZE(simples) && !err; i++) {
        mutex_init(&simples[i].mutex);
        err = chrdev_register(MKDEV(SIMPLE_MAJOR, i), simples[i].name, 0666,
                              &simple_fops[i], &simples[i]);
    }
    if (!err)
        add_counts();
    return err;
}
DRIVER_INITCALL(simple_init);
