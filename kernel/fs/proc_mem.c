/*
 * kernel/fs/proc_mem.c - a process's memory and what belongs to it: maps,
 * smaps, smaps_rollup, cmdline, environ, auxv, pagemap, mem; and the small
 * files.
 */
#include <kernel/fs/proc_pid.h>
#include <kernel/lib/string.h>
#include <kernel/task/oom.h>
#include <mm/gup.h>
#include <mm/pagemap.h>

/* ---- texts out of its memory ---- */

/* Copies [start, end) of the process's memory to out. */
static void print_memory(struct mm_struct *mm, struct printer *out,
                         unsigned long start, unsigned long end)
{
    char *buf = kmalloc(PAGE_SIZE, GFP_KERNEL);
    size_t n;

    while (buf && start < end) {
        n = access_process_vm(mm, start, buf, min(end - start, PAGE_SIZE),
                              FOLL_FORCE);
        if (!n)
            break;
        printer_write(out, buf, n);
        start += n;
    }
    kfree(buf);
}

int proc_cmdline(struct task_struct *task, struct printer *out)
{
    struct mm_struct *mm = task_get_mm(task);

    if (!mm)
        return 0;
    print_memory(mm, out, mm->arg_start, mm->arg_end);
    mm_put(mm);
    return 0;
}

int proc_environ(struct task_struct *task, struct printer *out)
{
    struct mm_struct *mm = task_get_mm(task);

    if (!mm)
        return 0;
    print_memory(mm, out, mm->env_start, mm->env_end);
    mm_put(mm);
    return 0;
}

int proc_auxv(struct task_struct *task, struct printer *out)
{
    struct mm_struct *mm = task_get_mm(task);
    size_t i = 0;

    if (!mm)
        return 0;
    while (i + 2 < ARRAY_SIZE(mm->auxv) && mm->auxv[i])
        i += 2; /* pairs, up to AT_NULL's */
    printer_write(out, (const char *)mm->auxv, (i + 2) * sizeof(mm->auxv[0]));
    mm_put(mm);
    return 0;
}

int proc_maps(struct task_struct *task, struct printer *out)
{
    struct mm_struct *mm = task_get_mm(task);

    if (!mm)
        return 0;
    vma_print_maps(mm, out);
    mm_put(mm);
    return 0;
}

int proc_smaps(struct task_struct *task, struct printer *out)
{
    struct mm_struct *mm = task_get_mm(task);

    if (!mm)
        return 0;
    vma_print_smaps(mm, out);
    mm_put(mm);
    return 0;
}

int proc_smaps_rollup(struct task_struct *task, struct printer *out)
{
    struct mm_struct *mm = task_get_mm(task);

    if (!mm)
        return -ESRCH;
    vma_print_smaps_rollup(mm, out);
    mm_put(mm);
    return 0;
}

/* ---- binary files ---- */

/* The process's memory, or NULL with *err (0: it has none any more). */
static struct mm_struct *file_mm(struct file *file, int *err)
{
    struct task_struct *task;
    struct mm_struct *mm;

    *err = proc_check_open(file->inode);
    if (*err)
        return NULL;
    task = proc_task(file->inode);
    if (!task)
        return NULL;
    mm = task_get_mm(task);
    put_task(task);
    return mm;
}

static int check_open(struct inode *inode, struct file *file)
{
    (void)file;
    return proc_check_open(inode);
}

