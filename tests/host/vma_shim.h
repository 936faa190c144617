/*
 * tests/host/vma_shim.h - the map of a process on the host: what mmap.c and
 * its neighbours call, without pages, tables and other CPUs.
 */
#pragma once

#include <mm/internal.h>

extern int shim_fail_at; /* the n-th allocation from now fails; 0: none */
extern int shim_vmas;    /* VMAs and families allocated and not freed */
extern int shim_file_refs, shim_opens, shim_closes;

void shim_mm_init(struct mm_struct *mm);
