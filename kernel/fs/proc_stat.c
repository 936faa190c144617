/*
 * kernel/fs/proc_stat.c - a process in numbers: stat, statm, status, and the
 * sums of all of them.
 *
 * Structure  one snapshot is taken under the task list's lock; printing
 *            happens afterwards.
 */
#include <kernel/fs/proc_pid.h>
#include <kernel/fs/procfs.h>
#include <kernel/lib/string.h>
#include <kernel/task/cputime.h>
#include <kernel/task/ctty.h>
#include <kernel/uapi/resource.h>
#include <mm/mm.h>

struct view { /* of a process, or of one thread */
    char comm[16], state;
    pid_t ppid, pgrp, session, tty_group;
    dev_t tty;
    u64 min_flt, cmin_flt, maj_flt, cmaj_flt;
    u64 utime, stime, cutime, cstime; /* ns */
    u64 pending, shared_pending, blocked, ignored, caught;
    u64 nvcsw, nivcsw;
    u64 start_time, rss_limit;
    u32 threads;
    int exit_code, exit_signal;
};

static char state_letter(const struct task_struct *task)
{
    static const char letters[] = {
        [TASK_RUNNING] = 'R',         [TASK_INTERRUPTIBLE] = 'S',
        [TASK_UNINTERRUPTIBLE] = 'D', [TASK_STOPPED] = 'T',
        [TASK_ZOMBIE] = 'Z',          [TASK_DEAD] = 'X',
    };

    return letters[task->state];
}

static void view_signals(struct view *v, const struct task_struct *task)
{
    int sig;

    v->pending = task->pending.set;
    v->shared_pending = task->signal->shared_pending.set;
    v->blocked = task->blocked;
    if (!task->sighand)
        return;
    for (sig = 0; sig < 64; sig++) {
        void *handler = task->sighand->action[sig].handler;

        if (handler == (void *)SIG_IGN)
            v->ignored |= 1ul << sig;
        else if (handler != (void *)SIG_DFL)
            v->caught |= 1ul << sig;
    }
}

static void add_thread(struct view *v, struct task_struct *task)
{
    struct cpu_time time = task_times(task);

    v->min_flt += task->min_flt;
    v->maj_flt += task->maj_flt;
    v->utime += time.user;
    v->stime += time.system;
    v->nvcsw += task->nvcsw;
    v->nivcsw += task->nivcsw;
}

static void view_times(struct view *v, struct task_struct *task)
{
    const struct signal_struct *sig = task->signal;
    struct task_struct *t;

    if (!thread_group_leader(task)) {
        add_thread(v, task);
        return;
    }
    v->min_flt = sig->min_flt;
    v->maj_flt = sig->maj_flt;
    v->utime = sig->utime;
    v->stime = sig->stime;
    list_for_each_entry(t, &task->signal->threads, thread_link)
        add_thread(v, t);
    v->cmin_flt = sig->cmin_flt;
    v->cmaj_flt = sig->cmaj_flt;
    v->cutime = sig->cutime;
    v->cstime = sig->cstime;
}

static void view_take(struct view *v, struct task_struct *task)
{
    const struct signal_struct *sig = task->signal;
    u64 flags = spin_lock_irqsave(&tasklist_lock);

    memset(v, 0, sizeof(*v));
    memcpy(v->comm, task->comm, sizeof(v->comm));
    v->state = state_letter(task);
    v->ppid = sig->parent ? sig->parent->tgid : 0;
    v->pgrp = sig->pgrp;
    v->session = sig->session;
    v->tty_group = -1;
    if (sig->tty && ctty_ops) {
        v->tty = ctty_ops->dev(sig->tty);
        v->tty_group = ctty_ops->foreground(sig->tty);
    }
    v->threads = sig->nr_threads;
    v->exit_signal = task->exit_signal;
    v->exit_code = task->exit_code;
    v->start_time = task->start_time;
    v->rss_limit = sig->rlim[RLIMIT_RSS].cur;
    view_signals(v, task);
    view_times(v, task);
    spin_unlock_irqrestore(&tasklist_lock, flags);
}

void proc_fault_counts(u64 *minor, u64 *major)
{
    struct task_struct *task;
    u64 flags = spin_lock_irqsave(&tasklist_lock);

    *minor = *major = 0;
    list_for_each_entry(task, &task_list, all_link) {
        *minor += task->min_flt;
        *major += task->maj_flt;
        if (!task->signal || !thread_group_leader(task))
            continue;
        *minor += task->signal->min_flt + task->signal->cmin_flt;
        *major += task->signal->maj_flt + task->signal->cmaj_flt;
    }
    spin_unlock_irqrestore(&tasklist_lock, flags);
}

/* What stat says of memory; zero for a task without any. */
struct memory_view {
    u64 vsize, rss, start_code, end_code, start_stack, start_data, end_data;
    u64 start_brk, arg_start, arg_end, env_start, env_end;
};

