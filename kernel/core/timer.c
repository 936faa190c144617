/*
 * kernel/core/timer.c - one-shot timers in a tree per CPU, run by the local
 * APIC's timer.
 *
 * Structure  rbtree by expiry, the first one cached.  The hardware is armed
 *            for the first timer only, and left alone when that is cancelled:
 *            an early interrupt finds nothing due and arms for the next.
 * Hardware   TSC deadline where the CPU has it; else the APIC's down-counter,
 *            whose rate is measured against the TSC between start-up and the
 *            first use, in which time it runs silently.
 * Locking    queue->lock (spin, irq-safe).  fn runs without it.
 * Cost       add and cancel O(log timers).
 */
#include <kernel/core/clockscale.h>
#include <kernel/core/irq.h>
#include <kernel/core/panic.h>
#include <kernel/core/percpu.h>
#include <kernel/core/timer.h>
#include <kernel/sync/atomic.h>
#include <kernel/sync/spinlock.h>
#include <kernel/x86/apic.h>
#include <kernel/x86/trap.h>

#define NOT_ARMED (~0ull)
#define COUNT_MAX 0x7fffffffu
#define MEASURE_MIN_NS (20 * NSEC_PER_USEC)
#define MEASURE_MAX_NS (2 * NSEC_PER_SEC) /* the counter wraps after 4 s */

struct timer_queue {
    spinlock_t lock;
    struct rb_root root;    /* (lock) */
    struct rb_node *first;  /* (lock) */
    struct timer *running;  /* (lock) whose fn is being called */
    u64 armed;              /* (lock) expiry that the hardware knows */
    bool in_interrupt;      /* (lock) arming is left to its end */
};

static DEFINE_PER_CPU(struct timer_queue, queue) = {
    .lock = SPINLOCK_INIT(queue), .armed = NOT_ARMED};

static u64 apic_per_tsc; /* times 2^32; 0: not measured yet */
static u64 free_run_tsc; /* when the down-counter started from the top */
static bool hardware_ready;

static void measure_apic(void)
{
    u64 ticks, counted, limit = mul_div(clock_tsc_hz(), MEASURE_MIN_NS,
                                        NSEC_PER_SEC);

    time_refine();
    ticks = rdtsc() - free_run_tsc;
    if (mul_div(ticks, NSEC_PER_SEC, clock_tsc_hz()) > MEASURE_MAX_NS) {
        lapic_timer_free_run();
        free_run_tsc = rdtsc();
    }
    do { /* at once true, but in the case above */
        ticks = rdtsc() - free_run_tsc;
        counted = ~0u - lapic_timer_count();
    } while (ticks < limit);
    apic_per_tsc = mul_div(counted, 1ull << 32, ticks);
    if (apic_per_tsc == 0)
        panic("the local APIC's timer does not count");
}

static void arm_counter(u64 ns)
{
    u64 ticks, count;

    if (unlikely(!apic_per_tsc))
        measure_apic();
    ticks = mul_div(ns, clock_tsc_hz(), NSEC_PER_SEC);
    count = mul_shift32(ticks, apic_per_tsc) + 1;
    lapic_timer_arm(count < COUNT_MAX ? count : COUNT_MAX);
}

/* Under queue->lock, on the queue's CPU. */
static void arm_locked(struct timer_queue *q)
{
    u64 expires, now;

    if (!q->first || q->in_interrupt || !hardware_ready)
        return;
    expires = rb_entry(q->first, struct timer, node)->expires;
    if (expires >= q->armed)
        return;
    q->armed = expires;
    if (cpu_has(CPU_TSC_DEADLINE)) {
        lapic_deadline_arm(clock_tsc_at(expires));
        return;
    }
    now = ktime_get();
    arm_counter(expires > now ? expires - now : 0);
}

static void insert_locked(struct timer_queue *q, struct timer *timer)
{
    struct rb_node **link = &q->root.node, *parent = NULL;
    bool is_first = true;

    while (*link) {
        parent = *link;
        if (timer->expires < rb_entry(parent, struct timer, node)->expires) {
            link = &parent->left;
        } else {
            link = &parent->right;
            is_first = false;
        }
    }
    rb_insert(&q->root, &timer->node, parent, link, NULL);
    if (is_first)
        q->first = &timer->node;
    timer->pending = true;
}

static void remove_locked(struct timer_queue *q, struct timer *timer)
{
    if (q->first == &timer->node)
        q->first = rb_next(&timer->node);
    rb_erase(&q->root, &timer->node, NULL);
    timer->pending = false;
}

void timer_init(struct timer *timer, void (*fn)(struct timer *timer))
{
    timer->fn = fn;
    timer->pending = false;
    timer->cpu = 0;
}

static bool take_off(struct timer *timer)
{
    struct timer_queue *q = per_cpu_ptr(&queue, timer->cpu);
    u64 flags = spin_lock_irqsave(&q->lock);
    bool pending = timer->pending;

    if (pending)
        remove_locked(q, timer);
    spin_unlock_irqrestore(&q->lock, flags);
    return pending;
}

void timer_add(struct timer *timer, u64 expires)
{
    struct timer_queue *q;
    u64 flags;

    if (READ_ONCE(timer->pending))
        take_off(timer);
    flags = local_irq_save();
    q = this_cpu_ptr(&queue);
    spin_lock(&q->lock);
    timer->cpu = smp_processor_id();
    timer->expires = expires;
    insert_locked(q, timer);
    arm_locked(q);
    spin_unlock_irqrestore(&q->lock, flags);
}

bool timer_cancel(struct timer *timer)
{
    bool pending = READ_ONCE(timer->pending) && take_off(timer);
    struct timer_queue *q = per_cpu_ptr(&queue, timer->cpu);

    while (READ_ONCE(q->running) == timer)
        cpu_relax();
    return pending;
}

u64 timer_next_expiry(void)
{
    struct timer_queue *q = this_cpu_ptr(&queue);
    u64 flags = spin_lock_irqsave(&q->lock);
    u64 next = q->first ? rb_entry(q->first, struct timer, node)->expires
                        : NOT_ARMED;

    spin_unlock_irqrestore(&q->lock, flags);
    return next;
}

static void run_expired(struct timer_queue *q)
{
    spin_lock(&q->lock);
    q->in_interrupt = true;
    while (q->first) {
        struct timer *timer = rb_entry(q->first, struct timer, node);

        if (timer->expires > ktime_get())
            break;
        remove_locked(q, timer);
        WRITE_ONCE(q->running, timer);
        spin_unlock(&q->lock);
        timer->fn(timer);
        spin_lock(&q->lock);
        WRITE_ONCE(q->running, NULL);
    }
    q->in_interrupt = false;
    q->armed = NOT_ARMED;
    arm_locked(q);
    spin_unlock(&q->lock);
}

static bool timer_interrupt(struct pt_regs *regs __maybe_unused,
                            unsigned int vector __maybe_unused)
{
    this_cpu_inc(atomic_depth);
    lapic_eoi();
    time_refine();
    run_expired(this_cpu_ptr(&queue));
    this_cpu_dec(atomic_depth);
    return true;
}

void timer_hardware_init(void)
{
    vector_handlers[VECTOR_TIMER] = timer_interrupt;
    lapic_timer_init(VECTOR_TIMER);
    if (!cpu_has(CPU_TSC_DEADLINE)) {
        lapic_timer_free_run();
        free_run_tsc = rdtsc();
    }
    hardware_ready = true;
    WRITE_ONCE(this_cpu_ptr(&queue)->armed, NOT_ARMED);
}
