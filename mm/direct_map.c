/*
 * mm/direct_map.c - the master table: kernel image, RAM at page_offset, and
 * the top-level slots of every region that grows.
 *
 * Structure  until direct_map_switch() page_offset is 0: the loader's
 *            identity map makes logical and physical addresses the same, so
 *            the same cursor builds the table that replaces it.
 * Cost       the map of RAM is made around sections as they come online: at
 *            most one GiB of one firmware range a time, by the largest pages
 *            that fit.  Boot makes it for section 0 only.
 * Locking    section_lock (section.c) covers the direct map's tables.
 * Invariant  only RAM is mapped, never executable; the image is never
 *            writable and executable, nor is its text or rodata writable
 *            through the direct map; no top-level slot changes after boot.
 */
#include <kernel/core/cmdline.h>
#include <kernel/core/panic.h>
#include <kernel/lib/string.h>
#include <kernel/uapi/errno.h>
#include <kernel/x86/cpu.h>
#include <mm/memory.h>
#include <mm/physmap.h>
#include <mm/tlb.h>

unsigned long page_offset; /* 0 until the master table is loaded */
unsigned long vmalloc_start, vmalloc_end;
unsigned long vmemmap_base;
pte_t *master_table;

struct image_part {
    const char *start, *end;
    const pgprot_t *prot;
};

static const struct image_part image_parts[] = {
    {__kernel_start, __text_end, &PAGE_KERNEL_EXEC},
    {__rodata_start, __rodata_end, &PAGE_KERNEL_RO},
    {__data_start, __data_end, &PAGE_KERNEL},
    {__selftest_start, __selftest_text_end, &PAGE_KERNEL_EXEC},
    {__selftest_text_end, __selftest_end, &PAGE_KERNEL},
    {__init_start, __init_text_end, &PAGE_KERNEL_EXEC},
    {__init_text_end, __init_end, &PAGE_KERNEL},
    {__bss_start, __bss_end, &PAGE_KERNEL},
};

static unsigned long direct_base(void)
{
    return pgtable_levels == 5 ? DIRECT_BASE_5L : DIRECT_BASE_4L;
}

static int max_leaf_level(void)
{
    if (debug_pagealloc)
        return 0;
    return cpu_has(CPU_PDPE1GB) ? 2 : 1;
}

/* Maps frames, the image's text and rodata among them read-only. */
static int map_run(struct pfn_run run)
{
    struct pfn_run ro = {PFN_DOWN(__pa_symbol(__kernel_start)),
                         PFN_DOWN(__pa_symbol(__rodata_end))};
    unsigned long start = direct_base() + PFN_PHYS(run.start);
    struct pfn_run parts[3] = {{run.start, min(run.end, ro.start)},
                               {max(run.start, ro.start), min(run.end, ro.end)},
                               {max(run.start, ro.end), run.end}};

    for (int i = 0; i < 3; i++) {
        unsigned long va = direct_base() + PFN_PHYS(parts[i].start);

        if (parts[i].start >= parts[i].end)
            continue;
        if (pt_map_range(master_table, va, PFN_PHYS(parts[i].start),
                         PFN_PHYS(parts[i].end - parts[i].start),
                         i == 1 ? PAGE_KERNEL_RO : PAGE_KERNEL,
                         max_leaf_level()) < 0) {
            if (va > start)
                pt_unmap_range(master_table, start, va);
            return -ENOMEM;
        }
    }
    return 0;
}

static bool is_mapped(pfn_t pfn)
{
    unsigned long va = direct_base() + PFN_PHYS(pfn);
    struct pt_cursor c;

    pt_start(&c, master_table, va, va + PAGE_SIZE);
    return pte_present(*c.slot);
}

int direct_map_cover(struct pfn_run run)
{
    unsigned long step = debug_pagealloc ? SECTION_PAGES : GIB >> PAGE_SHIFT;
    pfn_t around = ALIGN_DOWN(run.start, step);
    struct pfn_run ram = {0, 0};

    run.end = min(run.end, lowmem_end_pfn);
    if (run.start >= run.end)
        return 0;
    while (physmap_ram_run(ram.end, &ram))
        if (run.start < ram.end)
            break;
    ram.start = max(ram.start, around);
    ram.end = min(ram.end, around + step);
    ram.end = min(ram.end, lowmem_end_pfn);
    /* Either end: set_direct_map_invalid() may have taken one out. */
    if (is_mapped(ram.start) || is_mapped(ram.end - 1))
        return 0;
    return map_run(ram);
}

