/*
 * tests/kernel/exp/ioremap.c - windows onto physical addresses that are not
 * ordinary RAM: a device's registers, the BIOS area, address 0.
 */
#include <tests/kernel/exp/exp.h>
#include <tests/kernel/exp/touch.h>

#include <boot/bootinfo.h>
#include <drivers/pci/pci.h>
#include <kernel/lib/string.h>
#include <mm/io.h>
#include <mm/memory.h>
#include <mm/page.h>
#include <mm/vmalloc.h>

#define EDU_VENDOR 0x1234
#define EDU_DEVICE 0x11e8
#define EDU_ID 0x010000ed /* register 0: version 1.0, "ed" */

static phys_addr_t edu_bar(void)
{
    struct pci_dev *dev;

    list_for_each_entry(dev, &pci_devices, link)
        if (dev->vendor == EDU_VENDOR && dev->device == EDU_DEVICE)
            return dev->bar[0].start;
    return 0;
}

/* ---- 0.1 ---- */

/*
 * Where ioremap is going to map: where it did the last time.  Gives back the
 * address, with nothing mapped there any more.
 */
static void __iomem *predict_address(phys_addr_t bar)
{
    void __iomem *va = ioremap(bar, PAGE_SIZE);

    if (va)
        iounmap(va);
    vm_purge(); /* only then is the address free again */
    return va;
}

/* The broken variant reserves addresses and maps nothing. */
static void __iomem *map_it(struct exp *e, phys_addr_t bar)
{
    struct vm_struct *area;

    if (!e->broken)
        return ioremap(bar, PAGE_SIZE);
    area = get_vm_area(PAGE_SIZE, VM_IOREMAP);
    return area ? (void __iomem *)area->addr : NULL;
}

static void check_entry(struct exp *e, const struct pt_walk *walk,
                        phys_addr_t bar)
{
    pte_t leaf;

    if (!exp_check(e, walk->leaf_level >= 0,
                   "the table is still empty after the call"))
        return;
    leaf = walk->entry[walk->levels - 1];
    exp_check(e, walk->phys == bar, "the entry leads elsewhere");
    exp_check(e, !walk->user, "ring 3 could use the mapping");
    exp_check(e, !walk->exec || !(pte_supported_mask & PTE_NX),
              "device memory is executable");
    exp_check(e, pte_cache_mode(leaf, walk->leaf_level) == CACHE_UC,
              "device memory is cached");
}

static void check_after(struct exp *e, volatile void *va)
{
    struct touch_result r;
    struct pt_walk walk;
    char words[80];

    exp_walk(va, &walk);
    vm_purge(); /* CPUs forget later, for many areas together */
    r = exp_touch(va, TOUCH_READ);
    exp_obs(e, "pte_after_iounmap=%s touch_after_flush=%s",
            walk.leaf_level < 0 ? "none" : "still there",
            exp_touch_words(&r, words, sizeof(words)));
    exp_check(e, walk.leaf_level < 0, "iounmap left the entry");
    exp_check(e, r.faulted && r.error == 0 && r.cr2 == (u64)va,
              "the address still works after iounmap");
}

static void run_ioremap(struct exp *e)
{
    phys_addr_t bar = edu_bar();
    struct pt_walk before, after, guard;
    char words[100];
    struct touch_result r;
    void __iomem *expected, *va;
    struct vm_struct *area;
    u64 faults, id;

    if (!bar) {
        exp_skip(e, "no edu device");
        return;
    }
    expected = predict_address(bar);
    exp_walk((void __force *)expected, &before);
    va = map_it(e, bar);
    if (!exp_check(e, va != NULL, "ioremap failed"))
        return;
    exp_walk((void __force *)va, &after);
    exp_obs(e, "va=%p pte_before=%s same_va=%d", (void __force *)va,
            exp_entry_words(&before, words, sizeof(words)), va == expected);
    exp_obs(e, "pte_after=%s", exp_entry_words(&after, words, sizeof(words)));
    check_entry(e, &after, bar);

    exp_watch_start();
    faults = exp_watch_faults();
    r = exp_touch((void __force *)va, TOUCH_READ);
    id = r.faulted ? 0 : readl(va);
    exp_obs(e, "faults_delta=%llu id=%#010llx",
            (unsigned long long)(exp_watch_faults() - faults),
            (unsigned long long)id);
    exp_check(e, exp_watch_faults() == faults, "the first access faulted");
    exp_check(e, id == EDU_ID, "the register does not identify edu");

    exp_walk((void __force *)va + PAGE_SIZE, &guard);
    area = find_vm_area((void __force *)va);
    exp_obs(e, "guard_page=%s area_phys=%pa pfn_valid=%d",
            guard.leaf_level < 0 ? "unmapped" : "mapped",
            area ? &area->phys : &(phys_addr_t){0}, pfn_valid(PFN_DOWN(bar)));
    exp_check(e, guard.leaf_level < 0, "no guard page behind the area");
    exp_check(e, !pfn_valid(PFN_DOWN(bar)), "the BAR has a struct page");
    if (e->broken)
        free_vm_area(area);
    else
        iounmap(va);
    check_after(e, (void __force *)va);
    exp_watch_stop();
    exp_answer(e, "at the call");
}

EXPERIMENT(ioremap) = {
    .id = "0.1",
    .question = "does ioremap fill the page table at the call, or at the first "
                "access?",
    .claim = "at the call: the first access does not fault",
    .broken = "addresses are reserved, but nothing is mapped",
    .run = run_ioremap,
};

