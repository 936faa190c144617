/*
 * kernel/sys/sys_fs_poll.c - poll, ppoll, select, pselect6.
 *
 * Structure  a set of descriptors is asked in a loop: once with the poll
 *            table, which then waits on their queues, and again after each
 *            wake-up.
 * Cost       O(descriptors) a round.
 */
#include <kernel/fs/internal.h>
#include <kernel/fs/poll.h>
#include <kernel/task/signal.h>
#include <kernel/uapi/resource.h>
#include <kernel/lib/string.h>
#include <syscalls_gen.h>

#include <linux/time_types.h>

#define FOREVER (~0ull)
#define POLL_STACK 16 /* pollfds that need no allocation */

/* What a file without poll() always is. */
#define POLL_DEFAULT (POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM)

static u32 ask_file(struct file *file, struct poll_table *table)
{
    return file->ops->poll ? file->ops->poll(file, table) : POLL_DEFAULT;
}

/* ktime when `ns` from now is over; saturates. */
static u64 expiry(u64 ns)
{
    u64 now = ktime_get();

    return ns >= FOREVER - now ? FOREVER : now + ns;
}

/* 0 and the expiry; ts NULL: never. */
static long read_timeout(const struct __kernel_timespec __user *user,
                         u64 *expires)
{
    struct __kernel_timespec ts;

    *expires = FOREVER;
    if (!user)
        return 0;
    if (copy_from_user(&ts, user, sizeof(ts)))
        return -EFAULT;
    if (ts.tv_sec < 0 || (u64)ts.tv_nsec >= NSEC_PER_SEC)
        return -EINVAL;
    if ((u64)ts.tv_sec < FOREVER / NSEC_PER_SEC)
        *expires = ts.tv_sec || ts.tv_nsec
                       ? expiry(ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec)
                       : 0;
    return 0;
}

/* Linux writes what is left back, unless it cannot. */
static void write_left(struct __kernel_timespec __user *user, u64 expires,
                       u64 unit)
{
    struct __kernel_timespec left = {0, 0};
    u64 now;

    if (!user || expires == FOREVER)
        return;
    now = ktime_get();
    if (expires > now) {
        left.tv_sec = (expires - now) / NSEC_PER_SEC;
        left.tv_nsec = (expires - now) % NSEC_PER_SEC / unit;
    }
    if (copy_to_user(user, &left, sizeof(left)))
        return;
}

/* ---- poll ---- */

static u32 ask_pollfd(struct pollfd *p, struct poll_table *table)
{
    u32 wanted = (u16)p->events | POLLERR | POLLHUP;
    struct file *file;
    u32 ready = 0;

    if (p->fd >= 0) {
        file = fget(p->fd);
        if (!file) {
            ready = POLLNVAL;
        } else {
            ready = ask_file(file, table) & wanted;
            fput(file);
        }
    }
    p->revents = ready;
    return ready;
}

/* Number of descriptors ready, 0 when the time is up, -EINTR, -ENOMEM. */
static long poll_loop(struct pollfd *fds, unsigned int n, u64 expires)
{
    struct poll_entry few[POLL_FEW];
    struct poll_table table;
    long ready = 0;
    unsigned int i;
    int err = 0;

    poll_start(&table, few);
    for (;;) {
        for (i = 0; i < n; i++) {
            bool waits = !ready && expires && !err;

            if (ask_pollfd(&fds[i], waits ? &table : NULL))
                ready++;
        }
        if (ready || !expires || err)
            break;
        err = table.err ? table.err : poll_sleep(&table, expires);
        if (err == -EINTR || err == -ENOMEM)
            break;
    }
    poll_end(&table);
    if (ready || err == -ETIMEDOUT)
        return ready;
    return err;
}

static long poll_user(struct pollfd __user *user, unsigned int n, u64 expires)
{
    struct pollfd few[POLL_STACK], *fds = few;
    unsigned int i;
    long ready;

    if (n > current->signal->rlim[RLIMIT_NOFILE].cur)
        return -EINVAL;
    if (n > POLL_STACK)
        fds = kmalloc(n * sizeof(*fds), GFP_KERNEL);
    if (!fds)
        return -ENOMEM;
    ready = copy_from_user(fds, user, n * sizeof(*fds))
                ? -EFAULT
                : poll_loop(fds, n, expires);
    if (ready >= 0 && !user_range_ok(user, n * sizeof(*fds)))
        ready = -EFAULT; /* even where nothing is asked of it */
    for (i = 0; ready >= 0 && i < n; i++)
        if (put_user(fds[i].revents, &user[i].revents))
            ready = -EFAULT;
    if (fds != few)
        kfree(fds);
    return ready;
}

/* A poll that a handler interrupted starts over with the time it has left. */
static long poll_restart(struct restart_block *block)
{
    long ret = poll_user((struct pollfd __user *)block->arg[0], block->arg[1],
                         block->expires);

    return ret == -EINTR ? -ERESTART_RESTARTBLOCK : ret;
}

long sys_poll(void __user *fds, unsigned int nfds, int timeout_ms)
{
    u64 expires = timeout_ms < 0    ? FOREVER
                  : timeout_ms == 0 ? 0
                                    : expiry(timeout_ms * NSEC_PER_MSEC);
    long ret = poll_user(fds, nfds, expires);

    if (ret != -EINTR)
        return ret;
    current->restart = (struct restart_block){
        .fn = poll_restart, .expires = expires, .arg = {(u64)fds, nfds}};
    return -ERESTART_RESTARTBLOCK;
}

/* With a signal pending the mask goes back only after its handler ran. */
static void mask_end(bool interrupted)
{
    if (!interrupted)
        signal_restore_user_mask();
}

