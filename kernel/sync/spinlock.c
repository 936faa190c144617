/*
 * kernel/sync/spinlock.c - what the inline halves of spinlock.h leave over:
 * waiting in line, and the checks of debug builds.
 */
#include <kernel/core/panic.h>
#include <kernel/sync/atomic.h>
#include <kernel/sync/lockdep.h>
#include <kernel/sync/spinlock.h>

void spin_lock_wait(spinlock_t *lock, u16 ticket)
{
    while (__atomic_load_n(&lock->owner, __ATOMIC_ACQUIRE) != ticket)
        cpu_relax();
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

void assert_spin_held(const spinlock_t *lock)
{
    if (lock->cpu != smp_processor_id() + 1)
        panic("spinlock %s (%p) should be held here", lock->name,
              (const void *)lock);
}

#endif
