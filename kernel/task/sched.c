/*
 * kernel/task/sched.c - who runs next, and the change from one to the other.
 *
 * Structure  a run queue per CPU: the runnable tasks that wait, in a tree by
 *            vruntime (time had, weighted by nice); the running one is not in
 *            it.  The least vruntime runs next.
 * Fairness   a task that slept comes back at most SLEEPER_CREDIT behind the
 *            others: it runs soon, and cannot save up time.
 * Time       no tick.  While somebody waits, one timer per slice asks the
 *            running task to make room on its way to ring 3; it is left
 *            pending across switches and looks again when it fires.
 * Locking    rq->lock, interrupts off; held across the switch and released by
 *            whoever resumes.  Nothing nests inside it but timers.
 * Invariant  on_rq <=> in the tree, or running and not about to sleep;
 *            on_cpu <=> a CPU still uses the task's stack.
 */
#include <kernel/task/rq.h>

#include <kernel/core/panic.h>
#include <kernel/core/percpu.h>
#include <kernel/core/xcall.h>
#include <kernel/lib/string.h>
#include <kernel/task/cputime.h>
#include <kernel/uapi/sched.h>
#include <kernel/x86/cpu.h>
#include <kernel/x86/entry_area.h>
#include <kernel/x86/fpu.h>
#include <mm/mm.h>

#define SLICE (3 * NSEC_PER_MSEC)
#define SLEEPER_CREDIT (3 * NSEC_PER_MSEC)
#define WAKEUP_GRANULARITY (1 * NSEC_PER_MSEC)
#define WEIGHT_NICE_0 1024
#define WEIGHT_IDLE 3

DEFINE_PER_CPU(struct run_queue, run_queue);
static struct task_struct boot_idle;
struct task_struct *const idle_task = &boot_idle;
static struct signal_struct boot_signal;
static struct sighand_struct boot_sighand;

/* 1024 / 1.25^nice for nice -20..19: one step is a tenth of a CPU. */
static const u32 nice_weight[40] = {
    88818, 71054, 56843, 45475, 36380, 29104, 23283, 18626, 14901, 11921,
    9537,  7629,  6104,  4883,  3906,  3125,  2500,  2000,  1600,  1280,
    1024,  819,   655,   524,   419,   336,   268,   215,   172,   137,
    110,   88,    70,    56,    45,    36,    29,    23,    18,    15,
};

static inline struct run_queue *this_rq(void)
{
    return this_cpu_ptr(&run_queue);
}

static void rq_insert(struct run_queue *rq, struct task_struct *task)
{
    struct rb_node **link = &rq->tree.node, *parent = NULL;

    while (*link) {
        struct task_struct *other;

        parent = *link;
        other = rb_entry(parent, struct task_struct, rq_node);
        link = (s64)(task->vruntime - other->vruntime) < 0 ? &parent->left
                                                           : &parent->right;
    }
    rb_insert(&rq->tree, &task->rq_node, parent, link, NULL);
    rq->nr_queued++;
}

void rq_remove(struct run_queue *rq, struct task_struct *task)
{
    rb_erase(&rq->tree, &task->rq_node, NULL);
    rq->nr_queued--;
}

static struct task_struct *rq_take_first(struct run_queue *rq)
{
    struct task_struct *task;

    if (!rq->nr_queued) {
        task = many_cpus() ? rq_steal(rq) : NULL;
        return task ? task : rq->idle;
    }
    task = rb_entry(rb_first(&rq->tree), struct task_struct, rq_node);
    rq_remove(rq, task);
    return task;
}

/* Charges the running task for its time since the last look. */
static void rq_account(struct run_queue *rq, struct task_struct *task, u64 now)
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
        struct rb_node *first = rb_first(&rq->tree);

        if (first) {
            u64 other = rb_entry(first, struct task_struct, rq_node)->vruntime;

            if ((s64)(other - least) < 0)
                least = other;
        }
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

static void slice_over(struct timer *timer)
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

static inline void slice_arm(struct run_queue *rq, u64 now)
{
    if (rq->nr_queued && !rq->slice.pending)
        timer_add(&rq->slice, now + SLICE);
}

/* The address space of a kernel thread is whichever was loaded. */
static void switch_mm(struct task_struct *prev, struct task_struct *next)
{
    struct mm_struct *old = prev->active_mm;

    if (!next->mm) {
        mm_borrow();
        next->active_mm = old;
        if (prev->mm)
            mm_grab(old);
        else
            prev->active_mm = NULL;
        return;
    }
    if (prev->mm != next->mm)
        mm_switch(next->mm);
    if (!prev->mm) {
        prev->active_mm = NULL;
        mm_drop(old);
    }
}

/* Interrupts are off: nobody sees ring 3's base in between. */
static inline u64 read_user_gs_base(void)
{
    u64 base;

    __asm__ volatile("swapgs; rdgsbase %0; swapgs" : "=r"(base));
    return base;
}

u64 task_user_gs_base(void)
{
    u64 flags = local_irq_save(), base = read_user_gs_base();

    local_irq_restore(flags);
    return base;
}

static inline void write_user_gs_base(u64 base)
{
    __asm__ volatile("swapgs; wrgsbase %0; swapgs" : : "r"(base) : "memory");
}

void task_load_bases(struct task_struct *task)
{
    if (cpu_has(CPU_FSGSBASE)) {
        __asm__ volatile("wrfsbase %0" : : "r"(task->fs_base) : "memory");
        write_user_gs_base(task->gs_base);
    } else {
        wrmsr(MSR_FS_BASE, task->fs_base);
        wrmsr(MSR_KERNEL_GS_BASE, task->gs_base);
    }
}

