/*
 * kernel/sys/sys_fs_mount.c - the calls around kernel/fs/mount.c.
 */
#include <kernel/fs/internal.h>
#include <kernel/lib/string.h>
#include <kernel/uapi/mount.h>
#include <syscalls_gen.h>

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
        err = flags >> 31              ? -EINVAL /* MS_NOUSER, sign-extended */
              : capable(CAP_SYS_ADMIN) ? 0
                                       : -EPERM;
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
