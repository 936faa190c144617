/*
 * boot/bootinfo.h - what the loader told us, whichever loader it was.
 *
 * boot/entry.asm hands over one of multiboot2's or PVH's structures; this is
 * the only place that knows them.  Everything is copied out of loader memory
 * before the page allocator may reuse it.
 */
#pragma once

#include <kernel/lib/types.h>
#include <mm/types.h>

struct bootinfo {
    const char *protocol; /* "multiboot2" or "PVH" */
    const char *firmware; /* "BIOS", "UEFI" or "none" */
    char loader[64];
    char cmdline[2048];
    phys_addr_t initrd_start, initrd_end; /* 0, 0: none */
    phys_addr_t rsdp; /* physical address of the RSDP, 0: search */
    u8 rsdp_copy[36]; /* multiboot2 gives a copy */
    bool has_rsdp_copy;
    bool vga_text; /* an 80x25 text screen at 0xb8000 */
    u64 entry_tsc; /* TSC at the kernel's first instruction */
};

extern struct bootinfo bootinfo;

/* Parses and records; ranges go to physmap_add.  Runs on the boot page
 * tables, where all of the first 4 GiB is mapped at its own address. */
void bootinfo_init(u32 magic, phys_addr_t info);
