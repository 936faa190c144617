/*
 * kernel/lib/format.h - printf into a buffer.
 *
 * d i u x X o c s p % with flags 0 - + # space, width, precision, and the
 * sizes hh h l ll z t j.  %pa: a phys_addr_t by pointer; %pS: a code address
 * as "name+0x12/0x40".  No floating point.
 * Returns the length that the whole text has, as C99's snprintf.
 */
#pragma once

#include <kernel/lib/types.h>

/* For %pS: writes what is known of the address, false if nothing is.  NULL
 * until the kernel's table of names is there. */
extern bool (*format_symbol)(u64 addr, char *buf, size_t size);

#ifdef PAGEWALK_KERNEL
int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap);
int snprintf(char *buf, size_t size, const char *fmt, ...) __printf(3, 4);
#else
#include <stdio.h>
#endif
/* Returns what was really written, without the NUL. */
int scnprintf(char *buf, size_t size, const char *fmt, ...) __printf(3, 4);
