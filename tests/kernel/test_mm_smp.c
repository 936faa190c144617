/*
 * tests/kernel/test_mm_smp.c - the allocators used by several threads at
 * once, on as many CPUs as run (maxcpus=).
 */
#include <kernel/core/ktest.h>
#include <kernel/core/xcall.h>
#include <kernel/lib/string.h>
#include <kernel/sync/waitq.h>
#include <kernel/task/task.h>
#include <mm/page.h>
#include <mm/slab.h>
#include <mm/vmalloc.h>

#define WORKERS 6
#define OBJECTS 24
#define ROUNDS 1500

static struct {
    struct wait_queue done;
    atomic_t left, wrong;
    void *shared[OBJECTS]; /* swapped between the workers */
} work;

struct held {
    u8 *at;
    size_t size;
    int kind; /* 0: kmalloc, 1: page, 2: vmalloc */
};

static u64 next_random(u64 *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static void take(struct held *h, u64 random)
{
    h->kind = random % 8 == 0 ? 2 : random % 3 == 0;
    h->size = h->kind ? PAGE_SIZE : 1 + random % 700;
    if (h->kind == 0) {
        h->at = kmalloc(h->size, GFP_KERNEL);
    } else if (h->kind == 1) {
        struct page *page = alloc_pages_owner(GFP_KERNEL, 0, OWNER_TEST);

        h->at = page ? page_address(page) : NULL;
    } else {
        h->at = vmalloc(h->size);
    }
    if (h->at)
        memset(h->at, (u8)(u64)h, h->size);
}

static void give(struct held *h)
{
    if (h->at[0] != (u8)(u64)h || h->at[h->size - 1] != (u8)(u64)h)
        atomic_inc(&work.wrong);
    if (h->kind == 0)
        kfree(h->at);
    else if (h->kind == 1)
        put_page(virt_to_page(h->at));
    else
        vfree(h->at);
    h->at = NULL;
}

/* An object that one thread allocates and another frees. */
static void swap_shared(u64 random, gfp_t gfp)
{
    void *mine = kmalloc(8 + random % 200, gfp);

    kfree(__atomic_exchange_n(&work.shared[random % OBJECTS], mine,
                              __ATOMIC_SEQ_CST));
}

static int worker(void *arg)
{
    struct held *held = kcalloc(OBJECTS, sizeof(*held), GFP_KERNEL);
    u64 seed = (u64)arg;

    for (int i = 0; held && i < ROUNDS; i++) {
        u64 random = next_random(&seed);
        struct held *h = &held[random % OBJECTS];

        if (h->at)
            give(h);
        else
            take(h, random >> 8);
        swap_shared(random >> 20, GFP_KERNEL);
        if (i % 64 == 0)
            schedule();
    }
    for (int i = 0; held && i < OBJECTS; i++)
        if (held[i].at)
            give(&held[i]);
    kfree(held);
    if (atomic_dec_and_test(&work.left))
        wake_up_all(&work.done);
    return 0;
}

static gfp_t random_type(u64 random)
{
    static const gfp_t types[] = {0, __GFP_MOVABLE, __GFP_RECLAIMABLE};

    return types[random % ARRAY_SIZE(types)];
}

/* In the interrupt of a call from another CPU. */
static void hammer(void *arg)
{
    u64 seed = (u64)arg + smp_processor_id();
    struct page *pages[8] = {NULL};
    void *objects[8] = {NULL};

    for (int i = 0; i < 4 * ROUNDS; i++) {
        u64 random = next_random(&seed);
        unsigned int slot = random % ARRAY_SIZE(pages);

        __free_page(pages[slot]);
        pages[slot] = alloc_pages_owner(GFP_ATOMIC | __GFP_NOWARN |
                                            random_type(random >> 40),
                                        0, OWNER_TEST);
        kfree(objects[slot]);
        objects[slot] = kmalloc(1 + (random >> 8) % 500, GFP_ATOMIC);
        swap_shared(random >> 20, GFP_ATOMIC);
    }
    for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
        __free_page(pages[i]);
        kfree(objects[i]);
    }
}

static void drop_shared(void)
{
    for (int i = 0; i < OBJECTS; i++) {
        kfree(work.shared[i]);
        work.shared[i] = NULL;
    }
}

KTEST(smp, allocators_on_all_cpus_at_once)
{
    if (nr_cpus_online < 2) {
        ktest_skip("one CPU");
        return;
    }
    for (int i = 0; i < 5; i++)
        xcall(~0ull, hammer, (void *)(ktest_random() | 1));
    drop_shared();
}

KTEST(smp, allocators_under_many_threads)
{
    unsigned int started = 0;

    wait_queue_init(&work.done);
    atomic_set(&work.left, WORKERS);
    atomic_set(&work.wrong, 0);
    for (; started < WORKERS; started++)
        if (kthread_run(worker, (void *)(ktest_random() | 1), "mm-worker",
                        NULL))
            break;
    if (!KTEST_EXPECT(started == WORKERS))
        atomic_sub(&work.left, WORKERS - started);
    wait_event(&work.done, atomic_read(&work.left) == 0);
    drop_shared();
    KTEST_EXPECT(atomic_read(&work.wrong) == 0);
}
