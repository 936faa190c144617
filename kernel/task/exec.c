/*
 * kernel/task/exec.c - execve: a process becomes another program.
 *
 * Order   1. open, collect the arguments, follow "#!" lines, check the ELF
 *            files, build the new address space;
 *         2. end the other threads;
 *         3. change over: from here there is no way back, and an error kills.
 *         Whatever can fail stands before 2, so a failed execve leaves the
 *         caller as it was.
 * Cost    O(segments + argument text); the program's pages come by faults.
 */
#include <kernel/task/exec.h>

#include <kernel/core/percpu.h>
#include <kernel/core/printk.h>
#include <kernel/fs/fdtable.h>
#include <kernel/lib/string.h>
#include <kernel/task/internal.h>
#include <kernel/task/ptimer.h>
#include <kernel/task/vdso.h>
#include <kernel/uapi/errno.h>
#include <kernel/uapi/fcntl.h>
#include <kernel/uapi/resource.h>
#include <kernel/x86/cpu.h>
#include <kernel/x86/fpu.h>
#include <kernel/x86/segments.h>
#include <mm/slab.h>
#include <mm/uaccess.h>
#include <mm/vma.h>

#define STACK_SPARE (128 * KIB) /* mapped below the arguments */
#define RFLAGS_IF 0x202         /* and bit 1, which is always set */

static int read_head(struct exec_image *image)
{
    ssize_t got;

    memset(image->head, 0, sizeof(image->head));
    got = kernel_read(image->main.file, image->head, sizeof(image->head), 0);
    return got < 0 ? got : 0;
}

