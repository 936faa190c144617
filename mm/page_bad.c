/*
 * mm/page_bad.c - what is wrong with a request of the page allocator.
 *
 * A free that is refused changes nothing: what was allocated stays so (a leak
 * that the ledger shows), what was free stays free.  Only a page that comes
 * out of the free lists and is in use ends in a panic: nobody can say then
 * whose memory it is.
 *
 * Cost       none while requests make sense; else the log's.
 * Context    any.
 */
#include <kernel/core/ksyms.h>
#include <kernel/core/panic.h>
#include <kernel/core/printk.h>
#include <mm/page_bad.h>
#include <mm/zone.h>

#define COMPLAINTS_MAX 64 /* a program may cause them in a loop */

static int complaints; /* so far; not exact with several CPUs */

static bool quiet(void)
{
    return ++complaints > COMPLAINTS_MAX;
}

static void name_caller(void *caller, char name[KSYM_NAME_MAX])
{
    if (!ksym_lookup((unsigned long)caller, name, NULL, NULL)) {
        name[0] = '?';
        name[1] = '\0';
    }
}

static void complain(void *caller, gfp_t gfp, unsigned int order,
                     const char *what)
{
    char name[KSYM_NAME_MAX];

    if (gfp & __GFP_NOWARN || quiet())
        return;
    name_caller(caller, name);
    pr_err("alloc_pages: %s; order %u, gfp %x, asked by %s (%p)\n", what, order,
           gfp, name, caller);
}

bool request_makes_sense(gfp_t gfp, unsigned int order, void *caller)
{
    if (unlikely(order > MAX_ORDER)) {
        complain(caller, gfp, order, "larger than the largest block");
        return false;
    }
    if (unlikely(!place_makes_sense(gfp)))
        complain(caller, gfp, order,
                 (gfp & GFP_TYPE_BITS) == GFP_TYPE_BITS
                     ? "both movable and reclaimable: taken as neither"
                     : "more than one zone: the lowest is taken");
    if (unlikely(gfp & __GFP_NOFAIL && (order > 1 || !(gfp & __GFP_SLEEP))))
        complain(caller, gfp, order,
                 order > 1 ? "NOFAIL for a block may wait for ever"
                           : "NOFAIL without leave to sleep can fail");
    return true;
}

bool block_makes_sense(gfp_t *gfp, unsigned int order, void *caller)
{
    if (unlikely(*gfp & __GFP_HIGHMEM)) {
        complain(caller, *gfp, order,
                 "a logical address is wanted: not from HIGHMEM");
        *gfp &= ~__GFP_HIGHMEM;
    }
    if (likely(order <= MAX_ORDER))
        return true;
    complain(caller, *gfp, order, "larger than the largest block");
    return false;
}

/* What the page is, if that is why it cannot be freed. */
static const char *wrong_state(struct page *page, unsigned int order)
{
    struct page *block = page_block(page);

    if (page_test(page, PG_hole))
        return "there is no RAM";
    if (page_test(page, PG_reserved))
        return "it is reserved (firmware, image, what boot took)";
    if (block != page)
        return "it lies in the middle of a block";
    if (page_count(page) <= 0)
        return "it is free already, or was never allocated";
    if (page_mapcount(page))
        return "it is still mapped";
    if (page_test(page, PG_slab))
        return "it is still a slab";
    if (page_test(page, PG_locked))
        return "it is locked";
    if (page_test(page, PG_head) ? page->order != order : order)
        return "the block has another order";
    return "it is still in use";
}

void page_free_complain(struct page *page, unsigned int order, void *caller)
{
    char name[KSYM_NAME_MAX];

    if (quiet())
        return;
    name_caller(caller, name);
    pr_err("free_pages: frame %lx, order %u, refused: %s; flags %x refs %d "
           "mapcount %d owner %s, freed by %s (%p)\n",
           page_to_pfn(page), order, wrong_state(page, order), page->flags,
           atomic_read(&page->refs), atomic_read(&page->mapcount),
           page->owner < NR_PAGE_OWNERS ? page_owner_names[page->owner] : "?",
           name, caller);
}

struct page *page_of_address(unsigned long addr, void *caller)
{
    char name[KSYM_NAME_MAX];

    if (likely(IS_ALIGNED(addr, PAGE_SIZE) && virt_addr_valid((void *)addr)))
        return virt_to_page((void *)addr);
    if (!quiet()) {
        name_caller(caller, name);
        pr_err("free_pages: %lx is no logical address of a page, freed by %s "
               "(%p)\n",
               addr, name, caller);
    }
    return NULL;
}

void __noreturn page_broken(struct page *page, const char *what)
{
    panic("page %p (frame %lx): %s; flags %x refs %d mapcount %d owner %s, "
          "allocated at %llx",
          (void *)page, page_to_pfn(page), what, page->flags,
          atomic_read(&page->refs), atomic_read(&page->mapcount),
          page->owner < NR_PAGE_OWNERS ? page_owner_names[page->owner] : "?",
          (unsigned long long)page_site(page));
}
