/*
 * tests/kernel/exp/protection.c - what the CPU lets the kernel do with a page,
 * for every combination of bits; and the addresses in IDTR and GDTR.
 */
#include <tests/kernel/exp/exp.h>
#include <tests/kernel/exp/touch.h>

#include <kernel/core/irq.h>
#include <kernel/lib/string.h>
#include <kernel/task/task.h>
#include <kernel/uapi/errno.h>
#include <kernel/x86/cpu.h>
#include <kernel/x86/trap.h>
#include <mm/page.h>
#include <mm/tlb.h>
#include <mm/uaccess.h>
#include <mm/vma.h>
#include <mm/vmalloc.h>

#define CR0_WRITE_PROTECT BIT(16)
#define CR4_SMEP BIT(20)
#define CR4_SMAP BIT(21)
#define OPCODE_RET 0xc3
#define MAP_PRIVATE_ANONYMOUS 0x22
#define PROT_ALL 7

/* ---- 1.10 ---- */

struct cell {
    bool user, write, nx; /* bits of the entry */
    enum touch how;
    bool ac; /* EFLAGS.AC: SMAP's window is open */
};

/* SDM 3A 4.6.1 for supervisor mode: 0, or the error code of the fault. */
static u32 expected_error(const struct cell *c)
{
    bool smap = read_cr4() & CR4_SMAP, smep = read_cr4() & CR4_SMEP;
    u32 p = FAULT_PRESENT;

    switch (c->how) {
    case TOUCH_READ:
        return c->user && smap && !c->ac ? p : 0;
    case TOUCH_WRITE:
        if ((c->user && smap && !c->ac) || !c->write)
            return p | FAULT_WRITE;
        return 0;
    default:
        /* with pti=on the top entry of the user half says NX to the kernel */
        if ((c->user && smep) ||
            ((c->nx || pti_on) && (pte_supported_mask & PTE_NX)))
            return p | FAULT_EXEC;
        return 0;
    }
}

static void set_bits(struct pt_cursor *c, unsigned long va,
                     const struct cell *cell)
{
    u64 bits = c->slot->val & ~(PTE_USER | PTE_WRITE | PTE_NX);

    bits |= cell->user ? PTE_USER : 0;
    bits |= cell->write ? PTE_WRITE : 0;
    bits |= cell->nx ? PTE_NX & pte_supported_mask : 0;
    pt_set(c, (pte_t){bits});
    tlb_flush_local_page(va);
}

/* The broken variant writes with CR0.WP off. */
static struct touch_result try_cell(struct exp *e, struct pt_cursor *c,
                                    unsigned long va, const struct cell *cell)
{
    u64 flags = local_irq_save();
    u64 cr0 = read_cr0();
    struct touch_result r;

    set_bits(c, va, cell);
    if (e->broken)
        write_cr0(cr0 & ~CR0_WRITE_PROTECT);
    if (cell->ac)
        r = exp_touch_ac((void *)va, cell->how);
    else
        r = exp_touch((void *)va, cell->how);
    write_cr0(cr0);
    local_irq_restore(flags);
    return r;
}

static void print_cell(struct exp *e, const struct cell *c,
                       const struct touch_result *r, u32 expected)
{
    static const char *const how[] = {"read", "write", "exec"};

    exp_obs(e, "U=%d W=%d NX=%d AC=%d kernel_%s=%s%#x expected=%#x", c->user,
            c->write, c->nx, c->ac, how[c->how], r->faulted ? "#PF:" : "",
            r->error, expected);
}

static void run_cells(struct exp *e, struct pt_cursor *c, unsigned long va)
{
    unsigned int acs = read_cr4() & CR4_SMAP ? 2 : 1;
    size_t right = 0, all = 0;
    unsigned int bits;
    int how;

    for (bits = 0; bits < 8 * acs; bits++) {
        for (how = TOUCH_READ; how <= TOUCH_EXEC; how++) {
            struct cell cell = {bits & 1, bits & 2, bits & 4, how, bits & 8};
            u32 expected = expected_error(&cell);
            struct touch_result r = try_cell(e, c, va, &cell);
            bool ok = r.faulted == (expected != 0) && r.error == expected;

            all++;
            right += ok;
            if (!ok)
                print_cell(e, &cell, &r, expected);
        }
    }
    exp_obs(e, "kernel_cells=%zu as_expected=%zu wp=%d smep=%d smap=%d nx=%d",
            all, right, !!(read_cr0() & CR0_WRITE_PROTECT),
            !!(read_cr4() & CR4_SMEP), !!(read_cr4() & CR4_SMAP),
            !!(pte_supported_mask & PTE_NX));
    exp_check(e, right == all, "%zu of %zu cells differ from the manual",
              all - right, all);
}

