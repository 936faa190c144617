/*
 * tests/kernel/exp/areas.c - the vmalloc region: synchronisation of processes'
 * tables, what vfree takes back, scattered frames, and a range larger than
 * RAM with a fault handler of its own.
 */
#include <tests/kernel/exp/exp.h>
#include <tests/kernel/exp/touch.h>

#include <kernel/core/irq.h>
#include <kernel/core/xcall.h>
#include <kernel/lib/lz4.h>
#include <kernel/lib/string.h>
#include <kernel/x86/cpu.h>
#include <mm/alloc.h>
#include <mm/io.h>
#include <mm/kmap.h>
#include <mm/memory.h>
#include <mm/mm.h>
#include <mm/physmap.h>
#include <mm/slab.h>
#include <mm/tlb.h>
#include <mm/uaccess.h>
#include <mm/what.h>
#include <mm/zone.h>

/* One access with another table loaded, interrupts off as in a handler. */
static struct touch_result touch_under(const struct mm_struct *mm,
                                       const void *addr, enum touch how)
{
    u64 flags = local_irq_save(), cr3 = read_cr3();
    struct touch_result r;

    write_cr3(__pa(mm->root));
    r = exp_touch(addr, how);
    write_cr3(cr3);
    local_irq_restore(flags);
    return r;
}

/* The same, but a fault goes the kernel's normal way. */
static u8 read_under(const struct mm_struct *mm, const volatile u8 *addr)
{
    u64 flags = local_irq_save(), cr3 = read_cr3();
    u8 value;

    write_cr3(__pa(mm->root));
    value = *addr;
    write_cr3(cr3);
    local_irq_restore(flags);
    return value;
}

static pte_t *top_slot(pte_t *root, const void *addr)
{
    return &root[pt_index((unsigned long)addr, pgtable_levels - 1)];
}

/* ---- 1.5 ---- */

static void check_sync(struct exp *e, struct mm_struct *b, u8 *area)
{
    pte_t *slot = top_slot(b->root, area);
    u64 faults = vmalloc_sync_faults;
    u8 first, second;

    if (!e->broken)
        slot->val = 0; /* as in a process that is older than the slot */
    exp_obs(e, "slot_in_b_before=%s", pte_none(*slot) ? "empty" : "filled");
    first = read_under(b, area);
    exp_obs(e, "first_touch value=%#x sync_faults=%llu slot_in_b=%s", first,
            (unsigned long long)(vmalloc_sync_faults - faults),
            slot->val == top_slot(master_table, area)->val ? "master's"
                                                           : "other");
    exp_check(e, vmalloc_sync_faults == faults + 1,
              "the first touch did not synchronise the slot");
    exp_check(e, slot->val == top_slot(master_table, area)->val,
              "the slot is not the master's");
    second = read_under(b, area);
    exp_obs(e, "second_touch value=%#x sync_faults=%llu", second,
            (unsigned long long)(vmalloc_sync_faults - faults));
    exp_check(
        e, vmalloc_sync_faults == faults + 1 && first == 0x55 && second == 0x55,
        "the second touch faulted, or read something else");
}

static void run_lazy_sync(struct exp *e)
{
    struct mm_struct *b;
    struct touch_result r;
    char words[64];
    u8 *area;

    if (!vmalloc_lazy) {
        exp_skip(e, "boot with vmalloc_sync=lazy");
        return;
    }
    area = vmalloc(PAGE_SIZE);
    b = mm_create();
    if (exp_check(e, area && b, "no memory")) {
        memset(area, 0x55, PAGE_SIZE);
        check_sync(e, b, area);
        exp_watch_start();
        r = touch_under(b, area + PAGE_SIZE, TOUCH_READ);
        exp_watch_stop();
        exp_obs(e, "guard_page=%s", exp_touch_words(&r, words, sizeof(words)));
        exp_check(e, r.faulted, "a bad address was repaired as well");
    }
    if (b)
        mm_put(b);
    vfree(area);
    exp_answer(e, "one fault copies the top-level slot; then none");
}

EXPERIMENT(lazy_sync) = {
    .id = "1.5",
    .question = "the classical picture: how does a process pick up what "
                "vmalloc mapped?",
    .claim = "one kernel fault copies the top-level slot from the master table",
    .broken = "the slot was there before",
    .run = run_lazy_sync,
};

/* ---- 1.6 ---- */

static bool mapped_in(pte_t *root, const void *addr)
{
    struct pt_walk walk;

    pt_walk_address(root, (unsigned long)addr, &walk);
    return walk.leaf_level >= 0;
}

