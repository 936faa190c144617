/*
 * kernel/fs/fdtable.c - descriptors: numbers for open files.
 *
 * Structure  an array of files and two bitmaps (open, close-on-exec); the
 *            first 64 of each lie inside files_struct, larger tables are one
 *            allocation that doubles.
 * Cost       look-up O(1); the lowest free number is found 64 at a time from
 *            a hint.
 * Locking    files->lock (spin) covers all of it.  A table with one user is
 *            read without it: only that user, who is here, could change it.
 * Invariant  bit in `open` <=> slot taken (a slot may be reserved: NULL).
 * Context    growing and closing may sleep.
 */
#include <kernel/fs/files_struct.h>
#include <kernel/fs/internal.h>
#include <kernel/lib/string.h>
#include <kernel/uapi/resource.h>

#define FD_MOST (1u << 20) /* as Linux's fs.nr_open */

struct files_struct *files_create(void)
{
    struct files_struct *files = kzalloc(sizeof(*files), GFP_KERNEL);

    if (!files)
        return NULL;
    refcount_set(&files->refs, 1);
    spin_lock_init(&files->lock);
    files->size = FD_FEW;
    files->fd = files->few;
    files->open = files->few_open;
    files->cloexec = files->few_cloexec;
    return files;
}

void files_get(struct files_struct *files)
{
    refcount_inc(&files->refs);
}

static void tables_free(struct files_struct *files)
{
    if (files->fd != files->few)
        kfree(files->fd);
}

/* One allocation: files, then both bitmaps.  NULL without memory. */
static struct file **tables_alloc(unsigned int size)
{
    return kzalloc(size * sizeof(struct file *) + 2 * size / 8, GFP_KERNEL);
}

/* Makes `table` the one in use and gives the old one back, or NULL. */
static struct file **tables_switch(struct files_struct *files,
                                   struct file **table, unsigned int size)
{
    struct file **old = files->fd != files->few ? files->fd : NULL;
    u64 *open = (u64 *)(table + size), *cloexec = open + size / 64;

    memcpy(table, files->fd, files->size * sizeof(*table));
    memcpy(open, files->open, files->size / 8);
    memcpy(cloexec, files->cloexec, files->size / 8);
    files->fd = table;
    files->open = open;
    files->cloexec = cloexec;
    files->size = size;
    return old;
}

/* So that slot `fd` exists.  Locks: takes files->lock. */
static int grow_to(struct files_struct *files, unsigned int fd)
{
    unsigned int size = FD_FEW;
    struct file **table;

    while (size <= fd)
        size *= 2;
    table = tables_alloc(size);
    if (!table)
        return -ENOMEM;
    spin_lock(&files->lock);
    if (size > files->size)
        table = tables_switch(files, table, size);
    spin_unlock(&files->lock);
    kfree(table);
    return 0;
}

static inline bool test_slot(const u64 *map, unsigned int fd)
{
    return map[fd / 64] >> (fd % 64) & 1;
}

static inline void mark_slot(u64 *map, unsigned int fd, bool on)
{
    u64 bit = 1ull << (fd % 64);

    if (on)
        map[fd / 64] |= bit;
    else
        map[fd / 64] &= ~bit;
}

/* Lowest free number >= min, or files->size. */
static unsigned int find_free_locked(const struct files_struct *files,
                                     unsigned int min)
{
    unsigned int word = min / 64;
    u64 taken;

    if (min >= files->size)
        return files->size;
    taken = files->open[word] | ((1ull << (min % 64)) - 1);
    while (!~taken) {
        if (++word * 64 >= files->size)
            return files->size;
        taken = files->open[word];
    }
    return word * 64 + __builtin_ctzll(~taken);
}

static unsigned int fd_limit(void)
{
    u64 limit = current->signal->rlim[RLIMIT_NOFILE].cur;

    return min(limit, (u64)FD_MOST);
}

