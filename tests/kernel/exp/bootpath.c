/*
 * tests/kernel/exp/bootpath.c - addresses on the way into the kernel: what
 * start-up code noted about the first CPU at each stage.
 */
#include <tests/kernel/exp/exp.h>
#include <tests/kernel/exp/touch.h>

#include <boot/trace.h>
#include <kernel/core/percpu.h>
#include <kernel/core/xcall.h>
#include <kernel/x86/cpu.h>
#include <kernel/x86/smp.h>
#include <mm/io.h>
#include <mm/layout.h>
#include <mm/physmap.h>
#include <mm/pgtable.h>

#define CR0_PE BIT(0)
#define CR0_PG BIT(31)
#define EFER_LMA BIT(10)

static void check_stage(struct exp *e, enum boot_stage_id id, phys_addr_t phys)
{
    const struct boot_stage *s = &boot_trace.stages[id];
    bool paging = s->cr0 & CR0_PG;

    if (!s->cr0)
        return; /* this way of booting does not pass it */
    exp_obs(e,
            "stage=%s PE=%d PG=%d LMA=%d cr3=%#llx cr4=%#llx addr=%#llx "
            "phys=%pa seen=%#x",
            boot_stage_name(id), !!(s->cr0 & CR0_PE), paging,
            !!(s->efer & EFER_LMA), (unsigned long long)s->cr3,
            (unsigned long long)s->cr4, (unsigned long long)s->address, &phys,
            (u32)s->seen);
    exp_check(e, (u32)s->seen == BOOT_TRACE_MAGIC, "%s: other memory",
              boot_stage_name(id));
    if (!paging)
        exp_check(e, s->address == phys, "%s: translated without paging",
                  boot_stage_name(id));
    else
        exp_check(e, (s->cr3 & PTE_PFN_MASK) < physmap_ram_end(),
                  "%s: CR3 is no physical address", boot_stage_name(id));
}

/* What another CPU notes about itself, in its interrupt. */
struct present {
    u64 cr0, cr3, cr4, seen;
    const u64 *address;
};

static void note_present(void *arg)
{
    struct present *p = (struct present *)arg + smp_processor_id();

    p->cr0 = read_cr0();
    p->cr3 = read_cr3();
    p->cr4 = read_cr4();
    p->seen = *p->address;
}

/* The others begin in real mode, where an address is segment << 4 + offset. */
static void check_others(struct exp *e, const u64 *logical)
{
    static struct present present[NR_CPUS_MAX];
    void *page = memremap(AP_TRAMPOLINE, AP_TRAMPOLINE_SIZE, MEMREMAP_RO);
    unsigned int cpu;
    u64 cs;

    if (nr_cpus_online == 1 || !page)
        goto out;
    cs = ap_trampoline_real_cs(page);
    exp_obs(e, "others: stage=real PE=0 PG=0 cs=%#llx addr=%#llx phys=%#x",
            (unsigned long long)cs, (unsigned long long)cs << 4, AP_TRAMPOLINE);
    exp_check(e, cs << 4 == AP_TRAMPOLINE,
              "real mode began at another address");
    for (cpu = 0; cpu < nr_cpus_online; cpu++)
        present[cpu] = (struct present){.address = logical};
    xcall(BIT(nr_cpus_online) - 1, note_present, present);
    for (cpu = 0; cpu < nr_cpus_online; cpu++) {
        struct present *p = &present[cpu];

        if (cpu == smp_processor_id())
            continue;
        exp_obs(e, "cpu%u now PE=%d PG=%d cr3=%#llx seen=%#x", cpu,
                !!(p->cr0 & CR0_PE), !!(p->cr0 & CR0_PG),
                (unsigned long long)p->cr3, (u32)p->seen);
        exp_check(e, (u32)p->seen == BOOT_TRACE_MAGIC && p->cr0 & CR0_PG,
                  "CPU %u sees other memory", cpu);
    }
out:
    memunmap(page);
}

static void run_boot(struct exp *e)
{
    phys_addr_t phys = __pa_symbol(&boot_trace.magic);
    const u64 *logical = __va(phys);
    struct touch_result r;
    int id;

    if (e->broken)
        logical++;
    for (id = 0; id < NR_BOOT_STAGES; id++)
        check_stage(e, id, phys);
    exp_check(e, !(boot_trace.stages[BOOT_STAGE_ENTRY].cr0 & CR0_PG),
              "paging was on from the start");
    exp_watch_start();
    r = exp_touch(logical, TOUCH_READ);
    exp_watch_stop();
    if (!exp_check(e, !r.faulted, "not in the direct map"))
        return;
    exp_obs(e, "now direct_map=%p image=%p seen=%#x cr3=%#llx", logical,
            &boot_trace.magic, (u32)*logical, (unsigned long long)read_cr3());
    exp_check(e, (u32)*logical == BOOT_TRACE_MAGIC,
              "the direct map shows other memory");
    check_others(e, logical);
    exp_answer(e, "without paging addresses are physical; then one frame has "
                  "three addresses");
}

EXPERIMENT(boot) = {
    .id = "0.13",
    .question = "does the CPU always emit virtual addresses?",
    .claim = "only once paging is on; what was written before is found at the "
             "same physical place afterwards",
    .broken = "the direct map is read 8 bytes further on",
    .run = run_boot,
};
