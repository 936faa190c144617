/*
 * drivers/char/mem.c - /dev/null, zero, full, random, urandom, kmsg, and mem.
 *
 * mem        physical memory by its address.  Below 1 MiB everything can be
 *            read, byte for byte: that is where the BIOS lies.  Above it RAM
 *            is refused (-EPERM), as by Linux with STRICT_DEVMEM, unless
 *            devmem=relaxed; devices are not.  A mapping of something that is
 *            not RAM is uncached.
 * zero       a private mapping is anonymous memory, a shared one a page cache
 *            of its own.
 * Locking    none; nothing here has state.
 * Context    may sleep.
 */
#include <drivers/driver.h>

#include <kernel/core/cmdline.h>
#include <kernel/core/printk.h>
#include <kernel/fs/fs.h>
#include <kernel/lib/format.h>
#include <kernel/lib/random.h>
#include <kernel/lib/string.h>
#include <kernel/uapi/errno.h>
#include <kernel/x86/cpu.h>
#include <mm/io.h>
#include <mm/page.h>
#include <mm/physmap.h>
#include <mm/uaccess.h>
#include <mm/vma.h>

#define MEM_MAJOR 1    /* Linux's devices.txt */
#define LOW_MEMORY MIB /* readable whatever lies there */
#define CHUNK 256      /* bytes through the stack at once */

/* --- null, zero, full --------------------------------------------------------
 */

static ssize_t null_read(struct file *file, char __user *buf, size_t count,
                         loff_t *pos)
{
    return 0;
}

static ssize_t null_write(struct file *file, const char __user *buf,
                          size_t count, loff_t *pos)
{
    return count;
}

static ssize_t null_write_kernel(struct file *file, const void *buf,
                                 size_t count, loff_t *pos)
{
    return count;
}

static ssize_t zero_read(struct file *file, char __user *buf, size_t count,
                         loff_t *pos)
{
    size_t left = clear_user(buf, count);

    return left && left == count ? -EFAULT : (ssize_t)(count - left);
}

static ssize_t full_write(struct file *file, const char __user *buf,
                          size_t count, loff_t *pos)
{
    return -ENOSPC;
}

static int zero_mmap(struct file *file, struct vm_area_struct *vma)
{
    return shmem_zero_setup(vma);
}

/* Any position is as good as any other. */
static loff_t null_llseek(struct file *file, loff_t off, int whence)
{
    return file->pos = 0;
}

static const struct file_operations null_fops = {
    .read = null_read,
    .write = null_write,
    .write_kernel = null_write_kernel,
    .llseek = null_llseek,
};
static const struct file_operations zero_fops = {
    .read = zero_read,
    .write = null_write,
    .write_kernel = null_write_kernel,
    .llseek = null_llseek,
    .mmap = zero_mmap,
};
static const struct file_operations full_fops = {
    .read = zero_read,
    .write = full_write,
    .llseek = null_llseek,
};

/* --- random
 * ------------------------------------------------------------------- */

static ssize_t random_read(struct file *file, char __user *buf, size_t count,
                           loff_t *pos)
{
    size_t done = 0;

    while (done < count) {
        u8 chunk[CHUNK];
        size_t n = min(count - done, sizeof(chunk)), left;

        random_bytes(chunk, n);
        left = copy_to_user(buf + done, chunk, n);
        done += n - left;
        memset(chunk, 0, sizeof(chunk));
        if (left)
            return done ? (ssize_t)done : -EFAULT;
    }
    return done;
}

static void random_mix(const void *bytes, size_t n)
{
    u64 flags = 0;

    if (random_lock)
        random_lock(&flags);
    random_seed(bytes, n);
    if (random_unlock)
        random_unlock(flags);
}

/* What is written is mixed in; it cannot make the numbers worse. */
static ssize_t random_write(struct file *file, const char __user *buf,
                            size_t count, loff_t *pos)
{
    size_t done = 0;

    while (done < count) {
        u8 chunk[CHUNK];
        size_t n = min(count - done, sizeof(chunk));

        if (copy_from_user(chunk, buf + done, n))
            return done ? (ssize_t)done : -EFAULT;
        random_mix(chunk, n);
        done += n;
    }
    return done;
}

static const struct file_operations random_fops = {
    .read = random_read,
    .write = random_write,
    .llseek = null_llseek,
};

/* --- mem
 * ---------------------------------------------------------------------- */

static bool relaxed; /* devmem=relaxed */

static bool is_ram(phys_addr_t start, size_t len)
{
    return physmap_is_ram(start, start + len);
}

