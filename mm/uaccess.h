/*
 * mm/uaccess.h - user memory from the kernel.
 *
 * Each access is checked against the user half and may fault; a fault that
 * cannot be satisfied comes back through the exception table.  Context: may
 * sleep (the page may have to be produced); user memory belongs to current.
 */
#pragma once

#include <mm/types.h>

/* Bytes not copied: 0 is success. */
size_t __must_check copy_from_user(void *to, const void __user *from, size_t n);
size_t __must_check copy_to_user(void __user *to, const void *from, size_t n);
size_t __must_check clear_user(void __user *to, size_t n);

/* Length without the NUL, or -EFAULT; `size` if there was no NUL within. */
ssize_t __must_check strncpy_from_user(char *to, const char __user *from,
                                       size_t size);
ssize_t __must_check strnlen_user(const char __user *s, size_t max);

bool access_ok(const void __user *addr, size_t size);

/* Scalars of 1, 2, 4, 8 bytes: 0 or -EFAULT. */
#define get_user(var, ptr)                                                     \
    (copy_from_user(&(var), (ptr), sizeof(*(ptr))) ? -14 : 0)
#define put_user(val, ptr)                                                     \
    ({                                                                         \
        __typeof__(*(ptr)) put_v_ = (val);                                     \
        copy_to_user((ptr), &put_v_, sizeof(put_v_)) ? -14 : 0;                \
    })

/* Kernel addresses that may be bad (tests, /dev/mem, dumps): 0 or -EFAULT. */
int copy_from_kernel_nofault(void *to, const void *from, size_t n);
int copy_to_kernel_nofault(void *to, const void *from, size_t n);

/* Where a fault at this instruction goes on; 0 if it is a bug. */
unsigned long exception_table_find(unsigned long rip);
