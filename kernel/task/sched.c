/*
 * kernel/task/sched.c - who runs next, and the change from one to the other.
 *
 * Structure  a run queue per CPU (rq.h): the runnable tasks that wait, in a
 *            tree by vruntime; the running one is not in it.  The least runs
 *            next: sched_fair.c says who that is, sched_smp.c on which CPU,
 *            switch.h what changes with it for ring 3.
 * Locking    rq->lock, interrupts off; held across the switch and released by
 *            whoever resumes.  Nothing nests inside it but timers.
 * Invariant  on_rq <=> in the tree, or running and not about to sleep;
 *            on_cpu <=> a CPU still uses the task's stack.
 */
#include <kernel/task/fair.h>

#include <kernel/core/panic.h>
#include <kernel/core/percpu.h>
#include <kernel/core/xcall.h>
#include <kernel/lib/string.h>
#include <kernel/task/cputime.h>
#include <kernel/task/switch.h>
#include <kernel/x86/cpu.h>
#include <kernel/x86/entry_area.h>
#include <kernel/x86/fpu.h>
#include <mm/mm.h>

DEFINE_PER_CPU(struct run_queue, run_queue);
static struct task_struct boot_idle;
struct task_struct *const idle_task = &boot_idle;
static struct signal_struct boot_signal;
static struct sighand_struct boot_sighand;

static struct task_struct *rq_take_first(struct run_queue *rq)
{
    struct task_struct *task;

    if (!rq->nr_queued) {
        task = many_cpus() ? rq_steal(rq) : NULL;
        return task ? task : rq->idle;
    }
    task = rq_first(rq);
    rq_remove(rq, task);
    return task;
}

/* On the stack of the task that resumes; releases rq->lock. */
static void finish_switch(struct task_struct *prev)
{
    bool gone = prev->state >= TASK_ZOMBIE, move = prev->moving;

    barrier(); /* its registers are saved: others may take it */
    WRITE_ONCE(prev->on_cpu, false);
    spin_debug_pass(&this_rq()->lock, prev);
    spin_unlock(&this_rq()->lock);
    if (unlikely(gone)) {
        kernel_stack_free(prev->stack);
        prev->stack = NULL;
        put_task(prev);
    } else if (unlikely(move)) {
        prev->moving = false;
        rq_add_elsewhere(prev);
    }
}

static void switch_to(struct run_queue *rq, struct task_struct *prev,
                      struct task_struct *next, u64 now)
{
    bool leave = false;

    next->exec_start = now;
    next->slice_start = now;
    next->on_cpu = true;
    if (many_cpus()) {
        smp_mb(); /* sched_kick() sees us here, or we see its work */
        leave = !allowed_on(next, rq->cpu);
    }
    next->cpu = rq->cpu;
    slice_arm(rq, now);
    if (next->mm && !rq->tick.pending)
        timer_add(&rq->tick, now + CPUTIME_TICK);
    switch_mm(prev, next);
    switch_bases(prev, next);
    fpu_switch(prev->fpu, next->fpu);
    cpu_set_kernel_stack((u64)next->stack + KERNEL_STACK_SIZE);
    this_cpu_write(current_task, next);
    this_cpu_write(user_work, next->work | (next->rseq ? WORK_OTHER : 0) |
                                  (leave ? WORK_RESCHED : 0));
    finish_switch(context_switch(prev, next));
}

void sched_first_run(struct task_struct *prev)
{
    struct task_struct *task = current;

    finish_switch(prev);
    local_irq_enable();
    if (task->kthread_fn)
        kthread_body(task);
    else if (task->set_child_tid)
        fork_child_first(task);
    local_irq_disable();
}

/* With an empty queue: an idle CPU may find work elsewhere, and a task may
 * have been told to leave. */
static inline bool may_stay(const struct run_queue *rq,
                            const struct task_struct *task)
{
    return !many_cpus() || (task != rq->idle && allowed_on(task, rq->cpu));
}

void schedule(void)
{
    u64 flags = local_irq_save(), now;
    struct run_queue *rq = this_rq();
    struct task_struct *prev = current, *next;

    if (unlikely(this_cpu_read(atomic_depth)))
        panic("%s[%d] sleeps in atomic context (depth %u)", prev->comm,
              prev->pid, this_cpu_read(atomic_depth));
    spin_lock(&rq->lock);
    this_cpu_write(user_work, this_cpu_read(user_work) & ~WORK_RESCHED);
    if (prev->state == TASK_RUNNING && !rq->nr_queued && may_stay(rq, prev))
        goto stay;
    now = ktime_get();
    rq_account(rq, prev, now);
    if (prev->state != TASK_RUNNING) {
        prev->on_rq = false;
        rq->load -= prev->weight;
        prev->nvcsw++;
    } else if (prev != rq->idle) {
        if (likely(allowed_on(prev, rq->cpu))) {
            rq_insert(rq, prev);
        } else {
            prev->on_rq = false;
            rq->load -= prev->weight;
            prev->moving = true; /* finish_switch() puts it elsewhere */
        }
        prev->nivcsw++;
    }
    next = rq_take_first(rq);
    if (next != prev) {
        rq->switches++;
        switch_to(rq, prev, next, now);
        local_irq_restore(flags);
        return;
    }
    prev->slice_start = now;
    slice_arm(rq, now);
stay:
    spin_unlock(&rq->lock);
    local_irq_restore(flags);
}

