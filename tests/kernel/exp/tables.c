/*
 * tests/kernel/exp/tables.c - one kernel half in every process's table: how it
 * got there, that it stays, and what a switch of tables does to it.
 */
#include <tests/kernel/exp/exp.h>
#include <tests/kernel/exp/touch.h>

#include <kernel/core/cmdline.h>
#include <kernel/core/irq.h>
#include <kernel/core/percpu.h>
#include <kernel/core/xcall.h>
#include <kernel/lib/string.h>
#include <kernel/task/task.h>
#include <kernel/x86/cpu.h>
#include <mm/mm.h>
#include <mm/page.h>
#include <mm/physmap.h>
#include <mm/tlb.h>
#include <mm/vmalloc.h>

#define ENTRIES 512
#define KERNEL_HALF 256
#define IGNORED (PTE_ACCESSED | PTE_DIRTY) /* the CPU sets them in each copy */

static unsigned int top_slot(unsigned long va)
{
    return va / pt_span(pgtable_levels - 1) % ENTRIES;
}

static size_t equal_slots(const pte_t *a, const pte_t *b, size_t from,
                          size_t to)
{
    size_t i, n = 0;

    for (i = from; i < to; i++)
        n += (a[i].val & ~IGNORED) == (b[i].val & ~IGNORED);
    return n;
}

/*
 * A root of the experiment's own: the kernel half of the master table, in the
 * broken variant without one slot.  NULL: no memory.
 */
static pte_t *make_root(bool without, unsigned long missing_va)
{
    /* at an even page with pti=on: an NMI must see the kernel's table */
    pte_t *root = (pte_t *)__get_free_pages(GFP_KERNEL | __GFP_ZERO, pti_on);

    if (!root)
        return NULL;
    memcpy(root + KERNEL_HALF, master_table + KERNEL_HALF,
           KERNEL_HALF * sizeof(*root));
    if (without)
        root[top_slot(missing_va)].val = 0;
    return root;
}

static void free_root(pte_t *root)
{
    if (root)
        free_pages((unsigned long)root, pti_on);
}

/* ---- 0.8 ---- */

/* What fork and execve use, or the broken variant's own copy. */
static pte_t *table_under_test(struct exp *e, struct mm_struct *mm,
                               pte_t **made)
{
    *made = e->broken ? make_root(true, VMALLOC_START) : NULL;
    return *made ? *made : mm->root;
}

static void run_graft(struct exp *e)
{
    const pte_t *mine = current->mm->root;
    struct mm_struct *mm;
    size_t equal, user_equal;
    pte_t *root, *made;
    unsigned int slot = top_slot(PAGE_OFFSET);

    if (vmalloc_lazy) {
        exp_skip(e, "vmalloc_sync=lazy is on");
        return;
    }
    mm = mm_create();
    if (!exp_check(e, mm != NULL, "no memory"))
        return;
    root = table_under_test(e, mm, &made);
    equal = equal_slots(root, master_table, KERNEL_HALF, ENTRIES);
    user_equal = equal_slots(root, mine, 0, KERNEL_HALF);
    exp_obs(e, "a_cr3=%#llx b_cr3=%#llx", (unsigned long long)__pa(mine),
            (unsigned long long)__pa(root));
    exp_obs(e, "kernel_half_equal_to_master=%zu/%d (ours %zu/%d)", equal,
            KERNEL_HALF, equal_slots(mine, master_table, KERNEL_HALF, ENTRIES),
            KERNEL_HALF);
    exp_obs(e, "user_half_equal=%zu/%d", user_equal, KERNEL_HALF);
    exp_obs(e, "next_level_of_direct_map master=%#lx a=%#lx b=%#lx",
            pte_pfn(master_table[slot]), pte_pfn(mine[slot]),
            pte_pfn(root[slot]));
    exp_check(e, equal == KERNEL_HALF, "a slot of the kernel half differs");
    exp_check(
        e, equal_slots(mine, master_table, KERNEL_HALF, ENTRIES) == KERNEL_HALF,
        "our own kernel half lags behind");
    exp_check(e, user_equal < KERNEL_HALF, "both have the same user half");
    exp_check(e, __pa(mine) != __pa(root), "one table for two");
    free_root(made);
    mm_put(mm);
    exp_answer(e, "256 top-level slots are copied, the tables below shared");
}

