/*
 * kernel/fs/pipe.c - pipes and fifos: bytes from writers to readers.
 *
 * Structure  a ring of page slots; head and tail are byte positions that
 *            only grow, so that head - tail is what is in it. A page is
 *            allocated when the head enters its slot and freed when the tail
 *            leaves it; a pipe that runs empty keeps its page and starts
 *            over at position 0, so that small messages never allocate.
 * Cost       a read or write of a small message: one lock, one copy, and a
 *            wake-up only if somebody waits.
 * Locking    pipe->lock (mutex) covers all but the queues.  Waiters look
 *            without it and look again with it.
 * Invariant  0 <= head - tail <= size; a slot that holds bytes has a page.
 * Context    may sleep.
 */
#include <kernel/fs/internal.h>
#include <kernel/fs/poll.h>
#include <kernel/lib/string.h>
#include <mm/gfp.h>
#include <mm/page.h>

#include <asm/ioctls.h>

#define PIPE_BUF_SIZE 4096u    /* a write up to this is not mixed with others */
#define PIPE_SLOTS 16u         /* of a new pipe, pipe(7): 64 KiB */
#define PIPE_SLOTS_MAX 256u    /* fs.pipe-max-size: 1 MiB */
#define PIPE_SLOTS_ROOT 65536u /* what root may go up to */

struct pipe {
    struct mutex lock;
    struct wait_queue read_queue, write_queue;
    u32 readers, writers;           /* open ends */
    u32 reader_opens, writer_opens; /* ever: fifo opens wait for a change */
    u32 users;                      /* open files of either end */
    u32 size;                       /* bytes, a power of two of pages */
    u64 head, tail;                 /* next byte to write, to read */
    u8 **page;                      /* size / PAGE_SIZE slots */
    u8 *few[PIPE_SLOTS];
};

static struct pipe *pipe_alloc(void)
{
    struct pipe *pipe = kzalloc(sizeof(*pipe), GFP_KERNEL);

    if (!pipe)
        return NULL;
    mutex_init(&pipe->lock);
    wait_queue_init(&pipe->read_queue);
    wait_queue_init(&pipe->write_queue);
    pipe->size = PIPE_SLOTS * PAGE_SIZE;
    pipe->page = pipe->few;
    return pipe;
}

static void slot_free(u8 **slot)
{
    if (*slot)
        __free_pages(virt_to_page(*slot), 0);
    *slot = NULL;
}

static void pages_free(struct pipe *pipe)
{
    u32 i;

    for (i = 0; i < pipe->size / PAGE_SIZE; i++)
        slot_free(&pipe->page[i]);
    if (pipe->page != pipe->few)
        kfree(pipe->page);
}

static void pipe_free(struct pipe *pipe)
{
    pages_free(pipe);
    kfree(pipe);
}

static inline u32 pipe_used(const struct pipe *pipe)
{
    return READ_ONCE(pipe->head) - READ_ONCE(pipe->tail);
}

static inline u32 pipe_room(const struct pipe *pipe)
{
    return READ_ONCE(pipe->size) - pipe_used(pipe);
}

static inline u8 **slot_of(struct pipe *pipe, u64 pos)
{
    return &pipe->page[pos / PAGE_SIZE & (pipe->size / PAGE_SIZE - 1)];
}

/* Wakes whoever waits; nobody waiting costs two instructions. */
static inline void wake(struct wait_queue *queue)
{
    smp_mb();
    if (!list_empty(&queue->waiters))
        wake_up_all(queue);
}

/* The tail left its page, or the pipe is empty: see the file's head.  In a
 * full ring the head may have come round into the tail's page already. */
static void retire_pages(struct pipe *pipe, u64 from)
{
    u8 **slot = slot_of(pipe, from), *page;

    if (pipe->head == pipe->tail) {
        page = *slot;
        *slot = NULL;
        slot_free(&pipe->page[0]);
        pipe->page[0] = page;
        pipe->head = pipe->tail = 0;
    } else if (from / PAGE_SIZE != pipe->tail / PAGE_SIZE &&
               pipe->head <= ALIGN_DOWN(from, PAGE_SIZE) + pipe->size) {
        slot_free(slot);
    }
}

