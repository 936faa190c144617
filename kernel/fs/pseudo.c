/*
 * kernel/fs/pseudo.c - trees of entries that the kernel answers for.
 *
 * Structure  an entry is a directory, a file with a table of functions, or a
 *            link; the tree belongs to no file system, a super block shows
 *            it. Inodes and dentries come when somebody asks and go when he
 *            is done: a machine full of entries costs only the entries.
 * Cost       look-up O(entries of the directory), of which there are few.
 * Locking    pseudo_lock (spin) covers the trees and `users`.
 * Invariant  show and store run only while `users` counts them, and never on
 *            a removed entry; pseudo_remove returns when none runs.
 * Context    may sleep.
 */
#include <kernel/core/panic.h>
#include <kernel/fs/poll.h>
#include <kernel/fs/pseudo_internal.h>
#include <kernel/fs/text.h>
#include <kernel/lib/string.h>

struct pseudo_entry {
    refcount_t refs; /* the tree's, and one per inode */
    struct pseudo_entry *parent;
    struct list_head children; /* (pseudo_lock) in order of cookie */
    struct list_head sibling;
    mode_t mode;
    uid_t uid;
    gid_t gid;
    u32 nlink;
    u32 cookie; /* also the inode number */
    u32 users;  /* (pseudo_lock) calls of ops under way */
    bool removed;
    u64 size;
    const struct pseudo_ops *ops;
    void *data;
    char *target;
    const struct inode_operations *link_ops;
    const struct pseudo_dynamic *dynamic;
    u64 born;
    char name[];
};

static DEFINE_SPINLOCK(pseudo_lock);
static DEFINE_WAIT_QUEUE(pseudo_idle); /* some entry's users dropped to 0 */
static u32 next_cookie = 2;            /* (pseudo_lock) after "." and ".." */

static const struct inode_operations pseudo_dir_ops, pseudo_file_ops,
    pseudo_link_operations;
static const struct file_operations pseudo_dir_fops, pseudo_text_fops,
    pseudo_text_write_fops;

static struct pseudo_entry *entry_alloc(const char *name, mode_t mode)
{
    size_t len = strlen(name);
    struct pseudo_entry *e = kzalloc(sizeof(*e) + len + 1, GFP_KERNEL);

    if (!e)
        return NULL;
    memcpy(e->name, name, len);
    refcount_set(&e->refs, 1);
    list_init(&e->children);
    list_init(&e->sibling);
    e->mode = mode;
    e->nlink = S_ISDIR(mode) ? 2 : 1;
    e->born = ktime_get_real();
    return e;
}

static void entry_put(struct pseudo_entry *e)
{
    if (!refcount_dec_and_test(&e->refs))
        return;
    kfree(e->target);
    kfree(e);
}

static struct pseudo_entry *find_locked(struct pseudo_entry *dir,
                                        const char *name, size_t len)
{
    struct pseudo_entry *e;

    list_for_each_entry(e, &dir->children, sibling)
        if (!strncmp(e->name, name, len) && !e->name[len])
            return e;
    return NULL;
}

/* Links e below dir; NULL (and e is gone) if the name is taken. */
static struct pseudo_entry *entry_add(struct pseudo_entry *dir,
                                      struct pseudo_entry *e)
{
    bool taken;

    spin_lock(&pseudo_lock);
    taken = dir->removed || find_locked(dir, e->name, strlen(e->name));
    if (!taken) {
        e->parent = dir;
        e->cookie = next_cookie++;
        list_add_tail(&e->sibling, &dir->children);
        if (S_ISDIR(e->mode))
            dir->nlink++;
    }
    spin_unlock(&pseudo_lock);
    if (!taken)
        return e;
    entry_put(e);
    return NULL;
}

struct pseudo_entry *pseudo_root(void)
{
    struct pseudo_entry *e = entry_alloc("", S_IFDIR | 0555);

