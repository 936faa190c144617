/*
 * kernel/sys/sys_process_vm.c - from one process's memory to another's,
 * process_vm_readv(2).
 *
 * The other side's pages are held (mm/gup.h) some at a time, as if it had
 * touched them itself; then they are copied to or from current's own pieces,
 * which may fault: no lock is held meanwhile.
 *
 * Cost       one copy; a look-up per page.
 * Errors     what was moved counts; an error is told only if nothing was.
 */
#include <kernel/sys/vector.h>
#include <kernel/task/task.h>
#include <kernel/uapi/errno.h>
#include <mm/gup.h>
#include <mm/kmap.h>
#include <mm/mm.h>
#include <mm/uaccess.h>

#include <syscalls_gen.h>

#define PAGES_AT_ONCE 16

struct transfer {
    struct mm_struct *mm; /* the other side's */
    u32 flags;            /* FOLL_WRITE: to it */
    const struct iovec *local;
    size_t offset; /* into *local */
    size_t left;   /* bytes of all local pieces */
};

/* Moves up to n bytes at `there`: bytes, fewer only at a fault or when there
 * is no more room. */
static size_t move_bytes(struct transfer *t, char *there, size_t n)
{
    size_t done = 0, part, missing = 0;

    while (done < n && t->left && !missing) {
        char __user *here = (char __user *)t->local->iov_base + t->offset;

        part = min(n - done, t->local->iov_len - t->offset);
        missing = t->flags & FOLL_WRITE
                      ? copy_from_user(there + done, here, part)
                      : copy_to_user(here, there + done, part);
        part -= missing;
        done += part;
        t->left -= part;
        t->offset += part;
        if (t->offset == t->local->iov_len) {
            t->local++;
            t->offset = 0;
        }
    }
    return done;
}

/* What the pages hold from `addr`, on to `end`: 0, -EFAULT. */
static int move_pages(struct transfer *t, struct page **pages, long npages,
                      unsigned long addr, unsigned long end)
{
    int err = 0;

    for (long i = 0; i < npages; i++) {
        size_t offset = addr & ~PAGE_MASK;
        size_t n = min(PAGE_SIZE - offset, end - addr);

        if (!err && t->left) {
            char *there = kmap(pages[i]);

            if (move_bytes(t, there + offset, n) < n && t->left)
                err = -EFAULT;
            kunmap(pages[i]);
        }
        put_page(pages[i]);
        addr += n;
    }
    return err;
}

static int move_piece(struct transfer *t, unsigned long addr, size_t len)
{
    unsigned long end = addr + len;
    struct page *pages[PAGES_AT_ONCE];
    int err = 0;

    while (!err && addr < end && t->left) {
        size_t want = (PAGE_ALIGN(end) - (addr & PAGE_MASK)) / PAGE_SIZE;
        long held;

        want = min(want, (size_t)PAGES_AT_ONCE);
        down_read(&t->mm->mmap_lock);
        held = get_user_pages(t->mm, addr, want, t->flags, pages);
        up_read(&t->mm->mmap_lock);
        if (held <= 0)
            return -EFAULT;
        err = move_pages(t, pages, held, addr, end);
        addr = (addr & PAGE_MASK) + held * PAGE_SIZE;
    }
    return err;
}

static long move_all(struct transfer *t, const struct vector *remote)
{
    size_t all = t->left;
    int err = 0;

    for (unsigned long i = 0; !err && t->left && i < remote->n; i++) {
        const struct iovec *iov = &remote->iov[i];

        if (!iov->iov_len)
            continue;
        if ((unsigned long)iov->iov_base < user_limit())
            err = move_piece(t, (unsigned long)iov->iov_base, iov->iov_len);
        else
            err = -EFAULT;
    }
    return t->left < all ? (long)(all - t->left) : err;
}

/* The memory of process `pid`, referenced, as ptrace(2) lets current have it:
 * 0, -ESRCH, -EPERM. */
static int process_mm(pid_t pid, struct mm_struct **mm)
{
    struct task_struct *task = task_find_get(pid);
    int err = -EPERM;

    if (!task)
        return -ESRCH;
    if (ptrace_may_access(task, PTRACE_MODE_REALCREDS)) {
        *mm = task_get_mm(task);
        err = *mm ? 0 : -ESRCH;
    }
    put_task(task);
    return err;
}

/* Not by the sum, which may be anything on the other side. */
static bool vector_is_empty(const struct vector *v)
{
    for (unsigned long i = 0; i < v->n; i++)
        if (v->iov[i].iov_len)
            return false;
    return true;
}

static size_t vector_bytes(const struct vector *v)
{
    size_t bytes = 0;

    for (unsigned long i = 0; i < v->n; i++)
        bytes += v->iov[i].iov_len;
    return bytes;
}

static long move_between(pid_t pid, const struct vector *local,
                         const struct vector *remote, u32 flags)
{
    struct transfer t = {
        .flags = flags, .local = local->iov, .left = vector_bytes(local)};
    long done;
    int err;

    if (vector_is_empty(remote))
        return 0;
    err = process_mm(pid, &t.mm);
    if (err)
        return err;
    done = move_all(&t, remote);
    mm_put(t.mm);
    return done;
}

static long process_vm(pid_t pid, const void __user *ulocal,
                       unsigned long liovcnt, const void __user *uremote,
                       unsigned long riovcnt, u32 flags)
{
    struct vector local, remote;
    long done = vector_get(&local, ulocal, liovcnt);

    if (done)
        return done;
    if (!vector_is_empty(&local)) {
        done = vector_read(&remote, uremote, riovcnt);
        if (!done) {
            done = move_between(pid, &local, &remote, flags);
            vector_put(&remote);
        }
    }
    vector_put(&local);
    return done;
}

long sys_process_vm_readv(pid_t pid, const void __user *local,
                          unsigned long liovcnt, const void __user *remote,
                          unsigned long riovcnt, unsigned long flags)
{
    if (flags)
        return -EINVAL;
    return process_vm(pid, local, liovcnt, remote, riovcnt, 0);
}

long sys_process_vm_writev(pid_t pid, const void __user *local,
                           unsigned long liovcnt, const void __user *remote,
                           unsigned long riovcnt, unsigned long flags)
{
    if (flags)
        return -EINVAL;
    return process_vm(pid, local, liovcnt, remote, riovcnt, FOLL_WRITE);
}
