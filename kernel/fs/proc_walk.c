/*
 * kernel/fs/proc_walk.c - /proc/pagewalk: page tables, shown to a program.
 *
 * Write "[PID] ADDRESS", read the walk of it level by level; without PID in
 * the asking program's own table.  Addresses of the kernel half are shown from
 * the same table.  For root only, as physical addresses are told.
 */
#include <kernel/fs/query.h>
#include <kernel/fs/proc_walk.h>

#include <kernel/core/printk.h>
#include <kernel/lib/string.h>
#include <kernel/task/task.h>
#include <kernel/uapi/errno.h>
#include <mm/what.h>

static int walk_of(pid_t pid, unsigned long va, struct printer *out)
{
    struct task_struct *task = task_find_get(pid);
    int err = -ESRCH;

    if (!task)
        return err;
    if (task->mm) {
        /* held, so that exit cannot take the table away meanwhile */
        struct mm_struct *mm = task->mm;

        mm_grab(mm);
        what_print(mm->root, va, out);
        mm_drop(mm);
        err = 0;
    }
    put_task(task);
    return err;
}

static int ask(char *line, struct printer *out)
{
    const char *rest;
    u64 first, second;

    if (!parse_u64(line, &rest, &first))
        return -EINVAL;
    if (!*rest) {
        what_print(current->mm->root, first, out);
        return 0;
    }
    if (*rest != ' ' || !parse_u64(rest + 1, &rest, &second) || *rest)
        return -EINVAL;
    return walk_of((pid_t)first, second, out);
}

static const struct query_ops walk_query = {.text_max = 4096 - 128, .ask = ask};

void proc_walk_init(void)
{
    if (!query_create(proc_root, "pagewalk", 0600, &walk_query))
        pr_err("proc: no memory for /proc/pagewalk");
}
