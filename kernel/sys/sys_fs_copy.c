/*
 * kernel/sys/sys_fs_copy.c - from file to file without ring 3 between:
 * sendfile and copy_file_range.
 *
 * Structure  a page at a time through a buffer of the kernel's, with what the
 *            files offer for that: read_kernel or the page cache on one side,
 *            write_kernel on the other.
 * Locking    the positions of the two files are not locked, as on Linux.
 * Errors     Linux's, in Linux's order.
 * Context    may sleep.
 */
#include <kernel/fs/internal.h>
#include <kernel/sys/rw.h>
#include <syscalls_gen.h>

#define POS_MAX 0x7fffffffffffffffll

struct copy_end {
    struct file *file;
    loff_t __user *user; /* NULL: the file's own position */
    loff_t pos;
};

/* Where it starts; -EFAULT. */
static long end_start(struct copy_end *end)
{
    end->pos = end->file->pos;
    if (end->user && copy_from_user(&end->pos, end->user, sizeof(end->pos)))
        return -EFAULT;
    return 0;
}

static long end_done(struct copy_end *end)
{
    if (!end->user)
        end->file->pos = end->pos;
    else if (copy_to_user(end->user, &end->pos, sizeof(end->pos)))
        return -EFAULT;
    return 0;
}

static bool bad_range(loff_t pos, size_t count)
{
    return (ssize_t)count < 0 || rw_bad_range(pos, count);
}

static ssize_t copy_pages(struct copy_end *in, struct copy_end *out,
                          size_t count)
{
    char *page = kmalloc(PAGE_SIZE, GFP_KERNEL);
    ssize_t done = 0, n = 0;

    if (!page)
        return -ENOMEM;
    while (count) {
        n = kernel_read(in->file, page, min(count, PAGE_SIZE), in->pos);
        if (n <= 0)
            break;
        n = out->file->ops->write_kernel(out->file, page, n, &out->pos);
        if (n <= 0)
            break;
        in->pos += n;
        done += n;
        count -= n;
        cond_resched();
        if (signal_pending()) /* a file that feeds itself has no end */
            break;
    }
    kfree(page);
    return done ? done : n;
}

/* ---- sendfile ---- */

/* What is asked of the output once the input is right. */
static long check_output(const struct copy_end *in, const struct copy_end *out,
                         size_t count)
{
    bool pipe = S_ISFIFO(out->file->inode->mode);

    if (!(out->file->fmode & FMODE_WRITE))
        return -EBADF;
    if (in->pos == POS_MAX && count)
        return -EOVERFLOW;
    if (!pipe && bad_range(out->pos, count))
        return -EINVAL;
    if (!pipe && out->file->flags & O_APPEND)
        return -EINVAL;
    if (!pipe && in->file->fmode & FMODE_STREAM)
        return -EINVAL;
    if (!pipe && !count)
        return 0;
    if (!can_kernel_read(in->file) || !out->file->ops->write_kernel)
        return -EINVAL;
    return 0;
}

static long send_file(struct copy_end *in, int out_fd, size_t count)
{
    struct copy_end out = {NULL, NULL, 0};
    struct fd f;
    long n;

    if (!in->file || !(in->file->fmode & FMODE_READ))
        return -EBADF;
    if (in->user && in->file->fmode & FMODE_STREAM)
        return -ESPIPE;
    if (bad_range(in->pos, count))
        return -EINVAL;
    f = fdget(out_fd);
    if (!f.file)
        return -EBADF;
    out.file = f.file;
    out.pos = f.file->pos;
    count = min(count, RW_MAX);
    n = check_output(in, &out, count);
    if (!n)
        n = copy_pages(in, &out, count);
    if (n > 0 && !(f.file->fmode & FMODE_STREAM))
        f.file->pos = out.pos;
    if (n > 0 && !in->user)
        in->file->pos = in->pos;
    fdput(f);
    return n;
}

long sys_sendfile(int out_fd, int in_fd, void __user *offset, size_t count)
{
    struct copy_end in = {NULL, offset, 0};
    struct fd f;
    long n;

    if (offset && copy_from_user(&in.pos, offset, sizeof(in.pos)))
        return -EFAULT;
    f = fdget(in_fd);
    in.file = f.file;
    if (!offset && in.file)
        in.pos = in.file->pos;
    n = send_file(&in, out_fd, count);
    fdput(f);
    if (offset && copy_to_user(offset, &in.pos, sizeof(in.pos)))
        return -EFAULT;
    return n;
}

/* ---- copy_file_range ---- */

static long check_kinds(const struct file *in, const struct file *out)
{
    mode_t from = in->inode->mode, to = out->inode->mode;

    if (S_ISDIR(from) || S_ISDIR(to))
        return -EISDIR;
    if (!S_ISREG(from) || !S_ISREG(to))
        return -EINVAL;
    if (!(in->fmode & FMODE_READ) || !(out->fmode & FMODE_WRITE) ||
        out->flags & O_APPEND)
        return -EBADF;
    return in->inode->sb == out->inode->sb ? 0 : -EXDEV;
}

/* Cuts *len at the end of the input. */
static long check_range(const struct copy_end *in, const struct copy_end *out,
                        size_t *len)
{
    u64 from = in->pos, to = out->pos, size = in->file->inode->size;

    if (from + *len < from || to + *len < to)
        return -EOVERFLOW;
    *len = from >= size ? 0 : min(*len, (size_t)(size - from));
    if (in->file->inode == out->file->inode && from < to + *len &&
        to < from + *len)
        return -EINVAL;
    if (bad_range(in->pos, *len) || bad_range(out->pos, *len))
        return -EINVAL;
    return 0;
}

static long copy_range(struct copy_end *in, struct copy_end *out, size_t len,
                       unsigned int flags)
{
    long n = end_start(in);

    if (!n)
        n = end_start(out);
    if (!n && flags)
        n = -EINVAL;
    if (!n)
        n = check_kinds(in->file, out->file);
    if (!n)
        n = check_range(in, out, &len);
    if (n || !len)
        return n;
    if (!can_kernel_read(in->file) || !out->file->ops->write_kernel)
        return -EINVAL;
    n = copy_pages(in, out, min(len, RW_MAX));
    if (n > 0 && (end_done(in) || end_done(out)))
        return -EFAULT;
    return n;
}

long sys_copy_file_range(int fd_in, void __user *off_in, int fd_out,
                         void __user *off_out, size_t len, unsigned int flags)
{
    struct copy_end in = {fget(fd_in), off_in, 0};
    struct copy_end out = {fget(fd_out), off_out, 0};
    long n = -EBADF;

    if (in.file && out.file)
        n = copy_range(&in, &out, len, flags);
    if (in.file)
        fput(in.file);
    if (out.file)
        fput(out.file);
    return n;
}
