/*
 * kernel/core/time.c - the clock: TSC ticks made into nanoseconds.
 *
 * Rate       guessed from CPUID at first, then measured against a counter of
 *            known rate (clockref.c) without ever waiting: one pair of
 *            readings at start-up, another when a timer is first needed, and
 *            more at doubling distances.  Each time the whole distance to the
 *            first pair counts, so the error shrinks with it.
 * Continuity at a change of rate the new scale starts where the old one
 *            stands: the clock never jumps and never goes back.
 * Readers    scale[seq & 1] is complete at any moment; the writer fills the
 *            other one and moves on.  Also right in an NMI that interrupts
 *            the writer.
 * Ring 3     reads a copy of scale and offset by itself (vdso_data.h).
 * Locking    clock_lock (spin, irq-safe): the one who measures, sets the time,
 *            or writes ring 3's copy.
 */
#include <kernel/core/clockref.h>
#include <kernel/core/clockscale.h>
#include <kernel/core/irq.h>
#include <kernel/core/printk.h>
#include <kernel/core/time.h>
#include <kernel/core/timer.h>
#include <kernel/core/vdso_data.h>
#include <kernel/sync/spinlock.h>
#include <kernel/x86/cpu.h>
#include <linux/time.h>

#define ONE_GHZ 1000000000ull
#define FIRST_REFINE_NS NSEC_PER_MSEC
#define LAST_REFINE_NS (64 * NSEC_PER_SEC)

struct clock_scale {
    u64 base_tsc, base_ns;
    u64 mult; /* ns per tick, times 2^32 */
};

struct reading { /* both counters at about the same moment */
    u64 tsc, ref;
    u64 blur; /* ticks that the reading took */
};

static struct clock_scale scale[2] = {{.mult = 1ull << 32},
                                      {.mult = 1ull << 32}};
static u32 scale_seq;
static u64 tsc_hz = ONE_GHZ;
static u64 real_offset;          /* CLOCK_REALTIME - CLOCK_MONOTONIC */
static struct vdso_data *shared; /* (clock_lock) ring 3's copy, once it is */

static DEFINE_SPINLOCK(clock_lock);
static const struct clock_ref *ref; /* (c) */
static struct reading first;        /* (c) */
static u64 next_refine = ~0ull;     /* (clock_lock) ktime */
static u64 refine_distance = FIRST_REFINE_NS;

static u64 scale_apply(const struct clock_scale *s, u64 tsc)
{
    s64 ticks = tsc - s->base_tsc;

    /* A CPU whose TSC is a little behind must not see the past. */
    return s->base_ns + (ticks > 0 ? mul_shift32(ticks, s->mult) : 0);
}

u64 ktime_get(void)
{
    u32 seq;
    u64 ns;

    do {
        seq = READ_ONCE(scale_seq);
        barrier();
        ns = scale_apply(&scale[seq & 1], rdtsc());
        barrier();
    } while (unlikely(seq != READ_ONCE(scale_seq)));
    return ns;
}

u64 ktime_get_real(void)
{
    return ktime_get() + READ_ONCE(real_offset);
}

/* From here on no reader in ring 3 comes to an end. */
static void shared_begin_locked(void)
{
    if (!shared)
        return;
    __atomic_fetch_add(&shared->seq, 1, __ATOMIC_SEQ_CST);
    __asm__ volatile("lfence" ::: "memory"); /* before the next RDTSC */
}

static void shared_end_locked(void)
{
    const struct clock_scale *s = &scale[scale_seq & 1];

    if (!shared)
        return;
    shared->base_tsc = s->base_tsc;
    shared->base_ns = s->base_ns;
    shared->mult = s->mult;
    shared->offset[CLOCK_REALTIME] = shared->offset[CLOCK_REALTIME_COARSE] =
        shared->offset[CLOCK_TAI] = real_offset;
    barrier();
    WRITE_ONCE(shared->seq, shared->seq + 1);
}

void ktime_set_real(u64 ns)
{
    u64 flags = spin_lock_irqsave(&clock_lock);

    shared_begin_locked();
    WRITE_ONCE(real_offset, ns - ktime_get());
    shared_end_locked();
    spin_unlock_irqrestore(&clock_lock, flags);
}

