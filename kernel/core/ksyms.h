/*
 * kernel/core/ksyms.h - names of the kernel's functions by address.
 *
 * The table is made from the linked kernel by ksyms_gen.py and linked in by a
 * second pass.
 */
#pragma once

#include <kernel/lib/types.h>

#define KSYM_NAME_MAX 64

/*
 * Writes the function that holds `addr` to `name` (KSYM_NAME_MAX bytes).
 * Returns whether there is one; *offset and *size (either may be NULL): how
 * far into it, and its length up to the next function.
 * Context: any, takes no lock.  Cost: O(log functions).
 */
bool ksym_lookup(unsigned long addr, char *name, unsigned long *offset,
                 unsigned long *size);

void ksyms_init(void); /* from here on %pS knows names */

/* Is addr in the kernel's code? */
bool kernel_text_address(unsigned long addr);
