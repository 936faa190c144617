/*
 * kernel/fs/proc_fd.c - /proc/PID/fd and fdinfo: a process's open files.
 *
 * A link in fd leads to the very file, also where no path does (a pipe, a
 * file that was unlinked).
 */
#include <kernel/fs/proc_pid.h>
#include <kernel/fs/text.h>
#include <kernel/lib/string.h>

static const struct inode_operations fd_link_ops;
static const struct file_operations fdinfo_text_fops;

/* File `fd` of the inode's process, referenced; 0 or -ENOENT, -EACCES. */
static int fd_file(const struct inode *dir, unsigned int fd, struct file **file)
{
    struct files_struct *files;
    struct task_struct *task;
    int err = proc_task_checked(dir, &task);

    if (err)
        return err == -ESRCH ? -ENOENT : err;
    files = task_get_files(task);
    put_task(task);
    *file = files ? files_find(files, fd) : NULL;
    if (files)
        files_put(files);
    return *file ? 0 : -ENOENT;
}

static int fd_lookup_as(struct inode *dir, const char *name, size_t len,
                        struct inode **inode, bool info)
{
    struct file *file;
    unsigned int fd;
    mode_t mode;
    int err;

    if (!proc_parse_number(name, len, &fd))
        return -ENOENT;
    err = fd_file(dir, fd, &file);
    if (err)
        return err;
    mode = S_IFLNK | (file->fmode & FMODE_READ ? 0500 : 0) |
           (file->fmode & FMODE_WRITE ? 0300 : 0);
    fput(file);
    *inode = proc_fd_inode(dir, info ? S_IFREG | 0444 : mode, fd + 1);
    if (!*inode)
        return -ENOENT;
    if (info) {
        (*inode)->fops = &fdinfo_text_fops;
    } else {
        (*inode)->ops = &fd_link_ops;
        (*inode)->size = 64; /* as Linux says of these links */
    }
    return 0;
}

static int fd_lookup(struct inode *dir, const char *name, size_t len,
                     struct inode **inode)
{
    return fd_lookup_as(dir, name, len, inode, false);
}

static int fdinfo_lookup(struct inode *dir, const char *name, size_t len,
                         struct inode **inode)
{
    return fd_lookup_as(dir, name, len, inode, true);
}

static int fd_iterate_as(struct file *dir, struct dir_context *ctx, u8 type)
{
    struct files_struct *files;
    struct task_struct *task;
    struct file *file;
    int err = proc_task_checked(dir->inode, &task), fd;

    if (err)
        return err;
    files = task_get_files(task);
    put_task(task);
    if (dir_emit_dots(dir, ctx)) {
        while (files && (fd = files_next(files, ctx->pos - 2, &file)) >= 0) {
            fput(file);
            if (!proc_emit_number(ctx, fd, type,
                                  proc_fd_ino(dir->inode, fd + 1)))
                break;
            ctx->pos = (loff_t)fd + 3;
        }
    }
    if (files)
        files_put(files);
    return 0;
}

static int fd_iterate(struct file *dir, struct dir_context *ctx)
{
    return fd_iterate_as(dir, ctx, DT_LNK);
}

static int fdinfo_iterate(struct file *dir, struct dir_context *ctx)
{
    return fd_iterate_as(dir, ctx, DT_REG);
}

static int fd_follow(struct inode *inode, struct path *path)
{
    struct file *file;
    int err = fd_file(inode, proc_ref_fd(inode) - 1, &file);

    if (err)
        return err;
    err = file_get_path(file, path);
    fput(file);
    return err;
}

static ssize_t fd_readlink(struct inode *inode, char *buf, size_t size)
{
    struct file *file;
    char *space, *text;
    ssize_t len = fd_file(inode, proc_ref_fd(inode) - 1, &file);

    if (len)
        return len;
    if (file->dentry) {
        struct path path = {file->mnt, file->dentry};

        len = proc_path_text(&path, buf, size);
    } else {
        space = kmalloc(PATH_MAX, GFP_KERNEL);
        text = space ? file_path(file, space, PATH_MAX) : "";
        len = min(strlen(text), size);
        memcpy(buf, text, len);
        kfree(space);
    }
    fput(file);
    return len;
}

static int fdinfo_fill(struct file *self, struct printer *out)
{
    struct file *file;
    int err = fd_file(self->inode, proc_ref_fd(self->inode) - 1, &file);

    if (err)
        return err;
    printer_printf(out, "pos:\t%ld\nflags:\t0%o\nmnt_id:\t%u\nino:\t%lu\n",
                   (long)file->pos, file->flags, file->mnt ? file->mnt->id : 0,
                   file->inode->ino);
    if (file->ops->show_fdinfo)
        file->ops->show_fdinfo(file, out);
    fput(file);
    return 0;
}

static ssize_t fdinfo_read(struct file *file, char __user *buf, size_t count,
                           loff_t *pos)
{
    return text_read(file, buf, count, pos, fdinfo_fill);
}

static const struct file_operations fdinfo_text_fops = {
    .open = proc_text_open,
    .read = fdinfo_read,
    .llseek = generic_llseek,
    .release = proc_text_release,
};
static const struct inode_operations fd_link_ops = {
    .readlink = fd_readlink,
    .follow = fd_follow,
};
const struct inode_operations proc_fd_ops = {.lookup = fd_lookup};
const struct inode_operations proc_fdinfo_ops = {.lookup = fdinfo_lookup};
const struct file_operations proc_fd_fops = {
    .iterate = fd_iterate,
    .llseek = generic_llseek,
};
const struct file_operations proc_fdinfo_fops = {
    .iterate = fdinfo_iterate,
    .llseek = generic_llseek,
};
