/*
 * tests/kernel/test_time.c - clock and timers.
 */
#include <kernel/core/irq.h>
#include <kernel/core/ktest.h>
#include <kernel/core/time.h>
#include <kernel/lib/string.h>
#include <kernel/sync/atomic.h>

#define TIMERS 8
#define PATIENCE NSEC_PER_SEC

KTEST(time, clock_never_goes_back)
{
    u64 last = ktime_get();
    bool back = false;

    for (int i = 0; i < 20000; i++) {
        u64 now = ktime_get();

        back |= now < last;
        last = now;
        if (i % 1000 == 0)
            time_refine();
    }
    KTEST_EXPECT(!back);
}

KTEST(time, real_time_is_set_and_goes_on)
{
    u64 before = ktime_get_real(), day = 24 * 3600 * NSEC_PER_SEC;

    ktime_set_real(before + day);
    KTEST_EXPECT(ktime_get_real() - before >= day);
    KTEST_EXPECT(ktime_get_real() - before < day + PATIENCE);
    ktime_set_real(ktime_get_real() - day);
}

static struct {
    struct timer timers[TIMERS];
    u64 rang_at[TIMERS];
    int order[TIMERS];
    u32 rung;
} bells;

static void ring(struct timer *timer)
{
    int which = timer - bells.timers;

    bells.rang_at[which] = ktime_get();
    bells.order[bells.rung] = which;
    WRITE_ONCE(bells.rung, bells.rung + 1);
}

/* With interrupts on, until n have rung or patience ends. */
static bool wait_for(u32 n)
{
    u64 end = ktime_get() + PATIENCE, flags = local_irq_save();

    local_irq_enable();
    while (READ_ONCE(bells.rung) < n && ktime_get() < end)
        cpu_relax();
    if (!(flags & BIT(9)))
        local_irq_disable();
    return bells.rung == n;
}

static void bells_init(void)
{
    memset(&bells, 0, sizeof(bells));
    for (int i = 0; i < TIMERS; i++)
        timer_init(&bells.timers[i], ring);
}

KTEST(time, timers_ring_in_order_and_not_early)
{
    static const int us[TIMERS] = {700, 100, 500, 300, 800, 200, 400, 600};
    u64 start, flags;

    bells_init();
    flags = local_irq_save(); /* none rings before all are set */
    start = ktime_get();
    for (int i = 0; i < TIMERS; i++)
        timer_add(&bells.timers[i], start + us[i] * NSEC_PER_USEC);
    local_irq_restore(flags);
    KTEST_REQUIRE(wait_for(TIMERS));
    for (int i = 0; i < TIMERS; i++) {
        int which = bells.order[i];

        KTEST_EXPECT(us[which] == 100 * (i + 1));
        KTEST_EXPECT(bells.rang_at[which] >= bells.timers[which].expires);
        KTEST_EXPECT(!bells.timers[which].pending);
    }
}

KTEST(time, cancelled_timer_does_not_ring)
{
    u64 flags, start;

    bells_init();
    flags = local_irq_save(); /* it must not ring before it is cancelled */
    start = ktime_get();
    timer_add(&bells.timers[0], start + 300 * NSEC_PER_USEC);
    timer_add(&bells.timers[1], start + 600 * NSEC_PER_USEC);
    KTEST_EXPECT(timer_cancel(&bells.timers[0]));
    KTEST_EXPECT(!timer_cancel(&bells.timers[0]));
    local_irq_restore(flags);
    KTEST_EXPECT(wait_for(1));
    KTEST_EXPECT(bells.order[0] == 1);
    KTEST_EXPECT(!timer_cancel(&bells.timers[1]));
}

KTEST(time, adding_again_moves_a_timer)
{
    u64 start = ktime_get();

    bells_init();
    timer_add(&bells.timers[0], start + 3600 * NSEC_PER_SEC);
    timer_add(&bells.timers[0], start + 200 * NSEC_PER_USEC);
    KTEST_EXPECT(wait_for(1));
    KTEST_EXPECT(bells.rang_at[0] - start < PATIENCE);
}

KTEST(time, timer_in_the_past_rings_at_once)
{
    bells_init();
    timer_add(&bells.timers[0], 1);
    KTEST_EXPECT(wait_for(1));
}

static u32 chain_left;

static void chain(struct timer *timer)
{
    if (--chain_left)
        timer_add(timer, timer->expires + 20 * NSEC_PER_USEC);
    else
        ring(timer);
}

KTEST(time, timer_may_add_itself_again)
{
    bells_init();
    chain_left = 10;
    timer_init(&bells.timers[0], chain);
    timer_add(&bells.timers[0], ktime_get());
    KTEST_EXPECT(wait_for(1));
    KTEST_EXPECT(chain_left == 0);
}
