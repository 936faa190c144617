/*
 * mm/vmalloc.c - kernel memory contiguous in virtual addresses only.
 *
 * Region     [VMALLOC_START, VMALLOC_END), shared with ioremap and kernel
 *            stacks; mm/layout.h.
 * Structure  mm/vmarea.c keeps the areas; one unmapped guard page follows
 *            each.
 * Cost       reserve and release O(log areas), mapping O(pages), one flush
 *            per area that goes.
 * Locking    area_lock covers the tree only, with interrupts on, so that a
 *            holder may flush other CPUs.  An area under construction belongs
 *            to its creator: pages are allocated and mapped without it.
 * Invariant  an entry exists here only under a reserved area, and an address
 *            is free again only after the flush.
 * Context    may sleep.  Failure leaves nothing reserved and nothing mapped.
 */
#include <kernel/core/irq.h>
#include <kernel/core/ksyms.h>
#include <kernel/core/panic.h>
#include <kernel/core/printk.h>
#include <kernel/lib/printer.h>
#include <kernel/lib/string.h>
#include <kernel/sync/spinlock.h>
#include <kernel/uapi/errno.h>
#include <kernel/x86/cpu.h>
#include <mm/memory.h>
#include <mm/report.h>
#include <mm/slab.h>
#include <mm/tlb.h>
#include <mm/vmarea.h>

#define LARGE_ORDER 9 /* a page of 2 MiB */
#define LARGE_PAGES (1ul << LARGE_ORDER)

static DEFINE_SPINLOCK(area_lock);
static struct vm_area_set areas; /* (area_lock) */
/* vmalloc's own with vmalloc_sync=lazy: the slots that are not filled. */
static struct vm_area_set lazy_areas; /* (area_lock) */
static struct kmem_cache *area_cache;
u64 vmalloc_sync_faults;
bool vmalloc_lazy;

void __init vmalloc_init(void)
{
    areas.start = vmalloc_start;
    areas.end = vmalloc_end;
    if (vmalloc_lazy) {
        areas.end = vmalloc_start + pt_span(pgtable_levels - 1);
        lazy_areas.start = areas.end;
        lazy_areas.end = vmalloc_end;
    }
    area_cache =
        kmem_cache_create("vm_struct", sizeof(struct vm_struct), 0, NULL);
    if (!area_cache)
        panic("no memory for the list of vmalloc areas");
}

bool is_vmalloc_addr(const void *addr)
{
    return (unsigned long)addr - vmalloc_start < vmalloc_end - vmalloc_start;
}

static struct vm_area_set *set_of(u32 flags)
{
    return vmalloc_lazy && flags & VM_AREA_VMALLOC ? &lazy_areas : &areas;
}

static struct vm_area_set *set_at(unsigned long addr)
{
    return addr < areas.end ? &areas : &lazy_areas;
}

struct vm_struct *get_vm_area_caller(size_t size, u32 flags, void *caller)
{
    struct vm_struct *area;
    size_t align = PAGE_SIZE;
    bool placed;

    if (!size || size > vmalloc_end - vmalloc_start)
        return NULL;
    area = kmem_cache_alloc(area_cache, GFP_KERNEL);
    if (!area)
        return NULL;
    if (flags & VM_AREA_VMALLOC && size >= LARGE_PAGES * PAGE_SIZE)
        align = LARGE_PAGES * PAGE_SIZE;
    area->flags = flags;
    area->cache = CACHE_WB;
    area->pages = NULL;
    area->nr_pages = 0;
    area->phys = 0;
    area->fault = NULL;
    area->private = NULL;
    area->caller = caller;
    spin_lock(&area_lock);
    placed = vm_area_place(set_of(flags), area, PAGE_ALIGN(size), align);
    spin_unlock(&area_lock);
    if (placed)
        return area;
    kmem_cache_free(area_cache, area);
    return NULL;
}

struct vm_struct *get_vm_area(size_t size, u32 flags)
{
    return get_vm_area_caller(size, flags, __builtin_return_address(0));
}

