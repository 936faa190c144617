/*
 * tests/kernel/exp/bootpath.c - addresses on the way into the kernel: what
 * start-up code noted about the first CPU at each stage.
 */
#include <tests/kernel/exp/exp.h>
#include <tests/kernel/exp/touch.h>

#include <boot/trace.h>
#include <kernel/x86/cpu.h>
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
