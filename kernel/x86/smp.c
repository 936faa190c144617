/*
 * kernel/x86/smp.c - see the header.
 */
#include <kernel/lib/string.h>
#include <kernel/x86/apic.h>
#include <kernel/x86/smp.h>

#define INIT_WAIT_US 10
#define ARRIVAL_STEP_US 50
#define FIRST_TRY_STEPS 20  /* 1 ms, then the second start-up IPI */
#define ARRIVAL_STEPS 20000 /* 1 s */

extern char ap_start[], ap_end[], ap_parameters[]; /* boot/ap_entry.asm */

static struct ap_parameters *parameters_in(void *page)
{
    return (void *)((char *)page + (ap_parameters - ap_start));
}

void ap_trampoline_fill(void *page, const struct ap_parameters *parameters)
{
    memcpy(page, ap_start, ap_end - ap_start);
    *parameters_in(page) = *parameters;
}

u64 ap_trampoline_real_cs(const void *page)
{
    return parameters_in((void *)page)->real_cs;
}

bool ap_kick(u32 apic_id, bool (*arrived)(void), void (*wait)(u64 us))
{
    lapic_send_init(apic_id);
    wait(INIT_WAIT_US);
    lapic_send_startup(apic_id, AP_TRAMPOLINE >> 12);
    for (int step = 0; step < ARRIVAL_STEPS; step++) {
        if (arrived())
            return true;
        if (step == FIRST_TRY_STEPS)
            lapic_send_startup(apic_id, AP_TRAMPOLINE >> 12);
        wait(ARRIVAL_STEP_US);
    }
    return false;
}