static void run_matrix(struct exp *e)
{
    struct mmap_request req = {.len = PAGE_SIZE,
                               .prot = PROT_ALL,
                               .flags = MAP_PRIVATE_ANONYMOUS,
                               .vm_flags_may =
                                   VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC};
    long va = do_mmap(current->mm, &req);
    u8 ret = OPCODE_RET;
    struct pt_cursor c;

    if (!exp_check(e, va > 0, "no memory"))
        return;
    if (exp_check(e, !copy_to_user((u8 __user *)va, &ret, 1), "no page")) {
        pte_t before;

        pt_start(&c, current->mm->root, va, va + PAGE_SIZE);
        if (exp_check(e, c.slot && c.level == 0, "no entry of 4 KiB")) {
            before = *c.slot;
            exp_watch_start();
            run_cells(e, &c, va);
            exp_watch_stop();
            pt_set(&c, before);
            tlb_flush_local_page(va);
        }
    }
    do_munmap(current->mm, va, PAGE_SIZE);
    exp_answer(e, "as the manual says, in every cell");
}

EXPERIMENT(matrix) = {
    .id = "1.10",
    .question = "what may the kernel do with a page, for every combination of "
                "bits?",
    .claim = "WP, SMEP, SMAP and NX bind the kernel as well",
    .broken = "the kernel writes with CR0.WP off",
    .run = run_matrix,
};

/* ---- 0.15 ---- */

struct table_register { /* SDM 3A 2.4: what SIDT and LIDT use */
    u16 limit;
    u64 base;
} __packed;

#define GATE_SIZE 16
#define GATE_TYPE_BYTE 5
#define GATE_PRESENT 0x80

static volatile int breakpoints, absent;

static bool on_breakpoint(struct pt_regs *regs, unsigned int vector)
{
    breakpoints++;
    return true;
}

/* An absent gate: #NP at the INT3 itself, a byte long. */
static bool on_not_present(struct pt_regs *regs, unsigned int vector)
{
    absent++;
    regs->rip++;
    return true;
}

/* INT3 through the IDT at `idt`. */
static void breakpoint_through(void *idt, u16 limit)
{
    struct table_register own = {.limit = limit, .base = (u64)idt}, old;
    vector_handler_t *bp = vector_handlers[TRAP_BP];
    vector_handler_t *np = vector_handlers[TRAP_NP];
    u64 flags = local_irq_save();

    vector_handlers[TRAP_BP] = on_breakpoint;
    vector_handlers[TRAP_NP] = on_not_present;
    breakpoints = 0;
    absent = 0;
    __asm__ volatile("sidt %0" : "=m"(old));
    __asm__ volatile("lidt %0" : : "m"(own));
    __asm__ volatile("int3" ::: "memory");
    __asm__ volatile("lidt %0" : : "m"(old));
    vector_handlers[TRAP_BP] = bp;
    vector_handlers[TRAP_NP] = np;
    local_irq_restore(flags);
}

static void run_descriptor_tables(struct exp *e)
{
    struct table_register idtr, gdtr;
    struct pt_walk walk;
    u8 *copy = vmalloc(PAGE_SIZE);

    if (!exp_check(e, copy != NULL, "no memory"))
        return;
    __asm__ volatile("sidt %0" : "=m"(idtr));
    __asm__ volatile("sgdt %0" : "=m"(gdtr));
    exp_walk((void *)gdtr.base, &walk);
    exp_obs(e, "gdtr=%#llx phys=%pa", (unsigned long long)gdtr.base,
            &walk.phys);
    exp_check(e, walk.leaf_level >= 0 && walk.phys != gdtr.base,
              "GDTR holds a physical address");
    exp_walk((void *)idtr.base, &walk);
    exp_obs(e, "idtr=%#llx phys=%pa writable=%d", (unsigned long long)idtr.base,
            &walk.phys, walk.write);
    exp_check(e, walk.leaf_level >= 0 && walk.phys != idtr.base,
              "IDTR holds a physical address");
    exp_check(e, !walk.write, "the IDT is mapped writable");

    memcpy(copy, (void *)idtr.base, idtr.limit + 1);
    if (e->broken)
        copy[TRAP_BP * GATE_SIZE + GATE_TYPE_BYTE] &= ~GATE_PRESENT;
    exp_walk(copy, &walk);
    breakpoint_through(copy, idtr.limit);
    exp_obs(e, "copy=%p phys=%pa int3_handled=%d not_present=%d", copy,
            &walk.phys, breakpoints, absent);
    exp_check(e, breakpoints == 1, "int3 did not come through the copy");
    vfree(copy);
    exp_answer(e, "false: virtual; an IDT in the vmalloc area serves int3");
}

EXPERIMENT(descriptor_tables) = {
    .id = "0.15",
    .question = "are the bases of GDT and IDT physical addresses?",
    .claim = "no: the CPU translates them like any other address",
    .broken = "the copy's gate for int3 is not present",
    .run = run_descriptor_tables,
};
