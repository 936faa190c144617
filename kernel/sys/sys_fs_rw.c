/*
 * kernel/sys/sys_fs_rw.c - read, write and their relatives.
 *
 * Cost       with one user of table and file, a read or write is a look-up,
 *            four checks and a jump to the file's own function.
 * Locking    a file whose position somebody else may use as well (shared
 *            descriptor table or second reference) is locked by pos_lock.
 * Errors     Linux's, in Linux's order: EBADF (not open, not for this),
 *            EINVAL (no such operation), EFAULT (range), then the file's.
 */
#include <kernel/fs/files_struct.h>
#include <kernel/fs/internal.h>
#include <kernel/fs/poll.h>
#include <kernel/sys/rw.h>
#include <kernel/sys/vector.h>
#include <mm/mm.h>
#include <syscalls_gen.h>

#define POS_MAX 0x7fffffffffffffffll

static ssize_t do_read(struct file *file, char __user *buf, size_t count,
                       loff_t *pos)
{
    if (unlikely(!file->ops->read && !S_ISDIR(file->inode->mode)))
        return -EINVAL;
    if (unlikely(!user_range_ok(buf, count)))
        return -EFAULT;
    if (unlikely(rw_bad_range(*pos, count)))
        return -EINVAL;
    if (unlikely(!file->ops->read))
        return -EISDIR;
    return file->ops->read(file, buf, min(count, RW_MAX), pos);
}

static ssize_t do_write(struct file *file, const char __user *buf, size_t count,
                        loff_t *pos)
{
    if (unlikely(!file->ops->write))
        return -EINVAL;
    if (unlikely(!user_range_ok(buf, count)))
        return -EFAULT;
    if (unlikely(rw_bad_range(*pos, count)))
        return -EINVAL;
    return file->ops->write(file, buf, min(count, RW_MAX), pos);
}

static __noinline ssize_t read_shared(int fd, char __user *buf, size_t count)
{
    struct fd f = fdget(fd);
    ssize_t n = -EBADF;

    if (!f.file)
        return n;
    if (f.file->fmode & FMODE_READ) {
        if (f.file->fmode & FMODE_STREAM) {
            n = do_read(f.file, buf, count, &f.file->pos);
        } else {
            mutex_lock(&f.file->pos_lock);
            n = do_read(f.file, buf, count, &f.file->pos);
            mutex_unlock(&f.file->pos_lock);
        }
    }
    fdput(f);
    return n;
}

static __noinline ssize_t write_shared(int fd, const char __user *buf,
                                       size_t count)
{
    struct fd f = fdget(fd);
    ssize_t n = -EBADF;

    if (!f.file)
        return n;
    if (f.file->fmode & FMODE_WRITE) {
        if (f.file->fmode & FMODE_STREAM) {
            n = do_write(f.file, buf, count, &f.file->pos);
        } else {
            mutex_lock(&f.file->pos_lock);
            n = do_write(f.file, buf, count, &f.file->pos);
            mutex_unlock(&f.file->pos_lock);
        }
    }
    fdput(f);
    return n;
}

/* The position is 32 bits away from its end and the length is harmless. */
static inline bool plain(const struct file *file, const void __user *buf,
                         size_t count)
{
    return access_ok(buf, count) && count <= RW_MAX &&
           (u64)file->pos < POS_MAX - RW_MAX;
}

/* One user of table and file, nothing unusual: straight to the file. */
long sys_read(int fd, void __user *buf, size_t count)
{
    struct file *file = fd_sole(fd);

    if (likely(file && file->fmode & FMODE_READ && file->ops->read &&
               plain(file, buf, count)))
        return file->ops->read(file, buf, count, &file->pos);
    return read_shared(fd, buf, count);
}

long sys_write(int fd, const void __user *buf, size_t count)
{
    struct file *file = fd_sole(fd);

    if (likely(file && file->fmode & FMODE_WRITE && file->ops->write &&
               plain(file, buf, count)))
        return file->ops->write(file, buf, count, &file->pos);
    return write_shared(fd, buf, count);
}

/* Whether it cannot be read or written (mode) at a position of choice. */
static bool no_place(const struct file *file, u32 mode)
{
    return file->fmode & FMODE_STREAM ||
           (mode == FMODE_WRITE && file->fmode & FMODE_NO_PWRITE);
}

/* fd for a call that brings its own position; *err says why not. */
static struct fd fdget_positioned(int fd, u32 mode, loff_t pos, long *err)
{
    struct fd f = {NULL, false};

    *err = -EINVAL;
    if (pos < 0)
        return f;
    *err = -EBADF;
    f = fdget(fd);
    if (!f.file)
        return f;
    *err = no_place(f.file, mode) ? -ESPIPE : f.file->fmode & mode ? 0 : -EBADF;
    return f;
}

long sys_pread64(int fd, void __user *buf, size_t count, loff_t pos)
{
    long n;
    struct fd f = fdget_positioned(fd, FMODE_READ, pos, &n);

    if (!n)
        n = do_read(f.file, buf, count, &pos);
    fdput(f);
    return n;
}

