/*
 * kernel/fs/dcache.c - names: a tree of dentries, and a hash to find one.
 *
 * Structure  each dentry knows its parent (referenced) and its children; the
 *            hash is over (parent, name).  A memory file system's directory
 *            is its list of children, ordered by a cookie that getdents
 *            uses as position, so that removing names while reading a
 *            directory neither repeats nor skips others.
 * Cost       look-up O(1), link and unlink O(1), resuming a directory at a
 *            position O(its names).
 * Locking    dcache_lock (spin) covers hash, tree and names.  References are
 *            atomic; a hashed dentry has at least one, so a look-up under
 *            the lock may raise it.
 * Invariant  hashed <=> DENTRY_HASHED; a linked dentry of a memory file
 *            system is hashed, on its parent's list, and pinned once.
 * Context    dput may sleep; the rest does not, but for allocation.
 */
#include <kernel/core/panic.h>
#include <kernel/fs/internal.h>
#include <kernel/lib/string.h>

#define HASH_BITS 9
#define HASH_SIZE (1u << HASH_BITS)
#define DOTS 2 /* directory positions 0 and 1 are "." and ".." */

DEFINE_SPINLOCK(dcache_lock);

static struct dentry *dentry_hash[HASH_SIZE];
static struct kmem_cache *dentry_cache;
static u32 next_cookie = DOTS; /* (d) never repeats within a directory */

void dcache_init(void)
{
    dentry_cache = kmem_cache_create("dentry", sizeof(struct dentry), 0,
                                     SLAB_RECLAIM_ACCOUNT, NULL);
    if (!dentry_cache)
        panic("no memory for the dentry cache");
}

static u32 name_hash(const char *name, size_t len)
{
    u32 hash = 0;

    while (len--)
        hash = hash * 31 + (u8)*name++;
    return hash;
}

static struct dentry **hash_slot(const struct dentry *parent, u32 hash)
{
    u64 mixed = (hash + ((u64)parent >> 4)) * 0x9e3779b97f4a7c15ull;

    return &dentry_hash[mixed >> (64 - HASH_BITS)];
}

struct dentry *d_alloc(struct dentry *parent, const char *name, size_t len)
{
    struct dentry *dentry = kmem_cache_alloc(dentry_cache, GFP_KERNEL);

    if (!dentry)
        return NULL;
    dentry->name = dentry->inline_name;
    if (len >= DENTRY_INLINE)
        dentry->name = kmalloc(len + 1, GFP_KERNEL);
    if (!dentry->name) {
        kmem_cache_free(dentry_cache, dentry);
        return NULL;
    }
    memcpy(dentry->name, name, len);
    dentry->name[len] = 0;
    dentry->len = len;
    dentry->hash = name_hash(name, len);
    atomic_set(&dentry->refs, 1);
    dentry->flags = 0;
    dentry->cookie = 0;
    dentry->next_hash = NULL;
    dentry->inode = NULL;
    list_init(&dentry->children);
    list_init(&dentry->sibling);
    dentry->parent = parent ? parent : dentry;
    if (parent)
        dget(parent);
    return dentry;
}

struct dentry *d_make_root(struct inode *inode)
{
    struct dentry *root = d_alloc(NULL, "/", 1);

    if (!root) {
        inode_put(inode);
        return NULL;
    }
    root->inode = inode;
    return root;
}

void dget(struct dentry *dentry)
{
    atomic_inc(&dentry->refs);
}

void dput(struct dentry *dentry)
{
    while (dentry && atomic_dec_and_test(&dentry->refs)) {
        struct dentry *parent = dentry->parent;

        BUG_ON(dentry->flags & DENTRY_HASHED);
        if (dentry->inode)
            inode_put(dentry->inode);
        if (dentry->name != dentry->inline_name)
            kfree(dentry->name);
        parent = parent == dentry ? NULL : parent;
        kmem_cache_free(dentry_cache, dentry);
        dentry = parent;
    }
}

struct dentry *d_find_locked(struct dentry *parent, const char *name,
                             size_t len, u32 hash)
{
    struct dentry *dentry = *hash_slot(parent, hash);

    for (; dentry; dentry = dentry->next_hash)
        if (dentry->hash == hash && dentry->parent == parent &&
            dentry->len == len && !memcmp(dentry->name, name, len))
            return dentry;
    return NULL;
}

struct dentry *d_find(struct dentry *parent, const char *name, size_t len)
{
    struct dentry *dentry;

