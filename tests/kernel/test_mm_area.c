/*
 * tests/kernel/test_mm_area.c - kernel ranges whose pages come when touched,
 * and top-level slots that come when touched (vmalloc_sync=lazy).
 */
#include <kernel/core/irq.h>
#include <kernel/core/ktest.h>
#include <kernel/x86/cpu.h>
#include <mm/kmap.h>
#include <mm/memory.h>
#include <mm/mm.h>

#define RANGE_PAGES 64
#define RESIDENT_MAX 8

/* A store of one word a page, of which few are in memory as pages. */
static struct {
    u64 word[RANGE_PAGES];
    unsigned long resident[RESIDENT_MAX]; /* addresses, in a ring */
    unsigned int next, faults;
} store;

static void evict(struct vm_struct *area, unsigned long addr)
{
    struct page *page = vm_area_unmap_page(area, addr);
    u64 *at;

    if (!page)
        return;
    at = kmap_local_page(page);
    store.word[(addr - area->addr) / PAGE_SIZE] = *at;
    kunmap_local(at);
    put_page(page);
}

static int bring_in(struct vm_struct *area, unsigned long addr)
{
    unsigned int slot = store.next++ % RESIDENT_MAX;
    struct page *page;
    u64 *at;

    store.faults++;
    if (store.resident[slot])
        evict(area, store.resident[slot]);
    page = alloc_pages_owner(GFP_HIGHUSER, 0, OWNER_TEST);
    if (!page)
        return -1;
    at = kmap_local_page(page);
    *at = store.word[(addr - area->addr) / PAGE_SIZE];
    kunmap_local(at);
    store.resident[slot] = addr;
    return vm_area_map_page(area, addr, page, PAGE_KERNEL);
}

KTEST(vm_area, more_addresses_than_memory)
{
    struct vm_struct *area =
        get_vm_area(RANGE_PAGES * PAGE_SIZE, VM_AREA_FAULT);
    u64 sum = 0;

    KTEST_REQUIRE(area);
    area->fault = bring_in;
    store.faults = store.next = 0;
    for (int i = 0; i < RANGE_PAGES; i++) {
        store.word[i] = 0;
        store.resident[i % RESIDENT_MAX] = 0;
    }
    for (int i = 0; i < RANGE_PAGES; i++)
        WRITE_ONCE(*(u64 *)(area->addr + i * PAGE_SIZE), i + 1);
    KTEST_EXPECT(READ_ONCE(store.faults) == RANGE_PAGES);
    for (int i = 0; i < RANGE_PAGES; i++)
        sum += READ_ONCE(*(u64 *)(area->addr + i * PAGE_SIZE));
    KTEST_EXPECT(sum == RANGE_PAGES * (RANGE_PAGES + 1) / 2);
    KTEST_EXPECT(READ_ONCE(store.faults) == 2 * RANGE_PAGES);
    for (int i = 0; i < RESIDENT_MAX; i++)
        evict(area, store.resident[i]);
    free_vm_area(area);
}

KTEST(vmalloc, a_process_picks_up_a_slot_by_a_fault)
{
    struct mm_struct *mm;
    u64 flags, cr3, faults = vmalloc_sync_faults;
    u64 *p, *q;

    if (!vmalloc_lazy) {
        ktest_skip("boot with vmalloc_sync=lazy");
        return;
    }
    mm = mm_create(); /* before the slot is filled, the first time */
    KTEST_REQUIRE(mm);
    p = vmalloc(PAGE_SIZE);
    q = vmalloc(PAGE_SIZE);
    if (KTEST_EXPECT(p && q)) {
        unsigned int slot = pt_index((unsigned long)p, pgtable_levels - 1);
        bool empty = pte_none(mm->root[slot]);

        flags = local_irq_save();
        cr3 = read_cr3();
        write_cr3(__pa(mm->root));
        *p = 1;
        *q = 2;
        write_cr3(cr3);
        local_irq_restore(flags);
        KTEST_EXPECT(vmalloc_sync_faults - faults <= 2);
        KTEST_EXPECT(!empty || vmalloc_sync_faults > faults);
        KTEST_EXPECT(mm->root[slot].val == master_table[slot].val);
    }
    vfree(p);
    vfree(q);
    mm_put(mm);
}