/* Whether ring 3 may see [start, start + len). */
static bool may_access(phys_addr_t start, size_t len)
{
    return relaxed || start + len <= LOW_MEMORY || !is_ram(start, len);
}

static bool bad_range(loff_t pos, size_t len)
{
    u64 limit = BIT(cpu_phys_bits());

    return pos < 0 || (u64)pos >= limit || len > limit - (u64)pos;
}

/* Bytes from pos to the end of its page, at most count. */
static size_t in_page(loff_t pos, size_t count)
{
    return min(count, (size_t)(PAGE_SIZE - (pos & ~PAGE_MASK)));
}

/*
 * One page of physical memory for a moment.  RAM through the direct map, or a
 * window where that has not come online; the rest through an uncached window.
 */
struct window {
    u8 *addr;
    void __iomem *device; /* to be unmapped */
    void *memory;         /* to be unmapped */
};

static int window_open(struct window *w, phys_addr_t page, bool write)
{
    *w = (struct window){0};
    if (!is_ram(page, PAGE_SIZE)) {
        w->device = ioremap(page, PAGE_SIZE);
        w->addr = (u8 __force *)w->device;
    } else if (pfn_valid(PFN_DOWN(page))) {
        w->addr = __va(page);
    } else if (!write) {
        w->memory = memremap(page, PAGE_SIZE, MEMREMAP_RO);
        w->addr = w->memory;
    }
    return w->addr ? 0 : -ENXIO;
}

static void window_close(struct window *w)
{
    iounmap(w->device);
    memunmap(w->memory);
}

/* Devices do not like accesses that a compiler or `rep movs` chose. */
static void copy_bytes(volatile u8 *to, const volatile u8 *from, size_t n)
{
    size_t i = 0;

    if (((unsigned long)to | (unsigned long)from) % 4 == 0)
        for (; i + 4 <= n; i += 4)
            *(volatile u32 *)(to + i) = *(const volatile u32 *)(from + i);
    for (; i < n; i++)
        to[i] = from[i];
}

/* Between a program's memory and mapped frames, through the stack: n bytes, or
 * -EFAULT. */
static int copy_chunk(char __user *buf, volatile u8 *mem, size_t n, bool write)
{
    u8 chunk[CHUNK] __aligned(4);

    if (write) {
        if (copy_from_user(chunk, buf, n))
            return -EFAULT;
        copy_bytes(mem, chunk, n);
        return 0;
    }
    copy_bytes(chunk, mem, n);
    return copy_to_user(buf, chunk, n) ? -EFAULT : 0;
}

/* At most one page's part: bytes or -errno. */
static ssize_t copy_page_part(char __user *buf, size_t count, phys_addr_t pos,
                              bool write)
{
    phys_addr_t page = pos & PAGE_MASK;
    size_t n = in_page(pos, count), done = 0;
    struct window w;
    int err;

    if (!may_access(page, PAGE_SIZE))
        return -EPERM;
    err = window_open(&w, page, write);
    if (err)
        return err;
    while (done < n && !err) {
        size_t part = min(n - done, (size_t)CHUNK);

        err = copy_chunk(buf + done, w.addr + (pos & ~PAGE_MASK) + done, part,
                         write);
        if (!err)
            done += part;
    }
    window_close(&w);
    return done ? (ssize_t)done : err;
}

static ssize_t copy_mem(char __user *buf, size_t count, loff_t *pos, bool write)
{
    size_t done = 0;

    if (bad_range(*pos, count))
        return *pos < 0 ? -EINVAL : -EFAULT;
    while (done < count) {
        ssize_t n = copy_page_part(buf + done, count - done, *pos, write);

        if (n < 0)
            return done ? (ssize_t)done : n;
        done += n;
        *pos += n;
    }
    return done;
}

static ssize_t mem_read(struct file *file, char __user *buf, size_t count,
                        loff_t *pos)
{
    return copy_mem(buf, count, pos, false);
}

static ssize_t mem_write(struct file *file, const char __user *buf,
                         size_t count, loff_t *pos)
{
    return copy_mem((char __user *)buf, count, pos, true);
}

/* There is no end to count from. */
static loff_t mem_llseek(struct file *file, loff_t off, int whence)
{
    if (whence == SEEK_CUR)
        off += file->pos;
    else if (whence != SEEK_SET)
        return -EINVAL;
    if (off < 0)
        return -EINVAL;
    return file->pos = off;
}

/* RAM is mapped cached, as everybody else has it; anything else, also a range
 * that has some of both, is not. */
