/*
 * tests/kernel/exp/helpers.c - what ring-3 experiments ask of the kernel:
 * "do NAME ARGS" of /proc/exp.
 */
#include <tests/kernel/exp/exp.h>

#include <kernel/core/irq.h>
#include <kernel/core/percpu.h>
#include <kernel/core/time.h>
#include <kernel/lib/string.h>
#include <kernel/sync/atomic.h>
#include <kernel/task/task.h>
#include <kernel/uapi/errno.h>
#include <kernel/x86/apic.h>
#include <kernel/x86/cpu.h>
#include <kernel/x86/entry_area.h>
#include <kernel/x86/trap.h>
#include <mm/layout.h>
#include <mm/mm.h>
#include <mm/page.h>
#include <mm/pgtable.h>
#include <mm/slab.h>
#include <mm/tlb.h>

/* ledger: pages in use */
static int help_ledger(const char *args, struct printer *out)
{
    struct page_ledger ledger;

    (void)args;
    slab_shrink();
    page_ledger_read(&ledger);
    printer_printf(
        out, "%llu\n",
        (unsigned long long)(ledger.total - ledger.pages[OWNER_FREE]));
    return 0;
}
EXP_HELPER(ledger, help_ledger);

static int parse_address(const char *args, const char **rest, u64 *va)
{
    return parse_u64(args, rest, va) ? 0 : -EINVAL;
}

/* pte ADDR: the entry of an address of the asking program's, in words */
static int help_pte(const char *args, struct printer *out)
{
    struct pt_walk walk;
    char words[80];
    u64 va;

    if (parse_address(args, &args, &va) < 0)
        return -EINVAL;
    pt_walk_address(current->mm->root, va, &walk);
    printer_printf(out, "%s\n", exp_entry_words(&walk, words, sizeof(words)));
    return 0;
}
EXP_HELPER(pte, help_pte);

/* where: CR3, this task's table, an address of kernel text and its frame */
static int help_where(const char *args, struct printer *out)
{
    struct pt_walk walk;

    (void)args;
    exp_walk(help_where, &walk);
    printer_printf(out, "cr3=%#llx table=%#llx text=%p text_pfn=%#llx\n",
                   (unsigned long long)(read_cr3() & PTE_PFN_MASK),
                   (unsigned long long)__pa(current->mm->root),
                   (void *)help_where, (unsigned long long)PFN_DOWN(walk.phys));
    return 0;
}
EXP_HELPER(where, help_where);

/* Bits that bits_change may set; everything else of an entry stays. */
#define CHANGEABLE (PTE_USER | PTE_WRITE | PTE_NX)

/* The 4-KiB entry of a present page of the asking program. */
static int change_entry(u64 va, u64 clear, u64 set)
{
    struct mm_struct *mm = current->mm;
    struct pt_cursor c;
    int err = -EFAULT;

    if (va >= TASK_SIZE)
        return -EINVAL;
    va &= PAGE_MASK;
    down_write(&mm->mmap_lock);
    spin_lock(&mm->page_table_lock);
    pt_start(&c, mm->root, va, va + PAGE_SIZE);
    if (c.slot && c.level == 0 && (c.slot->val & PTE_PRESENT)) {
        u64 bits = (c.slot->val & ~clear) | set;

        pt_set(&c, (pte_t){bits & pte_supported_mask});
        err = 0;
    }
    spin_unlock(&mm->page_table_lock);
    up_write(&mm->mmap_lock);
    if (!err)
        tlb_flush_range(mm, va, va + PAGE_SIZE);
    return err;
}

/* bits ADDR [u][w][x]: the entry gets exactly these rights */
static int help_bits(const char *args, struct printer *out)
{
    u64 va, set = PTE_NX;
    int err;

    if (parse_address(args, &args, &va) < 0)
        return -EINVAL;
    for (; *args; args++) {
        if (*args == 'u')
            set |= PTE_USER;
        else if (*args == 'w')
            set |= PTE_WRITE;
        else if (*args == 'x')
            set &= ~PTE_NX;
        else if (*args != ' ')
            return -EINVAL;
    }
    err = change_entry(va, CHANGEABLE, set);
    if (!err)
        printer_puts(out, "done\n");
    return err;
}
EXP_HELPER(bits, help_bits);

