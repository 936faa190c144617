/*
 * mm/what.c - what an address is.
 *
 * Structure  one table of regions in the order of mm/layout.h; the bounds that
 *            depend on the number of levels are read when asked.
 * Mappings   of a program's page come from the reverse map; only frames
 *            without one are looked for in all tables.
 * Context    any task; reads tables without locks, so of a live mapping it
 *            says what was so a moment ago.
 */
#include <mm/what.h>

#include <kernel/core/ksyms.h>
#include <kernel/lib/printer.h>
#include <kernel/lib/string.h>
#include <kernel/uapi/errno.h>
#include <mm/fixmap.h>
#include <mm/io.h>
#include <mm/physmap.h>
#include <mm/rmap.h>
#include <mm/vmalloc.h>

#define VMEMMAP_SIZE (PHYS_LIMIT / PAGE_SIZE * sizeof(struct page))
#define CPU_ENTRY_AREA_SIZE 0x8000000000 /* 512 GiB, one top-level slot */

struct region {
    const char *name;
    const char *class; /* of the five kinds of address (DESIGN: types) */
    unsigned long start, end;
};

static bool is_canonical(unsigned long va)
{
    unsigned int unused = pgtable_levels == 5 ? 64 - 57 : 64 - 48;

    return (s64)(va << unused) >> unused == (s64)va;
}

static struct region find_region(unsigned long va)
{
    const char *virtual = "kernel virtual";
    const struct region table[] = {
        {"user", "user virtual", 0,
         pgtable_levels == 5 ? TASK_SIZE_5L : TASK_SIZE_4L},
        {"direct map", "kernel logical", PAGE_OFFSET, PAGE_OFFSET + PHYS_LIMIT},
        {"vmalloc and ioremap", virtual, VMALLOC_START, VMALLOC_END},
        {"struct page array", virtual, vmemmap_base,
         vmemmap_base + VMEMMAP_SIZE},
        {"CPU entry area", virtual, CPU_ENTRY_AREA_BASE,
         CPU_ENTRY_AREA_BASE + CPU_ENTRY_AREA_SIZE},
        {"kernel image", virtual, KERNEL_BASE, KERNEL_BASE + KERNEL_IMAGE_SIZE},
        {"modules", virtual, MODULES_START, MODULES_END},
        {"fixmap", virtual, MODULES_END, FIXMAP_TOP},
    };
    const char *class = "none: no region is there";

    for (size_t i = 0; i < ARRAY_SIZE(table); i++)
        if (va >= table[i].start && va < table[i].end)
            return table[i];
    if (!is_canonical(va))
        class = "none: non-canonical";
    else if ((s64)va > 0)
        class = "none: behind the last page that programs can have";
    return (struct region){"none", class, 0, 0};
}

const char *what_region(unsigned long va)
{
    return find_region(va).name;
}

/* The mapping of a program's that va lies in, as /proc/PID/maps has it. */
static void print_vma(struct mm_struct *mm, unsigned long va,
                      struct printer *out)
{
    struct vm_area_struct *vma;
    char path[128];

    down_read(&mm->mmap_lock);
    vma = find_vma(mm, va);
    if (!vma || vma->vm_start > va) {
        printer_puts(out, "mapping    none\n");
    } else {
        printer_printf(out, "mapping    %lx-%lx %c%c%c%c %s\n", vma->vm_start,
                       vma->vm_end, vma->vm_flags & VM_READ ? 'r' : '-',
                       vma->vm_flags & VM_WRITE ? 'w' : '-',
                       vma->vm_flags & VM_EXEC ? 'x' : '-',
                       vma->vm_flags & VM_SHARED ? 's' : 'p',
                       vma->vm_file && mm_file_ops
                           ? mm_file_ops->path(vma->vm_file, path, sizeof(path))
                           : "anonymous");
    }
    up_read(&mm->mmap_lock);
}

