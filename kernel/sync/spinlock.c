/*
 * kernel/sync/spinlock.c - what the inline halves of spinlock.h leave over:
 * waiting in line, and the checks of debug builds.
 */
#include <kernel/core/panic.h>
#include <kernel/sync/atomic.h>
#include <kernel/sync/lockdep.h>
#include <kernel/sync/spinlock.h>

/*
 * Turns that a waiter stays in line.  Under an emulator a CPU is a thread
 * that the host may stop at any point: one that is stopped in line stops all
 * who stand behind it, for milliseconds, and once that begins each of them
 * is stopped in turn.  So nobody stands there for long.
 */
#define PATIENCE 32

static bool take_if_free(spinlock_t *lock)
{
    u32 seen = __atomic_load_n(&lock->both, __ATOMIC_RELAXED);

    return (u16)seen == seen >> 16 &&
           __atomic_compare_exchange_n(&lock->both, &seen, seen + (1u << 16),
                                       false, __ATOMIC_ACQUIRE,
                                       __ATOMIC_RELAXED);
}

/* Gives the ticket back; only the last in line can. */
static bool leave_line(spinlock_t *lock, u16 ticket)
{
    u32 seen = __atomic_load_n(&lock->both, __ATOMIC_RELAXED);

    return seen >> 16 == (u16)(ticket + 1) && (u16)seen != ticket &&
           __atomic_compare_exchange_n(&lock->both, &seen, seen - (1u << 16),
                                       false, __ATOMIC_RELAXED,
                                       __ATOMIC_RELAXED);
}

void spin_lock_wait(spinlock_t *lock, u16 ticket)
{
    unsigned int turns = 0;

    while (__atomic_load_n(&lock->owner, __ATOMIC_ACQUIRE) != ticket) {
        cpu_relax();
        if (++turns < PATIENCE || !leave_line(lock, ticket))
            continue;
        while (!take_if_free(lock))
            cpu_relax();
        return;
    }
}

#ifdef PAGEWALK_DEBUG

void spin_debug_before(spinlock_t *lock, void *place)
{
    if (READ_ONCE(lock->cpu) == smp_processor_id() + 1)
        panic("spinlock %s (%p): this CPU holds it since %p", lock->name,
              (void *)lock, lock->taken_at);
    lockdep_acquire(lock, lock->name, LOCK_SPIN, place);
}

void spin_debug_taken(spinlock_t *lock, void *place)
{
    lock->taken_at = place;
    WRITE_ONCE(lock->cpu, smp_processor_id() + 1);
}

void spin_debug_tried(spinlock_t *lock, void *place)
{
    spin_debug_taken(lock, place);
    lockdep_acquired_by_try(lock, lock->name, LOCK_SPIN, place);
}

void spin_debug_release(spinlock_t *lock)
{
    lockdep_release(lock);
    if (lock->cpu != smp_processor_id() + 1)
        panic("spinlock %s (%p): released but not held here", lock->name,
              (void *)lock);
    WRITE_ONCE(lock->cpu, 0);
}

void spin_debug_pass(spinlock_t *lock, const void *from)
{
    lockdep_pass(lock, lock->name, from);
}

void assert_spin_held(const spinlock_t *lock)
{
    if (lock->cpu != smp_processor_id() + 1)
        panic("spinlock %s (%p) should be held here", lock->name,
              (const void *)lock);
}

#endif
