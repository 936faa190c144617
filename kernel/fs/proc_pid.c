/*
 * kernel/fs/proc_pid.c - /proc/PID: directories that exist while a process
 * does.
 *
 * Structure  nothing is kept: a process is looked up by its number
 *            (proc_numbers.c), and an inode made whose `private` says which
 *            process, which row of the table, and which descriptor is meant.
 *            Its `birth` tells that process from a later one of this number.
 * Cost       O(log processes) per look-up.
 * Locking    the task list's, inside task_find_get(); a task is referenced
 *            while it is looked at.
 * Context    may sleep.
 */
#include <kernel/fs/proc_pid.h>
#include <kernel/fs/text.h>
#include <kernel/lib/format.h>
#include <kernel/lib/string.h>
#include <mm/mm.h>

/* inode->private */
#define REF_PID_BITS 22
#define REF_ROW_SHIFT 22
#define REF_FD_SHIFT 32

static u64 ref_make(pid_t pid, unsigned int row, unsigned int fd)
{
    return (u64)pid | (u64)row << REF_ROW_SHIFT | (u64)fd << REF_FD_SHIFT;
}

static u64 ref_of(const struct inode *inode)
{
    return (u64)inode->private;
}

static unsigned int ref_row(const struct inode *inode)
{
    return ref_of(inode) >> REF_ROW_SHIFT & 0xff;
}

unsigned int proc_ref_fd(const struct inode *inode)
{
    return ref_of(inode) >> REF_FD_SHIFT;
}

static pid_t ref_pid(const struct inode *inode)
{
    return ref_of(inode) & ((1u << REF_PID_BITS) - 1);
}

/* As pid_inode() will number it. */
ino_t proc_fd_ino(const struct inode *dir, unsigned int fd)
{
    return (u64)ref_pid(dir) << 32 | (ref_row(dir) + 1) << 20 | fd;
}

struct task_struct *proc_task(const struct inode *inode)
{
    struct task_struct *task = task_find_get(ref_pid(inode));

    if (task && task->start_time != inode->birth) { /* another's by now */
        put_task(task);
        task = NULL;
    }
    return task;
}

/* ---- rows ---- */

enum row_kind { ROW_TEXT, ROW_LINK, ROW_FILE, ROW_DIR };

struct row {
    const char *name;
    enum row_kind kind;
    mode_t mode;
    bool inspects;     /* needs ptrace_may_access() */
    bool process_only; /* not below task/TID */
    union {
        int (*show)(struct task_struct *task, struct printer *out);
        int (*follow)(struct task_struct *task, struct path *path);
        const struct file_operations *fops;
        struct {
            const struct inode_operations *ops;
            const struct file_operations *fops;
        } dir;
    };
};

#define TEXT(n, m)                                                             \
    {                                                                          \
        .name = #n, .kind = ROW_TEXT, .mode = m, .show = proc_##n              \
    }
#define PRIVATE_TEXT(n, m)                                                     \
    {                                                                          \
        .name = #n, .kind = ROW_TEXT, .mode = m, .inspects = true,             \
        .show = proc_##n                                                       \
    }
#define LINK(n)                                                                \
    {                                                                          \
        .name = #n, .kind = ROW_LINK, .mode = 0777, .inspects = true,          \
        .follow = proc_##n                                                     \
    }

static const struct row rows[] = {
    {.name = "task",
     .kind = ROW_DIR,
     .mode = 0555,
     .process_only = true,
     .dir = {&proc_task_ops, &proc_task_fops}},
    {.name = "fd",
     .kind = ROW_DIR,
     .mode = 0500,
     .inspects = true,
     .dir = {&proc_fd_ops, &proc_fd_fops}},
    {.name = "fdinfo",
     .kind = ROW_DIR,
     .mode = 0555,
     .inspects = true,
     .dir = {&proc_fdinfo_ops, &proc_fdinfo_fops}},
    PRIVATE_TEXT(environ, 0400),
    PRIVATE_TEXT(auxv, 0400),
    TEXT(status, 0444),
    TEXT(personality, 0400),
    TEXT(limits, 0444),
    {.name = "comm", .kind = ROW_FILE, .mode = 0644, .fops = &proc_comm_fops},
    TEXT(cmdline, 0444),
    TEXT(stat, 0444),
    TEXT(statm, 0444),
    PRIVATE_TEXT(maps, 0444),
    {.name = "mem",
     .kind = ROW_FILE,
     .mode = 0600,
     .inspects = true,
     .fops = &proc_mem_fops},
    LINK(cwd),
    {.name = "root",
     .kind = ROW_LINK,
     .mode = 0777,
     .inspects = true,
     .follow = proc_root_link},
    LINK(exe),
    TEXT(mounts, 0444),
    TEXT(mountinfo, 0444),
    PRIVATE_TEXT(smaps, 0444),
    PRIVATE_TEXT(smaps_rollup, 0444),
    {.name = "pagemap",
     .kind = ROW_FILE,
     .mode = 0400,
     .inspects = true,
     .fops = &proc_pagemap_fops},
    TEXT(wchan, 0444),
    TEXT(oom_score, 0444),
    TEXT(oom_score_adj, 0644),
};

