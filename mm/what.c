/*
 * mm/what.c - what an address is.
 *
 * Structure  one table of regions in the order of mm/layout.h; the bounds that
 *            depend on the number of levels are read when asked.
 * Context    any task; reads tables without locks, so of a live mapping it
 *            says what was so a moment ago.
 */
#include <mm/what.h>

#include <kernel/lib/printer.h>
#include <mm/page.h>
#include <mm/vmalloc.h>

#define VMEMMAP_SIZE (PHYS_LIMIT / PAGE_SIZE * sizeof(struct page))
#define CPU_ENTRY_AREA_SIZE 0x8000000000 /* 512 GiB, one top-level slot */

struct region {
    const char *name;
    unsigned long start, end;
};

static const struct region *find_region(unsigned long va)
{
    static struct region none = {"non-canonical, or no region", 0, 0};
    static struct region table[] = {
        {"user", 0, 0},
        {"direct map (kernel logical)", 0, 0},
        {"vmalloc and ioremap", 0, 0},
        {"struct page array", 0, 0},
        {"CPU entry area", CPU_ENTRY_AREA_BASE,
         CPU_ENTRY_AREA_BASE + CPU_ENTRY_AREA_SIZE},
        {"kernel image", KERNEL_BASE, KERNEL_BASE + KERNEL_IMAGE_SIZE},
        {"modules", MODULES_START, MODULES_END},
        {"fixmap", MODULES_END, FIXMAP_TOP},
    };
    size_t i;

    table[0].end = pgtable_levels == 5 ? TASK_SIZE_5L : TASK_SIZE_4L;
    table[1].start = PAGE_OFFSET;
    table[1].end = PAGE_OFFSET + PHYS_LIMIT;
    table[2].start = VMALLOC_START;
    table[2].end = VMALLOC_END;
    table[3].start = vmemmap_base;
    table[3].end = vmemmap_base + VMEMMAP_SIZE;
    for (i = 0; i < ARRAY_SIZE(table); i++)
        if (va >= table[i].start && va < table[i].end)
            return &table[i];
    return &none;
}

const char *what_region(unsigned long va)
{
    return find_region(va)->name;
}

static void print_area(unsigned long va, struct printer *out)
{
    struct vm_struct *area = find_vm_area((void *)va);

    if (!area) {
        printer_puts(out, "area       none is reserved here\n");
        return;
    }
    printer_printf(out, "area       %#lx-%#lx", area->addr,
                   area->addr + area->size);
    if (area->flags & VM_AREA_IOREMAP)
        printer_printf(out, " ioremap phys=%pa\n", &area->phys);
    else
        printer_printf(out, " %s, %zu pages\n",
                       area->flags & VM_AREA_STACK ? "kernel stack"
                       : area->flags & VM_AREA_MAP ? "vmap"
                                                   : "vmalloc",
                       area->nr_pages);
}

static const char *image_part(unsigned long va)
{
    const char *p = (const char *)va;

    if (p >= __text_start && p < __text_end)
        return "text";
    if (p >= __rodata_start && p < __rodata_end)
        return "read-only data";
    if (p >= __init_start && p < __init_end)
        return "start-up code and data";
    if (p >= __kernel_start && p < __kernel_end)
        return "data";
    return "outside the image";
}

static void print_page(phys_addr_t phys, struct printer *out)
{
    pfn_t pfn = PFN_DOWN(phys);
    struct page *page;

    if (!pfn_valid(pfn)) {
        printer_printf(out, "frame      %#lx: no struct page, not RAM in use\n",
                       pfn);
        return;
    }
    page = pfn_to_page(pfn);
    printer_printf(out, "frame      %#lx: %s, %d references, %d mappings\n",
                   pfn, page_owner_names[page_owner_of(page)], page_count(page),
                   page_mapcount(page));
}

static void print_line(void *arg, const char *line)
{
    printer_printf(arg, "%s\n", line);
}

void what_print(pte_t *root, unsigned long va, struct printer *out)
{
    const struct region *region = find_region(va);
    struct pt_walk walk;

    printer_printf(out, "address    %#018lx\nregion     %s\n", va,
                   region->name);
    if (va >= VMALLOC_START && va < VMALLOC_END)
        print_area(va, out);
    if (va >= KERNEL_BASE && va < KERNEL_BASE + KERNEL_IMAGE_SIZE)
        printer_printf(out, "image      %s\n", image_part(va));
    pt_walk_address(root, va, &walk);
    if (walk.leaf_level < 0) {
        printer_puts(out, "frame      none: nothing is mapped here\n");
        return;
    }
    printer_printf(out, "physical   %pa\n", &walk.phys);
    print_page(walk.phys, out);
}

void what_print_walk(pte_t *root, unsigned long va, struct printer *out)
{
    pt_print_walk(root, va, print_line, out);
}
