/*
 * kernel/sync/spinlock.h - ticket spinlocks: fair, never slept under.
 *
 * spin_lock() is for data that no interrupt handler touches; the _irqsave
 * form for the rest.  A holder is in atomic context (atomic_depth > 0).
 * Debug builds remember holder and place, and stop at recursion.
 */
#pragma once

#include <kernel/lib/types.h>
#include <kernel/core/irq.h>
#include <kernel/core/percpu.h>

typedef struct spinlock {
    union {
        u32 both; /* next << 16 | owner */
        struct {
            u16 owner; /* ticket being served */
            u16 next;  /* ticket for who comes next */
        };
    };
#ifdef PAGEWALK_DEBUG
    u32 cpu; /* holder + 1; 0 free */
    const char *name;
    void *taken_at;
#endif
} spinlock_t;

#ifdef PAGEWALK_DEBUG
#define SPINLOCK_INIT(lockname)                                                \
    {                                                                          \
        .name = #lockname                                                      \
    }
#else
#define SPINLOCK_INIT(lockname)                                                \
    {                                                                          \
        .both = 0                                                              \
    }
#endif
#define DEFINE_SPINLOCK(lockname)                                              \
    spinlock_t lockname = SPINLOCK_INIT(lockname)

#define spin_lock_init(lock) spin_lock_init_named(lock, #lock)
void spin_lock_init_named(spinlock_t *lock, const char *name);
void spin_lock(spinlock_t *lock);
bool spin_trylock(spinlock_t *lock);
void spin_unlock(spinlock_t *lock);
bool spin_is_locked(const spinlock_t *lock);

static inline u64 spin_lock_irqsave(spinlock_t *lock)
{
    u64 flags = local_irq_save();

    spin_lock(lock);
    return flags;
}

static inline void spin_unlock_irqrestore(spinlock_t *lock, u64 flags)
{
    spin_unlock(lock);
    local_irq_restore(flags);
}

/* Debug builds check that this CPU holds it. */
void assert_spin_held(const spinlock_t *lock);
