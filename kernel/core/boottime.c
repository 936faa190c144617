/*
 * kernel/core/boottime.c - how long start-up took, step by step.
 *
 * Structure  a fixed list of marks, in order; what does not fit is left out.
 * Context    the boot CPU during start-up; constant afterwards.
 */
#include <kernel/core/boottime.h>
#include <kernel/core/printk.h>
#include <kernel/core/time.h>
#include <kernel/lib/printer.h>

#define MARKS_MAX 32

u64 boot_entry_tsc; /* written by boot/entry.asm */
u64 boot_ring3_tsc;

static struct {
    const char *step;
    u64 tsc;
} marks[MARKS_MAX];
static size_t nr_marks;

void boottime_mark(const char *step)
{
    if (nr_marks == MARKS_MAX)
        return;
    marks[nr_marks].step = step;
    marks[nr_marks++].tsc = rdtsc();
}

void boottime_ring3(void)
{
    if (boot_ring3_tsc)
        return;
    pr_info("Ring 3: TSC %llu at the kernel's first instruction, %llu now",
            (unsigned long long)boot_entry_tsc, (unsigned long long)rdtsc());
    boot_ring3_tsc = rdtsc();
}

void boottime_report(struct printer *out)
{
    u64 last = boot_entry_tsc;

    printer_printf(out, "entry_tsc %llu\nring3_tsc %llu\nticks %llu\n",
                   (unsigned long long)boot_entry_tsc,
                   (unsigned long long)boot_ring3_tsc,
                   (unsigned long long)(boot_ring3_tsc - boot_entry_tsc));
    for (size_t i = 0; i < nr_marks; i++) {
        printer_printf(out, "step %s %llu\n", marks[i].step,
                       (unsigned long long)(marks[i].tsc - last));
        last = marks[i].tsc;
    }
}
