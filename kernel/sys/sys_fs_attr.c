/*
 * kernel/sys/sys_fs_attr.c - asking and changing what an inode says of
 * itself: stat, access, chmod, chown, times, statfs.
 */
#include <kernel/fs/internal.h>
#include <kernel/lib/string.h>
#include <kernel/uapi/mount.h>
#include <syscalls_gen.h>

#include <linux/time_types.h>

#define UTIME_NOW ((1l << 30) - 1)
#define UTIME_OMIT ((1l << 30) - 2)

/* What `path` (or dfd itself, with AT_EMPTY_PATH) names; referenced. */
static int at_path(int dfd, const char __user *path, int flags, struct path *at)
{
    u32 lookup = flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW;

    if (flags & AT_EMPTY_PATH)
        lookup |= LOOKUP_EMPTY;
    return user_path(dfd, path, lookup, at);
}

/* ---- stat ---- */

static long give_stat(struct inode *inode, void __user *to)
{
    struct stat st;

    inode_stat(inode, &st);
    return copy_to_user(to, &st, sizeof(st)) ? -EFAULT : 0;
}

static long stat_at(int dfd, const char __user *path, void __user *st,
                    int flags)
{
    struct path at;
    long err = at_path(dfd, path, flags, &at);

    if (err)
        return err;
    err = give_stat(at.dentry->inode, st);
    path_put(&at);
    return err;
}

long sys_stat(const char __user *path, void __user *st)
{
    return stat_at(AT_FDCWD, path, st, 0);
}

long sys_lstat(const char __user *path, void __user *st)
{
    return stat_at(AT_FDCWD, path, st, AT_SYMLINK_NOFOLLOW);
}

long sys_fstat(int fd, void __user *st)
{
    struct fd f = fdget_any(fd);
    long err;

    if (!f.file)
        return -EBADF;
    err = give_stat(f.file->inode, st);
    fdput(f);
    return err;
}

/* Whether path is "": then the descriptor itself is meant, also a pipe's. */
static bool is_empty(const char __user *path)
{
    char first = 0;

    return path && !get_user(first, path) && !first;
}

long sys_newfstatat(int dfd, const char __user *path, void __user *st,
                    int flags)
{
    if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH |
                  AT_STATX_SYNC_TYPE))
        return -EINVAL;
    if (flags & AT_EMPTY_PATH && dfd >= 0 && is_empty(path))
        return sys_fstat(dfd, st);
    return stat_at(dfd, path, st, flags);
}

static struct statx_timestamp statx_time(u64 ns)
{
    return (struct statx_timestamp){.tv_sec = ns / NSEC_PER_SEC,
                                    .tv_nsec = ns % NSEC_PER_SEC};
}

static long give_statx(struct inode *inode, void __user *to)
{
    struct stat st;
    struct statx x;

    inode_stat(inode, &st);
    memset(&x, 0, sizeof(x));
    x.stx_mask = STATX_BASIC_STATS;
    x.stx_blksize = st.st_blksize;
    x.stx_nlink = st.st_nlink;
    x.stx_uid = st.st_uid;
    x.stx_gid = st.st_gid;
    x.stx_mode = st.st_mode;
    x.stx_ino = st.st_ino;
    x.stx_size = st.st_size;
    x.stx_blocks = st.st_blocks;
    x.stx_atime = statx_time(inode->atime);
    x.stx_mtime = statx_time(inode->mtime);
    x.stx_ctime = statx_time(inode->ctime);
    x.stx_rdev_major = MAJOR(st.st_rdev);
    x.stx_rdev_minor = MINOR(st.st_rdev);
    x.stx_dev_major = MAJOR(st.st_dev);
    x.stx_dev_minor = MINOR(st.st_dev);
    return copy_to_user(to, &x, sizeof(x)) ? -EFAULT : 0;
}

static long statx_fd(int dfd, void __user *stx)
{
    struct fd f = fdget_any(dfd);
    long err;

    if (!f.file)
        return -EBADF;
    err = give_statx(f.file->inode, stx);
    fdput(f);
    return err;
}