    if (e)
        e->cookie = 1;
    return e;
}

struct pseudo_entry *pseudo_mkdir(struct pseudo_entry *dir, const char *name)
{
    struct pseudo_entry *e = entry_alloc(name, S_IFDIR | 0555);

    return e ? entry_add(dir, e) : NULL;
}

struct pseudo_entry *pseudo_create(struct pseudo_entry *dir, const char *name,
                                   mode_t mode, const struct pseudo_ops *ops,
                                   void *data)
{
    struct pseudo_entry *e = entry_alloc(name, S_IFREG | (mode & 0777));

    if (!e)
        return NULL;
    e->ops = ops;
    e->data = data;
    return entry_add(dir, e);
}

struct pseudo_entry *pseudo_symlink(struct pseudo_entry *dir, const char *name,
                                    const char *target)
{
    struct pseudo_entry *e = entry_alloc(name, S_IFLNK | 0777);

    if (!e)
        return NULL;
    e->target = kstrdup(target, GFP_KERNEL);
    if (!e->target) {
        entry_put(e);
        return NULL;
    }
    e->size = strlen(target);
    return entry_add(dir, e);
}

struct pseudo_entry *pseudo_link_ops(struct pseudo_entry *dir, const char *name,
                                     const struct inode_operations *ops)
{
    struct pseudo_entry *e = entry_alloc(name, S_IFLNK | 0777);

    if (!e)
        return NULL;
    e->link_ops = ops;
    return entry_add(dir, e);
}

void pseudo_set_size(struct pseudo_entry *entry, u64 size)
{
    entry->size = size;
}

void pseudo_set_dynamic(struct pseudo_entry *dir,
                        const struct pseudo_dynamic *dynamic)
{
    dir->dynamic = dynamic;
}

struct pseudo_entry *pseudo_find(struct pseudo_entry *dir, const char *name)
{
    struct pseudo_entry *e;

    spin_lock(&pseudo_lock);
    e = find_locked(dir, name, strlen(name));
    spin_unlock(&pseudo_lock);
    return e;
}

static bool is_idle(const struct pseudo_entry *e)
{
    return !READ_ONCE(e->users);
}

/* A leaf below `entry`, or entry itself, off its parent's list. */
static struct pseudo_entry *take_leaf(struct pseudo_entry *entry)
{
    struct pseudo_entry *e = entry;

    spin_lock(&pseudo_lock);
    e->removed = true; /* nothing new below it */
    while (!list_empty(&e->children)) {
        e = list_first_entry(&e->children, struct pseudo_entry, sibling);
        e->removed = true;
    }
    list_del(&e->sibling);
    if (e->parent && S_ISDIR(e->mode))
        e->parent->nlink--;
    spin_unlock(&pseudo_lock);
    return e;
}

void pseudo_remove(struct pseudo_entry *entry)
{
    struct pseudo_entry *e;
    bool last;

    if (!entry)
        return;
    do {
        e = take_leaf(entry);
        wait_event(&pseudo_idle, is_idle(e));
        last = e == entry;
        entry_put(e);
    } while (!last);
}

/* ---- calls ---- */

static bool enter(struct pseudo_entry *e)
{
    bool ok;

    spin_lock(&pseudo_lock);
    ok = !e->removed;
    if (ok)
        e->users++;
    spin_unlock(&pseudo_lock);
    return ok;
}

static void leave(struct pseudo_entry *e)
{
    bool idle;

    spin_lock(&pseudo_lock);
    idle = !--e->users && e->removed;
    spin_unlock(&pseudo_lock);
    if (idle)
        wake_up_all(&pseudo_idle);
}

static int pseudo_open(struct inode *inode, struct file *file)
{
    if (file->fmode & FMODE_READ && !inode->pseudo->ops->show)
        return -EIO;
    if (!inode->pseudo->ops->at_start)
        file->fmode |= FMODE_NO_PWRITE;
    return text_open(file);
}

