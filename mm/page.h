/*
 * mm/page.h - struct page: one per frame of RAM, in an array of its own at
 * vmemmap_base, whose pages exist only for sections that are online.
 *
 * refs      owners; 0 only on a free list.  Mappings of user pages hold one
 *           reference each, the page cache holds one.
 * mapcount  user page-table entries that point here (0: none).
 *
 * Lock letters: (z) zone->lock  (m) mapping's lock  (a) atomic
 *               (c) constant once online.
 */
#pragma once

#include <kernel/lib/list.h>
#include <kernel/sync/atomic.h>
#include <mm/gfp.h>
#include <mm/layout.h>

enum page_flags {
    PG_reserved, /* not the allocator's: firmware, image, boot tables */
    PG_buddy,    /* (z) head of a free block of 2^order pages */
    PG_slab,
    PG_head,  /* first of an allocated block of 2^order > 1 pages */
    PG_tail,  /* the rest, with __GFP_COMP; `head` leads to the first */
    PG_dirty, /* contents newer than the backing store */
    PG_uptodate,
    PG_lru,
    PG_locked, /* OWNER_ANON: on its way to another frame */
    PG_anon,
    PG_highmem, /* no logical address */
    PG_hole,    /* no RAM here: the entry only fills the array */
    PG_cache,   /* (m) in a page cache: mapping and index say where */
    NR_PAGE_FLAGS,
};

struct page {
    u32 flags; /* (a) BIT(PG_*) */
    u8 order;  /* (z) of a free block or a compound head */
    u8 owner;  /* (z) enum page_owner */
    union {
        struct {
            u8 zone : 2;       /* (c) index into zones[] */
            u8 block_type : 2; /* (z) first of a pageblock: its type, */
            u8 block_was : 2;  /* (z) and before it was isolated */
            u8 pcp;            /* per-CPU stack that it goes to when freed */
        };
        u16 place;
    };
    union {
        struct {
            atomic_t refs;     /* (a) */
            atomic_t mapcount; /* (a) */
        };
        atomic64_t counts; /* both at one instant: page_extra_refs() */
    };
    union {
        struct list_head link; /* (z) free list; else the owner's use */
        struct page *head;     /* PG_tail */
    };
    union {
        struct address_space *mapping; /* (m) PG_cache: which; NULL once it
                                          was truncated */
        struct anon_vma *anon_vma;     /* OWNER_ANON: its family of VMAs */
        void *owner_data;              /* else the owner's use */
        void *freelist;                /* PG_slab: first free object */
    };
    union {
        unsigned long index; /* (m) offset in mapping, pages; OWNER_ANON: in
                                the family */
        struct {             /* PG_slab */
            u32 objects;     /* taken from freelist and not come back */
            u32 frozen;      /* belongs to a CPU, on no list */
        };
    };
    union {
        unsigned long private;         /* the owner's use */
        struct kmem_cache *slab_cache; /* PG_slab */
    };
    u32 site;   /* debug: low half of the address that allocated it */
    u32 serial; /* debug: which allocation it was, counted from boot */
};
_Static_assert(sizeof(struct page) == 64, "one cache line a frame");

static inline struct page *pfn_to_page(pfn_t pfn)
{
    return (struct page *)vmemmap_base + pfn;
}

static inline pfn_t page_to_pfn(const struct page *page)
{
    return page - (struct page *)vmemmap_base;
}

static inline phys_addr_t page_to_phys(const struct page *page)
{
    return PFN_PHYS(page_to_pfn(page));
}

/* Whether the frame is RAM whose section is online: a struct page exists. */
bool pfn_valid(pfn_t pfn);
bool virt_addr_valid(const void *addr);

/* addr must satisfy virt_addr_valid(). */
static inline struct page *virt_to_page(const void *addr)
{
    return pfn_to_page(PFN_DOWN(__pa(addr)));
}

/* Logical address; NULL for a HIGHMEM page that is not kmapped. */
void *page_address(const struct page *page);

