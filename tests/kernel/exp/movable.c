/*
 * tests/kernel/exp/movable.c - which pages compaction moves: whether a frame
 * number that somebody wrote down stays true.
 */
#include <tests/kernel/exp/exp.h>
#include <tests/kernel/mm_probe.h>

#include <kernel/lib/string.h>
#include <mm/compact.h>
#include <mm/kmap.h>
#include <mm/page.h>

#define AT 0x40000000ul

static u8 byte_of(struct page *page)
{
    u8 *at = kmap_local_page(page), byte = *at;

    kunmap_local(at);
    return byte;
}

static void set_byte(struct page *page, u8 byte)
{
    u8 *at = kmap_local_page(page);

    *at = byte;
    kunmap_local(at);
}

/* Everything that could move this frame. */
static int try_to_move(pfn_t pfn)
{
    int err;

    compact_all();
    err = alloc_contig_range(pfn, pfn + 1, GFP_KERNEL, OWNER_TEST);
    if (!err)
        free_contig_range(pfn, 1);
    return err;
}

/* ---- 2.3 ---- */

/* What compaction would do if it thought that it may: a new frame with the
 * contents, which nobody told the program's entry about. */
static void move_wrongly(struct page **page)
{
    struct page *to = alloc_pages_owner(GFP_HIGHUSER_MOVABLE, 0, OWNER_TEST);

    if (!to)
        return;
    copy_highpage(to, *page);
    *page = to;
}

static void mapped_by_pfn(struct exp *e, struct mm_struct *mm,
                          struct page *page)
{
    struct page *drivers = page;
    struct vm_area_struct *vma;
    u8 seen;
    int err;

    probe_map(mm, AT, 1, PROBE_RW, MAP_SHARED | MAP_FIXED);
    vma = find_vma(mm, AT);
    if (!exp_check(e,
                   vma && !remap_pfn_range(vma, AT, page_to_pfn(page),
                                           PAGE_SIZE, vma->vm_page_prot),
                   "the page cannot be mapped"))
        return;
    err = try_to_move(page_to_pfn(page));
    if (e->broken)
        move_wrongly(&drivers);
    set_byte(drivers, 'B'); /* the driver writes, the program looks */
    seen = byte_of(pfn_to_page(pte_pfn(probe_entry(mm, AT))));
    exp_obs(e,
            "pfn=%#lx entry_pfn=%#lx contig_range=%d mapcount=%d refs=%d "
            "driver_wrote=B program_sees=%c",
            page_to_pfn(drivers), pte_pfn(probe_entry(mm, AT)), err,
            page_mapcount(page), page_count(page), seen);
    exp_check(e, err == -EBUSY, "the range was emptied under the mapping");
    exp_check(e, seen == 'B', "the program sees a stale frame");
    if (drivers != page)
        __free_page(drivers);
}

static void run_movable_by_pfn(struct exp *e)
{
    struct page *page = alloc_pages_owner(GFP_HIGHUSER_MOVABLE, 0, OWNER_TEST);
    struct mm_struct *mm = probe_mm();

    if (exp_check(e, page && mm, "no memory")) {
        set_byte(page, 'A');
        mapped_by_pfn(e, mm, page);
    }
    if (mm)
        mm_put(mm);
    __free_page(page);
    exp_answer(e, "nothing: no reverse map leads to it, so the page stays");
}

EXPERIMENT(movable_by_pfn) = {
    .id = "2.3",
    .question = "what does GFP_MOVABLE do for a page that is mapped by its "
                "frame number?",
    .claim = "it only chooses the pageblock; the page stays, and keeps that "
             "pageblock from being emptied",
    .broken = "the page is moved all the same",
    .run = run_movable_by_pfn,
};

/* ---- 2.9 ---- */

#define PAGES 64ul
enum { ANON, MLOCKED, PINNED, CACHED, KERNEL, NR_KINDS };

static const struct {
    const char *name;
    bool may_move;
} kinds[NR_KINDS] = {
    [ANON] = {"anon", true},      [MLOCKED] = {"mlocked", true},
    [PINNED] = {"pinned", false}, [CACHED] = {"shared", true},
    [KERNEL] = {"kernel", false},
};

struct mover {
    struct mm_struct *mm;
    unsigned long kernel;       /* of __get_free_page() */
    struct page *pinned[PAGES]; /* by get_user_pages() */
    long nr_pinned;
};

static unsigned long at(int kind, unsigned long i)
{
    return AT + (kind * PAGES + i) * PAGE_SIZE;
}

