/*
 * kernel/fs/memfd.c - files of memory without a name, and their seals:
 * memfd_create(2), fcntl(2).
 *
 * Locking    inode->lock covers the seals.
 */
#include <kernel/fs/tmpfs.h>

int memfd_open(const char *name, u32 flags, struct file **file)
{
    static DEFINE_MUTEX(lock);
    static struct vfsmount *shm_mount; /* (lock) until it is there */
    struct path dir;
    struct inode *inode;

    mutex_lock(&lock);
    if (!shm_mount)
        shm_mount = kern_mount("rootfs");
    mutex_unlock(&lock);
    if (!shm_mount)
        return -ENOMEM;
    dir = (struct path){shm_mount, shm_mount->root};
    inode = tmpfs_inode(shm_mount->sb, S_IFREG | 0777, 0);
    if (!inode)
        return -ENOMEM;
    return tmpfs_open_unnamed(&dir, name, inode, flags, file);
}

#define SEALS_ALL                                                              \
    (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE |                \
     F_SEAL_FUTURE_WRITE)

static long add_seals(struct inode *inode, u32 seals)
{
    if (seals & ~SEALS_ALL)
        return -EINVAL;
    if (inode->seals & F_SEAL_SEAL)
        return -EPERM;
    if (seals & F_SEAL_WRITE && !(inode->seals & F_SEAL_WRITE) &&
        mapping_writably_mapped(&inode->mapping))
        return -EBUSY;
    inode->seals |= seals;
    return 0;
}

long memfd_fcntl(struct file *file, unsigned int cmd, unsigned long arg)
{
    struct inode *inode = file->inode;
    long ret;

    if (cmd == F_ADD_SEALS && !(file->fmode & FMODE_WRITE) &&
        arg <= 0xffffffffu)
        return -EPERM;
    if (file->ops != &tmpfs_file_fops)
        return -EINVAL;
    if (cmd == F_GET_SEALS)
        return inode->seals;
    if (arg > 0xffffffffu)
        return -EINVAL;
    mutex_lock(&inode->lock);
    ret = add_seals(inode, arg);
    mutex_unlock(&inode->lock);
    return ret;
}
