/*
 * kernel/fs/namei.c - from a path to the thing it names.
 *
 * Structure  a walk holds a referenced position and the text that is left.
 *            Each component is looked up in the dentry hash; where that does
 *            not know and the file system has a lookup() of its own, the
 *            file system is asked.  A symlink's target is put before what is
 *            left of the text, so there is no recursion.
 * Cost       O(components); a run of cached names takes dcache_lock once.
 * Locking    dcache_lock from one slow step to the next; references move
 *            with the position.  Slow steps hold the directory's lock.
 * Invariant  outside dcache_lock the position is referenced; a reference
 *            that drops to zero under it is put on walk->dead.
 * Context    may sleep.
 */
#include <kernel/fs/internal.h>
#include <kernel/lib/string.h>

#define LINK_FEW 128 /* bytes of a link's target that need no allocation */

int filename_get(struct filename *name, const char __user *path)
{
    ssize_t len = strncpy_from_user(name->small, path, sizeof(name->small));

    name->text = name->small;
    if (len < 0)
        return len;
    if (len < (ssize_t)sizeof(name->small))
        return 0;
    name->text = kmalloc(PATH_MAX, GFP_KERNEL);
    if (!name->text)
        return -ENOMEM;
    len = strncpy_from_user(name->text, path, PATH_MAX);
    if (len >= 0 && len < PATH_MAX)
        return 0;
    kfree(name->text);
    return len < 0 ? len : -ENAMETOOLONG;
}

void filename_put(struct filename *name)
{
    if (name->text != name->small)
        kfree(name->text);
}

/* An open directory (or AT_FDCWD) as a referenced path. */
static int dfd_path(int dfd, struct path *path)
{
    struct file *file;
    int err = 0;

    if (dfd == AT_FDCWD) {
        fs_pwd_get(path);
        return 0;
    }
    file = fget_any(dfd);
    if (!file)
        return -EBADF;
    if (file->dentry) {
        *path = (struct path){file->mnt, file->dentry};
        path_get(path);
    } else {
        err = -ENOTDIR;
    }
    fput(file);
    return err;
}

static int walk_start(struct walk *w, int dfd, const char *name, u32 flags)
{
    *w = (struct walk){.rest = name, .flags = flags};
    if (!*name && !(flags & LOOKUP_EMPTY))
        return -ENOENT;
    fs_root_get(&w->root);
    if (*name == '/') {
        w->path = w->root;
        path_get(&w->path);
        return 0;
    }
    return dfd_path(dfd, &w->path);
}

static void walk_lock(void)
{
    spin_lock(&dcache_lock);
}

static void walk_unlock(struct walk *w)
{
    spin_unlock(&dcache_lock);
    while (w->dead) {
        struct dentry *dead = w->dead;

        w->dead = dead->next_hash;
        dead->next_hash = NULL;
        atomic_set(&dead->refs, 1);
        dput(dead);
    }
}

void walk_end(struct walk *w)
{
    if (w->path.dentry)
        path_put(&w->path);
    if (w->root.dentry)
        path_put(&w->root);
    kfree(w->space);
}

static inline void step_to_locked(struct walk *w, struct dentry *dentry)
{
    struct dentry *old = w->path.dentry;

    dget(dentry);
    w->path.dentry = dentry;
    if (unlikely(atomic_dec_and_test(&old->refs))) {
        old->next_hash = w->dead;
        w->dead = old;
    }
}

/* Both mounts are attached, so that neither count drops to zero here. */
static void step_mount_locked(struct walk *w, struct vfsmount *mnt,
                              struct dentry *dentry)
{
    mnt_get(mnt);
    atomic_dec(&w->path.mnt->refs);
    w->path.mnt = mnt;
    step_to_locked(w, dentry);
}

static void cross_mounts_locked(struct walk *w)
{
    struct vfsmount *mnt;

    while (w->path.dentry->flags & DENTRY_MOUNTED) {
        mnt = mount_find_locked(w->path.mnt, w->path.dentry);
        if (!mnt)
            return;
        step_mount_locked(w, mnt, mnt->root);
    }
}

static void step_up_locked(struct walk *w)
{
    while (w->path.dentry != w->root.dentry || w->path.mnt != w->root.mnt) {
        struct vfsmount *mnt = w->path.mnt;

        if (w->path.dentry != mnt->root) {
            step_to_locked(w, w->path.dentry->parent);
            break;
        }
        if (!mnt->at.mnt)
            return;
        step_mount_locked(w, mnt->at.mnt, mnt->at.dentry);
    }
    cross_mounts_locked(w);
}

int lookup_child(struct dentry *parent, const char *name, size_t len,
                 struct dentry **child)
{
    struct inode *dir = parent->inode, *inode;
    int err;

