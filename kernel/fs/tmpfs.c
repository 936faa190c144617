/*
 * kernel/fs/tmpfs.c - file systems in memory: the root, /tmp, /dev, memfd.
 *
 * Structure  names are the dentry tree, contents are page-cache pages; a
 *            file system of this kind adds only the accounting and the
 *            limits.  "rootfs" and "tmpfs" differ in their names.
 * Cost       block accounting is done where a file is written or cut, by the
 *            difference of its page count: no hook per page.
 * Locking    inode->lock.
 * Invariant  sb->pages is the sum of inode->private (pages accounted).
 */
#include <kernel/core/panic.h>
#include <kernel/fs/internal.h>
#include <kernel/fs/tmpfs.h>
#include <kernel/lib/format.h>
#include <kernel/lib/string.h>
#include <mm/page.h>
#include <mm/physmap.h>

static const struct inode_operations tmpfs_dir_ops, tmpfs_file_ops,
    tmpfs_link_ops;
static const struct file_operations tmpfs_file_fops;
static struct vfsmount *shm_mount; /* memfd's */

#define NAME_COST 32 /* st_size of a directory grows by this per name */

/* Brings sb->pages up to what the file has now; writers and faults at once
 * add up, because each adds the change since the last to look. */
static void account(struct inode *inode)
{
    u64 now = READ_ONCE(inode->mapping.nr_pages), before;

    if (now == (u64)READ_ONCE(inode->private))
        return;
    before = (u64)__atomic_exchange_n(&inode->private, (void *)now,
                                      __ATOMIC_SEQ_CST);
    atomic_add(&inode->sb->pages, (s64)(now - before));
}

static void tmpfs_evict(struct inode *inode)
{
    filemap_truncate(&inode->mapping, 0);
    if (S_ISREG(inode->mode))
        account(inode);
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

static int tmpfs_truncate(struct inode *inode, u64 size)
{
    if ((size < inode->size && inode->seals & F_SEAL_SHRINK) ||
        (size > inode->size && inode->seals & F_SEAL_GROW))
        return -EPERM;
    if (size < inode->size) {
        WRITE_ONCE(inode->size, size); /* first: see mm/filemap.c */
        filemap_truncate(&inode->mapping, size);
    }
    WRITE_ONCE(inode->size, size);
    account(inode);
    return 0;
}

/* How many of `count` bytes at pos the size limit leaves room for.  Pages
 * that the file has already cost nothing, so the count is an upper bound
 * only where the limit is near. */
static size_t room_for(struct inode *inode, u64 pos, size_t count)
{
    struct super_block *sb = inode->sb;
    u64 used, left, index, end;

    if (likely(!sb->max_pages))
        return count;
    account(inode);
    used = atomic_read(&sb->pages);
    left = sb->max_pages > used ? sb->max_pages - used : 0;
    if ((pos + count - 1) / PAGE_SIZE - pos / PAGE_SIZE < left)
        return count;
    end = pos + count;
    for (index = pos / PAGE_SIZE; index * PAGE_SIZE < end; index++) {
        struct page *page = filemap_find(&inode->mapping, index);

        if (page)
            put_page(page);
        else if (!left--)
            break;
    }
    end = min(end, index * PAGE_SIZE);
    return end > pos ? end - pos : 0;
}

static int tmpfs_fallocate(struct inode *inode, int mode, u64 start, u64 len)
{
    u64 index, end = start + len;
    struct page *page;
    int err = 0;

    if (mode & ~FALLOC_FL_KEEP_SIZE)
        return -EOPNOTSUPP;
    if (room_for(inode, start, len) < len)
        return -ENOSPC;
    for (index = start / PAGE_SIZE; !err && index * PAGE_SIZE < end; index++) {
        err = filemap_get(&inode->mapping, index, &page);
        if (!err)
            put_page(page);
    }
    if (!err && end > inode->size && !(mode & FALLOC_FL_KEEP_SIZE))
        inode->size = end;
    account(inode);
    return err;
}

static ssize_t tmpfs_read(struct file *file, char __user *buf, size_t count,
                          loff_t *pos)
{
    ssize_t n = 0;

    if ((u64)*pos < file->inode->size)
        n = filemap_read(&file->inode->mapping, buf, count, *pos);
    if (n > 0)
        *pos += n;
    if (!(file->flags & O_NOATIME))
        inode_accessed(file->inode);
    return n;
}

/* From `user`, or from `kernel` if there is no user. */
static ssize_t write_locked(struct inode *inode, const char __user *user,
                            const void *kernel, size_t count, loff_t *pos)
{
    size_t room = room_for(inode, *pos, count);
    ssize_t n;

    if (inode->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE) ||
        (inode->seals & F_SEAL_GROW && *pos + count > inode->size))
        return -EPERM;
    if (!room)
        return -ENOSPC;
    n = kernel ? filemap_write_kernel(&inode->mapping, kernel, room, *pos)
               : filemap_write(&inode->mapping, user, room, *pos);
    if (n <= 0)
        return n;
    *pos += n;
    if ((u64)*pos > inode->size)
        inode->size = *pos;
    if (inode->mode & (S_ISUID | S_ISGID) && !capable(CAP_FSETID))
        inode_drop_suid(inode);
    account(inode);
    inode_touch(inode);
    return n;
}

