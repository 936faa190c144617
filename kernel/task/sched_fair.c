/*
 * kernel/task/sched_fair.c - how much of a CPU each task has had, and is due.
 *
 * Structure  a task's vruntime is the time it has had, weighted by nice; each
 *            queue's min_vruntime follows the least of them and never goes
 *            back.
 * Fairness   a task that slept comes back at most SLEEPER_CREDIT behind the
 *            others: it runs soon, and cannot save up time.  A new task
 *            begins where its parent is; who changes weight keeps what it is
 *            ahead in time, not in vruntime, or a lazy task that is called to
 *            work would wait for having been lazy.
 * Time       no tick.  While somebody waits, one timer per slice asks the
 *            running task to make room on its way to ring 3; it is left
 *            pending across switches and looks again when it fires.
 * Locking    rq->lock.
 */
#include <kernel/task/fair.h>

#include <kernel/core/irq.h>
#include <kernel/lib/string.h>
#include <kernel/uapi/sched.h>

#define WEIGHT_IDLE 3

/* 1024 / 1.25^nice for nice -20..19: one step is a tenth of a CPU. */
static const u32 nice_weight[40] = {
    88818, 71054, 56843, 45475, 36380, 29104, 23283, 18626, 14901, 11921,
    9537,  7629,  6104,  4883,  3906,  3125,  2500,  2000,  1600,  1280,
    1024,  819,   655,   524,   419,   336,   268,   215,   172,   137,
    110,   88,    70,    56,    45,    36,    29,    23,    18,    15,
};

void rq_account(struct run_queue *rq, struct task_struct *task, u64 now)
{
    u64 delta = now - task->exec_start;

    task->exec_start = now;
    if (task == rq->idle)
        return;
    if (task->mm) {
        task->unsampled += delta;
        rq->unsampled += delta;
    } else {
        task->stime += delta;
        rq->spent.system += delta;
    }
    task->vruntime += weighted(task, delta);
    if ((s64)(task->vruntime - rq->min_vruntime) > 0) {
        u64 least = task->vruntime;
        const struct task_struct *first = rq_first(rq);

        if (first && (s64)(first->vruntime - least) < 0)
            least = first->vruntime;
        if ((s64)(least - rq->min_vruntime) > 0)
            rq->min_vruntime = least;
    }
}

struct run_queue *task_rq_lock_charged(struct task_struct *task)
{
    struct run_queue *rq = task_rq_lock(task);

    if (task->on_cpu)
        rq_account(rq, task, ktime_get());
    return rq;
}

void sched_account_current(void)
{
    u64 flags = local_irq_save();

    spin_unlock(&task_rq_lock_charged(current)->lock);
    local_irq_restore(flags);
}

u64 task_runtime(struct task_struct *task)
{
    u64 sum = task->utime + task->stime + task->unsampled;

    return task->on_cpu ? sum + (ktime_get() - task->exec_start) : sum;
}

void slice_over(struct timer *timer)
{
    struct run_queue *rq = container_of(timer, struct run_queue, slice);
    struct task_struct *task = current;
    u64 now = ktime_get();

    if (!rq->nr_queued || task == rq->idle)
        return;
    if (many_cpus())
        rq_give(rq);
    if (now - task->slice_start + SLICE / 8 >= SLICE)
        this_cpu_write(user_work, this_cpu_read(user_work) | WORK_RESCHED);
    else
        timer_add(&rq->slice, task->slice_start + SLICE);
}

static u32 weight_of(const struct task_struct *task)
{
    return task->policy == SCHED_IDLE ? WEIGHT_IDLE
                                      : nice_weight[task->nice + 20];
}

/* After nice or policy changed.  Locks: rq->lock; the task is charged. */
static void reweigh(struct run_queue *rq, struct task_struct *task)
{
    u32 before = task->weight, weight = weight_of(task);
    s64 ahead = (s64)(task->vruntime - rq->min_vruntime);
    bool waits = task->on_rq && !task->on_cpu;

    if (waits)
        rq_remove(rq, task);
    if (task->on_rq)
        rq->load += weight - before;
    if (ahead > 0)
        task->vruntime = rq->min_vruntime + (u64)ahead * before / weight;
    task->weight = weight;
    if (waits)
        rq_insert(rq, task);
}

void sched_fork(struct task_struct *child)
{
    struct task_struct *parent = current;
    u64 *frame = (u64 *)task_user_regs(child) - 7;

    memset(frame, 0, 6 * sizeof(u64));
    frame[6] = (u64)task_start; /* context_switch returns to it */
    child->kernel_sp = (u64)frame;
    child->state = TASK_RUNNING;
    child->cpu = smp_processor_id();
    child->nice = parent->nice;
    if (unlikely(parent->reset_on_fork)) {
        child->reset_on_fork = false;
        child->policy = SCHED_NORMAL;
        child->rt_priority = 0;
        child->nice = max(parent->nice, 0);
    }
    sched_account_current(); /* or the child were younger by a tick */
    child->vruntime = parent->vruntime;
    child->weight = parent->weight;
    if (unlikely(weight_of(child) != child->weight))
        sched_set_nice(child, child->nice);
}

/* Behind the next in line and no further: who waits longer may be far ahead,
 * and nobody gives way for that long. */
void sched_yield_current(void)
{
    struct run_queue *rq = this_rq();
    const struct task_struct *next;
    u64 flags;

    if (!READ_ONCE(rq->nr_queued))
        return;
    flags = spin_lock_irqsave(&rq->lock);
    next = rq_first(rq);
    if (next && (s64)(next->vruntime - current->vruntime) > 0)
        current->vruntime = next->vruntime;
    spin_unlock_irqrestore(&rq->lock, flags);
    schedule();
}

void sched_set_nice(struct task_struct *task, int nice)
{
    u64 flags = local_irq_save();
    struct run_queue *rq = task_rq_lock_charged(task);

    task->nice = nice;
    reweigh(rq, task);
    spin_unlock(&rq->lock);
    local_irq_restore(flags);
}

void sched_set_policy(struct task_struct *task, u32 policy, u32 rt_priority)
{
    u64 flags = local_irq_save();
    struct run_queue *rq = task_rq_lock_charged(task);

    task->policy = policy;
    task->rt_priority = rt_priority;
    reweigh(rq, task);
    spin_unlock(&rq->lock);
    local_irq_restore(flags);
}
