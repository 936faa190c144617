/*
 * kernel/task/sched_fair.c - how much of a CPU each task has had, and is due.
 *
 * Structure  a task's vruntime is the time it has had, weighted by nice; each
 *            queue's min_vruntime follows the least of them and never goes
 *            back.
 * Fairness   a task that slept comes back at most SLEEPER_CREDIT behind the
 *            others: it runs soon, and cannot save up time.
 * Time       no tick.  While somebody waits, one timer per slice asks the
 *            running task to make room on its way to ring 3; it is left
 *            pending across switches and looks again when it fires.
 * Locking    rq->lock.
 */
#include <kernel/task/fair.h>

#include <kernel/core/irq.h>
#include <kernel/lib/string.h>
#include <kernel/uapi/sched.h>

#define WEIGHT_NICE_0 1024
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
    if (task->mm)
        task->unsampled += delta;
    else
        task->stime += delta;
    if (unlikely(task->weight != WEIGHT_NICE_0))
        delta = delta * WEIGHT_NICE_0 / task->weight;
    task->vruntime += delta;
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
        kick_idle_cpu(rq);
    if (now - task->slice_start + SLICE / 8 >= SLICE)
        this_cpu_write(user_work, this_cpu_read(user_work) | WORK_RESCHED);
    else
        timer_add(&rq->slice, task->slice_start + SLICE);
}

static void set_weight(struct task_struct *task)
{
    task->weight =
        task->policy == SCHED_IDLE ? WEIGHT_IDLE : nice_weight[task->nice + 20];
}

void sched_fork(struct task_struct *child)
{
    struct task_struct *parent = current;
    u64 *frame = (u64 *)task_user_regs(child) - 7;
    u64 flags;

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
    set_weight(child);
    flags = local_irq_save();
    child->vruntime = parent->vruntime - this_rq()->min_vruntime;
    local_irq_restore(flags);
}

void sched_yield_current(void)
{
    struct run_queue *rq = this_rq();
    struct task_struct *last;
    u64 flags;

    if (!READ_ONCE(rq->nr_queued))
        return;
    flags = spin_lock_irqsave(&rq->lock);
    last = rb_entry_or_null(rb_last(&rq->tree), struct task_struct, rq_node);
    if (last && (s64)(last->vruntime - current->vruntime) > 0)
        current->vruntime = last->vruntime;
    spin_unlock_irqrestore(&rq->lock, flags);
    schedule();
}

void sched_set_nice(struct task_struct *task, int nice)
{
    u64 flags = local_irq_save();
    struct run_queue *rq = task_rq_lock_charged(task);

    task->nice = nice;
    set_weight(task);
    spin_unlock(&rq->lock);
    local_irq_restore(flags);
}

void sched_set_policy(struct task_struct *task, u32 policy, u32 rt_priority)
{
    u64 flags = local_irq_save();
    struct run_queue *rq = task_rq_lock_charged(task);

    task->policy = policy;
    task->rt_priority = rt_priority;
    set_weight(task);
    spin_unlock(&rq->lock);
    local_irq_restore(flags);
}
