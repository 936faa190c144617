/*
 * mm/entry_area.c - the CPU entry area: what the CPU touches on its way into
 * the kernel, at addresses where guard pages separate the stacks.
 *
 * kernel/x86/entry_area.h says which page of a CPU's store shows where.  The
 * IDT stands first and is shared.  With pti=on the same is mapped in the table
 * from which ring 3's are made, and the entry code, where the image has it.
 */
#include <kernel/core/panic.h>
#include <kernel/core/percpu.h>
#include <kernel/x86/entry_area.h>
#include <mm/init.h>
#include <mm/memory.h>

/* A page of the image or of the direct map. */
static phys_addr_t phys_of(const void *va)
{
    struct pt_walk walk;

    pt_walk_address(master_table, (unsigned long)va, &walk);
    BUG_ON(walk.leaf_level < 0);
    return walk.phys;
}

static void map_in(pte_t *root, unsigned long va, const void *page,
                   pgprot_t prot)
{
    if (pt_map_range(root, va, phys_of(page), PAGE_SIZE, prot, 0) < 0)
        panic("no memory for the CPU entry area");
}

static void show(unsigned long va, const void *page, pgprot_t prot)
{
    map_in(master_table, va, page, prot);
    if (pti_on)
        map_in(pti_user_root(master_table), va, page, prot);
}

/* What all CPUs share: the IDT, and for ring 3's tables the entry code. */
static void show_shared(void)
{
    show(CPU_ENTRY_AREA_BASE, idt_page, PAGE_KERNEL_RO);
    if (!pti_on)
        return;
    for (char *text = __entry_text_start; text < __entry_text_end;
         text += PAGE_SIZE)
        map_in(pti_user_root(master_table), (unsigned long)text, text,
               PAGE_KERNEL_EXEC);
}

void entry_area_map(struct entry_store *store, unsigned int cpu)
{
    unsigned long window = entry_window(CPU_ENTRY_AREA_BASE, cpu);

    if (cpu == 0)
        show_shared();
    for (size_t i = 0; i < ENTRY_WINDOW_ROWS; i++) {
        const struct entry_window_row *row = &entry_window_rows[i];

        for (unsigned int p = 0; p < row->pages; p++)
            show(window + (row->window_page + p) * PAGE_SIZE,
                 (u8 *)store + (row->store_page + p) * PAGE_SIZE,
                 row->writable ? PAGE_KERNEL : PAGE_KERNEL_RO);
    }
    entry_area_use(store, CPU_ENTRY_AREA_BASE, window);
    if (!pti_on)
        return;
    show(window + ENTRY_CODE_PAGE * PAGE_SIZE, syscall_page, PAGE_KERNEL_EXEC);
    entry_area_hide(store, window);
    /* RSP0 stays the entry stack's top, whoever runs. */
    this_cpu_write(cpu_tss, &store->tables.unused);
}
