/*
 * mm/what.h - what an address is: its region, who holds it, its translation.
 */
#pragma once

#include <mm/pgtable.h>

struct printer;

/* Name of the region of the address map that va lies in; never NULL. */
const char *what_region(unsigned long va);

/* Some lines: region, area or page behind it, the walk.  `root`: the table to
 * look in (current's, or master_table). */
void what_print(pte_t *root, unsigned long va, struct printer *out);
