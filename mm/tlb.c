/*
 * mm/tlb.c - forgetting translations, here and on other CPUs.
 *
 * Who      the CPUs that have the table loaded (mm->cpus), but those that
 *          only borrow it; kernel ranges concern every CPU.
 * How      one call to all of them, and each flushes the range; but one whose
 *          generation (mm/mm_switch.c) says that it missed something before
 *          flushes whole, and one that is ahead flushes nothing: a flush that
 *          came in between has done it.
 * Tables   a CPU walks tables on its own account, also speculatively, and may
 *          remember upper entries (SDM 3A 4.10.3): it could read a freed table
 *          as one, and write accessed bits into it.  So when tables go, a CPU
 *          that borrows is asked too and leaves for the master table, whose
 *          user half is empty.  A freed *page* does not have that danger: its
 *          stale translation is used by nobody until ring 3 runs again, and
 *          the generation is compared before that.
 * Freeing  the caller frees after the flush has returned (mm/userpt.c).
 * Cost     here: INVLPG a page, or one load of CR3.  Elsewhere: one interrupt
 *          for each CPU that runs the address space now.
 */
#include <kernel/core/irq.h>
#include <kernel/core/percpu.h>
#include <kernel/core/xcall.h>
#include <kernel/sync/atomic.h>
#include <kernel/x86/cpu.h>
#include <mm/mm.h>
#include <mm/tlb_cpu.h>

#define CR4_PGE BIT(7) /* SDM 3A 2.5 */

bool tlb_deaf;
static DEFINE_PER_CPU(u64, events[NR_TLB_EVENTS]);

u64 tlb_events(enum tlb_event event)
{
    u64 sum = 0;

    for (unsigned int cpu = 0; cpu < nr_cpus_online; cpu++)
        sum += *per_cpu_ptr(&events[event], cpu);
    return sum;
}

/* SDM 2A, INVPCID: type 2 is every PCID, global entries too. */
static void invpcid_all(void)
{
    struct {
        u64 pcid, address;
    } none = {0, 0};

    __asm__ volatile("invpcid %0, %1" : : "m"(none), "r"(2ul) : "memory");
}

void tlb_flush_local_all(void)
{
    u64 flags = local_irq_save();
    u64 cr4 = read_cr4();

    this_cpu_inc(events[TLB_LOCAL_ALL]);
    if (cpu_has(CPU_INVPCID)) {
        invpcid_all();
    } else if (cr4 & CR4_PGE) { /* a change of PGE drops all, too */
        write_cr4(cr4 & ~CR4_PGE);
        write_cr4(cr4);
    } else {
        tlb_reload();
    }
    local_irq_restore(flags);
}

static inline bool is_few_pages(unsigned long start, unsigned long end)
{
    return end - start <= TLB_SINGLE_PAGES * PAGE_SIZE;
}

/* Under the other PCIDs a page of the kernel's is still known, unless it is
 * global. */
static void forget_other_pcids(void)
{
    if (unlikely(cpu_has(CPU_PCID)) && pti_on)
        asid_forget_others(&this_cpu_ptr(&tlb_cpu)->asids);
}

static inline void flush_pages(unsigned long start, unsigned long end)
{
    this_cpu_add(events[TLB_LOCAL_ONE], (end - start) >> PAGE_SHIFT);
    for (; start < end; start += PAGE_SIZE)
        tlb_flush_local_page(start);
}

void tlb_flush_local_range(unsigned long start, unsigned long end)
{
    if (is_few_pages(start, end)) {
        flush_pages(start, end);
        forget_other_pcids();
    } else {
        tlb_flush_local_all();
    }
}

/* ---- an address space ---- */

struct flush {
    struct mm_struct *mm; /* NULL: the kernel's half */
    unsigned long start, end;
    u64 generation; /* that this change made */
};

/*
 * On a CPU that has the table loaded.  An interrupt that flushes in between
 * leaves `seen` lower than it could be, never higher.
 */
static __always_inline void flush_loaded(const struct flush *f)
{
    u64 seen = this_cpu_read(tlb_cpu.seen);
    u64 generation = READ_ONCE(f->mm->tlb_gen);

    if (unlikely(seen >= generation))
        return;
    if (is_few_pages(f->start, f->end) && generation == f->generation &&
        generation == seen + 1) {
        flush_pages(f->start, f->end);
        user_table_is_old();
    } else {
        this_cpu_inc(events[TLB_LOCAL_ALL]);
        tlb_reload(); /* user entries are not global */
    }
    this_cpu_write(tlb_cpu.seen, generation);
}

/* In the interrupt on a CPU that was asked. */
static void flush_asked(void *arg)
{
    const struct flush *f = arg;

    this_cpu_inc(events[TLB_REMOTE_RECEIVED]);
    if (!f->mm)
        tlb_flush_local_range(f->start, f->end);
    else if (this_cpu_read(current_mm) != f->mm)
        return; /* it has left since, and drops what it knew on its return */
    else if (this_cpu_read(tlb_cpu.lazy))
        mm_leave_borrowed();
    else
        flush_loaded(f);
}

static __noinline void ask(u64 cpus, struct flush f)
{
    cpus &= ~BIT(smp_processor_id());
    if (!cpus)
        return;
    this_cpu_inc(events[TLB_REMOTE_FLUSH]);
    xcall(cpus, flush_asked, &f);
}

static __noinline u64 without_lazy(u64 cpus)
{
    u64 awake = cpus;

    for (; cpus; cpus &= cpus - 1) {
        unsigned int cpu = __builtin_ctzll(cpus);

        if (READ_ONCE(per_cpu_ptr(&tlb_cpu, cpu)->lazy))
            awake &= ~BIT(cpu);
    }
    return awake;
}

static __always_inline void flush(struct mm_struct *mm, unsigned long start,
                                  unsigned long end, bool tables)
{
    struct flush f = {.mm = mm, .start = start, .end = end};
    u64 others;

    /* Entries first, then who has them loaded: a full barrier. */
    f.generation = __atomic_add_fetch(&mm->tlb_gen, 1, __ATOMIC_SEQ_CST);
    if (this_cpu_read(current_mm) == mm)
        flush_loaded(&f);
    others = READ_ONCE(mm->cpus) & ~BIT(smp_processor_id());
    if (likely(!others) || tlb_deaf)
        return;
    ask(tables ? others : without_lazy(others), f);
}

void tlb_flush_range(struct mm_struct *mm, unsigned long start,
                     unsigned long end)
{
    flush(mm, start, end, false);
}

void tlb_flush_mm(struct mm_struct *mm)
{
    flush(mm, 0, ~0ul, false);
}

void tlb_flush_tables(struct mm_struct *mm, unsigned long start,
                      unsigned long end)
{
    flush(mm, start, end, true);
}

/* ---- the kernel's half ---- */

void tlb_flush_kernel_range(unsigned long start, unsigned long end)
{
    tlb_flush_local_range(start, end);
    if (nr_cpus_online > 1)
        ask(~0ull >> (64 - nr_cpus_online),
            (struct flush){.start = start, .end = end});
}