EXPERIMENT(graft) = {
    .id = "0.8",
    .question = "how does the kernel's table get into a process's?",
    .claim = "the upper 256 top-level entries are copied once; everything "
             "below them is shared",
    .broken = "the slot of vmalloc is forgotten in the copy",
    .run = run_graft,
};

/* ---- 0.9 ---- */

struct sample {
    const char *name;
    const u8 *va;
    pfn_t pfn; /* by our table */
    u8 value;
};

/* Reads every sample while `root` is loaded; faults become a mismatch. */
static size_t read_under(pte_t *root, struct sample *s, size_t n, u64 *cr3_seen)
{
    u64 flags = local_irq_save();
    u64 cr3 = read_cr3();
    size_t i, same = 0;

    write_cr3(__pa(root));
    *cr3_seen = read_cr3();
    for (i = 0; i < n; i++) {
        struct touch_result r = exp_touch(s[i].va, TOUCH_READ);

        same += !r.faulted && r.value == s[i].value;
    }
    write_cr3(cr3);
    local_irq_restore(flags);
    return same;
}

/* The same on another CPU, in its interrupt; every sample is mapped there, as
 * the walk of the table has shown. */
struct visit {
    const struct sample *s;
    size_t n, same;
    pte_t *root;
    u64 cr3;
};

static void visit_table(void *arg)
{
    struct visit *v = arg;
    u64 cr3 = read_cr3();
    size_t i;

    write_cr3(__pa(v->root));
    v->cr3 = read_cr3();
    for (i = 0; i < v->n; i++)
        v->same += *(const volatile u8 *)v->s[i].va == v->s[i].value;
    write_cr3(cr3);
}

static void switch_on_others(struct exp *e, pte_t *root, const struct sample *s,
                             size_t n)
{
    unsigned int cpu;

    for (cpu = 0; cpu < nr_cpus_online; cpu++) {
        struct visit v = {.s = s, .n = n, .root = root};

        if (cpu == smp_processor_id())
            continue;
        xcall(BIT(cpu), visit_table, &v);
        exp_obs(e, "cpu%u cr3=%#llx same_values=%zu/%zu", cpu,
                (unsigned long long)v.cr3, v.same, n);
        exp_check(e, v.same == n && v.cr3 == __pa(root),
                  "CPU %u saw other values", cpu);
    }
}

static void run_switch(struct exp *e)
{
    static const u8 in_text[] = "text";
    u8 *logical = (u8 *)get_zeroed_page(GFP_KERNEL);
    u8 *area = vmalloc(PAGE_SIZE);
    pte_t *a = make_root(false, 0), *b = make_root(e->broken, vmemmap_base);
    struct sample samples[] = {{.name = "direct", .va = logical},
                               {.name = "vmalloc", .va = area},
                               {.name = "image", .va = in_text},
                               {.name = "vmemmap"}};
    size_t n = ARRAY_SIZE(samples), same_a, same_b, i;
    u64 cr3_a, cr3_b, cr3 = read_cr3();

    if (!exp_check(e, logical && area && a && b, "no memory"))
        goto out;
    *logical = 0x5a;
    *area = 0xa5;
    samples[3].va = (u8 *)virt_to_page(logical);
    exp_watch_start();
    for (i = 0; i < n; i++) {
        struct pt_walk walk;

        exp_walk(samples[i].va, &walk);
        samples[i].pfn = PFN_DOWN(walk.phys);
        samples[i].value = exp_touch(samples[i].va, TOUCH_READ).value;
        exp_obs(e, "%s va=%p pfn=%#lx value=%#x", samples[i].name,
                samples[i].va, samples[i].pfn, samples[i].value);
        pt_walk_address(b, (unsigned long)samples[i].va, &walk);
        exp_check(e,
                  walk.leaf_level >= 0 && PFN_DOWN(walk.phys) == samples[i].pfn,
                  "%s: the other table leads elsewhere", samples[i].name);
    }
    same_a = read_under(a, samples, n, &cr3_a);
    same_b = read_under(b, samples, n, &cr3_b);
    exp_obs(e, "cr3=%#llx a=%#llx b=%#llx", (unsigned long long)cr3,
            (unsigned long long)cr3_a, (unsigned long long)cr3_b);
    exp_obs(e, "same_values_in_a=%zu/%zu in_b=%zu/%zu faults=%llu", same_a, n,
            same_b, n, (unsigned long long)exp_watch_faults());
    exp_check(e, cr3_a != cr3_b && cr3_a != cr3, "CR3 did not change");
    exp_check(e, same_a == n && same_b == n, "a value changed with the table");
    exp_check(e, !exp_watch_faults(), "the switch faulted");
    exp_watch_stop();
    if (!e->failed)
        switch_on_others(e, b, samples, n);
    exp_answer(e, "it never leaves: stack, code and data are at the same "
                  "addresses in both");
out:
    free_root(b);
    free_root(a);
    vfree(area);
    free_page((unsigned long)logical);
}

