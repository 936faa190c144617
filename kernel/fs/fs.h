/*
 * kernel/fs/fs.h - files: inode, dentry, open file, and their tables of
 * functions.  Linux's names where the idea is Linux's.
 *
 * inode    a thing with contents; knows no name.
 * dentry   a name in a directory, cached; memory file systems pin theirs.
 * file     one open(): position, mode, and the operations.
 *
 * Lock order: rename mutex, inode->lock (mutex; parent directory before
 * child), then dcache_lock (spin), then mm's (mm/mm.h).  file->pos_lock is
 * outermost.
 */
#pragma once

#include <kernel/lib/list.h>
#include <kernel/lib/printer.h>
#include <kernel/sync/mutex.h>
#include <kernel/sync/refcount.h>
#include <kernel/uapi/fcntl.h>
#include <kernel/uapi/stat.h>
#include <mm/filemap.h>

/* dev_t as stat(2) shows it. */
#define MKDEV(ma, mi)                                                          \
    ((dev_t)(((mi)&0xff) | (((ma)&0xfff) << 8) | ((u64)((mi) & ~0xffu) << 12)))
#define MAJOR(dev) (((dev) >> 8) & 0xfff)
#define MINOR(dev) (((dev)&0xff) | (((dev) >> 12) & 0xfff00))

struct inode;
struct dentry;
struct file;
struct super_block;
struct vfsmount;
struct poll_table;
struct pipe;
struct pseudo_entry;
struct epoll_item;
struct file_lock;

struct path { /* a name in a mounted tree; each part referenced */
    struct vfsmount *mnt;
    struct dentry *dentry;
};

struct inode_operations {
    /* directories; all hold dir->lock.  lookup: 0 and *inode (referenced),
     * or -ENOENT.  NULL: only the dentry cache answers (memory fs). */
    int (*lookup)(struct inode *dir, const char *name, size_t len,
                  struct inode **inode);
    int (*create)(struct inode *dir, struct dentry *dentry, mode_t mode,
                  dev_t rdev, struct inode **inode); /* any type but link */
    int (*symlink)(struct inode *dir, struct dentry *dentry, const char *target,
                   struct inode **inode);
    int (*link)(struct inode *dir, struct dentry *dentry, struct inode *inode);
    int (*unlink)(struct inode *dir, struct dentry *dentry);
    int (*rename)(struct inode *old_dir, struct dentry *old,
                  struct inode *new_dir, struct dentry *new);
    /* Target into buf; length or -errno. */
    ssize_t (*readlink)(struct inode *inode, char *buf, size_t size);
    /* A link that leads to a place and not to a text (/proc/PID/cwd). */
    int (*follow)(struct inode *inode, struct path *path);
    int (*truncate)(struct inode *inode, u64 size); /* inode->lock held */
    int (*fallocate)(struct inode *inode, int mode, u64 start, u64 len);
    int (*setattr)(struct inode *inode); /* mode, uid, gid have changed */
    int (*getattr)(struct inode *inode, struct stat *st); /* after the
                                                             generic fill */
};

struct inode {
    refcount_t refs;
    struct super_block *sb;
    ino_t ino;
    mode_t mode; /* type and permissions */
    u32 nlink;
    uid_t uid;
    gid_t gid;
    dev_t rdev;
    u64 size;                /* bytes; (lock) */
    u64 atime, mtime, ctime; /* ns since 1970 */
    struct mutex lock;
    const struct inode_operations *ops;
    const struct file_operations *fops; /* open() takes these */
    struct address_space mapping;
    union {
        char *link;        /* symlink of a memory fs: kmalloc'ed target */
        struct pipe *pipe; /* fifo that somebody has open */
        struct pseudo_entry *pseudo; /* procfs, sysfs */
    };
    struct file_lock *locks; /* (locks_lock) flock and fcntl */
    u32 seals;               /* (lock) F_SEAL_*; a memfd's */
    atomic_t writers;        /* (a) open for writing; below 0: being executed */
    bool immutable;          /* (c) nobody writes or changes it */
    void *private;
    u64 birth; /* (c) below /proc/PID: when the task started */
};

struct dir_context { /* getdents64: emit returns false when full */
    bool (*emit)(struct dir_context *ctx, const char *name, size_t len,
                 ino_t ino, u8 dtype);
    loff_t pos;
};

