/*
 * kernel/fs/file.c - open files: made, found a position in, read and written
 * by the kernel, let go.
 *
 * Cost       an open file is one slab object; opening a cached path makes no
 *            other allocation.
 * Locking    a file's fields are set before anybody else can see it; flags
 *            are a word that fcntl replaces.
 * Context    may sleep.
 */
#include <kernel/core/panic.h>
#include <kernel/fs/internal.h>
#include <kernel/fs/poll.h>
#include <kernel/lib/format.h>
#include <kernel/lib/string.h>
#include <kernel/uapi/resource.h>
#include <mm/mm.h>

/* Open flags that are about the act of opening, not kept for F_GETFL;
 * O_NOCTTY is until a terminal's open() has seen it. */
#define OPEN_ONLY (O_CREAT | O_EXCL | O_TRUNC | O_CLOEXEC)

static struct kmem_cache *file_cache;
static struct super_block *anon_super;

static const struct file_operations path_fops; /* O_PATH: does nothing */

static void mm_get_file(struct file *file)
{
    get_file(file);
}

static void mm_put_file(struct file *file)
{
    fput(file);
}

static void mm_file_ids(struct file *file, u64 *dev, u64 *ino)
{
    *dev = file->inode->sb->dev;
    *ino = file->inode->ino;
}

static char *mm_file_path(struct file *file, char *buf, size_t size)
{
    return file_path(file, buf, size);
}

static const struct mm_file_ops file_ops_for_mm = {
    .get = mm_get_file,
    .put = mm_put_file,
    .path = mm_file_path,
    .ids = mm_file_ids,
};

static int anon_get_super(const struct file_system_type *type, const char *data,
                          struct super_block **sb)
{
    (void)type;
    (void)data;
    super_get(anon_super);
    *sb = anon_super;
    return 0;
}

static struct file_system_type anon_type = {
    .name = "anon_inodefs",
    .nodev = true,
    .magic = 0x09041934, /* Linux's ANON_INODE_FS_MAGIC */
    .get_super = anon_get_super,
};

void file_init(void)
{
    file_cache = kmem_cache_create("file", sizeof(struct file), 0, 0, NULL);
    anon_super = super_create(&anon_type);
    if (!file_cache || !anon_super)
        panic("no memory for open files");
    fs_register(&anon_type);
    mm_file_ops = &file_ops_for_mm;
}

/* The mount that names of nameless files pretend to be in. */
static struct vfsmount *anon_mount(void)
{
    static DEFINE_MUTEX(lock);
    static struct vfsmount *mnt;
    struct inode *root;

    mutex_lock(&lock);
    if (!anon_super->root) {
        root = inode_create(anon_super, S_IFDIR | 0700);
        anon_super->root = root ? d_make_root(root) : NULL;
    }
    if (!mnt && anon_super->root)
        mnt = kern_mount(anon_type.name);
    mutex_unlock(&lock);
    return mnt;
}

int file_get_path(struct file *file, struct path *path)
{
    char name[32];

    if (file->dentry) {
        *path = (struct path){file->mnt, file->dentry};
        path_get(path);
        return 0;
    }
    path->mnt = anon_mount();
    if (!path->mnt)
        return -ENOMEM;
    file_path(file, name, sizeof(name));
    path->dentry = d_alloc(path->mnt->root, name, strlen(name));
    if (!path->dentry)
        return -ENOMEM;
    mnt_get(path->mnt);
    inode_get(file->inode);
    path->dentry->inode = file->inode;
    return 0;
}

struct file *file_alloc(u32 flags)
{
    struct file *file = kmem_cache_alloc(file_cache, GFP_KERNEL);

    if (!file)
        return NULL;
    memset(file, 0, sizeof(*file));
    refcount_set(&file->refs, 1);
    mutex_init(&file->pos_lock);
    file->flags = flags & ~OPEN_ONLY;
    if (flags & O_PATH)
        file->fmode = FMODE_PATH;
    else /* O_RDONLY 0, O_WRONLY 1, O_RDWR 2; 3 is neither */
        file->fmode = (flags + 1) & O_ACCMODE;
    return file;
}

