/*
 * kernel/sys/sys_fs_path.c - calls on names: made, linked, renamed, removed;
 * where a process stands.
 */
#include <kernel/fs/internal.h>
#include <kernel/lib/string.h>
#include <syscalls_gen.h>

#define ROOT_ONLY(cond) ((cond) ? 0 : -EPERM)

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
