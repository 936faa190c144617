/*
 * kernel/fs/initramfs.c - the loader's cpio archive becomes the root.
 *
 * Each entry is made where its path says; missing directories above it are
 * made too.  File data is copied into page-cache pages, and every whole page
 * of the archive that lies behind us goes to the page allocator at once, so
 * that the archive and its files need not fit into RAM together.
 *
 * Structure  hard links are found by (device, inode) in a list that lives
 *            while names of one thing are missing: archives keep them close.
 * Context    once, at start-up, single-threaded.  A damaged archive is said
 *            in words, and what came before the damage stays.
 */
#include <boot/bootinfo.h>
#include <kernel/core/panic.h>
#include <kernel/fs/tmpfs.h>
#include <kernel/lib/cpio.h>
#include <kernel/lib/string.h>
#include <mm/init.h>
#include <mm/layout.h>
#include <mm/page.h>

struct hard_link { /* a thing of which more names may come */
    struct list_head link;
    u32 ino, dev_major, dev_minor;
    u32 left; /* names still to come */
    struct inode *inode;
};

struct unpack {
    const u8 *start;   /* of the archive */
    phys_addr_t freed; /* all below is given back */
    u64 entries, bytes;
    struct list_head links;
    struct dentry *dir; /* of the last entry, referenced; most share it */
    char dir_name[160];
    char name[64]; /* of the last entry, cut: its page may be gone already */
};

/* Gives back the whole pages before `upto`. */
static void give_back(struct unpack *u, phys_addr_t upto)
{
    upto = ALIGN_DOWN(upto, PAGE_SIZE);
    if (upto <= u->freed)
        return;
    memory_free_reserved(u->freed, upto);
    u->freed = upto;
}

static phys_addr_t archive_phys(const struct unpack *u, const void *at)
{
    return bootinfo.initrd_start + ((const u8 *)at - u->start);
}

/* The child directory, made if need be; consumes dir. */
static struct dentry *enter_dir(struct dentry *dir, const char *name,
                                size_t len)
{
    struct dentry *child;
    int err;

    mutex_lock(&dir->inode->lock);
    err = lookup_child(dir, name, len, &child);
    if (err == -ENOENT)
        err = vfs_create(dir, name, len, S_IFDIR | 0755, 0, &child);
    mutex_unlock(&dir->inode->lock);
    dput(dir);
    if (!err && !S_ISDIR(child->inode->mode)) {
        dput(child);
        return NULL;
    }
    return err ? NULL : child;
}

/* Directory of a path without its last component; NULL: impossible. */
static struct dentry *find_dir(struct unpack *u, const char *path, size_t len)
{
    struct path root;
    struct dentry *dir;
    size_t at = 0, end;

    if (u->dir && strlen(u->dir_name) == len && !memcmp(u->dir_name, path, len))
        return u->dir;
    root_path_get(&root);
    dir = root.dentry;
    mnt_put(root.mnt);
    while (dir && at < len) {
        for (end = at; end < len && path[end] != '/'; end++)
            ;
        if (end > at && !(end == at + 1 && path[at] == '.'))
            dir = enter_dir(dir, path + at, end - at);
        at = end + 1;
    }
    dput(u->dir);
    u->dir = dir;
    u->dir_name[0] = 0;
    if (dir && len < sizeof(u->dir_name)) {
        memcpy(u->dir_name, path, len);
        u->dir_name[len] = 0;
    } else if (dir) { /* too long to remember: never equal */
        u->dir_name[0] = '/';
        u->dir_name[1] = 0;
    }
    return dir;
}

static struct hard_link *link_find(struct unpack *u, const struct cpio_entry *e)
{
    struct hard_link *l;

    list_for_each_entry(l, &u->links, link)
        if (l->ino == e->ino && l->dev_major == e->dev_major &&
            l->dev_minor == e->dev_minor)
            return l;
    return NULL;
}

static void link_remember(struct unpack *u, const struct cpio_entry *e,
                          struct inode *inode)
{
    struct hard_link *l = kmalloc(sizeof(*l), GFP_KERNEL);

    if (!l)
        return; /* the other names will be copies */
    *l = (struct hard_link){.ino = e->ino,
                            .dev_major = e->dev_major,
                            .dev_minor = e->dev_minor,
                            .left = e->nlink - 1,
                            .inode = inode};
    inode_get(inode);
    list_add(&l->link, &u->links);
}

static void link_forget(struct hard_link *l)
{
    list_del(&l->link);
    inode_put(l->inode);
    kfree(l);
}

/* The thing itself: new, or another name of one that came before. */
static struct inode *thing_for(struct unpack *u, struct super_block *sb,
                               const struct cpio_entry *e)
{
    struct hard_link *l = NULL;
    struct inode *inode;

    if (e->nlink > 1 && !S_ISDIR(e->mode))
        l = link_find(u, e);
    if (l) {
        inode = l->inode;
        inode_get(inode);
        inode->nlink++;
        if (!--l->left)
            link_forget(l);
        return inode;
    }
    inode = tmpfs_inode(sb, e->mode, MKDEV(e->rdev_major, e->rdev_minor));
    if (inode && e->nlink > 1 && !S_ISDIR(e->mode))
        link_remember(u, e, inode);
    return inode;
}