void file_free(struct file *file)
{
    if (unlikely(file->watchers))
        epoll_file_gone(file);
    if (file->fmode & FMODE_LOCKED)
        locks_release(file);
    if (file->ops && file->ops->release)
        file->ops->release(file->inode, file);
    if (file->fmode & FMODE_WRITER)
        atomic_dec(&file->inode->writers);
    if (file->fmode & FMODE_EXEC)
        atomic_inc(&file->inode->writers);
    if (file->dentry) {
        dput(file->dentry);
        mnt_put(file->mnt);
    } else if (file->inode) {
        inode_put(file->inode);
    }
    kmem_cache_free(file_cache, file);
}

/* Files being executed are not written, and the other way round: `writers`
 * counts the ones up and the others down from 0. */
static int count_user(struct file *file, int step, u32 fmode)
{
    struct inode *inode = file->inode;
    int seen = atomic_read(&inode->writers), old;

    while (seen * step >= 0) {
        old = atomic_cmpxchg(&inode->writers, seen, seen + step);
        if (old == seen) {
            file->fmode |= fmode;
            return 0;
        }
        seen = old;
    }
    return -ETXTBSY;
}

/* Calls the thing's open(); the file keeps a reference on path. */
static int file_start(struct file *file, const struct path *path)
{
    struct inode *inode = path->dentry->inode;
    int err = 0;

    path_get(path);
    file->dentry = path->dentry;
    file->mnt = path->mnt;
    file->inode = inode;
    if (file->fmode & FMODE_PATH) {
        file->ops = &path_fops;
        return 0;
    }
    if (file->fmode & FMODE_WRITE && S_ISREG(inode->mode)) {
        err = count_user(file, 1, FMODE_WRITER);
        if (err)
            return err;
    }
    file->ops = inode->fops;
    if (!file->ops) /* nothing that can be opened */
        return -ENXIO;
    if (file->ops->open)
        err = file->ops->open(inode, file);
    file->flags &= ~O_NOCTTY;
    if (!file->ops->llseek)
        file->fmode |= FMODE_STREAM;
    return err;
}

int file_open_path(const struct path *path, u32 flags, struct file **result)
{
    struct file *file = file_alloc(flags);
    int err;

    if (!file)
        return -ENOMEM;
    err = file_start(file, path);
    if (err) {
        file->ops = NULL; /* open() failed: there is nothing to release */
        fput(file);
        return err;
    }
    *result = file;
    return 0;
}

struct file *anon_file(const char *name, const struct file_operations *ops,
                       void *private_data, u32 flags)
{
    struct file *file = file_alloc(flags);

    if (!file)
        return NULL;
    file->inode = inode_create(anon_super, 0600);
    if (!file->inode) {
        fput(file);
        return NULL;
    }
    file->ops = ops;
    if (!ops->llseek || ops->llseek == no_llseek)
        file->fmode |= FMODE_STREAM;
    file->private_data = private_data;
    file->anon_name = name;
    return file;
}

struct inode *anon_inode(mode_t mode)
{
    return inode_create(anon_super, mode);
}

/* ---- open(2) ---- */

static int may_open_type(const struct inode *inode, u32 flags)
{
    bool writes = (flags & O_ACCMODE) != O_RDONLY || flags & O_TRUNC;

    switch (inode->mode & S_IFMT) {
    case S_IFLNK:
        return -ELOOP;
    case S_IFDIR:
        return writes || flags & O_CREAT ? -EISDIR : 0;
    case S_IFSOCK:
        return -ENXIO;
    default:
        return 0;
    }
}

