/*
 * tests/host/test_slab.c - object caches and kmalloc under random use, with
 * pages that fail to come.
 *
 * The allocator switches interrupts off and on; in ring 3 that traps, and the
 * trap goes on behind the instruction.
 *
 * HOST_SOURCES: mm/slab.c mm/kmalloc.c
 */
#define _GNU_SOURCE /* REG_RIP */
#include "mm_shim.h"
#include <kernel/core/percpu.h>
#include <kernel/core/xcall.h>
#include <kernel/lib/printer.h>
#include <kernel/sync/spinlock.h>
#include <mm/memory.h>
#include <mm/slab.h>
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

#define ARENA_PAGES 8192ul
#define OBJECTS 600

static char *arena;
static struct page array[ARENA_PAGES];
static size_t nr_used;
static long fail_after = -1;

u64 percpu_offset;
u32 atomic_depth;
bool fail_nth_armed;
unsigned int nr_cpus_online = 1;

pfn_t lowmem_end_pfn = ~0ul >> PAGE_SHIFT;

u64 physmap_ram_end(void)
{
    return ARENA_PAGES * PAGE_SIZE;
}

static int refused;

void slab_refuse(const char *call, const void *obj, const char *why,
                 void *caller)
{
    refused++;
}

void xcall(u64 cpus, void (*fn)(void *arg), void *arg)
{
}

bool fail_nth_now(gfp_t gfp)
{
    return false;
}

void spin_lock_wait(spinlock_t *lock, u16 ticket)
{
    abort(); /* nobody else is there */
}

void printer_write(struct printer *out, const char *text, size_t len)
{
}

u64 physmap_ram_pages(void)
{
    return ARENA_PAGES;
}

void *page_address(const struct page *page)
{
    return __va(page_to_phys(page));
}

bool virt_addr_valid(const void *addr)
{
    return (char *)addr >= arena &&
           (char *)addr < arena + ARENA_PAGES * PAGE_SIZE;
}

/* First fit; fine for a test. */
struct page *alloc_pages_owner(gfp_t gfp, unsigned int order,
                               enum page_owner owner)
{
    size_t n = 1ul << order;

    if (fail_after == 0)
        return NULL;
    if (fail_after > 0)
        fail_after--;
    for (size_t i = 0; i + n <= ARENA_PAGES; i += n) {
        size_t k = 0;

        while (k < n && !atomic_read(&array[i + k].refs))
            k++;
        if (k < n)
            continue;
        for (k = 0; k < n; k++) {
            memset(&array[i + k], 0, sizeof(array[0]));
            atomic_set(&array[i + k].refs, 1);
            array[i + k].head = &array[i];
            array[i + k].flags = k ? BIT(PG_tail) : order ? BIT(PG_head) : 0;
        }
        array[i].owner = owner;
        array[i].order = order;
        nr_used += n;
        memset(page_address(&array[i]), gfp & __GFP_ZERO ? 0 : 0xdd,
               n * PAGE_SIZE);
        return &array[i];
    }
    return NULL;
}

void __free_pages(struct page *page, unsigned int order)
{
    assert_int_equal(page->order, order);
    for (size_t k = 0; k < 1ul << order; k++) {
        assert_int_equal(atomic_read(&page[k].refs), 1);
        atomic_set(&page[k].refs, 0);
    }
    nr_used -= 1ul << order;
    memset(page_address(page), 0xee, PAGE_SIZE << order);
}

void put_page(struct page *page)
{
    __free_pages(page, page->order);
}

static void skip_privileged(int sig, siginfo_t *info, void *context)
{
    greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;
    u8 opcode = *(u8 *)regs[REG_RIP];

    if (opcode != 0xfa && opcode != 0xfb) /* CLI, STI */
        abort();
    regs[REG_RIP]++;
}

/* cmocka sets a handler of its own before each test. */
static void allow_privileged(void)
{
    struct sigaction action = {.sa_sigaction = skip_privileged,
                               .sa_flags = SA_SIGINFO};

    sigaction(SIGSEGV, &action, NULL);
}

