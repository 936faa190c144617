/*
 * kernel/task/vdso.h - the shared object that the kernel gives each program.
 */
#pragma once

struct mm_struct;

/* Puts it into a new address space.  Its address, 0: none. */
unsigned long vdso_install(struct mm_struct *mm);
void vdso_init(void); /* reads vdso= */
