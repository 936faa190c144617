/*
 * kernel/task/task.c - tasks as objects: memory, numbers, look-up.
 *
 * Structure  a red-black tree by pid, which is also the order of /proc, and
 *            task_list in order of birth (init first).
 * Cost       look-up, insertion and "next pid" O(log tasks).  A number is
 *            free again only when no process, group or session has it; that
 *            is looked for only after the numbers have wrapped around once.
 * Locking    tasklist_lock covers both, with interrupts off.
 * Lifetime   one reference belongs to the tree (dropped when the zombie is
 *            reaped) and one to the CPU that runs it (dropped by sched.c when
 *            it has left its stack for good).
 */
#include <kernel/task/exec.h>
#include <kernel/task/internal.h>
#include <kernel/task/vdso.h>

#include <kernel/core/panic.h>
#include <kernel/fs/fdtable.h>
#include <kernel/lib/string.h>
#include <kernel/uapi/errno.h>
#include <mm/mm.h>
#include <mm/slab.h>

#define PID_MAX 32768
#define PID_RESERVED 300 /* where numbers go on after wrapping, as on Linux */

DEFINE_SPINLOCK(tasklist_lock);
LIST_HEAD(task_list);
struct task_struct *init_task;
u32 nr_tasks;

static struct rb_root pid_tree;
static pid_t pid_last = 1; /* 1 is init's */
static bool pid_wrapped;
static struct kmem_cache *task_cache;

void task_init(void)
{
    task_report_init();
    random_start();
    exec_layout_init();
    vdso_init();
    signal_init();
    futex_init();
    task_cache = kmem_cache_create("task_struct", sizeof(struct task_struct),
                                   64, 0, NULL);
    if (!task_cache)
        panic("no memory for the task cache");
}

struct task_struct *task_find_locked(pid_t pid)
{
    struct rb_node *node = pid_tree.node;

    while (node) {
        struct task_struct *task = rb_entry(node, struct task_struct, pid_node);

        if (task->pid == pid)
            return task;
        node = pid < task->pid ? node->left : node->right;
    }
    return NULL;
}

static void pid_insert_locked(struct task_struct *task)
{
    struct rb_node **link = &pid_tree.node, *parent = NULL;

    while (*link) {
        parent = *link;
        link = task->pid < rb_entry(parent, struct task_struct, pid_node)->pid
                   ? &parent->left
                   : &parent->right;
    }
    rb_insert(&pid_tree, &task->pid_node, parent, link, NULL);
}

bool pgrp_exists(pid_t pgrp, pid_t session)
{
    struct task_struct *task;
    u64 flags = spin_lock_irqsave(&tasklist_lock);
    bool found = false;

    list_for_each_entry(task, &task_list, all_link) {
        if (task->signal->pgrp == pgrp && task->signal->leader == task &&
            (session == -1 || task->signal->session == session)) {
            found = true;
            break;
        }
    }
    spin_unlock_irqrestore(&tasklist_lock, flags);
    return found;
}

static bool pid_in_use_locked(pid_t pid)
{
    struct task_struct *task;

    if (task_find_locked(pid))
        return true;
    if (!pid_wrapped)
        return false;
    list_for_each_entry(task, &task_list, all_link)
        if (task->signal->pgrp == pid || task->signal->session == pid)
            return true;
    return false;
}

/* Locks: tasklist_lock. */
int pid_alloc(struct task_struct *task)
{
    for (int tries = 0; tries < PID_MAX; tries++) {
        if (++pid_last >= PID_MAX) {
            pid_last = PID_RESERVED;
            pid_wrapped = true;
        }
        if (!pid_in_use_locked(pid_last)) {
            task->pid = pid_last;
            return 0;
        }
    }
    return -EAGAIN;
}

void task_link_locked(struct task_struct *task)
{
    assert_spin_held(&tasklist_lock);
    pid_insert_locked(task);
    list_add_tail(&task->all_link, &task_list);
    nr_tasks++;
}

void task_unlink_locked(struct task_struct *task)
{
    assert_spin_held(&tasklist_lock);
    rb_erase(&pid_tree, &task->pid_node, NULL);
    list_del(&task->all_link);
    nr_tasks--;
}

void task_swap_pids_locked(struct task_struct *a, struct task_struct *b)
{
    pid_t pid = a->pid;

    rb_erase(&pid_tree, &a->pid_node, NULL);
    rb_erase(&pid_tree, &b->pid_node, NULL);
    a->pid = b->pid;
    b->pid = pid;
    pid_insert_locked(a);
    pid_insert_locked(b);
}

struct task_struct *task_alloc(void)
{
    struct task_struct *task = kmem_cache_alloc(task_cache, GFP_KERNEL);

    if (!task)
        return NULL;
    memset(task, 0, sizeof(*task));
    task->stack = kernel_stack_alloc();
    if (!task->stack) {
        kmem_cache_free(task_cache, task);
        return NULL;
    }
    refcount_set(&task->refs, 2);
    task->cred.caps.effective = task->cred.caps.permitted = CAPS_ALL;
    task->cred.caps.bounding = CAPS_ALL;
    list_init(&task->all_link);
    list_init(&task->thread_link);
    list_init(&task->pending.queue);
    return task;
}

void task_free(struct task_struct *task)
{
    if (task->stack)
        kernel_stack_free(task->stack);
    kmem_cache_free(task_cache, task);
}

void get_task(struct task_struct *task)
{
    refcount_inc(&task->refs);
}

void put_task(struct task_struct *task)
{
    if (!refcount_dec_and_test(&task->refs))
        return;
    sigqueue_flush(&task->pending);
    groups_put(task->cred.groups);
    if (task->sighand)
        sighand_put(task->sighand);
    if (task->sighand_before)
        sighand_put(task->sighand_before);
    if (task->signal)
        signal_put(task->signal);
    task_free(task);
}

struct task_struct *task_find_get(pid_t pid)
{
    u64 flags = spin_lock_irqsave(&tasklist_lock);
    struct task_struct *task = task_find_locked(pid);

    if (task)
        get_task(task);
    spin_unlock_irqrestore(&tasklist_lock, flags);
    return task;
}

struct task_struct *task_next_get(pid_t pid)
{
    u64 flags = spin_lock_irqsave(&tasklist_lock);
    struct rb_node *node = pid_tree.node;
    struct task_struct *best = NULL;

    while (node) {
        struct task_struct *task = rb_entry(node, struct task_struct, pid_node);

        if (task->pid > pid)
            best = task;
        node = task->pid > pid ? node->left : node->right;
    }
    if (best)
        get_task(best);
    spin_unlock_irqrestore(&tasklist_lock, flags);
    return best;
}

/* exit and execve change what a task has under its sighand->lock. */
struct mm_struct *task_get_mm(struct task_struct *task)
{
    u64 flags = spin_lock_irqsave(&task->sighand->lock);
    struct mm_struct *mm = task->mm;

    if (mm)
        mm_get(mm);
    spin_unlock_irqrestore(&task->sighand->lock, flags);
    return mm;
}

struct files_struct *task_get_files(struct task_struct *task)
{
    u64 flags = spin_lock_irqsave(&task->sighand->lock);
    struct files_struct *files = task->files;

    if (files)
        files_get(files);
    spin_unlock_irqrestore(&task->sighand->lock, flags);
    return files;
}

struct fs_struct *task_get_fs(struct task_struct *task)
{
    u64 flags = spin_lock_irqsave(&task->sighand->lock);
    struct fs_struct *fs = task->fs;

    if (fs)
        fs_get(fs);
    spin_unlock_irqrestore(&task->sighand->lock, flags);
    return fs;
}
