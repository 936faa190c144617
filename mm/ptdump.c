/*
 * mm/ptdump.c - the whole kernel half, neighbours of the same kind merged.
 *
 * One line a range: bounds, size, how many entries of which level, rights.
 * Reads live tables without a lock: what changes meanwhile shows as it is
 * met.
 */
#include <kernel/lib/printer.h>
#include <mm/memory.h>
#include <mm/report.h>
#include <mm/what.h>

/* What makes two leaves the same kind. */
#define KIND_BITS                                                              \
    (PTE_PRESENT | PTE_WRITE | PTE_USER | PTE_PWT | PTE_PCD | PTE_GLOBAL |     \
     PTE_NX)

struct ptdump_range {
    unsigned long start, end;
    pte_t pte; /* of its first leaf */
    int level;
    const char *region;
};

static u64 kind(pte_t pte)
{
    return pte.val & KIND_BITS;
}

static void print_range(const struct ptdump_range *r, struct printer *out)
{
    char words[80];

    if (r->start == r->end)
        return;
    pte_describe(r->pte, r->level, words, sizeof(words));
    printer_printf(out, "0x%016lx-0x%016lx %10lluK %s %s\n", r->start, r->end,
                   (unsigned long long)(r->end - r->start) >> 10,
                   pt_level_name(r->level), words);
}

static void add_leaf(struct ptdump_range *r, const struct pt_cursor *c,
                     struct printer *out)
{
    const char *region = what_region(c->va);

    if (r->end != c->va || r->level != c->level ||
        kind(r->pte) != kind(*c->slot) || r->region != region) {
        print_range(r, out);
        if (r->region != region)
            printer_printf(out, "---[ %s ]---\n", region);
        *r = (struct ptdump_range){c->va, c->va, *c->slot, c->level, region};
    }
    r->end += pt_span(c->level);
}

static void dump_kernel_half(pte_t *root, struct printer *out)
{
    struct ptdump_range range = {.level = -1};
    struct pt_cursor c;

    pt_start(&c, root, -(1ul << (PAGE_SHIFT + 9 * pgtable_levels - 1)), 0);
    for (; c.slot; pt_next(&c))
        if (pte_present(*c.slot))
            add_leaf(&range, &c, out);
    print_range(&range, out);
}

void ptdump_report(struct printer *out)
{
    dump_kernel_half(master_table, out);
    if (!pti_on)
        return;
    printer_puts(out, "---[ what ring 3's tables show of it (pti=on) ]---\n");
    dump_kernel_half(pti_user_root(master_table), out);
}
