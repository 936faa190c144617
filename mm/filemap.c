/*
 * mm/filemap.c - the page cache: pages of a file found by index, copied by
 * read and write, shown by mmap.
 *
 * Structure  radix tree of pages, one reference each; an interval tree of the
 *            VMAs that show them, so that truncation can take their entries
 *            away and a page can be moved.
 * Faults     filemap_map_pages() maps what is there around the address in one
 *            go; filemap_fault() makes the one page that is missing.
 * Truncate   the size is lowered first (by the caller), then pages leave the
 *            tree with page->mapping cleared, then entries are zapped.  A
 *            fault that found a page before looks at page->mapping under
 *            page_table_lock, so it either sees it cleared or its entry is
 *            seen by the zap.  A fork copies entries to a VMA that stands
 *            right behind its parent in the tree: either the parent is zapped
 *            before, and there is nothing to copy, or the copy afterwards.
 *            A fault that made a page looks at the size again, and takes the
 *            page back if it came too late.
 * Writing    a page that is wholly written is filled before it can be found,
 *            so it need not be zeroed first.
 * Locking    mapping->lock for tree and page->mapping; no lock while data is
 *            copied, so that a user buffer may be a mapping of the same file.
 * Cost       O(height of the tree) a page; 6 bits of index a level.
 */
#include <kernel/core/panic.h>
#include <kernel/lib/string.h>
#include <kernel/sync/sched_hook.h>
#include <kernel/uapi/errno.h>
#include <mm/anon_vma.h>
#include <mm/filemap.h>
#include <mm/internal.h>
#include <mm/kmap.h>
#include <mm/slab.h>
#include <mm/uaccess.h>

/* ---- nodes of the radix tree ---- */

#define RADIX_NODE_SIZE (65 * sizeof(u64)) /* 64 slots and their bitmap */

static struct kmem_cache *node_cache;

static void *node_alloc(size_t size)
{
    void *node;

    BUG_ON(size > RADIX_NODE_SIZE);
    node = kmem_cache_alloc(node_cache, GFP_ATOMIC);
    if (node)
        memset(node, 0, size);
    return node;
}

static void node_free(void *node)
{
    kmem_cache_free(node_cache, node);
}

static const struct radix_ops node_ops = {node_alloc, node_free};

void filemap_init(void)
{
    node_cache = kmem_cache_create("radix_node", RADIX_NODE_SIZE, 0, 0, NULL);
    radix_ops = &node_ops;
}

/* ---- the tree ---- */

void mapping_init(struct address_space *mapping, void *host,
                  u64 (*size)(struct address_space *mapping))
{
    *mapping = (struct address_space){.host = host, .size = size};
    spin_lock_init(&mapping->lock);
    mutex_init(&mapping->vmas_lock);
}

struct page *filemap_find(struct address_space *mapping, unsigned long index)
{
    struct page *page;

    spin_lock(&mapping->lock);
    page = radix_lookup(&mapping->pages, index);
    if (page)
        get_page(page);
    spin_unlock(&mapping->lock);
    return page;
}

int filemap_add(struct address_space *mapping, unsigned long index,
                struct page *page)
{
    int err;

    spin_lock(&mapping->lock);
    err = radix_insert(&mapping->pages, index, page);
    if (!err) {
        page->mapping = mapping;
        page->index = index;
        page_set(page, PG_cache);
        mapping->nr_pages++;
    }
    spin_unlock(&mapping->lock);
    if (!err && page->owner != OWNER_PAGECACHE)
        page_set_owner(page, OWNER_PAGECACHE);
    return err;
}

bool filemap_replace(struct address_space *mapping, struct page *page,
                     struct page *to)
{
    const u32 state = BIT(PG_dirty) | BIT(PG_uptodate) | BIT(PG_cache);

    if (page->mapping != mapping || atomic_read(&page->refs) != 2)
        return false;
    copy_highpage(to, page);
    get_page(to);
    to->mapping = mapping;
    to->index = page->index;
    to->flags |= page->flags & state;
    radix_replace(&mapping->pages, page->index, to);
    page->mapping = NULL;
    page_clear(page, PG_cache);
    put_page(page); /* the cache's */
    return true;
}

static struct page *alloc_cache_page(gfp_t gfp)
{
    return alloc_pages_owner(GFP_HIGHUSER_MOVABLE | gfp, 0, OWNER_PAGECACHE);
}

