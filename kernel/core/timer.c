/*
 * kernel/core/timer.c - one-shot timers in a tree per CPU, run by the local
 * APIC's timer.
 *
 * Structure  rbtree by expiry, the first one cached.  The hardware is armed
 *            for the first timer only, and left alone when that is cancelled:
 *            an early interrupt finds nothing due and arms for the next.
 * Hardware   TSC deadline where the CPU has it; else the APIC's down-counter,
 *            whose rate is measured against the TSC between start-up and the
 *            first use, in which time it runs silently, and again over the
 *            longest runs that timers happen to ask for.
 * Locking    queue->lock (spin, irq-safe).  fn runs without it.
 * Cost       add and cancel O(log timers).
 */
#include <kernel/core/clockscale.h>
#include <kernel/core/irq.h>
#include <kernel/core/panic.h>
#include <kernel/core/percpu.h>
#include <kernel/core/timer.h>
#include <kernel/lib/printer.h>
#include <kernel/sync/atomic.h>
#include <kernel/sync/spinlock.h>
#include <kernel/x86/apic.h>
#include <kernel/x86/trap.h>

#define NOT_ARMED (~0ull)
#define COUNT_MAX 0x7fffffffu
#define MEASURE_MIN_NS (20 * NSEC_PER_USEC)
#define MEASURE_MAX_NS (2 * NSEC_PER_SEC) /* the counter wraps after 4 s */
#define LEG_MIN_NS (20 * NSEC_PER_MSEC)
#define EARLY_SHARE 2048
#define LATE_SHARE 64
#define BURST_NS NSEC_PER_MSEC /* of ringing; then others have their turn */

struct timer_queue {
    spinlock_t lock;
    struct rb_root root;   /* (lock) */
    struct rb_node *first; /* (lock) */
    struct timer *running; /* (lock) whose fn is being called */
    u64 armed;             /* (lock) expiry that the hardware knows */
    u64 pause_end;         /* (lock) no interrupt is asked for before */
    bool in_interrupt;     /* (lock) arming is left to its end */
};

DEFINE_PER_CPU(bool, timer_hit_user);
static DEFINE_PER_CPU(u64, interrupts);
static DEFINE_PER_CPU(struct timer_queue, queue) = {
    .lock = SPINLOCK_INIT(queue), .armed = NOT_ARMED};

struct apic_reading { /* both counters at about the same moment */
    u64 tsc;
    u32 count;
};

static u64 apic_per_tsc;             /* times 2^32; 0: not measured yet */
static struct apic_reading free_run; /* soon after the silent start */
static u64 best_leg = LEG_MIN_NS;    /* longest run measured so far */
static bool hardware_ready;

static DEFINE_PER_CPU(struct apic_reading, armed); /* what was asked for */

/* The quickest of three. */
static struct apic_reading read_apic(void)
{
    struct apic_reading best = {0, 0};
    u64 best_blur = ~0ull;

    for (int i = 0; i < 3; i++) {
        u64 before = rdtsc();
        u32 count = lapic_timer_count();
        u64 blur = rdtsc() - before;

        if (blur < best_blur) {
            best_blur = blur;
            best = (struct apic_reading){before + blur / 2, count};
        }
    }
    return best;
}

static void start_free_run(void)
{
    lapic_timer_free_run();
    free_run = read_apic();
}

/* A little too slow on purpose: a timer that rings early is armed again for
 * the rest, one that rings late is late. */
static void set_apic_rate(u64 counted, u64 ticks)
{
    u64 rate = mul_div(counted, 1ull << 32, ticks);

    apic_per_tsc = rate - rate / EARLY_SHARE;
}

static u64 ticks_to_ns(u64 ticks)
{
    return mul_div(ticks, NSEC_PER_SEC, clock_tsc_hz());
}

static void measure_apic(void)
{
    struct apic_reading now;

    time_refine();
    if (ticks_to_ns(rdtsc() - free_run.tsc) > MEASURE_MAX_NS)
        start_free_run();
    do /* at once far enough apart, but in the case above */
        now = read_apic();
    while (ticks_to_ns(now.tsc - free_run.tsc) < MEASURE_MIN_NS);
    set_apic_rate(free_run.count - now.count, now.tsc - free_run.tsc);
    if (apic_per_tsc == 0)
        panic("the local APIC's timer does not count");
}

void timer_settle_rate(void)
{
    if (!cpu_has(CPU_TSC_DEADLINE) && !apic_per_tsc)
        measure_apic();
}

/* A long run that has just ended is a better measurement, unless its interrupt
 * was handled late: on a busy host by so much that timers set by that rate
 * would ring a thousand times too early, and no run be long enough to mend
 * it. */
