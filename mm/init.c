/*
 * mm/init.c - the order in which memory management starts, and what it takes
 * back when the start is over.
 */
#include <boot/bootinfo.h>
#include <kernel/core/cmdline.h>
#include <kernel/core/panic.h>
#include <kernel/core/printk.h>
#include <kernel/uapi/errno.h>
#include <kernel/x86/entry_area.h>
#include <mm/init.h>
#include <mm/kmap.h>
#include <mm/memory.h>
#include <mm/report.h>
#include <mm/tlb.h>

/* A table before there is a page allocator. */
static pte_t *__init boot_table(void)
{
    phys_addr_t pa = physmap_alloc(PAGE_SIZE, PAGE_SIZE, OWNER_PAGETABLE);

    if (!pa)
        return NULL;
    clear_page(__va(pa));
    return __va(pa);
}

static void __init reserve_known(void)
{
    physmap_reserve(0, PAGE_SIZE, "first page");
    physmap_reserve_as(__pa_symbol(__kernel_start), __pa_symbol(__kernel_end),
                       OWNER_IMAGE, "kernel image");
    physmap_reserve_as(bootinfo.initrd_start, bootinfo.initrd_end, OWNER_INITRD,
                       "initramfs");
}

void __init memory_init(void)
{
    physmap_finish();
    reserve_known();
    this_cpu_write(pt_table_source, boot_table);
    zone_init();         /* who may have which RAM */
    direct_map_init();   /* the master table, under the loader's */
    fixmap_init();       /* its part of it */
    direct_map_switch(); /* logical addresses work from here on */
    section_init();      /* struct pages: alloc_pages works */
    slab_init();         /* kmalloc works */
    kmap_init();         /* and RAM above lowmem= is reached */
    vmalloc_init();      /* vmalloc and ioremap work */
    resource_init();     /* /proc/iomem */
    memory_report_on_panic();
    entry_area_map(&boot_entry_store, 0);
}

/* Unmaps a part of the image and frees its frames. */
static void free_image_part(const char *start, const char *end)
{
    if (start == end)
        return;
    pt_unmap_range(master_table, (unsigned long)start, (unsigned long)end);
    tlb_flush_kernel_range((unsigned long)start, (unsigned long)end);
    section_free_reserved(__pa_symbol(start), __pa_symbol(end));
}

void memory_free_init(void)
{
    if (!cmdline_has("selftest"))
        free_image_part(__selftest_start, __selftest_end);
    free_image_part(__init_start, __init_end);
}

/* What lies above lowmem= gets a logical address for the time being. */
static int open_high(phys_addr_t start, phys_addr_t end)
{
    start = max(ALIGN_DOWN(start, PAGE_SIZE), PFN_PHYS(lowmem_end_pfn));
    end = ALIGN_UP(end, PAGE_SIZE);
    if (start >= end)
        return 0;
    return pt_map_range(master_table, page_offset + start, start, end - start,
                        PAGE_KERNEL, 0);
}

static void close_high(phys_addr_t start, phys_addr_t end)
{
    unsigned long va;

    start = max(ALIGN_UP(start, PAGE_SIZE), PFN_PHYS(lowmem_end_pfn));
    if (start >= end)
        return;
    va = page_offset + start;
    pt_unmap_range(master_table, va, page_offset + end);
    tlb_flush_kernel_range(va, page_offset + end);
}

int memory_open_reserved(phys_addr_t start, phys_addr_t end)
{
    pfn_t step = SECTION_PAGES, pfn = PFN_DOWN(start);

    if (open_high(start, end) < 0)
        return -ENOMEM;
    for (; pfn < PFN_UP(end); pfn = ALIGN_DOWN(pfn + step, step))
        if (direct_map_cover((struct pfn_run){pfn, PFN_UP(end)}))
            return -ENOMEM;
    return 0;
}

void memory_free_reserved(phys_addr_t start, phys_addr_t end)
{
    close_high(start, ALIGN_DOWN(end, PAGE_SIZE));
    section_free_reserved(start, end);
}
