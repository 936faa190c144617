/*
 * kernel/fs/chrdev.c - character devices by number, and devtmpfs, in which
 * each of them has a node.
 *
 * Structure  one list; there are a few dozen devices and only open() looks.
 *            devtmpfs is one memory file system, however often mounted.
 * Locking    chrdevs_lock (spin) covers the list.
 * Invariant  a registered device has a node /dev/NAME in devtmpfs.
 * Context    may sleep.
 */
#include <kernel/core/panic.h>
#include <kernel/fs/tmpfs.h>
#include <kernel/lib/string.h>
#include <linux/magic.h>

struct chrdev {
    struct list_head link;
    dev_t dev;
    const struct file_operations *fops;
    void *private;
    char *name;
};

static LIST_HEAD(chrdevs);
static DEFINE_SPINLOCK(chrdevs_lock);
static struct vfsmount *dev_mount; /* keeps devtmpfs */

static struct chrdev *chrdev_find_locked(dev_t dev)
{
    struct chrdev *c;

    list_for_each_entry(c, &chrdevs, link)
        if (c->dev == dev)
            return c;
    return NULL;
}

void *chrdev_private(const struct inode *inode)
{
    struct chrdev *c;
    void *private;

    spin_lock(&chrdevs_lock);
    c = chrdev_find_locked(inode->rdev);
    private = c ? c->private : NULL;
    spin_unlock(&chrdevs_lock);
    return private;
}

static int chrdev_open(struct inode *inode, struct file *file)
{
    struct chrdev *c;

    spin_lock(&chrdevs_lock);
    c = chrdev_find_locked(inode->rdev);
    if (c)
        file->ops = c->fops;
    spin_unlock(&chrdevs_lock);
    if (!c)
        return -ENXIO;
    return file->ops->open ? file->ops->open(inode, file) : 0;
}

const struct file_operations chrdev_fops = {.open = chrdev_open};

/* The directory that NAME ("input/mice") belongs into; referenced. */
static struct dentry *node_parent(const char **name)
{
    struct dentry *dir = dev_mount->root, *child;
    const char *slash;

    dget(dir);
    while ((slash = strchr(*name, '/'))) {
        size_t len = slash - *name;

        mutex_lock(&dir->inode->lock);
        if (lookup_child(dir, *name, len, &child) &&
            vfs_create(dir, *name, len, S_IFDIR | 0755, 0, &child))
            child = NULL;
        mutex_unlock(&dir->inode->lock);
        dput(dir);
        if (!child)
            return NULL;
        dir = child;
        *name = slash + 1;
    }
    return dir;
}

static int node_create(const char *name, mode_t mode, dev_t dev)
{
    struct dentry *dir = node_parent(&name), *node;
    int err;

    if (!dir)
        return -ENOMEM;
    mutex_lock(&dir->inode->lock);
    err = lookup_child(dir, name, strlen(name), &node);
    if (err == -ENOENT)
        err = vfs_create(dir, name, strlen(name), S_IFCHR | mode, dev, &node);
    mutex_unlock(&dir->inode->lock);
    if (!err)
        dput(node);
    dput(dir);
    return err;
}

static void node_remove(const char *name)
{
    struct dentry *dir = node_parent(&name), *node;

    if (!dir)
        return;
    mutex_lock(&dir->inode->lock);
    if (!lookup_child(dir, name, strlen(name), &node)) {
        dir->inode->ops->unlink(dir->inode, node);
        node->inode->nlink--;
        d_unlink(node);
        dput(node);
    }
    mutex_unlock(&dir->inode->lock);
    dput(dir);
}

static void chrdev_free(struct chrdev *c)
{
    kfree(c->name);
    kfree(c);
}

