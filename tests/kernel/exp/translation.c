/*
 * tests/kernel/exp/translation.c - from an address to memory: the kinds of
 * address, the table and the CPU's copy of it, and what CR3 and the entries
 * hold.
 */
#include <tests/kernel/exp/exp.h>
#include <tests/kernel/exp/touch.h>

#include <kernel/core/cmdline.h>
#include <kernel/core/irq.h>
#include <kernel/lib/string.h>
#include <kernel/task/task.h>
#include <kernel/x86/cpu.h>
#include <mm/io.h>
#include <mm/kmap.h>
#include <mm/page.h>
#include <mm/physmap.h>
#include <mm/slab.h>
#include <mm/tlb.h>
#include <mm/uaccess.h>
#include <mm/vma.h>
#include <mm/vmalloc.h>
#include <mm/what.h>

static const char *yes_no(bool b)
{
    return b ? "yes" : "no";
}

/* ---- 0.3 ---- */

/* One row: does the arithmetic of logical addresses hold for it? */
static bool show_kind(struct exp *e, const char *kind, const void *va,
                      struct pt_walk *walk)
{
    phys_addr_t by_arithmetic = __pa(va);
    bool equal;

    exp_walk(va, walk);
    equal = walk->leaf_level >= 0 && walk->phys == by_arithmetic;
    exp_obs(e, "%s va=%p region=\"%s\" logical=%s walked=%pa equal=%s", kind,
            va, what_region((unsigned long)va), yes_no(virt_addr_valid(va)),
            &walk->phys, yes_no(equal));
    exp_check(e, walk->leaf_level >= 0, "%s: not mapped", kind);
    return equal;
}

/* Kernel virtual addresses: mapped, but __pa says nothing about them. */
static void check_virtual(struct exp *e, const char *kind, const void *va)
{
    struct pt_walk walk;
    bool equal = show_kind(e, kind, va, &walk);

    if (e->broken) /* believes the arithmetic */
        exp_check(e, equal, "%s: __pa is not where the table leads", kind);
    exp_check(e, !equal && !virt_addr_valid(va), "%s: taken for logical", kind);
}

static void run_kinds(struct exp *e)
{
    unsigned long user = task_user_regs(current)->rip;
    void *slab = kmalloc(64, GFP_KERNEL);
    void *area = vmalloc(PAGE_SIZE);
    struct pt_walk walk;

    if (!exp_check(e, slab && area, "no memory"))
        goto out;
    memset(area, 0, PAGE_SIZE); /* under vmalloc_sync=lazy it is mapped now */
    exp_check(e, show_kind(e, "kmalloc", slab, &walk) && virt_addr_valid(slab),
              "kmalloc: not a logical address");
    check_virtual(e, "vmalloc", area);
    check_virtual(e, "vmemmap", virt_to_page(slab));
    check_virtual(e, "stack", &walk);
    show_kind(e, "text", run_kinds, &walk);
    exp_check(e, walk.phys == __pa_symbol(run_kinds),
              "text: not at KERNEL_BASE + physical");
    exp_walk((void *)user, &walk);
    exp_obs(e, "user va=%#lx region=\"%s\" logical=%s walked=%pa", user,
            what_region(user), yes_no(virt_addr_valid((void *)user)),
            &walk.phys);
    exp_check(e, walk.user && !virt_addr_valid((void *)user),
              "user: taken for a kernel address");
    exp_obs(e, "bus: equal to physical, there is no IOMMU in use");
    exp_answer(e, "only logical addresses are physical + constant; the table "
                  "knows the rest");
out:
    vfree(area);
    kfree(slab);
}

EXPERIMENT(kinds) = {
    .id = "0.3",
    .question = "which kinds of address are there?",
    .claim = "user virtual, physical, bus, kernel logical (the direct map), "
             "kernel virtual (everything else)",
    .broken = "__pa is believed for kernel virtual addresses",
    .run = run_kinds,
};

/* ---- 0.6 ---- */

/*
 * Two pages of the direct map whose entries may be changed, taken once: the
 * tables that splitting a large page takes then are there for good.
 */
static struct page *split_sample(void)
{
    static struct page *pages;

