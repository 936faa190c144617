/*
 * tests/kernel/exp/sharing.c - what several users of one table share: pages
 * of tables, translations that survive a switch, the mm_struct, its lock.
 */
#include <tests/kernel/exp/exp.h>
#include <tests/kernel/exp/touch.h>

#include <kernel/core/irq.h>
#include <kernel/sync/atomic.h>
#include <kernel/sync/rwsem.h>
#include <kernel/task/task.h>
#include <kernel/x86/cpu.h>
#include <mm/mm.h>
#include <mm/page.h>
#include <mm/tlb.h>
#include <mm/vmalloc.h>

#define LEVELS_MAX 5

/* ---- 1.13 ---- */

/* One page of addresses whose frame is changed behind the TLB's back. */
struct swap {
    struct page *page[2]; /* they hold 'A' and 'B' */
    struct vm_struct *area;
    struct pt_cursor c;
};

static bool swap_make(struct swap *s)
{
    int i;

    s->area = get_vm_area(PAGE_SIZE, VM_MAP);
    for (i = 0; i < 2; i++) {
        s->page[i] = alloc_pages_owner(GFP_KERNEL, 0, OWNER_TEST);
        if (s->page[i])
            *(char *)page_address(s->page[i]) = "AB"[i];
    }
    if (!s->area || !s->page[0] || !s->page[1] ||
        pt_map_pages(master_table, s->area->addr, s->page, 1, PAGE_KERNEL))
        return false;
    pt_start(&s->c, master_table, s->area->addr, s->area->addr + PAGE_SIZE);
    return true;
}

static void swap_free(struct swap *s)
{
    if (s->area) {
        pt_unmap_range(master_table, s->area->addr, s->area->addr + PAGE_SIZE);
        tlb_flush_kernel_range(s->area->addr, s->area->addr + PAGE_SIZE);
        free_vm_area(s->area);
    }
    __free_pages(s->page[0], 0);
    __free_pages(s->page[1], 0);
}

/* Loads the address, changes its frame, loads CR3 anew (or does not), loads
 * the address again, flushes it, and once more. */
static void swap_frames(struct swap *s, bool global, bool reload, char seen[3])
{
    volatile char *va = (volatile char *)s->area->addr;
    u64 keep = global ? PTE_GLOBAL & pte_supported_mask : 0;
    u64 bits = PAGE_KERNEL.bits & ~PTE_GLOBAL;
    u64 flags = local_irq_save();

    pt_set(&s->c, pte_make(page_to_pfn(s->page[0]), (pgprot_t){bits | keep}));
    tlb_flush_local_page(s->area->addr);
    seen[0] = *va;
    pt_set(&s->c, pte_make(page_to_pfn(s->page[1]), (pgprot_t){bits | keep}));
    if (reload)
        write_cr3(read_cr3());
    seen[1] = *va;
    tlb_flush_local_page(s->area->addr);
    seen[2] = *va;
    local_irq_restore(flags);
}

static void run_global(struct exp *e)
{
    u64 text = 0, user = 0;
    struct swap s = {0};
    struct pt_walk walk;
    char seen[3];

    if (!exp_check(e, swap_make(&s), "no memory"))
        goto out;
    exp_walk(run_global, &walk);
    if (walk.leaf_level >= 0)
        text = walk.entry[walk.levels - 1].val & PTE_GLOBAL;
    exp_walk((void *)task_user_regs(current)->rip, &walk);
    if (walk.leaf_level >= 0)
        user = walk.entry[walk.levels - 1].val & PTE_GLOBAL;
    exp_obs(e, "kernel_text_global=%d user_global=%d cr4_pge=%d pcid=%d",
            text != 0, user != 0, !!(read_cr4() & BIT(7)),
            !!(read_cr4() & BIT(17)));
    exp_check(e, !user, "a program's entry is global");
    exp_check(e, !text == (pti_on || !cpu_has(CPU_PGE)),
              pti_on ? "kernel text is global, and outlives the way out"
                     : "kernel text is not global");

    swap_frames(&s, false, !e->broken, seen);
    exp_obs(e, "not_global: before=%c after_cr3=%c after_invlpg=%c legal=B",
            seen[0], seen[1], seen[2]);
    exp_check(e, seen[1] == 'B', "a CR3 load left a translation behind");
    exp_check(e, seen[2] == 'B', "invlpg left a translation behind");
    swap_frames(&s, true, true, seen);
    exp_obs(e, "global: before=%c after_cr3=%c after_invlpg=%c legal=A|B",
            seen[0], seen[1], seen[2]);
    exp_check(e, seen[2] == 'B', "invlpg left a global translation behind");
    exp_answer(e, "what is not global never survives; what is global may, "
                  "until invlpg");
out:
    swap_free(&s);
}