/* ---- inodes ---- */

static const struct inode_operations base_ops, text_inode_ops, link_ops;
static const struct file_operations base_fops, text_fops;

static struct inode *pid_inode(struct super_block *sb,
                               const struct task_struct *task, mode_t mode,
                               unsigned int row, unsigned int fd)
{
    struct inode *inode = inode_create(sb, mode);

    if (!inode)
        return NULL;
    inode->private = (void *)ref_make(task->pid, row, fd);
    inode->birth = task->start_time;
    inode->ino = (u64)task->pid << 32 | (row + 1) << 20 | fd;
    inode->uid = task->cred.euid;
    inode->gid = task->cred.egid;
    inode->ops = &text_inode_ops;
    return inode;
}

struct inode *proc_fd_inode(const struct inode *dir, mode_t mode,
                            unsigned int fd)
{
    struct task_struct *task = proc_task(dir);
    struct inode *inode = NULL;

    if (task) {
        inode = pid_inode(dir->sb, task, mode, ref_row(dir), fd);
        put_task(task);
    }
    return inode;
}

struct inode *proc_base_inode(struct super_block *sb,
                              const struct task_struct *task, unsigned int row)
{
    struct inode *inode = pid_inode(sb, task, S_IFDIR | 0555, row, 0);

    if (inode) {
        inode->nlink = 2;
        inode->immutable = true;
        inode->ops = &base_ops;
        inode->fops = &base_fops;
    }
    return inode;
}

static struct inode *row_inode(struct super_block *sb,
                               const struct task_struct *task, unsigned int i)
{
    static const mode_t types[] = {[ROW_TEXT] = S_IFREG,
                                   [ROW_LINK] = S_IFLNK,
                                   [ROW_FILE] = S_IFREG,
                                   [ROW_DIR] = S_IFDIR};
    const struct row *row = &rows[i];
    struct inode *inode =
        pid_inode(sb, task, types[row->kind] | row->mode, i, 0);

    if (!inode)
        return NULL;
    switch (row->kind) {
    case ROW_TEXT:
        inode->fops = &text_fops;
        break;
    case ROW_FILE:
        inode->fops = row->fops;
        break;
    case ROW_LINK:
        inode->ops = &link_ops;
        break;
    case ROW_DIR:
        inode->nlink = 2;
        inode->ops = row->dir.ops;
        inode->fops = row->dir.fops;
        break;
    }
    return inode;
}

/* ---- /proc/PID ---- */

static bool row_shown(const struct row *row, const struct inode *dir)
{
    return !row->process_only || ref_row(dir) == ROW_PROCESS;
}

static int base_lookup(struct inode *dir, const char *name, size_t len,
                       struct inode **inode)
{
    struct task_struct *task = proc_task(dir);
    unsigned int i;
    int err = -ENOENT;

    if (!task)
        return ref_row(dir) == ROW_PROCESS ? -ESRCH : -ENOENT;
    for (i = 0; i < ARRAY_SIZE(rows); i++)
        if (!strncmp(rows[i].name, name, len) && !rows[i].name[len])
            break;
    if (i < ARRAY_SIZE(rows) && row_shown(&rows[i], dir)) {
        *inode = row_inode(dir->sb, task, i);
        err = *inode ? 0 : -ENOMEM;
    }
    put_task(task);
    return err;
}

static int base_iterate(struct file *file, struct dir_context *ctx)
{
    static const u8 types[] = {[ROW_TEXT] = DT_REG,
                               [ROW_LINK] = DT_LNK,
                               [ROW_FILE] = DT_REG,
                               [ROW_DIR] = DT_DIR};
    struct inode *dir = file->inode;
    struct task_struct *task = proc_task(dir);

    if (!task)
        return -ENOENT;
    put_task(task);
    if (!dir_emit_dots(file, ctx))
        return 0;
    for (; ctx->pos - 2 < (loff_t)ARRAY_SIZE(rows); ctx->pos++) {
        const struct row *row = &rows[ctx->pos - 2];

        if (row_shown(row, dir) &&
            !ctx->emit(ctx, row->name, strlen(row->name),
                       (u64)ref_pid(dir) << 32 | (ctx->pos - 1) << 20,
                       types[row->kind]))
            break;
    }
    return 0;
}