EXPERIMENT(switch_tables) = {
    .id = "0.9",
    .question = "when CR3 changes from A to B, how does the kernel find "
                "itself?",
    .claim = "its half is the same in both, so nothing moves",
    .broken = "B lacks the slot of the struct page array",
    .run = run_switch,
};

/* ---- 0.11 ---- */

static void run_sweep(struct exp *e)
{
    const struct phys_range *range;
    size_t n = physmap_ranges(&range), i;
    u64 pages = 0, refused = 0;

    if (cmdline_has("debug_pagealloc")) {
        exp_skip(e, "debug_pagealloc takes free pages out of the direct map");
        return;
    }
    exp_watch_start();
    for (i = 0; i < n; i++) {
        pfn_t pfn = PFN_UP(range[i].start), end = PFN_DOWN(range[i].end);

        if (range[i].type != PHYS_RAM)
            continue;
        while (pfn < end) {
            if (!pfn_valid(pfn)) { /* not online: no struct page yet */
                pfn = ALIGN_DOWN(pfn, MIB / PAGE_SIZE) + MIB / PAGE_SIZE;
                continue;
            }
            if (!page_test(pfn_to_page(pfn), PG_highmem)) {
                pages++;
                refused += exp_touch(__va(PFN_PHYS(pfn)), TOUCH_READ).faulted;
            }
            pfn++;
        }
    }
    if (e->broken) /* one address that is no RAM */
        refused += exp_touch((void *)(PAGE_OFFSET + PHYS_LIMIT - PAGE_SIZE),
                             TOUCH_READ)
                       .faulted;
    exp_obs(e, "pages=%llu kernel_faults=%llu", (unsigned long long)pages,
            (unsigned long long)exp_watch_faults());
    exp_check(e, pages > 0, "no page was looked at");
    exp_check(e, !refused && !exp_watch_faults(), "the direct map faulted");
    exp_watch_stop();
    exp_answer(e, "false: the direct map is filled beforehand and never "
                  "faults");
}

EXPERIMENT(sweep) = {
    .id = "0.11",
    .question = "is kernel logical space mapped on demand by the fault "
                "handler?",
    .claim = "no; it is mapped when the memory comes online",
    .broken = "one address behind the end of RAM is touched too",
    .run = run_sweep,
};

/* ---- 1.4 ---- */