/* Returns when no CPU can reach what was mapped. */
static void unmap_area(struct vm_struct *area)
{
    unsigned long end = area->addr + area->size;

    pt_unmap_range(master_table, area->addr, end);
    tlb_flush_kernel_range(area->addr, end);
}

static void forget_area(struct vm_struct *area)
{
    spin_lock(&area_lock);
    vm_area_remove(set_at(area->addr), area);
    spin_unlock(&area_lock);
    kmem_cache_free(area_cache, area);
}

void free_vm_area(struct vm_struct *area)
{
    unmap_area(area);
    forget_area(area);
}

/* For a fault handler, which cannot wait for a lock it may have hit. */
struct vm_struct *find_vm_area_nolock(const void *addr)
{
    return vm_area_at(set_at((unsigned long)addr), (unsigned long)addr);
}

struct vm_struct *find_vm_area(const void *addr)
{
    struct vm_struct *area;

    spin_lock(&area_lock);
    area = find_vm_area_nolock(addr);
    spin_unlock(&area_lock);
    return area;
}

/* The area that starts at addr and is of this kind; says so if it is not. */
static struct vm_struct *area_to_free(const void *addr, u32 kind,
                                      const char *call, void *caller)
{
    struct vm_struct *area = find_vm_area(addr);

    if (area && area->addr == (unsigned long)addr && area->flags & kind)
        return area;
    pr_err("%s(%p) by %p: no such area starts there\n", call, addr, caller);
    return NULL;
}

static void free_page_array(struct vm_struct *area)
{
    if (area->pages == area->few)
        return;
    if (is_vmalloc_addr(area->pages))
        vfree(area->pages);
    else
        kfree(area->pages);
}

static bool make_page_array(struct vm_struct *area, size_t n)
{
    size_t bytes = n * sizeof(area->pages[0]);

    if (n <= ARRAY_SIZE(area->few))
        area->pages = area->few;
    else if (bytes <= 2 * PAGE_SIZE)
        area->pages = kmalloc(bytes, GFP_KERNEL | __GFP_NOWARN);
    else
        area->pages = vmalloc(bytes);
    return area->pages;
}

static void free_area_pages(struct vm_struct *area)
{
    while (area->nr_pages > 0)
        __free_page(area->pages[--area->nr_pages]);
}

void vm_area_destroy(struct vm_struct *area)
{
    unmap_area(area);
    free_area_pages(area);
    free_page_array(area);
    forget_area(area);
}

/* Pages for the area, whole large pages where there are some.  Returns how
 * many, at most n. */
static size_t alloc_area_pages(struct page **pages, size_t n,
                               enum page_owner owner)
{
    gfp_t gfp = GFP_KERNEL | __GFP_HIGHMEM;
    size_t done = 0;

    while (done < n) {
        size_t want = min(n - done, LARGE_PAGES), got;
        struct page *block = NULL;

        if (want == LARGE_PAGES)
            block = alloc_pages_owner(gfp | __GFP_NOWARN | __GFP_NORETRY,
                                      LARGE_ORDER, owner);
        if (block) {
            split_page(block, LARGE_ORDER);
            for (got = 0; got < LARGE_PAGES; got++)
                pages[done + got] = block + got;
        } else {
            got = alloc_pages_bulk(gfp, owner, want, pages + done);
        }
        done += got;
        if (got < want)
            break;
    }
    return done;
}

static bool is_large_page(struct page *const *pages, size_t n)
{
    if (n < LARGE_PAGES || !IS_ALIGNED(page_to_pfn(pages[0]), LARGE_PAGES))
        return false;
    for (size_t i = 1; i < LARGE_PAGES; i++)
        if (pages[i] != pages[0] + i)
            return false;
    return true;
}

static int map_area(struct vm_struct *area)
{
    size_t n = area->nr_pages;

    for (size_t i = 0; i < n; i += LARGE_PAGES) {
        unsigned long va = area->addr + i * PAGE_SIZE;
        struct page **pages = area->pages + i;
        int err;

        if (is_large_page(pages, n - i))
            err = pt_map_range(master_table, va, page_to_phys(pages[0]),
                               LARGE_PAGES * PAGE_SIZE, PAGE_KERNEL, 1);
        else
            err = pt_map_pages(master_table, va, pages, min(n - i, LARGE_PAGES),
                               PAGE_KERNEL);
        if (err < 0)
            return err; /* free_vm_area takes back what is mapped */
    }
    return 0;
}

