/*
 * mm/tlb.c - forgetting translations, here and on other CPUs.
 *
 * mm->cpus has a bit for each CPU that may hold translations of the address
 * space; only those are asked.  Kernel ranges concern every CPU.
 */
#include <kernel/core/percpu.h>
#include <kernel/sync/atomic.h>
#include <kernel/core/irq.h>
#include <kernel/x86/cpu.h>
#include <mm/mm.h>
#include <mm/tlb.h>

#define CR4_PGE BIT(7) /* SDM 3A 2.5 */

void (*tlb_flush_remote)(u64 cpus, unsigned long start, unsigned long end);
u64 tlb_stat_pages, tlb_stat_all, tlb_stat_remote;

void tlb_flush_local_all(void)
{
    u64 flags = local_irq_save();
    u64 cr4 = read_cr4();

    tlb_stat_all++;
    if (cr4 & CR4_PGE) { /* a change of PGE drops global entries too */
        write_cr4(cr4 & ~CR4_PGE);
        write_cr4(cr4);
    } else {
        write_cr3(read_cr3());
    }
    local_irq_restore(flags);
}

static bool is_few_pages(unsigned long start, unsigned long end)
{
    return end - start <= TLB_SINGLE_PAGES * PAGE_SIZE;
}

static void flush_pages(unsigned long start, unsigned long end)
{
    tlb_stat_pages += (end - start) >> PAGE_SHIFT;
    for (; start < end; start += PAGE_SIZE)
        tlb_flush_local_page(start);
}

void tlb_flush_local_range(unsigned long start, unsigned long end)
{
    if (is_few_pages(start, end))
        flush_pages(start, end);
    else
        tlb_flush_local_all();
}

static void flush_others(u64 cpus, unsigned long start, unsigned long end)
{
    u64 others = cpus & ~BIT(smp_processor_id());

    if (!others || !tlb_flush_remote)
        return;
    tlb_stat_remote++;
    tlb_flush_remote(others, start, end);
}

void tlb_flush_range(struct mm_struct *mm, unsigned long start,
                     unsigned long end)
{
    if (this_cpu_read(current_mm) == mm) {
        if (is_few_pages(start, end)) {
            flush_pages(start, end);
        } else {
            tlb_stat_all++;
            write_cr3(read_cr3()); /* user entries are not global */
        }
    }
    smp_mb(); /* entries first, then who has them loaded */
    flush_others(READ_ONCE(mm->cpus), start, end);
}

void tlb_flush_mm(struct mm_struct *mm)
{
    tlb_flush_range(mm, 0, ~0ul);
}

void tlb_flush_kernel_range(unsigned long start, unsigned long end)
{
    tlb_flush_local_range(start, end);
    flush_others(~0ull >> (64 - nr_cpus_online), start, end);
}