static void run_vmalloc_sync(struct exp *e)
{
    pte_t *b = make_root(e->broken, VMALLOC_START); /* older than the call */
    struct sample s = {.name = "vmalloc"};
    struct pt_walk here, there;
    u8 *area = NULL;
    size_t same = 0;
    u64 cr3;

    if (vmalloc_lazy) {
        exp_skip(e, "vmalloc_sync=lazy is on");
        goto out;
    }
    area = vmalloc(PAGE_SIZE);
    if (!exp_check(e, b && area, "no memory"))
        goto out;
    *area = 0x77;
    s.va = area;
    s.value = 0x77;
    exp_walk(area, &here);
    pt_walk_address(b, (unsigned long)area, &there);
    exp_watch_start();
    if (there.leaf_level >= 0) /* its stack may lie in that slot as well */
        same = read_under(b, &s, 1, &cr3);
    exp_obs(e, "pte_at_return=%s top_slot_in_b=%s sync_faults=%llu read=%zu/1",
            here.leaf_level >= 0 ? "present" : "none",
            there.leaf_level >= 0 ? "filled" : "empty",
            (unsigned long long)exp_watch_faults(), same);
    exp_check(e, here.leaf_level >= 0, "vmalloc returned without an entry");
    exp_check(e, there.leaf_level >= 0 && there.phys == here.phys,
              "an older table does not see it");
    exp_check(e, same == 1 && !exp_watch_faults(), "the other table faulted");
    exp_watch_stop();
    exp_answer(e, "at once: the top-level slots are filled at boot");
out:
    vfree(area);
    free_root(b);
}

EXPERIMENT(vmalloc_sync) = {
    .id = "1.4",
    .question = "does a process that existed before see what vmalloc maps?",
    .claim = "at once and without a fault; the fault-based synchronisation of "
             "older books is gone",
    .broken = "the older table lacks the top-level slot",
    .run = run_vmalloc_sync,
};

/* ---- 1.12 ---- */

#define SWITCHES 1000
#define FNV_START 0xcbf29ce484222325ull
#define FNV_PRIME 0x100000001b3ull

/* Every leaf of the kernel half, in order; *leaves counts them. */
static u64 hash_kernel_half(pte_t *root, size_t *leaves)
{
    unsigned long start = -(pt_span(pgtable_levels - 1) * KERNEL_HALF);
    u64 hash = FNV_START;
    struct pt_cursor c;

    *leaves = 0;
    for (pt_start(&c, root, start, -PAGE_SIZE); c.slot; pt_next(&c)) {
        if (!pte_present(*c.slot))
            continue;
        (*leaves)++;
        hash = (hash ^ c.va ^ (c.slot->val & ~IGNORED)) * FNV_PRIME;
    }
    return hash;
}

/* What the books' sentence would mean: entries written at a switch. */
static void rewrite_entry(unsigned long va)
{
    struct pt_cursor c;

    pt_start(&c, master_table, va, va + PAGE_SIZE);
    if (c.slot)
        pt_set(&c, (pte_t){c.slot->val ^ PTE_SOFT_DIRTY});
}

static void run_switches(struct exp *e)
{
    pte_t *a = make_root(false, 0), *b = make_root(false, 0);
    void *area = vmalloc(PAGE_SIZE);
    u64 before, after, flags, cr3;
    size_t leaves, leaves_after;
    int i;

    if (!exp_check(e, a && b && area, "no memory"))
        goto out;
    before = hash_kernel_half(master_table, &leaves);
    for (i = 0; i < SWITCHES; i++) {
        flags = local_irq_save();
        cr3 = read_cr3();
        write_cr3(__pa(i % 2 ? a : b));
        if (e->broken && i == SWITCHES / 2)
            rewrite_entry((unsigned long)area);
        write_cr3(cr3);
        local_irq_restore(flags);
    }
    after = hash_kernel_half(master_table, &leaves_after);
    exp_obs(e, "cr3_writes=%d leaves=%zu hash_before=%#llx hash_after=%#llx",
            2 * SWITCHES, leaves, (unsigned long long)before,
            (unsigned long long)after);
    exp_check(e, leaves > 0 && leaves == leaves_after && before == after,
              "entries of the kernel half were written");
    exp_obs(e, "pte_changes=%s", before == after ? "0" : "some");
    exp_answer(e, "no entry is written: a switch is one store to CR3");
out:
    vfree(area);
    free_root(b);
    free_root(a);
}

EXPERIMENT(switches) = {
    .id = "1.12",
    .question = "are page-table entries written anew at each process switch?",
    .claim = "neither the kernel's nor the programs'; only CR3 is",
    .broken = "one of the switches rewrites an entry",
    .run = run_switches,
};
