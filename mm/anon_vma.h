/*
 * mm/anon_vma.h - from a private page to the VMAs that may show it, and from
 * a page cache to those that show it; inside mm/ only.
 */
#pragma once

#include <kernel/sync/mutex.h>
#include <kernel/sync/refcount.h>
#include <mm/page.h>
#include <mm/vma.h>

/* Where one fork, split and move after the other has spread a page: the
 * family of VMAs that come from the one in which it was first written. */
struct anon_vma {
    refcount_t refs;     /* its VMAs, and walks under way */
    struct mutex lock;   /* bounds of its VMAs change under it as well */
    struct rb_root vmas; /* (lock) their anon_node, by vm_pgoff */
};

/* Identity for merging, in vma->anon_id: a fork gives every VMA of the child
 * a new one, as Linux gives it an anon_vma of its own; 0: no private pages. */
#define ANON_ID_FORKED BIT(31)

void anon_vma_init(void); /* mm_init() calls it */

/* Before the first private page comes to vma: it has a family afterwards.
 * Locks: mmap_lock for reading.  0 or -ENOMEM. */
int anon_vma_make(struct vm_area_struct *vma);
static inline int anon_vma_prepare(struct vm_area_struct *vma)
{
    return likely(vma->anon_vma) ? 0 : anon_vma_make(vma);
}

/* A private page of vma, that no entry shows yet, for this address. */
static inline void anon_page_init(struct page *page,
                                  const struct vm_area_struct *vma,
                                  unsigned long addr)
{
    page->anon_vma = vma->anon_vma;
    page->index = vma_pgoff(vma, addr);
}

/*
 * The family of a private page that the caller holds, with a reference for
 * the caller; NULL: no entry shows the page now.
 */
struct anon_vma *page_anon_vma_get(struct page *page);
void anon_vma_put(struct anon_vma *family);

/* The page cache that a page is in, kept from being freed; NULL: in none. */
struct address_space *page_mapping_get(struct page *page);
void page_mapping_put(struct address_space *mapping);

/*
 * Around a change of bounds, or of which entry belongs to which VMA: walks of
 * the reverse map see what was before or what is afterwards.  Nothing is
 * allocated in between.  NULL is fine.
 */
void rmap_hold(struct address_space *mapping, struct anon_vma *family);
void rmap_release(struct address_space *mapping, struct anon_vma *family);

/* Into the trees of its mapping and its family, and out; rmap_hold()s it
 * itself.  after: the sibling whose bounds it has and whose entries are copied
 * to it: walks see that one first. */
void rmap_link(struct vm_area_struct *vma, struct vm_area_struct *after);
void rmap_unlink(struct vm_area_struct *vma); /* again is fine */
/* The same for who holds both. */
void rmap_insert(struct vm_area_struct *vma, struct vm_area_struct *after);
void rmap_erase(struct vm_area_struct *vma);
/* Whether it is in the trees that it belongs to, with its bounds.  Locks:
 * mmap_lock; takes the trees' own. */
bool rmap_check(const struct vm_area_struct *vma);

/* into, in a merge, gets the family of a VMA that it swallows. */
void anon_vma_adopt(struct vm_area_struct *into,
                    const struct vm_area_struct *from);