    if (len > NAME_MAX)
        return -ENAMETOOLONG;
    *child = d_find(parent, name, len);
    if (*child)
        return 0;
    if (!dir->ops || !dir->ops->lookup)
        return -ENOENT;
    err = dir->ops->lookup(dir, name, len, &inode);
    if (err)
        return err;
    *child = d_alloc(parent, name, len);
    if (!*child) {
        inode_put(inode);
        return -ENOMEM;
    }
    (*child)->inode = inode;
    return 0;
}

/* The name is not cached: asks the file system, without dcache_lock. */
static int lookup_slow(struct walk *w, const char *name, size_t len,
                       struct dentry **child)
{
    struct inode *dir = w->path.dentry->inode;
    int err;

    walk_unlock(w);
    mutex_lock(&dir->lock);
    err = lookup_child(w->path.dentry, name, len, child);
    mutex_unlock(&dir->lock);
    walk_lock();
    return err;
}

ssize_t read_link(struct inode *inode, char *buf, size_t size)
{
    size_t len;

    if (inode->ops && inode->ops->readlink)
        return inode->ops->readlink(inode, buf, size);
    if (!inode->sb->memory)
        return -EINVAL;
    len = min(strlen(inode->link), size);
    memcpy(buf, inode->link, len);
    return len;
}

/* The target as text: into `few` if it fits, else allocated.  Its length, or
 * -errno; *text is few or for kfree(). */
static ssize_t link_text(struct inode *link, char few[LINK_FEW], char **text)
{
    ssize_t len = read_link(link, few, LINK_FEW);

    *text = few;
    if (len < LINK_FEW)
        return len ? len : -ENOENT;
    *text = kmalloc(PATH_MAX, GFP_KERNEL);
    if (!*text)
        return -ENOMEM;
    len = read_link(link, *text, PATH_MAX);
    if (len < 0)
        kfree(*text);
    return len;
}

/* Puts the link's target before the rest of the text. */
static int prepend_target(struct walk *w, struct inode *link)
{
    size_t rest = strlen(w->rest);
    char few[LINK_FEW], *text, *space = NULL;
    ssize_t len = link_text(link, few, &text);
    int err = 0;

    if (len < 0)
        return len;
    if ((size_t)len + rest + 2 > 2 * PATH_MAX)
        err = -ENAMETOOLONG;
    else if (!(space = kmalloc(len + rest + 2, GFP_KERNEL)))
        err = -ENOMEM;
    if (!err) {
        memcpy(space, text, len);
        if (w->slash)
            space[len++] = '/';
        memcpy(space + len, w->rest, rest + 1);
        kfree(w->space);
        w->space = space;
        w->rest = space;
    }
    if (text != few)
        kfree(text);
    return err;
}

static void walk_jump(struct walk *w, const struct path *to)
{
    path_put(&w->path);
    w->path = *to;
}

/* `link`'s parent is the position.  Not under dcache_lock. */
static int follow_link(struct walk *w, struct inode *link)
{
    struct path to;
    int err;

    if (++w->links > SYMLINKS_MAX)
        return -ELOOP;
    if (link->ops && link->ops->follow) {
        err = link->ops->follow(link, &to);
        if (!err)
            walk_jump(w, &to);
        return err;
    }
    err = prepend_target(w, link);
    if (!err && *w->rest == '/') {
        path_get(&w->root);
        walk_jump(w, &w->root);
    }
    return err;
}

static int follow_link_locked(struct walk *w, struct dentry *link)
{
    int err;

    dget(link);
    walk_unlock(w);
    err = follow_link(w, link->inode);
    dput(link);
    walk_lock();
    return err;
}

static int may_search(struct inode *dir)
{
    if (unlikely(!S_ISDIR(dir->mode)))
        return -ENOTDIR;
    if (likely((dir->mode & 0111) == 0111))
        return 0;
    return inode_permission(dir, MAY_EXEC);
}

/* One ordinary name: to the child, or through it if it is a link. */
static int step_down_locked(struct walk *w, const char *name, size_t len,
                            u32 hash)
{
    struct dentry *child = d_find_locked(w->path.dentry, name, len, hash);
    bool found = child, last = !*w->rest;
    int err = 0;

    if (!child) {
        err = w->path.dentry->inode->ops->lookup || len > NAME_MAX
                  ? lookup_slow(w, name, len, &child)
                  : -ENOENT;
        if (err)
            return err;
    }
    if (S_ISLNK(child->inode->mode) &&
        (!last || w->slash || w->flags & LOOKUP_FOLLOW)) {
        err = follow_link_locked(w, child);
    } else {
        step_to_locked(w, child);
        if (child->flags & DENTRY_MOUNTED)
            cross_mounts_locked(w);
    }
    if (!found) { /* lookup_slow's reference; the position has its own */
        if (atomic_dec_and_test(&child->refs)) {
            child->next_hash = w->dead;
            w->dead = child;
        }
    }
    return err;
}