static int set_up(void **state)
{
    allow_privileged();
    arena = mmap(NULL, ARENA_PAGES * PAGE_SIZE, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    page_offset = (unsigned long)arena;
    vmemmap_base = (unsigned long)array;
    slab_init();
    return 0;
}

struct object {
    u8 *at;
    size_t size;
    u8 mark;
};
static struct object objects[OBJECTS];

static void fill(struct object *o, u8 *at, size_t size)
{
    *o = (struct object){at, size, host_random()};
    memset(at, o->mark, size);
}

static void check(const struct object *o)
{
    for (size_t i = 0; i < o->size; i++)
        assert_int_equal(o->at[i], o->mark);
}

static size_t random_size(void)
{
    return host_random() % 20 ? 1 + host_random() % 600
                              : 1 + host_random() % 30000;
}

static void kmalloc_under_random_use(void **state)
{
    allow_privileged();
    for (int i = 0; i < 60000; i++) {
        struct object *o = &objects[host_random() % OBJECTS];
        bool fail = host_random() % 50 == 0;
        size_t size = random_size();

        fail_after = fail ? 0 : -1;
        if (!o->at) {
            u8 *at = host_random() % 2 ? kmalloc(size, GFP_KERNEL)
                                       : kzalloc(size, GFP_KERNEL);

            assert_true(at || fail);
            if (at) {
                assert_true(ksize(at) >= size);
                fill(o, at, size);
            }
        } else if (host_random() % 4) {
            check(o);
            kfree(o->at);
            o->at = NULL;
        } else {
            u8 *at = krealloc(o->at, size, GFP_KERNEL);

            assert_true(at || fail);
            if (at) {
                o->size = min(o->size, size);
                o->at = at;
                check(o);
                fill(o, at, size);
            }
        }
        fail_after = -1;
        if (i % 5000 == 0)
            slab_shrink();
    }
    for (int i = 0; i < OBJECTS; i++) {
        kfree(objects[i].at);
        objects[i].at = NULL;
    }
    slab_shrink();
    assert_int_equal(nr_used, 0);
}

static void objects_do_not_overlap(void **state)
{
    allow_privileged();
    for (size_t size = 1; size < 9000; size = size * 3 / 2 + 1) {
        struct kmem_cache *cache = kmem_cache_create("t", size, 0, 0, NULL);

        if (size > 8192) {
            assert_null(cache);
            continue;
        }
        assert_non_null(cache);
        for (int i = 0; i < 200; i++)
            fill(&objects[i], kmem_cache_alloc(cache, GFP_KERNEL), size);
        for (int i = 0; i < 200; i++)
            check(&objects[i]);
        for (int i = 0; i < 200; i++)
            kmem_cache_free(cache, objects[i * 7 % 200].at);
        kmem_cache_destroy(cache);
    }
    memset(objects, 0, sizeof(objects));
    slab_shrink();
    assert_int_equal(nr_used, 0);
}

static int constructed;

static void construct(void *obj)
{
    *(u64 *)obj = 42;
    constructed++;
}

static void constructed_state_survives_freeing(void **state)
{
    struct kmem_cache *cache;
    u64 *obj[300];

    allow_privileged();
    cache = kmem_cache_create("t", 40, 32, 0, construct);
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < 300; i++) {
            obj[i] = kmem_cache_alloc(cache, GFP_KERNEL);
            assert_int_equal((unsigned long)obj[i] % 32, 0);
            assert_int_equal(*obj[i], 42);
        }
        for (int i = 0; i < 300; i++)
            kmem_cache_free(cache, obj[i]);
    }
    assert_true(constructed < 5 * 300);
    kmem_cache_destroy(cache);
    slab_shrink();
    assert_int_equal(nr_used, 0);
}

static void a_cache_in_use_is_not_destroyed(void **state)
{
    struct kmem_cache *cache;
    void *obj;

    allow_privileged();
    cache = kmem_cache_create("t", 64, 0, 0, NULL);
    obj = kmem_cache_alloc(cache, GFP_KERNEL);
    kmem_cache_destroy(cache); /* refused, said in the log */
    kmem_cache_free(cache, obj);
    kmem_cache_destroy(cache);
    slab_shrink();
    assert_int_equal(nr_used, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kmalloc_under_random_use),
        cmocka_unit_test(objects_do_not_overlap),
        cmocka_unit_test(constructed_state_survives_freeing),
        cmocka_unit_test(a_cache_in_use_is_not_destroyed),
    };

    host_random_init();
    return cmocka_run_group_tests(tests, set_up, NULL);
}