/* deaf 0|1: whether CPUs are not told of other CPUs' changes of mappings */
static int help_deaf(const char *args, struct printer *out)
{
    u64 deaf;

    if (!parse_u64(args, &args, &deaf) || deaf > 1)
        return -EINVAL;
    tlb_deaf = deaf;
    printer_puts(out, "done\n");
    return 0;
}
EXP_HELPER(deaf, help_deaf);

struct nmi_hits {
    u64 all, ring3, entry; /* (a) entry: ring 0 in the entry code */
};
static struct nmi_hits nmi_hits;

static bool in_entry_code(u64 rip)
{
    u64 area_end = entry_window(CPU_ENTRY_AREA_BASE, NR_CPUS_MAX);

    return (rip >= (u64)__entry_text_start && rip < (u64)__entry_text_end) ||
           (rip >= CPU_ENTRY_AREA_BASE && rip < area_end);
}

static bool count_nmi(struct pt_regs *regs, unsigned int vector)
{
    (void)vector;
    if (user_mode(regs))
        __atomic_fetch_add(&nmi_hits.ring3, 1, __ATOMIC_RELAXED);
    else if (in_entry_code(regs->rip))
        __atomic_fetch_add(&nmi_hits.entry, 1, __ATOMIC_RELAXED);
    __atomic_fetch_add(&nmi_hits.all, 1, __ATOMIC_RELAXED);
    return true;
}

static void send_nmi_to(unsigned int cpu)
{
    u64 flags = local_irq_save();

    lapic_send_nmi(cpu_apic_id[cpu]);
    local_irq_restore(flags);
}

static bool nmis_have_come(u64 n, u64 end)
{
    while (__atomic_load_n(&nmi_hits.all, __ATOMIC_RELAXED) < n &&
           ktime_get() < end)
        cpu_relax();
    return ktime_get() < end;
}

/* nmis N: N of them to the other CPUs in turn, each when the last has come;
 * how many came, and how many of them in ring 3 and in the entry code */
static int help_nmis(const char *args, struct printer *out)
{
    vector_handler_t *before = vector_handlers[TRAP_NMI];
    u64 n, sent = 0, end = ktime_get() + 10 * NSEC_PER_SEC;

    if (!parse_u64(args, &args, &n) || nr_cpus_online < 2)
        return -EINVAL;
    nmi_hits = (struct nmi_hits){0, 0, 0};
    WRITE_ONCE(vector_handlers[TRAP_NMI], count_nmi);
    while (sent < n && nmis_have_come(sent, end)) {
        unsigned int step = 1 + sent++ % (nr_cpus_online - 1);

        send_nmi_to((smp_processor_id() + step) % nr_cpus_online);
    }
    nmis_have_come(sent, end + NSEC_PER_SEC);
    WRITE_ONCE(vector_handlers[TRAP_NMI], before);
    printer_printf(out, "%llu %llu %llu\n", (unsigned long long)nmi_hits.all,
                   (unsigned long long)nmi_hits.ring3,
                   (unsigned long long)nmi_hits.entry);
    return 0;
}
EXP_HELPER(nmis, help_nmis);

/* segments: the descriptors behind the selectors of both rings */
static int help_segments(const char *args, struct printer *out)
{
    struct __packed {
        u16 limit;
        u64 base;
    } gdtr;
    u16 kernel_cs;
    size_t i;

    (void)args;
    __asm__ volatile("sgdt %0" : "=m"(gdtr));
    __asm__ volatile("mov %%cs, %0" : "=r"(kernel_cs));
    printer_printf(out, "kernel_cs=%#x", kernel_cs);
    for (i = 1; i < (gdtr.limit + 1u) / 8 && i < 8; i++) {
        u64 d = ((const u64 *)gdtr.base)[i];

        if (!(d & BIT(44))) /* a system descriptor takes two */
            break;
        printer_printf(
            out, " gdt[%zu]=base:%#llx,limit:%#llx,dpl:%llu", i,
            (unsigned long long)((d >> 16 & 0xffffff) | (d >> 56) << 24),
            (unsigned long long)((d & 0xffff) | (d >> 32 & 0xf0000)),
            (unsigned long long)(d >> 45 & 3));
    }
    printer_puts(out, "\n");
    return 0;
}
EXP_HELPER(segments, help_segments);
