/*
 * kernel/fs/names.c - changing directories: create, link, unlink.
 *
 * Each call walks to the last component's directory, locks it, looks the
 * name up, checks what Linux checks in Linux's order, lets the file system
 * do its part, and changes the dentry tree last, which cannot fail.
 *
 * Locking    the directory's inode->lock.  nlink of the thing itself changes
 *            under its own inode->lock, taken after its directory's.
 * Context    may sleep.
 */
#include <kernel/fs/names.h>

#include <kernel/lib/string.h>

int may_change(struct inode *dir)
{
    return inode_permission(dir, MAY_WRITE | MAY_EXEC);
}

int may_remove(struct inode *dir, struct inode *victim)
{
    int err = may_change(dir);

    if (err)
        return err;
    if (dir->mode & S_ISVTX && !capable(CAP_FOWNER) &&
        current->cred.fsuid != victim->uid && current->cred.fsuid != dir->uid)
        return -EPERM;
    return 0;
}

/* A new dentry for a name that is not there, the directory being locked. */
static int new_name(struct dentry *parent, const char *name, size_t len,
                    struct dentry **dentry)
{
    int err;

    if (parent->flags & DENTRY_DEAD)
        return -ENOENT;
    err = may_change(parent->inode);
    if (err)
        return err;
    *dentry = d_alloc(parent, name, len);
    return *dentry ? 0 : -ENOMEM;
}

/* A set-group-id directory gives its group to what is made in it. */
static void inherit_group(const struct inode *dir, struct inode *inode)
{
    if (!(dir->mode & S_ISGID))
        return;
    inode->gid = dir->gid;
    if (S_ISDIR(inode->mode))
        inode->mode |= S_ISGID;
    else if ((inode->mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) &&
             !capable(CAP_FSETID) && !cred_in_group(&current->cred, dir->gid))
        inode->mode &= ~(mode_t)S_ISGID;
}

static int create_error(const struct inode *dir, int usual)
{
    int own = dir->sb->type->create_error;

    return own ? own : usual;
}

int vfs_create(struct dentry *parent, const char *name, size_t len, mode_t mode,
               dev_t rdev, struct dentry **result)
{
    struct inode *dir = parent->inode, *inode;
    struct dentry *dentry;
    int err;

    if (!dir->ops->create)
        return create_error(dir, S_ISREG(mode) ? -EACCES : -EPERM);
    err = new_name(parent, name, len, &dentry);
    if (err)
        return err;
    err = dir->ops->create(dir, dentry, mode, rdev, &inode);
    if (err) {
        dput(dentry);
        return err;
    }
    inherit_group(dir, inode);
    if (S_ISDIR(mode))
        dir->nlink++;
    inode_touch(dir);
    d_link(dentry, inode);
    *result = dentry;
    return 0;
}

/*
 * To the parent of a name that shall be made, and locks it.  -EEXIST if the
 * name is there.  On 0 the caller ends with end_new().
 */
static int start_new(struct walk *w, int dfd, const char *name)
{
    struct dentry *there;
    int err = walk_parent(w, dfd, name);

    if (err)
        return err;
    if (w->type != LAST_NORM)
        return -EEXIST;
    mutex_lock(&w->path.dentry->inode->lock);
    err = lookup_child(w->path.dentry, w->name, w->len, &there);
    if (!err)
        dput(there);
    err = err == 0 ? -EEXIST : err == -ENOENT ? 0 : err;
    if (!err && mnt_readonly(w->path.mnt))
        err = -EROFS;
    if (err)
        mutex_unlock(&w->path.dentry->inode->lock);
    return err;
}

static void end_new(struct walk *w)
{
    mutex_unlock(&w->path.dentry->inode->lock);
}

/* Devices are root's to make, but for the one that marks a removed name. */
static int may_mknod(const struct walk *w, mode_t mode, dev_t rdev)
{
    int err;

    if ((!(S_ISCHR(mode) && rdev) && !S_ISBLK(mode)) || capable(CAP_MKNOD))
        return 0;
    err = may_change(w->path.dentry->inode);
    return err ? err : -EPERM;
}

int do_mknod(int dfd, const char *name, mode_t mode, dev_t rdev)
{
    struct dentry *made;
    struct walk w;
    int err = start_new(&w, dfd, name);

    if (!err) {
        err = -ENOENT; /* "name/" can only become a directory */
        if (!w.slash || S_ISDIR(mode))
            err = may_mknod(&w, mode, rdev);
        if (!err)
            err = vfs_create(w.path.dentry, w.name, w.len, mode, rdev, &made);
        if (!err)
            dput(made);
        end_new(&w);
    }
    walk_end(&w);
    return err;
}

int do_mkdir(int dfd, const char *name, mode_t mode)
{
    return do_mknod(dfd, name, S_IFDIR | (mode & 01777), 0);
}

static int symlink_at(struct walk *w, const char *target)
{
    struct dentry *parent = w->path.dentry, *dentry;
    struct inode *dir = parent->inode, *inode;
    int err;

    if (w->slash)
        return -ENOENT;
    if (!dir->ops->symlink)
        return create_error(dir, -EPERM);
    err = new_name(parent, w->name, w->len, &dentry);
    if (err)
        return err;
    err = dir->ops->symlink(dir, dentry, target, &inode);
    if (!err) {
        inherit_group(dir, inode);
        inode_touch(dir);
        d_link(dentry, inode);
    }
    dput(dentry);
    return err;
}