static void print_area(unsigned long va, struct printer *out)
{
    struct vm_struct *area = find_vm_area((void *)va);

    if (!area) {
        printer_puts(out, "area       none, or freed already\n");
        return;
    }
    printer_printf(out, "area       %s%#lx-%#lx",
                   va >= area->addr + area->size ? "guard page behind " : "",
                   area->addr, area->addr + area->size);
    if (area->flags & VM_IOREMAP)
        printer_printf(out, " ioremap phys=%pa\n", &area->phys);
    else
        printer_printf(out, " %s, %zu pages\n",
                       area->flags & VM_AREA_STACK   ? "kernel stack"
                       : area->flags & VM_AREA_FAULT ? "on demand"
                       : area->flags & VM_MAP        ? "vmap"
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

static void print_image(unsigned long va, struct printer *out)
{
    char name[KSYM_NAME_MAX];
    unsigned long offset;

    printer_printf(out, "image      %s", image_part(va));
    if (kernel_text_address(va) && ksym_lookup(va, name, &offset, NULL))
        printer_printf(out, ", %s+%#lx", name, offset);
    printer_puts(out, "\n");
}

static void print_fixmap(unsigned long va, struct printer *out)
{
    unsigned long index = (FIXMAP_TOP - 1 - va) / PAGE_SIZE;

    printer_puts(out, "window     ");
    if (index > FIX_KMAP_LOCAL_END)
        printer_puts(out, "none");
    else if (index >= FIX_KMAP_LOCAL)
        printer_printf(out, "kmap_local_page of CPU %lu, depth %lu",
                       (index - FIX_KMAP_LOCAL) / KMAP_LOCAL_MAX,
                       (index - FIX_KMAP_LOCAL) % KMAP_LOCAL_MAX);
    else if (index >= FIX_PKMAP)
        printer_printf(out, "kmap, slot %lu", index - FIX_PKMAP);
    else
        printer_puts(out, index >= FIX_EARLY ? "early_ioremap" : "self-tests");
    printer_puts(out, "\n");
}

static void print_flags(const struct page *page, struct printer *out)
{
    static const char *const names[] = {
        [PG_reserved] = "reserved", [PG_buddy] = "buddy",
        [PG_slab] = "slab",         [PG_head] = "head",
        [PG_tail] = "tail",         [PG_dirty] = "dirty",
        [PG_uptodate] = "uptodate", [PG_lru] = "lru",
        [PG_locked] = "locked",     [PG_anon] = "anon",
        [PG_highmem] = "highmem",   [PG_hole] = "hole"};
    size_t i;

    for (i = 0; i < ARRAY_SIZE(names); i++)
        if (names[i] && page_test(page, i))
            printer_printf(out, " %s", names[i]);
}

void what_print_frame(pfn_t pfn, struct printer *out)
{
    char name[KSYM_NAME_MAX];
    struct page *page, *block;

    printer_printf(out, "frame      %#lx: ", pfn);
    if (!pfn_valid(pfn)) {
        printer_printf(out, "no struct page: %s",
                       physmap_is_ram(PFN_PHYS(pfn), PFN_PHYS(pfn + 1))
                           ? "RAM that nothing has needed yet, "
                           : "no RAM, ");
        resource_print_at(PFN_PHYS(pfn), out);
        printer_puts(out, "\n");
        return;
    }
    page = pfn_to_page(pfn);
    block = page_block(page);
    if (page_test(block, PG_head))
        printer_printf(out, "page %lu of a block of %lu, ", page - block,
                       1ul << block->order);
    printer_printf(out, "%s, %d references, %d mappings, flags",
                   page_owner_names[page_owner_of(page)], page_count(page),
                   page_mapcount(page) +
                       (page_test(page, PG_tail) ? page_mapcount(block) : 0));
    print_flags(page, out);
    printer_puts(out, "\n");
    if (page_site(page) &&
        ksym_lookup((unsigned long)page_site(page), name, NULL, NULL))
        printer_printf(out, "allocated  by %s\n", name);
}

static void print_line(void *arg, const char *line)
{
    printer_printf(arg, "%s\n", line);
}

/* The levels of a walk; what it ends in is said by the caller. */
static void print_level(void *arg, const char *line)
{
    if (strchr(line, '['))
        printer_printf(arg, "level      %s\n", line);
}

/* Whether ring 3's own table has it too. */
static void print_hidden(struct mm_struct *mm, unsigned long va,
                         struct printer *out)
{
    struct pt_walk walk;

    pt_walk_address(pti_user_root(mm->root), va, &walk);
    printer_printf(out, "pti=on     %s\n",
                   walk.leaf_level < 0
                       ? "hidden while ring 3 runs"
                       : "mapped while ring 3 runs: entries need it");
}

pfn_t what_print(struct mm_struct *mm, unsigned long va, struct printer *out)
{
    struct region region = find_region(va);
    struct pt_walk walk;

    printer_printf(out, "address    0x%016lx\nclass      %s\nregion     %s\n",
                   va, region.class, region.name);
    if (va < (unsigned long)TASK_SIZE_5L)
        print_vma(mm, va, out);
    if (va >= VMALLOC_START && va < VMALLOC_END)
        print_area(va, out);
    if (va >= KERNEL_BASE && va < KERNEL_BASE + KERNEL_IMAGE_SIZE)
        print_image(va, out);
    if (va >= MODULES_END && va < FIXMAP_TOP)
        print_fixmap(va, out);
    if (!is_canonical(va)) { /* #GP, and no walk */
        printer_puts(out, "frame      none\n");
        return WHAT_NO_FRAME;
    }
    pt_print_walk(mm->root, va, print_level, out);
    pt_walk_address(mm->root, va, &walk);
    if (walk.leaf_level < 0) {
        printer_puts(out, "frame      none: nothing is mapped here\n");
        return WHAT_NO_FRAME;
    }
    printer_printf(out, "physical   %pa, by a page of %lu KiB\n", &walk.phys,
                   pt_span(walk.leaf_level) / KIB);
    if (pti_on && (s64)va < 0)
        print_hidden(mm, va, out);
    what_print_frame(PFN_DOWN(walk.phys), out);
    return PFN_DOWN(walk.phys);
}

struct place_list {
    struct what_place *places;
    size_t n, max;
};

static bool note_place(struct rmap_place *place, struct page *page, void *arg)
{
    struct place_list *list = arg;

    if (!rmap_shows(place, page))
        return true;
    if (list->n < list->max)
        list->places[list->n] =
            (struct what_place){place->vma->vm_mm, place->addr};
    list->n++;
    return true;
}

long what_find_places(pfn_t pfn, struct what_place *places, size_t max)
{
    struct place_list list = {.places = places, .max = max};
    struct page *page = pfn_valid(pfn) ? pfn_to_page(pfn) : NULL;
    struct page *head = page ? compound_head(page) : NULL;
    struct rmap rmap;
    bool known;

    if (!head || !get_page_unless_zero(head))
        return -ENOENT;
    known = compound_head(page) == head && rmap_open(&rmap, page);
    if (known) {
        rmap_walk(&rmap, note_place, &list);
        rmap_close(&rmap);
    }
    put_page(head);
    return known ? (long)list.n : -ENOENT;
}

void what_print_place(unsigned long va, const char *whose, struct printer *out)
{
    printer_printf(out, "mapped at  %#018lx %s%s\n", va, whose,
                   what_region(va));
}

size_t what_print_mappings(pte_t *root, unsigned long start, unsigned long end,
                           pfn_t pfn, const char *whose, size_t max,
                           struct printer *out)
{
    struct pt_cursor c;
    size_t n = 0;

    for (pt_start(&c, root, start, end); c.slot; pt_next(&c)) {
        pfn_t first = pte_pfn(*c.slot);
        unsigned long va;

        if (!pte_present(*c.slot) || pfn < first ||
            pfn >= first + (pt_span(c.level) >> PAGE_SHIFT))
            continue;
        va = c.va + PFN_PHYS(pfn - first);
        if (n++ < max)
            what_print_place(va, whose, out);
    }
    return n;
}

void what_print_walk(pte_t *root, unsigned long va, struct printer *out)
{
    pt_print_walk(root, va, print_line, out);
}
