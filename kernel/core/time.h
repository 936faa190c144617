/*
 * kernel/core/time.h - clocks and timers, in nanoseconds.
 *
 * The clock is the TSC, scaled by a rate that is measured against HPET, ACPI
 * PM timer or PIT without ever waiting for it (a busy calibration would cost
 * more instructions than the whole boot); the scale is refined as time
 * passes and the clock never jumps or goes back.  Timers are one-shot events
 * of the local APIC: no periodic tick.
 */
#pragma once

#include <kernel/lib/types.h>
#include <kernel/lib/rbtree.h>
#include <kernel/x86/percpu.h>

#define NSEC_PER_SEC 1000000000ull
#define NSEC_PER_MSEC 1000000ull
#define NSEC_PER_USEC 1000ull

u64 ktime_get(void);      /* CLOCK_MONOTONIC; any context */
u64 ktime_get_real(void); /* CLOCK_REALTIME: ns since 1970 UTC */
void ktime_set_real(u64 ns);

/* From now on `data`, zeroed, says the same to ring 3. */
struct vdso_data;
void clock_share(struct vdso_data *data);

static inline u64 rdtsc(void)
{
    u32 lo, hi;

    __asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
    return (u64)hi << 32 | lo;
}

u64 tsc_khz(void); /* best estimate so far */

/* The counters of known rate that this machine has; from ACPI's tables. */
struct time_hardware {
    const volatile void __iomem *hpet; /* mapped; NULL: none */
    u16 pm_timer_port;                 /* 0: none */
    bool pm_timer_32bit;
};

/* From now on ktime_get() starts at `tsc` and assumes what CPUID tells of the
 * rate.  First thing in kmain. */
void time_init_early(u64 tsc);
/* Takes the first readings; after irq_init().  The timers work then. */
void time_init(const struct time_hardware *hardware);
/* Measures again if enough time has passed to make it worth while; cheap
 * otherwise.  Timers do it by themselves. */
void time_refine(void);

/*
 * fn runs once, in interrupt context, at or soon after `expires`
 * (ktime_get's scale), on the CPU that added the timer.  The owner keeps the
 * struct alive until it ran or timer_cancel returned.
 */
struct timer {
    struct rb_node node; /* in the CPU's tree of pending timers */
    u64 expires;
    void (*fn)(struct timer *timer);
    u32 cpu;
    bool pending;
};

/* While fn runs: whether its interrupt came from ring 3. */
DECLARE_PER_CPU(bool, timer_hit_user);

void timer_init(struct timer *timer, void (*fn)(struct timer *timer));
void timer_add(struct timer *timer, u64 expires); /* also moves a pending one */
/* How many whole intervals ago it should have rung: none, if it is in time.
 * Who rings again and again skips them, or would never catch up. */
u64 timer_missed(const struct timer *timer, u64 interval);

/* Returns whether it was still pending.  fn is not running on return, so it
 * must not be called by fn itself. */
bool timer_cancel(struct timer *timer);