static int may_open(const struct path *path, u32 flags)
{
    static const u8 wants[] = {MAY_READ, MAY_WRITE, MAY_READ | MAY_WRITE,
                               MAY_READ | MAY_WRITE};
    struct inode *inode = path->dentry->inode;
    int mask = wants[flags & O_ACCMODE];
    int err = may_open_type(inode, flags);

    if (err)
        return err;
    if (flags & O_TRUNC)
        mask |= MAY_WRITE;
    if (mask & MAY_WRITE && mnt_readonly(path->mnt) &&
        (S_ISREG(inode->mode) || S_ISDIR(inode->mode)))
        return -EROFS;
    err = inode_permission(inode, mask);
    if (err)
        return err;
    if (flags & O_NOATIME && !inode_owner_or_root(inode))
        return -EPERM;
    return 0;
}

ssize_t file_size_allowed(u64 pos, size_t count)
{
    u64 limit = current->signal->rlim[RLIMIT_FSIZE].cur;

    if (likely(limit == RLIM_INFINITY) || (pos < limit && count <= limit - pos))
        return count;
    if (pos < limit)
        return limit - pos;
    send_signal_self(SIGXFSZ);
    return -EFBIG;
}

int do_truncate(struct inode *inode, u64 size)
{
    int err = -EINVAL;

    mutex_lock(&inode->lock);
    if (inode->ops && inode->ops->truncate)
        err = inode->ops->truncate(inode, size);
    if (!err)
        inode_touch(inode);
    mutex_unlock(&inode->lock);
    return err;
}

/* A path that is there (just made, if `created`) becomes an open file. */
static int open_found(const struct path *path, u32 flags, bool created,
                      struct file **file)
{
    struct inode *inode = path->dentry->inode;
    int err = 0;

    if (flags & O_PATH) {
        if (flags & O_DIRECTORY && !S_ISDIR(inode->mode))
            return -ENOTDIR;
        return file_open_path(path, flags, file);
    }
    if (flags & O_DIRECTORY && !S_ISDIR(inode->mode))
        return -ENOTDIR;
    if (!created)
        err = may_open(path, flags);
    if (err)
        return err;
    err = file_open_path(path, flags, file);
    if (!err && flags & O_DIRECT && !S_ISBLK(inode->mode)) {
        fput(*file); /* in memory there is no way around the page cache */
        err = -EINVAL;
    }
    if (!err && flags & O_TRUNC && !created && S_ISREG(inode->mode)) {
        err = inode->ops && inode->ops->truncate ? do_truncate(inode, 0) : 0;
        if (err)
            fput(*file);
    }
    return err;
}

static int open_tmpfile(int dfd, const char *name, u32 flags, mode_t mode,
                        struct file **file)
{
    struct path dir;
    int err;

    if ((flags & O_ACCMODE) == O_RDONLY)
        return -EINVAL;
    err = path_lookup(dfd, name, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &dir);
    if (err)
        return err;
    err = inode_permission(dir.dentry->inode, MAY_WRITE | MAY_EXEC);
    if (!err && flags & O_DIRECT)
        err = -EINVAL;
    if (!err)
        err = tmpfs_tmpfile(&dir, flags & ~O_TMPFILE, mode, file);
    path_put(&dir);
    return err;
}

int do_open(int dfd, const char *name, u32 flags, mode_t mode,
            struct file **file)
{
    struct path path;
    bool created = false;
    int err;

    flags |= O_LARGEFILE; /* the kernel is 64-bit */
    mode = (mode & ~fs_umask() & 07777) | S_IFREG;
    if (flags & O_PATH)
        flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    if ((flags & __O_TMPFILE) && (flags & O_CREAT))
        return -EINVAL;
    if ((flags & __O_TMPFILE) && (flags & O_DIRECTORY))
        return open_tmpfile(dfd, name, flags, mode & 07777, file);
    if (flags & __O_TMPFILE)
        return -EINVAL;
    if (flags & O_CREAT)
        err = flags & O_DIRECTORY
                  ? -EINVAL
                  : path_open_create(dfd, name, flags, mode, &path, &created);
    else
        err = path_lookup(dfd, name, flags & O_NOFOLLOW ? 0 : LOOKUP_FOLLOW,
                          &path);
    if (err)
        return err;
    err = open_found(&path, flags, created, file);
    path_put(&path);
    return err;
}

