/*
 * kernel/fs/poll.c - one task on many wait queues.
 *
 * A first pass over the files asks each poll() and lets it add us to its
 * queues; after a wake-up the files are asked again, without adding.
 *
 * Invariant  an entry is on its queue, and holds the file, exactly until
 *            poll_end().
 * Context    may sleep; the wake function runs under the queue's lock.
 */
#include <kernel/fs/internal.h>
#include <kernel/fs/poll.h>

static void wake_task(struct poll_table *table)
{
    WRITE_ONCE(table->triggered, true);
    smp_mb();
    wake_up_task(table->task);
}

void poll_start(struct poll_table *table, struct poll_entry *few)
{
    *table = (struct poll_table){
        .wake = wake_task,
        .task = current,
        .holds = true,
        .few = few,
        .nfew = POLL_FEW,
    };
}

static void poll_wake(struct wait_entry *wait)
{
    struct poll_entry *entry = container_of(wait, struct poll_entry, wait);

    entry->table->wake(entry->table);
}

static struct poll_entry *entry_take(struct poll_table *table)
{
    struct poll_entry *entry;

    if (table->used < table->nfew)
        return &table->few[table->used++];
    entry = kmalloc(sizeof(*entry), GFP_KERNEL);
    if (entry) {
        entry->next = table->more;
        table->more = entry;
    }
    return entry;
}

void poll_wait(struct file *file, struct wait_queue *q,
               struct poll_table *table)
{
    struct poll_entry *entry;

    if (!table || table->filled)
        return;
    entry = entry_take(table);
    if (!entry) {
        table->err = -ENOMEM;
        return;
    }
    wait_entry_init(&entry->wait);
    entry->wait.func = poll_wake;
    entry->queue = q;
    entry->file = file;
    if (table->holds)
        get_file(file);
    entry->table = table;
    wait_add(q, &entry->wait);
}

static void entry_leave(struct poll_entry *entry)
{
    wait_remove(entry->queue, &entry->wait);
    if (entry->table->holds)
        fput(entry->file);
}

void poll_end(struct poll_table *table)
{
    struct poll_entry *entry;
    unsigned int i;

    for (i = 0; i < table->used; i++)
        entry_leave(&table->few[i]);
    while ((entry = table->more)) {
        table->more = entry->next;
        entry_leave(entry);
        kfree(entry);
    }
}

int poll_sleep(struct poll_table *table, u64 expires)
{
    int err = 0;

    table->filled = true;
    for (;;) {
        set_current_state(TASK_INTERRUPTIBLE);
        if (READ_ONCE(table->triggered))
            break;
        if (signal_pending()) {
            err = -EINTR;
            break;
        }
        if (!schedule_until(expires)) {
            err = READ_ONCE(table->triggered) ? 0 : -ETIMEDOUT;
            break;
        }
    }
    set_current_state(TASK_RUNNING);
    WRITE_ONCE(table->triggered, false);
    return err;
}