    if (!pages)
        pages = alloc_pages_owner(GFP_KERNEL, 1, OWNER_TEST);
    return pages;
}

/* Leaves of the direct map by size. */
static void count_leaves(size_t count[3])
{
    unsigned long end = PAGE_OFFSET + physmap_ram_end();
    struct pt_cursor c;

    for (pt_start(&c, master_table, PAGE_OFFSET, end); c.slot; pt_next(&c))
        if (pte_present(*c.slot) && c.level < 3)
            count[c.level]++;
}

/* The 4-KiB entry of a direct-map page; splits what is larger. */
static bool own_entry(struct pt_cursor *c, const void *va)
{
    unsigned long start = (unsigned long)va & PAGE_MASK;

    pt_start(c, master_table, start, start + PAGE_SIZE);
    if (!c->slot || pt_grow(c, 0) < 0)
        return false;
    tlb_flush_kernel_range(start & ~(pt_span(2) - 1),
                           (start & ~(pt_span(2) - 1)) + pt_span(2));
    return c->slot && c->level == 0;
}

/* Takes the present bit away, tries, and gives it back. */
static struct touch_result touch_without(struct pt_cursor *c, const void *flush,
                                         const void *touch)
{
    u64 flags = local_irq_save();
    pte_t before = *c->slot;
    struct touch_result r;

    pt_set(c, (pte_t){before.val & ~PTE_PRESENT});
    tlb_flush_local_page((unsigned long)flush);
    r = exp_touch(touch, TOUCH_READ);
    pt_set(c, before);
    tlb_flush_local_page((unsigned long)flush);
    local_irq_restore(flags);
    return r;
}

static void run_logical(struct exp *e)
{
    struct page *pages = split_sample();
    char *p = pages ? page_address(pages) : NULL;
    struct touch_result r, next;
    size_t leaves[3] = {0};
    struct pt_cursor c;
    struct pt_walk walk;
    char words[80];

    if (!exp_check(e, p != NULL, "no memory"))
        return;
    exp_walk(p, &walk);
    exp_obs(e, "va=%p by_subtraction=%#llx by_walk=%pa", p,
            (unsigned long long)__pa(p), &walk.phys);
    exp_check(e, walk.leaf_level >= 0 && walk.phys == __pa(p),
              "the walk and the subtraction disagree");
    if (!exp_check(e, own_entry(&c, e->broken ? p + PAGE_SIZE : p),
                   "the large page could not be split"))
        return;
    exp_watch_start();
    r = touch_without(&c, p, p);
    next = exp_touch(p + PAGE_SIZE, TOUCH_READ);
    exp_obs(e, "present_bit_clear: by_subtraction=%#llx access=%s",
            (unsigned long long)__pa(p),
            exp_touch_words(&r, words, sizeof(words)));
    exp_check(e, r.faulted && r.cr2 == (u64)p && r.error == 0,
              "the access worked without an entry");
    exp_check(e, !next.faulted, "the split lost the neighbour");
    next = exp_touch(p, TOUCH_READ);
    exp_check(e, !next.faulted, "the entry did not come back");
    exp_watch_stop();
    count_leaves(leaves);
    exp_obs(e, "direct_map 4k=%zu 2m=%zu 1g=%zu", leaves[0], leaves[1],
            leaves[2]);
    exp_answer(e, "both: the kernel computes by subtraction, the CPU always "
                  "walks the table");
}

EXPERIMENT(logical) = {
    .id = "0.6",
    .question = "is a kernel logical address translated by the MMU, or just by "
                "subtraction?",
    .claim = "the CPU walks the table as for any address; the subtraction only "
             "foretells its result",
    .broken = "the present bit of the page after is cleared",
    .run = run_logical,
};

/* ---- 0.7 ---- */

