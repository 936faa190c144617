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

int memory_open_reserved(phys_addr_t start, phys_addr_t end)
{
    pfn_t gib = GIB >> PAGE_SHIFT, pfn = PFN_DOWN(start);

    for (; pfn < PFN_UP(end); pfn = ALIGN_DOWN(pfn + gib, gib))
        if (direct_map_cover((struct pfn_run){pfn, PFN_UP(end)}))
            return -ENOMEM;
    return 0;
}

void memory_free_reserved(phys_addr_t start, phys_addr_t end)
{
    section_free_reserved(start, end);
}
