/*
 * kernel/report.c - the boot report: the machine in two dozen lines.
 *
 * Context    once, in the task that starts init.  Each line costs as much as
 *            the serial port makes it cost, so there are few, and `quiet`
 *            leaves the text to dmesg without making it.
 */
#include <boot/bootinfo.h>
#include <kernel/core/cmdline.h>
#include <kernel/core/printk.h>
#include <kernel/lib/format.h>
#include <kernel/report.h>
#include <kernel/x86/cpu.h>
#include <mm/layout.h>
#include <mm/physmap.h>
#include <mm/zone.h>

#define LINE_MAX 160

static const char *const type_names[] = {
    [PHYS_RAM] = "RAM",        [PHYS_RESERVED] = "reserved",
    [PHYS_ACPI] = "ACPI data", [PHYS_NVS] = "ACPI NVS",
    [PHYS_BAD] = "bad",
};

/* 4096 -> "4 KiB": the largest unit that leaves no fraction. */
static const char *size_words(u64 bytes, char *buf, size_t size)
{
    static const char *const units[] = {"B",   "KiB", "MiB",
                                        "GiB", "TiB", "PiB"};
    size_t unit = 0;

    while (bytes && bytes % 1024 == 0 && unit < ARRAY_SIZE(units) - 1) {
        bytes /= 1024;
        unit++;
    }
    snprintf(buf, size, "%llu %s", (unsigned long long)bytes, units[unit]);
    return buf;
}

static void report_memory(void)
{
    const struct phys_range *ranges;
    size_t n = physmap_ranges(&ranges);
    char size[24];

    pr_info("Memory, by %s through %s:", bootinfo.firmware, bootinfo.protocol);
    for (size_t i = 0; i < n; i++)
        pr_info("  %012llx-%012llx %-9s %s",
                (unsigned long long)ranges[i].start,
                (unsigned long long)ranges[i].end - 1,
                type_names[ranges[i].type],
                size_words(ranges[i].end - ranges[i].start, size,
                           sizeof(size)));
}

static void report_region(unsigned long start, u64 bytes, const char *name)
{
    char size[24];

    pr_info("  %016lx  %-9s %s", start, size_words(bytes, size, sizeof(size)),
            name);
}

static void report_address_map(void)
{
    phys_addr_t ram_end = physmap_ram_end();

    pr_info("Address map, %u levels:", pgtable_levels);
    report_region(0, pgtable_levels == 5 ? TASK_SIZE_5L + PAGE_SIZE
                                         : TASK_SIZE_4L + PAGE_SIZE,
                  "ring 3");
    report_region(page_offset, ALIGN_UP(ram_end, MIB), "direct map of RAM");
    report_region(vmalloc_start, vmalloc_end - vmalloc_start,
                  "vmalloc and ioremap");
    report_region(vmemmap_base,
                  ALIGN_UP(ram_end, MIB) / PAGE_SIZE * sizeof(struct page),
                  "struct page array");
    report_region(CPU_ENTRY_AREA_BASE, 512 * GIB, "CPU entry area");
    report_region((unsigned long)__kernel_start, __kernel_end - __kernel_start,
                  "kernel image");
    report_region(MODULES_START, MODULES_END - MODULES_START, "modules");
    report_region(MODULES_END, FIXMAP_TOP - MODULES_END, "fixmap");
}

static void report_zones(void)
{
    for (size_t i = 0; i < NR_ZONES; i++) {
        const struct zone *zone = &zones[i];

        if (zone->present)
            pr_info("Zone %-7s %llu pages, %llu of them online, %llu free",
                    zone->name, (unsigned long long)zone->present,
                    (unsigned long long)zone->online,
                    (unsigned long long)zone->free);
    }
}

static void report_cpu(void)
{
    char line[LINE_MAX];
    size_t len = 0;

    line[0] = '\0';
    for (unsigned int f = 0; f < NR_CPU_FEATURES; f++)
        if (cpu_has(f) && len < sizeof(line) - 16)
            len += snprintf(line + len, sizeof(line) - len, " %s",
                            cpu_feature_name(f));
    pr_info("CPU %s, %u/%u address bits:%s", cpu_model_name(), cpu_phys_bits(),
            cpu_virt_bits(), line);
}

void boot_report(void)
{
    if (cmdline_has("quiet"))
        return;
    report_memory();
    report_address_map();
    report_zones();
    report_cpu();
}