/* Moves what is there, up to count; bytes, or -EFAULT if none. */
static ssize_t copy_out(struct pipe *pipe, char __user *buf, size_t count)
{
    size_t done = 0, piece, left = 0;

    while (done < count && pipe->head != pipe->tail && !left) {
        u64 tail = pipe->tail;
        size_t offset = tail % PAGE_SIZE;

        piece =
            min(min(count - done, PAGE_SIZE - offset), (size_t)pipe_used(pipe));
        left = copy_to_user(buf + done, *slot_of(pipe, tail) + offset, piece);
        done += piece - left;
        pipe->tail += piece - left;
        retire_pages(pipe, tail);
    }
    return done || !left ? (ssize_t)done : -EFAULT;
}

/* Where a write's bytes come from: `user`, or `kernel` if that is NULL. */
struct source {
    const char __user *user;
    const char *kernel;
};

static ssize_t copy_in(struct pipe *pipe, const struct source *from,
                       size_t start, size_t count)
{
    size_t done = 0, piece, left = 0;

    while (done < count && !left) {
        size_t offset = pipe->head % PAGE_SIZE;
        u8 **slot = slot_of(pipe, pipe->head);

        if (!*slot) {
            struct page *page = alloc_pages_owner(GFP_KERNEL, 0, OWNER_PIPE);

            if (!page)
                return done ? (ssize_t)done : -ENOMEM;
            *slot = page_address(page);
        }
        piece = min(count - done, PAGE_SIZE - offset);
        if (likely(!from->kernel))
            left = copy_from_user(*slot + offset, from->user + start + done,
                                  piece);
        else
            memcpy(*slot + offset, from->kernel + start + done, piece);
        done += piece - left;
        pipe->head += piece - left;
    }
    return done || !left ? (ssize_t)done : -EFAULT;
}

static ssize_t pipe_read(struct file *file, char __user *buf, size_t count,
                         loff_t *pos)
{
    struct pipe *pipe = file->private_data;
    ssize_t n = 0;

    (void)pos;
    if (!count)
        return 0;
    for (;;) {
        mutex_lock(&pipe->lock);
        if (pipe->head != pipe->tail) {
            n = copy_out(pipe, buf, count);
            break;
        }
        if (!pipe->writers)
            break;
        mutex_unlock(&pipe->lock);
        if (file->flags & O_NONBLOCK)
            return -EAGAIN;
        if (wait_event_interruptible(&pipe->read_queue,
                                     pipe_used(pipe) ||
                                         !READ_ONCE(pipe->writers)))
            return -ERESTARTSYS;
    }
    mutex_unlock(&pipe->lock);
    if (n > 0)
        wake(&pipe->write_queue);
    return n;
}

/* Whether a write with `left` bytes to go can move some now. */
static bool can_write(const struct pipe *pipe, size_t count, size_t left)
{
    u32 room = pipe_room(pipe);

    return room >= left || (count > PIPE_BUF_SIZE && room);
}

static inline ssize_t write_any(struct file *file, struct source from,
                                size_t count)
{
    struct pipe *pipe = file->private_data;
    size_t done = 0;
    ssize_t n = 0;

    mutex_lock(&pipe->lock);
    while (done < count) {
        if (!pipe->readers) {
            n = -EPIPE;
            break;
        }
        if (can_write(pipe, count, count - done)) {
            n = copy_in(pipe, &from, done,
                        min(count - done, (size_t)pipe_room(pipe)));
            if (n < 0)
                break;
            done += n;
            if (done == count)
                break;
            wake(&pipe->read_queue);
            continue;
        }
        n = -EAGAIN;
        if (file->flags & O_NONBLOCK)
            break;
        mutex_unlock(&pipe->lock);
        n = wait_event_interruptible(&pipe->write_queue,
                                     can_write(pipe, count, count - done) ||
                                         !READ_ONCE(pipe->readers));
        mutex_lock(&pipe->lock);
        if (n) {
            n = -ERESTARTSYS;
            break;
        }
    }
    mutex_unlock(&pipe->lock);
    if (done)
        wake(&pipe->read_queue);
    if (n == -EPIPE)
        send_signal_self(SIGPIPE);
    return done ? (ssize_t)done : n;
}

