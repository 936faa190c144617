/*
 * kernel/sys/vector.c - the pieces of memory that a call names at once.
 *
 * A few lie in the caller's stack frame, more are allocated.
 */
#include <kernel/sys/vector.h>

#include <kernel/sys/rw.h>
#include <kernel/uapi/errno.h>
#include <mm/mm.h>
#include <mm/slab.h>
#include <mm/uaccess.h>

void vector_put(struct vector *v)
{
    if (v->iov != v->few)
        kfree(v->iov);
}

static int lengths_check(const struct vector *v)
{
    for (unsigned long i = 0; i < v->n; i++)
        if ((ssize_t)v->iov[i].iov_len < 0)
            return -EINVAL;
    return 0;
}

int vector_read(struct vector *v, const void __user *iov, unsigned long n)
{
    int err = -EFAULT;

    v->iov = v->few;
    v->n = n;
    if (n > UIO_MAXIOV)
        return -EINVAL;
    if (n > IOV_FEW)
        v->iov = kmalloc(n * sizeof(*v->iov), GFP_KERNEL);
    if (!v->iov)
        return -ENOMEM;
    if (!copy_from_user(v->iov, iov, n * sizeof(*v->iov)))
        err = lengths_check(v);
    if (err)
        vector_put(v);
    return err;
}

/* The count is an int to Linux, whatever the call says. */
int vector_get(struct vector *v, const void __user *from, unsigned int n)
{
    size_t left = RW_MAX;
    int err = vector_read(v, from, n);

    for (unsigned long i = 0; !err && i < n; i++) {
        struct iovec *iov = &v->iov[i];

        if (!user_range_ok((void __user *)iov->iov_base, iov->iov_len)) {
            vector_put(v);
            return -EFAULT;
        }
        iov->iov_len = min((size_t)iov->iov_len, left);
        left -= iov->iov_len;
    }
    return err;
}
