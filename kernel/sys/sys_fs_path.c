/*
 * kernel/sys/sys_fs_path.c - calls on names: directories, links, rename,
 * where a process stands, mounts.
 */
#include <kernel/fs/internal.h>
#include <kernel/lib/string.h>
#include <kernel/uapi/mount.h>
#include <syscalls_gen.h>

#define ROOT_ONLY(cond) ((cond) ? 0 : -EPERM)

/* ---- reading directories ---- */

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

/* ---- where a process stands ---- */

long sys_getcwd(void __user *buf, size_t size)
{
    struct path pwd, root;
    char *space, *text;
    long len = -ENOMEM;

    space = kmalloc(PATH_MAX, GFP_KERNEL);
    if (!space)
        return -ENOMEM;
    fs_pwd_get(&pwd);
    fs_root_get(&root);
    if (pwd.dentry->flags & DENTRY_DEAD) {
        len = -ENOENT;
    } else {
        text = d_path(&pwd, &root, space, PATH_MAX);
        len = text ? space + PATH_MAX - text : -ENAMETOOLONG;
        if (len > 0 && (size_t)len > size)
            len = -ERANGE;
        else if (len > 0 && copy_to_user(buf, text, len))
            len = -EFAULT;
    }
    path_put(&root);
    path_put(&pwd);
    kfree(space);
    return len;
}

long sys_chdir(const char __user *path)
{
    struct path at;
    long err = user_path(AT_FDCWD, path, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &at);

    if (err)
        return err;
    err = inode_permission(at.dentry->inode, MAY_EXEC);
    if (!err)
        fs_set_pwd(current->fs, &at);
    path_put(&at);
    return err;
}

long sys_fchdir(unsigned int fd)
{
    struct fd f = fdget_any(fd);
    long err = -ENOTDIR;

    if (!f.file)
        return -EBADF;
    if (f.file->dentry && S_ISDIR(f.file->inode->mode))
        err = inode_permission(f.file->inode, MAY_EXEC);
    if (!err)
        fs_set_pwd(current->fs, &(struct path){f.file->mnt, f.file->dentry});
    fdput(f);
    return err;
}

long sys_chroot(const char __user *path)
{
    struct path at;
    long err = user_path(AT_FDCWD, path, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &at);

    if (err)
        return err;
    err = inode_permission(at.dentry->inode, MAY_EXEC);
    if (!err)
        err = ROOT_ONLY(capable(CAP_SYS_CHROOT));
    if (!err)
        fs_set_root(current->fs, &at);
    path_put(&at);
    return err;
}

long sys_umask(mode_t mask)
{
    struct fs_struct *fs = current->fs;
    mode_t old = fs->umask;

    fs->umask = mask & 0777;
    return old;
}

/* ---- one name ---- */

long sys_mkdirat(int dfd, const char __user *path, mode_t mode)
{
    struct filename name;
    long err = filename_get(&name, path);

    if (err)
        return err;
    err = do_mkdir(dfd, name.text, mode & ~fs_umask());
    filename_put(&name);
    return err;
}

long sys_mkdir(const char __user *path, mode_t mode)
{
    return sys_mkdirat(AT_FDCWD, path, mode);
}

long sys_mknodat(int dfd, const char __user *path, mode_t mode,
                 unsigned int dev)
{
    struct filename name;
    long err;

    switch (mode & S_IFMT) {
    case 0:
        mode |= S_IFREG;
        break;
    case S_IFREG:
    case S_IFIFO:
    case S_IFSOCK:
    case S_IFCHR:
    case S_IFBLK:
        break;
    case S_IFDIR:
        return -EPERM;
    default:
        return -EINVAL;
    }
    err = filename_get(&name, path);
    if (err)
        return err;
    err = do_mknod(dfd, name.text, mode & ~fs_umask(), dev);
    filename_put(&name);
    return err;
}

long sys_mknod(const char __user *path, mode_t mode, unsigned int dev)
{
    return sys_mknodat(AT_FDCWD, path, mode, dev);
}

static long unlink_user(int dfd, const char __user *path, bool directory)
{
    struct filename name;
    long err = filename_get(&name, path);

    if (err)
        return err;
    err = do_unlink(dfd, name.text, directory);
    filename_put(&name);
    return err;
}

long sys_unlink(const char __user *path)
{
    return unlink_user(AT_FDCWD, path, false);
}

long sys_rmdir(const char __user *path)
{
    return unlink_user(AT_FDCWD, path, true);
}

long sys_unlinkat(int dfd, const char __user *path, int flags)
{
    if (flags & ~AT_REMOVEDIR)
        return -EINVAL;
    return unlink_user(dfd, path, flags & AT_REMOVEDIR);
}

