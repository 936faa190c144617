/*
 * mm/bench.c - ticks per operation, each an average over many rounds with the
 * cost of the loop itself taken off.
 *
 * Under `-icount shift=0,sleep=off` a TSC tick is one guest instruction.
 */
#include <kernel/core/printk.h>
#include <kernel/core/time.h>
#include <mm/bench.h>
#include <mm/io.h>
#include <mm/memory.h>
#include <mm/slab.h>

#define ROUNDS 512

struct mm_bench {
    const char *name;
    void (*run)(void);
};

static void __init bench_nothing(void)
{
}

static void __init bench_page(void)
{
    __free_page(alloc_pages_owner(GFP_KERNEL, 0, OWNER_TEST));
}

static void __init bench_block(void)
{
    __free_pages(alloc_pages_owner(GFP_KERNEL, 9, OWNER_TEST), 9);
}

static void __init bench_kmalloc(void)
{
    kfree(kmalloc(64, GFP_KERNEL));
}

static void __init bench_vmalloc(void)
{
    vfree(vmalloc(PAGE_SIZE));
}

static void __init bench_ioremap(void)
{
    iounmap(ioremap(0xfec00000, PAGE_SIZE));
}

static void __init bench_stack(void)
{
    kernel_stack_free(kernel_stack_alloc());
}

static u64 __init measure(void (*run)(void))
{
    u64 start;

    run(); /* what is made once is made now */
    start = rdtsc();
    for (int i = 0; i < ROUNDS; i++)
        run();
    return rdtsc() - start;
}

static void __init report(const char *name, void (*run)(void))
{
    u64 loop = measure(bench_nothing), ticks = measure(run);

    printk(LOG_NOTICE | LOG_PLAIN, "bench %-24s %llu", name,
           (unsigned long long)((ticks - loop + ROUNDS / 2) / ROUNDS));
}

/* Areas in the tree, for the search to find its way among; no memory behind
 * them.  Chained through vm_struct.caller. */
static struct vm_struct *__init add_areas(size_t n)
{
    struct vm_struct *chain = NULL;

    while (n-- > 0) {
        struct vm_struct *area = get_vm_area(PAGE_SIZE, VM_MAP);

        if (!area)
            break;
        area->caller = chain;
        chain = area;
    }
    return chain;
}

static void __init drop_areas(struct vm_struct *chain)
{
    while (chain) {
        struct vm_struct *next = chain->caller;

        free_vm_area(chain);
        chain = next;
    }
}

static void __init bench_areas(size_t n, const char *name)
{
    struct vm_struct *chain = add_areas(n);

    report(name, bench_vmalloc);
    drop_areas(chain);
}

/* Bytes of tables that a direct map of 1 TiB takes with pages of at most
 * `level`: made in a table of its own, and counted as it goes. */
static void __init bench_direct_map(int level, const char *name)
{
    pte_t *root = pt_table_alloc();
    u64 tables = 0;

    if (!root)
        return;
    if (pt_map_range(root, 0, 0, TIB, PAGE_KERNEL, level) == 0) {
        pt_unmap_range(root, 0, TIB);
        tables = 1;
    }
    tables += pt_free_tables(root, 0, TIB);
    pt_table_free(root);
    printk(LOG_NOTICE | LOG_PLAIN, "bench %-24s %llu", name,
           (unsigned long long)tables * PAGE_SIZE);
}

void __init mm_bench(void)
{
    report("alloc_page+free_page", bench_page);
    report("order-9 block", bench_block);
    report("kmalloc(64)+kfree", bench_kmalloc);
    bench_areas(10, "vmalloc+vfree, 10 areas");
    bench_areas(100000, "vmalloc+vfree, 100k areas");
    report("ioremap+iounmap", bench_ioremap);
    report("kernel stack", bench_stack);
    bench_direct_map(2, "bytes of 1-GiB direct map of 1 TiB");
    bench_direct_map(1, "bytes of 2-MiB direct map of 1 TiB");
}