/* ---- 0.18 ---- */

#define BIOS_START 0xf0000
#define BIOS_END 0x100000
#define RESET_VECTOR 0xffff0
#define BIOS_DATE 0xffff5 /* "mm/dd/yy" */
#define BDA_COM1 0x400    /* port of the first serial line, 16 bits */
#define VIDEO_ROM 0xc0000
#define OPCODE_FAR_JUMP 0xea

/* Leaves of 4 KiB in [va, end) that lead to phys and on. */
static size_t count_entries(unsigned long va, unsigned long end,
                            phys_addr_t phys)
{
    struct pt_cursor c;
    size_t n = 0;

    for (pt_start(&c, master_table, va, end); c.slot; pt_next(&c))
        if (c.level == 0 && pte_present(*c.slot) &&
            PFN_PHYS(pte_pfn(*c.slot)) == phys + (c.va - va))
            n++;
    return n;
}

static void show_low_memory(struct exp *e)
{
    const u8 *low = memremap(0, PAGE_SIZE, MEMREMAP_RO);
    const u8 *video = memremap(VIDEO_ROM, PAGE_SIZE, MEMREMAP_RO);
    u16 com1 = 0;

    if (low)
        memcpy(&com1, low + BDA_COM1, sizeof(com1));
    if (low && video)
        exp_obs(e, "ivt0=%02x%02x:%02x%02x bda_com1=%#x video_rom=%02x%02x",
                low[3], low[2], low[1], low[0], com1, video[0], video[1]);
    memunmap((void *)video);
    memunmap((void *)low);
}

static void run_bios_area(struct exp *e)
{
    size_t size = BIOS_END - BIOS_START - (e->broken ? PAGE_SIZE : 0);
    const u8 *reset = NULL;
    char date[9] = "";
    size_t entries;
    u8 *rom;

    if (!strcmp(bootinfo.firmware, "UEFI")) {
        exp_skip(e, "UEFI, no BIOS");
        return;
    }
    rom = (u8 __force *)ioremap_cache(BIOS_START, size);
    if (!exp_check(e, rom != NULL, "the BIOS area could not be mapped"))
        return;
    entries = count_entries((unsigned long)rom,
                            (unsigned long)rom + 16 * PAGE_SIZE, BIOS_START);
    if (exp_check(e, entries == 16, "%zu entries map 64 KiB", entries)) {
        reset = rom + (RESET_VECTOR - BIOS_START);
        memcpy(date, rom + (BIOS_DATE - BIOS_START), 8);
        exp_check(e, reset[0] == OPCODE_FAR_JUMP,
                  "no far jump at the reset vector");
    }
    exp_obs(e, "ptes=%zu reset_vector=%02x%02x%02x%02x%02x date=%s", entries,
            reset ? reset[0] : 0, reset ? reset[1] : 0, reset ? reset[2] : 0,
            reset ? reset[3] : 0, reset ? reset[4] : 0, date);
    show_low_memory(e);
    iounmap((void __iomem *)rom);
    exp_answer(e, "16 entries for 0xf0000-0xfffff, the BIOS read through them");
}

EXPERIMENT(bios_area) = {
    .id = "0.18",
    .question = "where is the BIOS, and how many entries map it?",
    .claim = "physical 0xf0000-0xfffff is no RAM; 64 KiB take 16 entries of "
             "4 KiB",
    .broken = "one page less is mapped",
    .run = run_bios_area,
};

/* ---- 0.20 ---- */

#define LEGACY_PAGE_OFFSET 0xc0000000ul /* 32-bit Linux, 3 GiB / 1 GiB */
#define LEGACY_VMALLOC_RESERVE (128 * MIB)

static void run_physical_zero(struct exp *e)
{
    const u8 *zero = e->broken ? (u8 *)KERNEL_BASE : __va(0);
    const u8 *window = memremap(0, PAGE_SIZE, MEMREMAP_RO);
    struct touch_result r = {.faulted = true};
    struct pt_walk walk;

    exp_walk(zero, &walk);
    exp_watch_start();
    if (walk.leaf_level >= 0)
        r = exp_touch(zero, TOUCH_READ);
    exp_watch_stop();
    exp_obs(e, "va=%p mapped=%d phys=%pa", zero, walk.leaf_level >= 0,
            &walk.phys);
    if (exp_check(e, !r.faulted, "that address is not mapped") && window) {
        exp_check(e, walk.phys == 0, "that address is not physical 0");
        exp_obs(e, "bytes=%02x%02x%02x%02x by_other_window=%02x%02x%02x%02x",
                zero[0], zero[1], zero[2], zero[3], window[0], window[1],
                window[2], window[3]);
        exp_check(e, !memcmp(zero, window, 64),
                  "two windows onto physical 0 differ");
    }
    memunmap((void *)window);
    exp_obs(e, "legacy: %#lx is physical 0, lowmem=%luM window=%luM",
            LEGACY_PAGE_OFFSET,
            ((1ul << 32) - LEGACY_PAGE_OFFSET - LEGACY_VMALLOC_RESERVE) / MIB,
            LEGACY_VMALLOC_RESERVE / MIB);
    exp_answer(e, "PAGE_OFFSET + 0 here, 0xc0000000 on 32-bit Linux");
}

EXPERIMENT(physical_zero) = {
    .id = "0.20",
    .question = "at which address does the kernel see physical 0?",
    .claim = "at the start of the direct map",
    .broken = "the image's mapping is taken for the direct map",
    .run = run_physical_zero,
};