static void memory_take(struct memory_view *m, const struct mm_struct *mm)
{
    memset(m, 0, sizeof(*m));
    if (!mm)
        return;
    *m = (struct memory_view){
        .vsize = mm->total_vm * PAGE_SIZE,
        .rss = mm_rss(mm),
        .start_code = mm->start_code,
        .end_code = mm->end_code,
        .start_stack = mm->start_stack,
        .start_data = mm->start_data,
        .end_data = mm->end_data,
        .start_brk = mm->start_brk,
        .arg_start = mm->arg_start,
        .arg_end = mm->arg_end,
        .env_start = mm->env_start,
        .env_end = mm->env_end,
    };
}

/* Each with a space behind it. */
static void print_numbers(struct printer *out, const s64 *numbers, size_t n)
{
    for (; n > 0; n--, numbers++) {
        if (*numbers < 0)
            printer_putc(out, '-');
        printer_number(out, *numbers < 0 ? -*numbers : *numbers, 10, 0, ' ');
        printer_putc(out, ' ');
    }
}

static void print_stat(struct printer *out, const struct task_struct *task,
                       const struct view *v, const struct memory_view *m,
                       bool program)
{
    int priority =
        task->rt_priority ? -1 - (int)task->rt_priority : 20 + task->nice;
    const s64 first[] = {v->ppid,
                         v->pgrp,
                         v->session,
                         v->tty,
                         v->tty_group,
                         program ? 0x400000 : 0x200040,
                         v->min_flt,
                         v->cmin_flt,
                         v->maj_flt,
                         v->cmaj_flt,
                         ns_to_ticks(v->utime),
                         ns_to_ticks(v->stime),
                         ns_to_ticks(v->cutime),
                         ns_to_ticks(v->cstime),
                         priority,
                         task->nice,
                         v->threads,
                         0,
                         ns_to_ticks(v->start_time),
                         m->vsize,
                         m->rss}; /* ppid to rss, fields 4 to 24 of proc(5) */
    const s64 rest[] = {m->start_code,
                        m->end_code,
                        m->start_stack,
                        0,
                        0,
                        v->pending & INT32_MAX,
                        v->blocked & INT32_MAX,
                        v->ignored & INT32_MAX,
                        v->caught & INT32_MAX,
                        v->state != 'R',
                        0,
                        0,
                        v->exit_signal,
                        task->cpu,
                        task->rt_priority,
                        task->policy,
                        0,
                        0,
                        0,
                        m->start_data,
                        m->end_data,
                        m->start_brk,
                        m->arg_start,
                        m->arg_end,
                        m->env_start,
                        m->env_end}; /* startcode to env_end */

    printer_printf(out, "%d (%s) %c ", task->pid, v->comm, v->state);
    print_numbers(out, first, ARRAY_SIZE(first));
    printer_number(out, v->rss_limit, 10, 0, ' ');
    printer_putc(out, ' ');
    print_numbers(out, rest, ARRAY_SIZE(rest));
    printer_printf(out, "%d\n", v->exit_code);
}

int proc_stat(struct task_struct *task, struct printer *out)
{
    struct mm_struct *mm = task_get_mm(task);
    struct memory_view m;
    struct view v;

    view_take(&v, task);
    memory_take(&m, mm);
    print_stat(out, task, &v, &m, mm != NULL);
    if (mm)
        mm_put(mm);
    return 0;
}

int proc_statm(struct task_struct *task, struct printer *out)
{
    struct mm_struct *mm = task_get_mm(task);
    u64 shared, text;

    if (!mm) {
        printer_puts(out, "0 0 0 0 0 0 0\n");
        return 0;
    }
    shared = atomic_read(&mm->file_pages) + atomic_read(&mm->shmem_pages);
    text = PFN_UP(mm->end_code) - PFN_DOWN(mm->start_code);
    printer_printf(out, "%lu %lu %lu %lu 0 %lu 0\n", mm->total_vm, mm_rss(mm),
                   shared, text, mm->data_vm + mm->stack_vm);
    mm_put(mm);
    return 0;
}

/* ---- status ---- */

static void kib_line(struct printer *out, const char *name, u64 pages)
{
    printer_printf(out, "%s:\t%8lu kB\n", name, pages * (PAGE_SIZE / KIB));
}

static void status_memory(struct printer *out, const struct mm_struct *mm)
{
    u64 text = PFN_UP(mm->end_code) - PFN_DOWN(mm->start_code);

    kib_line(out, "VmPeak", mm->total_vm);
    kib_line(out, "VmSize", mm->total_vm);
    kib_line(out, "VmLck", mm->locked_vm);
    kib_line(out, "VmPin", 0);
    kib_line(out, "VmHWM", mm_hiwater_rss(mm));
    kib_line(out, "VmRSS", mm_rss(mm));
    kib_line(out, "RssAnon", atomic_read(&mm->anon_pages));
    kib_line(out, "RssFile", atomic_read(&mm->file_pages));
    kib_line(out, "RssShmem", atomic_read(&mm->shmem_pages));
    kib_line(out, "VmData", mm->data_vm);
    kib_line(out, "VmStk", mm->stack_vm);
    kib_line(out, "VmExe", text);
    kib_line(out, "VmLib", mm->exec_vm > text ? mm->exec_vm - text : 0);
    kib_line(out, "VmPTE", atomic_read(&mm->table_pages));
    kib_line(out, "VmSwap", 0);
    printer_puts(out, "HugetlbPages:\t       0 kB\nCoreDumping:\t0\n"
                      "THP_enabled:\t0\n");
}