EXPERIMENT(global) = {
    .id = "1.13",
    .question = "which translations survive a load of CR3?",
    .claim = "only global ones may (with PCID also those of a table that comes "
             "back unchanged), and only the kernel's are global",
    .broken = "CR3 is not loaded",
    .run = run_global,
};

/* ---- 1.15 ---- */

/* Pages of tables below the root that serve [start, end), by level. */
static void count_tables(pte_t *root, unsigned long start, unsigned long end,
                         size_t count[LEVELS_MAX])
{
    pte_t *last[LEVELS_MAX] = {NULL};
    struct pt_cursor c;
    int level;

    for (pt_start(&c, root, start, end); c.slot; pt_next(&c)) {
        for (level = c.level; level < (int)pgtable_levels - 1; level++) {
            if (c.table[level] == last[level])
                continue;
            last[level] = c.table[level];
            count[level]++;
        }
    }
}

static size_t sum(const size_t count[LEVELS_MAX])
{
    size_t total = 0;
    int level;

    for (level = 0; level < LEVELS_MAX; level++)
        total += count[level];
    return total;
}

/* Upper slots whose next table is not the master's own page. */
static size_t foreign_slots(const pte_t *root)
{
    size_t n = 0, i;

    for (i = 256; i < 512; i++)
        n += pte_pfn(root[i]) != pte_pfn(master_table[i]);
    return n;
}

static void run_sharing(struct exp *e)
{
    unsigned long kernel = -(pt_span(pgtable_levels - 1) * 256);
    const unsigned int own = pt_root_pages(); /* two with pti=on */
    pte_t *root =
        e->broken ? (pte_t *)get_zeroed_page(GFP_KERNEL) : current->mm->root;
    size_t shared[LEVELS_MAX] = {0}, private[LEVELS_MAX] = {0};
    size_t foreign;

    if (!exp_check(e, root != NULL, "no memory"))
        return;
    count_tables(master_table, kernel, -PAGE_SIZE, shared);
    count_tables(current->mm->root, 0, TASK_SIZE, private);
    foreign = foreign_slots(root);
    exp_obs(e, "shared_tables=%zu (1g=%zu 2m=%zu 4k=%zu) private_tables=%zu",
            sum(shared), shared[2], shared[1], shared[0], sum(private) + own);
    exp_obs(e, "kernel_slots_of_its_own=%zu accounted_table_pages=%lld",
            foreign, (long long)atomic_read(&current->mm->table_pages));
    exp_check(e, !foreign, "%zu kernel slots lead to other tables", foreign);
    exp_check(e, sum(shared) > 0 && sum(private) > 0, "nothing was counted");
    exp_check(e,
              sum(private) + own == (u64)atomic_read(&current->mm->table_pages),
              "the process is charged for other tables than it has");
    exp_hidden(e, current->mm->root);
    exp_answer(e,
               "a process owns its top table and the tables of its half; "
               "all others are everybody's%s",
               pti_on ? ", and its own table for ring 3 shows none of them but "
                        "what entering the kernel takes"
                      : "");
    if (e->broken)
        free_page((unsigned long)root);
}

EXPERIMENT(sharing) = {
    .id = "1.15",
    .question = "how much of a process's page table is its own?",
    .claim = "the top page (two with pti=on) and what serves its own half; the "
             "kernel's tables below the top are shared",
    .broken = "a table without the kernel's half is looked at, and the "
              "kernel's in place of ring 3's",
    .run = run_sharing,
};

/* ---- helpers for several threads ---- */

#define CREW_MAX 8

struct crew {
    atomic_t started, running;
    pid_t pid[CREW_MAX]; /* of those that started */
    struct wait_queue done;
};

static void crew_init(struct crew *crew)
{
    atomic_set(&crew->started, 0);
    atomic_set(&crew->running, 0);
    wait_queue_init(&crew->done);
}

static void crew_leave(struct crew *crew)
{
    if (atomic_dec_and_test(&crew->running))
        wake_up_all(&crew->done);
}

/* The first thing that a member does. */
static void crew_enter(struct crew *crew)
{
    crew->pid[atomic_add_return(&crew->started, 1) - 1] = current->pid;
}

/* Gives others the CPU for a moment. */
static void pause_a_little(void)
{
    DEFINE_WAIT_QUEUE(never);

    wait_event_until(&never, false, ktime_get() + NSEC_PER_MSEC);
}

static bool exists(pid_t pid)
{
    struct task_struct *task = task_find_get(pid);

    if (task)
        put_task(task);
    return task != NULL;
}

/* Waits until the threads are really gone, so that the ledger balances. */
static void crew_wait(struct crew *crew)
{
    int i;

    wait_event(&crew->done, !atomic_read(&crew->running));
    for (i = 0; i < atomic_read(&crew->started); i++)
        while (exists(crew->pid[i]))
            pause_a_little();
}

static bool crew_start(struct crew *crew, int (*fn)(void *arg), void *arg)
{
    atomic_inc(&crew->running);
    if (!kthread_run(fn, arg, "exp", NULL))
        return true;
    atomic_dec(&crew->running);
    return false;
}

