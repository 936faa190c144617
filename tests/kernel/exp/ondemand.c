/*
 * tests/kernel/exp/ondemand.c - a kernel range of four times the RAM, whose
 * pages are kept compressed and come back in the fault; and the arithmetic of
 * a machine whose virtual space is larger than its memory.
 */
#include <tests/kernel/exp/exp.h>

#include <kernel/lib/lz4.h>
#include <kernel/lib/string.h>
#include <mm/kmap.h>
#include <mm/physmap.h>
#include <mm/slab.h>
#include <mm/vmalloc.h>

/* ---- 2.8 ---- */

#define SAMPLE_PAGES 1024 /* touched, spread over the whole range */
#define RESIDENT_MAX 32
#define PACK_ROOM PAGE_SIZE

struct packed {
    void *data; /* NULL: never written */
    u32 len;
    u32 sum; /* of the plain page */
};

static struct {
    struct vm_struct *area;
    unsigned long stride; /* bytes from sample to sample */
    struct packed *page;  /* SAMPLE_PAGES */
    unsigned long resident[RESIDENT_MAX];
    unsigned int next, faults, evictions;
    u64 packed_bytes;
    struct lz4_work work;
    u8 room[PACK_ROOM];
    bool broken;
} * store;

static u32 sum_of(const u64 *words)
{
    u64 sum = 1;

    for (size_t i = 0; i < PAGE_SIZE / 8; i++)
        sum = sum * 31 + words[i];
    return sum ^ sum >> 32;
}

static void pack(struct packed *p, const void *plain)
{
    size_t len =
        lz4_compress(&store->work, plain, PAGE_SIZE, store->room, PACK_ROOM);

    kfree(p->data);
    p->data = len ? kmalloc(len, GFP_KERNEL) : NULL;
    p->len = p->data ? len : 0;
    p->sum = sum_of(plain);
    if (p->data && !store->broken)
        memcpy(p->data, store->room, len);
    store->packed_bytes += len;
}

static void evict(unsigned long addr)
{
    struct page *page = vm_area_unmap_page(store->area, addr);
    void *at;

    if (!page)
        return;
    at = kmap(page);
    pack(&store->page[(addr - store->area->addr) / store->stride], at);
    kunmap(page);
    put_page(page);
    store->evictions++;
}

/* Called in the fault: the page that belongs at addr. */
static int bring_in(struct vm_struct *area, unsigned long addr)
{
    unsigned int slot = store->next++ % RESIDENT_MAX;
    struct packed *p = &store->page[(addr - area->addr) / store->stride];
    struct page *page;
    bool ok = true;

    store->faults++;
    if (store->resident[slot])
        evict(store->resident[slot]);
    store->resident[slot] = 0;
    page = alloc_pages_owner(GFP_HIGHUSER | __GFP_ZERO, 0, OWNER_TEST);
    if (!page)
        return -1;
    if (p->data) {
        ok = lz4_decompress(p->data, p->len, kmap(page), PAGE_SIZE) ==
             (ssize_t)PAGE_SIZE;
        kunmap(page);
    }
    if ((!ok && !store->broken) ||
        vm_area_map_page(area, addr, page, PAGE_KERNEL) < 0) {
        put_page(page);
        return -1;
    }
    store->resident[slot] = addr;
    return 0;
}

static u64 *sample(size_t i)
{
    return (u64 *)(store->area->addr + i * store->stride);
}

static u64 word_of(size_t i, size_t k)
{
    return (i * 2654435761u + k / 8) * 0x9e3779b9u;
}

static void write_all(void)
{
    for (size_t i = 0; i < SAMPLE_PAGES; i++)
        for (size_t k = 0; k < PAGE_SIZE / 8; k++)
            WRITE_ONCE(sample(i)[k], word_of(i, k));
}

static size_t wrong_pages(void)
{
    size_t wrong = 0;

    for (size_t i = 0; i < SAMPLE_PAGES; i++) {
        const u64 *words = sample(i);
        bool same = true;

        for (size_t k = 0; k < PAGE_SIZE / 8; k++)
            same &= READ_ONCE(words[k]) == word_of(i, k);
        wrong += !same;
    }
    return wrong;
}

