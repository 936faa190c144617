/*
 * boot/trace.c - the stages of start-up, as far as C notes and names them.
 */
#include <boot/trace.h>
#include <kernel/x86/cpu.h>

#define MSR_EFER 0xc0000080

struct boot_trace boot_trace;

static const char *const stage_names[NR_BOOT_STAGES] = {
    [BOOT_STAGE_ENTRY] = "entry",   [BOOT_STAGE_COMPAT] = "compat",
    [BOOT_STAGE_LONG] = "identity", [BOOT_STAGE_HIGH] = "high",
    [BOOT_STAGE_MASTER] = "master",
};

const char *boot_stage_name(enum boot_stage_id stage)
{
    return stage_names[stage];
}

void boot_trace_note(enum boot_stage_id stage, const volatile u64 *address)
{
    boot_trace.stages[stage] = (struct boot_stage){
        .cr0 = read_cr0(),
        .cr3 = read_cr3(),
        .cr4 = read_cr4(),
        .efer = rdmsr(MSR_EFER),
        .address = (u64)address,
        .seen = *address,
    };
}
