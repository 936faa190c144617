/*
 * kernel/lib/string.h - memory and strings, as in C's <string.h>.
 */
#pragma once

#include <kernel/lib/types.h>

#ifdef PAGEWALK_KERNEL
void *memcpy(void *to, const void *from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *to, int byte, size_t n);
int memcmp(const void *a, const void *b, size_t n);
void *memchr(const void *mem, int byte, size_t n);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);
char *strstr(const char *s, const char *what);
#else
#include <string.h>
#endif

/* Copies what fits, always ends with NUL; bytes copied or -E2BIG if cut. */
ssize_t strscpy(char *to, const char *from, size_t size);
bool glob_match(const char *glob, const char *text); /* * and ? */

/* A number in base 10, 0x or 0; *end is the first character not used.
 * False: no digit, or out of range. */
bool parse_u64(const char *text, const char **end, u64 *value);
