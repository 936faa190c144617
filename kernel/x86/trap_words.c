/*
 * kernel/x86/trap_words.c - exceptions and their error codes for people.
 */
#include <kernel/lib/format.h>
#include <kernel/x86/trap.h>

static const char *const names[] = {
    [TRAP_DE] = "#DE divide error",
    [TRAP_DB] = "#DB debug exception",
    [TRAP_NMI] = "NMI",
    [TRAP_BP] = "#BP breakpoint",
    [TRAP_OF] = "#OF overflow",
    [TRAP_BR] = "#BR bound range exceeded",
    [TRAP_UD] = "#UD invalid opcode",
    [TRAP_NM] = "#NM no coprocessor",
    [TRAP_DF] = "#DF double fault",
    [TRAP_TS] = "#TS invalid TSS",
    [TRAP_NP] = "#NP segment not present",
    [TRAP_SS] = "#SS stack segment fault",
    [TRAP_GP] = "#GP general protection fault",
    [TRAP_PF] = "#PF page fault",
    [TRAP_MF] = "#MF x87 error",
    [TRAP_AC] = "#AC alignment check",
    [TRAP_MC] = "#MC machine check",
    [TRAP_XM] = "#XM SIMD error",
};

const char *trap_name(unsigned int vector)
{
    if (vector < ARRAY_SIZE(names) && names[vector])
        return names[vector];
    return vector < VECTOR_DEVICE_FIRST ? "reserved exception" : "interrupt";
}

/* SDM 3A 4.7, figure 4-12 */
static void page_fault_words(u64 error, char *buf, size_t size)
{
    const char *access = error & BIT(4)   ? "execution"
                         : error & BIT(1) ? "write"
                                          : "read";
    const char *what = error & BIT(3) ? "an entry with a reserved bit set"
                       : error & BIT(0)
                           ? "a present page that does not allow it"
                           : "a page that is not present";

    scnprintf(buf, size, "%s from ring %d, %s%s", access,
              error & BIT(2) ? 3 : 0, what,
              error & BIT(5) ? ", by protection key" : "");
}

/* SDM 3A 6.13, figure 6-7 */
static void selector_words(u64 error, char *buf, size_t size)
{
    const char *table = error & BIT(1) ? "IDT" : error & BIT(2) ? "LDT" : "GDT";

    if (error == 0)
        scnprintf(buf, size, "a privileged instruction or a bad address");
    else
        scnprintf(buf, size, "%s entry %u%s", table,
                  (unsigned int)(error >> 3 & 0x1fff),
                  error & BIT(0) ? ", event from outside" : "");
}

char *trap_error_words(unsigned int vector, u64 error, char *buf, size_t size)
{
    switch (vector) {
    case TRAP_PF:
        page_fault_words(error, buf, size);
        break;
    case TRAP_TS:
    case TRAP_NP:
    case TRAP_SS:
    case TRAP_GP:
        selector_words(error, buf, size);
        break;
    default:
        scnprintf(buf, size, "no error code");
        break;
    }
    return buf;
}
