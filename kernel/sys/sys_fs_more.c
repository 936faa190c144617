/*
 * kernel/sys/sys_fs_more.c - calls that programs try and can do without:
 * extended attributes (there are none), openat2, syncfs.
 */
#include <kernel/fs/internal.h>
#include <kernel/lib/string.h>
#include <kernel/uapi/fcntl.h>
#include <syscalls_gen.h>

#include <linux/limits.h>
#include <linux/openat2.h>
#include <linux/xattr.h>
#include <mm/uaccess.h>

/* ---- extended attributes ---- */

/* -EOPNOTSUPP, unless the path itself is wrong. */
static long no_xattr(const char __user *path, u32 flags)
{
    struct path at;
    long err = user_path(AT_FDCWD, path, flags, &at);

    if (err)
        return err;
    path_put(&at);
    return -EOPNOTSUPP;
}

static long no_xattr_fd(int fd)
{
    struct fd f = fdget(fd);

    if (!f.file)
        return -EBADF;
    fdput(f);
    return -EOPNOTSUPP;
}

/* What the name may be: -EFAULT, -ERANGE. */
static long xattr_name(const char __user *name)
{
    char text[XATTR_NAME_MAX + 1];
    ssize_t len = strncpy_from_user(text, name, sizeof(text));

    if (len < 0)
        return len;
    return len == 0 || (size_t)len == sizeof(text) ? -ERANGE : 0;
}

/* Answers `err` of the file itself, else what is wrong with the rest. */
static long get_refused(long err, const char __user *name)
{
    long wrong = err == -EOPNOTSUPP ? xattr_name(name) : 0;

    return wrong ? wrong : err;
}

static long set_refused(long err, const char __user *name,
                        const void __user *value, size_t size, int flags)
{
    char byte;

    if (err != -EOPNOTSUPP)
        return err;
    if (flags & ~(XATTR_CREATE | XATTR_REPLACE))
        return -EINVAL;
    err = xattr_name(name);
    if (err)
        return err;
    if (size > XATTR_SIZE_MAX)
        return -E2BIG;
    if (size && (copy_from_user(&byte, value, 1) ||
                 copy_from_user(&byte, value + size - 1, 1)))
        return -EFAULT;
    return -EOPNOTSUPP;
}

/* Of what cannot be changed at all that is said last. */
static long immutable_or(long err, const char __user *path, u32 flags)
{
    struct path at;

    if (err != -EOPNOTSUPP || user_path(AT_FDCWD, path, flags, &at))
        return err;
    if (at.dentry->inode->immutable)
        err = -EPERM;
    path_put(&at);
    return err;
}

/* Listing works: the list is empty. */
static long empty_list(long err)
{
    return err == -EOPNOTSUPP ? 0 : err;
}

long sys_setxattr(const char __user *path, const char __user *name,
                  const void __user *value, size_t size, int flags)
{
    long err =
        set_refused(no_xattr(path, LOOKUP_FOLLOW), name, value, size, flags);

    return immutable_or(err, path, LOOKUP_FOLLOW);
}

long sys_lsetxattr(const char __user *path, const char __user *name,
                   const void __user *value, size_t size, int flags)
{
    return set_refused(no_xattr(path, 0), name, value, size, flags);
}

long sys_fsetxattr(int fd, const char __user *name, const void __user *value,
                   size_t size, int flags)
{
    return set_refused(no_xattr_fd(fd), name, value, size, flags);
}

long sys_getxattr(const char __user *path, const char __user *name,
                  void __user *value, size_t size)
{
    return get_refused(no_xattr(path, LOOKUP_FOLLOW), name);
}

long sys_lgetxattr(const char __user *path, const char __user *name,
                   void __user *value, size_t size)
{
    return get_refused(no_xattr(path, 0), name);
}

long sys_fgetxattr(int fd, const char __user *name, void __user *value,
                   size_t size)
{
    return get_refused(no_xattr_fd(fd), name);
}

long sys_listxattr(const char __user *path, void __user *list, size_t size)
{
    return empty_list(no_xattr(path, LOOKUP_FOLLOW));
}

long sys_llistxattr(const char __user *path, void __user *list, size_t size)
{
    return empty_list(no_xattr(path, 0));
}

long sys_flistxattr(int fd, void __user *list, size_t size)
{
    return empty_list(no_xattr_fd(fd));
}

/* ---- openat2: openat with its flags checked ---- */

#define PATH_FLAGS (O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

long sys_openat2(int dfd, const char __user *path, const void __user *how,
                 size_t size)
{
    struct open_how h;

    if (size < sizeof(struct open_how))
        return -EINVAL;
    if (size > PAGE_SIZE)
        return -E2BIG;
    for (size_t i = sizeof(h); i < size; i++) { /* only zeroes may follow */
        char byte;

        if (get_user(byte, (const char __user *)how + i))
            return -EFAULT;
        if (byte)
            return -E2BIG;
    }
    if (copy_from_user(&h, how, sizeof(h)))
        return -EFAULT;
    if (h.flags & ~(u64)OPEN_KNOWN || h.mode & ~07777ull ||
        (h.mode && !(h.flags & (O_CREAT | __O_TMPFILE))) ||
        (h.flags & O_PATH && h.flags & ~(u64)PATH_FLAGS))
        return -EINVAL;
    if (h.resolve) /* restricted walks are not there */
        return -EINVAL;
    return sys_openat(dfd, path, h.flags, h.mode);
}

long sys_syncfs(int fd)
{
    struct fd f = fdget(fd);

    if (!f.file)
        return -EBADF;
    fdput(f);
    return 0;
}
