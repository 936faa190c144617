/*
 * kernel/fs/internal.h - what the files of kernel/fs share with each other
 * and with kernel/sys/sys_f*.c: names, mounts, path walks.
 *
 * Lock letters: (d) dcache_lock  (i) the directory's inode->lock
 *               (a) atomic  (c) constant
 */
#pragma once

#include <kernel/fs/fdtable.h>
#include <kernel/fs/fs.h>
#include <kernel/task/task.h>
#include <kernel/uapi/errno.h>
#include <kernel/uapi/mount.h>
#include <mm/slab.h>
#include <mm/uaccess.h>

/* ---- names ---- */

#define DENTRY_INLINE 24

#define DENTRY_MOUNTED BIT(0) /* (d) some mount sits on it */
#define DENTRY_HASHED BIT(1)  /* (d) can be found by name */
#define DENTRY_DEAD BIT(2)    /* (d) its name is gone */

/*
 * The names of a memory file system are its directories: each dentry holds
 * one reference for being linked.  Other file systems' (procfs, sysfs) live
 * while somebody uses them and are not in the hash.
 */
struct dentry {
    atomic_t refs;             /* (a) */
    u32 hash;                  /* (d) of parent and name */
    struct dentry *next_hash;  /* (d) */
    struct dentry *parent;     /* (d) referenced; a root's is itself */
    struct inode *inode;       /* (c) referenced, once linked */
    struct list_head children; /* (d) in order of cookie */
    struct list_head sibling;  /* (d) */
    char *name;                /* (d) inline_name, or kmalloc'ed */
    u32 cookie;                /* (d) position in the directory */
    u8 len;                    /* (d) */
    u8 flags;                  /* (d) DENTRY_* */
    char inline_name[DENTRY_INLINE];
};

extern spinlock_t dcache_lock;

void dcache_init(void);
struct dentry *d_alloc(struct dentry *parent, const char *name, size_t len);
struct dentry *d_make_root(struct inode *inode); /* consumes the inode */
void dget(struct dentry *dentry);
void dput(struct dentry *dentry); /* may sleep; NULL is fine */

/* Child of that name, not referenced; NULL.  Locks: dcache_lock. */
struct dentry *d_find_locked(struct dentry *parent, const char *name,
                             size_t len, u32 hash);
struct dentry *d_find(struct dentry *parent, const char *name, size_t len);
void d_link(struct dentry *dentry, struct inode *inode); /* into its parent,
                                        pinned; takes over inode's reference */
void d_unlink(struct dentry *dentry); /* drops name and pin */
/* Gives `dentry` the name (and place) of `target`, an unlinked new dentry. */
void d_move(struct dentry *dentry, struct dentry *target);
void d_exchange(struct dentry *a, struct dentry *b);
bool d_has_children(struct dentry *dentry);
bool d_is_ancestor(const struct dentry *above, const struct dentry *below);
void d_hash_locked(struct dentry *dentry); /* for mount points */
void d_unhash_locked(struct dentry *dentry);
void d_forget_tree(struct dentry *root); /* a memory fs is unmounted */

/* directory reading of memory file systems */
extern const struct file_operations dcache_dir_fops;
/* Positions 0 and 1 of any directory; false: the buffer is full. */
bool dir_emit_dots(struct file *file, struct dir_context *ctx);

/* Path from `root` (NULL: from the very top), ending at buf + size.
 * Returns its start, or NULL if it does not fit. */
char *d_path(const struct path *path, const struct path *root, char *buf,
             size_t size);

/* ---- inodes ---- */

struct inode *inode_create(struct super_block *sb, mode_t mode); /* or NULL */
void inode_get(struct inode *inode);
void inode_put(struct inode *inode);                      /* may sleep */
void inode_init_special(struct inode *inode, dev_t rdev); /* chr blk fifo */
int inode_permission(struct inode *inode, int mask); /* MAY_*; 0, -EACCES */
bool cred_in_group(const struct cred *cred, gid_t gid);
/* What writing to a file or giving it away takes off its mode. */
void inode_drop_suid(struct inode *inode);
bool inode_owner_or_root(const struct inode *inode);
void inode_stat(struct inode *inode, struct stat *st);
void inode_touch(struct inode *inode);    /* mtime and ctime are now */
void inode_accessed(struct inode *inode); /* atime, as relatime has it */
static inline u8 mode_dtype(mode_t mode)
{
    return (mode & S_IFMT) >> 12;
}