struct vm_struct *vm_area_alloc(size_t n, u32 flags, enum page_owner owner,
                                void *caller)
{
    struct vm_struct *area;

    if (n > pages_available())
        return NULL; /* at once, not after taking all there is */
    area = get_vm_area_caller(n * PAGE_SIZE, flags, caller);
    if (!area)
        return NULL;
    if (!make_page_array(area, n))
        goto free_area;
    area->nr_pages = alloc_area_pages(area->pages, n, owner);
    if (area->nr_pages < n || map_area(area) < 0)
        goto destroy_area;
    return area;

destroy_area:
    vm_area_destroy(area);
    return NULL;
free_area:
    free_vm_area(area);
    return NULL;
}

static void *vmalloc_caller(size_t size, void *caller)
{
    size_t n = PFN_UP(size);
    struct vm_struct *area;

    if (!size || n > vmalloc_end >> PAGE_SHIFT)
        return NULL;
    area = vm_area_alloc(n, VM_AREA_VMALLOC, OWNER_VMALLOC, caller);
    return area ? (void *)area->addr : NULL;
}

void *vmalloc(size_t size)
{
    return vmalloc_caller(size, __builtin_return_address(0));
}

void *vzalloc(size_t size)
{
    void *mem = vmalloc_caller(size, __builtin_return_address(0));

    if (mem)
        memset(mem, 0, PAGE_ALIGN(size));
    return mem;
}

void vfree(const void *addr)
{
    struct vm_struct *area;

    if (!addr)
        return;
    area = area_to_free(addr, VM_AREA_VMALLOC, "vfree",
                        __builtin_return_address(0));
    if (area)
        vm_area_destroy(area);
}

void *vmap(struct page **pages, size_t n, pgprot_t prot)
{
    struct vm_struct *area;

    if (!n || n > (vmalloc_end - vmalloc_start) >> PAGE_SHIFT)
        return NULL;
    area = get_vm_area_caller(n * PAGE_SIZE, VM_AREA_MAP,
                              __builtin_return_address(0));
    if (!area)
        return NULL;
    if (pt_map_pages(master_table, area->addr, pages, n, prot) < 0) {
        free_vm_area(area);
        return NULL;
    }
    return (void *)area->addr;
}

void vunmap(const void *addr)
{
    struct vm_struct *area;

    if (!addr)
        return;
    area =
        area_to_free(addr, VM_AREA_MAP, "vunmap", __builtin_return_address(0));
    if (area)
        free_vm_area(area);
}

struct page *vmalloc_to_page(const void *addr)
{
    struct pt_cursor c;
    unsigned long va = (unsigned long)addr & PAGE_MASK;
    pfn_t pfn;

    if (!is_vmalloc_addr(addr))
        return NULL;
    pt_start(&c, master_table, va, va + PAGE_SIZE);
    if (!pte_present(*c.slot))
        return NULL;
    pfn = pte_pfn(*c.slot) + ((va & (pt_span(c.level) - 1)) >> PAGE_SHIFT);
    return pfn_valid(pfn) ? pfn_to_page(pfn) : NULL;
}

int vm_area_map_page(struct vm_struct *area, unsigned long addr,
                     struct page *page, pgprot_t prot)
{
    addr &= PAGE_MASK;
    BUG_ON(addr < area->addr || addr >= area->addr + area->size);
    return pt_map_pages(master_table, addr, &page, 1, prot);
}

struct page *vm_area_unmap_page(struct vm_struct *area, unsigned long addr)
{
    struct page *page = vmalloc_to_page((void *)addr);

    addr &= PAGE_MASK;
    if (page) {
        pt_unmap_range(master_table, addr, addr + PAGE_SIZE);
        tlb_flush_kernel_range(addr, addr + PAGE_SIZE);
    }
    return page;
}

/* Copies the master's top-level slot into the table in use; false if there
 * was nothing to copy, so the fault had another reason. */