int fd_install(struct file *file, unsigned int min, bool cloexec)
{
    struct files_struct *files = current->files;
    unsigned int fd, limit = fd_limit();
    int err;

    for (;;) {
        spin_lock(&files->lock);
        fd = find_free_locked(files, max(min, files->hint));
        if (fd >= limit || fd < files->size)
            break;
        spin_unlock(&files->lock);
        if (max(fd, min) >= limit)
            return -EMFILE;
        err = grow_to(files, max(fd, min));
        if (err)
            return err;
    }
    if (fd < limit) {
        if (min <= files->hint)
            files->hint = fd + 1;
        mark_slot(files->open, fd, true);
        mark_slot(files->cloexec, fd, cloexec);
        files->fd[fd] = file;
    }
    spin_unlock(&files->lock);
    return fd < limit ? (int)fd : -EMFILE;
}

static struct file *file_at(struct files_struct *files, unsigned int fd)
{
    return fd < files->size ? files->fd[fd] : NULL;
}

struct file *files_find(struct files_struct *files, unsigned int fd)
{
    struct file *file;

    spin_lock(&files->lock);
    file = file_at(files, fd);
    if (file)
        get_file(file);
    spin_unlock(&files->lock);
    return file;
}

bool files_shared(const struct files_struct *files)
{
    return refcount_read(&files->refs) > 1;
}

unsigned int files_size(struct files_struct *files)
{
    return files->size;
}

struct fd fdget_any(unsigned int fd)
{
    struct files_struct *files = current->files;

    if (likely(refcount_read(&files->refs) == 1))
        return (struct fd){file_at(files, fd), false};
    return (struct fd){files_find(files, fd), true};
}

struct fd fdget(unsigned int fd)
{
    struct fd f = fdget_any(fd);

    if (unlikely(!f.file)) {
        f.put = false;
    } else if (unlikely(f.file->fmode & FMODE_PATH)) {
        fdput(f);
        f = (struct fd){NULL, false};
    }
    return f;
}

struct file *fget_any(unsigned int fd)
{
    return files_find(current->files, fd);
}

struct file *fget(unsigned int fd)
{
    struct file *file = fget_any(fd);

    if (file && file->fmode & FMODE_PATH) {
        fput(file);
        return NULL;
    }
    return file;
}

/* Empties a slot; its file (with the table's reference) or NULL. */
static struct file *take_out_locked(struct files_struct *files, unsigned int fd)
{
    struct file *file = file_at(files, fd);

    if (!file)
        return NULL;
    files->fd[fd] = NULL;
    mark_slot(files->open, fd, false);
    mark_slot(files->cloexec, fd, false);
    files->hint = min(files->hint, fd);
    return file;
}

/* POSIX: any close of a file drops the process's fcntl locks on it. */
static void close_file(struct files_struct *files, struct file *file)
{
    if (unlikely(file->inode->locks))
        locks_release_posix(file->inode, files);
    fput(file);
}

int fd_close(unsigned int fd)
{
    struct files_struct *files = current->files;
    struct file *file;

    spin_lock(&files->lock);
    file = take_out_locked(files, fd);
    spin_unlock(&files->lock);
    if (!file)
        return -EBADF;
    close_file(files, file);
    return 0;
}

int fd_replace(unsigned int fd, struct file *file, bool cloexec)
{
    struct files_struct *files = current->files;
    struct file *old;
    int err;

    if (fd >= fd_limit())
        return -EBADF;
    if (fd >= files->size) {
        err = grow_to(files, fd);
        if (err)
            return err;
    }
    get_file(file);
    spin_lock(&files->lock);
    old = files->fd[fd];
    files->fd[fd] = file;
    mark_slot(files->open, fd, true);
    mark_slot(files->cloexec, fd, cloexec);
    if (files->hint == fd)
        files->hint = fd + 1;
    spin_unlock(&files->lock);
    if (old)
        close_file(files, old);
    return fd;
}

bool fd_cloexec(unsigned int fd)
{
    struct files_struct *files = current->files;
    bool set;

    spin_lock(&files->lock);
    set = fd < files->size && test_slot(files->cloexec, fd);
    spin_unlock(&files->lock);
    return set;
}

