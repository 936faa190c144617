/*
 * mm/anon.c - memory that no file stands behind and that is shared: what
 * MAP_SHARED|MAP_ANONYMOUS and shared mappings of /dev/zero get.
 *
 * Each such mapping has a page cache of its own, which lives as long as a VMA
 * shows it (fork and mremap make more of them) and is found through
 * vma->vm_mapping.  Its size is fixed when it is made; growing the mapping
 * later shows SIGBUS beyond, as on Linux.
 *
 * Private anonymous memory has no object at all: vm_ops is NULL, and fault.c
 * answers for it.
 */
#include <kernel/uapi/errno.h>
#include <mm/filemap.h>
#include <mm/internal.h>
#include <mm/slab.h>

struct shmem {
    struct address_space mapping;
    u64 size; /* (c) bytes */
};

static u64 shmem_size(struct address_space *mapping)
{
    return container_of(mapping, struct shmem, mapping)->size;
}

static void shmem_unmapped(struct address_space *mapping)
{
    filemap_truncate(mapping, 0);
    mapping_quiesce(mapping);
    kfree(container_of(mapping, struct shmem, mapping));
}

static const struct address_space_ops shmem_ops = {
    .unmapped = shmem_unmapped,
};

static const char *shmem_name(struct vm_area_struct *vma)
{
    (void)vma;
    return "/dev/zero (deleted)";
}

static const struct vm_operations_struct shmem_vm_ops = {
    .fault = filemap_fault,
    .map_pages = filemap_map_pages,
    .name = shmem_name,
};

int shmem_zero_setup(struct vm_area_struct *vma)
{
    struct shmem *shmem;

    if (!(vma->vm_flags & VM_SHARED)) {
        vma->vm_ops = NULL;
        return 0;
    }
    shmem = kmalloc(sizeof(*shmem), GFP_KERNEL);
    if (!shmem)
        return -ENOMEM;
    mapping_init(&shmem->mapping, shmem, shmem_size);
    shmem->mapping.ops = &shmem_ops;
    shmem->size = (vma->vm_pgoff << PAGE_SHIFT) + vma->vm_end - vma->vm_start;
    vma->vm_mapping = &shmem->mapping;
    vma->vm_ops = &shmem_vm_ops;
    return 0;
}