/* A page that has data, for an index that had none. */
static int make_page(struct address_space *mapping, unsigned long index,
                     struct page **out)
{
    bool reads = mapping->ops && mapping->ops->read_page;
    struct page *page = alloc_cache_page(reads ? 0 : __GFP_ZERO);
    int err = 0;

    if (!page)
        return -ENOMEM;
    if (reads) {
        page->index = index;
        err = mapping->ops->read_page(mapping, page);
    }
    if (!err) {
        get_page(page); /* the caller's */
        err = filemap_add(mapping, index, page);
        if (err)
            put_page(page);
    }
    if (err) {
        put_page(page);
        return err;
    }
    *out = page;
    return 0;
}

int filemap_get(struct address_space *mapping, unsigned long index,
                struct page **page)
{
    int err;

    do {
        *page = filemap_find(mapping, index);
        if (*page)
            return 0;
        err = make_page(mapping, index, page);
    } while (err == -EEXIST);
    return err;
}

/* ---- read and write ---- */

/* The other side of a copy: ring 3's memory or the kernel's. */
struct copy_buffer {
    char __user *user; /* NULL: kernel */
    char *kernel;
};

/* Each returns the bytes not copied. */
static size_t buffer_put(struct copy_buffer *b, const void *from, size_t n)
{
    if (b->user)
        return copy_to_user(b->user, from, n);
    memcpy(b->kernel, from, n);
    return 0;
}

static size_t buffer_clear(struct copy_buffer *b, size_t n)
{
    if (b->user)
        return clear_user(b->user, n);
    memset(b->kernel, 0, n);
    return 0;
}

static size_t buffer_get(struct copy_buffer *b, void *to, size_t n)
{
    if (b->user)
        return copy_from_user(to, b->user, n);
    memcpy(to, b->kernel, n);
    return 0;
}

static void buffer_advance(struct copy_buffer *b, size_t n)
{
    if (b->user)
        b->user += n;
    else
        b->kernel += n;
}

/* Up to the end of one page.  Bytes, or -errno. */
static ssize_t read_one(struct address_space *mapping, struct copy_buffer *b,
                        size_t n, loff_t pos)
{
    unsigned long index = pos >> PAGE_SHIFT;
    struct page *page = filemap_find(mapping, index);
    size_t left;
    int err;

    if (!page && mapping->ops && mapping->ops->read_page) {
        err = filemap_get(mapping, index, &page);
        if (err)
            return err;
    }
    if (!page) {
        left = buffer_clear(b, n);
        return left == n ? -EFAULT : (ssize_t)(n - left);
    }
    left = buffer_put(b, kmap(page) + (pos & ~PAGE_MASK), n);
    kunmap(page);
    put_page(page);
    return left == n ? -EFAULT : (ssize_t)(n - left);
}

/* A whole page that is not there yet: filled before anyone can find it. */
static ssize_t write_fresh(struct address_space *mapping, struct copy_buffer *b,
                           unsigned long index)
{
    struct page *page = alloc_cache_page(0);
    size_t left;
    int err;

    if (!page)
        return -ENOMEM;
    left = buffer_get(b, kmap(page), PAGE_SIZE);
    kunmap(page);
    if (left) { /* rare: take the way that copies into a zeroed page */
        put_page(page);
        return -EEXIST;
    }
    page_set(page, PG_dirty);
    err = filemap_add(mapping, index, page);
    if (err) {
        put_page(page);
        return err;
    }
    return PAGE_SIZE;
}

static ssize_t write_one(struct address_space *mapping, struct copy_buffer *b,
                         size_t n, loff_t pos)
{
    unsigned long index = pos >> PAGE_SHIFT;
    struct page *page = filemap_find(mapping, index);
    ssize_t got;
    size_t left;

    if (!page && n == PAGE_SIZE) {
        got = write_fresh(mapping, b, index);
        if (got != -EEXIST)
            return got;
    }
    if (!page) {
        got = filemap_get(mapping, index, &page);
        if (got)
            return got;
    }
    left = buffer_get(b, kmap(page) + (pos & ~PAGE_MASK), n);
    kunmap(page);
    page_set(page, PG_dirty);
    put_page(page);
    return left == n ? -EFAULT : (ssize_t)(n - left);
}

