/*
 * boot/trace.h - how addressing changed on the way into the kernel.
 *
 * boot/entry.asm writes a magic number to boot_trace.magic while paging is
 * off, then notes at each stage the control registers and what it reads
 * there, by the address that the stage uses.  Experiment 0.13 shows it.
 */
#pragma once

#include <kernel/lib/types.h>

enum boot_stage_id {
    BOOT_STAGE_ENTRY,  /* protected mode, paging off */
    BOOT_STAGE_COMPAT, /* paging and long mode on, code still 32-bit */
    BOOT_STAGE_LONG,   /* 64-bit code at its physical address */
    BOOT_STAGE_HIGH,   /* 64-bit code at KERNEL_BASE + physical */
    NR_BOOT_STAGES,
};

struct boot_stage {
    u64 cr0, cr3, cr4, efer;
    u64 address; /* by which the magic was read */
    u64 seen;    /* what was read there */
};

#define BOOT_TRACE_MAGIC 0x50616765 /* "Page" */

struct boot_trace {
    u64 magic; /* written with paging off */
    struct boot_stage stages[NR_BOOT_STAGES];
};

extern struct boot_trace boot_trace;

const char *boot_stage_name(enum boot_stage_id stage);