/* Frames that vmalloc holds, counted over all CPUs. */
static s64 vmalloc_frames(void)
{
    struct page_ledger ledger;

    page_ledger_count(&ledger);
    return (s64)ledger.pages[OWNER_VMALLOC];
}

#define FREED 8
#define OTHERS 64 /* frames that somebody else asks for meanwhile */

/* What a kernel would do that gives frames and addresses back at once. */
static void vfree_without_flush(u8 *area)
{
    struct vm_struct *vm = find_vm_area(area);

    pt_unmap_range(master_table, vm->addr, vm->addr + vm->size);
    while (vm->nr_pages > 0)
        __free_page(vm->pages[--vm->nr_pages]);
}

static void read_word(void *arg)
{
    u64 *at = arg, word = 0;

    copy_from_kernel_nofault(&word, (void *)at[0], sizeof(word));
    at[1] |= word; /* every CPU's */
}

/* The word at `area` as the CPUs see it, 0 where they fault. */
static u64 read_on_all_cpus(const u8 *area)
{
    u64 at[2] = {(u64)area, 0};

    read_word(at);
    xcall(~0ull, read_word, at);
    return at[1];
}

static bool is_one_of(const struct page *page, struct page *const frames[FREED])
{
    for (int i = 0; i < FREED; i++)
        if (page == frames[i])
            return true;
    return false;
}

/* Frees FREED areas, and looks at who may have what of them until the flush. */
static void free_many(struct exp *e, u8 *area[FREED])
{
    u64 flushes = vm_purge_stats.flushes;
    struct page *frames[FREED], *other[OTHERS];
    u64 seen;
    bool reused = false;
    u8 *next;
    size_t n;

    for (int i = 0; i < FREED; i++)
        frames[i] = vmalloc_to_page(area[i]);
    read_on_all_cpus(area[0]); /* the CPUs have its translation */
    for (int i = 0; i < FREED; i++)
        if (e->broken)
            vfree_without_flush(area[i]);
        else
            vm_area_retire(find_vm_area(area[i]));
    next = vmalloc(PAGE_SIZE);
    n = alloc_pages_bulk(GFP_HIGHUSER, OWNER_TEST, OTHERS, other);
    for (size_t i = 0; i < n; i++) {
        void *window = kmap_local_page(other[i]);

        reused |= is_one_of(other[i], frames);
        memset(window, 0x77, PAGE_SIZE);
        kunmap_local(window);
    }
    seen = read_on_all_cpus(area[0]);
    exp_obs(e, "areas freed=%d flushes=%llu address_reused=%d frame_reused=%d",
            FREED, (unsigned long long)(vm_purge_stats.flushes - flushes),
            next == area[0], reused);
    exp_obs(e, "late_access=%s",
            !seen                           ? "fault"
            : seen == 0x6666666666666666ull ? "old contents"
                                            : "another's");
    exp_check(e, next && next != area[0] && !reused,
              "an address or a frame was reused before the flush");
    exp_check(e, !seen || seen == 0x6666666666666666ull,
              "a late access meets another's contents");
    while (n > 0)
        put_page(other[--n]);
    vfree(next);
}

static void run_vfree(struct exp *e)
{
    struct mm_struct *b = mm_create();
    struct touch_result r;
    s64 frames = vmalloc_frames();
    u64 slot, flushes, ipis;
    u8 *area[FREED] = {NULL};
    bool enough = b;
    char words[64];

    while (vm_purge())
        ; /* what others have freed */
    for (int i = 0; i < FREED; i++) {
        enough &= !!(area[i] = vmalloc(PAGE_SIZE));
        if (area[i])
            memset(area[i], 0x66, PAGE_SIZE);
    }
    if (!exp_check(e, enough, "no memory"))
        goto out;
    slot = top_slot(master_table, area[0])->val;
    top_slot(b->root, area[0])->val = slot;
    exp_obs(e, "before leaf_in_b=%d slot_b=%s read=%#x",
            mapped_in(b->root, area[0]),
            top_slot(b->root, area[0])->val == slot ? "master's" : "other",
            read_under(b, area[0]));
    free_many(e, area);
    exp_obs(e, "after leaf_in_b=%d leaf_in_master=%d slot_b=%s",
            mapped_in(b->root, area[0]), mapped_in(master_table, area[0]),
            top_slot(b->root, area[0])->val == slot ? "master's" : "other");
    exp_check(e, !mapped_in(b->root, area[0]), "another process still maps it");
    exp_check(e, top_slot(master_table, area[0])->val == slot,
              "the top-level slot changed");
    flushes = vm_purge_stats.flushes;
    ipis = tlb_events(TLB_REMOTE_FLUSH);
    if (e->broken)
        for (int i = 0; i < FREED; i++)
            vfree(area[i]);
    vm_purge();
    exp_obs(e, "purge flushes=%llu ipis=%llu frames_left=%lld",
            (unsigned long long)(vm_purge_stats.flushes - flushes),
            (unsigned long long)(tlb_events(TLB_REMOTE_FLUSH) - ipis),
            (long long)(vmalloc_frames() - frames));
    exp_check(e, vm_purge_stats.flushes == flushes + 1,
              "not one flush for all areas");
    exp_check(e, vmalloc_frames() == frames, "the frames did not come back");
    exp_watch_start();
    r = touch_under(b, area[0], TOUCH_READ);
    exp_watch_stop();
    exp_obs(e, "touch_in_b=%s", exp_touch_words(&r, words, sizeof(words)));
    exp_check(e, r.faulted, "it can still be read");
    memset(area, 0, sizeof(area));
    exp_answer(e, "the shared lower table loses the entry for everybody at "
                  "once; one flush for many areas frees addresses and frames");
out:
    for (int i = 0; i < FREED; i++)
        vfree(area[i]);
    if (b)
        mm_put(b);
}

