/*
 * mm/init.h - the kernel's own memory: its steps in kmain's list.
 */
#pragma once

#include <mm/types.h>

/* After bootinfo_init and cmdline_init, on the loader's tables.  Afterwards
 * the master table is loaded and every allocator works. */
void memory_init(void);

/* Gives back start-up code, and the self-tests if nobody asked for them.
 * Nothing of __init may be called any more. */
void memory_free_init(void);

/* Lets __va() be used on a reserved range of RAM whose section is not online
 * (the loader puts the initramfs anywhere).  Returns 0 or -ENOMEM. */
int memory_open_reserved(phys_addr_t start, phys_addr_t end);

/* Gives back whole frames of a reserved range: the initramfs, while its
 * contents are being copied out. */
void memory_free_reserved(phys_addr_t start, phys_addr_t end);

/* Maps the running CPU's window in the CPU entry area and makes the CPU use
 * it (kernel/x86/entry_area.h).  Context: interrupts off. */
struct entry_store;
void entry_area_map(struct entry_store *store, unsigned int cpu);
