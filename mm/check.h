/*
 * mm/check.h - is an address space what it says it is?
 */
#pragma once

#include <kernel/lib/printer.h>
#include <mm/mm.h>

/*
 * Recounts VMAs, entries, tables and charges of mm, and looks at every entry:
 * it lies in a VMA, allows no more than that, and its page has the counts.
 * A line per finding; returns their number.  Takes mmap_lock; slow.
 */
size_t mm_check(struct mm_struct *mm, struct printer *out);

/* Debug builds, when the last task leaves mm: stops the kernel at a finding. */
void mm_check_at_exit(struct mm_struct *mm);
