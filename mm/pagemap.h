/*
 * mm/pagemap.h - /proc/PID/pagemap: eight bytes a page, Linux's bits.
 */
#pragma once

#include <mm/mm.h>

/*
 * Entries of n pages from addr on into `entries`.  show_frames: the reader
 * may know frame numbers; else they read as 0.  Takes mmap_lock.
 */
void pagemap_read(struct mm_struct *mm, unsigned long addr, size_t n,
                  bool show_frames, u64 *entries);
