/*
 * mm/filemap.h - the page cache: a file's contents as pages found by index.
 *
 * A file system that keeps its data only here (tmpfs) needs no read_page; a
 * hole reads as zeroes.
 */
#pragma once

#include <kernel/lib/radix.h>
#include <kernel/sync/mutex.h>
#include <mm/vma.h>

struct address_space {
    struct radix_root pages; /* (lock) index -> struct page, a reference each */
    spinlock_t lock;         /* no interrupt handler takes it */
    u64 nr_pages;            /* (lock) */
    struct mutex vmas_lock;  /* bounds of those VMAs change under it as well */
    struct rb_root vmas;     /* (vmas_lock) VMAs that show it: map_node, by
                                vm_pgoff; a fork's child after its parent */
    atomic_t vma_count;      /* those, and ones being taken down */
    atomic_t walks;          /* of the reverse map: see mapping_quiesce() */
    const struct address_space_ops *ops;        /* may be NULL */
    void *host;                                 /* the inode */
    u64 (*size)(struct address_space *mapping); /* bytes; faults beyond the
                                                   last page are SIGBUS */
};

struct address_space_ops {
    /* Fills a fresh page; NULL ops or read_page: zeroes.  May sleep. */
    int (*read_page)(struct address_space *mapping, struct page *page);
    /* The last VMA that showed it went; may free the mapping. */
    void (*unmapped)(struct address_space *mapping);
};

void filemap_init(void); /* mm_init() calls it */

void mapping_init(struct address_space *mapping, void *host,
                  u64 (*size)(struct address_space *mapping));

/* Referenced page at index, or NULL if none is there. */
struct page *filemap_find(struct address_space *mapping, unsigned long index);
/* The same, made if absent.  0, -ENOMEM, or read_page's error. */
int filemap_get(struct address_space *mapping, unsigned long index,
                struct page **page);
/* Puts a page of the caller's there (takes its reference): 0, -EEXIST,
 * -ENOMEM. */
int filemap_add(struct address_space *mapping, unsigned long index,
                struct page *page);

/*
 * `to`, a fresh page, gets page's contents and its place in the cache, if
 * nobody but the cache and the caller holds page; which is no cache's then.
 * The cache takes a reference of its own to `to`.  Locks: mapping->lock, where
 * new holders come from.  Whether it did.
 */
bool filemap_replace(struct address_space *mapping, struct page *page,
                     struct page *to);

/* Copies through the cache; stop at `size` for reads.  Bytes, or -errno when
 * nothing was copied. */
ssize_t filemap_read(struct address_space *mapping, char __user *buf,
                     size_t count, loff_t pos);
ssize_t filemap_write(struct address_space *mapping, const char __user *buf,
                      size_t count, loff_t pos);
ssize_t filemap_read_kernel(struct address_space *mapping, void *buf,
                            size_t count, loff_t pos);
ssize_t filemap_write_kernel(struct address_space *mapping, const void *buf,
                             size_t count, loff_t pos);

/* Drops pages wholly beyond `size` and zeroes the tail of the last; user
 * mappings of them are removed first. */
void filemap_truncate(struct address_space *mapping, u64 size);

/* Takes the entries of all user mappings from index `first` on away, private
 * copies included; the next access faults.  May sleep. */
void unmap_mapping_from(struct address_space *mapping, unsigned long first);

/* Before the mapping's memory is freed, all its pages gone: walks of the
 * reverse map that came here by one of them have left.  May sleep. */
void mapping_quiesce(struct address_space *mapping);

/* Whether some VMA may write to it (ETXTBSY, memfd seals). */
bool mapping_writably_mapped(struct address_space *mapping);

/* file_operations.mmap for page-cache files; sets vm_ops. */
int filemap_mmap(struct address_space *mapping, struct vm_area_struct *vma);
/* The operations it sets; for file systems that add a page_mkwrite. */
extern const struct vm_operations_struct filemap_vm_ops;
vm_fault_t filemap_fault(struct vm_fault *vmf);
void filemap_map_pages(struct vm_fault *vmf, unsigned long start,
                       unsigned long end);