static void pseudo_release(struct inode *inode, struct file *file)
{
    (void)inode;
    text_release(file);
}

static int pseudo_fill(struct file *file, struct printer *out)
{
    struct pseudo_entry *e = file->inode->pseudo;
    int err = -ENODEV;

    if (enter(e)) {
        err = e->ops->show(e->data, out);
        leave(e);
    }
    return err;
}

static ssize_t pseudo_read(struct file *file, char __user *buf, size_t count,
                           loff_t *pos)
{
    return text_read(file, buf, count, pos, pseudo_fill);
}

static ssize_t pseudo_read_kernel(struct file *file, void *buf, size_t count,
                                  loff_t pos)
{
    return text_read_kernel(file, buf, count, pos, pseudo_fill);
}

static ssize_t pseudo_write(struct file *file, const char __user *buf,
                            size_t count, loff_t *pos)
{
    struct pseudo_entry *e = file->inode->pseudo;
    ssize_t n = min(count, PAGE_SIZE - 1);
    char *text = kmalloc(n + 1, GFP_KERNEL);

    if (!text)
        return -ENOMEM;
    if (copy_from_user(text, buf, n)) {
        n = -EFAULT;
    } else if (!enter(e)) {
        n = -ENODEV;
    } else {
        text[n] = 0;
        if (!e->ops->at_start || !*pos)
            n = e->ops->store(e->data, text, n);
        leave(e);
    }
    kfree(text);
    if (n > 0)
        *pos += n;
    return n;
}

/* Always ready; having it makes epoll take the file. */
static u32 pseudo_poll(struct file *file, struct poll_table *table)
{
    (void)file;
    (void)table;
    return POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;
}

/* Linux's answers where there is nothing to map. */
static int pseudo_mmap(struct file *file, struct vm_area_struct *vma)
{
    (void)vma;
    return strcmp(file->inode->sb->type->name, "proc") ? -ENODEV : -EIO;
}

static const struct file_operations pseudo_text_fops = {
    .open = pseudo_open,
    .read = pseudo_read,
    .read_kernel = pseudo_read_kernel,
    .llseek = generic_llseek,
    .mmap = pseudo_mmap,
    .poll = pseudo_poll,
    .release = pseudo_release,
};
static const struct file_operations pseudo_text_write_fops = {
    .open = pseudo_open,
    .read = pseudo_read,
    .read_kernel = pseudo_read_kernel,
    .write = pseudo_write,
    .llseek = generic_llseek,
    .mmap = pseudo_mmap,
    .poll = pseudo_poll,
    .release = pseudo_release,
};

/* ---- as a file system ---- */

/* Consumes a reference of e. */
static struct inode *entry_inode(struct super_block *sb, struct pseudo_entry *e)
{
    struct inode *inode = inode_create(sb, e->mode);

    if (!inode) {
        entry_put(e);
        return NULL;
    }
    inode->pseudo = e;
    inode->private = e->data;
    inode->ino = e->cookie;
    inode->uid = e->uid;
    inode->gid = e->gid;
    inode->nlink = e->nlink;
    inode->size = e->size;
    inode->atime = inode->mtime = inode->ctime = e->born;
    inode->ops = &pseudo_file_ops;
    if (S_ISDIR(e->mode)) {
        inode->ops = &pseudo_dir_ops;
        inode->fops = &pseudo_dir_fops;
    } else if (S_ISLNK(e->mode)) {
        inode->ops = e->link_ops ? e->link_ops : &pseudo_link_operations;
    } else if (e->ops->fops) {
        inode->fops = e->ops->fops;
    } else {
        inode->fops =
            e->ops->store ? &pseudo_text_write_fops : &pseudo_text_fops;
    }
    return inode;
}

static int pseudo_lookup(struct inode *dir, const char *name, size_t len,
                         struct inode **inode)
{
    struct pseudo_entry *parent = dir->pseudo, *e;

