/*
 * tests/kernel/probe.h - touching kernel addresses that may not be there.
 */
#pragma once

#include <mm/uaccess.h>

/* Whether a load of one byte is refused. */
static inline bool access_faults(const void *addr)
{
    u8 byte;

    return copy_from_kernel_nofault(&byte, addr, 1) != 0;
}

/* Whether a store of one byte is refused; stores what was there. */
static inline bool write_faults(void *addr)
{
    u8 byte;

    if (copy_from_kernel_nofault(&byte, addr, 1))
        return true;
    return copy_to_kernel_nofault(addr, &byte, 1) != 0;
}
