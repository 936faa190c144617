/*
 * kernel/fs/inode.c - things with contents: made, counted, asked, permitted.
 *
 * Locking    inode->lock (mutex) covers size, owner, mode and, in a
 *            directory, what it contains.  Readers of single words do
 *            without.
 * Invariant  an inode's reference comes from a dentry or an open file; the
 *            last one frees its pages through the file system's evict().
 * Context    may sleep.
 */
#include <kernel/core/panic.h>
#include <kernel/core/time.h>
#include <kernel/fs/internal.h>
#include <kernel/lib/string.h>

static struct kmem_cache *inode_cache;

#define DAY_NS (86400 * NSEC_PER_SEC)
#define BLOCK_SIZE_STAT 512 /* st_blocks counts these, stat(2) */

static void inode_cache_init(void)
{
    inode_cache = kmem_cache_create("inode", sizeof(struct inode), 0,
                                    SLAB_RECLAIM_ACCOUNT, NULL);
    if (!inode_cache)
        panic("no memory for the inode cache");
}

static u64 inode_file_size(struct address_space *mapping)
{
    struct inode *inode = mapping->host;

    return READ_ONCE(inode->size);
}

struct inode *inode_create(struct super_block *sb, mode_t mode)
{
    struct inode *inode;

    if (!inode_cache)
        inode_cache_init();
    inode = kmem_cache_alloc(inode_cache, GFP_KERNEL);
    if (!inode)
        return NULL;
    memset(inode, 0, sizeof(*inode));
    refcount_set(&inode->refs, 1);
    mutex_init(&inode->lock);
    mapping_init(&inode->mapping, inode, inode_file_size);
    inode->sb = sb;
    inode->ino = atomic_add_return(&sb->next_ino, 1);
    inode->mode = mode;
    inode->nlink = 1;
    inode->uid = current->cred.fsuid;
    inode->gid = current->cred.fsgid;
    inode->atime = inode->mtime = inode->ctime = ktime_get_real();
    return inode;
}

void inode_get(struct inode *inode)
{
    refcount_inc(&inode->refs);
}

void inode_put(struct inode *inode)
{
    if (!refcount_dec_and_test(&inode->refs))
        return;
    if (inode->sb->evict)
        inode->sb->evict(inode);
    mapping_quiesce(&inode->mapping);
    kmem_cache_free(inode_cache, inode);
}

static int nodev_open(struct inode *inode, struct file *file)
{
    (void)inode;
    (void)file;
    return -ENXIO; /* block devices and socket files: nobody behind them */
}

static const struct file_operations nodev_fops = {.open = nodev_open};

void inode_init_special(struct inode *inode, dev_t rdev)
{
    switch (inode->mode & S_IFMT) {
    case S_IFCHR:
        inode->fops = &chrdev_fops;
        inode->rdev = rdev;
        break;
    case S_IFIFO:
        inode->fops = &fifo_fops;
        break;
    case S_IFBLK:
        inode->rdev = rdev;
        /* fallthrough */
    default:
        inode->fops = &nodev_fops;
    }
}

bool cred_in_group(const struct cred *cred, gid_t gid)
{
    return cred->fsgid == gid || groups_contain(cred->groups, gid);
}

int inode_permission(struct inode *inode, int mask)
{
    const struct cred *cred = &current->cred;
    mode_t mode = inode->mode;

    if (mask & MAY_WRITE && unlikely(inode->immutable))
        return -EPERM;
    if (cred->fsuid == inode->uid)
        mode >>= 6;
    else if (((mode >> 3 ^ mode) & 7) && cred_in_group(cred, inode->gid))
        mode >>= 3;
    if (!(mask & ~mode & 7))
        return 0;
    /* root passes, but for running what nobody may run */
    if (capable(CAP_DAC_OVERRIDE) &&
        (!(mask & MAY_EXEC) || S_ISDIR(inode->mode) || inode->mode & 0111))
        return 0;
    return -EACCES;
}

void inode_drop_suid(struct inode *inode)
{
    const struct cred *cred = &current->cred;

    inode->mode &= ~(mode_t)S_ISUID;
    if (inode->mode & S_IXGRP ||
        (!capable(CAP_FSETID) && !cred_in_group(cred, inode->gid)))
        inode->mode &= ~(mode_t)S_ISGID;
}

bool inode_owner_or_root(const struct inode *inode)
{
    return current->cred.fsuid == inode->uid || capable(CAP_FOWNER);
}

static void set_time(struct stat *st, const struct inode *inode)
{
    st->st_atime = inode->atime / NSEC_PER_SEC;
    st->st_atime_nsec = inode->atime % NSEC_PER_SEC;
    st->st_mtime = inode->mtime / NSEC_PER_SEC;
    st->st_mtime_nsec = inode->mtime % NSEC_PER_SEC;
    st->st_ctime = inode->ctime / NSEC_PER_SEC;
    st->st_ctime_nsec = inode->ctime % NSEC_PER_SEC;
}

void inode_stat(struct inode *inode, struct stat *st)
{
    memset(st, 0, sizeof(*st));
    st->st_dev = inode->sb->dev;
    st->st_ino = inode->ino;
    st->st_mode = inode->mode;
    st->st_nlink = inode->nlink;
    st->st_uid = inode->uid;
    st->st_gid = inode->gid;
    st->st_rdev = inode->rdev;
    st->st_size = inode->size;
    st->st_blksize = PAGE_SIZE;
    st->st_blocks = inode->mapping.nr_pages * (PAGE_SIZE / BLOCK_SIZE_STAT);
    set_time(st, inode);
    if (inode->ops && inode->ops->getattr)
        inode->ops->getattr(inode, st);
}

void inode_touch(struct inode *inode)
{
    inode->mtime = inode->ctime = ktime_get_real();
}

/* relatime: a read counts if it is the first since a change, or in a day. */
void inode_accessed(struct inode *inode)
{
    u64 atime = inode->atime, now;

    if (atime > inode->mtime && atime > inode->ctime) {
        now = ktime_get_real();
        if (now - atime < DAY_NS)
            return;
        inode->atime = now;
        return;
    }
    inode->atime = ktime_get_real();
}