/* Cuts "#!interpreter argument" out of image->head.  *arg NULL: none. */
static int script_parse(char *head, char **interp, char **arg)
{
    char *end, *p = head + 2;

    bool whole = head[EXEC_HEAD - 1] == '\n';

    head[EXEC_HEAD - 1] = '\0';
    end = strchr(p, '\n');
    if (!end && whole)
        end = head + EXEC_HEAD - 1;
    whole = end;
    if (!end) {
        /* The name must be whole, its end must be there. */
        for (end = p; *end == ' ' || *end == '\t'; end++)
            ;
        while (*end && *end != ' ' && *end != '\t')
            end++;
        if (end == head + EXEC_HEAD - 1)
            return -ENOEXEC;
        end = head + strlen(head);
    }
    while (end > p && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    *end = '\0';
    while (*p == ' ' || *p == '\t')
        p++;
    if (!*p) /* the end of the file makes that the directory we are in */
        return whole ? -ENOEXEC : -EACCES;
    *interp = p;
    while (*p && *p != ' ' && *p != '\t')
        p++;
    *arg = NULL;
    if (*p) {
        *p++ = '\0';
        while (*p == ' ' || *p == '\t')
            p++;
        *arg = p;
    }
    return 0;
}

/* The interpreter takes the script's place; its path becomes an argument. */
static int script_follow(struct exec_image *image, char **script)
{
    struct exec_strings *s = &image->strings;
    char *interp, *arg, *copy;
    int err = script_parse(image->head, &interp, &arg);

    if (err)
        return err;
    exec_strings_drop_first(s);
    err = exec_strings_push(s, *script ? *script : image->filename);
    if (!err && arg) {
        err = exec_strings_push(s, arg);
        s->argc++;
    }
    if (!err)
        err = exec_strings_push(s, interp);
    s->argc++;
    if (err)
        return err;
    copy = kstrdup(interp, GFP_KERNEL);
    if (!copy)
        return -ENOMEM;
    kfree(*script);
    *script = copy;
    fput(image->main.file);
    image->main.file = NULL;
    return filp_open_exec(AT_FDCWD, copy, 0, &image->main.file);
}

/* Until what is open is no script. */
static int scripts_follow(struct exec_image *image)
{
    char *script = NULL;
    int err = read_head(image);

    for (int depth = 0; !err; depth++) {
        if (image->head[0] != '#' || image->head[1] != '!')
            break;
        if (depth >= EXEC_SCRIPTS_MAX)
            err = -ELOOP;
        else
            err = script_follow(image, &script);
        if (!err)
            err = read_head(image);
    }
    kfree(script);
    return err;
}

static void image_credentials(struct exec_image *image)
{
    const struct inode *inode = file_inode(image->main.file);

    if (current->no_new_privs)
        return;
    image->set_uid = inode->mode & S_ISUID;
    image->set_gid = (inode->mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP);
    image->uid = inode->uid;
    image->gid = inode->gid;
}

static int image_map(struct exec_image *image)
{
    const struct signal_struct *signal = current->signal;
    size_t need;
    int err;

    image->mm = mm_create();
    if (!image->mm)
        return -ENOMEM;
    image->mm->limits = (struct mm_limits){
        .stack = signal->rlim[RLIMIT_STACK].cur,
        .as = signal->rlim[RLIMIT_AS].cur,
        .data = signal->rlim[RLIMIT_DATA].cur,
        .memlock = signal->rlim[RLIMIT_MEMLOCK].cur,
    };
    exec_layout(image);
    need = PAGE_ALIGN(exec_stack_need(image)) + STACK_SPARE;
    err = mm_add_stack(image->mm, image->stack_top, need,
                       image->exec_stack ? VM_EXEC : 0);
    if (!err)
        err = exec_elf_map(image);
    if (!err)
        err = vdso_map(image->mm, exec_vdso_hint(image), &image->vdso);
    if (err)
        return err;
    get_file(image->main.file);
    image->mm->exe_file = image->main.file;
    return 0;
}

/* A thread that is not the first takes over the first one's identity. */
static void take_over_leader(struct task_struct *task)
{
    struct signal_struct *signal = task->signal, *child;
    struct task_struct *leader = signal->leader;
    u64 flags = spin_lock_irqsave(&tasklist_lock);

    task_swap_pids_locked(task, leader);
    task->exit_signal = leader->exit_signal;
    task->start_time = leader->start_time;
    signal->leader = task;
    list_for_each_entry(child, &signal->children, sibling)
        child->parent = task;
    spin_lock(&task->sighand->lock);
    list_del(&leader->thread_link);
    spin_unlock(&task->sighand->lock);
    task_unlink_locked(leader);
    leader->state = TASK_DEAD;
    spin_unlock_irqrestore(&tasklist_lock, flags);
    put_task(leader);
}

/* Ends all other threads.  -EAGAIN: the process is ending itself. */
static int become_only_thread(struct task_struct *task)
{
    struct signal_struct *signal = task->signal;
    u64 flags;

    if (signal->nr_threads == 1 && thread_group_leader(task))
        return 0;
    flags = spin_lock_irqsave(&task->sighand->lock);
    if (signal->group_exit) {
        spin_unlock_irqrestore(&task->sighand->lock, flags);
        return -EAGAIN;
    }
    signal_zap_threads_locked(task, 0);
    signal->exec_task = task;
    spin_unlock_irqrestore(&task->sighand->lock, flags);
    for (;;) {
        set_current_state(TASK_UNINTERRUPTIBLE);
        if (READ_ONCE(signal->nr_threads) == 1)
            break;
        schedule();
    }
    set_current_state(TASK_RUNNING);
    if (!thread_group_leader(task))
        take_over_leader(task);
    flags = spin_lock_irqsave(&task->sighand->lock);
    signal->exec_task = NULL;
    signal->group_exit = false;
    signal_recalc(task);
    spin_unlock_irqrestore(&task->sighand->lock, flags);
    return 0;
}

static void change_mm(struct task_struct *task, struct mm_struct *mm)
{
    struct mm_struct *old = task->mm, *borrowed = task->active_mm;
    u64 flags;

    if (old) {
        mm->no_huge_pages = old->no_huge_pages;
        mm_release_task(task);
    }
    flags = spin_lock_irqsave(&task->sighand->lock);
    mm_switch(mm);
    task->mm = task->active_mm = mm;
    spin_unlock_irqrestore(&task->sighand->lock, flags);
    if (old)
        mm_put(old);
    else
        mm_drop(borrowed);
}

static void change_credentials(struct task_struct *task,
                               const struct exec_image *image)
{
    struct cred *cred = &task->cred;
    bool raised = (image->set_uid && image->uid != cred->euid) ||
                  (image->set_gid && image->gid != cred->egid);

    if (image->set_uid)
        cred->euid = image->uid;
    if (image->set_gid)
        cred->egid = image->gid;
    cred->suid = cred->fsuid = cred->euid;
    cred->sgid = cred->fsgid = cred->egid;
    task->mm->dumpable = !raised;
    caps_fix_exec(cred, raised);
    if (raised)
        task->pdeath_signal = 0;
}

/*
 * Others find a task's lock through task->sighand without holding anything,
 * so threads that have gone are no reason for another one; where a second
 * process has it, the old one stays until nobody can be on the way to it.
 */
static void change_signals(struct task_struct *task)
{
    struct sighand_struct *old = task->sighand, *own;
    u64 flags;

    if (READ_ONCE(old->shared)) {
        own = sighand_alloc();
        if (own) {
            memcpy(own->action, old->action, sizeof(own->action));
            flags = spin_lock_irqsave(&old->lock);
            task->sighand = own;
            spin_unlock_irqrestore(&old->lock, flags);
            if (task->sighand_before)
                sighand_put(task->sighand_before);
            task->sighand_before = old;
        }
    }
    signal_exec_reset(task);
}

static void set_comm(struct task_struct *task, const char *path)
{
    const char *slash = strrchr(path, '/');

    strscpy(task->comm, slash ? slash + 1 : path, sizeof(task->comm));
}

/* Ring 3 starts with nothing in its registers but rip and rsp. */
static void start_registers(struct task_struct *task, u64 entry, u64 sp)
{
    struct pt_regs *regs = task_user_regs(task);
    u64 flags = local_irq_save();

    memset(regs, 0, sizeof(*regs));
    regs->orig_rax = -1;
    regs->rip = entry;
    regs->rflags = RFLAGS_IF;
    regs->rsp = sp;
    regs->cs = USER_CS;
    regs->ss = USER_DS;
    task->selectors = (struct user_selectors){0, 0, 0, 0};
    user_selectors_load(task->selectors);
    task->fs_base = task->gs_base = 0;
    task_load_bases(task);
    local_irq_restore(flags);
    fpu_reset(task->fpu);
}

/* No way back: the old program is gone. */
static int change_over(struct task_struct *task, struct exec_image *image)
{
    u64 sp;
    int err;

    change_mm(task, image->mm);
    image->mm = NULL;
    ptimers_delete(task->signal);
    files_unshare(); /* else close-on-exec closes for both */
    files_close_on_exec(task->files);
    change_signals(task);
    change_credentials(task, image);
    set_comm(task, image->filename);
    memset(task->strace_seen, 0, sizeof(task->strace_seen));
    task->signal->has_execed = true;
    task->rseq = NULL;
    image->mm = task->mm; /* borrowed for the rest */
    err = exec_elf_zero_tails(image);
    if (!err)
        err = exec_stack_fill(image, &sp);
    if (!err)
        start_registers(task, exec_elf_entry(image), sp);
    image->mm = NULL;
    return err;
}

static int exec_program(struct exec_image *image)
{
    struct task_struct *task = current;
    int err;

    err = scripts_follow(image);
    if (!err)
        err = exec_elf_read(image);
    if (!err) {
        image_credentials(image);
        err = image_map(image);
    }
    if (!err)
        err = become_only_thread(task);
    if (err)
        return err;
    if (change_over(task, image)) {
        exec_elf_close(image);
        exec_strings_free(&image->strings);
        do_exit_group(SIGSEGV);
    }
    return 0;
}

static int exec_path(int dfd, const char *path, int at_flags,
                     const struct exec_source *argv,
                     const struct exec_source *envp)
{
    struct exec_image *image = kzalloc(sizeof(*image), GFP_KERNEL);
    int err;

    if (!image)
        return -ENOMEM;
    image->filename = path;
    err = exec_strings_collect(image, argv, envp);
    if (!err && (at_flags & ~(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW)))
        err = -EINVAL; /* after the pointers, as on Linux */
    if (!err)
        err = filp_open_exec(dfd, path, at_flags, &image->main.file);
    if (!err)
        err = exec_program(image);
    exec_elf_close(image);
    exec_strings_free(&image->strings);
    if (image->mm)
        mm_put(image->mm);
    kfree(image);
    return err;
}

int do_execve(int dfd, const char *path, int at_flags, const void __user *argv,
              const void __user *envp)
{
    struct exec_source args = {.user = argv}, env = {.user = envp};

    return exec_path(dfd, path, at_flags, &args, &env);
}

int kernel_execve(const char *path, const char *const *argv,
                  const char *const *envp)
{
    struct exec_source args = {.kernel = argv}, env = {.kernel = envp};

    return exec_path(AT_FDCWD, path, 0, &args, &env);
}
