/*
 * kernel/fs/proc_mm.c - mm's files of /proc that need nothing else.
 */
#include <kernel/core/printk.h>
#include <kernel/fs/proc_mm.h>
#include <kernel/fs/procfs.h>
#include <kernel/task/oom.h>
#include <mm/report.h>

typedef void report_fn(struct printer *out);

static int show_report(void *data, struct printer *out)
{
    report_fn *report = data;

    report(out);
    return 0;
}

static const struct pseudo_ops report_ops = {.show = show_report};

static void show_memory_map(struct printer *out)
{
    printer_puts(out, "Memory map (firmware)\n");
    mm_report_memory_map(out);
    printer_puts(out, "Address map\n");
    mm_report_layout(out);
    printer_puts(out, "Zones\n");
    mm_report_zones(out);
}

/* Pages by what holds them, then events of all processes. */
static void show_vmstat(struct printer *out)
{
    u64 minor, major;

    vmstat_report(out);
    proc_fault_counts(&minor, &major);
    printer_printf(out,
                   "pgpgin 0\npgpgout 0\npswpin 0\npswpout 0\n"
                   "pgfault %lu\npgmajfault %lu\noom_kill %llu\n",
                   minor + major, major, (unsigned long long)oom_kills());
}

static const struct {
    const char *name;
    mode_t mode;
    report_fn *report;
} files[] = {
    {"vmstat", 0444, show_vmstat},
    {"pagetypeinfo", 0400, pagetypeinfo_report},
    {"memory", 0444, show_memory_map},
    {"ledger", 0444, mm_report_ledger},
    {"kernel_page_tables", 0400, ptdump_report},
};

void proc_mm_init(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(files); i++)
        if (!pseudo_create(proc_root, files[i].name, files[i].mode, &report_ops,
                           files[i].report))
            pr_warn("/proc/%s: no memory for it", files[i].name);
    proc_page_init();
}
