/*
 * mm/uaccess.h - user memory from the kernel.
 *
 * Each access is checked against the user half and may fault; a fault that
 * cannot be satisfied comes back through the exception table.  Context: may
 * sleep (the page may have to be produced), and mmap_lock is not held; user
 * memory belongs to current.  The _nofault forms work anywhere.
 */
#pragma once

#include <mm/types.h>

/* Bytes not copied: 0 is success. */
size_t __must_check copy_from_user(void *to, const void __user *from, size_t n);
size_t __must_check copy_to_user(void __user *to, const void *from, size_t n);
size_t __must_check clear_user(void __user *to, size_t n);

/* The same without producing pages: what is not mapped is not copied. */
size_t __must_check copy_from_user_nofault(void *to, const void __user *from,
                                           size_t n);
size_t __must_check copy_to_user_nofault(void __user *to, const void *from,
                                         size_t n);

/* Length without the NUL, or -EFAULT; `size` if there was no NUL within. */
ssize_t __must_check strncpy_from_user(char *to, const char __user *from,
                                       size_t size);
ssize_t __must_check strnlen_user(const char __user *s, size_t max);

/* Whether the range lies in the lower half at all. */
static inline bool access_ok(const void __user *addr, size_t size)
{
    unsigned long start = (unsigned long)addr, end = start + size;

    return end >= start && (long)end >= 0;
}

/* In uaccess.asm. */
int get_user_1(const void __user *from, void *to);
int get_user_2(const void __user *from, void *to);
int get_user_4(const void __user *from, void *to);
int get_user_8(const void __user *from, void *to);
int get_user_4_words(const void __user *from, void *to); /* 32 bytes */
int put_user_1(u64 value, void __user *to);
int put_user_2(u64 value, void __user *to);
int put_user_4(u64 value, void __user *to);
int put_user_8(u64 value, void __user *to);

/* Scalars of 1, 2, 4, 8 bytes: 0 or -EFAULT.  var has the type of *ptr. */
#define get_user(var, ptr)                                                     \
    ({                                                                         \
        __typeof__(ptr) get_p_ = (ptr);                                        \
        __typeof__(*get_p_) get_v_;                                            \
        void *get_to_ = (void *)&get_v_; /* *ptr may be const */               \
        int get_err_ = sizeof(get_v_) == 1   ? get_user_1(get_p_, get_to_)     \
                       : sizeof(get_v_) == 2 ? get_user_2(get_p_, get_to_)     \
                       : sizeof(get_v_) == 4 ? get_user_4(get_p_, get_to_)     \
                                             : get_user_8(get_p_, get_to_);    \
        _Static_assert(sizeof(get_v_) <= 8, "a scalar");                       \
        if (!get_err_)                                                         \
            (var) = get_v_;                                                    \
        get_err_;                                                              \
    })
#define put_user(val, ptr)                                                     \
    ({                                                                         \
        __typeof__(ptr) put_p_ = (ptr);                                        \
        __typeof__(*put_p_) put_v_ = (val);                                    \
        _Static_assert(sizeof(put_v_) <= 8, "a scalar");                       \
        sizeof(put_v_) == 1   ? put_user_1((u64)put_v_, put_p_)                \
        : sizeof(put_v_) == 2 ? put_user_2((u64)put_v_, put_p_)                \
        : sizeof(put_v_) == 4 ? put_user_4((u64)put_v_, put_p_)                \
                              : put_user_8((u64)put_v_, put_p_);               \
    })

/*
 * Atomically: *at becomes `new` if it is *old.  0: done; 1: it is not, and
 * *old now says what it is; -EFAULT.
 */
int user_cmpxchg32(u32 __user *at, u32 *old, u32 new);

/* Kernel addresses that may be bad (tests, /dev/mem, dumps): 0 or -EFAULT. */
int copy_from_kernel_nofault(void *to, const void *from, size_t n);
int copy_to_kernel_nofault(void *to, const void *from, size_t n);

/* A load that may be of nothing mapped, and gives 0 then; one instruction
 * more than any load. */
static __always_inline u32 load_or_zero(const u32 *at)
{
    u32 val = 0;

#ifdef PAGEWALK_KERNEL
    __asm__("1: movl %1, %0\n"
            "2:\n"
            ".pushsection __ex_table, \"a\", @progbits\n"
            ".quad 1b, 2b\n"
            ".popsection"
            : "+r"(val)
            : "m"(*at));
#else
    val = *at;
#endif
    return val;
}

/* Where a fault at this instruction goes on; 0 if it is a bug. */
unsigned long exception_table_find(unsigned long rip);