static int fill(struct unpack *u, struct inode *inode,
                const struct cpio_entry *e)
{
    size_t done = 0, piece;
    ssize_t n;

    if (S_ISLNK(e->mode)) {
        inode->link = kmalloc(e->size + 1, GFP_KERNEL);
        if (!inode->link)
            return -ENOMEM;
        memcpy(inode->link, e->data, e->size);
        inode->link[e->size] = 0;
        inode->size = e->size;
        return 0;
    }
    if (!S_ISREG(e->mode))
        return 0;
    for (; done < e->size; done += n) {
        piece = min((size_t)e->size - done, 16 * PAGE_SIZE);
        n = tmpfs_append(inode, e->data + done, piece);
        if (n <= 0)
            return n ? n : -ENOSPC;
        give_back(u, archive_phys(u, e->data + done + n));
    }
    u->bytes += done;
    return 0;
}

static void set_attributes(struct inode *inode, const struct cpio_entry *e)
{
    inode->mode = e->mode;
    inode->uid = e->uid;
    inode->gid = e->gid;
    inode->atime = inode->mtime = e->mtime * NSEC_PER_SEC;
}

/* A directory that is there already takes the entry's attributes; anything
 * else gives way to the entry. */
static bool settle_existing(struct dentry *dir, struct dentry *old,
                            const struct cpio_entry *e)
{
    if (S_ISDIR(old->inode->mode)) {
        if (S_ISDIR(e->mode))
            set_attributes(old->inode, e);
        dput(old);
        return true;
    }
    dir->inode->ops->unlink(dir->inode, old);
    old->inode->nlink--;
    d_unlink(old);
    dput(old);
    return false;
}

static int add_name(struct unpack *u, struct dentry *dir, const char *name,
                    size_t len, const struct cpio_entry *e)
{
    struct dentry *dentry;
    struct inode *inode;

    if (!lookup_child(dir, name, len, &dentry) &&
        settle_existing(dir, dentry, e))
        return 0;
    dentry = d_alloc(dir, name, len);
    if (!dentry)
        return -ENOMEM;
    inode = thing_for(u, dir->inode->sb, e);
    if (!inode) {
        dput(dentry);
        return -ENOMEM;
    }
    set_attributes(inode, e);
    if (S_ISDIR(e->mode))
        dir->inode->nlink++;
    d_link(dentry, inode);
    dput(dentry);
    return fill(u, inode, e);
}

static int add_entry(struct unpack *u, const struct cpio_entry *e)
{
    const char *path = e->name, *name;
    struct dentry *dir;
    size_t len;
    int err;

    while (*path == '/' || (path[0] == '.' && path[1] == '/'))
        path++;
    len = strlen(path);
    while (len && path[len - 1] == '/')
        len--;
    if (!len || (len == 1 && *path == '.'))
        return 0; /* the root itself */
    for (name = path + len; name > path && name[-1] != '/'; name--)
        ;
    len -= name - path;
    if (len > NAME_MAX)
        return -ENAMETOOLONG;
    dir = find_dir(u, path, name > path ? name - path - 1 : 0);
    if (!dir)
        return -ENOTDIR;
    mutex_lock(&dir->inode->lock);
    err = add_name(u, dir, name, len, e);
    mutex_unlock(&dir->inode->lock);
    return err;
}

static void unpack_all(struct unpack *u, size_t size)
{
    struct cpio_reader reader;
    struct cpio_entry entry;
    int err = 0;

    cpio_start(&reader, u->start, size);
    while (!err && cpio_next(&reader, &entry)) {
        strscpy(u->name, entry.name, sizeof(u->name));
        err = add_entry(u, &entry);
        if (err)
            pr_err("initramfs: cannot make /%s: %s; the rest is left out\n",
                   u->name,
                   err == -ENOMEM || err == -ENOSPC
                       ? "no memory left"
                       : "its path is not possible");
        u->entries++;
        give_back(u, archive_phys(u, u->start + reader.pos));
    }
    if (reader.error)
        pr_err("initramfs: the archive cannot be used from byte %zu of %zu "
               "on: %s; what came before is kept\n",
               reader.pos, size, reader.error);
}

/* What Linux's own built-in archive holds. */
static void make_basics(void)
{
    do_mkdir(AT_FDCWD, "/dev", 0755);
    do_mknod(AT_FDCWD, "/dev/console", S_IFCHR | 0600, MKDEV(5, 1));
    do_mkdir(AT_FDCWD, "/root", 0700);
}

void initramfs_unpack(void)
{
    phys_addr_t start = bootinfo.initrd_start, end = bootinfo.initrd_end;
    struct unpack u = {.start = __va(start),
                       .freed = ALIGN_UP(start, PAGE_SIZE)};
    struct hard_link *l, *next;

    make_basics();
    if (start >= end) {
        pr_warn("initramfs: the loader gave none\n");
        return;
    }
    list_init(&u.links);
    unpack_all(&u, end - start);
    dput(u.dir);
    list_for_each_entry_safe(l, next, &u.links, link)
        link_forget(l);
    give_back(&u, ALIGN_UP(end, PAGE_SIZE));
    bootinfo.initrd_start = bootinfo.initrd_end = 0;
    mount_root_filled();
    pr_info("initramfs: %llu entries, %llu KiB\n",
            (unsigned long long)u.entries, (unsigned long long)(u.bytes / KIB));
}