int chrdev_register(dev_t dev, const char *name, mode_t mode,
                    const struct file_operations *fops, void *private)
{
    struct chrdev *c = kmalloc(sizeof(*c), GFP_KERNEL);
    int err = 0;

    if (!c)
        return -ENOMEM;
    *c = (struct chrdev){.dev = dev,
                         .fops = fops,
                         .private = private,
                         .name = kstrdup(name, GFP_KERNEL)};
    if (!c->name) {
        kfree(c);
        return -ENOMEM;
    }
    spin_lock(&chrdevs_lock);
    if (chrdev_find_locked(dev))
        err = -EBUSY;
    else
        list_add_tail(&c->link, &chrdevs);
    spin_unlock(&chrdevs_lock);
    if (err) {
        chrdev_free(c);
        return err;
    }
    err = node_create(name, mode, dev);
    if (err)
        chrdev_unregister(dev);
    return err;
}

int chrdev_open_node(const struct file *beside, const char *name, u32 flags,
                     struct file **file)
{
    struct dentry *dir = node_parent(&name);
    struct path path = {dev_mount, NULL};
    int err;

    if (!dir)
        return -ENOMEM;
    mutex_lock(&dir->inode->lock);
    err = lookup_child(dir, name, strlen(name), &path.dentry);
    mutex_unlock(&dir->inode->lock);
    dput(dir);
    if (err)
        return err;
    if (beside->mnt && beside->mnt->root == dev_mount->root)
        path.mnt = beside->mnt;
    err = file_open_path(&path, flags, file);
    dput(path.dentry);
    return err;
}

void chrdev_unregister(dev_t dev)
{
    struct chrdev *c;

    spin_lock(&chrdevs_lock);
    c = chrdev_find_locked(dev);
    if (c)
        list_del(&c->link);
    spin_unlock(&chrdevs_lock);
    if (!c)
        return;
    node_remove(c->name);
    chrdev_free(c);
}

/* /proc/devices: "MAJOR name" a line, each major once, in order. */
void chrdevs_print(struct printer *out)
{
    const struct chrdev *c;
    s64 last = -1;

    printer_puts(out, "Character devices:\n");
    for (;;) {
        const struct chrdev *next = NULL;

        spin_lock(&chrdevs_lock);
        list_for_each_entry(c, &chrdevs, link)
            if ((s64)MAJOR(c->dev) > last &&
                (!next || MAJOR(c->dev) < MAJOR(next->dev)))
                next = c;
        if (next) {
            last = MAJOR(next->dev);
            printer_printf(out, "%3u %s\n", (u32)last, next->name);
        }
        spin_unlock(&chrdevs_lock);
        if (!next)
            break;
    }
    printer_puts(out, "\nBlock devices:\n");
}

static int devtmpfs_get_super(const struct file_system_type *type,
                              const char *data, struct super_block **sb)
{
    (void)data;
    if (!dev_mount)
        return tmpfs_get_super(type, NULL, sb);
    *sb = dev_mount->sb;
    super_get(*sb);
    return 0;
}

static struct file_system_type devtmpfs_type = {
    .name = "devtmpfs",
    .nodev = true,
    .magic = TMPFS_MAGIC,
    .get_super = devtmpfs_get_super,
};

/* devtmpfs's directory pts by itself: pty nodes are there already. */
static int devpts_get_super(const struct file_system_type *type,
                            const char *data, struct super_block **sb)
{
    const char *name = "pts/";
    struct dentry *dir = node_parent(&name);

    (void)data;
    if (!dir)
        return -ENOMEM;
    *sb = super_create(type);
    if (!*sb) {
        dput(dir);
        return -ENOMEM;
    }
    (*sb)->root = dir;
    return 0;
}

static struct file_system_type devpts_type = {
    .name = "devpts",
    .nodev = true,
    .magic = DEVPTS_SUPER_MAGIC,
    .get_super = devpts_get_super,
};

void devtmpfs_init(void)
{
    fs_register(&devtmpfs_type);
    fs_register(&devpts_type);
    dev_mount = kern_mount("devtmpfs");
    if (!dev_mount)
        panic("no memory for devtmpfs");
}