/* ---- 3.11 ---- */

struct borrowed {
    struct crew crew;
    struct mm_struct *mm, *loaded;
    u64 cr3;
};

static int look_at_mm(void *arg)
{
    struct borrowed *b = arg;

    crew_enter(&b->crew);
    b->mm = current->mm;
    b->loaded = this_cpu_read(current_mm);
    b->cr3 = read_cr3() & PTE_PFN_MASK;
    crew_leave(&b->crew);
    return 0;
}

static void run_kernel_thread(struct exp *e)
{
    struct borrowed b = {0};
    bool right;

    crew_init(&b.crew);
    if (!exp_check(e, crew_start(&b.crew, look_at_mm, &b), "no memory"))
        return;
    crew_wait(&b.crew);
    if (e->broken) /* as if it had an address space of its own */
        b.mm = current->mm;
    right = b.cr3 == __pa(master_table) ||
            (b.loaded && b.loaded->root && b.cr3 == __pa(b.loaded->root)) ||
            b.cr3 == __pa(current->mm->root);
    exp_obs(e, "mm=%s cr3=%#llx master=%#llx ours=%#llx",
            b.mm ? "some" : "none", (unsigned long long)b.cr3,
            (unsigned long long)__pa(master_table),
            (unsigned long long)__pa(current->mm->root));
    exp_check(e, !b.mm, "a kernel thread has an mm");
    exp_check(e, right, "it runs on a table that is nobody's");
    exp_answer(e, "a kernel thread has none and runs on whatever table is "
                  "loaded");
}

EXPERIMENT(kernel_thread) = {
    .id = "3.11",
    .question = "which mm_struct does a kernel thread have?",
    .claim = "none: it needs only the kernel's half, which every table has",
    .broken = "it is shown with its creator's",
    .run = run_kernel_thread,
};

/* ---- 3.12 ---- */

#define READERS 3
#define WRITERS 2
#define ROUNDS 20

struct lock_watch {
    struct crew crew;
    struct rw_semaphore sem;
    bool broken; /* writers only take the readers' side */
    atomic_t readers, writers;
    atomic_t most_readers, overlaps;
};

static void note_most(atomic_t *most, s32 now)
{
    s32 before = atomic_read(most);

    while (now > before) {
        s32 seen = atomic_cmpxchg(most, before, now);

        if (seen == before)
            return;
        before = seen;
    }
}

static int reader(void *arg)
{
    struct lock_watch *w = arg;
    int i;

    crew_enter(&w->crew);
    for (i = 0; i < ROUNDS; i++) {
        down_read(&w->sem);
        note_most(&w->most_readers, atomic_add_return(&w->readers, 1));
        if (atomic_read(&w->writers))
            atomic_inc(&w->overlaps);
        pause_a_little();
        atomic_dec(&w->readers);
        up_read(&w->sem);
    }
    crew_leave(&w->crew);
    return 0;
}

static int writer(void *arg)
{
    struct lock_watch *w = arg;
    int i;

    crew_enter(&w->crew);
    for (i = 0; i < ROUNDS; i++) {
        if (w->broken)
            down_read(&w->sem);
        else
            down_write(&w->sem);
        if (atomic_add_return(&w->writers, 1) > 1 || atomic_read(&w->readers))
            atomic_inc(&w->overlaps);
        pause_a_little();
        atomic_dec(&w->writers);
        if (w->broken)
            up_read(&w->sem);
        else
            up_write(&w->sem);
    }
    crew_leave(&w->crew);
    return 0;
}

static void run_lock(struct exp *e)
{
    struct lock_watch w = {.broken = e->broken};
    size_t n = 0;
    int i;

    crew_init(&w.crew);
    rwsem_init(&w.sem);
    atomic_inc(&w.crew.running); /* until all are started */
    for (i = 0; i < READERS + WRITERS; i++)
        n += crew_start(&w.crew, i < READERS ? reader : writer, &w);
    crew_leave(&w.crew);
    crew_wait(&w.crew);
    exp_obs(e, "readers=%d writers=%d most_readers_at_once=%d overlaps=%d",
            READERS, WRITERS, atomic_read(&w.most_readers),
            atomic_read(&w.overlaps));
    exp_check(e, n == READERS + WRITERS, "no memory for the threads");
    exp_check(e, !atomic_read(&w.overlaps), "a writer was not alone");
    exp_check(e, atomic_read(&w.most_readers) > 1, "readers exclude readers");
    exp_answer(e, "readers side by side, a writer alone");
}

EXPERIMENT(lock) = {
    .id = "3.12",
    .question = "what does the lock of an address space let happen at once?",
    .claim = "any number of readers (faults), or one writer (mmap, munmap)",
    .broken = "the writers take the readers' side of the lock",
    .run = run_lock,
};
