/*
 * mm/physmap.c - physical memory as the firmware reports it, and who holds
 * parts of it from the beginning.
 *
 * Structure  ranges[] sorted and without overlap after physmap_finish();
 *            reservations[] sorted by start, which may overlap each other.
 * Cost       everything is linear in the number of entries (about ten);
 *            nothing depends on the amount of RAM.
 * Locking    none: changes at start-up, and once when the initramfs goes.
 * Invariant  only frames wholly inside a PHYS_RAM range are ever given out.
 */
#include <kernel/core/panic.h>
#include <kernel/core/printk.h>
#include <kernel/lib/string.h>
#include <mm/layout.h>
#include <mm/physmap.h>

#define RESERVATIONS_MAX 64
#define BOOT_ALLOC_LIMIT PFN_DOWN(4 * GIB) /* what boot tables map */
#define LOW_PFN PFN_DOWN(1 * MIB)

struct reservation {
    struct pfn_run run;
    enum page_owner owner;
    const char *why;
};

static struct phys_range ranges[PHYS_RANGES_MAX];
static size_t nr_ranges;
static struct reservation reservations[RESERVATIONS_MAX];
static size_t nr_reservations;

void physmap_add(phys_addr_t start, phys_addr_t end, enum phys_type type)
{
    end = min(end, (phys_addr_t)PHYS_LIMIT);
    if (start >= end)
        return;
    if (nr_ranges == PHYS_RANGES_MAX) {
        pr_warn("physmap: too many ranges, %llx-%llx is not used\n",
                (unsigned long long)start, (unsigned long long)end);
        return;
    }
    ranges[nr_ranges++] = (struct phys_range){start, end, type};
}

/* Of two claims on the same bytes the higher rank wins. */
static int type_rank(enum phys_type type)
{
    switch (type) {
    case PHYS_RAM:
        return 0;
    case PHYS_ACPI:
        return 1;
    case PHYS_NVS:
        return 2;
    case PHYS_BAD:
        return 4;
    default:
        return 3;
    }
}

static void __init sort_points(u64 *points, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        u64 val = points[i];
        size_t j = i;

        for (; j > 0 && points[j - 1] > val; j--)
            points[j] = points[j - 1];
        points[j] = val;
    }
}

/* The strictest claim on [start, end), which no range's edge divides. */
static enum phys_type __init type_over(const struct phys_range *raw, size_t n,
                                       phys_addr_t start)
{
    enum phys_type type = 0;

    for (size_t i = 0; i < n; i++)
        if (raw[i].start <= start && start < raw[i].end &&
            (!type || type_rank(raw[i].type) > type_rank(type)))
            type = raw[i].type;
    return type;
}

static void __init append_range(phys_addr_t start, phys_addr_t end,
                                enum phys_type type)
{
    struct phys_range *last = nr_ranges ? &ranges[nr_ranges - 1] : NULL;

    if (last && last->end == start && last->type == type)
        last->end = end;
    else
        physmap_add(start, end, type);
}

void __init physmap_finish(void)
{
    static __initdata struct phys_range raw[PHYS_RANGES_MAX];
    static __initdata u64 points[2 * PHYS_RANGES_MAX];
    size_t n = nr_ranges, nr_points = 0;

    memcpy(raw, ranges, n * sizeof(raw[0]));
    for (size_t i = 0; i < n; i++) {
        points[nr_points++] = raw[i].start;
        points[nr_points++] = raw[i].end;
    }
    sort_points(points, nr_points);
    nr_ranges = 0;
    for (size_t i = 0; i + 1 < nr_points; i++) {
        enum phys_type type = type_over(raw, n, points[i]);

        if (type && points[i] < points[i + 1])
            append_range(points[i], points[i + 1], type);
    }
}

static void insert_reservation(size_t at, struct reservation new)
{
    if (nr_reservations == RESERVATIONS_MAX)
        panic("physmap: more than %d reservations, at %lx (%s)",
              RESERVATIONS_MAX, new.run.start, new.why);
    for (size_t i = nr_reservations++; i > at; i--)
        reservations[i] = reservations[i - 1];
    reservations[at] = new;
}

static void remove_reservation(size_t at)
{
    nr_reservations--;
    for (size_t i = at; i < nr_reservations; i++)
        reservations[i] = reservations[i + 1];
}

/* Makes one of a reservation and the equal one that ends where it starts. */
static void join_reservation(size_t at)
{
    struct reservation *prev, *res = &reservations[at];

    if (at == 0 || at >= nr_reservations)
        return;
    prev = res - 1;
    if (prev->run.end != res->run.start || prev->owner != res->owner ||
        prev->why != res->why)
        return;
    prev->run.end = res->run.end;
    remove_reservation(at);
}

void physmap_reserve_as(phys_addr_t start, phys_addr_t end,
                        enum page_owner owner, const char *why)
{
    struct reservation new = {{PFN_DOWN(start), PFN_UP(end)}, owner, why};
    size_t at = 0;