long sys_ppoll(void __user *fds, unsigned int nfds, const void __user *timeout,
               const void __user *sigmask, size_t setsize)
{
    u64 expires;
    long ret = read_timeout(timeout, &expires);

    if (!ret)
        ret = signal_set_user_mask(sigmask, setsize);
    if (ret)
        return ret;
    ret = poll_user(fds, nfds, expires);
    mask_end(ret == -EINTR);
    write_left((void __user *)timeout, expires, 1);
    return ret == -EINTR ? -ERESTARTNOHAND : ret;
}

/* ---- select ---- */

#define SETS 3              /* to read, to write, exceptional */
#define SET_WORDS_MAX 16384 /* 2^20 descriptors */

static const u32 set_events[SETS] = {
    POLLRDNORM | POLLRDBAND | POLLIN | POLLHUP | POLLERR | POLLNVAL,
    POLLWRBAND | POLLWRNORM | POLLOUT | POLLERR | POLLNVAL,
    POLLPRI | POLLNVAL,
};

struct select {
    int n, words;
    u64 *in[SETS], *out[SETS]; /* words each, one allocation */
    void __user *user[SETS];
};

static bool in_set(const struct select *s, int set, int fd)
{
    return s->in[set][fd / 64] >> (fd % 64) & 1;
}

/* Number of answers of one descriptor, or -EBADF. */
static long ask_selected(struct select *s, int fd, struct poll_table *table)
{
    struct file *file;
    u32 ready;
    long n = 0;
    int set;

    if (!in_set(s, 0, fd) && !in_set(s, 1, fd) && !in_set(s, 2, fd))
        return 0;
    file = fget_any(fd);
    if (!file)
        return -EBADF;
    ready = file->fmode & FMODE_PATH ? POLLNVAL : ask_file(file, table);
    fput(file);
    for (set = 0; set < SETS; set++) {
        if (in_set(s, set, fd) && ready & set_events[set]) {
            s->out[set][fd / 64] |= 1ull << (fd % 64);
            n++;
        }
    }
    return n;
}

static long select_loop(struct select *s, u64 expires)
{
    struct poll_entry few[POLL_FEW];
    struct poll_table table;
    long ready = 0, n;
    int fd, err = 0;

    poll_start(&table, few);
    for (;;) {
        for (fd = 0; fd < s->n; fd++) {
            n = ask_selected(s, fd, !ready && expires && !err ? &table : NULL);
            if (n < 0) {
                poll_end(&table);
                return n;
            }
            ready += n;
        }
        if (ready || !expires || err)
            break;
        err = table.err ? table.err : poll_sleep(&table, expires);
        if (err == -EINTR || err == -ENOMEM)
            break;
    }
    poll_end(&table);
    return ready || err == -ETIMEDOUT ? ready : err;
}

static long select_sets(struct select *s, u64 expires)
{
    size_t bytes = (size_t)s->words * 8;
    long ready;
    int set;

    for (set = 0; set < SETS; set++)
        if (s->user[set] &&
            copy_from_user(s->in[set], s->user[set], (s->n + 7) / 8))
            return -EFAULT;
    ready = select_loop(s, expires);
    for (set = 0; ready >= 0 && set < SETS; set++)
        if (s->user[set] &&
            copy_to_user(s->user[set], s->out[set],
                         min(bytes, ALIGN_UP((size_t)s->n, 64) / 8)))
            ready = -EFAULT;
    return ready;
}

static long select_user(int n, void __user *r, void __user *w, void __user *e,
                        u64 expires)
{
    struct select s = {.user = {r, w, e}};
    u64 *space;
    long ready;
    int set, limit = files_size(current->files);

    if (n < 0)
        return -EINVAL;
    s.n = min(n, limit);
    s.words = (s.n + 63) / 64;
    space = kcalloc(2 * SETS * (s.words ? s.words : 1), 8, GFP_KERNEL);
    if (!space)
        return -ENOMEM;
    for (set = 0; set < SETS; set++) {
        s.in[set] = space + set * s.words;
        s.out[set] = space + (SETS + set) * s.words;
    }
    ready = select_sets(&s, expires);
    kfree(space);
    return ready;
}

long sys_select(int nfds, void __user *readfds, void __user *writefds,
                void __user *exceptfds, void __user *timeout)
{
    s64 tv[2]; /* struct timeval */
    u64 expires = FOREVER;
    long ret;

    if (timeout) {
        if (copy_from_user(tv, timeout, sizeof(tv)))
            return -EFAULT;
        if (tv[0] < 0 || tv[1] < 0)
            return -EINVAL;
        expires = tv[0] || tv[1]
                      ? expiry(tv[0] * NSEC_PER_SEC + tv[1] * NSEC_PER_USEC)
                      : 0;
    }
    ret = select_user(nfds, readfds, writefds, exceptfds, expires);
    write_left(timeout, expires, NSEC_PER_USEC);
    return ret == -EINTR ? -ERESTARTNOHAND : ret;
}

long sys_pselect6(int nfds, void __user *readfds, void __user *writefds,
                  void __user *exceptfds, const void __user *timeout,
                  const void __user *sigmask)
{
    struct {
        const sigset_t __user *mask;
        size_t size;
    } with = {NULL, 0};
    u64 expires;
    long ret;

    if (sigmask && copy_from_user(&with, sigmask, sizeof(with)))
        return -EFAULT;
    ret = read_timeout(timeout, &expires);
    if (!ret)
        ret = signal_set_user_mask(with.mask, with.size);
    if (ret)
        return ret;
    ret = select_user(nfds, readfds, writefds, exceptfds, expires);
    mask_end(ret == -EINTR);
    write_left((void __user *)timeout, expires, 1);
    return ret == -EINTR ? -ERESTARTNOHAND : ret;
}
