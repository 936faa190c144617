/*
 * kernel/sys/sys_file.c - descriptors: open, close, dup, fcntl, ioctl, and
 * what else works on an open file as such.
 */
#include <kernel/fs/internal.h>
#include <kernel/uapi/resource.h>
#include <syscalls_gen.h>

#include <asm/ioctls.h>
#include <linux/close_range.h>

#define SETFL_MASK (O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME | FASYNC)
#define NSIG_MAX 64
#define FALLOC_KNOWN                                                           \
    (FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_COLLAPSE_RANGE |   \
     FALLOC_FL_ZERO_RANGE | FALLOC_FL_INSERT_RANGE | FALLOC_FL_UNSHARE_RANGE)

/* A new descriptor for `file`, whose reference it takes over. */
static long install(struct file *file, u32 flags)
{
    int fd = fd_install(file, 0, flags & O_CLOEXEC);

    if (fd < 0)
        fput(file);
    return fd;
}

static long open_user(int dfd, const char __user *path, u32 flags, mode_t mode)
{
    struct filename name;
    struct file *file;
    long err = filename_get(&name, path);

    if (err)
        return err;
    err = do_open(dfd, name.text, flags & OPEN_KNOWN, mode, &file);
    filename_put(&name);
    return err ? err : install(file, flags);
}

long sys_open(const char __user *path, int flags, mode_t mode)
{
    return open_user(AT_FDCWD, path, flags, mode);
}

long sys_openat(int dfd, const char __user *path, int flags, mode_t mode)
{
    return open_user(dfd, path, flags, mode);
}