static void run_tlb(struct exp *e)
{
    struct page *a = alloc_pages_owner(GFP_KERNEL, 0, OWNER_TEST);
    struct page *b = alloc_pages_owner(GFP_KERNEL, 0, OWNER_TEST);
    struct vm_struct *area = get_vm_area(PAGE_SIZE, VM_MAP);
    char before, stale, after;
    volatile char *va;
    struct pt_cursor c;
    u64 flags;

    if (!exp_check(e, a && b && area, "no memory"))
        goto out;
    va = (volatile char *)area->addr;
    *(char *)page_address(a) = 'A';
    *(char *)page_address(b) = 'B';
    if (!exp_check(
            e, pt_map_pages(master_table, area->addr, &a, 1, PAGE_KERNEL) == 0,
            "no memory"))
        goto out;
    pt_start(&c, master_table, area->addr, area->addr + PAGE_SIZE);
    flags = local_irq_save();
    before = *va; /* now the TLB knows it */
    pt_set(&c, pte_make(page_to_pfn(b), PAGE_KERNEL));
    stale = *va;
    if (!e->broken)
        tlb_flush_local_page(area->addr);
    after = *va;
    local_irq_restore(flags);
    exp_obs(e, "before=%c without_invlpg=%c after_invlpg=%c", before, stale,
            after);
    exp_check(e, before == 'A', "the first mapping did not show frame A");
    exp_check(e, stale == 'A' || stale == 'B', "neither frame was seen");
    exp_check(e, after == 'B', "the old frame is still seen after the flush");
    pt_unmap_range(master_table, area->addr, area->addr + PAGE_SIZE);
    tlb_flush_kernel_range(area->addr, area->addr + PAGE_SIZE);
    exp_answer(e, "after invlpg the new frame; before it either is legal");
out:
    if (area)
        free_vm_area(area);
    __free_pages(a, 0);
    __free_pages(b, 0);
}

EXPERIMENT(tlb) = {
    .id = "0.7",
    .question = "does a changed entry take effect at once?",
    .claim = "only once the CPU forgets its copy: the TLB is a cache that no "
             "one keeps coherent",
    .broken = "invlpg is left out",
    .run = run_tlb,
};

/* ---- 0.14 ---- */

/* Whether the frame that this entry names holds a page table. */
static bool names_table(struct exp *e, int level, u64 phys)
{
    pfn_t pfn = PFN_DOWN(phys);
    bool valid = pfn_valid(pfn);
    u8 owner = valid ? pfn_to_page(pfn)->owner : NR_PAGE_OWNERS;

    exp_obs(e, "%s phys=%#llx owner=%s", level < 0 ? "cr3" : "entry",
            (unsigned long long)phys,
            owner < NR_PAGE_OWNERS ? page_owner_names[owner] : "none");
    return owner == OWNER_PAGETABLE;
}

static void run_physical(struct exp *e)
{
    unsigned long user = task_user_regs(current)->rip;
    u64 cr3 = read_cr3() & PTE_PFN_MASK;
    struct pt_walk walk;
    int tables, i;

    exp_walk((void *)user, &walk);
    if (!exp_check(e, walk.leaf_level >= 0, "the program's code is not mapped"))
        return;
    exp_check(e, cr3 < PHYS_LIMIT && names_table(e, -1, cr3),
              "CR3 does not name a page table by physical address");
    tables = walk.levels - (e->broken ? 0 : 1);
    for (i = 0; i < tables; i++)
        exp_check(e, names_table(e, i, walk.entry[i].val & PTE_PFN_MASK),
                  "an entry does not name a page table");
    exp_obs(e, "leaf phys=%pa for va=%#lx", &walk.phys, user);
    exp_answer(e, "physical: every step leads to a frame that holds a table");
}

EXPERIMENT(physical) = {
    .id = "0.14",
    .question = "are CR3 and the entries physical addresses?",
    .claim = "yes: the walk itself cannot need a walk",
    .broken = "the program's page is taken for one table more",
    .run = run_physical,
};

/* ---- 3.6 ---- */

/* A byte of RAM by its physical address, with a window if need be. */
static bool read_physical(phys_addr_t phys, char *byte)
{
    struct page *page;
    bool ok;

    if (!pfn_valid(PFN_DOWN(phys)))
        return false;
    page = pfn_to_page(PFN_DOWN(phys));
    ok = !copy_from_kernel_nofault(byte, (char *)kmap(page) + phys % PAGE_SIZE,
                                   1);
    kunmap(page);
    return ok;
}

/* What the walk says, against what the CPU does: a byte stored by the physical
 * address must be seen by the virtual one. */
