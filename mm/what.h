/*
 * mm/what.h - what an address is: its region, who holds it, its translation.
 */
#pragma once

#include <mm/pgtable.h>

struct printer;

/* Name of the region of the address map that va lies in; never NULL. */
const char *what_region(unsigned long va);

/* A line each: region, the area or part of the image, the frame behind it.
 * `root`: the table to look in (current's, or master_table). */
void what_print(pte_t *root, unsigned long va, struct printer *out);
/* The walk, a level a line. */
void what_print_walk(pte_t *root, unsigned long va, struct printer *out);
