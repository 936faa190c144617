/*
 * kernel/fs/mount.c - kinds of file systems, instances of them (super
 * blocks), and the tree of mounts.
 *
 * Structure  one list of mounts in order of mounting; a mount knows the
 *            place where it sits (mount and dentry).  The dentry there is
 *            flagged, so that a path walk asks the list only at mount
 *            points.
 * Cost       crossing a mount point O(mounts), of which there are few.
 * Locking    dcache_lock covers the list and the places.  References are
 *            atomic: one for being attached, one per path and open file.
 * Invariant  attached <=> on the list; a mount's place is referenced.
 * Context    may sleep.
 */
#include <kernel/core/panic.h>
#include <kernel/fs/internal.h>
#include <kernel/lib/string.h>
#include <kernel/uapi/mount.h>
#include <mm/physmap.h>

static LIST_HEAD(mounts); /* (d) */
LIST_HEAD(file_systems);

static DEFINE_MUTEX(super_lock);
static atomic_t next_dev, next_mount_id;
static struct vfsmount *root_mount; /* (c) the top of the tree */

#define PROPAGATION (MS_UNBINDABLE | MS_PRIVATE | MS_SLAVE | MS_SHARED)
#define MNT_KEPT                                                               \
    (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME |               \
     MS_NODIRATIME | MS_SYNCHRONOUS)

void fs_register(struct file_system_type *type)
{
    list_add_tail(&type->link, &file_systems);
}

static struct file_system_type *type_find(const char *name)
{
    struct file_system_type *type;

    list_for_each_entry(type, &file_systems, link)
        if (!strcmp(type->name, name))
            return type;
    return NULL;
}

struct super_block *super_create(const struct file_system_type *type)
{
    struct super_block *sb = kzalloc(sizeof(*sb), GFP_KERNEL);

    if (!sb)
        return NULL;
    refcount_set(&sb->refs, 1);
    sb->type = type;
    sb->dev = MKDEV(0, atomic_add_return(&next_dev, 1));
    return sb;
}

void super_get(struct super_block *sb)
{
    refcount_inc(&sb->refs);
}

void super_put(struct super_block *sb)
{
    if (!refcount_dec_and_test(&sb->refs))
        return;
    if (sb->memory && sb->root)
        d_forget_tree(sb->root);
    dput(sb->root);
    kfree(sb);
}

void mnt_get(struct vfsmount *mnt)
{
    atomic_inc(&mnt->refs);
}

void mnt_put(struct vfsmount *mnt)
{
    if (!mnt || !atomic_dec_and_test(&mnt->refs))
        return;
    dput(mnt->root);
    super_put(mnt->sb);
    kfree(mnt->source);
    kfree(mnt);
}

void path_get(const struct path *path)
{
    mnt_get(path->mnt);
    dget(path->dentry);
}

void path_put(const struct path *path)
{
    dput(path->dentry);
    mnt_put(path->mnt);
}

void root_path_get(struct path *path)
{
    path->mnt = root_mount;
    path->dentry = root_mount->root;
    path_get(path);
}

/* Consumes nothing; the mount takes references of its own. */
static struct vfsmount *mnt_create(struct super_block *sb, struct dentry *root,
                                   const char *source, u32 flags)
{
    struct vfsmount *mnt = kzalloc(sizeof(*mnt), GFP_KERNEL);

    if (!mnt)
        return NULL;
    mnt->source = kstrdup(source, GFP_KERNEL);
    if (!mnt->source) {
        kfree(mnt);
        return NULL;
    }
    atomic_set(&mnt->refs, 1);
    mnt->flags = flags & MNT_KEPT;
    mnt->id = atomic_add_return(&next_mount_id, 1);
    mnt->sb = sb;
    mnt->root = root;
    list_init(&mnt->link);
    super_get(sb);
    dget(root);
    return mnt;
}

/* The new mount's one reference becomes that of being attached. */
static void attach(struct vfsmount *mnt, const struct path *at)
{
    if (at) {
        path_get(at);
        mnt->at = *at;
    }
    spin_lock(&dcache_lock);
    if (at) {
        at->dentry->flags |= DENTRY_MOUNTED;
        d_hash_locked(at->dentry);
    }
    list_add_tail(&mnt->link, &mounts);
    spin_unlock(&dcache_lock);
}

static bool place_in_use_locked(const struct dentry *dentry)
{
    const struct vfsmount *mnt;

    list_for_each_entry(mnt, &mounts, link)
        if (mnt->at.dentry == dentry)
            return true;
    return false;
}

/* Clears what attach() set; gives the place for the caller to put. */
static struct path detach_locked(struct vfsmount *mnt)
{
    struct path at = mnt->at;

    list_del(&mnt->link);
    mnt->at = (struct path){NULL, NULL};
    if (at.dentry && !place_in_use_locked(at.dentry)) {
        at.dentry->flags &= ~DENTRY_MOUNTED;
        if (!at.mnt->sb->memory)
            d_unhash_locked(at.dentry);
    }
    return at;
}