    spin_lock(&dcache_lock);
    dentry = d_find_locked(parent, name, len, name_hash(name, len));
    if (dentry)
        dget(dentry);
    spin_unlock(&dcache_lock);
    return dentry;
}

void d_hash_locked(struct dentry *dentry)
{
    struct dentry **slot = hash_slot(dentry->parent, dentry->hash);

    if (dentry->flags & DENTRY_HASHED)
        return;
    dentry->next_hash = *slot;
    *slot = dentry;
    dentry->flags |= DENTRY_HASHED;
}

void d_unhash_locked(struct dentry *dentry)
{
    struct dentry **slot = hash_slot(dentry->parent, dentry->hash);

    if (!(dentry->flags & DENTRY_HASHED))
        return;
    while (*slot != dentry)
        slot = &(*slot)->next_hash;
    *slot = dentry->next_hash;
    dentry->flags &= ~DENTRY_HASHED;
}

void d_link(struct dentry *dentry, struct inode *inode)
{
    dentry->inode = inode;
    dget(dentry);
    spin_lock(&dcache_lock);
    dentry->cookie = next_cookie++;
    list_add_tail(&dentry->sibling, &dentry->parent->children);
    d_hash_locked(dentry);
    spin_unlock(&dcache_lock);
}

static void d_drop_locked(struct dentry *dentry)
{
    d_unhash_locked(dentry);
    list_del(&dentry->sibling);
    dentry->flags |= DENTRY_DEAD;
}

void d_unlink(struct dentry *dentry)
{
    spin_lock(&dcache_lock);
    d_drop_locked(dentry);
    spin_unlock(&dcache_lock);
    dput(dentry);
}

/* Exchanges what makes up a dentry's place: parent and name. */
static void swap_places_locked(struct dentry *a, struct dentry *b)
{
    struct dentry *parent = a->parent;
    char *name = a->name, inlined[DENTRY_INLINE];
    u8 len = a->len;
    u32 hash = a->hash;
    bool a_inline = a->name == a->inline_name;
    bool b_inline = b->name == b->inline_name;

    memcpy(inlined, a->inline_name, DENTRY_INLINE);
    memcpy(a->inline_name, b->inline_name, DENTRY_INLINE);
    memcpy(b->inline_name, inlined, DENTRY_INLINE);
    a->name = b_inline ? a->inline_name : b->name;
    b->name = a_inline ? b->inline_name : name;
    a->len = b->len;
    b->len = len;
    a->hash = b->hash;
    b->hash = hash;
    a->parent = b->parent; /* the references go with the places */
    b->parent = parent;
}

void d_move(struct dentry *dentry, struct dentry *target)
{
    spin_lock(&dcache_lock);
    d_unhash_locked(dentry);
    list_del(&dentry->sibling);
    swap_places_locked(dentry, target);
    dentry->cookie = next_cookie++;
    list_add_tail(&dentry->sibling, &dentry->parent->children);
    d_hash_locked(dentry);
    spin_unlock(&dcache_lock);
}

void d_exchange(struct dentry *a, struct dentry *b)
{
    spin_lock(&dcache_lock);
    d_unhash_locked(a);
    d_unhash_locked(b);
    list_del(&a->sibling);
    list_del(&b->sibling);
    swap_places_locked(a, b);
    a->cookie = next_cookie++;
    b->cookie = next_cookie++;
    list_add_tail(&a->sibling, &a->parent->children);
    list_add_tail(&b->sibling, &b->parent->children);
    d_hash_locked(a);
    d_hash_locked(b);
    spin_unlock(&dcache_lock);
}

bool d_has_children(struct dentry *dentry)
{
    bool any;

    spin_lock(&dcache_lock);
    any = !list_empty(&dentry->children);
    spin_unlock(&dcache_lock);
    return any;
}

bool d_is_ancestor(const struct dentry *above, const struct dentry *below)
{
    bool is = false;

    spin_lock(&dcache_lock);
    for (; !is; below = below->parent) {
        is = below == above;
        if (below->parent == below)
            break;
    }
    spin_unlock(&dcache_lock);
    return is;
}

