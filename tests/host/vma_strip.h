/*
 * tests/host/vma_strip.h - a map as a strip, one character a page: made from
 * one, changed by calls that count in pages, and drawn again.
 *
 * '.' is free, and '|' stands between neighbours that look alike but are two
 * VMAs:
 *     a read-write   b read-only   c no access   x read-execute
 *     f a file, private, offset = page number    s the same, shared
 *     d a driver's that must not be merged       L locked
 *     A B C X F with private pages
 */
#pragma once

#include "shim.h"
#include "vma_shim.h"
#include <kernel/uapi/mman.h>

#define BASE 0x10000000ul
#define PAGES 24
#define AT(page) (BASE + (page)*PAGE_SIZE)

extern struct mm_struct mm;
extern struct file *const the_file;

/* What the kernel's calls of that kind answer. */
long map(int page, int n, char kind);
long unmap(int page, int n);
long protect(int page, int n, char kind);
long resize(int page, int n, int new_n);
long move(int page, int n, int new_n, int to);
long lock(int page, int n);

/* As a write to the page does. */
void touch(int page);

char kind_of(const struct vm_area_struct *vma);
void draw(char *strip); /* of 2 * PAGES + 1 bytes */
void set_up(const char *strip);

/* Each fails the test if something is not as it has to be. */
void check_tree(void);
void clear(void); /* unmaps everything: nothing is left, and all counts are 0 */
