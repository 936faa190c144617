/*
 * kernel/fs/proc_numbers.c - directories whose names are numbers: /proc's
 * processes and /proc/PID/task's threads.
 *
 * Cost       O(log processes) per look-up and per entry.
 * Context    may sleep.
 */
#include <kernel/fs/proc_pid.h>
#include <kernel/lib/format.h>

/* ---- numbers as names ---- */

bool proc_parse_number(const char *name, size_t len, unsigned int *number)
{
    unsigned int n = 0;
    size_t i;

    if (!len || len > 7 || (name[0] == '0' && len > 1))
        return false;
    for (i = 0; i < len; i++) {
        if (name[i] < '0' || name[i] > '9')
            return false;
        n = n * 10 + (name[i] - '0');
    }
    *number = n;
    return true;
}

bool proc_emit_number(struct dir_context *ctx, unsigned int number, u8 type,
                      ino_t ino)
{
    char name[12];
    size_t len = scnprintf(name, sizeof(name), "%u", number);

    return ctx->emit(ctx, name, len, ino, type);
}

/* ---- /proc's numbers ---- */

static int proc_lookup(struct inode *dir, const char *name, size_t len,
                       struct inode **inode)
{
    struct task_struct *task;
    unsigned int pid;

    if (!proc_parse_number(name, len, &pid) || !(task = task_find_get(pid)))
        return -ENOENT;
    *inode = proc_base_inode(dir->sb, task, ROW_PROCESS);
    put_task(task);
    return *inode ? 0 : -ENOMEM;
}

static int proc_iterate(struct file *file, struct dir_context *ctx)
{
    struct task_struct *task;
    bool more = true;

    (void)file;
    while (more && (task = task_next_get(ctx->pos - PSEUDO_DYNAMIC_POS))) {
        if (thread_group_leader(task))
            more = proc_emit_number(ctx, task->pid, DT_DIR,
                                    (u64)task->pid << 32 | (ROW_PROCESS + 1)
                                                               << 20);
        if (more)
            ctx->pos = PSEUDO_DYNAMIC_POS + task->pid;
        put_task(task);
    }
    return 0;
}

const struct pseudo_dynamic proc_pid_dynamic = {
    .lookup = proc_lookup,
    .iterate = proc_iterate,
};

/* ---- task ---- */

static int task_dir_lookup(struct inode *dir, const char *name, size_t len,
                           struct inode **inode)
{
    struct task_struct *process = proc_task(dir), *task = NULL;
    unsigned int tid;
    int err = -ENOENT;

    if (process && proc_parse_number(name, len, &tid))
        task = task_find_get(tid);
    if (task && task->signal == process->signal) {
        *inode = proc_base_inode(dir->sb, task, ROW_THREAD);
        err = *inode ? 0 : -ENOMEM;
    }
    if (task)
        put_task(task);
    if (process)
        put_task(process);
    return err;
}

static int task_dir_iterate(struct file *file, struct dir_context *ctx)
{
    struct task_struct *task = proc_task(file->inode);
    bool more = true;
    pid_t tgid;

    if (!task)
        return -ENOENT;
    tgid = task->tgid;
    put_task(task);
    if (!dir_emit_dots(file, ctx))
        return 0;
    while (more &&
           (task = task_next_get(max(ctx->pos - 2, (loff_t)tgid - 1)))) {
        if (task->tgid == tgid)
            more =
                proc_emit_number(ctx, task->pid, DT_DIR,
                                 (u64)task->pid << 32 | (ROW_THREAD + 1) << 20);
        if (more)
            ctx->pos = (loff_t)task->pid + 2;
        put_task(task);
    }
    return 0;
}

const struct inode_operations proc_task_ops = {
    .lookup = task_dir_lookup,
};
const struct file_operations proc_task_fops = {
    .iterate = task_dir_iterate,
    .llseek = generic_llseek,
};