struct vfsmount *mount_find_locked(const struct vfsmount *mnt,
                                   const struct dentry *dentry)
{
    struct vfsmount *pos;

    list_for_each_entry(pos, &mounts, link)
        if (pos->at.dentry == dentry && pos->at.mnt == mnt)
            return pos;
    return NULL;
}

bool fs_type_known(const char *name)
{
    return type_find(name) != NULL;
}

static int get_super(const char *type_name, const char *data,
                     struct super_block **sb)
{
    const struct file_system_type *type = type_find(type_name);
    int err;

    if (!type)
        return -ENODEV;
    mutex_lock(&super_lock); /* some types make their only one now */
    err = type->get_super(type, data, sb);
    mutex_unlock(&super_lock);
    return err;
}

int do_mount(const char *source, const struct path *at, const char *type,
             u32 flags, const char *data)
{
    struct super_block *sb;
    struct vfsmount *mnt;
    int err = get_super(type, data, &sb);

    if (err)
        return err;
    mnt = mnt_create(sb, sb->root, source, flags);
    super_put(sb); /* the mount has its own reference */
    if (!mnt)
        return -ENOMEM;
    attach(mnt, at);
    return 0;
}

int bind_mount(const char *source, const struct path *from,
               const struct path *at, u32 flags)
{
    struct vfsmount *mnt;

    if (S_ISDIR(from->dentry->inode->mode) != S_ISDIR(at->dentry->inode->mode))
        return -ENOTDIR;
    mnt = mnt_create(from->mnt->sb, from->dentry, source,
                     flags | from->mnt->flags);
    if (!mnt)
        return -ENOMEM;
    attach(mnt, at);
    return 0;
}

int move_mount(const struct path *from, const struct path *to)
{
    struct path old;
    const struct vfsmount *above;

    if (from->dentry != from->mnt->root || !from->mnt->at.mnt)
        return -EINVAL;
    for (above = to->mnt; above; above = above->at.mnt)
        if (above == from->mnt)
            return -ELOOP;
    path_get(to);
    spin_lock(&dcache_lock);
    old = detach_locked(from->mnt);
    from->mnt->at = *to;
    to->dentry->flags |= DENTRY_MOUNTED;
    d_hash_locked(to->dentry);
    list_add_tail(&from->mnt->link, &mounts);
    spin_unlock(&dcache_lock);
    path_put(&old);
    return 0;
}

static struct vfsmount *child_mount_locked(const struct vfsmount *mnt)
{
    struct vfsmount *pos;

    list_for_each_entry(pos, &mounts, link)
        if (pos->at.mnt == mnt)
            return pos;
    return NULL;
}

/* Takes off `mnt` and, deepest first, what is mounted below it. */
static void detach_tree(struct vfsmount *mnt)
{
    struct vfsmount *victim;
    struct path at;

    do {
        struct vfsmount *below;

        spin_lock(&dcache_lock);
        for (victim = mnt; (below = child_mount_locked(victim));)
            victim = below;
        at = detach_locked(victim);
        spin_unlock(&dcache_lock);
        mnt_put(victim);
        path_put(&at);
    } while (victim != mnt);
}

int do_umount(const struct path *path, int flags)
{
    struct vfsmount *mnt = path->mnt;
    struct path at;

    if (path->dentry != mnt->root || list_empty(&mnt->link))
        return -EINVAL;
    if (mnt == root_mount)
        return -EINVAL;
    if (flags & MNT_DETACH) {
        detach_tree(mnt);
        return 0;
    }
    spin_lock(&dcache_lock);
    if (atomic_read(&mnt->refs) > 2) { /* attached, and the caller's path */
        spin_unlock(&dcache_lock);
        return -EBUSY;
    }
    at = detach_locked(mnt);
    spin_unlock(&dcache_lock);
    path_put(&at);
    mnt_put(mnt);
    return 0;
}

struct vfsmount *kern_mount(const char *type)
{
    struct super_block *sb;
    struct vfsmount *mnt;

    if (get_super(type, NULL, &sb))
        return NULL;
    mnt = mnt_create(sb, sb->root, type, 0);
    super_put(sb);
    return mnt;
}

void mount_root(void)
{
    root_mount = kern_mount("rootfs");
    if (!root_mount)
        panic("no memory for the root file system");
    attach(root_mount, NULL);
}

void mount_root_filled(void)
{
    struct super_block *sb = root_mount->sb;
    u64 ram = physmap_ram_pages();

    sb->max_pages = max(ram / 2, atomic_read(&sb->pages) + ram / 8);
}

struct vfsmount *mount_next(struct vfsmount *mnt)
{
    struct vfsmount *next = NULL;
    struct list_head *link;

    spin_lock(&dcache_lock);
    link = mnt ? mnt->link.next : mounts.next;
    if (link != &mounts && (!mnt || link != &mnt->link)) {
        next = list_entry(link, struct vfsmount, link);
        mnt_get(next);
    }
    spin_unlock(&dcache_lock);
    mnt_put(mnt);
    return next;
}
