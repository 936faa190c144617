/*
 * kernel/fs/text.c - the buffer behind procfs and sysfs files.
 *
 * Structure  a printer that doubles its buffer: kmalloc while it is small,
 *            vmalloc beyond, because /proc/PID/smaps of a large process has
 *            megabytes.  A report that prints under a spinlock cannot wait
 *            for memory: it is made again in a larger buffer.
 * Locking    t->lock (mutex): two preads of one open file.
 * Context    may sleep.
 */
#include <kernel/fs/internal.h>
#include <kernel/fs/text.h>
#include <kernel/lib/string.h>
#include <mm/vmalloc.h>

#define TEXT_FIRST 1024ul       /* bytes; most files fit */
#define TEXT_KMALLOC (16 * KIB) /* larger ones need not be contiguous */

struct text {
    struct printer out;
    struct mutex lock;
    char *buf; /* (lock) */
    size_t size;
    size_t missing; /* characters that came in atomic context, at least */
    bool made, no_memory;
};

static char *buf_alloc(size_t size)
{
    return size > TEXT_KMALLOC ? vmalloc(size) : kmalloc(size, GFP_KERNEL);
}

static void buf_free(char *buf, size_t size)
{
    if (size > TEXT_KMALLOC)
        vfree(buf);
    else
        kfree(buf);
}

static size_t text_len(const struct text *t)
{
    return t->out.next - t->buf;
}

static bool grow(struct text *t, size_t more)
{
    size_t len = text_len(t), size = t->size ? t->size : TEXT_FIRST;
    char *buf;

    while (size <= len + more)
        size *= 2;
    buf = buf_alloc(size);
    if (!buf)
        return false;
    if (len)
        memcpy(buf, t->buf, len);
    if (t->buf)
        buf_free(t->buf, t->size);
    t->buf = buf;
    t->size = size;
    t->out.next = buf + len;
    t->out.end = buf + size - 1;
    return true;
}

static void text_write(struct printer *out, const char *text, size_t len)
{
    struct text *t = container_of(out, struct text, out);

    bool atomic = this_cpu_read(atomic_depth);

    if (atomic || t->missing)
        t->missing += len;
    else if (t->no_memory || !grow(t, len))
        t->no_memory = true;
    else
        return printer_write(out, text, len);
    out->end = out->next; /* nothing may follow the gap */
}

int text_open(struct file *file)
{
    struct text *t = kzalloc(sizeof(*t), GFP_KERNEL);

    if (!t)
        return -ENOMEM;
    mutex_init(&t->lock);
    t->out.write = text_write;
    file->private_data = t;
    return 0;
}

void text_release(struct file *file)
{
    struct text *t = file->private_data;

    if (t->buf)
        buf_free(t->buf, t->size);
    kfree(t);
}

static int text_make(struct text *t, struct file *file, text_fill_fn *fill)
{
    int err;

    t->missing = 0;
    t->no_memory = false;
    do {
        if (t->missing && !grow(t, 2 * t->missing))
            return -ENOMEM;
        t->missing = 0;
        t->out.next = t->buf;
        t->out.end = t->size ? t->buf + t->size - 1 : t->buf;
        err = fill(file, &t->out);
    } while (!err && t->missing && !t->no_memory);
    if (!err && t->no_memory)
        err = -ENOMEM;
    t->made = !err;
    return err;
}

/* To `user`, or to `kernel` if there is no user. */
static ssize_t read_locked(struct text *t, char __user *user, char *kernel,
                           size_t count, loff_t *pos)
{
    size_t n;

    if ((u64)*pos >= text_len(t))
        return 0;
    n = min(count, text_len(t) - (size_t)*pos);
    if (kernel)
        memcpy(kernel, t->buf + *pos, n);
    else
        n -= copy_to_user(user, t->buf + *pos, n);
    *pos += n;
    return n ? (ssize_t)n : -EFAULT;
}

static ssize_t read_any(struct file *file, char __user *user, char *kernel,
                        size_t count, loff_t *pos, text_fill_fn *fill)
{
    struct text *t = file->private_data;
    ssize_t n = 0;

    if (!count)
        return 0;
    mutex_lock(&t->lock);
    if (!t->made || *pos == 0)
        n = text_make(t, file, fill);
    if (!n)
        n = read_locked(t, user, kernel, count, pos);
    mutex_unlock(&t->lock);
    return n;
}

ssize_t text_read(struct file *file, char __user *buf, size_t count,
                  loff_t *pos, text_fill_fn *fill)
{
    return read_any(file, buf, NULL, count, pos, fill);
}

ssize_t text_read_kernel(struct file *file, void *buf, size_t count, loff_t pos,
                         text_fill_fn *fill)
{
    return read_any(file, NULL, buf, count, &pos, fill);
}
