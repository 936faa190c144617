/*
 * kernel/fs/names.c - changing directories: create, link, unlink, rename.
 *
 * Each call walks to the last component's directory, locks it, looks the
 * name up, checks what Linux checks in Linux's order, lets the file system
 * do its part, and changes the dentry tree last, which cannot fail.
 *
 * Locking    the directory's inode->lock; a rename between two directories
 *            takes rename_lock, then both, the one above first.  nlink of
 *            the thing itself changes under its own inode->lock, taken after
 *            its directory's.
 * Context    may sleep.
 */
#include <kernel/fs/internal.h>
#include <kernel/lib/string.h>

static DEFINE_MUTEX(rename_lock);

static int may_change(struct inode *dir)
{
    return inode_permission(dir, MAY_WRITE | MAY_EXEC);
}

/* In a sticky directory only owners remove things. */
static int may_remove(struct inode *dir, struct inode *victim)
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

/* The victim loses a name; its directory is locked. */
static void drop_link(struct inode *dir, struct inode *inode)
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

/* ---- rename ---- */

struct rename {
    struct walk from, to;
    struct dentry *old, *new; /* referenced; new is NULL if not there */
    struct dentry *whiteout;  /* RENAME_WHITEOUT: takes the old name */
    struct inode *white;
    u32 flags;
};

static void lock_two(struct dentry *a, struct dentry *b)
{
    if (a == b) {
        mutex_lock(&a->inode->lock);
        return;
    }
    mutex_lock(&rename_lock);
    if (d_is_ancestor(b, a) || (!d_is_ancestor(a, b) && a->inode > b->inode)) {
        struct dentry *swap = a;

        a = b;
        b = swap;
    }
    mutex_lock(&a->inode->lock);
    mutex_lock(&b->inode->lock);
}

static void unlock_two(struct dentry *a, struct dentry *b)
{
    mutex_unlock(&a->inode->lock);
    if (a == b)
        return;
    mutex_unlock(&b->inode->lock);
    mutex_unlock(&rename_lock);
}

static int rename_lookup(struct rename *r)
{
    int err;

    err = lookup_child(r->from.path.dentry, r->from.name, r->from.len, &r->old);
    if (err)
        return err;
    err = lookup_child(r->to.path.dentry, r->to.name, r->to.len, &r->new);
    if (err == -ENOENT) {
        r->new = NULL;
        err = r->flags & RENAME_EXCHANGE ? -ENOENT : 0;
    } else if (!err && r->flags & RENAME_NOREPLACE) {
        err = -EEXIST;
    }
    return err;
}

static bool is_dir(const struct dentry *dentry)
{
    return S_ISDIR(dentry->inode->mode);
}

static int rename_check_names(const struct rename *r)
{
    if (r->flags & RENAME_EXCHANGE && !is_dir(r->new) && r->to.slash)
        return -ENOTDIR;
    if (!is_dir(r->old)) {
        if (r->from.slash)
            return -ENOTDIR;
        if (!(r->flags & RENAME_EXCHANGE) && r->to.slash)
            return -ENOTDIR;
    }
    if (d_is_ancestor(r->old, r->to.path.dentry))
        return -EINVAL; /* into itself */
    if (r->new &&d_is_ancestor(r->new, r->from.path.dentry))
        return r->flags & RENAME_EXCHANGE ? -EINVAL : -ENOTEMPTY;
    return 0;
}

static int rename_check(const struct rename *r)
{
    struct inode *from = r->from.path.dentry->inode;
    struct inode *to = r->to.path.dentry->inode;
    int err = may_remove(from, r->old->inode);

    if (!err)
        err = r->new ? may_remove(to, r->new->inode) : may_change(to);
    if (err)
        return err;
    if (r->to.path.dentry->flags & DENTRY_DEAD)
        return -ENOENT;
    if (r->new && !(r->flags & RENAME_EXCHANGE)) {
        if (is_dir(r->old) && !is_dir(r->new))
            return -ENOTDIR;
        if (!is_dir(r->old) && is_dir(r->new))
            return -EISDIR;
    }
    if (from != to) { /* a directory that moves has its ".." written */
        if (is_dir(r->old))
            err = inode_permission(r->old->inode, MAY_WRITE);
        if (!err && r->flags & RENAME_EXCHANGE && is_dir(r->new))
            err = inode_permission(r->new->inode, MAY_WRITE);
        if (err)
            return err;
    }
    if (!from->ops->rename)
        return -EPERM;
    if (r->old->flags & DENTRY_MOUNTED ||
        (r->new && r->new->flags &DENTRY_MOUNTED))
        return -EBUSY;
    if (r->new &&is_dir(r->new) && !(r->flags & RENAME_EXCHANGE) &&
        d_has_children(r->new))
        return -ENOTEMPTY;
    return 0;
}