EXPERIMENT(vfree_sync) = {
    .id = "1.6",
    .question = "how do the other processes learn of vfree?",
    .claim = "they share the tables below the top level; one flush for many "
             "areas, and only then are addresses and frames free",
    .broken = "frames are given back without the flush",
    .run = run_vfree,
};

/* ---- 1.7 ---- */

#define SCATTER 128
#define AREA_PAGES 16

/* Every other page of those given out in a row stays taken. */
static size_t fragment(struct page **pages)
{
    size_t n = alloc_pages_bulk(GFP_HIGHUSER, OWNER_TEST, SCATTER, pages);

    for (size_t i = 0; i < n; i += 2) {
        put_page(pages[i]);
        pages[i] = NULL;
    }
    return n;
}

static void run_scattered(struct exp *e)
{
    struct page **pages = kcalloc(SCATTER, sizeof(*pages), GFP_KERNEL);
    s64 before = vmalloc_frames();
    size_t present = 0, jumps = 0;
    pfn_t last = 0;
    u8 *area;

    if (!exp_check(e, pages, "no memory"))
        return;
    fragment(pages);
    area = e->broken ? (u8 *)__get_free_pages(GFP_KERNEL, 4)
                     : vmalloc(AREA_PAGES * PAGE_SIZE);
    if (!exp_check(e, area, "no memory"))
        goto out;
    for (size_t i = 0; i < AREA_PAGES; i++) {
        struct pt_walk walk;

        exp_walk(area + i * PAGE_SIZE, &walk);
        present += walk.leaf_level >= 0;
        jumps += i && PFN_DOWN(walk.phys) != last + 1;
        last = PFN_DOWN(walk.phys);
        if (i < 4)
            exp_obs(e, "va=%p pfn=%#lx", area + i * PAGE_SIZE, last);
    }
    exp_obs(e, "present_at_return=%zu/%d jumps=%zu frames=%+lld", present,
            AREA_PAGES, jumps, (long long)(vmalloc_frames() - before));
    exp_check(e, present == AREA_PAGES, "pages are missing at the return");
    exp_check(e, e->broken || vmalloc_frames() == before + AREA_PAGES,
              "not one frame for each page");
    exp_check(e, jumps > 0, "the frames are contiguous");
    if (e->broken)
        free_pages((unsigned long)area, 4);
    else
        vfree(area);
    exp_answer(e, "a frame for each page, at the call, wherever one is free");
out:
    for (size_t i = 0; i < SCATTER; i++)
        if (pages[i])
            put_page(pages[i]);
    kfree(pages);
}

EXPERIMENT(scattered) = {
    .id = "1.7",
    .question = "what does vmalloc allocate, when, and where?",
    .claim = "one frame per page, at the call, not contiguous",
    .broken = "a contiguous block is taken",
    .run = run_scattered,
};

/* ---- 2.16 ---- */