static pfn_t frame(struct mover *m, int kind, unsigned long i)
{
    if (kind == KERNEL)
        return PFN_DOWN(__pa((void *)m->kernel));
    return pte_pfn(probe_entry(m->mm, at(kind, i)));
}

static bool mover_fill(struct exp *e, struct mover *m)
{
    m->mm = probe_mm();
    m->kernel = __get_free_page(GFP_KERNEL);
    if (!m->mm || !m->kernel)
        return false;
    for (int kind = 0; kind < KERNEL; kind++) {
        probe_map(m->mm, at(kind, 0), PAGES, PROBE_RW,
                  MAP_FIXED | (kind == CACHED ? MAP_SHARED : MAP_PRIVATE));
        for (unsigned long i = 0; i < PAGES; i++)
            if (!probe_store(m->mm, at(kind, i), kind * PAGES + i))
                return false;
    }
    memset((void *)m->kernel, 0x5a, PAGE_SIZE);
    do_mlock(m->mm, at(MLOCKED, 0), PAGES * PAGE_SIZE, VM_LOCKED, true);
    down_read(&m->mm->mmap_lock);
    m->nr_pinned =
        get_user_pages(m->mm, at(PINNED, 0), PAGES, FOLL_WRITE, m->pinned);
    up_read(&m->mm->mmap_lock);
    if (e->broken) /* a driver that keeps frame numbers, not references */
        while (m->nr_pinned > 0)
            put_page(m->pinned[--m->nr_pinned]);
    return true;
}

static void mover_free(struct mover *m)
{
    while (m->nr_pinned > 0)
        put_page(m->pinned[--m->nr_pinned]);
    if (m->mm)
        mm_put(m->mm);
    free_page(m->kernel);
}

static bool contents_hold(struct mover *m, int kind)
{
    if (kind == KERNEL)
        return *(u8 *)m->kernel == 0x5a;
    for (unsigned long i = 0; i < PAGES; i++)
        if (probe_load(m->mm, at(kind, i)) != (u8)(kind * PAGES + i))
            return false;
    return true;
}

/* Asks for each frame of the kind; how many pages have another one then. */
static unsigned long move_kind(struct mover *m, int kind)
{
    unsigned long n = kind == KERNEL ? 1 : PAGES, moved = 0;

    for (unsigned long i = 0; i < n; i++) {
        pfn_t pfn = frame(m, kind, i);

        if (!alloc_contig_range(pfn, pfn + 1, GFP_KERNEL, OWNER_TEST))
            free_contig_range(pfn, 1);
        moved += kind == CACHED ? probe_load(m->mm, at(kind, i)) < 0 ||
                                      frame(m, kind, i) != pfn
                                : frame(m, kind, i) != pfn;
    }
    return moved;
}

static void look_at_kind(struct exp *e, struct mover *m, int kind)
{
    unsigned long n = kind == KERNEL ? 1 : PAGES, moved = move_kind(m, kind);
    bool whole = contents_hold(m, kind);

    exp_obs(e, "kind=%s pages=%lu moved=%lu contents=%s", kinds[kind].name, n,
            moved, whole ? "same" : "changed");
    exp_check(e, whole, "contents changed");
    if (kinds[kind].may_move)
        exp_check(e, moved > n / 2, "%s pages do not move", kinds[kind].name);
    else
        exp_check(e, moved == 0, "a %s page moved", kinds[kind].name);
}

static void run_what_moves(struct exp *e)
{
    struct compact_stats before = compact_stats;
    struct mover m = {0};

    if (exp_check(e, mover_fill(e, &m), "no memory")) {
        compact_all();
        exp_obs(e, "compaction: pages_moved=%llu stayed=%llu",
                (unsigned long long)compact_stats.migrate_success -
                    before.migrate_success,
                (unsigned long long)compact_stats.migrate_fail -
                    before.migrate_fail);
        for (int kind = 0; kind < NR_KINDS; kind++)
            look_at_kind(e, &m, kind);
    }
    mover_free(&m);
    exp_answer(e, "kernel pages and pinned ones never; anonymous ones may, "
                  "mlocked or not");
}

EXPERIMENT(what_moves) = {
    .id = "2.9",
    .question = "can memory of __get_free_page() move, and what do mlock and "
                "a pin keep in place?",
    .claim = "the kernel's pages stay; mlock keeps a page in memory, only a "
             "pin (a reference) keeps it where it is",
    .broken = "the pin holds no reference",
    .run = run_what_moves,
};