void fd_set_cloexec(unsigned int fd, bool cloexec)
{
    struct files_struct *files = current->files;

    spin_lock(&files->lock);
    if (file_at(files, fd))
        mark_slot(files->cloexec, fd, cloexec);
    spin_unlock(&files->lock);
}

/* First open number >= fd among `map`, or files->size. */
static unsigned int next_set_locked(const struct files_struct *files,
                                    const u64 *map, unsigned int fd)
{
    unsigned int word = fd / 64;
    u64 bits;

    if (fd >= files->size)
        return files->size;
    bits = map[word] & (~0ull << (fd % 64));
    while (!bits) {
        if (++word * 64 >= files->size)
            return files->size;
        bits = map[word];
    }
    return word * 64 + __builtin_ctzll(bits);
}

int fd_close_range(unsigned int first, unsigned int last, bool cloexec_only)
{
    struct files_struct *files = current->files;
    struct file *file;
    unsigned int fd = first;

    for (;;) {
        spin_lock(&files->lock);
        fd = next_set_locked(files, files->open, fd);
        if (fd >= files->size || fd > last)
            break;
        file = NULL;
        if (cloexec_only)
            mark_slot(files->cloexec, fd, true);
        else
            file = take_out_locked(files, fd);
        spin_unlock(&files->lock);
        if (file)
            close_file(files, file);
        fd++;
    }
    spin_unlock(&files->lock);
    return 0;
}

void files_close_on_exec(struct files_struct *files)
{
    struct file *file;
    unsigned int fd = 0;

    for (;;) {
        spin_lock(&files->lock);
        fd = next_set_locked(files, files->cloexec, fd);
        file = take_out_locked(files, fd);
        spin_unlock(&files->lock);
        if (!file)
            return;
        close_file(files, file);
    }
}

int files_next(struct files_struct *files, unsigned int fd, struct file **file)
{
    int found = -1;

    spin_lock(&files->lock);
    fd = next_set_locked(files, files->open, fd);
    if (fd < files->size) {
        *file = files->fd[fd];
        get_file(*file);
        found = fd;
    }
    spin_unlock(&files->lock);
    return found;
}

/* The copy of one process's table that fork makes: same numbers. */
static void copy_slots(struct files_struct *to, const struct files_struct *from)
{
    unsigned int words = from->size / 64, word, fd;
    u64 bits;

    for (word = 0; word < words; word++) {
        to->open[word] = from->open[word];
        to->cloexec[word] = from->cloexec[word];
        for (bits = from->open[word]; bits; bits &= bits - 1) {
            fd = word * 64 + __builtin_ctzll(bits);
            to->fd[fd] = from->fd[fd];
            get_file(to->fd[fd]);
        }
    }
    to->hint = from->hint;
}

struct files_struct *files_copy(struct files_struct *files)
{
    struct files_struct *copy = files_create();

    if (!copy)
        return NULL;
    spin_lock(&files->lock);
    while (copy->size < files->size) { /* it may grow while we allocate */
        unsigned int size = files->size;

        spin_unlock(&files->lock);
        if (grow_to(copy, size - 1)) {
            files_put(copy);
            return NULL;
        }
        spin_lock(&files->lock);
    }
    copy_slots(copy, files);
    spin_unlock(&files->lock);
    return copy;
}

int files_unshare(void)
{
    struct files_struct *old = current->files, *own;

    if (!files_shared(old))
        return 0;
    own = files_copy(old);
    if (!own)
        return -ENOMEM;
    current->files = own;
    files_put(old);
    return 0;
}

void files_put(struct files_struct *files)
{
    unsigned int fd;

    if (!refcount_dec_and_test(&files->refs))
        return;
    for (fd = 0; (fd = next_set_locked(files, files->open, fd)) < files->size;
         fd++)
        close_file(files, files->fd[fd]);
    tables_free(files);
    kfree(files);
}
