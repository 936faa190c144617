/*
 * mm/slab_report.c - /proc/slabinfo, and saying what is wrong with an address
 * that somebody takes for an object.
 */
#include <kernel/core/printk.h>
#include <kernel/lib/printer.h>
#include <mm/memory.h>
#include <mm/report.h>
#include <mm/slab_internal.h>

/* What an address is that no cache has given.  No lock: the caller may hold
 * any, and the answer is for a person. */
static const char *what_else(const void *obj)
{
    unsigned long va = (unsigned long)obj;
    struct vm_struct *area;

    if ((s64)va >= 0)
        return "it is a user address";
    if (va >= (unsigned long)__kernel_start && va < (unsigned long)__kernel_end)
        return "it is in the kernel's image";
    if (is_vmalloc_addr(obj)) {
        area = find_vm_area_nolock(obj);
        if (area && area->flags & VM_AREA_STACK)
            return "it is on a kernel stack";
        return area ? "it is in a vmalloc area" : "it is in the vmalloc region";
    }
    if (!virt_addr_valid(obj))
        return "no RAM is there";
    if (!page_count(page_block(virt_to_page(obj))))
        return "its page is free";
    return "kmalloc never gave it";
}

void slab_refuse(const char *call, const void *obj, const char *why,
                 void *caller)
{
    pr_err("%s(%p) by %pS: %s; nothing is done\n", call, obj, caller,
           why ? why : what_else(obj));
}

void slabinfo_report(struct printer *out)
{
    u64 flags = spin_lock_irqsave(&slab_caches_lock);
    struct kmem_cache *cache;
    struct page *page;

    printer_puts(out, "slabinfo - version: 2.1\n"
                      "# name            <active_objs> <num_objs> <objsize> "
                      "<objperslab> <pagesperslab> : tunables <limit> "
                      "<batchcount> <sharedfactor> : slabdata <active_slabs> "
                      "<num_slabs> <sharedavail>\n");
    list_for_each_entry(cache, &slab_caches, all) {
        u64 free = 0, total;

        spin_lock(&cache->lock);
        total = cache->nr_slabs * cache->objects_per_slab;
        list_for_each_entry(page, &cache->partial, link)
            free += cache->objects_per_slab - page->objects;
        spin_unlock(&cache->lock);
        printer_printf(out,
                       "%-17s %6llu %6llu %6u %4u %4u : tunables    0    0"
                       "    0 : slabdata %6llu %6llu      0\n",
                       cache->name, (unsigned long long)(total - free),
                       (unsigned long long)total, cache->stride,
                       cache->objects_per_slab, 1u << cache->order,
                       (unsigned long long)cache->nr_slabs,
                       (unsigned long long)cache->nr_slabs);
    }
    spin_unlock_irqrestore(&slab_caches_lock, flags);
}