static const char *state_word(char letter)
{
    switch (letter) {
    case 'R':
        return "running";
    case 'S':
        return "sleeping";
    case 'D':
        return "disk sleep";
    case 'T':
        return "stopped";
    case 'Z':
        return "zombie";
    default:
        return "dead";
    }
}

static void status_ids(struct printer *out, const struct cred *c)
{
    printer_printf(out, "Uid:\t%u\t%u\t%u\t%u\nGid:\t%u\t%u\t%u\t%u\n", c->uid,
                   c->euid, c->suid, c->fsuid, c->gid, c->egid, c->sgid,
                   c->fsgid);
}

static void status_groups(struct printer *out, struct task_struct *task)
{
    struct group_info *groups;
    u64 flags = spin_lock_irqsave(&task->sighand->lock);

    groups = groups_get(task->cred.groups);
    spin_unlock_irqrestore(&task->sighand->lock, flags);
    printer_puts(out, "Groups:\t");
    for (u32 i = 0; groups && i < groups->count; i++)
        printer_printf(out, "%u ", groups->ids[i]);
    printer_puts(out, "\n");
    groups_put(groups);
}

static void status_signals(struct printer *out, const struct view *v)
{
    printer_printf(out,
                   "SigQ:\t0/4096\nSigPnd:\t%016lx\nShdPnd:\t%016lx\n"
                   "SigBlk:\t%016lx\nSigIgn:\t%016lx\nSigCgt:\t%016lx\n",
                   v->pending, v->shared_pending, v->blocked, v->ignored,
                   v->caught);
}

static void status_caps(struct printer *out, const struct task_struct *task)
{
    const struct cap_sets *caps = &task->cred.caps;

    printer_printf(out,
                   "CapInh:\t%016lx\nCapPrm:\t%016lx\nCapEff:\t%016lx\n"
                   "CapBnd:\t%016lx\nCapAmb:\t%016lx\nNoNewPrivs:\t%d\n"
                   "Seccomp:\t0\n",
                   caps->inheritable, caps->permitted, caps->effective,
                   caps->bounding, caps->ambient, task->no_new_privs);
}

static void status_cpus(struct printer *out, const struct task_struct *task)
{
    u64 online = nr_cpus_online < 64 ? BIT(nr_cpus_online) - 1 : ~0ul;
    u64 mask = task->cpus_allowed & online;
    const char *separator = "";
    u32 cpu, end;

    printer_printf(out, "Cpus_allowed:\t%lx\nCpus_allowed_list:\t", mask);
    for (cpu = 0; cpu < 64; cpu = end + 1) {
        end = cpu;
        if (!(mask >> cpu & 1))
            continue;
        while (end < 63 && mask >> (end + 1) & 1)
            end++;
        printer_printf(out, cpu == end ? "%s%u" : "%s%u-%u", separator, cpu,
                       end);
        separator = ",";
    }
    printer_puts(out, "\nMems_allowed:\t1\nMems_allowed_list:\t0\n");
}

int proc_status(struct task_struct *task, struct printer *out)
{
    struct files_struct *files = task_get_files(task);
    struct fs_struct *fs = task_get_fs(task);
    struct mm_struct *mm = task_get_mm(task);
    struct view v;

    view_take(&v, task);
    printer_printf(out, "Name:\t%s\n", v.comm);
    if (fs)
        printer_printf(out, "Umask:\t%04o\n", fs->umask);
    printer_printf(out,
                   "State:\t%c (%s)\nTgid:\t%d\nNgid:\t0\nPid:\t%d\n"
                   "PPid:\t%d\nTracerPid:\t0\n",
                   v.state, state_word(v.state), task->tgid, task->pid, v.ppid);
    status_ids(out, &task->cred);
    printer_printf(out, "FDSize:\t%u\n", files ? files_size(files) : 0);
    status_groups(out, task);
    if (mm)
        status_memory(out, mm);
    printer_printf(out, "Threads:\t%u\n", v.threads);
    status_signals(out, &v);
    status_caps(out, task);
    status_cpus(out, task);
    printer_printf(out,
                   "voluntary_ctxt_switches:\t%lu\n"
                   "nonvoluntary_ctxt_switches:\t%lu\n",
                   v.nvcsw, v.nivcsw);
    if (mm)
        mm_put(mm);
    if (fs)
        fs_put(fs);
    if (files)
        files_put(files);
    return 0;
}