long sys_pwrite64(int fd, const void __user *buf, size_t count, loff_t pos)
{
    long n;
    struct fd f = fdget_positioned(fd, FMODE_WRITE, pos, &n);

    if (!n)
        n = do_write(f.file, buf, count, &pos);
    fdput(f);
    return n;
}

/* ---- vectors ---- */

/* After the first piece, a stream is asked only for what is there. */
static bool would_block(struct file *file)
{
    return file->fmode & FMODE_STREAM && file->ops->poll &&
           !(file->ops->poll(file, NULL) & (POLLIN | POLLHUP));
}

static ssize_t move_vector(struct file *file, struct vector *v, u32 mode,
                           loff_t *pos)
{
    ssize_t done = 0, n;
    unsigned long i;

    for (i = 0; i < v->n; i++) {
        const struct iovec *iov = &v->iov[i];

        if (!iov->iov_len && (done || i + 1 < v->n))
            continue;
        if (mode == FMODE_READ && done && would_block(file))
            break;
        n = mode == FMODE_READ
                ? do_read(file, (char __user *)iov->iov_base, iov->iov_len, pos)
                : do_write(file, (char __user *)iov->iov_base, iov->iov_len,
                           pos);
        if (n < 0)
            return done ? done : n;
        done += n;
        if ((size_t)n < iov->iov_len)
            break;
    }
    return done;
}

static long vector_call(unsigned long fd, const void __user *iov,
                        unsigned long n, u32 mode)
{
    struct fd f = fdget(fd);
    struct vector v;
    loff_t none = 0;
    long done = -EBADF;

    if (!f.file)
        return done;
    done = vector_get(&v, iov, n);
    if (!done && !(f.file->fmode & mode)) {
        vector_put(&v);
        done = -EBADF;
    }
    if (done) {
        fdput(f);
        return done;
    }
    if (f.file->fmode & FMODE_STREAM) {
        done = move_vector(f.file, &v, mode, &none);
    } else {
        mutex_lock(&f.file->pos_lock);
        done = move_vector(f.file, &v, mode, &f.file->pos);
        mutex_unlock(&f.file->pos_lock);
    }
    vector_put(&v);
    fdput(f);
    return done;
}

long sys_readv(unsigned long fd, const void __user *iov, unsigned long iovcnt)
{
    return vector_call(fd, iov, iovcnt, FMODE_READ);
}

long sys_writev(unsigned long fd, const void __user *iov, unsigned long iovcnt)
{
    return vector_call(fd, iov, iovcnt, FMODE_WRITE);
}

static long positioned_vector(unsigned long fd, const void __user *iov,
                              unsigned long n, loff_t pos, u32 mode)
{
    struct vector v;
    struct fd f;
    long done;

    if (pos < 0)
        return -EINVAL;
    f = fdget(fd);
    if (!f.file)
        return -EBADF;
    done = no_place(f.file, mode) ? -ESPIPE : vector_get(&v, iov, n);
    if (!done) {
        done =
            f.file->fmode & mode ? move_vector(f.file, &v, mode, &pos) : -EBADF;
        vector_put(&v);
    }
    fdput(f);
    return done;
}

/* The high half of the position means nothing where long has 64 bits. */
long sys_preadv(unsigned long fd, const void __user *iov, unsigned long iovcnt,
                unsigned long pos_low, unsigned long pos_high)
{
    return positioned_vector(fd, iov, iovcnt, pos_low, FMODE_READ);
}

long sys_pwritev(unsigned long fd, const void __user *iov, unsigned long iovcnt,
                 unsigned long pos_low, unsigned long pos_high)
{
    return positioned_vector(fd, iov, iovcnt, pos_low, FMODE_WRITE);
}

/* ---- positions ---- */

long sys_lseek(int fd, loff_t offset, int whence)
{
    struct fd f = fdget(fd);
    loff_t pos;

    if (!f.file)
        return -EBADF;
    if ((unsigned int)whence > SEEK_HOLE) {
        pos = -EINVAL;
    } else if (f.file->fmode & FMODE_STREAM || !f.file->ops->llseek) {
        /* eventfds and the like stay where they are, without complaint */
        pos = f.file->anon_name && !S_ISFIFO(f.file->inode->mode) &&
                      !f.file->ops->llseek
                  ? 0
                  : -ESPIPE;
    } else {
        mutex_lock(&f.file->pos_lock);
        pos = f.file->ops->llseek(f.file, offset, whence);
        mutex_unlock(&f.file->pos_lock);
    }
    fdput(f);
    return pos;
}

long sys_fadvise64(int fd, loff_t offset, size_t len, int advice)
{
    struct fd f = fdget(fd);
    long err = 0;

    if (!f.file)
        return -EBADF;
    if (S_ISFIFO(f.file->inode->mode))
        err = -ESPIPE;
    else if ((unsigned int)advice > 5 || (ssize_t)len < 0)
        err = -EINVAL;
    fdput(f);
    return err;
}