static void __init map_image(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(image_parts); i++) {
        const struct image_part *part = &image_parts[i];

        if (part->start == part->end)
            continue;
        if (pt_map_range(master_table, (unsigned long)part->start,
                         __pa_symbol(part->start), part->end - part->start,
                         *part->prot, 0) < 0)
            panic("no memory for the kernel's page table");
    }
}

static void __init fill_slots(unsigned long va, unsigned long end)
{
    if (pt_add_tables(master_table, va, end, pgtable_levels - 2) < 0)
        panic("no memory for the kernel's page table");
}

/* What vmalloc may use grows with RAM: a slot, and one more per 256 GiB. */
static unsigned long __init vmalloc_size(void)
{
    unsigned long slot = pt_span(pgtable_levels - 1);
    unsigned long size = slot * (1 + physmap_ram_bytes() / (256 * GIB));

    if (vmalloc_lazy) /* the first slot is filled, the second is not */
        return 2 * slot;
    if (pgtable_levels == 5) /* a slot is 256 TiB: the region's first */
        return slot;
    return min(size, (unsigned long)VMALLOC_SIZE_4L);
}

static void __init choose_layout(void)
{
    bool five = read_cr4() & BIT(12); /* LA57, SDM 3A 2.5 */

    pti_on = cmdline_is("pti", "on", "off");
    vmalloc_lazy = cmdline_is("vmalloc_sync", "lazy", "eager");
    pgtable_levels = five ? 5 : 4;
    vmalloc_start = five ? VMALLOC_BASE_5L : VMALLOC_BASE_4L;
    vmalloc_end = vmalloc_start + vmalloc_size();
    vmemmap_base = five ? VMEMMAP_BASE_5L : VMEMMAP_BASE_4L;
    pte_supported_mask = ~0ull;
    if (!cpu_has(CPU_NX))
        pte_supported_mask &= ~PTE_NX;
    if (!cpu_has(CPU_PGE) || pti_on) /* global would outlive the way out */
        pte_supported_mask &= ~PTE_GLOBAL;
}

/* The pair that every other is made after (mm/pgtable.h, pti_on). */
static pte_t *__init master_alloc(void)
{
    size_t size = PAGE_SIZE * pt_root_pages();
    phys_addr_t pa = physmap_alloc(size, size, OWNER_PAGETABLE);

    if (!pa)
        panic("no memory for the kernel's page table");
    return memset(__va(pa), 0, size);
}

void __init direct_map_init(void)
{
    struct pfn_run run = {0, 0};

    choose_layout();
    master_table = master_alloc();
    map_image();
    while (physmap_ram_run(run.end, &run) && run.start < lowmem_end_pfn)
        fill_slots(direct_base() + PFN_PHYS(run.start),
                   direct_base() + PFN_PHYS(min(run.end, lowmem_end_pfn)));
    fill_slots(vmalloc_start, vmalloc_lazy
                                  ? vmalloc_start + pt_span(pgtable_levels - 1)
                                  : vmalloc_end);
    fill_slots(vmemmap_base,
               (unsigned long)pfn_to_page(PFN_UP(physmap_ram_end())));
    fill_slots(CPU_ENTRY_AREA_BASE, CPU_ENTRY_AREA_BASE + PAGE_SIZE);
    run = (struct pfn_run){0, 0};
    while (physmap_ram_run(run.end, &run) && run.start < SECTION_PAGES)
        if (direct_map_cover(run) < 0)
            panic("no memory for the direct map");
}

void __init direct_map_switch(void)
{
    phys_addr_t root = (phys_addr_t)master_table;

    write_cr3(root);
    page_offset = direct_base();
    master_table = __va(root);
    tlb_flush_local_all();
}
