/*
 * kernel/core/watchdog.c - see the header.
 *
 * A single CPU is not watched: nobody would be there to notice.  The period
 * is long, so that an idle machine sleeps.
 */
#include <kernel/core/cmdline.h>
#include <kernel/core/percpu.h>
#include <kernel/core/time.h>
#include <kernel/core/watchdog.h>
#include <kernel/core/xcall.h>

#define SECONDS_DEFAULT 10

static u64 period = SECONDS_DEFAULT * NSEC_PER_SEC; /* (c) 0: off */
static DEFINE_PER_CPU(struct timer, watchdog_timer);

u64 watchdog_limit(void)
{
    return 2 * (period ? period : SECONDS_DEFAULT * NSEC_PER_SEC);
}

static void be_there(void *arg __maybe_unused)
{
}

static void ask_neighbour(struct timer *timer)
{
    unsigned int next = (smp_processor_id() + 1) % nr_cpus_online;

    xcall(BIT(next), be_there, NULL);
    timer_add(timer, ktime_get() + period);
}

void watchdog_init(void)
{
    period = cmdline_size("watchdog_thresh", SECONDS_DEFAULT) * NSEC_PER_SEC;
}

void watchdog_start(void)
{
    struct timer *timer = this_cpu_ptr(&watchdog_timer);

    if (nr_cpus_online == 1 || !period)
        return;
    timer_init(timer, ask_neighbour);
    timer_add(timer, ktime_get() + period);
}