static bool sync_slot(unsigned long addr)
{
    pte_t *root = __va(read_cr3() & PTE_PFN_MASK);
    unsigned int i = pt_index(addr, pgtable_levels - 1);

    if (pte_none(master_table[i]) || !pte_none(root[i]))
        return false;
    WRITE_ONCE(root[i].val, master_table[i].val);
    vmalloc_sync_faults++;
    return true;
}

bool vmalloc_fault(unsigned long addr, u32 error_code, bool irqs_on)
{
    struct vm_struct *area;
    int err = -ENOENT;

    if (!is_vmalloc_addr((void *)addr) || error_code & PTE_PRESENT)
        return false;
    if (vmalloc_lazy && sync_slot(addr))
        return true;
    if (this_cpu_read(atomic_depth) || !irqs_on)
        return false;
    local_irq_enable();
    area = find_vm_area((void *)addr);
    if (area && area->fault && addr < area->addr + area->size)
        err = area->fault(area, addr & PAGE_MASK);
    local_irq_disable();
    return err == 0;
}

/* Tables that serve no area: those that lie wholly in a gap.  The tables
 * right under the top level stay, every process shares them. */
static void shrink_set(struct vm_area_set *set, struct list_head *detached)
{
    struct vm_struct *area = vm_area_first(set);
    unsigned long done = set->start;

    for (;; area = vm_area_next(area)) {
        unsigned long stop = area ? area->addr : set->end;

        pt_detach_tables(master_table, done, stop, detached);
        if (!area)
            break;
        done = vm_area_end(area);
    }
}

void vmalloc_shrink(void)
{
    LIST_HEAD(detached);

    spin_lock(&area_lock);
    shrink_set(&areas, &detached);
    if (vmalloc_lazy)
        shrink_set(&lazy_areas, &detached);
    if (!list_empty(&detached))
        tlb_flush_kernel_range(vmalloc_start, vmalloc_end);
    spin_unlock(&area_lock);
    pt_release_tables(&detached);
}

/* "name+0x12/0x40" of a code address. */
static void print_caller(struct printer *out, void *caller)
{
    char name[KSYM_NAME_MAX];
    unsigned long offset, size;

    if (ksym_lookup((unsigned long)caller, name, &offset, &size))
        printer_printf(out, "%s+0x%lx/0x%lx", name, offset, size);
    else
        printer_printf(out, "%p", caller);
}

static void report_area(const struct vm_struct *area, struct printer *out)
{
    printer_printf(out, "0x%016lx-0x%016lx %7zu ", area->addr,
                   vm_area_end(area), area->size + PAGE_SIZE);
    print_caller(out, area->caller);
    if (area->nr_pages)
        printer_printf(out, " pages=%zu", area->nr_pages);
    if (area->flags & VM_AREA_IOREMAP)
        printer_printf(out, " phys=0x%016llx ioremap",
                       (unsigned long long)area->phys);
    if (area->flags & VM_AREA_VMALLOC)
        printer_puts(out, " vmalloc");
    if (area->flags & VM_AREA_MAP)
        printer_puts(out, " vmap");
    if (area->flags & VM_AREA_STACK)
        printer_puts(out, " stack");
    if (area->flags & VM_AREA_FAULT)
        printer_puts(out, " on-demand");
    printer_puts(out, "\n");
}

static void report_set(const struct vm_area_set *set, struct printer *out)
{
    struct vm_struct *area = vm_area_first(set);

    for (; area; area = vm_area_next(area))
        report_area(area, out);
}

void vmallocinfo_report(struct printer *out)
{
    spin_lock(&area_lock);
    report_set(&areas, out);
    report_set(&lazy_areas, out);
    spin_unlock(&area_lock);
}

static u64 set_bytes(const struct vm_area_set *set)
{
    struct vm_struct *area = vm_area_first(set);
    u64 bytes = 0;

    for (; area; area = vm_area_next(area))
        bytes += area->size;
    return bytes;
}

u64 vmalloc_used_bytes(void)
{
    u64 bytes;

    spin_lock(&area_lock);
    bytes = set_bytes(&areas) + set_bytes(&lazy_areas);
    spin_unlock(&area_lock);
    return bytes;
}
