/*
 * kernel/core/xcall.c - cross-CPU calls by interrupt.
 *
 * Structure  each CPU has one call of its own under way at most: what to run,
 *            and who has yet to do it.  Each CPU has a mask of those who call
 *            it.  The caller fills in its call, then its bit in the mask of
 *            each CPU that it asks; that CPU takes the whole mask at once and
 *            runs one call after the other.  No lock: calls between different
 *            CPUs do not know of each other.
 * Interrupts one for whoever was asked nothing before; who finds bits of
 *            others in a mask knows that theirs is on its way.
 * Deadlock   a caller answers others while it waits, so CPUs may call each
 *            other in any circle.
 * Context    interrupts off inside.
 */
#include <kernel/core/irq.h>
#include <kernel/core/panic.h>
#include <kernel/core/percpu.h>
#include <kernel/core/time.h>
#include <kernel/core/watchdog.h>
#include <kernel/core/xcall.h>
#include <kernel/sync/atomic.h>
#include <kernel/x86/apic.h>
#include <kernel/x86/trap.h>

void (*xcall_reschedule_hook)(void);

/* Written by its CPU, but `pending`, of which others take their bits. */
struct call {
    void (*fn)(void *arg);
    void *arg;
    u64 pending; /* (a) CPUs that still have to run it */
};
static DEFINE_PER_CPU(struct call, own_call);
static DEFINE_PER_CPU(u64, callers); /* (a) whose calls this CPU has to run */

static void (*soon_fn)(void);
static u64 soon; /* CPUs that have yet to run soon_fn */

static void run_soon(u64 me)
{
    if (__atomic_load_n(&soon, __ATOMIC_RELAXED) & me) {
        __atomic_fetch_and(&soon, ~me, __ATOMIC_ACQ_REL);
        soon_fn();
    }
}

static __noinline void run_calls(u64 me)
{
    u64 from = __atomic_exchange_n(this_cpu_ptr(&callers), 0, __ATOMIC_ACQUIRE);

    for (; from; from &= from - 1) {
        struct call *call = per_cpu_ptr(&own_call, __builtin_ctzll(from));

        call->fn(call->arg);
        __atomic_fetch_and(&call->pending, ~me, __ATOMIC_RELEASE);
    }
}

/* Runs what others want of this CPU, as in an interrupt. */
static void answer(void)
{
    u64 me = BIT(smp_processor_id());

    this_cpu_inc(atomic_depth);
    this_cpu_inc(irq_depth);
    run_soon(me);
    if (this_cpu_read(callers))
        run_calls(me);
    this_cpu_dec(irq_depth);
    this_cpu_dec(atomic_depth);
}

static bool call_interrupt(struct pt_regs *regs __maybe_unused,
                           unsigned int vector __maybe_unused)
{
    lapic_eoi();
    answer();
    return true;
}

static bool reschedule_interrupt(struct pt_regs *regs __maybe_unused,
                                 unsigned int vector __maybe_unused)
{
    lapic_eoi();
    if (xcall_reschedule_hook)
        xcall_reschedule_hook();
    return true;
}

void xcall_init(void)
{
    vector_handlers[VECTOR_CALL] = call_interrupt;
    vector_handlers[VECTOR_RESCHEDULE] = reschedule_interrupt;
}

static u64 others(u64 cpus)
{
    return cpus & (~0ull >> (64 - READ_ONCE(nr_cpus_online))) &
           ~BIT(smp_processor_id());
}

static void send_interrupts(u64 cpus)
{
    for (; cpus; cpus &= cpus - 1)
        lapic_send_ipi(cpu_apic_id[__builtin_ctzll(cpus)], VECTOR_CALL);
}

static void ask(u64 cpus)
{
    u64 me = BIT(smp_processor_id()), sleepers = 0;

    for (u64 left = cpus; left; left &= left - 1) {
        unsigned int cpu = __builtin_ctzll(left);

        if (!__atomic_fetch_or(per_cpu_ptr(&callers, cpu), me,
                               __ATOMIC_ACQ_REL))
            sleepers |= BIT(cpu);
    }
    send_interrupts(sleepers);
}

/* A CPU that has had its interrupts off for so long will not answer any more:
 * the panic's NMI shows where it is. */
static void wait_for_answers(const struct call *call)
{
    u64 start = ktime_get(), pending;

    while ((pending = __atomic_load_n(&call->pending, __ATOMIC_ACQUIRE))) {
        if (ktime_get() - start > watchdog_limit())
            panic("CPUs %#llx have not answered a call for %llu s",
                  (unsigned long long)pending, watchdog_limit() / NSEC_PER_SEC);
        answer();
        cpu_relax();
    }
}

void xcall(u64 cpus, void (*fn)(void *arg), void *arg)
{
    u64 flags = local_irq_save();
    struct call *call = this_cpu_ptr(&own_call);

    cpus = others(cpus);
    if (cpus) {
        if (unlikely(call->pending))
            panic("a call to other CPUs from inside another's answer");
        call->fn = fn;
        call->arg = arg;
        __atomic_store_n(&call->pending, cpus, __ATOMIC_RELEASE);
        ask(cpus);
        wait_for_answers(call);
    }
    local_irq_restore(flags);
}

void xcall_soon(void (*fn)(void))
{
    u64 flags = local_irq_save(), cpus = others(~0ull), asked;

    WRITE_ONCE(soon_fn, fn);
    asked = __atomic_fetch_or(&soon, cpus, __ATOMIC_ACQ_REL);
    send_interrupts(cpus & ~asked);
    local_irq_restore(flags);
}

void xcall_reschedule(unsigned int cpu)
{
    lapic_send_ipi(cpu_apic_id[cpu], VECTOR_RESCHEDULE);
}

void xcall_nmi_others(void)
{
    u64 cpus = others(~0ull);

    for (unsigned int cpu = 0; cpu < nr_cpus_online; cpu++)
        if (cpus & BIT(cpu))
            lapic_send_nmi(cpu_apic_id[cpu]);
}