static void run_memory_types(struct exp *e)
{
    struct page *page = alloc_pages_owner(GFP_KERNEL, 0, OWNER_TEST);
    struct pt_walk direct, alias;
    void __iomem *uc, *wc;
    void *refused, *map;
    char words[100];

    if (!exp_check(e, page, "no memory"))
        return;
    refused = (void __force *)ioremap(page_to_phys(page), PAGE_SIZE);
    exp_obs(e, "ioremap_of_ram=%s", refused ? "mapped" : "refused");
    exp_check(e, !refused, "RAM was mapped a second time, uncached");
    uc = ioremap(0xd0000000, PAGE_SIZE);
    wc = ioremap_wc(0xd0000000, PAGE_SIZE);
    exp_obs(e, "device uc=%s then_wc=%s", uc ? "mapped" : "refused",
            wc ? "mapped" : "refused");
    exp_check(e, uc && !wc, "two memory types for one device range");
    iounmap(wc);
    iounmap(uc);
    map = vmap(&page, 1, VM_MAP,
               e->broken ? pgprot_noncached(PAGE_KERNEL) : PAGE_KERNEL);
    if (exp_check(e, map, "no memory")) {
        exp_walk(page_address(page), &direct);
        exp_obs(e, "direct=%s", exp_entry_words(&direct, words, sizeof(words)));
        exp_walk(map, &alias);
        exp_obs(e, "alias=%s", exp_entry_words(&alias, words, sizeof(words)));
        exp_check(
            e,
            pte_cache_mode(direct.entry[direct.levels - 1],
                           direct.leaf_level) ==
                pte_cache_mode(alias.entry[alias.levels - 1], alias.leaf_level),
            "the alias has another memory type than the direct map");
        vunmap(map);
    }
    put_page(page);
    exp_obs(e, "QEMU has no caches: only the entries' bits can be compared");
    exp_answer(e, "ioremap refuses RAM and a second type for a device range");
}

EXPERIMENT(memory_types) = {
    .id = "2.16",
    .question = "may one frame be mapped cached and uncached?",
    .claim = "no: the CPU does not define it; such requests are refused",
    .broken = "RAM gets an uncached alias",
    .run = run_memory_types,
};

/* ---- 2.18 ---- */

static void run_layout(struct exp *e)
{
    bool five = pgtable_levels == 5;
    unsigned long expect = e->broken == five ? DIRECT_BASE_4L : DIRECT_BASE_5L;

    exp_obs(e, "levels=%u slot=%lu GiB", pgtable_levels,
            pt_span(pgtable_levels - 1) / GIB);
    exp_obs(e, "direct=%#lx vmalloc=%#lx-%#lx vmemmap=%#lx text=%p",
            page_offset, vmalloc_start, vmalloc_end - 1, vmemmap_base,
            (void *)__text_start);
    exp_obs(e, "kernel_half=%#lx cr4_la57=%d",
            -(1ul << (PAGE_SHIFT + 9 * pgtable_levels - 1)),
            !!(read_cr4() & BIT(12)));
    exp_check(e, page_offset == expect,
              "the direct map is not where this number of levels puts it");
    exp_check(e, five == !!(read_cr4() & BIT(12)),
              "the CPU walks another number of levels");
    exp_answer(e, "chosen at boot: %u levels here", pgtable_levels);
}

EXPERIMENT(layout) = {
    .id = "2.18",
    .question = "is the split of the address space fixed?",
    .claim =
        "no: with 5 levels all regions lie elsewhere, the code is the same",
    .broken = "the constants of the other number of levels are used",
    .run = run_layout,
};

/* ---- 3.1 ---- */

static void run_address_types(struct exp *e)
{
    u64 *p = kmalloc(64, GFP_KERNEL);
    u64 *v = vmalloc(PAGE_SIZE);
    struct pt_walk walk;
    phys_addr_t by_table, by_sum;

    if (exp_check(e, p && v, "no memory")) {
        exp_walk(p, &walk);
        by_table = walk.phys;
        by_sum = __pa(p);
        exp_obs(e, "logical=%p physical=%#llx by_table=%#llx bus=%#llx",
                (void *)p, (unsigned long long)by_sum,
                (unsigned long long)by_table, (unsigned long long)by_sum);
        exp_check(e, by_table == by_sum, "logical - PAGE_OFFSET is wrong");
        exp_walk(v, &walk);
        by_table = walk.phys;
        by_sum = e->broken ? __pa(v) : by_table;
        exp_obs(e, "virtual=%p region=\"%s\" physical=%#llx by_table=%#llx",
                (void *)v, what_region((unsigned long)v),
                (unsigned long long)by_sum, (unsigned long long)by_table);
        exp_check(e, by_table == by_sum, "virtual - PAGE_OFFSET is no address");
    }
    vfree(v);
    kfree(p);
    exp_answer(e, "user virtual, physical, bus, kernel logical, kernel "
                  "virtual; only logical ones follow from a subtraction");
}

EXPERIMENT(address_types) = {
    .id = "3.1",
    .question = "which types of address does a driver meet?",
    .claim = "five; every logical address is virtual, not the other way round",
    .broken = "a vmalloc address is treated as a logical one",
    .run = run_address_types,
};