int do_symlink(const char *target, int dfd, const char *name)
{
    struct walk w;
    int err;

    if (!*target)
        return -ENOENT;
    err = start_new(&w, dfd, name);
    if (!err) {
        err = symlink_at(&w, target);
        end_new(&w);
    }
    walk_end(&w);
    return err;
}

int protected_hardlinks = 1; /* Debian's setting */

/* Protected: nobody keeps what he could not write, or a program that runs as
 * another user. */
static bool may_link(struct inode *inode)
{
    mode_t mode = inode->mode;

    if (!READ_ONCE(protected_hardlinks) || inode_owner_or_root(inode))
        return true;
    return S_ISREG(mode) && !(mode & S_ISUID) &&
           (mode & (S_ISGID | S_IXGRP)) != (S_ISGID | S_IXGRP) &&
           !inode_permission(inode, MAY_READ | MAY_WRITE);
}

static int link_at(struct walk *w, const struct path *old)
{
    struct inode *inode = old->dentry->inode, *dir = w->path.dentry->inode;
    struct dentry *dentry;
    int err;

    if (w->slash)
        return -ENOENT;
    if (old->mnt != w->path.mnt)
        return -EXDEV;
    if (!may_link(inode))
        return -EPERM;
    err = may_change(dir);
    if (err)
        return err;
    if (S_ISDIR(inode->mode) || !dir->ops->link)
        return -EPERM;
    err = new_name(w->path.dentry, w->name, w->len, &dentry);
    if (err)
        return err;
    mutex_lock(&inode->lock);
    err = inode->nlink ? dir->ops->link(dir, dentry, inode) : -ENOENT;
    if (!err) {
        inode->nlink++;
        inode->ctime = ktime_get_real();
    }
    mutex_unlock(&inode->lock);
    if (!err) {
        inode_touch(dir);
        inode_get(inode);
        d_link(dentry, inode);
    }
    dput(dentry);
    return err;
}

int do_link(int old_dfd, const char *old, int new_dfd, const char *new,
            int flags)
{
    struct path from;
    struct walk w;
    int err;

    err = path_lookup(old_dfd, old, flags, &from);
    if (err)
        return err;
    err = start_new(&w, new_dfd, new);
    if (!err) {
        err = link_at(&w, &from);
        end_new(&w);
    }
    walk_end(&w);
    path_put(&from);
    return err;
}

void drop_link(struct inode *dir, struct inode *inode)
{
    mutex_lock(&inode->lock);
    inode->nlink--;
    if (S_ISDIR(inode->mode)) {
        inode->nlink--; /* its own "." */
        dir->nlink--;
    }
    inode->ctime = ktime_get_real();
    mutex_unlock(&inode->lock);
}

static int check_victim(struct inode *dir, struct dentry *victim,
                        bool directory)
{
    int err = may_remove(dir, victim->inode);

    if (err)
        return err;
    if (directory && !S_ISDIR(victim->inode->mode))
        return -ENOTDIR;
    if (!directory && S_ISDIR(victim->inode->mode))
        return -EISDIR;
    if (victim->flags & DENTRY_MOUNTED)
        return -EBUSY;
    if (!dir->ops->unlink)
        return -EPERM;
    if (directory && d_has_children(victim))
        return -ENOTEMPTY;
    return 0;
}

static int unlink_child(struct walk *w, bool directory)
{
    struct inode *dir = w->path.dentry->inode;
    struct dentry *victim;
    int err;

    err = lookup_child(w->path.dentry, w->name, w->len, &victim);
    if (err)
        return err;
    if (!directory && w->slash)
        err = S_ISDIR(victim->inode->mode) ? -EISDIR : -ENOTDIR;
    if (!err && mnt_readonly(w->path.mnt))
        err = -EROFS;
    if (!err)
        err = check_victim(dir, victim, directory);
    if (!err)
        err = dir->ops->unlink(dir, victim);
    if (!err) {
        drop_link(dir, victim->inode);
        inode_touch(dir);
        d_unlink(victim);
    }
    dput(victim);
    return err;
}

/* What unlink and rmdir say of "/", "." and "..". */
static int last_error(enum last_type type, bool directory)
{
    if (!directory)
        return -EISDIR;
    switch (type) {
    case LAST_DOT:
        return -EINVAL;
    case LAST_DOTDOT:
        return -ENOTEMPTY;
    default:
        return -EBUSY;
    }
}

int do_unlink(int dfd, const char *name, bool directory)
{
    struct walk w;
    int err = walk_parent(&w, dfd, name);

    if (!err && w.type != LAST_NORM)
        err = last_error(w.type, directory);
    if (!err) {
        struct mutex *lock = &w.path.dentry->inode->lock;

        mutex_lock(lock);
        err = unlink_child(&w, directory);
        mutex_unlock(lock);
    }
    walk_end(&w);
    return err;
}