static bool is_empty(const char __user *path)
{
    char first = 0;

    return !get_user(first, (char __user *)path) && !first;
}

static long give_link(struct inode *link, char __user *buf, int size)
{
    char *text;
    ssize_t len;

    if (!S_ISLNK(link->mode))
        return -EINVAL;
    text = kmalloc(PATH_MAX, GFP_KERNEL);
    if (!text)
        return -ENOMEM;
    len = read_link(link, text, PATH_MAX);
    len = len < 0 ? len : min(len, (ssize_t)size);
    if (len > 0 && copy_to_user(buf, text, len))
        len = -EFAULT;
    kfree(text);
    return len;
}

long sys_readlinkat(int dfd, const char __user *path, void __user *buf,
                    int size)
{
    struct path at;
    long len;

    if (size <= 0)
        return -EINVAL;
    len = user_path(dfd, path, LOOKUP_EMPTY, &at);
    if (len == -ENOTDIR && is_empty(path))
        len = -ENOENT;
    if (len)
        return len;
    if (!S_ISLNK(at.dentry->inode->mode) && is_empty(path))
        len = -ENOENT; /* the descriptor itself is meant, and is no link */
    else
        len = give_link(at.dentry->inode, buf, size);
    path_put(&at);
    return len;
}

long sys_readlink(const char __user *path, void __user *buf, int size)
{
    return sys_readlinkat(AT_FDCWD, path, buf, size);
}

/* ---- two names ---- */

struct two_names {
    struct filename old, new;
};

static long names_get(struct two_names *n, const char __user *old,
                      const char __user *new)
{
    long err = filename_get(&n->old, old);

    if (err)
        return err;
    err = filename_get(&n->new, new);
    if (err && !n->old.text[0])
        err = -ENOENT; /* the first name is wrong before the second */
    if (err)
        filename_put(&n->old);
    return err;
}

/* The second name cannot be read: what is wrong with the first one's way
 * comes first. */
static long old_error(int dfd, const char __user *path, long err)
{
    struct filename name;
    struct walk w;
    long first;

    if (filename_get(&name, path))
        return err;
    first = walk_parent(&w, dfd, name.text);
    walk_end(&w);
    filename_put(&name);
    return first ? first : err;
}

/* The same for a link, which finds the first name's file before. */
static long link_error(int dfd, const char __user *path, int flags, long err)
{
    struct path at;
    long first = user_path(dfd, path,
                           (flags & AT_SYMLINK_FOLLOW ? LOOKUP_FOLLOW : 0) |
                               (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0),
                           &at);

    if (!first)
        path_put(&at);
    return first ? first : err;
}

static void names_put(struct two_names *n)
{
    filename_put(&n->old);
    filename_put(&n->new);
}

long sys_symlinkat(const char __user *target, int dfd,
                   const char __user *linkpath)
{
    struct two_names n;
    long err = names_get(&n, target, linkpath);

    if (err)
        return err;
    err = do_symlink(n.old.text, dfd, n.new.text);
    names_put(&n);
    return err;
}

long sys_symlink(const char __user *target, const char __user *linkpath)
{
    return sys_symlinkat(target, AT_FDCWD, linkpath);
}

long sys_linkat(int olddfd, const char __user *oldpath, int newdfd,
                const char __user *newpath, int flags)
{
    struct two_names n;
    long err;

    if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    err = names_get(&n, oldpath, newpath);
    if (err)
        return link_error(olddfd, oldpath, flags, err);
    err = do_link(olddfd, n.old.text, newdfd, n.new.text,
                  (flags & AT_SYMLINK_FOLLOW ? LOOKUP_FOLLOW : 0) |
                      (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0));
    names_put(&n);
    return err;
}

long sys_link(const char __user *oldpath, const char __user *newpath)
{
    return sys_linkat(AT_FDCWD, oldpath, AT_FDCWD, newpath, 0);
}

long sys_renameat2(int olddfd, const char __user *oldpath, int newdfd,
                   const char __user *newpath, unsigned int flags)
{
    struct two_names n;
    long err;

    if (flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT))
        return -EINVAL;
    if (flags & RENAME_EXCHANGE && flags & (RENAME_NOREPLACE | RENAME_WHITEOUT))
        return -EINVAL;
    err = names_get(&n, oldpath, newpath);
    if (err)
        return old_error(olddfd, oldpath, err);
    err = do_rename(olddfd, n.old.text, newdfd, n.new.text, flags);
    names_put(&n);
    return err;
}

long sys_renameat(int olddfd, const char __user *oldpath, int newdfd,
                  const char __user *newpath)
{
    return sys_renameat2(olddfd, oldpath, newdfd, newpath, 0);
}