/* Where ring 3 cannot write a base itself, loading a selector is the only way
 * that task_struct does not know of. */
static __noinline void switch_selectors(struct task_struct *prev,
                                        struct task_struct *next)
{
    if (prev->mm) {
        prev->selectors = user_selectors_read();
        if (!cpu_has(CPU_FSGSBASE) && prev->selectors.fs > 3)
            prev->fs_base = 0;
        if (!cpu_has(CPU_FSGSBASE) && prev->selectors.gs > 3)
            prev->gs_base = 0;
    }
    if (next->mm)
        user_selectors_load(next->selectors);
}

/* Without the instructions ring 3 cannot change a base but by arch_prctl,
 * which keeps task_struct up to date. */
static void switch_bases(struct task_struct *prev, struct task_struct *next)
{
    if (likely(cpu_has(CPU_FSGSBASE))) {
        if (prev->mm) {
            __asm__ volatile("rdfsbase %0" : "=r"(prev->fs_base));
            prev->gs_base = read_user_gs_base();
        }
    }
    if (unlikely(user_selectors_any(&next->selectors)))
        switch_selectors(prev, next);
    if (next->mm)
        task_load_bases(next);
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
    next->exec_start = now;
    next->slice_start = now;
    next->on_cpu = true;
    if (many_cpus())
        smp_mb(); /* sched_kick() sees us here, or we see its work */
    next->cpu = rq->cpu;
    slice_arm(rq, now);
    if (next->mm && !rq->tick.pending)
        timer_add(&rq->tick, now + CPUTIME_TICK);
    switch_mm(prev, next);
    switch_bases(prev, next);
    fpu_switch(prev->fpu, next->fpu);
    cpu_set_kernel_stack((u64)next->stack + KERNEL_STACK_SIZE);
    this_cpu_write(current_task, next);
    this_cpu_write(user_work, next->work | (next->rseq ? WORK_OTHER : 0));
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
        prev->nvcsw++;
    } else if (prev != rq->idle) {
        if (likely(allowed_on(prev, rq->cpu))) {
            rq_insert(rq, prev);
        } else {
            prev->on_rq = false;
            prev->moving = true; /* finish_switch() puts it elsewhere */
        }
        prev->nivcsw++;
    }
    next = rq_take_first(rq);
    if (next != prev) {
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

/* Whether `task` should run before what its CPU runs now. */
static bool should_preempt(struct run_queue *rq, struct task_struct *task,
                           u64 now)
{
    struct task_struct *running = current;

    if (running == rq->idle)
        return true;
    return (s64)(running->vruntime + (now - running->exec_start) -
                 task->vruntime) > (s64)WAKEUP_GRANULARITY;
}

void rq_add(struct run_queue *rq, struct task_struct *task)
{
    u64 now = ktime_get();

    task->on_rq = true;
    task->cpu = rq->cpu;
    rq_insert(rq, task);
    if (unlikely(rq->cpu != smp_processor_id())) {
        xcall_reschedule(rq->cpu);
        return;
    }
    slice_arm(rq, now);
    if (should_preempt(rq, task, now))
        this_cpu_write(user_work, this_cpu_read(user_work) | WORK_RESCHED);
}

/* Another queue for a task that has just been woken: nobody else touches it,
 * because its state says already that it runs.  Gives back the locked one. */
static struct run_queue *rq_change(struct run_queue *rq,
                                   struct task_struct *task)
{
    struct run_queue *other = rq_of(pick_cpu(task));

    if (other == rq)
        return rq;
    task->vruntime -= rq->min_vruntime;
    spin_unlock(&rq->lock);
    spin_lock(&other->lock);
    task->vruntime += other->min_vruntime;
    return other;
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

/* It is as far ahead on its first queue as its parent was on its own: each
 * queue counts for itself. */
void sched_wake_new(struct task_struct *task)
{
    u64 flags = local_irq_save();
    struct run_queue *rq = many_cpus() ? rq_of(pick_cpu(task)) : this_rq();

    spin_lock(&rq->lock);
    if ((s64)task->vruntime < 0)
        task->vruntime = 0;
    task->vruntime += rq->min_vruntime;
    rq_add(rq, task);
    spin_unlock(&rq->lock);
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

u32 sched_nr_running(void)
{
    u32 sum = 0;

    for (unsigned int cpu = 0; cpu < max(nr_cpus_online, 1u); cpu++) {
        struct run_queue *rq = per_cpu_ptr(&run_queue, cpu);
        struct task_struct *running = *per_cpu_ptr(&current_task, cpu);

        sum += rq->nr_queued + (running != rq->idle);
    }
    return sum;
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
    idle->dumpable = true;
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

#define LOAD_STEP (5 * NSEC_PER_SEC)
#define LOAD_ONE 65536ul /* 16 bits of fraction, as sysinfo(2) */

/* The averages decay when somebody asks, by as many steps as have passed. */
void sched_loads(unsigned long loads[3])
{
    /* LOAD_ONE / e^(5 s / 1, 5, 15 min) */
    static const u32 decay[3] = {60295, 64453, 65173};
    static unsigned long average[3];
    static u64 last;
    u64 now = ktime_get(), steps = (now - last) / LOAD_STEP;
    unsigned long running = sched_nr_running() * LOAD_ONE;

    last += steps * LOAD_STEP;
    for (steps = min(steps, 1000ull); steps; steps--)
        for (int i = 0; i < 3; i++)
            average[i] =
                (average[i] * decay[i] + running * (LOAD_ONE - decay[i])) /
                LOAD_ONE;
    memcpy(loads, average, sizeof(average));
}
