/*
 * kernel/fs/text.c - the buffer behind procfs and sysfs files.
 *
 * Structure  a printer that doubles its buffer: kmalloc while it is small,
 *            vmalloc beyond, because /proc/PID/smaps of a large process has
 *            megabytes.
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
    size_t len, size;
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

static bool grow(struct text *t, size_t need)
{
    size_t size = t->size ? t->size : TEXT_FIRST;
    char *buf;

    while (size < need)
        size *= 2;
    buf = buf_alloc(size);
    if (!buf)
        return false;
    if (t->len)
        memcpy(buf, t->buf, t->len);
    if (t->buf)
        buf_free(t->buf, t->size);
    t->buf = buf;
    t->size = size;
    return true;
}

static void text_write(struct printer *out, const char *text, size_t len)
{
    struct text *t = container_of(out, struct text, out);

    if (t->no_memory)
        return;
    if (t->len + len > t->size && !grow(t, t->len + len)) {
        t->no_memory = true;
        return;
    }
    memcpy(t->buf + t->len, text, len);
    t->len += len;
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

    t->len = 0;
    t->no_memory = false;
    err = fill(file, &t->out);
    if (!err && t->no_memory)
        err = -ENOMEM;
    t->made = !err;
    return err;
}

static ssize_t read_locked(struct text *t, char __user *buf, size_t count,
                           loff_t *pos)
{
    size_t n;

    if ((u64)*pos >= t->len)
        return 0;
    n = min(count, t->len - (size_t)*pos);
    n -= copy_to_user(buf, t->buf + *pos, n);
    *pos += n;
    return n ? (ssize_t)n : -EFAULT;
}

ssize_t text_read(struct file *file, char __user *buf, size_t count,
                  loff_t *pos, text_fill_fn *fill)
{
    struct text *t = file->private_data;
    ssize_t n = 0;

    if (!count)
        return 0;
    mutex_lock(&t->lock);
    if (!t->made || *pos == 0)
        n = text_make(t, file, fill);
    if (!n)
        n = read_locked(t, buf, count, pos);
    mutex_unlock(&t->lock);
    return n;
}