long sys_rename(const char __user *oldpath, const char __user *newpath)
{
    return sys_renameat2(AT_FDCWD, oldpath, AT_FDCWD, newpath, 0);
}

/* ---- mounts ---- */

#define MOUNT_TYPE_MAX 32
#define MOUNT_DATA_MAX PAGE_SIZE

struct mount_call {
    struct filename source;
    char type[MOUNT_TYPE_MAX];
    char *data;
    struct path at;
    u32 flags;
};

static long mount_string(char *to, const char __user *from, size_t size)
{
    ssize_t len;

    to[0] = 0;
    if (!from)
        return 0;
    len = strncpy_from_user(to, from, size);
    if (len < 0)
        return len;
    return (size_t)len < size ? 0 : -EINVAL;
}

/* Up to a page, less if no more can be read. */
static long mount_data(char *to, const void __user *from)
{
    size_t left;

    memset(to, 0, MOUNT_DATA_MAX);
    if (!from)
        return 0;
    left = copy_from_user(to, from, MOUNT_DATA_MAX);
    if (left == MOUNT_DATA_MAX)
        return -EFAULT;
    memset(to + MOUNT_DATA_MAX - max(left, 1ul), 0, max(left, 1ul));
    return 0;
}

static long mount_change(struct mount_call *m)
{
    struct path from;
    long err;

    if (m->flags & MS_REMOUNT) {
        if (m->at.dentry != m->at.mnt->root)
            return -EINVAL;
        m->at.mnt->flags =
            m->flags & (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC);
        return 0;
    }
    err = path_lookup(AT_FDCWD, m->source.text, LOOKUP_FOLLOW, &from);
    if (err)
        return err;
    err = m->flags & MS_MOVE
              ? move_mount(&from, &m->at)
              : bind_mount(m->source.text, &from, &m->at, m->flags);
    path_put(&from);
    return err;
}

static long mount_new(struct mount_call *m)
{
    if (!m->type[0])
        return -EINVAL;
    if (!fs_type_known(m->type))
        return -ENODEV;
    if (!S_ISDIR(m->at.dentry->inode->mode))
        return -ENOTDIR;
    return do_mount(m->source.text[0] ? m->source.text : "none", &m->at,
                    m->type, m->flags, m->data);
}

static long mount_checked(struct mount_call *m)
{
    const u32 kinds = MS_UNBINDABLE | MS_PRIVATE | MS_SLAVE | MS_SHARED;
    u32 kind = m->flags & ~(MS_REC | MS_SILENT);

    if (m->flags & kinds && !(m->flags & (MS_REMOUNT | MS_BIND))) {
        if (m->at.dentry != m->at.mnt->root || kind & ~kinds ||
            kind & (kind - 1))
            return -EINVAL;
        return 0; /* there is one mount tree: nothing propagates */
    }
    if (m->flags & (MS_REMOUNT | MS_BIND | MS_MOVE))
        return mount_change(m);
    return mount_new(m);
}

long sys_mount(const char __user *source, const char __user *target,
               const char __user *type, unsigned long flags,
               const void __user *data)
{
    struct mount_call m = {.flags = flags};
    long err = mount_string(m.type, type, MOUNT_TYPE_MAX);

    if (err)
        return err;
    m.source.text = m.source.small;
    m.source.small[0] = 0;
    err = source ? filename_get(&m.source, source) : 0;
    if (err)
        return err;
    m.data = kmalloc(MOUNT_DATA_MAX, GFP_KERNEL);
    err = m.data ? mount_data(m.data, data) : -ENOMEM;
    if (!err)
        err = user_path(AT_FDCWD, target, LOOKUP_FOLLOW, &m.at);
    if (!err) {
        err = flags >> 31 ? -EINVAL /* MS_NOUSER, sign-extended */
                          : ROOT_ONLY(capable(CAP_SYS_ADMIN));
        if (!err)
            err = mount_checked(&m);
        path_put(&m.at);
    }
    kfree(m.data);
    filename_put(&m.source);
    return err;
}

long sys_umount2(const char __user *target, int flags)
{
    struct path at;
    long err;

    if (flags & ~(MNT_FORCE | MNT_DETACH | MNT_EXPIRE | UMOUNT_NOFOLLOW))
        return -EINVAL;
    err = user_path(AT_FDCWD, target,
                    flags & UMOUNT_NOFOLLOW ? 0 : LOOKUP_FOLLOW, &at);
    if (err)
        return err;
    if (!capable(CAP_SYS_ADMIN)) {
        path_put(&at);
        return -EPERM;
    }
    /* do_umount drops the tree's reference; ours must go after it */
    err = do_umount(&at, flags);
    path_put(&at);
    return err;
}
