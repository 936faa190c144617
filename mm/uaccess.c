/*
 * mm/uaccess.c - the C side of uaccess.asm: strings, copies that must not
 * fault, and the exception table.
 *
 * The table is made by the linker from what stands beside each instruction
 * that may fault.  It is searched only when an access has failed for good, so
 * it is not sorted.
 */
#include <kernel/core/percpu.h>
#include <mm/uaccess.h>

struct exception_entry {
    unsigned long insn, fixup;
};
extern const struct exception_entry __start___ex_table[], __stop___ex_table[];

unsigned long exception_table_find(unsigned long rip)
{
    const struct exception_entry *e;

    for (e = __start___ex_table; e < __stop___ex_table; e++)
        if (e->insn == rip)
            return e->fixup;
    return 0;
}

ssize_t user_string(char *to, const char __user *from, size_t n);
int copy_nofault(void *to, const void *from, size_t n);

ssize_t strncpy_from_user(char *to, const char __user *from, size_t size)
{
    return user_string(to, from, size);
}

ssize_t strnlen_user(const char __user *s, size_t max)
{
    return user_string(NULL, s, max);
}

/* In atomic context handle_mm_fault() refuses, and the copy comes back. */
size_t copy_from_user_nofault(void *to, const void __user *from, size_t n)
{
    size_t left;

    this_cpu_inc(atomic_depth);
    left = copy_from_user(to, from, n);
    this_cpu_dec(atomic_depth);
    return left;
}

size_t copy_to_user_nofault(void __user *to, const void *from, size_t n)
{
    size_t left;

    this_cpu_inc(atomic_depth);
    left = copy_to_user(to, from, n);
    this_cpu_dec(atomic_depth);
    return left;
}

int copy_from_kernel_nofault(void *to, const void *from, size_t n)
{
    return copy_nofault(to, from, n);
}

int copy_to_kernel_nofault(void *to, const void *from, size_t n)
{
    return copy_nofault(to, from, n);
}
