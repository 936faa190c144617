/*
 * mm/physmap.h - what the firmware says about physical memory, and the
 * allocator that serves until the page allocator is up.
 */
#pragma once

#include <mm/gfp.h>

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

/* Frames [start, end). */
struct pfn_run {
    pfn_t start, end;
};

void physmap_add(phys_addr_t start, phys_addr_t end, enum phys_type type);
/* Keeps [start, end) from being allocated (image, initramfs, boot data). */
void physmap_reserve(phys_addr_t start, phys_addr_t end, const char *why);
/* The same, charged to `owner` in the ledger. */
void physmap_reserve_as(phys_addr_t start, phys_addr_t end,
                        enum page_owner owner, const char *why);
/* Forgets reservations of the frames wholly inside [start, end). */
void physmap_unreserve(phys_addr_t start, phys_addr_t end);
/* Sorts, merges, resolves overlaps: the stricter type wins. */
void physmap_finish(void);

/*
 * Memory for what exists before the page allocator: zeroed by nobody, below
 * 4 GiB, reserved for ever.  Returns 0 if there is none.
 */
phys_addr_t physmap_alloc(size_t size, size_t align, enum page_owner owner);

size_t physmap_ranges(const struct phys_range **ranges);
u64 physmap_ram_bytes(void);
u64 physmap_ram_pages(void); /* whole frames of RAM */
phys_addr_t physmap_ram_end(void);
bool physmap_is_ram(phys_addr_t start, phys_addr_t end); /* any byte of it */
bool physmap_all_ram(phys_addr_t start, phys_addr_t end);

/* First run of whole RAM frames at or after `from`; false: no more.  The
 * second leaves reserved frames out. */
bool physmap_ram_run(pfn_t from, struct pfn_run *run);
bool physmap_free_run(pfn_t from, struct pfn_run *run);

/* Who holds the frames from pfn up to run->end; OWNER_FREE if nobody. */
enum page_owner physmap_owner_run(pfn_t pfn, struct pfn_run *run);
/* Reservation number `i` in ascending order; false past the last. */
bool physmap_reservation(size_t i, struct pfn_run *run, enum page_owner *owner,
                         const char **why);
