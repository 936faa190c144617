/*
 * kernel/sync/waitq.c - wait queues; see the header for the protocol.
 *
 * Locking    queue->lock (spin, irq-safe) covers the list; a waker calls
 *            func under it, so an entry that wait_remove() has taken off is
 *            not touched any more.
 */
#include <kernel/core/percpu.h>
#include <kernel/sync/atomic.h>
#include <kernel/sync/waitq.h>

static void wake_default(struct wait_entry *entry)
{
    wake_up_task(entry->task);
}

void wait_queue_init_named(struct wait_queue *q, const char *name)
{
    spin_lock_init_named(&q->lock, name);
    list_init(&q->waiters);
}

void wait_entry_init(struct wait_entry *entry)
{
    entry->task = this_cpu_read(current_task);
    entry->func = wake_default;
    entry->exclusive = false;
    list_init(&entry->link);
}

void wait_add(struct wait_queue *q, struct wait_entry *entry)
{
    u64 flags = spin_lock_irqsave(&q->lock);

    list_add_tail(&entry->link, &q->waiters);
    spin_unlock_irqrestore(&q->lock, flags);
}

void wait_remove(struct wait_queue *q, struct wait_entry *entry)
{
    u64 flags = spin_lock_irqsave(&q->lock);

    list_del(&entry->link);
    spin_unlock_irqrestore(&q->lock, flags);
}

static void wake(struct wait_queue *q, bool all)
{
    struct wait_entry *entry, *next;
    u64 flags;

    smp_mb(); /* the condition is visible before we look for waiters */
    if (list_empty(&q->waiters))
        return;
    flags = spin_lock_irqsave(&q->lock);
    list_for_each_entry_safe(entry, next, &q->waiters, link) {
        entry->func(entry);
        if (entry->exclusive && !all)
            break;
    }
    spin_unlock_irqrestore(&q->lock, flags);
}

void wake_up(struct wait_queue *q)
{
    wake(q, false);
}

void wake_up_all(struct wait_queue *q)
{
    wake(q, true);
}
