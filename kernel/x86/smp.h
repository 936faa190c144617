/*
 * kernel/x86/smp.h - waking a CPU that has never run.
 *
 * SDM 3A 8.4.4: INIT, then a start-up IPI that names a page below 1 MiB.
 * boot/ap_entry.asm is what runs there.
 */
#pragma once

#include <kernel/lib/types.h>

#define AP_TRAMPOLINE 0x8000 /* physical; free RAM on every PC */
#define AP_TRAMPOLINE_SIZE 0x1000

struct ap_parameters {
    u64 cr4;         /* PAE, LA57 */
    u64 boot_root;   /* below 4 GiB; has the page at its own address */
    u64 kernel_root; /* loaded first thing in the kernel's half */
    u64 stack;       /* top */
    u64 argument;    /* for ap_main */
    u64 entry;       /* ap_high */
    u64 real_cs;     /* out: CS in real mode, the page's address >> 4 */
};

/* page: where AP_TRAMPOLINE can be written. */
void ap_trampoline_fill(void *page, const struct ap_parameters *parameters);
u64 ap_trampoline_real_cs(const void *page);

/* INIT and start-up IPIs; `arrived` says whether the CPU has come, `wait`
 * lets a number of microseconds pass.  Returns whether it came. */
bool ap_kick(u32 apic_id, bool (*arrived)(void), void (*wait)(u64 us));

/* What C sees first on the new CPU: its own stack, interrupts off, the
 * boot page's GDT.  Defined by kernel/task/cpu_up.c. */
void ap_main(void *argument) __attribute__((noreturn));
