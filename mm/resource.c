/*
 * mm/resource.c - who uses which physical addresses: the tree behind
 * /proc/iomem.
 *
 * Structure  children of a region lie inside it, in ascending order, without
 *            overlap.  Firmware ranges are entered at start-up, drivers'
 *            requests below what contains them.
 * Locking    resource_lock (mutex: the report may have to find memory).
 */
#include <kernel/core/printk.h>
#include <kernel/lib/printer.h>
#include <kernel/sync/mutex.h>
#include <kernel/uapi/errno.h>
#include <mm/memory.h>
#include <mm/io.h>
#include <mm/slab.h>
#include <mm/report.h>

struct resource iomem_root = {.start = 0, .end = ~0ull, .name = "PCI mem"};
static DEFINE_MUTEX(resource_lock);

static bool contains(const struct resource *outer, const struct resource *inner)
{
    return outer->start <= inner->start && inner->end <= outer->end;
}

/* Children of `res` that lie in it move under it; `link` leads to the first
 * sibling that ends at or behind its start. */
static int link_between(struct resource **link, struct resource *res)
{
    struct resource *first = *link, *last = NULL;

    for (struct resource *r = first; r && r->start <= res->end;
         r = r->sibling) {
        if (!contains(res, r))
            return -EBUSY; /* overlaps an edge */
        last = r;
    }
    *link = res;
    res->sibling = last ? last->sibling : first;
    res->child = last ? first : NULL;
    if (last)
        last->sibling = NULL;
    for (struct resource *r = res->child; r; r = r->sibling)
        r->parent = res;
    return 0;
}

static int insert_locked(struct resource *res, bool exclusive)
{
    struct resource *parent = &iomem_root, **link = &parent->child;

    while (*link) {
        struct resource *r = *link;

        if (r->end < res->start) {
            link = &r->sibling;
        } else if (contains(r, res) && !(exclusive && r->busy)) {
            parent = r;
            link = &r->child;
        } else {
            break;
        }
    }
    if (exclusive && *link && (*link)->start <= res->end)
        return -EBUSY;
    res->parent = parent;
    return link_between(link, res);
}

static int insert(struct resource *res, bool exclusive)
{
    int err;

    if (res->end < res->start)
        return -EINVAL;
    mutex_lock(&resource_lock);
    err = insert_locked(res, exclusive);
    mutex_unlock(&resource_lock);
    return err;
}

int resource_insert(struct resource *res)
{
    return insert(res, false);
}

struct resource *request_mem_region(phys_addr_t start, size_t size,
                                    const char *name)
{
    struct resource *res;

    if (!size || start + size - 1 < start) {
        pr_err("request_mem_region(%pa, %#zx, %s) by %pS: %s\n", &start, size,
               name, __builtin_return_address(0),
               size ? "the range wraps" : "no bytes");
        return NULL;
    }
    res = kzalloc(sizeof(*res), GFP_KERNEL);
    if (!res)
        return NULL;
    res->start = start;
    res->end = start + size - 1;
    res->name = name;
    res->busy = true;
    if (insert(res, true) == 0)
        return res;
    kfree(res);
    return NULL;
}

/* The region that follows, depth first; NULL behind the last. */
static struct resource *next_region(struct resource *r, int *depth)
{
    if (r->child) {
        ++*depth;
        return r->child;
    }
    while (r && !r->sibling) {
        r = r->parent;
        --*depth;
    }
    return r ? r->sibling : NULL;
}

/* Where a request of just these bytes hangs, or NULL. */
static struct resource **find_request(phys_addr_t start, phys_addr_t end)
{
    struct resource **link = &iomem_root.child;

    while (*link && (*link)->start <= start) {
        struct resource *r = *link;

        if (r->busy && r->start == start && r->end == end)
            return link;
        link = r->end < start ? &r->sibling : &r->child;
    }
    return NULL;
}

void release_mem_region(phys_addr_t start, size_t size)
{
    struct resource **link, *res = NULL;

    mutex_lock(&resource_lock);
    link = find_request(start, start + size - 1);
    if (link) {
        res = *link;
        *link = res->sibling; /* a request has no children */
    }
    mutex_unlock(&resource_lock);
    kfree(res);
    if (!res)
        pr_err("release_mem_region(%pa, %#zx) by %pS: nobody has requested "
               "that\n",
               &start, size, __builtin_return_address(0));
}

static const char *const type_names[] = {
    [PHYS_RAM] = "System RAM",      [PHYS_RESERVED] = "Reserved",
    [PHYS_ACPI] = "ACPI Tables",    [PHYS_NVS] = "ACPI Non-volatile Storage",
    [PHYS_BAD] = "Unusable memory",
};

static void __init add_region(phys_addr_t start, phys_addr_t end,
                              const char *name)
{
    struct resource *res = kzalloc(sizeof(*res), GFP_KERNEL);

    if (!res)
        return; /* only the list of regions suffers */
    res->start = start;
    res->end = end - 1;
    res->name = name;
    if (resource_insert(res) < 0)
        kfree(res);
}

void __init resource_init(void)
{
    const struct phys_range *range;
    size_t n = physmap_ranges(&range);

    for (size_t i = 0; i < n; i++)
        add_region(range[i].start, range[i].end,
                   range[i].type < ARRAY_SIZE(type_names) &&
                           type_names[range[i].type]
                       ? type_names[range[i].type]
                       : "Reserved");
    add_region(__pa_symbol(__text_start), __pa_symbol(__text_end),
               "Kernel code");
    add_region(__pa_symbol(__rodata_start), __pa_symbol(__rodata_end),
               "Kernel rodata");
    add_region(__pa_symbol(__data_start), __pa_symbol(__data_end),
               "Kernel data");
    add_region(__pa_symbol(__bss_start), __pa_symbol(__bss_end), "Kernel bss");
}

void resource_print_at(phys_addr_t phys, struct printer *out)
{
    const struct resource *found = NULL, *r;

    mutex_lock(&resource_lock);
    for (r = iomem_root.child; r;) {
        if (r->start <= phys && phys <= r->end) {
            found = r;
            r = r->child;
        } else {
            r = r->sibling;
        }
    }
    printer_puts(out, found ? found->name : "nobody's");
    mutex_unlock(&resource_lock);
}

void iomem_report(struct printer *out)
{
    struct resource *r;
    int depth = -1;

    mutex_lock(&resource_lock);
    for (r = &iomem_root; (r = next_region(r, &depth));)
        printer_printf(out, "%*s%08llx-%08llx : %s\n", 2 * depth, "",
                       (unsigned long long)r->start, (unsigned long long)r->end,
                       r->name);
    mutex_unlock(&resource_lock);
}
