/*
 * mm/physmap.h - what the firmware says about physical memory, and the
 * allocator that serves until the page allocator is up.
 */
#pragma once

#include <mm/types.h>

enum phys_type { /* e820 numbers, ACPI 6.4 table 15.4 */
    PHYS_RAM = 1,
    PHYS_RESERVED = 2,
    PHYS_ACPI = 3,
    PHYS_NVS = 4,
    PHYS_BAD = 5,
};

struct phys_range {
    phys_addr_t start, end; /* bytes, [start, end) */
    enum phys_type type;
};

#define PHYS_RANGES_MAX 128

void physmap_add(phys_addr_t start, phys_addr_t end, enum phys_type type);
/* Keeps [start, end) from being allocated (image, initramfs, boot data). */
void physmap_reserve(phys_addr_t start, phys_addr_t end, const char *why);
/* Sorts, merges, resolves overlaps: the stricter type wins. */
void physmap_finish(void);

size_t physmap_ranges(const struct phys_range **ranges);
u64 physmap_ram_bytes(void);
phys_addr_t physmap_ram_end(void);
bool physmap_is_ram(phys_addr_t start, phys_addr_t end); /* any byte of it */
bool physmap_all_ram(phys_addr_t start, phys_addr_t end);
