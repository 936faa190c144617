/*
 * kernel/sync/refcount.h - how many hold an object.
 *
 * Going up from zero, past the top, or below zero is a bug that stops the
 * kernel in words: a use after free or a leak is seen where it happens.
 */
#pragma once

#include <kernel/core/panic.h>
#include <kernel/sync/atomic.h>

typedef struct {
    atomic_t refs;
} refcount_t;

#define REFCOUNT_INIT(n)                                                       \
    {                                                                          \
        ATOMIC_INIT(n)                                                         \
    }
#define REFCOUNT_MAX 0x3fffffff

static inline void refcount_set(refcount_t *r, int n)
{
    atomic_set(&r->refs, n);
}

static inline int refcount_read(const refcount_t *r)
{
    return atomic_read(&r->refs);
}

static inline void refcount_inc(refcount_t *r)
{
    int now = atomic_add_return(&r->refs, 1);

    if (unlikely(now <= 1 || now > REFCOUNT_MAX))
        panic("refcount %p raised to %d: object was already free", (void *)r,
              now);
}

/* Fails (false) once the count is zero: for look-ups without a lock. */
static inline bool refcount_inc_not_zero(refcount_t *r)
{
    int old = atomic_read(&r->refs);

    while (old) {
        int seen = atomic_cmpxchg(&r->refs, old, old + 1);

        if (seen == old)
            return true;
        old = seen;
    }
    return false;
}

/* Gives one back unless it is the last; whether it did: for objects whose
 * last reference goes under a lock. */
static inline bool refcount_dec_not_one(refcount_t *r)
{
    int old = atomic_read(&r->refs);

    while (old > 1) {
        int seen = atomic_cmpxchg(&r->refs, old, old - 1);

        if (seen == old)
            return true;
        old = seen;
    }
    return false;
}

/* Whether the last one went; the caller then frees the object. */
static inline bool __must_check refcount_dec_and_test(refcount_t *r)
{
    int now = atomic_sub_return(&r->refs, 1);

    if (unlikely(now < 0))
        panic("refcount %p dropped below zero", (void *)r);
    return now == 0;
}