static void move_dir_link(struct dentry *thing, struct inode *from,
                          struct inode *to)
{
    if (is_dir(thing) && from != to) {
        from->nlink--;
        to->nlink++;
    }
}

/* What a union file system leaves where something was. */
static int whiteout_alloc(struct rename *r)
{
    struct inode *dir = r->from.path.dentry->inode;
    int err;

    r->whiteout = d_alloc(r->from.path.dentry, r->from.name, r->from.len);
    if (!r->whiteout)
        return -ENOMEM;
    err = dir->ops->create(dir, r->whiteout, S_IFCHR, 0, &r->white);
    if (err)
        dput(r->whiteout);
    return err;
}

static void whiteout_done(struct rename *r, bool moved)
{
    struct inode *dir = r->from.path.dentry->inode;

    if (moved) {
        d_link(r->whiteout, r->white);
    } else {
        dir->ops->unlink(dir, r->whiteout);
        r->white->nlink = 0;
        inode_put(r->white);
    }
    dput(r->whiteout);
}

/* Both directories are locked and everything has been allowed. */
static int rename_commit(struct rename *r)
{
    struct inode *from = r->from.path.dentry->inode;
    struct inode *to = r->to.path.dentry->inode;
    struct dentry *place = NULL;
    int err = 0;

    if (!(r->flags & RENAME_EXCHANGE)) {
        place = d_alloc(r->to.path.dentry, r->to.name, r->to.len);
        if (!place)
            return -ENOMEM;
    }
    if (r->flags & RENAME_WHITEOUT)
        err = whiteout_alloc(r);
    if (err)
        goto put_place;
    err = from->ops->rename(from, r->old, to, r->new);
    if (!err && r->flags & RENAME_EXCHANGE) {
        move_dir_link(r->new, to, from);
        d_exchange(r->old, r->new);
    } else if (!err) {
        if (r->new) {
            drop_link(to, r->new->inode);
            d_unlink(r->new);
        }
        d_move(r->old, place);
    }
    if (!err) {
        move_dir_link(r->old, from, to);
        inode_touch(from);
        inode_touch(to);
        r->old->inode->ctime = ktime_get_real();
    }
    if (r->flags & RENAME_WHITEOUT)
        whiteout_done(r, !err);
put_place:
    dput(place);
    return err;
}

static int rename_locked(struct rename *r)
{
    int err = rename_lookup(r);

    if (!err)
        err = rename_check_names(r);
    if (!err && r->new && r->new->inode == r->old->inode)
        return 0; /* two names of one thing: nothing happens */
    if (!err)
        err = rename_check(r);
    if (!err)
        err = rename_commit(r);
    return err;
}

static int rename_start(struct rename *r, int old_dfd, const char *old,
                        int new_dfd, const char *new)
{
    int err = walk_parent(&r->from, old_dfd, old);
    int err2 = walk_parent(&r->to, new_dfd, new);

    if (err || err2)
        return err ? err : err2;
    if (r->from.path.mnt != r->to.path.mnt)
        return -EXDEV;
    if (r->from.type != LAST_NORM)
        return -EBUSY;
    if (r->to.type != LAST_NORM)
        return r->flags & RENAME_NOREPLACE ? -EEXIST : -EBUSY;
    return mnt_readonly(r->from.path.mnt) ? -EROFS : 0;
}

int do_rename(int old_dfd, const char *old, int new_dfd, const char *new,
              u32 flags)
{
    struct rename r = {.flags = flags};
    int err;

    err = rename_start(&r, old_dfd, old, new_dfd, new);
    if (!err) {
        lock_two(r.from.path.dentry, r.to.path.dentry);
        err = rename_locked(&r);
        unlock_two(r.from.path.dentry, r.to.path.dentry);
        dput(r.new);
        dput(r.old);
    }
    walk_end(&r.to);
    walk_end(&r.from);
    return err;
}
