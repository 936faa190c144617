/*
 * kernel/fs/proc_walk.c - /proc/pagewalk: page tables, shown to a program.
 *
 * Write "walk [PID] ADDRESS" and read how the CPU gets from there to memory,
 * level by level; write "what [PID] ADDRESS" and read what lies there.  Without
 * PID it is about the asking program; addresses of the kernel half are looked
 * up in the same table.  For root only, as physical addresses are told.
 */
#include <kernel/fs/query.h>
#include <kernel/fs/proc_walk.h>

#include <kernel/core/printk.h>
#include <kernel/lib/string.h>
#include <kernel/task/task.h>
#include <kernel/uapi/errno.h>
#include <mm/what.h>

typedef void answer_fn(pte_t *root, unsigned long va, struct printer *out);

static int answer_for(pid_t pid, unsigned long va, answer_fn *answer,
                      struct printer *out)
{
    struct task_struct *task = task_find_get(pid);
    struct mm_struct *mm;

    if (!task)
        return -ESRCH;
    mm = task->mm;
    if (mm) {
        mm_grab(mm); /* so that its exit leaves us the table */
        answer(mm->root, va, out);
        mm_drop(mm);
    }
    put_task(task);
    return mm ? 0 : -ESRCH;
}

static int ask(char *line, struct printer *out)
{
    answer_fn *answer;
    const char *rest;
    u64 pid, va;

    if (!strncmp(line, "walk ", 5))
        answer = what_print_walk;
    else if (!strncmp(line, "what ", 5))
        answer = what_print;
    else
        return -EINVAL;
    if (!parse_u64(line + 5, &rest, &va))
        return -EINVAL;
    if (!*rest) {
        answer(current->mm->root, va, out);
        return 0;
    }
    pid = va;
    if (*rest != ' ' || !parse_u64(rest + 1, &rest, &va) || *rest)
        return -EINVAL;
    return answer_for((pid_t)pid, va, answer, out);
}

static const struct query_ops walk_query = {.text_max = 4096 - 128, .ask = ask};

void proc_walk_init(void)
{
    if (!query_create(proc_root, "pagewalk", 0600, &walk_query))
        pr_err("proc: no memory for /proc/pagewalk");
}
