/*
 * kernel/sync/rwsem.h - reader-writer lock that sleeps.
 *
 * Many readers or one writer; a waiting writer holds new readers back, so
 * neither side starves.  Not recursive, not even for readers.
 */
#pragma once

#include <kernel/sync/waitq.h>

struct rw_semaphore {
    s32 count; /* (a) readers, RW_WRITER, RW_WAITERS: rwsem.c */
    spinlock_t lock;
    struct list_head waiters; /* (lock) in order of arrival */
    struct task_struct *writer;
};

#define RWSEM_INIT(s)                                                          \
    {                                                                          \
        .lock = SPINLOCK_INIT(s), .waiters = LIST_HEAD_INIT((s).waiters)       \
    }

#define rwsem_init(sem) rwsem_init_named(sem, #sem)
void rwsem_init_named(struct rw_semaphore *sem, const char *name);
void down_read(struct rw_semaphore *sem);
bool down_read_trylock(struct rw_semaphore *sem);
void up_read(struct rw_semaphore *sem);
void down_write(struct rw_semaphore *sem);
bool down_write_trylock(struct rw_semaphore *sem);
void up_write(struct rw_semaphore *sem);
void downgrade_write(struct rw_semaphore *sem); /* writer becomes reader */
bool rwsem_is_locked(const struct rw_semaphore *sem);
bool rwsem_is_write_locked(const struct rw_semaphore *sem);
