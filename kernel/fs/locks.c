/*
 * kernel/fs/locks.c - advisory locks: flock(2), fcntl(2)'s ranges.
 *
 * Structure  a list per inode; an element is a range that an owner holds for
 *            reading or writing.  flock's owner is the open file and its
 *            range everything; fcntl's is the process (its descriptor
 *            table), or the open file for the OFD kind.  flock and fcntl do
 *            not see each other, as on Linux.
 * Cost       O(locks on the file).
 * Locking    locks_lock (spin).  Waiters sleep on one queue and look again
 *            when any lock goes.
 * Invariant  ranges of one owner and kind do not overlap.
 */
#include <kernel/fs/internal.h>

#define RANGE_MAX 0x7fffffffffffffffll

enum lock_kind { LOCK_WHOLE, LOCK_RANGE };

struct file_lock {
    struct file_lock *next;
    enum lock_kind kind;
    const void *owner;
    short type;        /* F_RDLCK, F_WRLCK, F_UNLCK */
    loff_t start, end; /* inclusive */
    pid_t pid;         /* -1: OFD */
};

static DEFINE_SPINLOCK(locks_lock);
static DEFINE_WAIT_QUEUE(locks_changed);

static const struct file_lock *conflict_locked(const struct inode *inode,
                                               const struct file_lock *want)
{
    const struct file_lock *l;

    for (l = inode->locks; l; l = l->next)
        if (l->kind == want->kind && l->owner != want->owner &&
            l->start <= want->end && want->start <= l->end &&
            (l->type == F_WRLCK || want->type == F_WRLCK))
            return l;
    return NULL;
}

/*
 * Cuts want's range out of what its owner has.  `spare` is used when a range
 * is cut in two; the one taken off the list, if any, is freed by the caller.
 */
static struct file_lock *cut_locked(struct inode *inode,
                                    const struct file_lock *want,
                                    struct file_lock **spare)
{
    struct file_lock **at = &inode->locks, *l, *dead = NULL;

    while ((l = *at)) {
        if (l->kind != want->kind || l->owner != want->owner ||
            l->start > want->end || want->start > l->end) {
            at = &l->next;
            continue;
        }
        if (l->start >= want->start && l->end <= want->end) {
            *at = l->next;
            l->next = dead;
            dead = l;
            continue;
        }
        if (l->start < want->start && l->end > want->end) {
            struct file_lock *tail = *spare;

            *spare = NULL;
            *tail = *l;
            tail->start = want->end + 1;
            l->end = want->start - 1;
            l->next = tail;
            break;
        }
        if (l->start < want->start)
            l->end = want->start - 1;
        else
            l->start = want->end + 1;
        at = &l->next;
    }
    return dead;
}

static void free_all(struct file_lock *l)
{
    while (l) {
        struct file_lock *next = l->next;

        kfree(l);
        l = next;
    }
}

/* 0, -EAGAIN (somebody else has it), -ENOMEM. */
static int lock_try(struct inode *inode, const struct file_lock *want)
{
    struct file_lock *spare = kmalloc(sizeof(*spare), GFP_KERNEL);
    struct file_lock *added = kmalloc(sizeof(*added), GFP_KERNEL);
    struct file_lock *dead = NULL;
    int err = spare && added ? 0 : -ENOMEM;

    spin_lock(&locks_lock);
    if (!err && want->type != F_UNLCK && conflict_locked(inode, want))
        err = -EAGAIN;
    if (!err) {
        dead = cut_locked(inode, want, &spare);
        if (want->type != F_UNLCK) {
            *added = *want;
            added->next = inode->locks;
            inode->locks = added;
            added = NULL;
        }
    }
    spin_unlock(&locks_lock);
    if (dead)
        wake_up_all(&locks_changed);
    free_all(dead);
    kfree(added);
    kfree(spare);
    return err;
}

static bool is_free(const struct inode *inode, const struct file_lock *want)
{
    bool free;

    spin_lock(&locks_lock);
    free = !conflict_locked(inode, want);
    spin_unlock(&locks_lock);
    return free;
}

static int lock_wait(struct inode *inode, const struct file_lock *want)
{
    int err;

    while ((err = lock_try(inode, want)) == -EAGAIN)
        if (wait_event_interruptible(&locks_changed, is_free(inode, want)))
            return -ERESTARTSYS;
    return err;
}

