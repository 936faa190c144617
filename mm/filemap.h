/*
 * mm/filemap.h - the page cache: a file's contents as pages found by index.
 *
 * A file system that keeps its data only here (tmpfs) needs no read_page; a
 * hole reads as zeroes.
 */
#pragma once

#include <kernel/lib/radix.h>
#include <mm/vma.h>

struct address_space {
    struct radix_root pages; /* (lock) index -> struct page, a reference each */
    spinlock_t lock;
    u64 nr_pages;            /* (lock) */
    atomic_t writable_maps;  /* VM_SHARED|VM_WRITE VMAs */
    const struct address_space_ops *ops;
    void *host;              /* the inode */
    u64 (*size)(struct address_space *mapping); /* bytes; faults beyond the
                                                   last page are SIGBUS */
};

struct address_space_ops {
    /* Fills a fresh page; NULL ops or read_page: zeroes.  May sleep. */
    int (*read_page)(struct address_space *mapping, struct page *page);
};

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

/* file_operations.mmap for page-cache files; sets vm_ops. */
int filemap_mmap(struct address_space *mapping, struct vm_area_struct *vma);
extern const struct vm_operations_struct filemap_vm_ops;