static ssize_t pagemap_file_read(struct file *file, char __user *buf,
                                 size_t count, loff_t *pos)
{
    enum { BATCH = 128 };
    struct mm_struct *mm;
    u64 *entries, page, end = TASK_SIZE / PAGE_SIZE;
    ssize_t done = 0;
    size_t n;
    int err;

    if (*pos % 8 || count % 8)
        return -EINVAL;
    mm = file_mm(file, &err);
    if (!mm)
        return err;
    entries = kmalloc(BATCH * sizeof(u64), GFP_KERNEL);
    err = entries ? 0 : -ENOMEM;
    while (!err && (size_t)done < count) {
        page = *pos / 8;
        if (page >= end)
            break;
        n = min(min((count - done) / 8, (size_t)BATCH), end - page);
        pagemap_read(mm, page * PAGE_SIZE, n, capable(CAP_SYS_ADMIN), entries);
        if (copy_to_user(buf + done, entries, n * 8)) {
            err = -EFAULT;
            break;
        }
        done += n * 8;
        *pos += n * 8;
    }
    kfree(entries);
    mm_put(mm);
    return done ? done : err;
}

const struct file_operations proc_pagemap_fops = {
    .open = check_open,
    .read = pagemap_file_read,
    .llseek = generic_llseek,
};

/* Moves up to count bytes between the process and `buf`, page by page. */
static ssize_t mem_move(struct file *file, char __user *buf, size_t count,
                        loff_t *pos, u32 flags)
{
    char *page = kmalloc(PAGE_SIZE, GFP_KERNEL);
    ssize_t done = 0;
    size_t n, moved;
    int err = -ENOMEM;
    struct mm_struct *mm = page ? file_mm(file, &err) : NULL;

    while (mm && (size_t)done < count) {
        n = min(count - done, PAGE_SIZE);
        err = -EFAULT;
        if (flags & FOLL_WRITE && copy_from_user(page, buf + done, n))
            break;
        moved = access_process_vm(mm, *pos, page, n, flags);
        err = -EIO;
        if (!moved)
            break;
        err = -EFAULT;
        if (!(flags & FOLL_WRITE) && copy_to_user(buf + done, page, moved))
            break;
        done += moved;
        *pos += moved;
    }
    if (mm)
        mm_put(mm);
    kfree(page);
    return done || (!count && mm) ? done : err;
}

static ssize_t mem_read(struct file *file, char __user *buf, size_t count,
                        loff_t *pos)
{
    return mem_move(file, buf, count, pos, FOLL_FORCE);
}

static ssize_t mem_write(struct file *file, const char __user *buf,
                         size_t count, loff_t *pos)
{
    return mem_move(file, (char __user *)buf, count, pos,
                    FOLL_FORCE | FOLL_WRITE);
}

const struct file_operations proc_mem_fops = {
    .open = check_open,
    .read = mem_read,
    .write = mem_write,
    .llseek = generic_llseek,
};

/* ---- comm: can be written by the process itself ---- */

static ssize_t comm_read(struct file *file, char __user *buf, size_t count,
                         loff_t *pos)
{
    struct task_struct *task = proc_task(file->inode);
    char text[17];
    size_t len;

    if (!task)
        return -ESRCH;
    memcpy(text, task->comm, 16);
    put_task(task);
    text[15] = 0;
    len = strlen(text);
    text[len++] = '\n';
    if ((u64)*pos >= len)
        return 0;
    len = min(len - (size_t)*pos, count);
    if (copy_to_user(buf, text + *pos, len))
        return -EFAULT;
    *pos += len;
    return len;
}

static ssize_t comm_write(struct file *file, const char __user *buf,
                          size_t count, loff_t *pos)
{
    struct task_struct *task = proc_task(file->inode);
    char text[16] = "";
    ssize_t n = count;

    (void)pos;
    if (!task)
        return -ESRCH;
    if (task->tgid != current->tgid)
        n = -EINVAL;
    else if (copy_from_user(text, buf, min(count, sizeof(text) - 1)))
        n = -EFAULT;
    else
        memcpy(task->comm, text, sizeof(text));
    put_task(task);
    return n;
}

const struct file_operations proc_comm_fops = {
    .read = comm_read,
    .write = comm_write,
    .llseek = generic_llseek,
};

/* ---- limits ---- */

static void print_limit(struct printer *out, u64 value)
{
    if (value == ~0ul)
        printer_printf(out, "%-20s ", "unlimited");
    else
        printer_printf(out, "%-20lu ", value);
}