static void learn_from_leg(void)
{
    const struct apic_reading *start = this_cpu_ptr(&armed);
    u64 ticks = rdtsc() - start->tsc;
    u64 leg = start->count ? ticks_to_ns(ticks) : 0;

    if (likely(leg <= best_leg) || lapic_timer_count() != 0)
        return;
    if (mul_div(start->count, 1ull << 32, ticks) <
        apic_per_tsc - apic_per_tsc / LATE_SHARE)
        return;
    best_leg = leg;
    set_apic_rate(start->count, ticks);
}

static void arm_counter(u64 ns)
{
    u64 ticks, count;

    if (unlikely(!apic_per_tsc))
        measure_apic();
    ticks = mul_div(ns, clock_tsc_hz(), NSEC_PER_SEC);
    count = mul_shift32(ticks, apic_per_tsc) + 1;
    if (count > COUNT_MAX)
        count = COUNT_MAX;
    *this_cpu_ptr(&armed) = (struct apic_reading){rdtsc(), count};
    lapic_timer_arm(count);
}

/* Under queue->lock, on the queue's CPU. */
static void arm_locked(struct timer_queue *q)
{
    u64 expires, now;

    if (!q->first || q->in_interrupt || !hardware_ready)
        return;
    expires = rb_entry(q->first, struct timer, node)->expires;
    if (expires < q->pause_end)
        expires = q->pause_end;
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

/* This CPU's; but a timer whose fn still runs stays where it runs, so that
 * timer_cancel() knows whom to wait for.  Interrupts are off. */
static struct timer_queue *lock_queue_for(struct timer *timer)
{
    struct timer_queue *q = per_cpu_ptr(&queue, timer->cpu);

    if (unlikely(READ_ONCE(q->running) == timer)) {
        spin_lock(&q->lock);
        if (q->running == timer)
            return q;
        spin_unlock(&q->lock);
    }
    q = this_cpu_ptr(&queue);
    spin_lock(&q->lock);
    timer->cpu = smp_processor_id();
    return q;
}

void timer_add(struct timer *timer, u64 expires)
{
    struct timer_queue *q;
    u64 flags;

    if (READ_ONCE(timer->pending))
        take_off(timer);
    flags = local_irq_save();
    q = lock_queue_for(timer);
    timer->expires = expires;
    insert_locked(q, timer);
    arm_locked(q);
    spin_unlock_irqrestore(&q->lock, flags);
}

u64 timer_missed(const struct timer *timer, u64 interval)
{
    u64 late = ktime_get() - timer->expires;

    return late < interval ? 0 : late / interval;
}

bool timer_cancel(struct timer *timer)
{
    bool pending = READ_ONCE(timer->pending) && take_off(timer);
    struct timer_queue *q = per_cpu_ptr(&queue, timer->cpu);

    while (READ_ONCE(q->running) == timer)
        cpu_relax();
    return pending;
}

/* However many timers are due again when they have just rung, interrupts take
 * half of the CPU's time at most. */
static void run_expired(struct timer_queue *q)
{
    u64 start = ktime_get(), now;

    spin_lock(&q->lock);
    q->in_interrupt = true;
    while (q->first) {
        struct timer *timer = rb_entry(q->first, struct timer, node);

        now = ktime_get();
        if (timer->expires > now)
            break;
        if (now - start >= BURST_NS) {
            q->pause_end = now + BURST_NS;
            break;
        }
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

static bool timer_interrupt(struct pt_regs *regs,
                            unsigned int vector __maybe_unused)
{
    this_cpu_inc(atomic_depth);
    this_cpu_inc(irq_depth);
    this_cpu_inc(interrupts);
    this_cpu_write(timer_hit_user, user_mode(regs));
    lapic_eoi();
    if (!cpu_has(CPU_TSC_DEADLINE))
        learn_from_leg();
    time_refine();
    run_expired(this_cpu_ptr(&queue));
    this_cpu_dec(irq_depth);
    this_cpu_dec(atomic_depth);
    return true;
}

u64 timer_interrupts(void)
{
    u64 sum = 0;

    for (unsigned int cpu = 0; cpu < max(nr_cpus_online, 1u); cpu++)
        sum += *per_cpu_ptr(&interrupts, cpu);
    return sum;
}

void timer_report(struct printer *out)
{
    printer_puts(out, " LOC:");
    for (unsigned int cpu = 0; cpu < max(nr_cpus_online, 1u); cpu++)
        printer_printf(out, " %10lu", *per_cpu_ptr(&interrupts, cpu));
    printer_puts(out, "  Local timer interrupts\n");
}

void timer_hardware_init(void)
{
    vector_handlers[VECTOR_TIMER] = timer_interrupt;
    lapic_timer_init(VECTOR_TIMER);
    if (!cpu_has(CPU_TSC_DEADLINE) && smp_processor_id() == 0)
        start_free_run(); /* the others' timers run at the same rate */
    hardware_ready = true;
    WRITE_ONCE(this_cpu_ptr(&queue)->armed, NOT_ARMED);
}