extern const struct file_operations chrdev_fops, fifo_fops;

/* ---- file systems and mounts ---- */

struct file_system_type {
    const char *name;
    bool nodev;       /* as /proc/filesystems says it */
    u64 magic;        /* statfs */
    int create_error; /* where nothing can be made: this; 0: EPERM, EACCES */
    /* 0 and a referenced super block; data: mount(2)'s options or NULL */
    int (*get_super)(const struct file_system_type *type, const char *data,
                     struct super_block **sb);
    struct list_head link;
};

struct super_block {
    refcount_t refs; /* mounts, and the type if it keeps one */
    const struct file_system_type *type;
    dev_t dev;
    struct dentry *root;
    atomic64_t next_ino;
    bool memory;               /* its dentries are its contents */
    atomic64_t pages, inodes;  /* in use */
    u64 max_pages, max_inodes; /* 0: no limit */
    mode_t root_mode;
    uid_t root_uid;
    gid_t root_gid;
    void (*evict)(struct inode *inode); /* the last reference went */
    void (*show_options)(struct super_block *sb, struct printer *out);
};

struct vfsmount {
    atomic_t refs;          /* (a) 1 for being attached */
    u32 flags;              /* (d) MS_* of mount(2) */
    u32 id;                 /* (c) */
    struct super_block *sb; /* (c) */
    struct dentry *root;    /* (c) */
    struct path at;         /* (d) where it sits; mnt NULL: the top */
    char *source;           /* (c) first argument of mount(2) */
    struct list_head link;  /* (d) all, in order of mounting */
};

extern struct list_head file_systems;

void fs_register(struct file_system_type *type);
struct super_block *super_create(const struct file_system_type *type);
void super_get(struct super_block *sb);
void super_put(struct super_block *sb);
bool fs_type_known(const char *name);
int do_mount(const char *source, const struct path *at, const char *type,
             u32 flags, const char *data);
int do_umount(const struct path *path, int flags);
int move_mount(const struct path *from, const struct path *to);
int bind_mount(const char *source, const struct path *from,
               const struct path *at, u32 flags);
struct vfsmount *kern_mount(const char *type); /* not in the tree */
void mnt_get(struct vfsmount *mnt);
void mnt_put(struct vfsmount *mnt);
/* The mount on (mnt, dentry), not referenced, or NULL.  dcache_lock. */
struct vfsmount *mount_find_locked(const struct vfsmount *mnt,
                                   const struct dentry *dentry);
void path_get(const struct path *path);
void path_put(const struct path *path); /* may sleep */
/* The next mount in order of mounting; takes over `mnt`'s reference (NULL:
 * the first). */
struct vfsmount *mount_next(struct vfsmount *mnt);
static inline bool mnt_readonly(const struct vfsmount *mnt)
{
    return mnt && mnt->flags & MS_RDONLY;
}
void root_path_get(struct path *path); /* top of the tree, referenced */
void mount_root(void);
/* The archive is unpacked: from now on the root has a limit, half of RAM as
 * Linux's, and some room in any case. */
void mount_root_filled(void);
/* One line of /proc/mounts each. */
void mounts_print(struct printer *out, const struct path *root);
void mountinfo_print(struct printer *out, const struct path *root);

/* ---- paths ---- */

#define SYMLINKS_MAX 40

struct filename { /* a path brought in from ring 3 */
    char *text;
    char small[160];
};
int filename_get(struct filename *name, const char __user *path);
void filename_put(struct filename *name);

#define LOOKUP_FOLLOW BIT(0)    /* a symlink at the end is followed */
#define LOOKUP_DIRECTORY BIT(1) /* the result must be one */
#define LOOKUP_EMPTY BIT(2)     /* "" names dfd itself */

/* 0 and a referenced path. */
int path_lookup(int dfd, const char *name, u32 flags, struct path *path);
int user_path(int dfd, const char __user *name, u32 flags, struct path *path);