static void check_walk(struct exp *e, const char *kind, char *va, char *user)
{
    struct pt_walk walk;
    phys_addr_t phys;
    char seen = 0, by_cpu = 0;

    exp_walk(va ? va : user, &walk);
    phys = walk.phys;
    if (e->broken && walk.leaf_level > 0) /* as if every leaf were 4 KiB */
        phys = (walk.entry[walk.levels - 1].val & PTE_PFN_MASK) |
               ((unsigned long)va & ~PAGE_MASK);
    exp_obs(e,
            "%s va=%p levels=%d leaf_level=%d phys=%pa write=%d user=%d "
            "exec=%d",
            kind, va ? va : user, walk.levels, walk.leaf_level, &phys,
            walk.write, walk.user, walk.exec);
    if (!exp_check(e, walk.leaf_level >= 0, "%s: not mapped", kind))
        return;
    if (!read_physical(phys, &seen)) {
        exp_check(e, false, "%s: the walk leads out of RAM", kind);
        return;
    }
    if (va)
        by_cpu = *va;
    else if (copy_from_user(&by_cpu, (char __user *)user, 1))
        exp_check(e, false, "%s: not the program's", kind);
    exp_check(e, seen == by_cpu && phys == walk.phys,
              "%s: other memory than the CPU reads", kind);
}

/* An address that a page larger than 4 KiB maps, and not its first 4 KiB. */
static char *find_large(void)
{
    unsigned long end = PAGE_OFFSET + physmap_ram_end();
    struct pt_cursor c;

    for (pt_start(&c, master_table, PAGE_OFFSET, end); c.slot; pt_next(&c))
        if (pte_present(*c.slot) && c.level > 0)
            return (char *)c.va + PAGE_SIZE + 8;
    return NULL;
}

static long map_one(int prot)
{
    struct mmap_request req = {.len = PAGE_SIZE,
                               .prot = prot,
                               .flags = 0x22, /* private, anonymous */
                               .vm_flags_may =
                                   VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC};

    return do_mmap(current->mm, &req);
}

static void run_walks(struct exp *e)
{
    long anon = map_one(3 /* PROT_READ | PROT_WRITE */);
    char *slab = kmalloc(64, GFP_KERNEL);
    char *large = find_large();
    struct pt_walk walk;

    if (!exp_check(e, anon > 0 && slab, "no memory"))
        goto out;
    exp_walk((void *)anon, &walk);
    exp_obs(e, "untouched va=%#lx leaf_level=%d", anon, walk.leaf_level);
    exp_check(e, walk.leaf_level < 0, "a page nobody touched is mapped");
    if (!exp_check(e, !copy_to_user((char __user *)anon, "x", 1), "no page"))
        goto out;
    *slab = 's';
    check_walk(e, "user", NULL, (char *)anon);
    check_walk(e, "kernel", slab, NULL);
    check_walk(e, "text", (char *)run_walks, NULL);
    if (large)
        check_walk(e, "large", large, NULL);
    if (!large && cmdline_has("debug_pagealloc"))
        exp_skip(e, "debug_pagealloc leaves no large page in the direct map");
    else
        exp_check(e, large != NULL, "no large page in the direct map");
    if (!do_mprotect(current->mm, anon, PAGE_SIZE, 0)) {
        char byte;

        exp_walk((void *)anon, &walk);
        exp_obs(e, "prot_none va=%#lx hardware_present=%d", anon,
                walk.levels > 0 &&
                    (walk.entry[walk.levels - 1].val & PTE_PRESENT));
        exp_check(e, copy_from_user(&byte, (char __user *)anon, 1) == 1,
                  "a PROT_NONE page can be read");
    }
    exp_answer(e, "each walk leads to the byte that the CPU reads");
out:
    if (anon > 0)
        do_munmap(current->mm, anon, PAGE_SIZE);
    kfree(slab);
}

EXPERIMENT(walks) = {
    .id = "3.6",
    .question = "what do page tables look like for user, kernel, large and "
                "unmapped pages?",
    .claim = "4 or 5 levels; a leaf may stand higher up, and an absent entry "
             "ends the walk early",
    .broken = "the size bit of a large leaf is not looked at",
    .run = run_walks,
};
