/*
 * kernel/fs/fs_struct.c - a process's root, working directory and umask.
 *
 * Locking    fs->lock (spin); whoever takes a path out of it takes
 *            references.
 * Context    any that may sleep.  Before the first process there is no
 *            fs_struct: then both are the root of everything.
 */
#include <kernel/fs/internal.h>

#define UMASK_DEFAULT 022

struct fs_struct *fs_create(void)
{
    struct fs_struct *fs = kzalloc(sizeof(*fs), GFP_KERNEL);

    if (!fs)
        return NULL;
    refcount_set(&fs->refs, 1);
    spin_lock_init(&fs->lock);
    root_path_get(&fs->root);
    root_path_get(&fs->pwd);
    fs->umask = UMASK_DEFAULT;
    return fs;
}

struct fs_struct *fs_copy(struct fs_struct *fs)
{
    struct fs_struct *copy = kmalloc(sizeof(*copy), GFP_KERNEL);

    if (!copy)
        return NULL;
    refcount_set(&copy->refs, 1);
    spin_lock_init(&copy->lock);
    spin_lock(&fs->lock);
    copy->root = fs->root;
    copy->pwd = fs->pwd;
    copy->umask = fs->umask;
    path_get(&copy->root);
    path_get(&copy->pwd);
    spin_unlock(&fs->lock);
    return copy;
}

void fs_get(struct fs_struct *fs)
{
    refcount_inc(&fs->refs);
}

void fs_put(struct fs_struct *fs)
{
    if (!refcount_dec_and_test(&fs->refs))
        return;
    path_put(&fs->root);
    path_put(&fs->pwd);
    kfree(fs);
}

void fs_path_get(struct fs_struct *fs, bool pwd, struct path *path)
{
    if (!fs) {
        root_path_get(path);
        return;
    }
    spin_lock(&fs->lock);
    *path = pwd ? fs->pwd : fs->root;
    path_get(path);
    spin_unlock(&fs->lock);
}

void fs_root_get(struct path *path)
{
    fs_path_get(current->fs, false, path);
}

void fs_pwd_get(struct path *path)
{
    fs_path_get(current->fs, true, path);
}

static void replace(struct fs_struct *fs, struct path *which,
                    const struct path *path)
{
    struct path old;

    path_get(path);
    spin_lock(&fs->lock);
    old = *which;
    *which = *path;
    spin_unlock(&fs->lock);
    path_put(&old);
}

void fs_set_pwd(struct fs_struct *fs, const struct path *path)
{
    replace(fs, &fs->pwd, path);
}

void fs_set_root(struct fs_struct *fs, const struct path *path)
{
    replace(fs, &fs->root, path);
}

mode_t fs_umask(void)
{
    return current->fs ? current->fs->umask : 0;
}
