/*
 * kernel/sync/atomic.h - integers that several CPUs change; sequentially
 * consistent unless the name says otherwise.
 */
#pragma once

#include <kernel/lib/types.h>

typedef struct {
    s32 v;
} atomic_t;
typedef struct {
    s64 v;
} atomic64_t;

#define ATOMIC_INIT(n)                                                         \
    {                                                                          \
        (n)                                                                    \
    }

#define atomic_read(a) __atomic_load_n(&(a)->v, __ATOMIC_RELAXED)
#define atomic_set(a, n) __atomic_store_n(&(a)->v, n, __ATOMIC_RELAXED)
#define atomic_add(a, n)                                                       \
    ((void)__atomic_fetch_add(&(a)->v, n, __ATOMIC_SEQ_CST))
#define atomic_sub(a, n)                                                       \
    ((void)__atomic_fetch_sub(&(a)->v, n, __ATOMIC_SEQ_CST))
#define atomic_inc(a) atomic_add(a, 1)
#define atomic_dec(a) atomic_sub(a, 1)
#define atomic_add_return(a, n) __atomic_add_fetch(&(a)->v, n, __ATOMIC_SEQ_CST)
#define atomic_sub_return(a, n) __atomic_sub_fetch(&(a)->v, n, __ATOMIC_SEQ_CST)
#define atomic_xchg(a, n) __atomic_exchange_n(&(a)->v, n, __ATOMIC_SEQ_CST)
#define atomic_cmpxchg(a, old, new)                                            \
    ({                                                                         \
        __typeof__((a)->v) cmpxchg_old_ = (old);                               \
        __atomic_compare_exchange_n(&(a)->v, &cmpxchg_old_, new, false,        \
                                    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);       \
        cmpxchg_old_;                                                          \
    })
/* Subtracts one; whether it became zero. */
#define atomic_dec_and_test(a) (atomic_sub_return(a, 1) == 0)

#define smp_mb() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define smp_rmb() barrier() /* x86 keeps loads in order, SDM 3A 9.2 */
#define smp_wmb() barrier() /* ... and stores */
#define smp_load_acquire(p) __atomic_load_n(p, __ATOMIC_ACQUIRE)
#define smp_store_release(p, v) __atomic_store_n(p, v, __ATOMIC_RELEASE)
#define cpu_relax() __asm__ volatile("pause" ::: "memory")