/* Page by page with `one`; inlined, so that it is called directly. */
static __always_inline ssize_t
each_page(struct address_space *mapping, struct copy_buffer *b, size_t count,
          loff_t pos,
          ssize_t (*one)(struct address_space *mapping, struct copy_buffer *b,
                         size_t n, loff_t pos))
{
    size_t done = 0;

    while (done < count) {
        size_t n = min(PAGE_SIZE - (pos & ~PAGE_MASK), count - done);
        ssize_t got = one(mapping, b, n, pos);

        if (got < 0)
            return done ? (ssize_t)done : got;
        buffer_advance(b, got);
        done += got;
        pos += got;
        if ((size_t)got < n)
            break;
        cond_resched();
    }
    return done;
}

static ssize_t read_pages(struct address_space *mapping, struct copy_buffer *b,
                          size_t count, loff_t pos)
{
    u64 size = mapping->size(mapping);

    if (pos < 0)
        return -EINVAL;
    if ((u64)pos >= size)
        return 0;
    return each_page(mapping, b, min((u64)count, size - pos), pos, read_one);
}

static ssize_t write_pages(struct address_space *mapping, struct copy_buffer *b,
                           size_t count, loff_t pos)
{
    return pos < 0 ? -EINVAL : each_page(mapping, b, count, pos, write_one);
}

ssize_t filemap_read(struct address_space *mapping, char __user *buf,
                     size_t count, loff_t pos)
{
    struct copy_buffer b = {.user = buf};

    if (!buf && count) /* NULL would mean the kernel's */
        return -EFAULT;
    return read_pages(mapping, &b, count, pos);
}

ssize_t filemap_write(struct address_space *mapping, const char __user *buf,
                      size_t count, loff_t pos)
{
    struct copy_buffer b = {.user = (char __user *)buf};

    if (!buf && count)
        return -EFAULT;
    return write_pages(mapping, &b, count, pos);
}

ssize_t filemap_read_kernel(struct address_space *mapping, void *buf,
                            size_t count, loff_t pos)
{
    struct copy_buffer b = {.kernel = buf};

    return read_pages(mapping, &b, count, pos);
}

ssize_t filemap_write_kernel(struct address_space *mapping, const void *buf,
                             size_t count, loff_t pos)
{
    struct copy_buffer b = {.kernel = (char *)buf};

    return write_pages(mapping, &b, count, pos);
}

/* ---- the VMAs that show it ---- */

void mapping_link(struct vm_area_struct *vma)
{
    atomic_inc(&vma->vm_mapping->vma_count);
    rmap_link(vma, NULL);
}

void mapping_leave(struct address_space *mapping)
{
    if (atomic_dec_and_test(&mapping->vma_count) && mapping->ops &&
        mapping->ops->unmapped)
        mapping->ops->unmapped(mapping);
}

static struct vm_area_struct *map_node_vma(struct interval_node *node)
{
    return node ? container_of(node, struct vm_area_struct, map_node) : NULL;
}

/* VMAs that show pages from index `first` on.  Locks: vmas_lock. */
#define for_each_mapping_vma(vma, mapping, first)                              \
    for (vma = map_node_vma(interval_first(&(mapping)->vmas, first, ~0ul));    \
         vma; vma = map_node_vma(interval_next(&vma->map_node, first, ~0ul)))

bool mapping_writably_mapped(struct address_space *mapping)
{
    const unsigned long shared_write = VM_SHARED | VM_MAYWRITE;
    const struct vm_area_struct *vma;
    bool found = false;

    mutex_lock(&mapping->vmas_lock);
    for_each_mapping_vma(vma, mapping, 0) found |=
        (vma->vm_flags & shared_write) == shared_write;
    mutex_unlock(&mapping->vmas_lock);
    return found;
}

void unmap_mapping_from(struct address_space *mapping, unsigned long first)
{
    struct vm_area_struct *vma;

    mutex_lock(&mapping->vmas_lock);
    for_each_mapping_vma(vma, mapping, first)
    {
        unsigned long skip = first > vma->vm_pgoff ? first - vma->vm_pgoff : 0;

        zap_range(vma, vma->vm_start + (skip << PAGE_SHIFT), vma->vm_end);
    }
    mutex_unlock(&mapping->vmas_lock);
}

