/*
 * kernel/sync/lockdep.h - debug builds watch the order in which locks are
 * taken.
 *
 * Locks are told apart by class: the name given where they are initialised,
 * so all inodes' locks are one class.  Four things are reported, once each,
 * with the places in the code:
 *   - class B is taken while A is held, although A has been taken (perhaps by
 *     way of others) while B was held;
 *   - a spinlock is taken in interrupts and also, elsewhere, with interrupts
 *     on;
 *   - a lock that may sleep is asked for in atomic context, or memory of an
 *     allocation that may;
 *   - a system call ends with a lock held or in atomic context.
 * Two locks of one class in each other are not judged.
 */
#pragma once

#include <kernel/lib/types.h>

enum lock_kind { LOCK_SPIN, LOCK_SLEEP };

#ifdef PAGEWALK_DEBUG
/* Before waiting for the lock; place: the caller's return address. */
void lockdep_acquire(const void *lock, const char *name, enum lock_kind kind,
                     void *place);
/* After a trylock has got it: it is held, but nobody waited. */
void lockdep_acquired_by_try(const void *lock, const char *name,
                             enum lock_kind kind, void *place);
/* May be called by another task than the one that took it, if nobody else can
 * be waiting for it; */
void lockdep_release(const void *lock);
/* else it is passed on first: task `from` took this spinlock, and current
 * will release it. */
void lockdep_pass(const void *lock, const char *name, const void *from);
unsigned int lockdep_reports(void); /* how many there were */
/* For what sleeps only sometimes: reported in atomic context even if it would
 * not have slept this time. */
void may_sleep(void);
/* A system call is done: its task must hold nothing. */
void lockdep_call_ends(u64 nr);
#else
static inline void may_sleep(void)
{
}
static inline void lockdep_call_ends(u64 nr __maybe_unused)
{
}
static inline void lockdep_acquire(const void *lock __maybe_unused,
                                   const char *name __maybe_unused,
                                   enum lock_kind kind __maybe_unused,
                                   void *place __maybe_unused)
{
}
static inline void lockdep_acquired_by_try(const void *lock __maybe_unused,
                                           const char *name __maybe_unused,
                                           enum lock_kind kind __maybe_unused,
                                           void *place __maybe_unused)
{
}
static inline void lockdep_release(const void *lock __maybe_unused)
{
}
static inline unsigned int lockdep_reports(void)
{
    return 0;
}
#endif