void clock_share(struct vdso_data *data)
{
    u64 flags = spin_lock_irqsave(&clock_lock);

    shared = data;
    shared_begin_locked();
    shared_end_locked();
    spin_unlock_irqrestore(&clock_lock, flags);
}

u64 tsc_khz(void)
{
    return tsc_hz / 1000;
}

u64 clock_tsc_hz(void)
{
    return READ_ONCE(tsc_hz);
}

u64 clock_tsc_at(u64 ns)
{
    const struct clock_scale *s = &scale[READ_ONCE(scale_seq) & 1];

    if (ns <= s->base_ns)
        return s->base_tsc;
    return s->base_tsc + mul_div(ns - s->base_ns, 1ull << 32, s->mult);
}

static void set_scale(const struct clock_scale *s)
{
    scale[(scale_seq + 1) & 1] = *s;
    barrier();
    WRITE_ONCE(scale_seq, scale_seq + 1);
}

/* SDM 2A, CPUID leaves 15H and 16H; 0: not told. */
static u64 hz_from_cpuid(void)
{
    u32 max, a, b, c, d;

    cpuid(0, 0, &max, &b, &c, &d);
    if (max >= 0x15) {
        cpuid(0x15, 0, &a, &b, &c, &d);
        if (a && b && c)
            return mul_div(c, b, a);
    }
    if (max >= 0x16) {
        cpuid(0x16, 0, &a, &b, &c, &d);
        return (a & 0xffff) * 1000000ull;
    }
    return 0;
}

void time_init_early(u64 tsc)
{
    u64 hz = hz_from_cpuid();

    if (hz)
        tsc_hz = hz;
    set_scale(&(struct clock_scale){
        .base_tsc = tsc,
        .mult = mul_div(NSEC_PER_SEC, 1ull << 32, tsc_hz),
    });
}

/* The quickest of three: an exit to the device model may take long. */
static struct reading take_reading(void)
{
    struct reading best = {.blur = ~0ull};

    for (int i = 0; i < 3; i++) {
        u64 before = rdtsc();
        u64 value = ref->read();
        u64 blur = rdtsc() - before;

        if (blur < best.blur)
            best = (struct reading){before + blur / 2, value, blur};
    }
    return best;
}

static void measure_locked(void)
{
    struct reading last = take_reading();
    u64 ticks = last.tsc - first.tsc;
    u64 expected = mul_div(ticks, ref->hz, tsc_hz);
    u64 seen = (last.ref - first.ref) & ref->mask;
    struct clock_sample sample = {
        .ticks = ticks,
        .ref_ticks = clock_unwrap(seen, ref->mask, expected),
        .ref_hz = ref->hz,
        .blur = first.blur + last.blur,
    };
    u64 here;

    if (sample.ref_ticks == 0)
        return;
    WRITE_ONCE(tsc_hz, clock_rate(&sample));
    shared_begin_locked();
    here = rdtsc(); /* not before what the old scale has told already */
    set_scale(&(struct clock_scale){
        .base_tsc = here,
        .base_ns = scale_apply(&scale[scale_seq & 1], here),
        .mult = mul_div(NSEC_PER_SEC, 1ull << 32, tsc_hz),
    });
    shared_end_locked();
}

void time_refine(void)
{
    u64 now = ktime_get();
    u64 flags;

    if (likely(now < READ_ONCE(next_refine)))
        return;
    flags = spin_lock_irqsave(&clock_lock);
    if (now >= next_refine) {
        measure_locked();
        if (refine_distance < LAST_REFINE_NS)
            refine_distance *= 2;
        next_refine = ktime_get() + refine_distance;
    }
    spin_unlock_irqrestore(&clock_lock, flags);
}

void time_init(const struct time_hardware *hardware)
{
    ref = clock_ref_find(hardware);
    first = take_reading();
    next_refine = ktime_get() + FIRST_REFINE_NS;
    timer_hardware_init();
    pr_info("Clock: TSC, measured against the %s as time goes by", ref->name);
}