/* ---- truncate ---- */

/* Takes pages from `first` on out of the tree; they come back chained. */
static struct page *detach_pages(struct address_space *mapping,
                                 unsigned long first)
{
    struct page *chain = NULL, *page;
    u64 index = first;

    spin_lock(&mapping->lock);
    while ((page = radix_next(&mapping->pages, &index))) {
        radix_delete(&mapping->pages, index);
        mapping->nr_pages--;
        page->mapping = NULL;
        page_clear(page, PG_cache);
        page->private = (unsigned long)chain;
        chain = page;
        index++;
    }
    spin_unlock(&mapping->lock);
    return chain;
}

void filemap_truncate(struct address_space *mapping, u64 size)
{
    unsigned long first = DIV_ROUND_UP(size, PAGE_SIZE);
    struct page *chain = detach_pages(mapping, first);
    size_t tail = size & ~PAGE_MASK;
    struct page *page;

    if (READ_ONCE(mapping->vmas.node))
        unmap_mapping_from(mapping, first);
    while (chain) {
        page = chain;
        chain = (struct page *)page->private;
        put_page(page);
    }
    page = tail ? filemap_find(mapping, first - 1) : NULL;
    if (page) {
        void *addr = kmap_local_page(page);

        memset(addr + tail, 0, PAGE_SIZE - tail);
        kunmap_local(addr);
        put_page(page);
    }
}

/* ---- mmap ---- */

/* Pages that the file has; those beyond are SIGBUS. */
static inline u64 mapping_pages(struct address_space *mapping)
{
    return DIV_ROUND_UP(mapping->size(mapping), PAGE_SIZE);
}

/* A page that a fault added behind the end of a file truncated meanwhile. */
static void take_back(struct address_space *mapping, struct page *page)
{
    bool found;

    spin_lock(&mapping->lock);
    found = page->mapping == mapping;
    if (found) {
        radix_delete(&mapping->pages, page->index);
        mapping->nr_pages--;
        page->mapping = NULL;
    }
    spin_unlock(&mapping->lock);
    if (found)
        put_page(page);
}

vm_fault_t filemap_fault(struct vm_fault *vmf)
{
    struct address_space *mapping = vmf->vma->vm_mapping;
    int err;

    if (vmf->pgoff >= mapping_pages(mapping))
        return VM_FAULT_SIGBUS;
    err = filemap_get(mapping, vmf->pgoff, &vmf->page);
    if (!err && likely(vmf->pgoff < mapping_pages(mapping)))
        return 0;
    if (!err) {
        take_back(mapping, vmf->page);
        put_page(vmf->page);
        vmf->page = NULL;
        return VM_FAULT_SIGBUS;
    }
    return err == -ENOMEM ? VM_FAULT_OOM : VM_FAULT_SIGBUS;
}

void filemap_map_pages(struct vm_fault *vmf, unsigned long start,
                       unsigned long end)
{
    struct vm_area_struct *vma = vmf->vma;
    struct address_space *mapping = vma->vm_mapping;
    spinlock_t *pt_lock = &vma->vm_mm->page_table_lock;
    u64 limit = mapping_pages(mapping), index = start;
    struct page *page;
    long mapped = 0;

    if (!limit)
        return;
    limit = min(limit - 1, (u64)end);
    spin_lock(&mapping->lock);
    spin_lock(pt_lock);
    while ((page = radix_next(&mapping->pages, &index)) && index <= limit) {
        pte_t *slot = vmf->slot + (long)(index - vmf->pgoff);

        index++;
        if (!pte_none(*slot))
            continue;
        atomic_inc(&page->refs);
        atomic_inc(&page->mapcount);
        slot->val = pte_of_page(page, vma->vm_page_prot).val;
        mapped++;
    }
    spin_unlock(pt_lock);
    spin_unlock(&mapping->lock);
    atomic_add(vma->vm_file ? &vma->vm_mm->file_pages
                            : &vma->vm_mm->shmem_pages,
               mapped);
}

const struct vm_operations_struct filemap_vm_ops = {
    .fault = filemap_fault,
    .map_pages = filemap_map_pages,
};

int filemap_mmap(struct address_space *mapping, struct vm_area_struct *vma)
{
    vma->vm_mapping = mapping;
    vma->vm_ops = &filemap_vm_ops;
    return 0;
}
