/*
 * mm/ledger.c - all RAM, as the sum over those who hold it.
 *
 * Cost       O(owners * CPUs + reservations); nothing walks pages.
 * Invariant  the sum over owners is the RAM that the firmware reported; the
 *            free pages counted here (total less everybody's) are those in
 *            the zones, on CPUs' lists, and offline.  mm_audit compares.
 */
#include <kernel/core/ksyms.h>
#include <kernel/core/panic.h>
#include <kernel/core/printk.h>
#include <mm/alloc.h>
#include <mm/slab.h>

const char *const page_owner_names[NR_PAGE_OWNERS] = {
    [OWNER_FREE] = "free",
    [OWNER_RESERVED] = "reserved",
    [OWNER_IMAGE] = "image",
    [OWNER_MEMMAP] = "memmap",
    [OWNER_PAGETABLE] = "pagetable",
    [OWNER_SLAB] = "slab",
    [OWNER_KMALLOC_LARGE] = "kmalloc_large",
    [OWNER_VMALLOC] = "vmalloc",
    [OWNER_STACK] = "stack",
    [OWNER_PERCPU] = "percpu",
    [OWNER_ANON] = "anon",
    [OWNER_PAGECACHE] = "pagecache",
    [OWNER_PIPE] = "pipe",
    [OWNER_DRIVER] = "driver",
    [OWNER_INITRD] = "initrd",
    [OWNER_TEST] = "test",
};

#define LEAKS_NAMED 8 /* pages of an owner */

/* Frames of a reservation that are RAM and whose section is not online. */
static u64 offline_frames(struct pfn_run held)
{
    struct pfn_run run = {held.start, held.start};
    u64 n = 0;

    while (physmap_ram_run(run.end, &run) && run.start < held.end) {
        struct zone *zone = pfn_zone(run.start);
        pfn_t start;

        run.end = min(min(run.end, held.end), zone->end);
        start = max(run.start, zone->next_section);
        if (start < run.end)
            n += run.end - start;
    }
    return n;
}

void page_ledger_count(struct page_ledger *ledger)
{
    enum page_owner owner;
    struct pfn_run held;
    const char *why;
    u64 used = 0;

    *ledger = (struct page_ledger){.total = physmap_ram_pages(),
                                   .section_tables = section_table_pages(),
                                   .serial = page_serial};
    for (struct zone *zone = zones; zone < &zones[NR_ZONES]; zone++)
        ledger->offline += zone->present - zone->online;
    for (unsigned int cpu = 0; cpu < nr_cpus_online; cpu++)
        for (int i = OWNER_FREE + 1; i < NR_PAGE_OWNERS; i++)
            ledger->pages[i] += *per_cpu_ptr(&page_owned[i], cpu);
    ledger->pages[OWNER_PAGETABLE] -= pt_stock_pages();
    for (size_t i = 0; physmap_reservation(i, &held, &owner, &why); i++) {
        u64 n = offline_frames(held);

        ledger->pages[owner] += n;
        ledger->offline -= n;
    }
    for (int i = OWNER_FREE + 1; i < NR_PAGE_OWNERS; i++)
        used += ledger->pages[i];
    ledger->pages[OWNER_FREE] = ledger->total - used;
}

void page_drop_cached(void)
{
    kernel_stack_shrink();
    while (vm_purge())
        ; /* a purge may leave the arrays of its areas' pages */
    slab_shrink();
    vmalloc_shrink();
    pt_stock_shrink();
}

void page_ledger_read(struct page_ledger *ledger)
{
    page_drop_cached();
    page_ledger_count(ledger);
}

/* What a new section brings along is no difference. */
static s64 settled(const struct page_ledger *ledger, int owner)
{
    s64 n = ledger->pages[owner];

    if (owner == OWNER_PAGETABLE)
        n -= ledger->section_tables;
    if (owner == OWNER_MEMMAP || owner == OWNER_FREE)
        n = 0;
    return n;
}

/* Debug builds: pages of the owner that were allocated since, by whom. */
static void name_pages(enum page_owner owner, u32 since)
{
    struct pfn_run run = {0, 0};
    char name[KSYM_NAME_MAX];
    int left = LEAKS_NAMED;

    while (DEBUG_ON && physmap_ram_run(run.end, &run))
        for (pfn_t pfn = run.start; pfn < run.end && left; pfn++) {
            struct page *page;

            if (!pfn_valid(pfn))
                break; /* the rest of the range is not online */
            page = pfn_to_page(pfn);
            if (page->owner != owner || (s32)(page->serial - since) <= 0 ||
                !page_count(page))
                continue;
            if (!ksym_lookup((unsigned long)page_site(page), name, NULL, NULL))
                name[0] = '\0';
            printk(LOG_INFO | LOG_PLAIN, "#   frame %lx, allocated by %s", pfn,
                   name);
            left--;
        }
}

bool page_ledger_differs(const struct page_ledger *before,
                         const struct page_ledger *after)
{
    bool differs = false;

    for (int i = 0; i < NR_PAGE_OWNERS; i++) {
        s64 was = settled(before, i), is = settled(after, i);

        if (was == is)
            continue;
        printk(LOG_INFO | LOG_PLAIN, "# pages of %s: %lld before, %lld after",
               page_owner_names[i], (long long)was, (long long)is);
        if (is > was)
            name_pages(i, before->serial);
        differs = true;
    }
    return differs;
}