/* Measures the component at the front and takes it off w->rest. */
static inline const char *take_component(struct walk *w, size_t *len, u32 *hash)
{
    const char *name = w->rest, *p;
    u32 h = 0;

    for (p = name; *p && *p != '/'; p++)
        h = h * 31 + (u8)*p;
    *len = p - name;
    *hash = h;
    w->slash = *p == '/';
    while (*p == '/')
        p++;
    w->rest = p;
    return name;
}

static enum last_type component_type(const char *name, size_t len)
{
    if (len == 1 && name[0] == '.')
        return LAST_DOT;
    if (len == 2 && name[0] == '.' && name[1] == '.')
        return LAST_DOTDOT;
    return LAST_NORM;
}

static int walk_locked(struct walk *w, bool to_parent)
{
    const char *name;
    size_t len;
    u32 hash;
    int err;

    w->type = LAST_ROOT;
    for (;;) {
        while (*w->rest == '/')
            w->rest++;
        if (!*w->rest)
            return 0;
        err = may_search(w->path.dentry->inode);
        if (err)
            return err;
        name = take_component(w, &len, &hash);
        w->type = name[0] == '.' ? component_type(name, len) : LAST_NORM;
        if (to_parent && !*w->rest) {
            w->name = name;
            w->len = len;
            return 0;
        }
        if (w->type == LAST_NORM)
            err = step_down_locked(w, name, len, hash);
        else if (w->type == LAST_DOTDOT)
            step_up_locked(w);
        if (err)
            return err;
    }
}

static int walk_text(struct walk *w, bool to_parent)
{
    int err;

    walk_lock();
    err = walk_locked(w, to_parent);
    walk_unlock(w);
    return err;
}

int walk_parent(struct walk *w, int dfd, const char *name)
{
    int err = walk_start(w, dfd, name, 0);

    return err ? err : walk_text(w, true);
}

int path_lookup(int dfd, const char *name, u32 flags, struct path *path)
{
    struct walk w;
    int err = walk_start(&w, dfd, name, flags);

    if (!err)
        err = walk_text(&w, false);
    if (!err && (w.slash || flags & LOOKUP_DIRECTORY) &&
        !S_ISDIR(w.path.dentry->inode->mode))
        err = -ENOTDIR;
    if (!err) {
        *path = w.path;
        w.path.dentry = NULL;
    }
    walk_end(&w);
    return err;
}

int user_path(int dfd, const char __user *name, u32 flags, struct path *path)
{
    struct filename kept;
    int err;

    err = filename_get(&kept, name);
    if (err)
        return err;
    err = path_lookup(dfd, kept.text, flags, path);
    filename_put(&kept);
    return err;
}

/* The child is there: w's position becomes what it leads to.  Returns 1 if
 * there is more text to walk (it was a link). */
static int open_existing(struct walk *w, struct dentry *child, u32 flags)
{
    if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
        return -EEXIST;
    if (S_ISLNK(child->inode->mode) && !(flags & O_NOFOLLOW)) {
        bool jump = child->inode->ops && child->inode->ops->follow;
        int err = follow_link(w, child->inode);

        return err ? err : !jump;
    }
    walk_lock();
    step_to_locked(w, child);
    cross_mounts_locked(w);
    walk_unlock(w);
    return 0;
}

/* Last component of an O_CREAT open.  Returns 1: a link, walk on. */
static int open_last(struct walk *w, u32 flags, mode_t mode, bool *created)
{
    struct dentry *parent = w->path.dentry, *child;
    int err;

    if (w->type != LAST_NORM && !w->slash && flags & O_EXCL)
        return -EEXIST;
    if (w->type != LAST_NORM || w->slash)
        return -EISDIR;
    mutex_lock(&parent->inode->lock);
    err = lookup_child(parent, w->name, w->len, &child);
    if (err == -ENOENT) {
        err = mnt_readonly(w->path.mnt)
                  ? -EROFS
                  : vfs_create(parent, w->name, w->len, mode, 0, &child);
        *created = !err;
    }
    mutex_unlock(&parent->inode->lock);
    if (err)
        return err;
    err = open_existing(w, child, *created ? 0 : flags);
    dput(child);
    return err;
}

int path_open_create(int dfd, const char *name, u32 flags, mode_t mode,
                     struct path *path, bool *created)
{
    struct walk w;
    int err = walk_start(&w, dfd, name, 0);

    *created = false;
    if (!err) {
        do {
            err = walk_text(&w, true);
            if (!err)
                err = open_last(&w, flags, mode, created);
        } while (err == 1);
    }
    if (!err) {
        *path = w.path;
        w.path.dentry = NULL;
    }
    walk_end(&w);
    return err;
}