static ssize_t pipe_write(struct file *file, const char __user *buf,
                          size_t count, loff_t *pos)
{
    (void)pos;
    return write_any(file, (struct source){buf, NULL}, count);
}

static ssize_t pipe_write_kernel(struct file *file, const void *buf,
                                 size_t count, loff_t *pos)
{
    (void)pos;
    return write_any(file, (struct source){NULL, buf}, count);
}

static u32 pipe_poll(struct file *file, struct poll_table *table)
{
    struct pipe *pipe = file->private_data;
    u32 ready = 0;

    if (file->fmode & FMODE_READ) {
        poll_wait(file, &pipe->read_queue, table);
        if (pipe_used(pipe))
            ready |= POLLIN | POLLRDNORM;
        if (!READ_ONCE(pipe->writers) &&
            (file->anon_name || file->poll_mark != pipe->writer_opens))
            ready |= POLLHUP;
    }
    if (file->fmode & FMODE_WRITE) {
        poll_wait(file, &pipe->write_queue, table);
        if (pipe_room(pipe) >= PIPE_BUF_SIZE)
            ready |= POLLOUT | POLLWRNORM;
        if (!READ_ONCE(pipe->readers))
            ready |= POLLERR;
    }
    return ready;
}

static long pipe_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
    struct pipe *pipe = file->private_data;

    if (cmd != FIONREAD)
        return -ENOIOCTLCMD;
    return put_user((int)pipe_used(pipe), (int __user *)arg);
}

/* ---- ends come and go ---- */

static void pipe_release(struct inode *inode, struct file *file)
{
    struct pipe *pipe = file->private_data;
    bool last;

    mutex_lock(&pipe->lock);
    if (file->fmode & FMODE_READ)
        pipe->readers--;
    if (file->fmode & FMODE_WRITE)
        pipe->writers--;
    mutex_unlock(&pipe->lock);
    wake(&pipe->read_queue);
    wake(&pipe->write_queue);
    mutex_lock(&inode->lock);
    last = !--pipe->users;
    if (last)
        inode->pipe = NULL;
    mutex_unlock(&inode->lock);
    if (last)
        pipe_free(pipe);
}

static const struct file_operations pipe_fops = {
    .read = pipe_read,
    .write = pipe_write,
    .write_kernel = pipe_write_kernel,
    .poll = pipe_poll,
    .ioctl = pipe_ioctl,
    .release = pipe_release,
};

static void add_end(struct pipe *pipe, u32 fmode)
{
    mutex_lock(&pipe->lock);
    if (fmode & FMODE_READ) {
        pipe->readers++;
        pipe->reader_opens++;
    }
    if (fmode & FMODE_WRITE) {
        pipe->writers++;
        pipe->writer_opens++;
    }
    mutex_unlock(&pipe->lock);
    wake(&pipe->read_queue);
    wake(&pipe->write_queue);
}

static struct file *pipe_end(struct inode *inode, u32 flags)
{
    struct file *file = file_alloc(flags);

    if (!file)
        return NULL;
    inode_get(inode);
    file->inode = inode;
    file->ops = &pipe_fops;
    file->fmode |= FMODE_STREAM;
    file->private_data = inode->pipe;
    file->anon_name = "pipe";
    inode->pipe->users++;
    return file;
}

int pipe_create(struct file *end[2], u32 flags)
{
    struct inode *inode = anon_inode(S_IFIFO | 0600);
    struct pipe *pipe = inode ? pipe_alloc() : NULL;

    if (!pipe) {
        if (inode)
            inode_put(inode);
        return -ENOMEM;
    }
    inode->fops = &fifo_fops;
    inode->pipe = pipe;
    pipe->users = 1; /* ours, until both ends are there */
    flags &= O_NONBLOCK;
    end[0] = pipe_end(inode, O_RDONLY | flags);
    end[1] = pipe_end(inode, O_WRONLY | flags);
    pipe->readers = pipe->writers = 1;
    pipe->users--;
    inode_put(inode);
    if (end[0] && end[1])
        return 0;
    if (!end[0] && !end[1])
        pipe_free(pipe);
    else
        fput(end[0] ? end[0] : end[1]);
    return -ENOMEM;
}

