/*
 * kernel/lib/radix.h - pointers found by a 64-bit index; 64-way, as high as
 * the largest index needs.
 *
 * No locking here.  Nodes come from radix_ops, so that the same code runs on
 * the host; in the kernel they come from a slab cache without sleeping, and
 * an insertion that finds none fails with -ENOMEM and changes nothing.
 */
#pragma once

#include <kernel/lib/types.h>

struct radix_node;
struct radix_root {
    struct radix_node *node;
    unsigned int height; /* levels; 0: empty */
};

#define RADIX_ROOT_INIT                                                        \
    {                                                                          \
        NULL, 0                                                                \
    }

struct radix_ops {
    void *(*alloc)(size_t size); /* zeroed, may not sleep; NULL */
    void (*free)(void *node);
};
extern const struct radix_ops *radix_ops; /* set before the first insertion */

void *radix_lookup(const struct radix_root *root, u64 index);
int radix_insert(struct radix_root *root, u64 index, void *item); /* 0,
                                                     -EEXIST, -ENOMEM */
void *radix_delete(struct radix_root *root, u64 index); /* the item or NULL */
/* Another item where one is. */
void radix_replace(struct radix_root *root, u64 index, void *item);
/* First item with index >= *index, which is updated; NULL: no more. */
void *radix_next(const struct radix_root *root, u64 *index);
