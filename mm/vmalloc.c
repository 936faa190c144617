/*
 * mm/vmalloc.c - kernel memory contiguous in virtual addresses only.
 *
 * Structure  mm/vmregion.c gives out addresses and takes them back; here are
 *            the pages behind them.
 * Cost       mapping O(pages); freeing O(pages) for the entries, the rest
 *            when many areas are flushed together.
 * Locking    none of its own: an area under construction belongs to its
 *            creator, one that is freed to who claimed it.
 * Context    may sleep.  Failure leaves nothing reserved and nothing mapped.
 */
#include <kernel/core/irq.h>
#include <kernel/core/panic.h>
#include <kernel/core/printk.h>
#include <kernel/lib/string.h>
#include <kernel/uapi/errno.h>
#include <kernel/x86/cpu.h>
#include <mm/memory.h>
#include <mm/slab.h>
#include <mm/tlb.h>

#define LARGE_ORDER 9 /* a page of 2 MiB */
#define LARGE_PAGES (1ul << LARGE_ORDER)

u64 vmalloc_sync_faults;

bool is_vmalloc_addr(const void *addr)
{
    return (unsigned long)addr - vmalloc_start < vmalloc_end - vmalloc_start;
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

void vm_area_free_pages(struct vm_struct *area)
{
    while (area->nr_pages > 0)
        __free_page(area->pages[--area->nr_pages]);
    free_page_array(area);
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

/* What waits for a flush counts as free. */
static bool too_many_pages(size_t n)
{
    return n > pages_available() && (!vm_purge() || n > pages_available());
}

struct vm_struct *vm_area_alloc(size_t n, u32 flags, enum page_owner owner,
                                void *caller)
{
    struct vm_struct *area;

    if (too_many_pages(n))
        return NULL; /* at once, not after taking all there is */
    area = get_vm_area_caller(n * PAGE_SIZE, flags, caller);
    if (!area)
        return NULL;
    if (!make_page_array(area, n))
        goto free_area;
    area->nr_pages = alloc_area_pages(area->pages, n, owner);
    if (area->nr_pages < n || map_area(area) < 0)
        goto free_area;
    return area;

free_area:
    free_vm_area(area); /* with the pages that it has got */
    return NULL;
}

static void *vmalloc_caller(size_t size, void *caller)
{
    size_t n = size / PAGE_SIZE + !IS_ALIGNED(size, PAGE_SIZE);
    struct vm_struct *area;

    if (!n || n > physmap_ram_pages()) {
        pr_err("vmalloc(%#zx) by %pS: %s\n", size, caller,
               n ? "there is not so much RAM" : "nothing is asked for");
        return NULL;
    }
    area = vm_area_alloc(n, VM_ALLOC, OWNER_VMALLOC, caller);
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

static void free_area_at(const void *addr, u32 kind, const char *call,
                         void *caller)
{
    struct vm_struct *area;

    if (!addr)
        return;
    area = vm_area_claim((unsigned long)addr, kind, call, caller);
    if (area)
        free_vm_area(area);
}

void vfree(const void *addr)
{
    free_area_at(addr, VM_ALLOC, "vfree", __builtin_return_address(0));
}

/* What vmap is asked for that cannot be, or NULL. */
static const char *bad_vmap(struct page **pages, size_t n, u32 flags,
                            pgprot_t prot)
{
    if (!pages || !n)
        return "no pages";
    if (n > (vmalloc_end - vmalloc_start) >> PAGE_SHIFT)
        return "more pages than there are addresses";
    if (flags != VM_MAP)
        return "flags other than VM_MAP";
    if (prot.bits & PTE_USER || !(prot.bits & PTE_PRESENT))
        return "not the rights of a kernel mapping";
    if (prot.bits & PTE_WRITE && !(prot.bits & PTE_NX))
        return "writable and executable";
    for (size_t i = 0; i < n; i++)
        if (!pages[i])
            return "a page is missing";
    return NULL;
}

void *vmap(struct page **pages, size_t n, u32 flags, pgprot_t prot)
{
    const char *why = bad_vmap(pages, n, flags, prot);
    struct vm_struct *area;

    if (why) {
        pr_err("vmap(%zu pages) by %pS: %s\n", n, __builtin_return_address(0),
               why);
        return NULL;
    }
    area =
        get_vm_area_caller(n * PAGE_SIZE, VM_MAP, __builtin_return_address(0));
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
    free_area_at(addr, VM_MAP, "vunmap", __builtin_return_address(0));
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