int filp_open(const char *path, u32 flags, mode_t mode, struct file **file)
{
    return do_open(AT_FDCWD, path, flags, mode, file);
}

int filp_open_exec(int dfd, const char *name, int at_flags, struct file **file)
{
    struct path path;
    int err, follow = at_flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW;

    err = path_lookup(dfd, name,
                      follow | (at_flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0),
                      &path);
    if (err)
        return err;
    if (S_ISLNK(path.dentry->inode->mode))
        err = -ELOOP;
    else if (!S_ISREG(path.dentry->inode->mode) || path.mnt->flags & MS_NOEXEC)
        err = -EACCES;
    else
        err = inode_permission(path.dentry->inode, MAY_EXEC);
    if (!err)
        err = file_open_path(&path, O_RDONLY | O_LARGEFILE, file);
    path_put(&path);
    if (err)
        return err;
    err = count_user(*file, -1, FMODE_EXEC);
    if (err) {
        fput(*file);
        *file = NULL;
    }
    return err;
}

/* ---- what all files share ---- */

char *file_path(const struct file *file, char *buf, size_t size)
{
    struct path path = {file->mnt, file->dentry};
    char *text;

    if (file->dentry) {
        text = d_path(&path, NULL, buf, size);
        if (text)
            return text;
        scnprintf(buf, size, "(too long)");
    } else if (S_ISFIFO(file->inode->mode)) {
        scnprintf(buf, size, "pipe:[%llu]",
                  (unsigned long long)file->inode->ino);
    } else {
        scnprintf(buf, size, "anon_inode:%s", file->anon_name);
    }
    return buf;
}

loff_t file_base(const struct file *file, int whence)
{
    switch (whence) {
    case SEEK_SET:
        return 0;
    case SEEK_CUR:
        return file->pos;
    case SEEK_END:
        return file->inode->size;
    default:
        return -EINVAL;
    }
}

loff_t generic_llseek(struct file *file, loff_t off, int whence)
{
    loff_t base;

    if (whence == SEEK_DATA || whence == SEEK_HOLE) {
        /* no holes: all of it is data */
        if (off < 0 || (u64)off >= file->inode->size)
            return -ENXIO;
        if (whence == SEEK_HOLE)
            off = file->inode->size;
        whence = SEEK_SET;
    }
    base = file_base(file, whence);
    if (base < 0)
        return -EINVAL;
    if (__builtin_add_overflow(base, off, &off))
        return -EINVAL;
    if (off < 0)
        return -EINVAL;
    file->pos = off;
    return off;
}

loff_t no_llseek(struct file *file, loff_t off, int whence)
{
    (void)file;
    (void)off;
    (void)whence;
    return -ESPIPE;
}

/* The kernel reads and writes page-cache files only (programs, archives). */
static bool in_page_cache(const struct inode *inode)
{
    return S_ISREG(inode->mode) && inode->sb->memory;
}

/* procfs and its like, and what is mounted so. */
bool file_noexec(const struct file *file)
{
    return (file->mnt && file->mnt->flags & MS_NOEXEC) ||
           (file->dentry && !file->inode->sb->memory);
}

bool can_kernel_read(const struct file *file)
{
    return file->ops->read_kernel || in_page_cache(file->inode);
}

ssize_t kernel_read(struct file *file, void *buf, size_t count, loff_t pos)
{
    if (file->ops->read_kernel)
        return file->ops->read_kernel(file, buf, count, pos);
    if (!in_page_cache(file->inode))
        return -EINVAL;
    return filemap_read_kernel(&file->inode->mapping, buf, count, pos);
}

ssize_t kernel_write(struct file *file, const void *buf, size_t count,
                     loff_t pos)
{
    struct inode *inode = file->inode;
    ssize_t n;

    if (!in_page_cache(inode))
        return -EINVAL;
    mutex_lock(&inode->lock);
    n = filemap_write_kernel(&inode->mapping, buf, count, pos);
    if (n > 0 && (u64)(pos + n) > inode->size)
        inode->size = pos + n;
    mutex_unlock(&inode->lock);
    return n;
}
