/*
 * mm/report.c - mm in words.
 */
#include <kernel/core/panic.h>
#include <kernel/core/printk.h>
#include <kernel/x86/cpu.h>
#include <mm/alloc.h>
#include <mm/compact.h>
#include <mm/fixmap.h>
#include <mm/physmap.h>
#include <mm/report.h>
#include <mm/slab.h>
#include <mm/tlb.h>
#include <mm/vma.h>

#define KIB_OF(pages) ((unsigned long long)(pages) << (PAGE_SHIFT - 10))

static const char *const type_words[] = {
    [PHYS_RAM] = "RAM",          [PHYS_RESERVED] = "reserved",
    [PHYS_ACPI] = "ACPI tables", [PHYS_NVS] = "ACPI NVS",
    [PHYS_BAD] = "bad memory",
};

/* "512 KiB", "3.2 GiB". */
static void print_size(struct printer *out, u64 bytes)
{
    static const char units[] = "KMGTP";
    u64 whole, tenths;
    int i = 0;

    while (i < 4 && bytes >> (10 * (i + 1)) >= 10240)
        i++;
    whole = bytes >> (10 * (i + 1));
    tenths = (bytes >> (10 * i)) % 1024 * 10 / 1024;
    if (whole >= 100 || bytes % (1024ull << (10 * i)) == 0)
        printer_printf(out, "%6llu %ciB", (unsigned long long)whole, units[i]);
    else
        printer_printf(out, "%4llu.%llu %ciB", (unsigned long long)whole,
                       (unsigned long long)tenths, units[i]);
}

void mm_report_memory_map(struct printer *out)
{
    const struct phys_range *range;
    size_t n = physmap_ranges(&range);

    for (size_t i = 0; i < n; i++) {
        const char *words = range[i].type < ARRAY_SIZE(type_words)
                                ? type_words[range[i].type]
                                : NULL;

        printer_printf(out, "  %012llx-%012llx ",
                       (unsigned long long)range[i].start,
                       (unsigned long long)range[i].end - 1);
        print_size(out, range[i].end - range[i].start);
        printer_printf(out, "  %s\n", words ? words : "reserved");
    }
}

static void print_region(struct printer *out, unsigned long start,
                         unsigned long last, const char *name)
{
    printer_printf(out, "  %016lx-%016lx ", start, last);
    print_size(out, last - start + 1);
    printer_printf(out, "  %s\n", name);
}

void mm_report_layout(struct printer *out)
{
    unsigned long ram_end = physmap_ram_end();
    unsigned long low_end = min(ram_end, PFN_PHYS(lowmem_end_pfn));

    printer_printf(out, "  %u-level page tables\n", pgtable_levels);
    print_region(out, fix_to_virt(NR_FIXMAP - 1), FIXMAP_TOP - 1, "fixmap");
    print_region(out, (unsigned long)__kernel_start,
                 (unsigned long)__kernel_end - 1, "kernel image");
    print_region(out, vmemmap_base,
                 (unsigned long)pfn_to_page(PFN_UP(ram_end)) - 1,
                 "struct page array");
    print_region(out, vmalloc_start, vmalloc_end - 1, "vmalloc, ioremap");
    print_region(out, page_offset, page_offset + low_end - 1,
                 "direct map of RAM");
    print_region(out, 0, TASK_SIZE - 1, "ring 3");
}

void mm_report_zones(struct printer *out)
{
    for (struct zone *zone = zones; zone < &zones[NR_ZONES]; zone++) {
        if (!zone->present)
            continue;
        printer_printf(out, "  %-8s", zone->name);
        print_size(out, zone->present << PAGE_SHIFT);
        printer_puts(out, " of RAM, online");
        print_size(out, zone->online << PAGE_SHIFT);
        printer_puts(out, ", free");
        print_size(out, zone->free << PAGE_SHIFT);
        printer_puts(out, "\n");
    }
}