void set_current_state(enum task_state state)
{
    __atomic_store_n(&current->state, state, __ATOMIC_SEQ_CST);
}

struct sleeper {
    struct timer timer;
    struct task_struct *task;
    bool fired;
};

static void sleeper_wake(struct timer *timer)
{
    struct sleeper *sleeper = container_of(timer, struct sleeper, timer);

    WRITE_ONCE(sleeper->fired, true);
    wake_up_task(sleeper->task);
}

bool schedule_until(u64 expires)
{
    struct sleeper sleeper = {.task = current};

    if (expires == ~0ull) {
        schedule();
        return true;
    }
    if (ktime_get() >= expires) {
        set_current_state(TASK_RUNNING);
        return false;
    }
    timer_init(&sleeper.timer, sleeper_wake);
    timer_add(&sleeper.timer, expires);
    schedule();
    timer_cancel(&sleeper.timer);
    return !READ_ONCE(sleeper.fired);
}

void rq_add(struct run_queue *rq, struct task_struct *task)
{
    u64 now = ktime_get();

    task->on_rq = true;
    task->cpu = rq->cpu;
    rq->load += task->weight;
    rq_insert(rq, task);
    if (unlikely(rq->cpu != smp_processor_id())) {
        xcall_reschedule(rq->cpu);
        return;
    }
    slice_arm(rq, now);
    if (should_preempt(rq, task, now))
        this_cpu_write(user_work, this_cpu_read(user_work) | WORK_RESCHED);
}

bool wake_up_state(struct task_struct *task, unsigned long states)
{
    u64 flags = local_irq_save();
    struct run_queue *rq = task_rq_lock(task);
    bool woken = false;

    if (states & BIT(task->state)) {
        woken = true;
        WRITE_ONCE(task->state, TASK_RUNNING);
        if (!task->on_rq) {
            u64 least;

            if (many_cpus())
                rq = rq_change(rq, task);
            least = rq->min_vruntime - SLEEPER_CREDIT;
            if ((s64)(task->vruntime - least) < 0)
                task->vruntime = least;
            rq_add(rq, task);
        }
    }
    spin_unlock(&rq->lock);
    local_irq_restore(flags);
    return woken;
}

void wake_up_task(struct task_struct *task)
{
    wake_up_state(task, BIT(TASK_INTERRUPTIBLE) | BIT(TASK_UNINTERRUPTIBLE));
}

bool signal_pending(void)
{
    return this_cpu_read(user_work) & WORK_SIGNAL;
}

/* As far ahead on its first queue as its parent was on its own. */
void sched_wake_new(struct task_struct *task)
{
    u64 flags = local_irq_save();
    struct run_queue *rq = task_rq_lock(task);

    if (many_cpus())
        rq = rq_change(rq, task);
    if ((s64)(task->vruntime - rq->min_vruntime) < 0)
        task->vruntime = rq->min_vruntime;
    rq_add(rq, task);
    spin_unlock(&rq->lock);
    local_irq_restore(flags);
}

void cond_resched(void)
{
    if (unlikely(this_cpu_read(user_work) & WORK_RESCHED))
        schedule();
}

void cpu_idle_loop(void)
{
    for (;;) {
        local_irq_disable();
        if (this_cpu_read(user_work) & WORK_RESCHED) {
            local_irq_enable();
            schedule();
        } else {
            cpu_idle();
        }
    }
}

/* In the interrupt by which another CPU says: look at your queue, and at what
 * it has written into your task's work. */
static void told_to_look(void)
{
    this_cpu_write(user_work, this_cpu_read(user_work) | WORK_RESCHED |
                                  READ_ONCE(current->work));
}

void sched_init_cpu(struct task_struct *idle)
{
    struct run_queue *rq = this_rq();

    spin_lock_init(&rq->lock);
    timer_init(&rq->slice, slice_over);
    timer_init(&rq->tick, cputime_tick);
    rq->cpu = smp_processor_id();
    rq->idle = idle;
    strscpy(idle->comm, "idle", sizeof(idle->comm));
    refcount_set(&idle->refs, 1);
    list_init(&idle->all_link);
    list_init(&idle->thread_link);
    list_init(&idle->pending.queue);
    idle->cpu = rq->cpu;
    idle->weight = WEIGHT_NICE_0;
    idle->cpus_allowed = ~0ull;
    idle->cred.caps.effective = CAPS_ALL;
    idle->on_cpu = true;
    idle->on_rq = true;
    idle->signal = &boot_signal;
    idle->sighand = &boot_sighand;
    idle->active_mm = &init_mm;
    mm_grab(&init_mm);
    this_cpu_write(current_task, idle);
}

void sched_init(void)
{
    init_task = &boot_idle; /* until the first program starts */
    xcall_reschedule_hook = told_to_look;
    sched_init_cpu(&boot_idle);
    signal_boot_init(&boot_signal, &boot_sighand, &boot_idle);
}
