/*
 * kernel/fs/tmpfs.c - file systems in memory: the root, /tmp, /dev, memfd.
 *
 * Structure  names are the dentry tree, contents are page-cache pages
 *            (tmpfs_data.c); what is left is inodes, mount options and limits.
 *            "rootfs" and "tmpfs" differ in their names.
 * Locking    inode->lock.
 */
#include <kernel/core/panic.h>
#include <kernel/fs/internal.h>
#include <kernel/fs/tmpfs.h>
#include <kernel/lib/format.h>
#include <kernel/lib/string.h>
#include <mm/page.h>
#include <mm/physmap.h>

static const struct inode_operations tmpfs_dir_ops, tmpfs_link_ops;

#define NAME_COST 32 /* st_size of a directory grows by this per name */

static void tmpfs_evict(struct inode *inode)
{
    if (S_ISREG(inode->mode))
        tmpfs_drop_data(inode);
    atomic_dec(&inode->sb->inodes);
    if (S_ISLNK(inode->mode))
        kfree(inode->link);
}

struct inode *tmpfs_inode(struct super_block *sb, mode_t mode, dev_t rdev)
{
    struct inode *inode;

    if (sb->max_inodes && (u64)atomic_read(&sb->inodes) >= sb->max_inodes)
        return NULL;
    inode = inode_create(sb, mode);
    if (!inode)
        return NULL;
    atomic_inc(&sb->inodes);
    inode->ops = &tmpfs_file_ops;
    switch (mode & S_IFMT) {
    case S_IFDIR:
        inode->ops = &tmpfs_dir_ops;
        inode->fops = &dcache_dir_fops;
        inode->nlink = 2;
        break;
    case S_IFREG:
        inode->fops = &tmpfs_file_fops;
        inode->seals = F_SEAL_SEAL; /* memfd_create may take this off */
        break;
    case S_IFLNK:
        inode->ops = &tmpfs_link_ops;
        break;
    default:
        inode_init_special(inode, rdev);
    }
    return inode;
}

static int no_inode_error(const struct super_block *sb)
{
    if (sb->max_inodes && (u64)atomic_read(&sb->inodes) >= sb->max_inodes)
        return -ENOSPC;
    return -ENOMEM;
}

static int tmpfs_create(struct inode *dir, struct dentry *dentry, mode_t mode,
                        dev_t rdev, struct inode **inode)
{
    (void)dentry;
    *inode = tmpfs_inode(dir->sb, mode, rdev);
    if (!*inode)
        return no_inode_error(dir->sb);
    dir->size += NAME_COST;
    return 0;
}

static int tmpfs_symlink(struct inode *dir, struct dentry *dentry,
                         const char *target, struct inode **inode)
{
    char *copy = kstrdup(target, GFP_KERNEL);
    int err;

    if (!copy)
        return -ENOMEM;
    err = tmpfs_create(dir, dentry, S_IFLNK | 0777, 0, inode);
    if (err) {
        kfree(copy);
        return err;
    }
    (*inode)->link = copy;
    (*inode)->size = strlen(copy);
    return 0;
}

static int tmpfs_link(struct inode *dir, struct dentry *dentry,
                      struct inode *inode)
{
    (void)dentry;
    (void)inode;
    dir->size += NAME_COST;
    return 0;
}

static int tmpfs_unlink(struct inode *dir, struct dentry *dentry)
{
    (void)dentry;
    dir->size -= NAME_COST;
    return 0;
}

static int tmpfs_rename(struct inode *old_dir, struct dentry *old,
                        struct inode *new_dir, struct dentry *new)
{
    (void)old;
    old_dir->size -= NAME_COST;
    if (!new)
        new_dir->size += NAME_COST;
    return 0;
}

static const struct inode_operations tmpfs_dir_ops = {
    .create = tmpfs_create,
    .symlink = tmpfs_symlink,
    .link = tmpfs_link,
    .unlink = tmpfs_unlink,
    .rename = tmpfs_rename,
};
static const struct inode_operations tmpfs_link_ops = {};

/* ---- mounting ---- */

static bool parse_size(const char *text, u64 *value)
{
    static const char units[] = "kmgt";
    const char *end, *unit;

    if (!parse_u64(text, &end, value))
        return false;
    if (*end == '%') {
        *value = physmap_ram_bytes() / 100 * *value;
        end++;
    } else if (*end && (unit = strchr(units, *end | 0x20))) {
        *value <<= 10 * (unit - units + 1);
        end++;
    }
    return !*end;
}

static bool parse_octal(const char *text, mode_t *mode)
{
    for (*mode = 0; *text >= '0' && *text <= '7'; text++)
        *mode = *mode * 8 + (*text - '0');
    return !*text;
}