static void use_range(struct exp *e)
{
    u64 ratio;
    size_t wrong;

    exp_obs(e, "reserved=%#lx-%#lx MiB=%zu frames_at_reserve=0",
            store->area->addr, store->area->addr + store->area->size - 1,
            store->area->size / MIB);
    write_all();
    wrong = wrong_pages();
    ratio = store->evictions * PAGE_SIZE * 10 / max(store->packed_bytes, 1ull);
    exp_obs(e,
            "touched=%d faults=%u evictions=%u resident_max=%d "
            "ratio=%llu.%llu wrong=%zu",
            SAMPLE_PAGES, store->faults, store->evictions, RESIDENT_MAX,
            (unsigned long long)ratio / 10, (unsigned long long)ratio % 10,
            wrong);
    exp_check(e, wrong == 0, "%zu pages came back with other contents", wrong);
    exp_check(e, store->faults >= 2 * SAMPLE_PAGES - RESIDENT_MAX,
              "pages were there without a fault");
    exp_check(e, store->evictions >= store->faults - RESIDENT_MAX,
              "more pages are resident than allowed");
}

static void drop_range(void)
{
    for (int i = 0; i < RESIDENT_MAX; i++)
        if (store->resident[i])
            evict(store->resident[i]);
    for (int i = 0; i < SAMPLE_PAGES; i++)
        kfree(store->page[i].data);
    free_vm_area(store->area);
}

static void run_on_demand(struct exp *e)
{
    size_t size = 4 * physmap_ram_pages() * PAGE_SIZE;

    store = vzalloc(sizeof(*store));
    if (!exp_check(e, store, "no memory"))
        return;
    store->broken = e->broken;
    store->stride = ALIGN_DOWN(size / SAMPLE_PAGES, PAGE_SIZE);
    store->page = vzalloc(SAMPLE_PAGES * sizeof(struct packed));
    store->area = get_vm_area(size, VM_AREA_FAULT);
    if (exp_check(e, store->page && store->area, "no addresses")) {
        store->area->fault = bring_in;
        use_range(e);
        drop_range();
    } else if (store->area) {
        free_vm_area(store->area);
    }
    vfree(store->page);
    vfree(store);
    exp_answer(e, "reserve addresses, produce pages in a fault handler of "
                  "one's own, keep few");
}

EXPERIMENT(on_demand) = {
    .id = "2.8",
    .question = "can a driver reserve far more addresses than there is RAM and "
                "decompress on access?",
    .claim = "get_vm_area without memory, and a fault handler for the area",
    .broken = "what is compressed is not kept",
    .run = run_on_demand,
};

/* ---- 2.7 ---- */

#define TOY_PAGE 1024          /* 1 KiB: 10 bits of offset */
#define TOY_VIRTUAL (16 * MIB) /* 24 bits */
#define TOY_RAM (1 * MIB)      /* 20 bits */

/* Where page `vpn` lies after every page was brought in once, in order, with
 * a disk of this block size: the frames follow each other round. */
static unsigned long toy_frame(unsigned long vpn, unsigned long block,
                               bool broken)
{
    unsigned long frames = TOY_RAM / (broken ? block : TOY_PAGE);

    return vpn % frames;
}

static void run_toy(struct exp *e)
{
    static const unsigned long blocks[] = {512, 1024, 4096};
    unsigned long va = 0xabcdef, vpn = va / TOY_PAGE, frame;
    size_t differ = 0;

    exp_obs(e, "virtual_bits=%d = %d page + %d offset, frames=%lu",
            __builtin_ctzl(TOY_VIRTUAL),
            __builtin_ctzl(TOY_VIRTUAL) - __builtin_ctzl(TOY_PAGE),
            __builtin_ctzl(TOY_PAGE), TOY_RAM / TOY_PAGE);
    frame = toy_frame(vpn, TOY_PAGE, false);
    exp_obs(e, "va=%#lx page=%#lx offset=%#lx frame=%#lx pa=%#lx", va, vpn,
            va % TOY_PAGE, frame, frame * TOY_PAGE + va % TOY_PAGE);
    for (size_t b = 0; b < ARRAY_SIZE(blocks); b++) {
        size_t other = 0;

        for (unsigned long p = 0; p < TOY_VIRTUAL / TOY_PAGE; p++)
            other += toy_frame(p, blocks[b], e->broken) !=
                     toy_frame(p, TOY_PAGE, false);
        exp_obs(e, "disk_block=%lu pages_mapped_elsewhere=%zu", blocks[b],
                other);
        differ += other;
    }
    exp_check(e, !differ, "the map depends on the disk's block size");
    exp_answer(e, "14 bits of page, 10 of offset; the disk's block is "
                  "irrelevant");
}

EXPERIMENT(toy_machine) = {
    .id = "2.7",
    .question = "1 MiB of RAM, 16 MiB of virtual space, 1-KiB pages: which "
                "bits mean what?",
    .claim = "24 = 14 + 10 bits and 1024 frames, whatever the disk's block",
    .broken = "frames are counted in disk blocks",
    .run = run_toy,
};
