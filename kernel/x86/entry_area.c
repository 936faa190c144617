/*
 * kernel/x86/entry_area.c - GDT, TSS and the stacks of a CPU; see the header.
 *
 * A store is filled and loaded at its own address first.  When mm has mapped
 * the window, the same pages are loaded again by the window's addresses.  LTR
 * marks the descriptor busy, which is a write to the GDT: it is done while
 * GDTR still points to the writable pages.
 */
#include <kernel/x86/entry_area.h>
#include <kernel/x86/percpu.h>
#include <kernel/x86/trap.h>

/* SDM 3A 3.4.5; the accessed bit is set, so the CPU never writes it. */
#define DESC_KERNEL_CODE 0x00af9b000000ffffull
#define DESC_KERNEL_DATA 0x00cf93000000ffffull
#define DESC_USER_DATA 0x00cff3000000ffffull
#define DESC_USER_CODE 0x00affb000000ffffull
#define DESC_CPU_NUMBER 0x0040f10000000000ull /* read-only data, ring 3's */
#define DESC_TSS 0x0000890000000000ull /* present, available 64-bit TSS */

struct descriptor_register { /* operand of LGDT and LIDT */
    u16 limit;
    u64 base;
} __packed;

extern char hidden_syscall_entry[], hidden_sysret[]; /* syscall.asm */

struct entry_store boot_entry_store;
DEFINE_PER_CPU(u64, entry_stack_top);  /* in the window */
DEFINE_PER_CPU(u64, hidden_sysret_at); /* in the window */
DEFINE_PER_CPU(u64, user_cr3);
DEFINE_PER_CPU(u64, user_cr3_keep);
u8 idt_page[ENTRY_PAGE] __aligned(ENTRY_PAGE);

_Static_assert(sizeof(struct tss) == 104, "SDM 3A 8.7");
_Static_assert(sizeof(struct entry_store) ==
                   ENTRY_PAGE * 2 + NR_IST * IST_STACK_SIZE,
               "no holes");

#define IST_ROW(n)                                                             \
    {                                                                          \
        2 + 2 * (n), 4 + 3 * (n), 2, true                                      \
    }
const struct entry_window_row entry_window_rows[ENTRY_WINDOW_ROWS] = {
    {0, 0, 1, false}, /* GDT and TSS */
    {1, ENTRY_STACK_PAGE, 1, true},
    IST_ROW(IST_FATAL),
    IST_ROW(IST_NMI),
    IST_ROW(IST_DEBUG),
};

static void tss_descriptor(u64 *gdt, u64 base)
{
    gdt[TSS_SELECTOR / 8] = DESC_TSS | (sizeof(struct tss) - 1) |
                            (base & 0xffffff) << 16 | (base >> 24 & 0xff) << 56;
    gdt[TSS_SELECTOR / 8 + 1] = base >> 32;
}

static void load_gdt(u64 base)
{
    struct descriptor_register reg = {GDT_BYTES - 1, base};

    __asm__ volatile("lgdt %0" : : "m"(reg));
}

static void load_idt(u64 base)
{
    struct descriptor_register reg = {NR_VECTORS * 16 - 1, base};

    __asm__ volatile("lidt %0" : : "m"(reg));
}

/* CS by a far return; the data registers hold null, as ring 3's do. */
static void load_segments(void)
{
    __asm__ volatile("pushq %0\n\t"
                     "leaq 1f(%%rip), %%rax\n\t"
                     "pushq %%rax\n\t"
                     "lretq\n"
                     "1:\n\t"
                     "movl %1, %%eax\n\t"
                     "movl %%eax, %%ss\n\t"
                     "xorl %%eax, %%eax\n\t"
                     "movl %%eax, %%ds\n\t"
                     "movl %%eax, %%es\n\t"
                     "movl %%eax, %%fs\n\t"
                     "movl %%eax, %%gs"
                     :
                     : "i"(KERNEL_CS), "i"(KERNEL_DS)
                     : "rax", "memory");
}

/* The two words above each stack: the CPU's GS.base, for entries that cannot
 * know whether GS is the kernel's yet. */
static u64 *ist_top(struct entry_store *store, int ist)
{
    return (u64 *)(store->ist_stack[ist] + IST_STACK_SIZE) - 2;
}

static void fill_tss_stacks(struct entry_store *store, u64 base, bool window)
{
    for (int i = 0; i < NR_IST; i++) {
        const struct entry_window_row *row = &entry_window_rows[2 + i];
        unsigned int page = window ? row->window_page : row->store_page;

        store->tables.tss.ist[i] =
            base + page * ENTRY_PAGE + IST_STACK_SIZE - 2 * sizeof(u64);
    }
}

void entry_store_load(struct entry_store *store, u64 percpu)
{
    u64 *gdt = store->tables.gdt;

    gdt[KERNEL_CS / 8] = DESC_KERNEL_CODE;
    gdt[KERNEL_DS / 8] = DESC_KERNEL_DATA;
    gdt[USER_DS / 8] = DESC_USER_DATA;
    gdt[USER_CS / 8] = DESC_USER_CODE;
    store->tables.tss.io_bitmap = sizeof(struct tss);
    for (int i = 0; i < NR_IST; i++)
        *ist_top(store, i) = percpu;
    fill_tss_stacks(store, (u64)store, false);
    tss_descriptor(gdt, (u64)&store->tables.tss);
    load_gdt((u64)gdt);
    load_segments();
    wrmsr(MSR_GS_BASE, percpu); /* loading GS has cleared it */
    wrmsr(MSR_KERNEL_GS_BASE, 0);
    gdt[CPU_NUMBER_SELECTOR / 8] = DESC_CPU_NUMBER | this_cpu_read(cpu_number);
    __asm__ volatile("ltr %w0" : : "r"(TSS_SELECTOR));
    /* After a reset there is one, of 64 KiB at address 0: SDM 3A 10.1.1. */
    __asm__ volatile("lldt %w0" : : "r"(0));
    load_idt((u64)idt_page);
}

void entry_area_use(struct entry_store *store, unsigned long idt,
                    unsigned long window)
{
    fill_tss_stacks(store, window, true);
    tss_descriptor(store->tables.gdt,
                   window + offsetof(struct entry_store, tables.tss));
    load_gdt((u64)store->tables.gdt);
    __asm__ volatile("ltr %w0" : : "r"(TSS_SELECTOR));
    load_gdt(window);
    load_idt(idt);
}

static u64 in_window(unsigned long window, const char *code)
{
    return window + ENTRY_CODE_PAGE * ENTRY_PAGE + (code - syscall_page);
}

void entry_area_hide(struct entry_store *store, unsigned long window)
{
    u64 top = window + (ENTRY_STACK_PAGE + 1) * ENTRY_PAGE;

    if (this_cpu_read(cpu_number) == 0) {
        cpu_patch(PATCH_PTI);
        if (cpu_has(CPU_PCID))
            cpu_patch(PATCH_PTI_PCID);
    }
    store->tables.tss.rsp0 = top;
    store->tables.unused = store->tables.tss;
    this_cpu_write(entry_stack_top, top);
    this_cpu_write(hidden_sysret_at, in_window(window, hidden_sysret));
    wrmsr(MSR_LSTAR, in_window(window, hidden_syscall_entry));
}