long sys_statx(int dfd, const char __user *path, unsigned int flags,
               unsigned int mask, void __user *stx)
{
    struct path at;
    long err;

    if (mask & STATX__RESERVED ||
        flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH |
                  AT_STATX_SYNC_TYPE) ||
        (flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE)
        return -EINVAL;
    if (flags & AT_EMPTY_PATH && dfd >= 0 && is_empty(path))
        return statx_fd(dfd, stx);
    err = at_path(dfd, path, flags, &at);
    if (err)
        return err;
    err = give_statx(at.dentry->inode, stx);
    path_put(&at);
    return err;
}

/* ---- access ---- */

static int check_access(const struct path *at, int mode)
{
    struct inode *inode = at->dentry->inode;
    int err = mode ? inode_permission(inode, mode) : 0;

    if (!err && mode & MAY_EXEC && S_ISREG(inode->mode) &&
        at->mnt->flags & MS_NOEXEC)
        err = -EACCES;
    if (!err && mode & MAY_WRITE && mnt_readonly(at->mnt) &&
        !S_ISCHR(inode->mode) && !S_ISFIFO(inode->mode))
        err = -EROFS;
    return err;
}

/* access(2) walks and asks with the real ids, unless AT_EACCESS. */
static long access_at(int dfd, const char __user *path, int mode, int flags)
{
    struct cred *cred = &current->cred;
    uid_t fsuid = cred->fsuid;
    gid_t fsgid = cred->fsgid;
    u64 effective = cred->caps.effective;
    struct path at;
    long err;

    if (mode & ~7 ||
        flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    if (!(flags & AT_EACCESS)) {
        cred->fsuid = cred->uid;
        cred->fsgid = cred->gid;
        cred->caps.effective = cred->uid ? 0 : cred->caps.permitted;
    }
    err = at_path(dfd, path, flags, &at);
    if (!err) {
        err = check_access(&at, mode);
        path_put(&at);
    }
    cred->fsuid = fsuid;
    cred->fsgid = fsgid;
    cred->caps.effective = effective;
    return err;
}

long sys_access(const char __user *path, int mode)
{
    return access_at(AT_FDCWD, path, mode, 0);
}

long sys_faccessat(int dfd, const char __user *path, int mode)
{
    return access_at(dfd, path, mode, 0);
}

long sys_faccessat2(int dfd, const char __user *path, int mode, int flags)
{
    return access_at(dfd, path, mode, flags);
}

/* ---- changing attributes ---- */

/* Tells the file system; undone by the caller if it refuses. */
static int attributes_changed(struct inode *inode)
{
    inode->ctime = ktime_get_real();
    if (inode->ops && inode->ops->setattr)
        return inode->ops->setattr(inode);
    return 0;
}

static long change_mode(struct vfsmount *mnt, struct inode *inode, mode_t mode)
{
    mode_t old;
    long err;

    if (mnt_readonly(mnt))
        return -EROFS;
    if (!inode_owner_or_root(inode))
        return -EPERM;
    if (S_ISLNK(inode->mode))
        return -EOPNOTSUPP;
    mutex_lock(&inode->lock);
    old = inode->mode;
    if (!capable(CAP_FSETID) && !cred_in_group(&current->cred, inode->gid))
        mode &= ~(mode_t)S_ISGID; /* a group that is not the caller's */
    inode->mode = (old & S_IFMT) | (mode & 07777);
    err = attributes_changed(inode);
    if (err)
        inode->mode = old;
    mutex_unlock(&inode->lock);
    return err;
}

long sys_fchmodat(int dfd, const char __user *path, mode_t mode)
{
    struct path at;
    long err = at_path(dfd, path, 0, &at);

    if (err)
        return err;
    err = change_mode(at.mnt, at.dentry->inode, mode);
    path_put(&at);
    return err;
}

long sys_chmod(const char __user *path, mode_t mode)
{
    return sys_fchmodat(AT_FDCWD, path, mode);
}

long sys_fchmod(unsigned int fd, mode_t mode)
{
    struct fd f = fdget(fd);
    long err;

    if (!f.file)
        return -EBADF;
    err = change_mode(f.file->mnt, f.file->inode, mode);
    fdput(f);
    return err;
}

/* What stays as it is need not be allowed. */
static bool may_chown(const struct inode *inode, uid_t uid, gid_t gid)
{
    const struct cred *cred = &current->cred;
    bool owner = cred->fsuid == inode->uid;

    if (capable(CAP_CHOWN))
        return true;
    if (uid != (uid_t)-1 && (!owner || uid != inode->uid))
        return false;
    return gid == (gid_t)-1 ||
           (owner && (gid == inode->gid || cred_in_group(cred, gid)));
}

static long change_owner(struct vfsmount *mnt, struct inode *inode, uid_t uid,
                         gid_t gid)
{
    long err;

    if (mnt_readonly(mnt))
        return -EROFS;
    if (!may_chown(inode, uid, gid))
        return -EPERM;
    mutex_lock(&inode->lock);
    if (!S_ISDIR(inode->mode))
        inode_drop_suid(inode);
    if (uid != (uid_t)-1)
        inode->uid = uid;
    if (gid != (gid_t)-1)
        inode->gid = gid;
    err = attributes_changed(inode);
    mutex_unlock(&inode->lock);
    return err;
}

static long chown_at(int dfd, const char __user *path, uid_t uid, gid_t gid,
                     int flags)
{
    struct path at;
    long err;

    if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    err = at_path(dfd, path, flags, &at);
    if (err)
        return err;
    err = change_owner(at.mnt, at.dentry->inode, uid, gid);
    path_put(&at);
    return err;
}

long sys_chown(const char __user *path, uid_t uid, uid_t gid)
{
    return chown_at(AT_FDCWD, path, uid, gid, 0);
}

long sys_lchown(const char __user *path, uid_t uid, uid_t gid)
{
    return chown_at(AT_FDCWD, path, uid, gid, AT_SYMLINK_NOFOLLOW);
}

long sys_fchownat(int dfd, const char __user *path, uid_t uid, uid_t gid,
                  int flags)
{
    return chown_at(dfd, path, uid, gid, flags);
}

long sys_fchown(unsigned int fd, uid_t uid, uid_t gid)
{
    struct fd f = fdget(fd);
    long err;

    if (!f.file)
        return -EBADF;
    err = change_owner(f.file->mnt, f.file->inode, uid, gid);
    fdput(f);
    return err;
}

/* ---- times ---- */

struct times { /* ns; UTIME_* in `how` */
    u64 atime, mtime;
    long how_atime, how_mtime;
};

static u64 pick_time(long how, u64 given, u64 old)
{
    return how == UTIME_OMIT  ? old
           : how == UTIME_NOW ? ktime_get_real()
                              : given;
}

static bool bad_nsec(long nsec)
{
    return nsec != UTIME_NOW && nsec != UTIME_OMIT && (u64)nsec >= NSEC_PER_SEC;
}

static long change_times(struct vfsmount *mnt, struct inode *inode,
                         const struct times *t)
{
    bool both_now = t->how_atime == UTIME_NOW && t->how_mtime == UTIME_NOW;
    long err;

    if (bad_nsec(t->how_atime) || bad_nsec(t->how_mtime))
        return -EINVAL;
    if (t->how_atime == UTIME_OMIT && t->how_mtime == UTIME_OMIT)
        return 0;
    if (mnt_readonly(mnt))
        return -EROFS;
    if (!inode_owner_or_root(inode)) {
        if (!both_now)
            return -EPERM;
        if (inode_permission(inode, MAY_WRITE))
            return -EACCES;
    }
    mutex_lock(&inode->lock);
    inode->atime = pick_time(t->how_atime, t->atime, inode->atime);
    inode->mtime = pick_time(t->how_mtime, t->mtime, inode->mtime);
    err = attributes_changed(inode);
    mutex_unlock(&inode->lock);
    return err;
}

static long times_at(int dfd, const char __user *path, const struct times *t,
                     int flags)
{
    struct path at;
    long err;

    if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    if (!path && dfd != AT_FDCWD) {
        struct fd f = fdget(dfd);

        if (!f.file)
            return -EBADF;
        err = flags ? -EINVAL : change_times(f.file->mnt, f.file->inode, t);
        fdput(f);
        return err;
    }
    err = at_path(dfd, path, flags, &at);
    if (err)
        return err;
    err = change_times(at.mnt, at.dentry->inode, t);
    path_put(&at);
    return err;
}

static const struct times times_now = {.how_atime = UTIME_NOW,
                                       .how_mtime = UTIME_NOW};

long sys_utimensat(int dfd, const char __user *path, const void __user *times,
                   int flags)
{
    struct __kernel_timespec ts[2];
    struct times t = times_now;

    if (times) {
        if (copy_from_user(ts, times, sizeof(ts)))
            return -EFAULT;
        t = (struct times){ts[0].tv_sec * NSEC_PER_SEC + ts[0].tv_nsec,
                           ts[1].tv_sec * NSEC_PER_SEC + ts[1].tv_nsec,
                           ts[0].tv_nsec, ts[1].tv_nsec};
    }
    return times_at(dfd, path, &t, flags);
}

static long utimes_at(int dfd, const char __user *path,
                      const void __user *times)
{
    s64 tv[4]; /* struct timeval[2]: seconds, microseconds */
    struct times t = times_now;

    if (times) {
        if (copy_from_user(tv, times, sizeof(tv)))
            return -EFAULT;
        if ((u64)tv[1] >= 1000000 || (u64)tv[3] >= 1000000)
            return -EINVAL;
        t = (struct times){tv[0] * NSEC_PER_SEC + tv[1] * NSEC_PER_USEC,
                           tv[2] * NSEC_PER_SEC + tv[3] * NSEC_PER_USEC, 0, 0};
    }
    return times_at(dfd, path, &t, 0);
}

long sys_utimes(const char __user *path, const void __user *times)
{
    return utimes_at(AT_FDCWD, path, times);
}

long sys_futimesat(int dfd, const char __user *path, const void __user *times)
{
    return utimes_at(dfd, path, times);
}

long sys_utime(const char __user *path, const void __user *times)
{
    s64 seconds[2]; /* struct utimbuf */
    struct times t = times_now;

    if (times) {
        if (copy_from_user(seconds, times, sizeof(seconds)))
            return -EFAULT;
        t = (struct times){seconds[0] * NSEC_PER_SEC, seconds[1] * NSEC_PER_SEC,
                           0, 0};
    }
    return times_at(AT_FDCWD, path, &t, 0);
}

/* ---- the file system as a whole ---- */

static long give_statfs(const struct vfsmount *mnt, struct super_block *sb,
                        void __user *to)
{
    struct statfs st;
    u64 used = atomic_read(&sb->pages);

    memset(&st, 0, sizeof(st));
    st.f_type = sb->type->magic;
    st.f_bsize = st.f_frsize = PAGE_SIZE;
    st.f_namelen = NAME_MAX;
    if (sb->max_pages) {
        st.f_blocks = sb->max_pages;
        st.f_bfree = st.f_bavail =
            used < sb->max_pages ? sb->max_pages - used : 0;
    }
    if (sb->max_inodes) {
        st.f_files = sb->max_inodes;
        st.f_ffree = sb->max_inodes - atomic_read(&sb->inodes);
    }
    st.f_flags = ST_VALID | (mnt ? mnt->flags & 15 : 0) | ST_RELATIME;
    return copy_to_user(to, &st, sizeof(st)) ? -EFAULT : 0;
}

long sys_statfs(const char __user *path, void __user *buf)
{
    struct path at;
    long err = user_path(AT_FDCWD, path, LOOKUP_FOLLOW, &at);

    if (err)
        return err;
    err = give_statfs(at.mnt, at.mnt->sb, buf);
    path_put(&at);
    return err;
}

long sys_fstatfs(unsigned int fd, void __user *buf)
{
    struct fd f = fdget_any(fd);
    long err;

    if (!f.file)
        return -EBADF;
    err = give_statfs(f.file->mnt, f.file->inode->sb, buf);
    fdput(f);
    return err;
}
