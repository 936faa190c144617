/*
 * mm/gup.h - holding pages of user memory, for drivers and for reaching into
 * another process.
 */
#pragma once

#include <mm/vma.h>

#define FOLL_WRITE BIT(0) /* private pages are made the process's own first */
#define FOLL_FORCE BIT(1) /* as a debugger: ignores missing permissions */

/*
 * References to the pages behind [start, start + n pages), which are faulted
 * in as an access would.  Locks: mmap_lock held at least for reading.
 * Returns: how many (short at the first that cannot be had), or -EFAULT,
 * -ENOMEM if that is the first.
 */
long get_user_pages(struct mm_struct *mm, unsigned long start, size_t n,
                    u32 flags, struct page **pages);

/*
 * Copies between kernel memory and another process's (ptrace, /proc/PID/mem,
 * cmdline).  Takes mmap_lock.  Returns bytes copied, 0 if none can be.
 */
size_t access_process_vm(struct mm_struct *mm, unsigned long addr, void *buf,
                         size_t len, u32 flags);
