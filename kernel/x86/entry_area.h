/*
 * kernel/x86/entry_area.h - what the CPU itself touches on the way into the
 * kernel: IDT, GDT, TSS and the exception stacks, on pages of their own.
 *
 * With pti=on the table that ring 3 runs on holds these pages, the entry text
 * and nothing else of the kernel.  Each CPU has one `struct entry_store`, plain
 * memory without holes, and a window at CPU_ENTRY_AREA_BASE in which the same
 * pages stand apart, with unmapped guard pages between stacks:
 *
 *   CPU_ENTRY_AREA_BASE            IDT, shared by all CPUs, read-only
 *   + PAGE (1 + 16 * cpu)          window of that CPU, 16 pages:
 *        0 GDT and TSS   r-        1 guard
 *        2 entry stack   rw        3 guard
 *        4-5 #DF, #MC    rw        6 guard
 *        7-8 NMI         rw        9 guard
 *       10-11 #DB        rw       12 guard
 *       13 SYSCALL's code r-x, with pti=on; 14-15 guard
 *
 * Until mm has mapped the windows and called entry_area_use(), a CPU runs on
 * the store's own addresses, where no guard separates the stacks.
 */
#pragma once

#include <kernel/lib/types.h>
#include <kernel/x86/cpu.h>
#include <kernel/x86/percpu.h>
#include <kernel/x86/segments.h>

#define ENTRY_PAGE 4096
#define ENTRY_WINDOW_PAGES 16
#define ENTRY_STACK_PAGE 2 /* in the window */
#define ENTRY_CODE_PAGE 13
#define IST_STACK_SIZE (2 * ENTRY_PAGE)

enum ist { IST_FATAL, IST_NMI, IST_DEBUG, NR_IST }; /* TSS.ist[] index */

/* SDM 3A 8.7, 64-bit TSS. */
struct tss {
    u32 reserved0;
    u64 rsp0, rsp1, rsp2; /* rsp0: stack of an entry from ring 3 */
    u64 reserved1;
    u64 ist[7];
    u64 reserved2;
    u16 reserved3;
    u16 io_bitmap; /* offset; beyond the limit: every port refused */
} __packed;

struct entry_store {
    union {
        u8 page[ENTRY_PAGE];
        struct {
            u64 gdt[GDT_BYTES / 8];
            struct tss tss;
            struct tss unused; /* pti=on: where RSP0 of tasks goes */
        };
    } tables;
    u8 entry_stack[ENTRY_PAGE]; /* pti=on: of entries from ring 3 */
    u8 ist_stack[NR_IST][IST_STACK_SIZE];
} __aligned(ENTRY_PAGE);

/* One row per run of pages that a CPU's window shows. */
struct entry_window_row {
    u16 store_page;  /* first page inside struct entry_store */
    u16 window_page; /* first page inside the window */
    u16 pages;
    bool writable;
};
#define ENTRY_WINDOW_ROWS (2 + NR_IST)
extern const struct entry_window_row entry_window_rows[ENTRY_WINDOW_ROWS];

extern struct entry_store boot_entry_store; /* the boot CPU's */
extern u8 idt_page[ENTRY_PAGE];
extern char syscall_page[]; /* what the window shows at ENTRY_CODE_PAGE */

static inline unsigned long entry_window(unsigned long base, unsigned int cpu)
{
    return base + ENTRY_PAGE * (1 + (unsigned long)ENTRY_WINDOW_PAGES * cpu);
}

/*
 * Makes the running CPU load its tables from `idt` and `window`, where the
 * IDT page and the rows above have been mapped.
 * Context: interrupts off.
 */
void entry_area_use(struct entry_store *store, unsigned long idt,
                    unsigned long window);

/*
 * With pti=on, after entry_area_use: entries of ring 3 go through the window.
 * The boot CPU's call patches the entry code.  Context: interrupts off.
 */
void entry_area_hide(struct entry_store *store, unsigned long window);

/* What CR3 becomes on the way to ring 3 (pti=on); bit 63 keeps what the TLB
 * has under its PCID.  _keep is with that bit, where there are PCIDs. */
DECLARE_PER_CPU(u64, user_cr3);
DECLARE_PER_CPU(u64, user_cr3_keep);

/* Fills a store and loads it on this CPU at its own address.  percpu: what
 * GS.base is on this CPU while in the kernel. */
void entry_store_load(struct entry_store *store, u64 percpu);
