/*
 * kernel/core/xcall.c - cross-CPU calls by interrupt.
 *
 * Structure  one call at a time: `call` with the CPUs that have not answered.
 *            Whoever wants to call while another does answers that call, if
 *            it is asked, instead of only waiting.
 * Locking    call_lock (raw, interrupts off while held).
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

static u32 call_lock;
static struct {
    void (*fn)(void *arg);
    void *arg;
    u64 pending; /* CPUs that still have to run it */
} call;

static void (*soon_fn)(void);
static u64 soon; /* CPUs that have yet to run soon_fn */

/* Runs the call at hand if it is for this CPU.  Interrupts off. */
static void answer(void)
{
    u64 me = BIT(smp_processor_id());

    if (__atomic_load_n(&soon, __ATOMIC_RELAXED) & me) {
        __atomic_fetch_and(&soon, ~me, __ATOMIC_ACQ_REL);
        soon_fn();
    }
    if (!(__atomic_load_n(&call.pending, __ATOMIC_ACQUIRE) & me))
        return;
    call.fn(call.arg);
    __atomic_fetch_and(&call.pending, ~me, __ATOMIC_RELEASE);
}

static bool call_interrupt(struct pt_regs *regs __maybe_unused,
                           unsigned int vector __maybe_unused)
{
    this_cpu_inc(atomic_depth);
    this_cpu_inc(irq_depth);
    lapic_eoi();
    answer();
    this_cpu_dec(irq_depth);
    this_cpu_dec(atomic_depth);
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

/* A CPU that has had its interrupts off for so long will not answer any more:
 * the panic's NMI shows where it is. */
static void wait_for_answers(void)
{
    u64 start = ktime_get(), pending;

    while ((pending = __atomic_load_n(&call.pending, __ATOMIC_ACQUIRE))) {
        if (ktime_get() - start > watchdog_limit())
            panic("CPUs %#llx have not answered a call for %llu s",
                  (unsigned long long)pending, watchdog_limit() / NSEC_PER_SEC);
        cpu_relax();
    }
}

static void send_calls(u64 cpus)
{
    for (unsigned int cpu = 0; cpu < nr_cpus_online; cpu++)
        if (cpus & BIT(cpu))
            lapic_send_ipi(cpu_apic_id[cpu], VECTOR_CALL);
}

void xcall(u64 cpus, void (*fn)(void *arg), void *arg)
{
    u64 flags = local_irq_save();

    cpus = others(cpus);
    if (cpus) {
        while (__atomic_exchange_n(&call_lock, 1, __ATOMIC_ACQUIRE)) {
            answer();
            cpu_relax();
        }
        call.fn = fn;
        call.arg = arg;
        __atomic_store_n(&call.pending, cpus, __ATOMIC_RELEASE);
        send_calls(cpus);
        wait_for_answers();
        __atomic_store_n(&call_lock, 0, __ATOMIC_RELEASE);
    }
    local_irq_restore(flags);
}

void xcall_soon(void (*fn)(void))
{
    u64 flags = local_irq_save(), cpus = others(~0ull), asked;

    WRITE_ONCE(soon_fn, fn);
    asked = __atomic_fetch_or(&soon, cpus, __ATOMIC_ACQ_REL);
    send_calls(cpus & ~asked);
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
