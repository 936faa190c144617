/*
 * kernel/report.c - the boot report: the machine in two dozen lines.
 *
 * Context    once, at start-up.  Each line costs as much as the serial port
 *            makes it cost, so there are few; `quiet` leaves them out.
 */
#include <boot/bootinfo.h>
#include <kernel/core/cmdline.h>
#include <kernel/core/printk.h>
#include <kernel/report.h>
#include <kernel/x86/cpu.h>
#include <mm/report.h>

#define LINE_MAX 240

/* A printer whose lines go into the log; a line comes in pieces. */
struct log_printer {
    struct printer out;
    char line[LINE_MAX];
    size_t len;
};

static void log_write(struct printer *out, const char *text, size_t len)
{
    struct log_printer *log = container_of(out, struct log_printer, out);

    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\n') {
            log->line[log->len] = '\0';
            pr_info("%s", log->line);
            log->len = 0;
        } else if (log->len < LINE_MAX - 1) {
            log->line[log->len++] = text[i];
        }
    }
}

static void report_cpu(struct printer *out)
{
    printer_printf(out, "CPU %s, %u/%u address bits:", cpu_model_name(),
                   cpu_phys_bits(), cpu_virt_bits());
    for (unsigned int f = 0; f < NR_CPU_FEATURES; f++)
        if (cpu_has(f))
            printer_printf(out, " %s", cpu_feature_name(f));
    printer_puts(out, "\n");
}

void boot_report(void)
{
    struct log_printer log = {.out.write = log_write};

    if (cmdline_has("quiet"))
        return;
    printer_printf(&log.out, "Memory, by %s through %s:\n", bootinfo.firmware,
                   bootinfo.protocol);
    mm_report_memory_map(&log.out);
    printer_puts(&log.out, "Address map:\n");
    mm_report_layout(&log.out);
    printer_puts(&log.out, "Zones:\n");
    mm_report_zones(&log.out);
    report_cpu(&log.out);
}
