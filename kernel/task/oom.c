/*
 * kernel/task/oom.c - who ends when there is no page left.
 *
 * Choice   as Linux: the process with most pages (resident, and its page
 *          tables), to which its oom_score_adj adds so many thousandths of
 *          RAM; never init, a kernel thread or one with -1000.  All processes
 *          of that address space end.
 * One      at a time: who has ended a process waits until its memory is back;
 *          the others try again meanwhile.  One that does not get to its end
 *          within PATIENCE_NS (it waits for a lock that the asker has) is left
 *          to it, and the next one chosen.
 * Locking  oom_lock (mutex); tasks are looked at one by one, referenced.
 * Context  may sleep.
 */
#include <kernel/core/panic.h>
#include <kernel/core/printk.h>
#include <kernel/sync/mutex.h>
#include <kernel/task/internal.h>
#include <kernel/task/oom.h>
#include <kernel/task/sigset.h>
#include <mm/mm.h>
#include <mm/physmap.h>
#include <mm/report.h>

#define PATIENCE_NS 2000000000ull
#define RETRY_NS 2000000ull
#define NEVER (-(1ll << 60)) /* less than any process can have */

static DEFINE_MUTEX(oom_lock);
static DEFINE_WAIT_QUEUE(nobody_wakes);
static u64 kills, settled; /* (oom_lock) how many; when the last was over */

u64 oom_kills(void)
{
    return READ_ONCE(kills);
}

static bool is_dying(const struct task_struct *task)
{
    const struct signal_struct *signal = task->signal;

    return READ_ONCE(signal->group_exit) ||
           (task->pending.set | signal->shared_pending.set) & sig_bit(SIGKILL);
}

static u64 pages_of(const struct mm_struct *mm)
{
    return mm_rss(mm) + atomic_read(&mm->table_pages);
}

static s64 badness(const struct task_struct *task, const struct mm_struct *mm)
{
    int adj = READ_ONCE(task->signal->oom_score_adj);

    if (adj == OOM_ADJ_MIN || task->tgid == 1)
        return NEVER;
    return (s64)pages_of(mm) + adj * (s64)(physmap_ram_pages() / 1000);
}

unsigned int oom_score(struct task_struct *task)
{
    struct mm_struct *mm = task_get_mm(task);
    s64 points = mm ? badness(task, mm) : NEVER;

    if (mm)
        mm_put(mm);
    if (points == NEVER)
        return 0;
    points = (1000 + points * 1000 / (s64)physmap_ram_pages()) * 2 / 3;
    return max(points, (s64)0);
}

/* Referenced, with its address space; NULL: there is none, but perhaps some
 * that are ending. */
static struct task_struct *choose(struct mm_struct **mm, bool *ending)
{
    struct task_struct *task, *best = NULL;
    s64 most = NEVER;

    for (pid_t pid = 0; (task = task_next_get(pid));) {
        struct mm_struct *its = task_get_mm(task);
        s64 points = its ? badness(task, its) : NEVER;

        pid = task->pid;
        *ending |= its && is_dying(task);
        if (points > most && !is_dying(task)) {
            struct task_struct *second = best;
            struct mm_struct *second_mm = *mm;

            best = task;
            *mm = its;
            most = points;
            task = second;
            its = second_mm;
        }
        if (its)
            mm_put(its);
        if (task)
            put_task(task);
    }
    return best;
}

static void kill_users_of(const struct mm_struct *mm)
{
    struct task_struct *task;

    for (pid_t pid = 0; (task = task_next_get(pid)); put_task(task)) {
        pid = task->pid;
        if (READ_ONCE(task->mm) == mm && task->tgid != 1)
            send_signal(SIGKILL, NULL, task);
    }
}

static unsigned long long kib(u64 pages)
{
    return pages * (PAGE_SIZE / KIB);
}

static void tell(const struct task_struct *task, const struct mm_struct *mm)
{
    pr_warn("%s[%d] needs a page and there is none", current->comm,
            current->pid);
    mm_log_zones();
    pr_err("Out of memory: Killed process %d (%s) total-vm:%llukB, "
           "anon-rss:%llukB, file-rss:%llukB, shmem-rss:%llukB, UID:%u "
           "pgtables:%llukB oom_score_adj:%d",
           task->tgid, task->comm, kib(mm->total_vm),
           kib(atomic_read(&mm->anon_pages)), kib(atomic_read(&mm->file_pages)),
           kib(atomic_read(&mm->shmem_pages)), task->cred.uid,
           kib(atomic_read(&mm->table_pages)), task->signal->oom_score_adj);
}

static void nap(void)
{
    wait_event_until(&nobody_wakes, is_dying(current), ktime_get() + RETRY_NS);
}

/* Its top table stays until the last reference goes. */
static void wait_for_pages_of(const struct mm_struct *mm)
{
    u64 end = ktime_get() + PATIENCE_NS;

    while (pages_of(mm) > 1 && !is_dying(current) && ktime_get() < end)
        nap();
}

/* Locks: oom_lock. */
static void kill_one(void)
{
    struct mm_struct *mm = NULL;
    bool ending = false;
    struct task_struct *task = choose(&mm, &ending);

    if (!task) {
        if (!ending)
            panic("out of memory, and no process that could be ended");
        nap();
        return;
    }
    tell(task, mm);
    kills++;
    kill_users_of(mm);
    put_task(task);
    mm_grab(mm);
    mm_put(mm);
    wait_for_pages_of(mm);
    mm_drop(mm);
    settled = ktime_get();
}

bool out_of_memory(void)
{
    if (is_dying(current))
        return false;
    if (ktime_get() - READ_ONCE(settled) > RETRY_NS &&
        mutex_trylock(&oom_lock)) {
        kill_one();
        mutex_unlock(&oom_lock);
    } else {
        nap();
    }
    return !is_dying(current);
}