static bool has_key(const char *option, const char *key, const char **value)
{
    size_t len = strlen(key);

    *value = option + len;
    return !strncmp(option, key, len);
}

static int parse_option(struct super_block *sb, const char *option)
{
    const char *value;
    u64 n = 0;
    bool ok = false;

    if (!*option)
        return 0;
    if (has_key(option, "size=", &value)) {
        ok = parse_size(value, &n);
        sb->max_pages = DIV_ROUND_UP(n, PAGE_SIZE);
    } else if (has_key(option, "nr_blocks=", &value)) {
        ok = parse_size(value, &sb->max_pages);
    } else if (has_key(option, "nr_inodes=", &value)) {
        ok = parse_size(value, &sb->max_inodes);
    } else if (has_key(option, "mode=", &value)) {
        ok = parse_octal(value, &sb->root_mode);
    } else if (has_key(option, "uid=", &value)) {
        ok = parse_size(value, &n);
        sb->root_uid = n;
    } else if (has_key(option, "gid=", &value)) {
        ok = parse_size(value, &n);
        sb->root_gid = n;
    }
    return ok ? 0 : -EINVAL;
}

static int parse_options(struct super_block *sb, const char *data)
{
    char option[64];
    int err = 0;

    while (data && *data && !err) {
        const char *comma = strchr(data, ',');
        size_t len = comma ? (size_t)(comma - data) : strlen(data);

        if (len >= sizeof(option))
            return -EINVAL;
        memcpy(option, data, len);
        option[len] = 0;
        err = parse_option(sb, option);
        data += len + (comma ? 1 : 0);
    }
    return err;
}

static void tmpfs_show_options(struct super_block *sb, struct printer *out)
{
    if (sb->max_pages)
        printer_printf(out, ",size=%lluk",
                       (unsigned long long)(sb->max_pages * PAGE_SIZE / KIB));
    if (sb->max_inodes)
        printer_printf(out, ",nr_inodes=%llu",
                       (unsigned long long)sb->max_inodes);
    if (sb->root_mode != 01777 && sb->root_mode != 0755)
        printer_printf(out, ",mode=%o", sb->root_mode);
}

int tmpfs_get_super(const struct file_system_type *type, const char *data,
                    struct super_block **result)
{
    struct super_block *sb = super_create(type);
    struct inode *root;
    int err;

    if (!sb)
        return -ENOMEM;
    sb->memory = true;
    sb->evict = tmpfs_evict;
    sb->show_options = tmpfs_show_options;
    sb->root_mode = strcmp(type->name, "devtmpfs") ? 01777 : 0755;
    if (!strcmp(type->name, "tmpfs")) /* as Linux: half of RAM */
        sb->max_pages = physmap_ram_bytes() / PAGE_SIZE / 2;
    err = parse_options(sb, data);
    if (!err) {
        root = tmpfs_inode(sb, S_IFDIR | sb->root_mode, 0);
        if (root) {
            root->uid = sb->root_uid;
            root->gid = sb->root_gid;
        }
        sb->root = root ? d_make_root(root) : NULL;
        err = sb->root ? 0 : -ENOMEM;
    }
    if (err)
        super_put(sb);
    *result = sb;
    return err;
}

static struct file_system_type tmpfs_type = {
    .name = "tmpfs",
    .nodev = true,
    .magic = TMPFS_MAGIC,
    .get_super = tmpfs_get_super,
};
static struct file_system_type rootfs_type = {
    .name = "rootfs",
    .nodev = true,
    .magic = TMPFS_MAGIC,
    .get_super = tmpfs_get_super,
};

void tmpfs_init(void)
{
    fs_register(&rootfs_type);
    fs_register(&tmpfs_type);
}

/* ---- files without a name ---- */

int tmpfs_open_unnamed(const struct path *dir, const char *name,
                       struct inode *inode, u32 flags, struct file **file)
{
    struct path path = {dir->mnt, d_alloc(dir->dentry, name, strlen(name))};
    int err;

    inode->nlink = 0;
    if (!path.dentry) {
        inode_put(inode);
        return -ENOMEM;
    }
    path.dentry->inode = inode;
    path.dentry->flags = DENTRY_DEAD;
    err = file_open_path(&path, flags, file);
    dput(path.dentry);
    return err;
}

int tmpfs_tmpfile(const struct path *dir, u32 flags, mode_t mode,
                  struct file **file)
{
    struct super_block *sb = dir->mnt->sb;
    struct inode *inode;
    char name[24];

    if (sb->evict != tmpfs_evict)
        return -EOPNOTSUPP;
    inode = tmpfs_inode(sb, S_IFREG | mode, 0);
    if (!inode)
        return no_inode_error(sb);
    snprintf(name, sizeof(name), "#%llu", (unsigned long long)inode->ino);
    return tmpfs_open_unnamed(dir, name, inode, flags, file);
}