    spin_lock(&pseudo_lock);
    e = find_locked(parent, name, len);
    if (e)
        refcount_inc(&e->refs);
    spin_unlock(&pseudo_lock);
    if (!e)
        return parent->dynamic ? parent->dynamic->lookup(dir, name, len, inode)
                               : -ENOENT;
    *inode = entry_inode(dir->sb, e);
    return *inode ? 0 : -ENOMEM;
}

static ssize_t pseudo_readlink(struct inode *inode, char *buf, size_t size)
{
    size_t len = min(strlen(inode->pseudo->target), size);

    memcpy(buf, inode->pseudo->target, len);
    return len;
}

static int pseudo_setattr(struct inode *inode)
{
    struct pseudo_entry *e = inode->pseudo;

    e->mode = inode->mode;
    e->uid = inode->uid;
    e->gid = inode->gid;
    return 0;
}

/* First child at or after a position, referenced. */
static struct pseudo_entry *child_at(struct pseudo_entry *dir, loff_t pos)
{
    struct pseudo_entry *e, *found = NULL;

    spin_lock(&pseudo_lock);
    list_for_each_entry(e, &dir->children, sibling) {
        if (e->cookie >= pos) {
            refcount_inc(&e->refs);
            found = e;
            break;
        }
    }
    spin_unlock(&pseudo_lock);
    return found;
}

static int pseudo_iterate(struct file *file, struct dir_context *ctx)
{
    struct pseudo_entry *dir = file->inode->pseudo, *e;

    if (!dir_emit_dots(file, ctx))
        return 0;
    while (ctx->pos < PSEUDO_DYNAMIC_POS && (e = child_at(dir, ctx->pos))) {
        u32 cookie = e->cookie;
        bool more = ctx->emit(ctx, e->name, strlen(e->name), cookie,
                              mode_dtype(e->mode));

        entry_put(e);
        if (!more)
            return 0;
        ctx->pos = (loff_t)cookie + 1;
    }
    if (!dir->dynamic)
        return 0;
    ctx->pos = max(ctx->pos, (loff_t)PSEUDO_DYNAMIC_POS);
    return dir->dynamic->iterate(file, ctx);
}

static const struct inode_operations pseudo_dir_ops = {
    .lookup = pseudo_lookup,
    .setattr = pseudo_setattr,
};
/* Opening with O_TRUNC is what `echo x > file` does; nothing is cut. */
static int pseudo_truncate(struct inode *inode, u64 size)
{
    (void)inode;
    (void)size;
    return 0;
}
static const struct inode_operations pseudo_file_ops = {
    .truncate = pseudo_truncate,
    .setattr = pseudo_setattr,
};
static const struct inode_operations pseudo_link_operations = {
    .readlink = pseudo_readlink,
};
static const struct file_operations pseudo_dir_fops = {
    .iterate = pseudo_iterate,
    .llseek = generic_llseek,
};

static void pseudo_evict(struct inode *inode)
{
    if (inode->pseudo)
        entry_put(inode->pseudo);
}

static int create_super(const struct file_system_type *type,
                        struct pseudo_entry *root, struct super_block **result)
{
    struct super_block *sb = super_create(type);
    struct inode *inode;

    if (!sb)
        return -ENOMEM;
    sb->evict = pseudo_evict;
    refcount_inc(&root->refs);
    inode = entry_inode(sb, root);
    sb->root = inode ? d_make_root(inode) : NULL;
    if (!sb->root) {
        super_put(sb);
        return -ENOMEM;
    }
    *result = sb;
    return 0;
}

int pseudo_super(const struct file_system_type *type, struct pseudo_entry *root,
                 struct super_block **only, struct super_block **sb)
{
    int err = *only ? 0 : create_super(type, root, only);

    if (err)
        return err;
    super_get(*only);
    *sb = *only;
    return 0;
}
