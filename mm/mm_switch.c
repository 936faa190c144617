/*
 * mm/mm_switch.c - which table a CPU has loaded, and how far it has flushed.
 *
 * Generation  mm->tlb_gen grows by one with each change that needs a flush.
 *             A CPU notes up to which generation of the loaded address space
 *             its TLB is clean.
 * Mask        mm->cpus has a bit for each CPU that has the table loaded.
 * Lazy        a kernel thread, or the idle task, keeps the last program's
 *             table and marks its CPU lazy.  It uses no address of ring 3, so
 *             flushes leave it alone; before ring 3 runs there again the
 *             generations are compared.  See mm/tlb.c for what happens when
 *             tables are freed.
 * PCID        translations stay when another table is loaded; mm/asid.h says
 *             when they may be used again.  Without it CR3 drops them all.
 * pti=on      what the way to ring 3 loads stands ready in user_cr3; its bit 63
 *             goes where something was flushed, so that ring 3's PCID is, too.
 * Order       going to ring 3: not lazy, in the mask | generation read |
 *             flush.  Flushing: entries written | generation up | mask and
 *             lazy read.  Each bar is a full barrier, so either the flusher
 *             sees this CPU and asks it, or this CPU sees the generation.
 * Context     interrupts off.
 */
#include <kernel/core/percpu.h>
#include <kernel/sync/atomic.h>
#include <kernel/x86/cpu.h>
#include <kernel/x86/entry_area.h>
#include <mm/mm.h>
#include <mm/tlb_cpu.h>

#define CR3_USER_PCID BIT(11)
#define CR3_NOFLUSH BIT(63) /* SDM 3A 4.10.4.1: keep this PCID's entries */

DEFINE_PER_CPU(struct tlb_cpu, tlb_cpu) = {.asids.current = NO_ASID};

static inline void join(struct mm_struct *mm)
{
    __atomic_fetch_or(&mm->cpus, BIT(smp_processor_id()), __ATOMIC_SEQ_CST);
}

static inline void leave(struct mm_struct *mm)
{
    if (mm != &init_mm)
        __atomic_fetch_and(&mm->cpus, ~BIT(smp_processor_id()),
                           __ATOMIC_SEQ_CST);
}

/* Ring 3 runs again on the table that was kept for it. */
static __noinline void catch_up(struct mm_struct *mm)
{
    u64 generation;

    this_cpu_write(tlb_cpu.lazy, false);
    smp_mb();
    generation = READ_ONCE(mm->tlb_gen);
    if (this_cpu_read(tlb_cpu.seen) == generation)
        return;
    tlb_reload();
    this_cpu_write(tlb_cpu.seen, generation);
}

/* Ring 3's table, for the kernel's `cr3`, and its PCID. */
static void set_user_cr3(u64 cr3)
{
    u64 user = cr3 + PAGE_SIZE;

    if (cpu_has(CPU_PCID))
        user |= CR3_USER_PCID;
    this_cpu_write(user_cr3, user);
    if (cpu_has(CPU_PCID))
        user |= CR3_NOFLUSH;
    this_cpu_write(user_cr3_keep, user);
}

static __always_inline void load(struct mm_struct *next, u64 generation,
                                 u64 cr3)
{
    struct mm_struct *loaded = this_cpu_read(current_mm);

    write_cr3(cr3);
    if (unlikely(pti_on))
        set_user_cr3(cr3);
    this_cpu_write(tlb_cpu.seen, generation);
    this_cpu_write(current_mm, next);
    leave(loaded);
}

static __noinline void load_with_pcid(struct mm_struct *next, u64 generation)
{
    struct asid_table *asids = &this_cpu_ptr(&tlb_cpu)->asids;
    u64 cr3 = __pa(next->root);

    if (asids->current != NO_ASID)
        asids->slot[asids->current].seen = this_cpu_read(tlb_cpu.seen);
    if (!asid_choose(asids, next->id, generation))
        cr3 |= CR3_NOFLUSH;
    load(next, generation, cr3 | (asids->current + 1)); /* 0: master table */
}

void mm_switch(struct mm_struct *next)
{
    u64 generation;

    if (next == this_cpu_read(current_mm)) {
        catch_up(next);
        return;
    }
    this_cpu_write(tlb_cpu.lazy, false);
    join(next); /* a full barrier */
    generation = READ_ONCE(next->tlb_gen);
    if (likely(!cpu_has(CPU_PCID)))
        load(next, generation, __pa(next->root));
    else
        load_with_pcid(next, generation);
}

void mm_borrow(void)
{
    this_cpu_write(tlb_cpu.lazy, true);
}

void mm_leave_borrowed(void)
{
    struct mm_struct *loaded = this_cpu_read(current_mm);

    write_cr3(__pa(master_table));
    this_cpu_ptr(&tlb_cpu)->asids.current = NO_ASID;
    this_cpu_write(current_mm, &init_mm);
    leave(loaded);
}
