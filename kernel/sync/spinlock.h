/*
 * kernel/sync/spinlock.h - ticket spinlocks: first come, first served for as
 * long as everybody in line is running; never slept under.
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
#define DEFINE_SPINLOCK(lockname) spinlock_t lockname = SPINLOCK_INIT(lockname)

#define spin_lock_init(lock) spin_lock_init_named(lock, #lock)

#ifdef PAGEWALK_DEBUG
void spin_debug_before(spinlock_t *lock, void *place);
void spin_debug_taken(spinlock_t *lock, void *place);
void spin_debug_tried(spinlock_t *lock, void *place);
void spin_debug_release(spinlock_t *lock);
/* A lock that `from` took and current will release. */
void spin_debug_pass(spinlock_t *lock, const void *from);
#else
#define spin_debug_before(lock, place) ((void)0)
#define spin_debug_taken(lock, place) ((void)0)
#define spin_debug_tried(lock, place) ((void)0)
#define spin_debug_release(lock) ((void)0)
#define spin_debug_pass(lock, from) ((void)0)
#endif

void spin_lock_wait(spinlock_t *lock, u16 ticket); /* spinlock.c */

static inline void spin_lock_init_named(spinlock_t *lock,
                                        const char *name __maybe_unused)
{
    *lock = (spinlock_t){.both = 0};
#ifdef PAGEWALK_DEBUG
    lock->name = name;
#endif
}

static inline void spin_lock(spinlock_t *lock)
{
    u32 seen;

    spin_debug_before(lock, __builtin_return_address(0));
    this_cpu_inc(atomic_depth);
    seen = __atomic_fetch_add(&lock->both, 1u << 16, __ATOMIC_ACQUIRE);
    if (unlikely((u16)seen != seen >> 16))
        spin_lock_wait(lock, seen >> 16);
    spin_debug_taken(lock, __builtin_return_address(0));
}

static inline bool spin_trylock(spinlock_t *lock)
{
    u32 seen = __atomic_load_n(&lock->both, __ATOMIC_RELAXED);

    if ((u16)seen != seen >> 16)
        return false;
    this_cpu_inc(atomic_depth);
    if (!__atomic_compare_exchange_n(&lock->both, &seen, seen + (1u << 16),
                                     false, __ATOMIC_ACQUIRE,
                                     __ATOMIC_RELAXED)) {
        this_cpu_dec(atomic_depth);
        return false;
    }
    spin_debug_tried(lock, __builtin_return_address(0));
    return true;
}

static inline void spin_unlock(spinlock_t *lock)
{
    spin_debug_release(lock);
    /* only the holder writes owner; x86 stores are releases */
    __asm__ volatile("incw %0" : "+m"(lock->owner)::"memory", "cc");
    this_cpu_dec(atomic_depth);
}

static inline bool spin_is_locked(const spinlock_t *lock)
{
    u32 seen = __atomic_load_n(&lock->both, __ATOMIC_RELAXED);

    return (u16)seen != seen >> 16;
}

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
#ifdef PAGEWALK_DEBUG
void assert_spin_held(const spinlock_t *lock);
#else
#define assert_spin_held(lock) ((void)0)
#endif
