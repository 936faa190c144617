/*
 * kernel/fs/poll.h - waiting for one of several files.
 */
#pragma once

#include <kernel/fs/fs.h>
#include <kernel/sync/waitq.h>
#include <kernel/uapi/poll.h>

#define POLL_FEW 8

struct poll_entry {
    struct wait_entry wait;
    struct wait_queue *queue;
    struct file *file; /* referenced: its queue must not go */
    struct poll_table *table;
    struct poll_entry *next; /* beyond the first few: kmalloc'ed */
};

/* One waiting task's; on its stack. */
struct poll_table {
    struct task_struct *task;
    bool triggered; /* some queue was woken since poll_wait_turn() */
    bool filled;    /* the queues know us: poll_wait() adds no more */
    int err;        /* -ENOMEM: not all queues could be waited for */
    unsigned int used;
    struct poll_entry few[POLL_FEW];
    struct poll_entry *more;
};

void poll_start(struct poll_table *table);
void poll_end(struct poll_table *table); /* off all queues */
/* Sleeps until some queue is woken: 0; -EINTR; -ETIMEDOUT (ktime). */
int poll_sleep(struct poll_table *table, u64 expires);