/* What a process's entries say of themselves is not for others to set. */
static int pid_setattr(struct inode *inode)
{
    return -EPERM;
}

static const struct inode_operations base_ops = {
    .lookup = base_lookup,
    .setattr = pid_setattr,
};
static const struct file_operations base_fops = {
    .iterate = base_iterate,
    .llseek = generic_llseek,
};

int proc_dir_process(const struct file *file, struct task_struct **leader)
{
    if (file->ops != &base_fops || ref_row(file->inode) != ROW_PROCESS)
        return -EBADF;
    *leader = proc_task(file->inode);
    return *leader ? 0 : -ESRCH;
}

int proc_task_checked(const struct inode *inode, struct task_struct **task)
{
    unsigned int i = ref_row(inode);

    *task = proc_task(inode);
    if (!*task)
        return -ESRCH;
    if (i < ARRAY_SIZE(rows) && rows[i].inspects &&
        !ptrace_may_access(*task, PTRACE_MODE_FSCREDS)) {
        put_task(*task);
        return -EACCES;
    }
    return 0;
}

int proc_check_open(const struct inode *inode)
{
    struct task_struct *task;
    int err = proc_task_checked(inode, &task);

    if (!err)
        put_task(task);
    return err;
}

int proc_text_open(struct inode *inode, struct file *file)
{
    int err = proc_check_open(inode);

    return err ? err : text_open(file);
}

void proc_text_release(struct inode *inode, struct file *file)
{
    (void)inode;
    text_release(file);
}

static int pid_fill(struct file *file, struct printer *out)
{
    struct task_struct *task;
    int err = proc_task_checked(file->inode, &task);

    if (err)
        return err;
    err = rows[ref_row(file->inode)].show(task, out);
    put_task(task);
    return err;
}

static ssize_t pid_text_read(struct file *file, char __user *buf, size_t count,
                             loff_t *pos)
{
    return text_read(file, buf, count, pos, pid_fill);
}

/* Only oom_score_adj has a mode that lets it be opened for writing. */
static ssize_t pid_text_write(struct file *file, const char __user *buf,
                              size_t count, loff_t *pos)
{
    struct task_struct *task;
    char text[16] = "";
    int err;

    if (copy_from_user(text, buf, min(count, sizeof(text) - 1)))
        return -EFAULT;
    err = proc_task_checked(file->inode, &task);
    if (err)
        return err;
    err = proc_set_oom_score_adj(task, text);
    put_task(task);
    return err ? err : (ssize_t)count;
}

static const struct inode_operations text_inode_ops = {
    .setattr = pid_setattr,
};
static const struct file_operations text_fops = {
    .open = proc_text_open,
    .read = pid_text_read,
    .write = pid_text_write,
    .llseek = generic_llseek,
    .release = proc_text_release,
};

/* ---- links ---- */

static int link_follow(struct inode *inode, struct path *path)
{
    struct task_struct *task;
    int err = proc_task_checked(inode, &task);

    if (err)
        return err == -ESRCH ? -ENOENT : err;
    err = rows[ref_row(inode)].follow(task, path);
    put_task(task);
    return err;
}

ssize_t proc_path_text(const struct path *path, char *buf, size_t size)
{
    struct path root;
    char *space = kmalloc(PATH_MAX, GFP_KERNEL), *text;
    ssize_t len = -ENOMEM;

    if (!space)
        return len;
    fs_root_get(&root);
    text = d_path(path, &root, space, PATH_MAX);
    path_put(&root);
    len = text ? (ssize_t)min(strlen(text), size) : -ENAMETOOLONG;
    if (len > 0)
        memcpy(buf, text, len);
    kfree(space);
    return len;
}

static ssize_t link_readlink(struct inode *inode, char *buf, size_t size)
{
    struct path path;
    ssize_t len = link_follow(inode, &path);

    if (len)
        return len;
    len = proc_path_text(&path, buf, size);
    path_put(&path);
    return len;
}

static const struct inode_operations link_ops = {
    .readlink = link_readlink,
    .follow = link_follow,
};
