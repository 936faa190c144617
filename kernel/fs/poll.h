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
    struct file *file; /* referenced if the table says so */
    struct poll_table *table;
    struct poll_entry *next; /* beyond the first few: kmalloc'ed */
};

/*
 * Who waits on the queues of some files: a task (poll_start), or somebody
 * who wants to be told (epoll: zeroed, with `wake`).
 */
struct poll_table {
    /* A queue was woken.  Context: that queue's lock held, any. */
    void (*wake)(struct poll_table *table);
    struct task_struct *task;
    bool triggered; /* some queue was woken since the last poll_sleep() */
    bool filled;    /* the queues know us: poll_wait() adds no more */
    bool holds;     /* entries reference their files */
    int err;        /* -ENOMEM: not all queues could be waited for */
    unsigned int used, nfew;
    struct poll_entry *few; /* nfew of the owner's, NULL if none */
    struct poll_entry *more;
};

/* few: POLL_FEW of them, on the caller's stack. */
void poll_start(struct poll_table *table, struct poll_entry *few);
void poll_end(struct poll_table *table); /* off all queues */
/* Sleeps until some queue is woken: 0; -EINTR; -ETIMEDOUT (ktime). */
int poll_sleep(struct poll_table *table, u64 expires);

/* For epoll: an open file that somebody watches is about to go. */
void epoll_file_gone(struct file *file);
