/*
 * kernel/main.h - what entry.asm jumps to.
 */
#pragma once

#include <kernel/lib/types.h>

/* magic: multiboot2's or PVH's; info: physical address of the loader's
 * structure.  Interrupts off, boot page tables, GS.base 0, on the boot
 * stack. */
void kmain(u32 magic, u64 info, u64 entry_tsc) __noreturn;