void mm_report_ledger(struct printer *out)
{
    struct page_ledger ledger;

    page_ledger_count(&ledger);
    for (int i = 0; i < NR_PAGE_OWNERS; i++)
        if (ledger.pages[i])
            printer_printf(out, "  %-14s %10llu pages\n", page_owner_names[i],
                           (unsigned long long)ledger.pages[i]);
    printer_printf(out, "  %-14s %10llu pages, %llu of the free ones offline\n",
                   "total", (unsigned long long)ledger.total,
                   (unsigned long long)ledger.offline);
}

static void print_kib(struct printer *out, const char *name, u64 pages)
{
    printer_row_kib(out, name, KIB_OF(pages));
}

/* Nothing ages here, as nothing could be written out: all pages of programs
 * and of tmpfs, which Linux has among the anonymous ones, are active. */
static void meminfo_age(struct printer *out, const struct page_ledger *l)
{
    u64 active = l->pages[OWNER_ANON] + l->pages[OWNER_PAGECACHE];

    print_kib(out, "Active:         ", active);
    print_kib(out, "Inactive:       ", 0);
    print_kib(out, "Active(anon):   ", active);
    print_kib(out, "Inactive(anon): ", 0);
    print_kib(out, "Active(file):   ", 0);
    print_kib(out, "Inactive(file): ", 0);
    print_kib(out, "Unevictable:    ", 0);
}

void meminfo_report(struct printer *out)
{
    struct page_ledger l;

    page_ledger_count(&l);
    print_kib(out, "MemTotal:       ",
              l.total - l.pages[OWNER_RESERVED] - l.pages[OWNER_IMAGE]);
    print_kib(out, "MemFree:        ", l.pages[OWNER_FREE]);
    print_kib(out, "MemAvailable:   ", l.pages[OWNER_FREE]);
    print_kib(out, "Buffers:        ", 0);
    print_kib(out, "Cached:         ", l.pages[OWNER_PAGECACHE]);
    print_kib(out, "SwapCached:     ", 0);
    meminfo_age(out, &l);
    if (zones[ZONE_HIGHMEM].present) {
        print_kib(out, "HighTotal:      ", zones[ZONE_HIGHMEM].present);
        print_kib(out,
                  "HighFree:       ", zone_available(&zones[ZONE_HIGHMEM]));
    }
    print_kib(out, "SwapTotal:      ", 0);
    print_kib(out, "SwapFree:       ", 0);
    print_kib(out, "Dirty:          ", 0);
    print_kib(out, "Writeback:      ", 0);
    print_kib(out, "AnonPages:      ", l.pages[OWNER_ANON]);
    print_kib(out, "Shmem:          ", l.pages[OWNER_PAGECACHE]);
    print_kib(out, "Slab:           ",
              l.pages[OWNER_SLAB] + l.pages[OWNER_KMALLOC_LARGE]);
    print_kib(out, "SReclaimable:   ", slab_reclaimable_pages());
    print_kib(out, "SUnreclaim:     ",
              l.pages[OWNER_SLAB] + l.pages[OWNER_KMALLOC_LARGE] -
                  slab_reclaimable_pages());
    print_kib(out, "KernelStack:    ", l.pages[OWNER_STACK]);
    print_kib(out, "PageTables:     ", l.pages[OWNER_PAGETABLE]);
    print_kib(out, "Percpu:         ", l.pages[OWNER_PERCPU]);
    print_kib(out, "CommitLimit:    ", vm_commit_limit());
    print_kib(out, "Committed_AS:   ", (u64)atomic_read(&vm_committed_pages));
    print_kib(out,
              "VmallocTotal:   ", (vmalloc_end - vmalloc_start) >> PAGE_SHIFT);
    print_kib(out, "VmallocUsed:    ", vmalloc_used_bytes() >> PAGE_SHIFT);
    print_kib(out, "VmallocChunk:   ", 0);
    print_kib(out, "DirectMap4k:    ", pt_direct_leaves[0]);
    print_kib(out, "DirectMap2M:    ", pt_direct_leaves[1] << 9);
    print_kib(out, "DirectMap1G:    ", pt_direct_leaves[2] << 18);
}