int proc_limits(struct task_struct *task, struct printer *out)
{
    static const struct {
        const char *name, *unit;
    } names[16] = {
        {"Max cpu time", "seconds"},     {"Max file size", "bytes"},
        {"Max data size", "bytes"},      {"Max stack size", "bytes"},
        {"Max core file size", "bytes"}, {"Max resident set", "bytes"},
        {"Max processes", "processes"},  {"Max open files", "files"},
        {"Max locked memory", "bytes"},  {"Max address space", "bytes"},
        {"Max file locks", "locks"},     {"Max pending signals", "signals"},
        {"Max msgqueue size", "bytes"},  {"Max nice priority", ""},
        {"Max realtime priority", ""},   {"Max realtime timeout", "us"},
    };
    size_t i;

    printer_printf(out, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit",
                   "Hard Limit", "Units");
    for (i = 0; i < ARRAY_SIZE(names); i++) {
        printer_printf(out, "%-25s ", names[i].name);
        print_limit(out, task->signal->rlim[i].cur);
        print_limit(out, task->signal->rlim[i].max);
        printer_printf(out, "%-10s\n", names[i].unit);
    }
    return 0;
}

/* ---- where it stands ---- */

static int fs_path_of(struct task_struct *task, bool pwd, struct path *path)
{
    struct fs_struct *fs = task_get_fs(task);

    if (!fs)
        return -ENOENT;
    fs_path_get(fs, pwd, path);
    fs_put(fs);
    return 0;
}

int proc_cwd(struct task_struct *task, struct path *path)
{
    return fs_path_of(task, true, path);
}

int proc_root_link(struct task_struct *task, struct path *path)
{
    return fs_path_of(task, false, path);
}

int proc_exe(struct task_struct *task, struct path *path)
{
    struct mm_struct *mm = task_get_mm(task);
    int err = -ENOENT;

    if (!mm)
        return err;
    if (mm->exe_file)
        err = file_get_path(mm->exe_file, path);
    mm_put(mm);
    return err;
}

static int print_mounts(struct task_struct *task, struct printer *out,
                        void (*print)(struct printer *out,
                                      const struct path *root))
{
    struct path root;
    int err = proc_root_link(task, &root);

    if (err)
        return -EINVAL;
    print(out, &root);
    path_put(&root);
    return 0;
}

int proc_mounts(struct task_struct *task, struct printer *out)
{
    return print_mounts(task, out, mounts_print);
}

int proc_mountinfo(struct task_struct *task, struct printer *out)
{
    return print_mounts(task, out, mountinfo_print);
}

/* ---- one word each ---- */

int proc_personality(struct task_struct *task, struct printer *out)
{
    printer_printf(out, "%08x\n", task->personality);
    return 0;
}

int proc_wchan(struct task_struct *task, struct printer *out)
{
    (void)task;
    printer_puts(out, "0");
    return 0;
}

int proc_oom_score(struct task_struct *task, struct printer *out)
{
    printer_printf(out, "%u\n", oom_score(task));
    return 0;
}

int proc_oom_score_adj(struct task_struct *task, struct printer *out)
{
    printer_printf(out, "%d\n", task->signal->oom_score_adj);
    return 0;
}

int proc_set_oom_score_adj(struct task_struct *task, const char *text)
{
    bool minus = *text == '-';
    size_t len = strlen(text += minus);
    unsigned int n;
    int adj;

    while (len && (text[len - 1] == '\n' || text[len - 1] == ' '))
        len--;
    if (!proc_parse_number(text, len, &n) || n > OOM_ADJ_MAX)
        return -EINVAL;
    adj = minus ? -(int)n : (int)n;
    if (adj < task->signal->oom_score_adj && current->cred.euid != 0)
        return -EACCES;
    task->signal->oom_score_adj = adj;
    return 0;
}