int do_flock(struct file *file, unsigned int cmd)
{
    struct file_lock want = {.kind = LOCK_WHOLE,
                             .owner = file,
                             .end = RANGE_MAX,
                             .pid = current->tgid};
    int err;

    switch (cmd & ~LOCK_NB) {
    case LOCK_SH:
        want.type = F_RDLCK;
        break;
    case LOCK_EX:
        want.type = F_WRLCK;
        break;
    case LOCK_UN:
        want.type = F_UNLCK;
        break;
    default:
        return -EINVAL;
    }
    file->fmode |= FMODE_LOCKED;
    err = cmd & LOCK_NB ? lock_try(file->inode, &want)
                        : lock_wait(file->inode, &want);
    return err; /* EAGAIN is EWOULDBLOCK */
}

static int range_of(const struct file *file, const struct flock *fl,
                    struct file_lock *want)
{
    loff_t base = file_base(file, fl->l_whence), start, end;

    if (base < 0)
        return -EINVAL;
    if (__builtin_add_overflow(base, fl->l_start, &start))
        return -EOVERFLOW;
    if (start < 0)
        return -EINVAL;
    end = RANGE_MAX;
    if (fl->l_len > 0) {
        if (__builtin_add_overflow(start, fl->l_len - 1, &end))
            return -EOVERFLOW;
    } else if (fl->l_len < 0) {
        end = start - 1;
        start += fl->l_len;
        if (start < 0)
            return -EINVAL;
    }
    want->start = start;
    want->end = end;
    return 0;
}

static int may_lock(const struct file *file, int type)
{
    switch (type) {
    case F_RDLCK:
        return file->fmode & FMODE_READ ? 0 : -EBADF;
    case F_WRLCK:
        return file->fmode & FMODE_WRITE ? 0 : -EBADF;
    case F_UNLCK:
        return 0;
    default:
        return -EINVAL;
    }
}

static long get_lock(struct file *file, const struct file_lock *want,
                     struct flock *fl)
{
    const struct file_lock *l;

    if (want->type == F_UNLCK)
        return -EINVAL;
    spin_lock(&locks_lock);
    l = conflict_locked(file->inode, want);
    fl->l_type = l ? l->type : F_UNLCK;
    if (l) {
        fl->l_whence = SEEK_SET;
        fl->l_start = l->start;
        fl->l_len = l->end == RANGE_MAX ? 0 : l->end - l->start + 1;
        fl->l_pid = l->pid;
    }
    spin_unlock(&locks_lock);
    return 0;
}

long fcntl_lock(struct file *file, unsigned int cmd, struct flock __user *arg)
{
    bool ofd = cmd == F_OFD_GETLK || cmd == F_OFD_SETLK || cmd == F_OFD_SETLKW;
    struct file_lock want = {.kind = LOCK_RANGE};
    struct flock fl;
    long err;

    if (copy_from_user(&fl, arg, sizeof(fl)))
        return -EFAULT;
    if (ofd && fl.l_pid)
        return -EINVAL;
    want.owner = ofd ? (const void *)file : current->files;
    want.pid = ofd ? -1 : current->tgid;
    want.type = fl.l_type;
    err = range_of(file, &fl, &want);
    if (err)
        return err;
    if (cmd == F_GETLK || cmd == F_OFD_GETLK) {
        err = fl.l_type == F_RDLCK || fl.l_type == F_WRLCK
                  ? get_lock(file, &want, &fl)
                  : -EINVAL;
        if (!err && copy_to_user(arg, &fl, sizeof(fl)))
            err = -EFAULT;
        return err;
    }
    err = may_lock(file, fl.l_type);
    if (err)
        return err;
    if (ofd)
        file->fmode |= FMODE_LOCKED;
    return cmd == F_SETLKW || cmd == F_OFD_SETLKW
               ? lock_wait(file->inode, &want)
               : lock_try(file->inode, &want);
}

static void release_all(struct inode *inode, const void *owner)
{
    struct file_lock **at, *l, *dead = NULL;

    spin_lock(&locks_lock);
    for (at = &inode->locks; (l = *at);) {
        if (l->owner != owner) {
            at = &l->next;
            continue;
        }
        *at = l->next;
        l->next = dead;
        dead = l;
    }
    spin_unlock(&locks_lock);
    if (dead)
        wake_up_all(&locks_changed);
    free_all(dead);
}

void locks_release(struct file *file)
{
    release_all(file->inode, file);
}

void locks_release_posix(struct inode *inode, struct files_struct *owner)
{
    release_all(inode, owner);
}