void vmstat_report(struct printer *out)
{
    struct page_ledger l;

    page_ledger_count(&l);
#define LINE(name, value)                                                      \
    printer_printf(out, name " %llu\n", (unsigned long long)(value))
    LINE("nr_free_pages", l.pages[OWNER_FREE]);
    LINE("nr_inactive_anon", 0);
    LINE("nr_active_anon", l.pages[OWNER_ANON] + l.pages[OWNER_PAGECACHE]);
    LINE("nr_inactive_file", 0);
    LINE("nr_active_file", 0);
    LINE("nr_anon_pages", l.pages[OWNER_ANON]);
    LINE("nr_file_pages", l.pages[OWNER_PAGECACHE]);
    LINE("nr_shmem", l.pages[OWNER_PAGECACHE]);
    LINE("nr_slab_reclaimable", slab_reclaimable_pages());
    LINE("nr_slab_unreclaimable",
         l.pages[OWNER_SLAB] - slab_reclaimable_pages());
    LINE("nr_page_table_pages", l.pages[OWNER_PAGETABLE]);
    LINE("nr_kernel_stack", l.pages[OWNER_STACK] << (PAGE_SHIFT - 10));
    LINE("nr_dirty", 0);
    LINE("nr_writeback", 0);
    LINE("nr_offline_pages", l.offline);
    LINE("nr_tlb_remote_flush", tlb_events(TLB_REMOTE_FLUSH));
    LINE("nr_tlb_remote_flush_received", tlb_events(TLB_REMOTE_RECEIVED));
    LINE("nr_tlb_local_flush_all", tlb_events(TLB_LOCAL_ALL));
    LINE("nr_tlb_local_flush_one", tlb_events(TLB_LOCAL_ONE));
    LINE("pgmigrate_success", compact_stats.migrate_success);
    LINE("pgmigrate_fail", compact_stats.migrate_fail);
    LINE("compact_migrate_scanned", compact_stats.migrate_scanned);
    LINE("compact_free_scanned", compact_stats.free_scanned);
    LINE("compact_isolated", compact_stats.isolated);
    LINE("compact_stall", compact_stats.stall);
    LINE("compact_fail", compact_stats.fail);
    LINE("compact_success", compact_stats.success);
#undef LINE
}

/* A printer that collects lines: printk takes whole ones. */
struct line_printer {
    struct printer out;
    size_t len;
    char line[128];
};

static void line_write(struct printer *out, const char *text, size_t len)
{
    struct line_printer *p = container_of(out, struct line_printer, out);

    for (; len > 0; len--, text++) {
        if (*text != '\n' && p->len < sizeof(p->line))
            p->line[p->len++] = *text;
        if (*text == '\n') {
            printk(LOG_INFO, "%.*s", (int)p->len, p->line);
            p->len = 0;
        }
    }
}

static void print_panic_line(void *arg, const char *line)
{
    pr_emerg("  %s", line);
}

static void panic_walk(const struct pt_regs *regs, u64 addr)
{
    phys_addr_t root = read_cr3() & PTE_PFN_MASK;

    if (!regs || !pt_table_reachable(root))
        return;
    pt_print_walk(__va(root), addr, print_panic_line, NULL);
}

void mm_log_zones(void)
{
    struct line_printer p = {.out = {line_write}};

    mm_report_zones(&p.out);
}

static void panic_zones(const struct pt_regs *regs, u64 addr)
{
    mm_log_zones();
}

void memory_report_on_panic(void)
{
    static struct panic_report walk = {.name = "Page walk of the address",
                                       .print = panic_walk};
    static struct panic_report zone = {.name = "Zones", .print = panic_zones};

    panic_report_register(&walk);
    panic_report_register(&zone);
}
