/*
 * kernel/sys/vector.h - the pieces of memory that a call names at once.
 */
#pragma once

#include <kernel/lib/types.h>
#include <linux/uio.h>

#define IOV_FEW 8

struct vector {
    struct iovec *iov;
    unsigned long n;
    struct iovec few[IOV_FEW];
};

/* Copied in: 0, -EINVAL (too many, a negative length), -EFAULT, -ENOMEM.
 * After 0 vector_put() follows. */
int vector_read(struct vector *v, const void __user *iov, unsigned long n);

/* The same for pieces that current itself reads or writes: each must be
 * memory that ring 3 can have (-EFAULT), all together are cut to RW_MAX. */
int vector_get(struct vector *v, const void __user *iov, unsigned int n);

void vector_put(struct vector *v);