static inline struct page *compound_head(struct page *page)
{
    return page->flags & BIT(PG_tail) ? page->head : page;
}

static inline bool page_test(const struct page *page, enum page_flags flag)
{
    return READ_ONCE(page->flags) & BIT(flag);
}

static inline void page_set(struct page *page, enum page_flags flag)
{
    __atomic_fetch_or(&page->flags, (u32)BIT(flag), __ATOMIC_RELAXED);
}

static inline void page_clear(struct page *page, enum page_flags flag)
{
    __atomic_fetch_and(&page->flags, ~(u32)BIT(flag), __ATOMIC_RELEASE);
}

/* First page of the 2 MiB around; its section is online if page's is. */
static inline struct page *page_pageblock(struct page *page)
{
    return pfn_to_page(ALIGN_DOWN(page_to_pfn(page), PAGEBLOCK_PAGES));
}

static inline enum migrate_type pageblock_type(struct page *page)
{
    return page_pageblock(page)->block_type;
}

static inline void get_page(struct page *page)
{
    atomic_inc(&compound_head(page)->refs);
}

/* A reference to a page found by its frame number, which may be free, or may
 * be freed at this moment: then false.  Also for the tail of a block. */
static inline bool get_page_unless_zero(struct page *page)
{
    int refs = atomic_read(&page->refs), seen;

    for (; refs > 0; refs = seen) {
        seen = atomic_cmpxchg(&page->refs, refs, refs + 1);
        if (seen == refs)
            return true;
    }
    return false;
}

/* The allocated block that a page is part of: its first page. */
struct page *page_block(struct page *page);

static inline enum page_owner page_owner_of(struct page *page)
{
    return page_block(page)->owner;
}

/* Who allocated it; only debug builds know. */
static inline void *page_site(const struct page *page)
{
    return (void *)(long)(s32)page->site;
}

/* Drops one reference; the last one frees.  Any context. */
void put_page(struct page *page);

static inline int page_count(struct page *page)
{
    return atomic_read(&compound_head(page)->refs);
}

static inline int page_mapcount(struct page *page)
{
    return atomic_read(&page->mapcount);
}

/*
 * References that no entry holds, at one instant: an entry's reference comes
 * before its mapcount and goes after it, so whoever else holds the page is
 * always in the difference.
 */
static inline int page_extra_refs(const struct page *page)
{
    u64 counts = atomic_read(&page->counts);

    return (s32)counts - (s32)(counts >> 32);
}

/* A block with one owner falls apart into pages with a reference each. */
void split_page(struct page *head, unsigned int order);

void clear_page(void *addr); /* page-aligned, logical */
void copy_page(void *to, const void *from);
void page_set_owner(struct page *page, enum page_owner owner);

/*
 * The ledger: pages per owner, O(owners).  Sections not online count as
 * free ("offline" tells how many of the free ones those are).
 */
struct page_ledger {
    u64 pages[NR_PAGE_OWNERS];
    u64 offline;
    u64 section_tables; /* of OWNER_PAGETABLE: came with a section and stay */
    u64 total;          /* RAM that the firmware reported, in pages */
    u32 serial;         /* debug: allocations until then */
};
void page_ledger_read(struct page_ledger *ledger);
/* The first half of that: gives back what the kernel keeps for later (empty
 * slabs, unused stacks and tables, freed areas that wait for a flush).  May
 * sleep. */
void page_drop_cached(void);
/* The same, leaving the caches as they are. */
void page_ledger_count(struct page_ledger *ledger);

/* Prints each owner whose count differs (debug builds: and who allocated the
 * pages that came to it since); whether any did.  page_ledger_read
 * gives back what is only cached (empty slabs, unused stacks and tables), and
 * what a section brings along is no difference, so equal states compare
 * equal. */
bool page_ledger_differs(const struct page_ledger *before,
                         const struct page_ledger *after);
