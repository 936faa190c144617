/*
 * kernel/fs/query.c - a pseudo file as a conversation.
 *
 * Structure  open makes a session; a write replaces its text by the answer and
 *            sets the position to 0; reads hand the text out.
 * Locking    file->pos_lock, which every read and write of one open file
 *            holds, covers the session.
 */
#include <kernel/fs/query.h>

#include <kernel/lib/string.h>
#include <kernel/uapi/errno.h>
#include <mm/slab.h>
#include <mm/uaccess.h>

#define QUERY_LINE_MAX 256

struct session {
    const struct query_ops *ops;
    struct printer_buf text;
    char buf[]; /* ops->text_max */
};

static int query_open(struct inode *inode, struct file *file)
{
    const struct query_ops *ops = inode->private;
    struct session *s = kmalloc(sizeof(*s) + ops->text_max, GFP_KERNEL);

    if (!s)
        return -ENOMEM;
    s->ops = ops;
    printer_buf_init(&s->text, s->buf, ops->text_max);
    if (ops->greet)
        ops->greet(&s->text.out);
    file->private_data = s;
    return 0;
}

static void query_release(struct inode *inode, struct file *file)
{
    (void)inode;
    kfree(file->private_data);
}

static ssize_t query_read(struct file *file, char __user *buf, size_t count,
                          loff_t *pos)
{
    struct session *s = file->private_data;

    if (*pos < 0 || (size_t)*pos >= printer_buf_len(&s->text))
        return 0;
    count = min(count, printer_buf_len(&s->text) - (size_t)*pos);
    if (copy_to_user(buf, s->buf + *pos, count))
        return -EFAULT;
    *pos += (loff_t)count;
    return (ssize_t)count;
}

static ssize_t query_write(struct file *file, const char __user *buf,
                           size_t count, loff_t *pos)
{
    struct session *s = file->private_data;
    char line[QUERY_LINE_MAX];
    size_t len = count;
    int err;

    if (count >= sizeof(line))
        return -EINVAL;
    if (copy_from_user(line, buf, count))
        return -EFAULT;
    if (len && line[len - 1] == '\n')
        len--;
    line[len] = '\0';
    printer_buf_init(&s->text, s->buf, s->ops->text_max);
    err = s->ops->ask(line, &s->text.out);
    if (err)
        return err;
    *pos = 0;
    return (ssize_t)count;
}

static const struct file_operations query_fops = {
    .open = query_open,
    .release = query_release,
    .read = query_read,
    .write = query_write,
};

static const struct pseudo_ops query_pseudo_ops = {.fops = &query_fops};

struct pseudo_entry *query_create(struct pseudo_entry *dir, const char *name,
                                  mode_t mode, const struct query_ops *ops)
{
    return pseudo_create(dir, name, mode, &query_pseudo_ops, (void *)ops);
}
