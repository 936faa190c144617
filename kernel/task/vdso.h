/*
 * kernel/task/vdso.h - functions and data that the kernel maps into programs.
 */
#pragma once

#include <kernel/lib/types.h>

struct mm_struct;

#define VDSO_SPAN 0x2000 /* bytes that both mappings take */

/* Copies the object out of start-up memory, shares the clock.  With vdso=0,
 * or without memory, programs get none. */
void vdso_init(void);

/* Maps [vvar] and [vdso] into a new program's memory, at `hint` or elsewhere;
 * *ehdr: what AT_SYSINFO_EHDR says, 0: none.  Returns 0 or -errno. */
int vdso_map(struct mm_struct *mm, u64 hint, u64 *ehdr);