static int mem_mmap(struct file *file, struct vm_area_struct *vma)
{
    size_t len = vma->vm_end - vma->vm_start;
    phys_addr_t start = PFN_PHYS(vma->vm_pgoff);

    if (vma->vm_pgoff != PFN_DOWN(start) || bad_range(start, len))
        return -EINVAL;
    if (!may_access(start, len))
        return -EPERM;
    if (!physmap_all_ram(start, start + len))
        vma->vm_page_prot = pgprot_noncached(vma->vm_page_prot);
    return remap_pfn_range(vma, vma->vm_start, vma->vm_pgoff, len,
                           vma->vm_page_prot);
}

static const struct file_operations mem_fops = {
    .read = mem_read,
    .write = mem_write,
    .llseek = mem_llseek,
    .mmap = mem_mmap,
};

/* --- kmsg: a line written goes into the log
 * -------------------------------------- */

#define KMSG_LINE 976 /* bytes, as on Linux */

/* "<3>text" gives the level; without it the line is a warning. */
static ssize_t kmsg_write(struct file *file, const char __user *buf,
                          size_t count, loff_t *pos)
{
    enum log_level level = LOG_WARNING;
    char line[KMSG_LINE + 1], *text = line;
    size_t n = min(count, sizeof(line) - 1);

    if (count > KMSG_LINE)
        return -EINVAL;
    if (copy_from_user(line, buf, n))
        return -EFAULT;
    if (n && line[n - 1] == '\n')
        n--;
    line[n] = '\0';
    if (n >= 3 && line[0] == '<' && line[2] == '>' && line[1] >= '0' &&
        line[1] <= '7') {
        level = line[1] - '0';
        text += 3;
    }
    printk(level, "%s", text);
    return count;
}

/* The first line of "<level>[seconds.microseconds] text\n..." as a record. */
static int kmsg_format(char *raw, u64 seq, char *record, size_t size)
{
    char *end = strchr(raw, '\n');
    const char *p = raw + 1;
    u64 level = 0, seconds = 0, micros = 0;

    if (end)
        *end = '\0';
    parse_u64(p, &p, &level);
    while (*p == '>' || *p == '[' || *p == ' ')
        p++;
    parse_u64(p, &p, &seconds);
    p += *p == '.';
    while (*p == '0') /* would mean octal */
        p++;
    parse_u64(p, &p, &micros);
    p = *p == ']' ? p + 1 : p;
    p += *p == ' ';
    return scnprintf(record, size, "%llu,%llu,%llu,-;%s\n",
                     (unsigned long long)level, (unsigned long long)seq,
                     (unsigned long long)(seconds * 1000000 + micros), p);
}

/*
 * One record a read, in Linux's form "level,number,microseconds,-;text".
 * file->private_data is the next record's number.  At the end there is no
 * waiting for more: 0, or -EAGAIN with O_NONBLOCK.
 */
static ssize_t kmsg_read(struct file *file, char __user *buf, size_t count,
                         loff_t *pos)
{
    u64 seq = max((u64)file->private_data, log_first_seq()), next = seq;
    char raw[KMSG_LINE], record[KMSG_LINE];
    size_t len = log_read(&next, raw, sizeof(raw) - 1, true);
    int n;

    if (!len)
        return file->flags & O_NONBLOCK ? -EAGAIN : 0;
    raw[len] = '\0';
    n = kmsg_format(raw, seq, record, sizeof(record));
    if ((size_t)n > count)
        return -EINVAL;
    if (copy_to_user(buf, record, n))
        return -EFAULT;
    file->private_data = (void *)(seq + 1);
    return n;
}

static int kmsg_open(struct inode *inode, struct file *file)
{
    file->private_data = (void *)log_first_seq();
    return 0;
}

static const struct file_operations kmsg_fops = {
    .open = kmsg_open,
    .read = kmsg_read,
    .write = kmsg_write,
};

/* --- registration
 * ------------------------------------------------------------------ */

static const struct {
    u8 minor;
    const char *name;
    mode_t mode;
    const struct file_operations *fops;
} devices[] = {
    {1, "mem", 0600, &mem_fops},       {3, "null", 0666, &null_fops},
    {5, "zero", 0666, &zero_fops},     {7, "full", 0666, &full_fops},
    {8, "random", 0666, &random_fops}, {9, "urandom", 0666, &random_fops},
    {11, "kmsg", 0644, &kmsg_fops},
};

static int mem_init(void)
{
    size_t i;
    int err = 0;

    relaxed = cmdline_is("devmem", "relaxed", "strict");
    for (i = 0; i < ARRAY_SIZE(devices) && !err; i++)
        err =
            chrdev_register(MKDEV(MEM_MAJOR, devices[i].minor), devices[i].name,
                            devices[i].mode, devices[i].fops, NULL);
    return err;
}
BUS_INITCALL(mem_init);
