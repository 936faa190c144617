/*
 * kernel/lib/format.h - printf into a buffer.
 *
 * d i u x X o c s p % with flags 0 - + # space, width, precision, and the
 * sizes hh h l ll z t j.  %pa: a phys_addr_t by pointer.  No floating point.
 * Returns the length that the whole text has, as C99's snprintf.
 */
#pragma once

#include <kernel/lib/types.h>

#ifdef PAGEWALK_KERNEL
int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap);
int snprintf(char *buf, size_t size, const char *fmt, ...) __printf(3, 4);
#else
#include <stdio.h>
#endif
/* Returns what was really written, without the NUL. */
int scnprintf(char *buf, size_t size, const char *fmt, ...) __printf(3, 4);
