/*
 * tests/kernel/exp/hidden.c - what ring 3's own table shows of the kernel
 * (pti=on); a part of experiment 1.15.
 */
#include <tests/kernel/exp/exp.h>

#include <kernel/task/task.h>
#include <kernel/x86/entry_area.h>
#include <mm/layout.h>
#include <mm/mm.h>
#include <mm/page.h>
#include <mm/pgtable.h>

#define RUNS_MAX 24 /* lines; a table that hides nothing has many more */

struct run {
    unsigned long start, end;
    bool write, exec;
};

struct shown {
    struct exp *exp;
    struct run run;
    size_t pages, lines, foreign;
};

/* The entry code in the image, or anything in the CPU entry area. */
static bool needed_by_entry(unsigned long va)
{
    unsigned long area_end = entry_window(CPU_ENTRY_AREA_BASE, NR_CPUS_MAX);

    return (va >= (unsigned long)__entry_text_start &&
            va < (unsigned long)__entry_text_end) ||
           (va >= CPU_ENTRY_AREA_BASE && va < area_end);
}

static void print_run(struct shown *s)
{
    const struct run *r = &s->run;

    if (r->start < r->end && s->lines++ < RUNS_MAX)
        exp_obs(s->exp, "user_cr3_shows=%#lx-%#lx pages=%lu %s%s", r->start,
                r->end, (r->end - r->start) >> PAGE_SHIFT,
                r->write ? "rw" : "r", r->exec ? "x" : "");
}

static void add_leaf(struct shown *s, const struct pt_cursor *c)
{
    unsigned long span = pt_span(c->level);
    bool write = pte_write(*c->slot), exec = !(c->slot->val & PTE_NX);

    s->pages += span >> PAGE_SHIFT;
    s->foreign += needed_by_entry(c->va) ? 0 : span >> PAGE_SHIFT;
    if (c->va != s->run.end || write != s->run.write || exec != s->run.exec) {
        print_run(s);
        s->run = (struct run){c->va, c->va, write, exec};
    }
    s->run.end += span;
}

static size_t kernel_slots(const pte_t *root)
{
    size_t n = 0, i;

    for (i = 256; i < 512; i++)
        n += !pte_none(root[i]);
    return n;
}

/* Slots of the user half that lead elsewhere, or may not be executed where
 * ring 3 should, or may be where the kernel should not. */
static size_t unequal_slots(const pte_t *root)
{
    const pte_t *user = pti_user_root((pte_t *)root);
    u64 nx = PTE_NX & pte_supported_mask;
    size_t n = 0, i;

    for (i = 0; i < 256; i++) {
        u64 want = root[i].val ? user[i].val | nx : 0;

        n += root[i].val != want || user[i].val & nx;
    }
    return n;
}

void exp_hidden(struct exp *e, pte_t *root)
{
    pte_t *user = e->broken ? root : pti_user_root(root);
    struct shown s = {.exp = e};
    struct pt_cursor c;

    if (!pti_on) {
        exp_obs(e, "pti=off user_cr3_kernel_slots=%zu", kernel_slots(root));
        return;
    }
    pt_start(&c, user, -(pt_span(pgtable_levels - 1) * 256), 0);
    for (; c.slot; pt_next(&c))
        if (pte_present(*c.slot))
            add_leaf(&s, &c);
    print_run(&s);
    exp_obs(e,
            "pti=on kernel_cr3_slots=%zu user_cr3_kernel_slots=%zu "
            "user_cr3_kernel_pages=%zu",
            kernel_slots(root), kernel_slots(user), s.pages);
    exp_check(e, !s.foreign,
              "%zu pages that entering the kernel does not need are in ring "
              "3's table",
              s.foreign);
    exp_check(e, s.pages > 0, "ring 3's table cannot enter the kernel");
    exp_check(e, !unequal_slots(root), "%zu slots of the user half differ",
              unequal_slots(root));
}
