/*
 * kernel/task/sched_smp.c - tasks among several CPUs.
 *
 * Placing    a task that wakes or starts goes to the CPU it was on if that is
 *            idle, else to an idle one, else stays.
 * Stealing   a CPU that runs out of tasks takes the first one that waits
 *            elsewhere.
 * Giving     a CPU whose slice ends while others wait gives one of them to the
 *            CPU with the least load (the weights of what runs or wants to),
 *            if that one is better off with it than this one was; now and
 *            then also if it is just as well off, so that of three tasks on
 *            two CPUs each is alone at times.
 * Allowed    who changes a mask may come between the choice of a CPU and the
 *            task's place in its queue.  switch_to() looks once more: the task
 *            leaves before ring 3.
 * Locking    two queues' locks are held at once only while stealing and giving,
 *            and the second by trylock.  task->cpu changes under the lock of
 *            the queue that the task leaves, so that who has looked for it
 *            (task_rq_lock) finds its on_rq only under the lock by which it
 *            will come true.
 */
#include <kernel/task/fair.h>

#include <kernel/core/xcall.h>
#include <kernel/sync/atomic.h>
#include <kernel/x86/cpu.h>
#include <mm/mm.h>

#define GIVE_TURN 8   /* slices until an equal place is good enough */
#define GIVE_LOOKS 16 /* tasks in line that are looked at for one CPU */

static bool is_idle(unsigned int cpu)
{
    const struct run_queue *rq = rq_of(cpu);

    return !READ_ONCE(rq->nr_queued) &&
           READ_ONCE(*per_cpu_ptr(&current_task, cpu)) == rq->idle;
}

unsigned int pick_cpu(const struct task_struct *task)
{
    unsigned int before = task->cpu, any = before;

    if (allowed_on(task, before) && is_idle(before))
        return before;
    for (unsigned int cpu = 0; cpu < nr_cpus_online; cpu++) {
        if (!allowed_on(task, cpu))
            continue;
        if (is_idle(cpu))
            return cpu;
        if (!allowed_on(task, any))
            any = cpu;
    }
    return any;
}

/* The first in line that may run on `cpu`; NULL: none.  Under rq->lock. */
static struct task_struct *first_for(struct run_queue *rq, unsigned int cpu)
{
    for (struct rb_node *node = rb_first(&rq->tree); node;
         node = rb_next(node)) {
        struct task_struct *task = rb_entry(node, struct task_struct, rq_node);

        if (allowed_on(task, cpu))
            return task;
    }
    return NULL;
}

/* Off a queue in which it waits, to run or wait elsewhere. */
static void rq_release(struct run_queue *rq, struct task_struct *task)
{
    rq_remove(rq, task);
    rq->load -= task->weight;
}

static void change_clock(struct task_struct *task, const struct run_queue *from,
                         const struct run_queue *to)
{
    task->vruntime += to->min_vruntime - READ_ONCE(from->min_vruntime);
}

struct task_struct *rq_steal(struct run_queue *rq)
{
    for (unsigned int i = 1; i < nr_cpus_online; i++) {
        struct run_queue *other = rq_of((rq->cpu + i) % nr_cpus_online);
        struct task_struct *task;

        if (!READ_ONCE(other->nr_queued) || !spin_trylock(&other->lock))
            continue;
        task = first_for(other, rq->cpu);
        if (task) {
            rq_release(other, task);
            change_clock(task, other, rq);
            task->cpu = rq->cpu;
            rq->load += task->weight;
        }
        spin_unlock(&other->lock);
        if (task)
            return task;
    }
    return NULL;
}

/* One that `other` is at most as badly off with as `rq` is now, and less
 * badly unless `turn`; NULL: none.  Under rq->lock. */
static struct task_struct *one_for(struct run_queue *rq,
                                   const struct run_queue *other, bool turn)
{
    u64 load = READ_ONCE(other->load);
    int left = GIVE_LOOKS;

    for (struct rb_node *node = rb_first(&rq->tree); node && left--;
         node = rb_next(node)) {
        struct task_struct *task = rb_entry(node, struct task_struct, rq_node);

        if (allowed_on(task, other->cpu) &&
            load + task->weight < rq->load + turn)
            return task;
    }
    return NULL;
}

void rq_give(struct run_queue *rq)
{
    struct run_queue *best = NULL;
    struct task_struct *task = NULL;
    bool turn;

    spin_lock(&rq->lock);
    turn = ++rq->slices % GIVE_TURN == 0;
    for (unsigned int i = 1; i < nr_cpus_online; i++) {
        struct run_queue *other = rq_of((rq->cpu + i) % nr_cpus_online);
        struct task_struct *found;

        if (best && READ_ONCE(other->load) >= READ_ONCE(best->load))
            continue;
        found = one_for(rq, other, turn);
        if (found) {
            task = found;
            best = other;
        }
    }
    if (task && spin_trylock(&best->lock)) {
        rq_release(rq, task);
        change_clock(task, rq, best);
        rq_add(best, task);
        spin_unlock(&best->lock);
    }
    spin_unlock(&rq->lock);
}

struct run_queue *rq_change(struct run_queue *rq, struct task_struct *task)
{
    struct run_queue *other = rq_of(pick_cpu(task));

    if (other == rq)
        return rq;
    task->vruntime -= rq->min_vruntime;
    WRITE_ONCE(task->cpu, other->cpu);
    spin_unlock(&rq->lock);
    spin_lock(&other->lock);
    task->vruntime += other->min_vruntime;
    return other;
}

void rq_add_elsewhere(struct task_struct *task)
{
    struct run_queue *rq = rq_change(task_rq_lock(task), task);

    rq_add(rq, task);
    spin_unlock(&rq->lock);
}

void sched_kick(struct task_struct *task)
{
    if (!many_cpus())
        return;
    smp_mb(); /* what it has to see is written; now, where is it? */
    if (READ_ONCE(task->on_cpu) && task->cpu != smp_processor_id())
        xcall_reschedule(task->cpu);
}

void sched_set_affinity(struct task_struct *task, u64 mask)
{
    u64 flags = local_irq_save();
    struct run_queue *rq = task_rq_lock(task);
    bool move;

    task->cpus_allowed = mask;
    move = !allowed_on(task, rq->cpu) && task->on_rq && !task->on_cpu;
    if (move) {
        rq_release(rq, task);
        task->on_rq = false;
    }
    spin_unlock(&rq->lock);
    if (move)
        rq_add_elsewhere(task);
    local_irq_restore(flags);
    if (task == current && !allowed_on(task, smp_processor_id()))
        schedule(); /* comes back where it may be */
    else
        sched_kick(task);
}