static ssize_t write_any(struct file *file, const char __user *user,
                         const void *kernel, size_t count, loff_t *pos)
{
    struct inode *inode = file->inode;
    ssize_t n;

    if (!count)
        return 0;
    mutex_lock(&inode->lock);
    if (file->flags & O_APPEND)
        *pos = inode->size;
    n = write_locked(inode, user, kernel, count, pos);
    mutex_unlock(&inode->lock);
    return n;
}

static ssize_t tmpfs_write(struct file *file, const char __user *buf,
                           size_t count, loff_t *pos)
{
    return write_any(file, buf, NULL, count, pos);
}

static ssize_t tmpfs_write_kernel(struct file *file, const void *buf,
                                  size_t count, loff_t *pos)
{
    return write_any(file, NULL, buf, count, pos);
}

/* A fault may make a page, which a file system with a limit has to have. */
static vm_fault_t limited_fault(struct vm_fault *vmf)
{
    struct address_space *mapping = vmf->vma->vm_mapping;
    struct inode *inode = mapping->host;
    struct super_block *sb = inode->sb;
    struct page *page = filemap_find(mapping, vmf->pgoff);
    vm_fault_t ret = VM_FAULT_SIGBUS;

    if (page || (u64)atomic_read(&sb->pages) < sb->max_pages)
        ret = filemap_fault(vmf);
    if (page)
        put_page(page);
    account(inode);
    return ret;
}

static const struct vm_operations_struct limited_vm_ops = {
    .fault = limited_fault,
    .map_pages = filemap_map_pages,
};

static int tmpfs_mmap(struct file *file, struct vm_area_struct *vma)
{
    int err;

    if (file->inode->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE) &&
        vma->vm_flags & VM_SHARED) {
        if (vma->vm_flags & VM_WRITE)
            return -EPERM;
        vma->vm_flags &= ~VM_MAYWRITE;
    }
    err = filemap_mmap(&file->inode->mapping, vma);
    if (!err && file->inode->sb->max_pages)
        vma->vm_ops = &limited_vm_ops;
    return err;
}

/* Where the next page that is there (data) or not there (hole) begins. */
static loff_t seek_data(struct inode *inode, loff_t off, bool data)
{
    struct address_space *mapping = &inode->mapping;
    u64 index = off / PAGE_SIZE;

    if (off < 0 || (u64)off >= inode->size)
        return -ENXIO;
    for (; index * PAGE_SIZE < inode->size; index++) {
        struct page *page = filemap_find(mapping, index);

        if (page)
            put_page(page);
        if (!page == !data)
            return max((u64)off, index * PAGE_SIZE);
    }
    return data ? (loff_t)-ENXIO : (loff_t)inode->size;
}