long sys_creat(const char __user *path, mode_t mode)
{
    return open_user(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

long sys_close(unsigned int fd)
{
    return fd_close(fd);
}

long sys_close_range(unsigned int first, unsigned int last, unsigned int flags)
{
    if (first > last || flags & ~(CLOSE_RANGE_CLOEXEC | CLOSE_RANGE_UNSHARE))
        return -EINVAL;
    if (flags & CLOSE_RANGE_UNSHARE && files_unshare())
        return -ENOMEM;
    return fd_close_range(first, last, flags & CLOSE_RANGE_CLOEXEC);
}

/* ---- more names for one open file ---- */

static long dup_from(unsigned int fd, unsigned int min, bool cloexec)
{
    struct file *file = fget_any(fd);
    int copy;

    if (!file)
        return -EBADF;
    copy = fd_install(file, min, cloexec);
    if (copy < 0)
        fput(file);
    return copy;
}

long sys_dup(unsigned int fd)
{
    return dup_from(fd, 0, false);
}

static long dup_to(unsigned int oldfd, unsigned int newfd, bool cloexec)
{
    struct file *file = fget_any(oldfd);
    long fd;

    if (!file)
        return -EBADF;
    fd = fd_replace(newfd, file, cloexec);
    fput(file);
    return fd;
}

long sys_dup2(unsigned int oldfd, unsigned int newfd)
{
    struct file *file;

    if (oldfd != newfd)
        return dup_to(oldfd, newfd, false);
    file = fget_any(oldfd);
    if (!file)
        return -EBADF;
    fput(file);
    return newfd;
}

long sys_dup3(unsigned int oldfd, unsigned int newfd, int flags)
{
    if (flags & ~O_CLOEXEC || oldfd == newfd)
        return -EINVAL;
    return dup_to(oldfd, newfd, flags & O_CLOEXEC);
}

/* ---- fcntl ---- */

static long set_flags(struct file *file, u32 arg)
{
    if (arg & O_NOATIME && !(file->flags & O_NOATIME) &&
        !inode_owner_or_root(file->inode))
        return -EPERM;
    if (arg & O_DIRECT && !S_ISFIFO(file->inode->mode) &&
        !S_ISBLK(file->inode->mode))
        return -EINVAL;
    file->flags = (file->flags & ~SETFL_MASK) | (arg & SETFL_MASK);
    return 0;
}

static long fcntl_path(unsigned int fd, unsigned int cmd, unsigned long arg,
                       struct file *file)
{
    switch (cmd) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
        if (arg >= current->signal->rlim[RLIMIT_NOFILE].cur)
            return -EINVAL;
        return dup_from(fd, arg, cmd == F_DUPFD_CLOEXEC);
    case F_GETFD:
        return fd_cloexec(fd) ? FD_CLOEXEC : 0;
    case F_SETFD:
        fd_set_cloexec(fd, arg & FD_CLOEXEC);
        return 0;
    case F_GETFL:
        return file->flags;
    default:
        return -EBADF; /* O_PATH */
    }
}

/* Who gets the signals, of which there are none: only the question counts. */
static long check_owner(int type, pid_t pid)
{
    struct task_struct *task;

    if (type == F_OWNER_PGRP)
        return !pid || pgrp_exists(pid, -1) ? 0 : -ESRCH;
    task = pid > 0 ? task_find_get(pid) : NULL;
    if (pid && !task)
        return -ESRCH;
    if (task)
        put_task(task);
    return 0;
}

static long set_owner(int who)
{
    if (who == (int)0x80000000)
        return -EINVAL;
    return check_owner(who < 0 ? F_OWNER_PGRP : F_OWNER_PID,
                       who < 0 ? -who : who);
}

static long set_owner_ex(const void __user *from)
{
    struct f_owner_ex owner;

    if (copy_from_user(&owner, from, sizeof(owner)))
        return -EFAULT;
    if ((unsigned int)owner.type > F_OWNER_PGRP)
        return -EINVAL;
    return check_owner(owner.type, owner.pid);
}

static long get_zeroes(void __user *to, size_t size)
{
    return clear_user(to, size) ? -EFAULT : 0;
}

static long fcntl_signals(unsigned int cmd, unsigned long arg)
{
    switch (cmd) {
    case F_SETOWN:
        return set_owner(arg);
    case F_SETOWN_EX:
        return set_owner_ex((void __user *)arg);
    case F_SETSIG:
        return arg > NSIG_MAX ? -EINVAL : 0;
    case F_GETOWN_EX:
        return get_zeroes((void __user *)arg, sizeof(struct f_owner_ex));
    case F_GETOWNER_UIDS:
        return get_zeroes((void __user *)arg, 2 * sizeof(uid_t));
    default: /* F_GETOWN, F_GETSIG */
        return 0;
    }
}

/* There are no leases, so that none can be given up or granted. */
static long set_lease(const struct file *file, unsigned long arg)
{
    return S_ISREG(file->inode->mode) && arg <= F_UNLCK ? -EAGAIN : -EINVAL;
}

static long fcntl_open(struct file *file, unsigned int cmd, unsigned long arg)
{
    switch (cmd) {
    case F_SETFL:
        return set_flags(file, arg);
    case F_GETLK:
    case F_SETLK:
    case F_SETLKW:
    case F_OFD_GETLK:
    case F_OFD_SETLK:
    case F_OFD_SETLKW:
        return fcntl_lock(file, cmd, (struct flock __user *)arg);
    case F_GETPIPE_SZ:
    case F_SETPIPE_SZ:
        return pipe_fcntl(file, cmd, arg);
    case F_ADD_SEALS:
    case F_GET_SEALS:
        return memfd_fcntl(file, cmd, arg);
    case F_GETLEASE:
        return F_UNLCK; /* there are no leases */
    case F_SETLEASE:
        return set_lease(file, arg);
    case F_NOTIFY: /* nothing can be watched; watching nothing works */
        if (!((u32)arg & ~DN_MULTISHOT))
            return 0;
        return S_ISDIR(file->inode->mode) ? -EINVAL : -ENOTDIR;
    case F_GETOWN:
    case F_SETOWN:
    case F_GETOWN_EX:
    case F_SETOWN_EX:
    case F_GETOWNER_UIDS:
    case F_GETSIG:
    case F_SETSIG:
        return fcntl_signals(cmd, arg);
    default:
        return -EINVAL;
    }
}

long sys_fcntl(unsigned int fd, unsigned int cmd, unsigned long arg)
{
    struct file *file = fget_any(fd);
    long ret;

    if (!file)
        return -EBADF;
    if (cmd == F_DUPFD || cmd == F_DUPFD_CLOEXEC || cmd == F_GETFD ||
        cmd == F_SETFD || cmd == F_GETFL || file->fmode & FMODE_PATH)
        ret = fcntl_path(fd, cmd, arg, file);
    else
        ret = fcntl_open(file, cmd, arg);
    fput(file);
    return ret;
}

/* ---- ioctl ---- */

static long set_flag_from(struct file *file, u32 flag, unsigned long arg)
{
    int on = 0;

    if (get_user(on, (int __user *)arg))
        return -EFAULT;
    file->flags = on ? file->flags | flag : file->flags & ~flag;
    return 0;
}

static long ioctl_file(struct file *file, unsigned int cmd, unsigned long arg)
{
    long ret = -ENOTTY;

    if (file->ops->ioctl)
        ret = file->ops->ioctl(file, cmd, arg);
    if (ret == -ENOIOCTLCMD)
        ret = -ENOTTY;
    if (ret == -ENOTTY && cmd == FIONREAD && S_ISREG(file->inode->mode))
        ret = put_user((int)(file->inode->size - file->pos), (int __user *)arg);
    return ret;
}

long sys_ioctl(int fd, unsigned int cmd, unsigned long arg)
{
    struct fd f = fdget(fd);
    long ret = 0;

    if (!f.file)
        return -EBADF;
    switch (cmd) {
    case FIOCLEX:
        fd_set_cloexec(fd, true);
        break;
    case FIONCLEX:
        fd_set_cloexec(fd, false);
        break;
    case FIONBIO:
        ret = set_flag_from(f.file, O_NONBLOCK, arg);
        break;
    case FIOASYNC:
        ret = set_flag_from(f.file, FASYNC, arg);
        break;
    default:
        ret = ioctl_file(f.file, cmd, arg);
    }
    fdput(f);
    return ret;
}

/* ---- contents kept safe: everything is in memory ---- */

static long sync_fd(unsigned int fd)
{
    struct fd f = fdget(fd);
    long err = -EINVAL;

    if (!f.file)
        return -EBADF;
    if (f.file->ops->fsync)
        err = f.file->ops->fsync(f.file);
    else if (f.file->inode->sb->memory &&
             (S_ISDIR(f.file->inode->mode) || S_ISREG(f.file->inode->mode)))
        err = 0;
    fdput(f);
    return err;
}

long sys_fsync(unsigned int fd)
{
    return sync_fd(fd);
}

long sys_fdatasync(unsigned int fd)
{
    return sync_fd(fd);
}

long sys_sync(void)
{
    return 0;
}

/* ---- sizes ---- */

static long change_size(struct inode *inode, u64 size)
{
    if (size > inode->size && file_size_allowed(size - 1, 1) < 0)
        return -EFBIG;
    return do_truncate(inode, size);
}

static long truncate_checked(struct inode *inode, loff_t length)
{
    if (S_ISDIR(inode->mode))
        return -EISDIR;
    if (!S_ISREG(inode->mode))
        return -EINVAL;
    return change_size(inode, length);
}

long sys_truncate(const char __user *path, loff_t length)
{
    struct path at;
    long err;

    if (length < 0)
        return -EINVAL;
    err = user_path(AT_FDCWD, path, LOOKUP_FOLLOW, &at);
    if (err)
        return err;
    err = S_ISREG(at.dentry->inode->mode)
              ? inode_permission(at.dentry->inode, MAY_WRITE)
              : 0;
    if (!err && atomic_read(&at.dentry->inode->writers) < 0)
        err = -ETXTBSY;
    if (!err)
        err = truncate_checked(at.dentry->inode, length);
    path_put(&at);
    return err;
}

long sys_ftruncate(unsigned int fd, loff_t length)
{
    struct fd f;
    long err = -EINVAL;

    if (length < 0)
        return -EINVAL;
    f = fdget(fd);
    if (!f.file)
        return -EBADF;
    if (f.file->fmode & FMODE_WRITE && S_ISREG(f.file->inode->mode))
        err = change_size(f.file->inode, length);
    fdput(f);
    return err;
}

static long allocate(struct file *file, int mode, loff_t offset, loff_t len)
{
    struct inode *inode = file->inode;
    long err = -EOPNOTSUPP;

    if (offset < 0 || len <= 0)
        return -EINVAL;
    if (mode & ~FALLOC_KNOWN ||
        (mode & FALLOC_FL_PUNCH_HOLE && !(mode & FALLOC_FL_KEEP_SIZE)))
        return err;
    if (!(file->fmode & FMODE_WRITE))
        return -EBADF;
    if (S_ISFIFO(inode->mode))
        return -ESPIPE;
    if (S_ISDIR(inode->mode))
        return -EISDIR;
    if (!S_ISREG(inode->mode))
        return -ENODEV;
    if ((u64)offset + len > 0x7fffffffffffffffull)
        return -EFBIG;
    if ((u64)offset + len > inode->size && /* with KEEP_SIZE, too */
        file_size_allowed(offset + len - 1, 1) < 0)
        return -EFBIG;
    if (!inode->ops || !inode->ops->fallocate)
        return err;
    mutex_lock(&inode->lock);
    err = inode->ops->fallocate(inode, mode, offset, len);
    mutex_unlock(&inode->lock);
    return err;
}

long sys_fallocate(int fd, int mode, loff_t offset, loff_t len)
{
    struct fd f = fdget(fd);
    long err;

    if (!f.file)
        return -EBADF;
    err = allocate(f.file, mode, offset, len);
    fdput(f);
    return err;
}

/* ---- files without a name ---- */

static long pipe_pair(int __user *fds, int flags)
{
    struct file *end[2];
    int fd[2], err;

    if (flags & ~(O_CLOEXEC | O_NONBLOCK | O_DIRECT | O_EXCL))
        return -EINVAL;
    if (flags & O_EXCL)
        return -ENOPKG; /* a notification pipe; there are none */
    err = pipe_create(end, flags);
    if (err)
        return err;
    fd[0] = fd_install(end[0], 0, flags & O_CLOEXEC);
    if (fd[0] < 0) {
        fput(end[0]);
        fput(end[1]);
        return fd[0];
    }
    fd[1] = fd_install(end[1], 0, flags & O_CLOEXEC);
    if (fd[1] < 0) {
        fd_close(fd[0]);
        fput(end[1]);
        return fd[1];
    }
    if (!copy_to_user(fds, fd, sizeof(fd)))
        return 0;
    fd_close(fd[0]);
    fd_close(fd[1]);
    return -EFAULT;
}

long sys_pipe(void __user *fds)
{
    return pipe_pair(fds, 0);
}

long sys_pipe2(void __user *fds, int flags)
{
    return pipe_pair(fds, flags);
}

long sys_memfd_create(const char __user *name, unsigned int flags)
{
    char text[8 + 250] = "memfd:";
    struct file *file;
    ssize_t len;
    int err;

    if (flags & ~(MFD_CLOEXEC | MFD_ALLOW_SEALING))
        return -EINVAL;
    len = strncpy_from_user(text + 6, name, 250);
    if (len < 0)
        return len;
    if (len == 250)
        return -EINVAL;
    err = memfd_open(text, O_RDWR | O_LARGEFILE, &file);
    if (err)
        return err;
    if (flags & MFD_ALLOW_SEALING)
        file->inode->seals = 0;
    return install(file, flags & MFD_CLOEXEC ? O_CLOEXEC : 0);
}

static long eventfd_open(unsigned int count, int flags)
{
    struct file *file;
    int err = eventfd_create(count, flags, &file);

    return err ? err : install(file, flags);
}

long sys_eventfd(unsigned int count)
{
    return eventfd_open(count, 0);
}

long sys_eventfd2(unsigned int count, int flags)
{
    return eventfd_open(count, flags);
}

long sys_flock(unsigned int fd, unsigned int cmd)
{
    unsigned int type = cmd & ~LOCK_NB;
    struct file *file;
    long err;

    if (cmd & LOCK_MAND) /* as on Linux: no longer known, no error either */
        return 0;
    if (type != LOCK_SH && type != LOCK_EX && type != LOCK_UN)
        return -EINVAL;
    file = fget(fd);
    if (!file)
        return -EBADF;
    err = do_flock(file, cmd);
    fput(file);
    return err;
}
