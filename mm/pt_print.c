/*
 * mm/pt_print.c - one address through all levels, for people: panic, `what`,
 * experiments, gdb.
 *
 * Believes nothing: the root may be anybody's CR3 and an entry rubbish.
 */
#include <kernel/lib/format.h>
#include <kernel/lib/string.h>
#include <mm/memory.h>

const char *pt_level_name(int level)
{
    static const char *const names[] = {"PTE", "PMD", "PUD", "P4D", "PGD"};

    if (level == (int)pgtable_levels - 1)
        return "PGD";
    return names[level];
}

void pt_walk_address(pte_t *root, unsigned long va, struct pt_walk *walk)
{
    pte_t *table = root;

    *walk = (struct pt_walk){
        .leaf_level = -1, .write = true, .user = true, .exec = true};
    for (int level = pgtable_levels - 1; level >= 0; level--) {
        pte_t pte = table[pt_index(va, level)];

        walk->entry[walk->levels++] = pte;
        if (!(pte.val & PTE_PRESENT))
            return;
        walk->write &= !!(pte.val & PTE_WRITE);
        walk->user &= !!(pte.val & PTE_USER);
        if (!pti_on || level < (int)pgtable_levels - 1 || (s64)va < 0)
            walk->exec &= !(pte.val & PTE_NX); /* else: not in ring 3's table */
        if (!pte_is_table(pte, level)) {
            unsigned long in = pt_span(level) - 1;

            walk->leaf_level = level;
            walk->phys = (pte.val & PTE_PFN_MASK & ~in) | (va & in);
            return;
        }
        if (!pt_table_reachable(pte.val & PTE_PFN_MASK))
            return;
        table = __va(pte.val & PTE_PFN_MASK);
    }
}

int pte_describe(pte_t pte, int level, char *buf, size_t size)
{
    static const char *const modes[] = {"WB", "WC", "UC-", "UC", "WT"};
    u64 v = pte.val;

    if (!v)
        return scnprintf(buf, size, "none");
    if (!(v & PTE_PRESENT))
        return scnprintf(buf, size, "not present%s",
                         v & PTE_PROTNONE ? " (PROT_NONE)" : "");
    if (pte_is_table(pte, level))
        return scnprintf(
            buf, size, "table%s%s%s", v & PTE_WRITE ? " rw" : " ro",
            v & PTE_USER ? " user" : " kernel", v & PTE_NX ? " nx" : "");
    return scnprintf(
        buf, size, "%s %s %s %s %s%s%s%s%s",
        level == 2   ? "1 GiB page"
        : level == 1 ? "2 MiB page"
                     : "4 KiB page",
        v & PTE_WRITE ? "rw" : "ro", v & PTE_USER ? "user" : "kernel",
        v & PTE_NX ? "nx" : "x", modes[pte_cache_mode(pte, level)],
        v & PTE_GLOBAL ? " global" : "", v & PTE_ACCESSED ? " accessed" : "",
        v & PTE_DIRTY ? " dirty" : "", v & PTE_SPECIAL ? " special" : "");
}

void pt_print_walk(pte_t *root, unsigned long va,
                   void (*print)(void *arg, const char *line), void *arg)
{
    char line[128];
    struct pt_walk walk;
    int n;

    pt_walk_address(root, va, &walk);
    for (int i = 0; i < walk.levels; i++) {
        int level = pgtable_levels - 1 - i;

        n = scnprintf(line, sizeof(line), "%s[%3u] %016llx ",
                      pt_level_name(level), pt_index(va, level),
                      (unsigned long long)walk.entry[i].val);
        pte_describe(walk.entry[i], level, line + n, sizeof(line) - n);
        print(arg, line);
    }
    if (walk.leaf_level >= 0)
        scnprintf(line, sizeof(line), "%016lx is physical %llx, %s%s%s", va,
                  (unsigned long long)walk.phys,
                  walk.write ? "writable" : "read-only",
                  walk.user ? ", ring 3 may" : "",
                  walk.exec ? ", executable" : "");
    else
        scnprintf(line, sizeof(line), "%016lx is not mapped", va);
    print(arg, line);
}