/* Takes leaves off until only the root is left: no recursion, however deep. */
void d_forget_tree(struct dentry *root)
{
    struct dentry *dentry = root, *parent;

    for (;;) {
        spin_lock(&dcache_lock);
        while (!list_empty(&dentry->children))
            dentry =
                list_first_entry(&dentry->children, struct dentry, sibling);
        if (dentry == root) {
            spin_unlock(&dcache_lock);
            return;
        }
        parent = dentry->parent;
        d_drop_locked(dentry);
        spin_unlock(&dcache_lock);
        dput(dentry);
        dentry = parent; /* the tree above still pins it */
    }
}

static bool prepend(char **at, char *start, const char *text, size_t len)
{
    if ((size_t)(*at - start) < len)
        return false;
    *at -= len;
    memcpy(*at, text, len);
    return true;
}

static char *d_path_locked(const struct path *path, const struct path *root,
                           char *buf, char *end)
{
    const struct vfsmount *mnt = path->mnt;
    const struct dentry *dentry = path->dentry;
    static const char gone[] = " (deleted)";
    char *at = end;

    if (!prepend(&at, buf, "", 1))
        return NULL;
    if (dentry->flags & DENTRY_DEAD &&
        !prepend(&at, buf, gone, sizeof(gone) - 1))
        return NULL;
    end = at;
    while (!root || mnt != root->mnt || dentry != root->dentry) {
        if (mnt && dentry == mnt->root) {
            if (!mnt->at.mnt)
                break;
            dentry = mnt->at.dentry;
            mnt = mnt->at.mnt;
            continue;
        }
        if (dentry->parent == dentry)
            break;
        if (!prepend(&at, buf, dentry->name, dentry->len) ||
            !prepend(&at, buf, "/", 1))
            return NULL;
        dentry = dentry->parent;
    }
    if (at == end && !prepend(&at, buf, "/", 1))
        return NULL;
    return at;
}

char *d_path(const struct path *path, const struct path *root, char *buf,
             size_t size)
{
    char *text;

    spin_lock(&dcache_lock);
    text = d_path_locked(path, root, buf, buf + size);
    spin_unlock(&dcache_lock);
    return text;
}

/* First linked child at or after a position, referenced; NULL: no more. */
static struct dentry *child_at(struct dentry *dir, loff_t pos)
{
    struct dentry *child, *found = NULL;

    spin_lock(&dcache_lock);
    list_for_each_entry(child, &dir->children, sibling) {
        if (child->cookie < pos)
            continue;
        dget(child);
        found = child;
        break;
    }
    spin_unlock(&dcache_lock);
    return found;
}

/* The one after `child`, which may have been unlinked meanwhile. */
static struct dentry *child_after(struct dentry *dir, struct dentry *child)
{
    struct dentry *next = NULL;

    spin_lock(&dcache_lock);
    if (child->flags & DENTRY_DEAD || child->parent != dir) {
        spin_unlock(&dcache_lock);
        return child_at(dir, (loff_t)child->cookie + 1);
    }
    if (child->sibling.next != &dir->children) {
        next = list_next_entry(child, sibling);
        dget(next);
    }
    spin_unlock(&dcache_lock);
    return next;
}

bool dir_emit_dots(struct file *file, struct dir_context *ctx)
{
    struct dentry *dir = file->dentry;

    if (ctx->pos == 0) {
        if (!ctx->emit(ctx, ".", 1, dir->inode->ino, DT_DIR))
            return false;
        ctx->pos = 1;
    }
    if (ctx->pos == 1) {
        if (!ctx->emit(ctx, "..", 2, dir->parent->inode->ino, DT_DIR))
            return false;
        ctx->pos = DOTS;
    }
    return true;
}

static int dcache_iterate(struct file *file, struct dir_context *ctx)
{
    struct dentry *dir = file->dentry, *child, *next;

    if (!dir_emit_dots(file, ctx))
        return 0;
    for (child = child_at(dir, ctx->pos); child; child = next) {
        u32 cookie = child->cookie;

        if (!ctx->emit(ctx, child->name, child->len, child->inode->ino,
                       mode_dtype(child->inode->mode))) {
            dput(child);
            break;
        }
        ctx->pos = (loff_t)cookie + 1;
        next = child_after(dir, child);
        dput(child);
    }
    return 0;
}

/* A directory has no end to seek from, and no data or holes. */
static loff_t dcache_llseek(struct file *file, loff_t off, int whence)
{
    if (whence != SEEK_SET && whence != SEEK_CUR)
        return -EINVAL;
    return generic_llseek(file, off, whence);
}

const struct file_operations dcache_dir_fops = {
    .iterate = dcache_iterate,
    .llseek = dcache_llseek,
};
