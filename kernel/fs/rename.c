/*
 * kernel/fs/rename.c - one name becomes another, or two change places.
 *
 * Both ends are walked to, locked and looked up; what Linux checks is checked
 * in Linux's order; a whiteout and the new place are made; then the file
 * system does its part, and the dentry tree changes last, which cannot fail.
 *
 * Locking    between two directories rename_lock, then both inode->locks, the
 *            one above first.
 * Context    may sleep.
 */
#include <kernel/fs/names.h>

#include <kernel/uapi/fcntl.h>

static DEFINE_MUTEX(rename_lock);

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