static loff_t tmpfs_llseek(struct file *file, loff_t off, int whence)
{
    loff_t pos;

    if (whence != SEEK_DATA && whence != SEEK_HOLE)
        return generic_llseek(file, off, whence);
    mutex_lock(&file->inode->lock);
    pos = seek_data(file->inode, off, whence == SEEK_DATA);
    mutex_unlock(&file->inode->lock);
    if (pos >= 0)
        file->pos = pos;
    return pos;
}

static int tmpfs_fsync(struct file *file)
{
    (void)file;
    return 0;
}

static const struct inode_operations tmpfs_dir_ops = {
    .create = tmpfs_create,
    .symlink = tmpfs_symlink,
    .link = tmpfs_link,
    .unlink = tmpfs_unlink,
    .rename = tmpfs_rename,
};
static const struct inode_operations tmpfs_file_ops = {
    .truncate = tmpfs_truncate,
    .fallocate = tmpfs_fallocate,
};
static const struct inode_operations tmpfs_link_ops = {};
static const struct file_operations tmpfs_file_fops = {
    .read = tmpfs_read,
    .write = tmpfs_write,
    .write_kernel = tmpfs_write_kernel,
    .llseek = tmpfs_llseek,
    .mmap = tmpfs_mmap,
    .fsync = tmpfs_fsync,
};

/* For start-up: contents from the kernel's own memory, appended. */
ssize_t tmpfs_append(struct inode *inode, const void *data, size_t len)
{
    ssize_t n = filemap_write_kernel(&inode->mapping, data, len, inode->size);

    if (n > 0)
        inode->size += n;
    account(inode);
    return n;
}

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

/* Opens `inode` (consumed) under a name below `dir` that nobody can find. */
static int open_unnamed(const struct path *dir, const char *name,
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

int memfd_open(const char *name, u32 flags, struct file **file)
{
    static DEFINE_MUTEX(lock);
    struct path dir;
    struct inode *inode;

    mutex_lock(&lock);
    if (!shm_mount)
        shm_mount = kern_mount("rootfs");
    mutex_unlock(&lock);
    if (!shm_mount)
        return -ENOMEM;
    dir = (struct path){shm_mount, shm_mount->root};
    inode = tmpfs_inode(shm_mount->sb, S_IFREG | 0777, 0);
    if (!inode)
        return -ENOMEM;
    return open_unnamed(&dir, name, inode, flags, file);
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
    return open_unnamed(dir, name, inode, flags, file);
}

#define SEALS_ALL                                                              \
    (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE |                \
     F_SEAL_FUTURE_WRITE)

static long add_seals(struct inode *inode, u32 seals)
{
    if (seals & ~SEALS_ALL)
        return -EINVAL;
    if (inode->seals & F_SEAL_SEAL)
        return -EPERM;
    if (seals & F_SEAL_WRITE && !(inode->seals & F_SEAL_WRITE) &&
        mapping_writably_mapped(&inode->mapping))
        return -EBUSY;
    inode->seals |= seals;
    return 0;
}

long memfd_fcntl(struct file *file, unsigned int cmd, unsigned long arg)
{
    struct inode *inode = file->inode;
    long ret;

    if (cmd == F_ADD_SEALS && !(file->fmode & FMODE_WRITE) &&
        arg <= 0xffffffffu)
        return -EPERM;
    if (file->ops != &tmpfs_file_fops)
        return -EINVAL;
    if (cmd == F_GET_SEALS)
        return inode->seals;
    if (arg > 0xffffffffu)
        return -EINVAL;
    mutex_lock(&inode->lock);
    ret = add_seals(inode, arg);
    mutex_unlock(&inode->lock);
    return ret;
}
