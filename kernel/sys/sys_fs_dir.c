/*
 * kernel/sys/sys_fs_dir.c - reading directories: getdents in two forms.
 */
#include <kernel/fs/internal.h>
#include <kernel/lib/string.h>
#include <syscalls_gen.h>

struct dirent64 { /* getdents64(2) */
    u64 ino;
    s64 off;
    u16 reclen;
    u8 type;
    char name[];
} __packed;

struct dirent_old { /* getdents(2); the type is the record's last byte */
    u64 ino;
    u64 off;
    u16 reclen;
    char name[];
} __packed;

struct getdents {
    struct dir_context ctx;
    char __user *buf;
    u32 left;                /* bytes of the buffer */
    loff_t __user *last_off; /* patched when the next position is known */
    bool old;
    int err;
};

/* The record that was written last leads to where the next one is. */
static int patch_last(struct getdents *g)
{
    if (g->last_off && copy_to_user(g->last_off, &g->ctx.pos, sizeof(loff_t)))
        return -EFAULT;
    g->last_off = NULL;
    return 0;
}

static bool emit_dirent(struct dir_context *ctx, const char *name, size_t len,
                        ino_t ino, u8 dtype)
{
    struct getdents *g = container_of(ctx, struct getdents, ctx);
    size_t head = g->old ? sizeof(struct dirent_old) : sizeof(struct dirent64);
    size_t size = ALIGN_UP(head + len + (g->old ? 2 : 1), 8);
    char record[ALIGN_UP(sizeof(struct dirent64) + NAME_MAX + 2, 8)];
    struct dirent64 *d = (struct dirent64 *)record;

    g->err = -EINVAL; /* not even one record fits */
    if (size > g->left)
        return false;
    g->err = patch_last(g);
    if (g->err)
        return false;
    memset(record + size - 8, 0, 8);
    d->ino = ino;
    d->off = ctx->pos;
    d->reclen = size;
    if (g->old)
        record[size - 1] = dtype;
    else
        d->type = dtype;
    memcpy(record + head, name, len);
    record[head + len] = 0;
    g->err = -EFAULT;
    if (copy_to_user(g->buf, record, size))
        return false;
    g->err = 0;
    g->last_off = (loff_t __user *)(g->buf + offsetof(struct dirent64, off));
    g->buf += size;
    g->left -= size;
    return true;
}

static long read_dir(struct file *file, struct getdents *g, unsigned int count)
{
    struct inode *dir = file->inode;
    int err = -ENOENT;

    mutex_lock(&file->pos_lock);
    mutex_lock(&dir->lock);
    g->ctx.pos = file->pos;
    if (!file->dentry || !(file->dentry->flags & DENTRY_DEAD))
        err = file->ops->iterate(file, &g->ctx);
    mutex_unlock(&dir->lock);
    file->pos = g->ctx.pos;
    mutex_unlock(&file->pos_lock);
    inode_accessed(dir);
    if (err)
        return err;
    if (g->left == count)
        return g->err;
    return patch_last(g) ? -EFAULT : (long)(count - g->left);
}

/* Linux has the size as an int: what is huge has room for nothing. */
static long getdents_fd(unsigned int fd, void __user *buf, unsigned int count,
                        bool old)
{
    struct getdents g = {.ctx.emit = emit_dirent, .buf = buf, .old = old};
    struct file *file = fget(fd);
    long n;

    if (!file)
        return -EBADF;
    if ((int)count < 0)
        count = 0;
    g.left = count;
    n = file->ops->iterate ? read_dir(file, &g, count) : -ENOTDIR;
    fput(file);
    return n;
}

long sys_getdents64(unsigned int fd, void __user *dirent, unsigned int count)
{
    return getdents_fd(fd, dirent, count, false);
}

long sys_getdents(unsigned int fd, void __user *dirent, unsigned int count)
{
    return getdents_fd(fd, dirent, count, true);
}