enum last_type { LAST_NORM, LAST_DOT, LAST_DOTDOT, LAST_ROOT };
struct walk {         /* a walk under way; its owner calls walk_end() */
    struct path path; /* where it is, referenced */
    struct path root; /* referenced; ".." does not lead out of it */
    const char *rest; /* what is still to walk */
    char *space;      /* kmalloc'ed text that `rest` points into, or NULL */
    u32 flags;        /* LOOKUP_* */
    int links;        /* symlinks followed so far */
    bool slash;       /* the last component was like "dir/" */
    /* of a walk to the parent: what is left */
    enum last_type type;
    const char *name; /* not NUL-terminated */
    size_t len;
    struct dentry *dead; /* to be freed once dcache_lock is dropped */
};
/* To the last component's directory; walk_end() also after a failure. */
int walk_parent(struct walk *walk, int dfd, const char *name);
void walk_end(struct walk *walk);

/* Child of a directory by any means, referenced.  Locks: parent's
 * inode->lock held.  0, -ENOENT, -ENAMETOOLONG... */
int lookup_child(struct dentry *parent, const char *name, size_t len,
                 struct dentry **child);
/* Path for open(O_CREAT): made if it is not there. */
int path_open_create(int dfd, const char *name, u32 flags, mode_t mode,
                     struct path *path, bool *created);
ssize_t read_link(struct inode *inode, char *buf, size_t size); /* bytes */

/* root and working directory of a process */
struct fs_struct {
    refcount_t refs;
    spinlock_t lock;
    struct path root, pwd; /* (lock) referenced */
    mode_t umask;
};
void fs_root_get(struct path *path); /* current's */
void fs_pwd_get(struct path *path);
void fs_path_get(struct fs_struct *fs, bool pwd, struct path *path);
void fs_set_pwd(struct fs_struct *fs, const struct path *path);
void fs_set_root(struct fs_struct *fs, const struct path *path);
mode_t fs_umask(void);

/* ---- changing names: 0 or -errno ---- */

int vfs_create(struct dentry *parent, const char *name, size_t len, mode_t mode,
               dev_t rdev, struct dentry **result);
int do_mknod(int dfd, const char *name, mode_t mode, dev_t rdev);
int do_mkdir(int dfd, const char *name, mode_t mode);
int do_unlink(int dfd, const char *name, bool directory);
int do_symlink(const char *target, int dfd, const char *name);
/* /proc/sys/fs/protected_hardlinks: 1, or 0 for links to anything. */
extern int protected_hardlinks;
int do_link(int old_dfd, const char *old, int new_dfd, const char *new,
            int flags);
int do_rename(int old_dfd, const char *old, int new_dfd, const char *new,
              u32 flags);

/* ---- open files ---- */

#define OPEN_KNOWN                                                             \
    (O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND |            \
     O_NONBLOCK | O_DSYNC | __O_SYNC | FASYNC | O_DIRECT | O_LARGEFILE |       \
     O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC | O_PATH | __O_TMPFILE)

void file_init(void);
struct file *file_alloc(u32 flags);
struct inode *anon_inode(mode_t mode); /* of no mounted file system */
/* An open file of what path names; consumes nothing. */
int file_open_path(const struct path *path, u32 flags, struct file **file);
int do_open(int dfd, const char *name, u32 flags, mode_t mode,
            struct file **file);
/* The place an open file was opened at; a nameless one gets a name. */
int file_get_path(struct file *file, struct path *path);
int do_truncate(struct inode *inode, u64 size);
/* How many of `count` bytes may be written at `pos`, by RLIMIT_FSIZE; none:
 * SIGXFSZ and -EFBIG. */
ssize_t file_size_allowed(u64 pos, size_t count);
int memfd_open(const char *name, u32 flags, struct file **file);
int tmpfs_tmpfile(const struct path *dir, u32 flags, mode_t mode,
                  struct file **file);

long memfd_fcntl(struct file *file, unsigned int cmd, unsigned long arg);
int pipe_create(struct file *end[2], u32 flags); /* [0] reads, [1] writes */
long pipe_fcntl(struct file *file, unsigned int cmd, unsigned long arg);
int eventfd_create(u64 count, u32 flags, struct file **file);
long fcntl_lock(struct file *file, unsigned int cmd, struct flock __user *arg);
int do_flock(struct file *file, unsigned int cmd);

/* ---- pseudo file systems ---- */

void tmpfs_init(void);
void chrdevs_print(struct printer *out);
void devtmpfs_init(void);
void procfs_init(void);
void sysfs_init(void);

void locks_release(struct file *file); /* flock's, at the last close */
void locks_release_posix(struct inode *inode, struct files_struct *owner);