struct file_operations {
    int (*open)(struct inode *inode, struct file *file);
    void (*release)(struct inode *inode, struct file *file);
    /* Bytes, 0 at the end, or -errno.  *pos is read and advanced. */
    ssize_t (*read)(struct file *file, char __user *buf, size_t count,
                    loff_t *pos);
    ssize_t (*write)(struct file *file, const char __user *buf, size_t count,
                     loff_t *pos);
    /* The same from and to the kernel's memory, for sendfile; optional. */
    ssize_t (*read_kernel)(struct file *file, void *buf, size_t count,
                           loff_t pos);
    ssize_t (*write_kernel)(struct file *file, const void *data, size_t count,
                            loff_t *pos);
    loff_t (*llseek)(struct file *file, loff_t off, int whence);
    long (*ioctl)(struct file *file, unsigned int cmd, unsigned long arg);
    int (*mmap)(struct file *file, struct vm_area_struct *vma);
    /* Ready POLL* bits; calls poll_wait() on each queue that may change. */
    u32 (*poll)(struct file *file, struct poll_table *table);
    int (*iterate)(struct file *file, struct dir_context *ctx);
    int (*fsync)(struct file *file);
    /* What /proc/PID/fdinfo says of this kind; optional. */
    void (*show_fdinfo)(struct file *file, struct printer *out);
};

#define FMODE_READ BIT(0)
#define FMODE_WRITE BIT(1)
#define FMODE_STREAM BIT(2)    /* has no position: pipe, tty */
#define FMODE_PATH BIT(3)      /* O_PATH: names a place, reads nothing */
#define FMODE_LOCKED BIT(4)    /* somebody took a lock through it */
#define FMODE_WRITER BIT(5)    /* counted against execve (ETXTBSY) */
#define FMODE_EXEC BIT(6)      /* the other way round: a program being run */
#define FMODE_NO_PWRITE BIT(7) /* written at its own position only */

struct file {
    refcount_t refs;
    u32 fmode; /* FMODE_* */
    u32 flags; /* O_* of open and fcntl */
    loff_t pos;
    struct mutex pos_lock; /* read, write, lseek of one open file */
    struct inode *inode;
    struct dentry *dentry; /* NULL for pipes and the like */
    struct vfsmount *mnt;
    const struct file_operations *ops;
    void *private_data;
    struct epoll_item *watchers; /* (epoll's) who wants to know of it */
    u32 poll_mark; /* a fifo's: writers opened so far when it was opened */
    const char *anon_name; /* without a dentry: what readlink shows */
};

static inline struct inode *file_inode(const struct file *file)
{
    return file->inode;
}

/* A queue that a poll waits on; the table keeps its own entries. */
void poll_wait(struct file *file, struct wait_queue *q,
               struct poll_table *table);

static inline void get_file(struct file *file)
{
    refcount_inc(&file->refs);
}

void file_free(struct file *file); /* the last reference is gone */

/* May sleep: the last one calls release. */
static inline void fput(struct file *file)
{
    if (refcount_dec_and_test(&file->refs))
        file_free(file);
}

/* Opens a path relative to current's root and cwd, in the kernel's name. */
int filp_open(const char *path, u32 flags, mode_t mode, struct file **file);
ssize_t kernel_read(struct file *file, void *buf, size_t count, loff_t pos);
ssize_t kernel_write(struct file *file, const void *buf, size_t count,
                     loff_t pos);
bool file_noexec(const struct file *file); /* its file system runs nothing */
bool can_kernel_read(const struct file *file);

/* What execve(2) may run: opened for reading and checked for execution
 * (-EACCES: no x bit, not a regular file). */
int filp_open_exec(int dfd, const char *path, int at_flags, struct file **file);

/* A file without a name: eventfd and the like.  NULL: no memory. */
struct file *anon_file(const char *name, const struct file_operations *ops,
                       void *private_data, u32 flags);

/* The file's path as seen from the root of everything, ending at the end of
 * buf; returns its start. */
char *file_path(const struct file *file, char *buf, size_t size);

/* Common llseek: any position from 0 up, -EINVAL below; SEEK_END by size. */
loff_t generic_llseek(struct file *file, loff_t off, int whence);
/* What SEEK_SET, SEEK_CUR or SEEK_END count from; -EINVAL: another whence. */
loff_t file_base(const struct file *file, int whence);
loff_t no_llseek(struct file *file, loff_t off, int whence); /* -ESPIPE */

/*
 * A character device: /dev/NAME appears in devtmpfs, and opening any node
 * with this number reaches fops.  Returns 0, -EBUSY, -ENOMEM.
 */
int chrdev_register(dev_t dev, const char *name, mode_t mode,
                    const struct file_operations *fops, void *private);
void chrdev_unregister(dev_t dev);
void *chrdev_private(const struct inode *inode); /* what register was given */
/* Opens /dev/NAME without asking who current is and what it sees of /dev; its
 * path is as that of `beside`, if that was opened below /dev. */
int chrdev_open_node(const struct file *beside, const char *name, u32 flags,
                     struct file **file);

/* Start-up, in this order (kernel/main.c). */
void fs_init(void);          /* after slab: caches, the root, types */
void initramfs_unpack(void); /* bootinfo's archive into the root */