    if (start >= end)
        return;
    while (at < nr_reservations && reservations[at].run.start <= new.run.start)
        at++;
    insert_reservation(at, new);
    join_reservation(at + 1);
    join_reservation(at);
}

void physmap_reserve(phys_addr_t start, phys_addr_t end, const char *why)
{
    physmap_reserve_as(start, end, OWNER_RESERVED, why);
}

void physmap_unreserve(phys_addr_t start, phys_addr_t end)
{
    struct pfn_run gone = {PFN_UP(start), PFN_DOWN(end)};

    for (size_t i = 0; gone.start < gone.end && i < nr_reservations; i++) {
        struct reservation *res = &reservations[i];
        struct reservation tail = *res;

        if (res->run.end <= gone.start || res->run.start >= gone.end)
            continue;
        tail.run.start = gone.end;
        res->run.end = min(res->run.end, gone.start);
        if (tail.run.start < tail.run.end)
            insert_reservation(i + 1, tail);
        if (res->run.start >= res->run.end)
            remove_reservation(i--);
    }
}

bool physmap_ram_run(pfn_t from, struct pfn_run *run)
{
    for (size_t i = 0; i < nr_ranges; i++) {
        pfn_t end = PFN_DOWN(ranges[i].end);

        if (ranges[i].type != PHYS_RAM || end <= from)
            continue;
        run->start = max(from, (pfn_t)PFN_UP(ranges[i].start));
        run->end = end;
        if (run->start < run->end)
            return true;
    }
    return false;
}

bool physmap_free_run(pfn_t from, struct pfn_run *run)
{
    while (physmap_ram_run(from, run)) {
        pfn_t start = run->start;

        for (size_t i = 0; i < nr_reservations; i++) {
            struct pfn_run *res = &reservations[i].run;

            if (res->start >= run->end)
                break;
            if (res->end <= run->start)
                continue;
            if (res->start > run->start)
                run->end = res->start;
            else
                run->start = min(res->end, run->end);
        }
        if (run->start < run->end)
            return true;
        from = max(run->end, start + 1);
    }
    return false;
}

phys_addr_t physmap_alloc(size_t size, size_t align, enum page_owner owner)
{
    pfn_t pages = PFN_UP(size), step = max(align >> PAGE_SHIFT, 1ul);

    /* Above the image first: low memory is short and wanted for DMA. */
    for (pfn_t floor = LOW_PFN;; floor = 1) {
        struct pfn_run run = {floor, floor};

        while (physmap_free_run(run.end, &run)) {
            pfn_t start = ALIGN_UP(run.start, step);

            if (start + pages > BOOT_ALLOC_LIMIT)
                break;
            if (start + pages > run.end)
                continue;
            physmap_reserve_as(PFN_PHYS(start), PFN_PHYS(start + pages), owner,
                               page_owner_names[owner]);
            return PFN_PHYS(start);
        }
        if (floor == 1)
            return 0;
    }
}

size_t physmap_ranges(const struct phys_range **out)
{
    *out = ranges;
    return nr_ranges;
}

u64 physmap_ram_bytes(void)
{
    u64 bytes = 0;

    for (size_t i = 0; i < nr_ranges; i++)
        if (ranges[i].type == PHYS_RAM)
            bytes += ranges[i].end - ranges[i].start;
    return bytes;
}

u64 physmap_ram_pages(void)
{
    struct pfn_run run = {0, 0};
    u64 pages = 0;

    while (physmap_ram_run(run.end, &run))
        pages += run.end - run.start;
    return pages;
}

phys_addr_t physmap_ram_end(void)
{
    phys_addr_t end = 0;

    for (size_t i = 0; i < nr_ranges; i++)
        if (ranges[i].type == PHYS_RAM)
            end = ranges[i].end;
    return end;
}

bool physmap_is_ram(phys_addr_t start, phys_addr_t end)
{
    for (size_t i = 0; i < nr_ranges; i++)
        if (ranges[i].type == PHYS_RAM && ranges[i].start < end &&
            start < ranges[i].end)
            return true;
    return false;
}

bool physmap_all_ram(phys_addr_t start, phys_addr_t end)
{
    for (size_t i = 0; i < nr_ranges; i++)
        if (ranges[i].type == PHYS_RAM && ranges[i].start <= start &&
            end <= ranges[i].end)
            return true;
    return false;
}

enum page_owner physmap_owner_run(pfn_t pfn, struct pfn_run *run)
{
    enum page_owner owner = OWNER_FREE;

    *run = (struct pfn_run){pfn, ~0ul};
    for (size_t i = 0; i < nr_reservations; i++) {
        const struct reservation *res = &reservations[i];

        if (res->run.start > pfn) {
            run->end = min(run->end, res->run.start);
        } else if (res->run.end > pfn) {
            run->end = min(run->end, res->run.end);
            owner = max(owner, res->owner);
        }
    }
    return owner;
}

bool physmap_reservation(size_t i, struct pfn_run *run, enum page_owner *owner,
                         const char **why)
{
    if (i >= nr_reservations)
        return false;
    *run = reservations[i].run;
    *owner = reservations[i].owner;
    *why = reservations[i].why;
    return true;
}