/* A fifo's open waits for the other end, fifo(7). */
static int wait_for_partner(struct file *file, struct pipe *pipe)
{
    u32 seen;
    int err = 0;

    switch (file->fmode & (FMODE_READ | FMODE_WRITE)) {
    case FMODE_READ:
        seen = pipe->writer_opens;
        if (pipe->writers)
            break;
        if (file->flags & O_NONBLOCK) {
            file->poll_mark = seen; /* no POLLHUP before the first writer */
            break;
        }
        err = wait_event_interruptible(&pipe->read_queue,
                                       READ_ONCE(pipe->writer_opens) != seen);
        break;
    case FMODE_WRITE:
        seen = pipe->reader_opens;
        if (pipe->readers)
            break;
        if (file->flags & O_NONBLOCK)
            return -ENXIO;
        err = wait_event_interruptible(&pipe->write_queue,
                                       READ_ONCE(pipe->reader_opens) != seen);
        break;
    }
    return err ? -ERESTARTSYS : 0;
}

static int fifo_open(struct inode *inode, struct file *file)
{
    struct pipe *pipe;
    int err;

    if (!(file->fmode & (FMODE_READ | FMODE_WRITE)))
        return -EINVAL;
    mutex_lock(&inode->lock);
    if (!inode->pipe)
        inode->pipe = pipe_alloc();
    pipe = inode->pipe;
    if (pipe)
        pipe->users++;
    mutex_unlock(&inode->lock);
    if (!pipe)
        return -ENOMEM;
    file->ops = &pipe_fops;
    file->private_data = pipe;
    file->poll_mark = pipe->writer_opens - 1;
    add_end(pipe, file->fmode);
    err = wait_for_partner(file, pipe);
    if (err)
        pipe_release(inode, file);
    return err;
}

const struct file_operations fifo_fops = {.open = fifo_open};

/* ---- the size ---- */

/* Moves the pages to their places in a new array.  `extra` takes the head's
 * bytes if they share the tail's page; whether it was used. */
static bool move_pages(struct pipe *pipe, u8 **to, u8 *extra)
{
    u64 pos = ALIGN_DOWN(pipe->tail, PAGE_SIZE);
    bool used = false;
    u32 i;

    for (i = 0; pos < pipe->head; pos += PAGE_SIZE, i++) {
        u8 **slot = slot_of(pipe, pos);

        to[i] = *slot;
        *slot = NULL;
        if (!to[i]) {
            memcpy(extra, to[0], PAGE_SIZE);
            to[i] = extra;
            used = true;
        }
    }
    return used;
}

static long resize(struct pipe *pipe, u64 bytes)
{
    u64 tail = pipe->tail % PAGE_SIZE, used = pipe_used(pipe);
    u32 slots = 1;
    u8 **page, *extra;

    while (slots * PAGE_SIZE < bytes)
        slots *= 2;
    if (slots > PIPE_SLOTS_MAX && slots * PAGE_SIZE > pipe->size &&
        !capable(CAP_SYS_RESOURCE))
        return -EPERM;
    if (slots > PIPE_SLOTS_ROOT)
        return -ENOMEM;
    if (tail + used > slots * PAGE_SIZE)
        return -EBUSY;
    page = kcalloc(slots, sizeof(*page), GFP_KERNEL);
    extra = (u8 *)__get_free_pages(GFP_KERNEL, 0);
    if (!page || !extra) {
        kfree(page);
        free_page((unsigned long)extra);
        return -ENOMEM;
    }
    if (!move_pages(pipe, page, extra))
        free_page((unsigned long)extra);
    pages_free(pipe);
    pipe->page = page;
    pipe->size = slots * PAGE_SIZE;
    pipe->tail = tail;
    pipe->head = tail + used;
    return pipe->size;
}

long pipe_fcntl(struct file *file, unsigned int cmd, unsigned long arg)
{
    struct pipe *pipe = file->private_data;
    long ret;

    if (file->ops != &pipe_fops)
        return -EBADF;
    if (cmd == F_GETPIPE_SZ)
        return pipe->size;
    if (arg > 1ul << 31)
        return -EINVAL;
    mutex_lock(&pipe->lock);
    ret = resize(pipe, arg);
    mutex_unlock(&pipe->lock);
    wake(&pipe->write_queue);
    return ret;
}
