/*
 * boot/trace.c - the stages of start-up, and their names for people.
 */
#include <boot/trace.h>

struct boot_trace boot_trace;

static const char *const stage_names[NR_BOOT_STAGES] = {
    [BOOT_STAGE_ENTRY] = "entry",
    [BOOT_STAGE_COMPAT] = "compat",
    [BOOT_STAGE_LONG] = "identity",
    [BOOT_STAGE_HIGH] = "high",
};

const char *boot_stage_name(enum boot_stage_id stage)
{
    return stage_names[stage];
}
