/*
 * kernel/lib/rbtree.h - red-black trees whose nodes live in the elements.
 *
 * The caller searches (it knows the order); rb_insert links the node where
 * that search ended and rebalances.  Everything is O(log n).  An augmented
 * tree keeps a value per node that sums up its subtree: `update` recomputes
 * one node's value from itself and its children and says whether it changed.
 */
#pragma once

#include <kernel/lib/types.h>

struct rb_node {
    unsigned long parent_color; /* parent | (1 if black) */
    struct rb_node *left, *right;
};

struct rb_root {
    struct rb_node *node;
};

#define RB_ROOT ((struct rb_root){NULL})
#define rb_entry(ptr, type, member) container_of(ptr, type, member)
#define rb_entry_or_null(ptr, type, member)                                    \
    ({                                                                         \
        struct rb_node *rb_n_ = (ptr);                                         \
        rb_n_ ? rb_entry(rb_n_, type, member) : NULL;                          \
    })

typedef bool rb_update_fn(struct rb_node *node);

static inline struct rb_node *rb_parent(const struct rb_node *node)
{
    return (struct rb_node *)(node->parent_color & ~1ul);
}

/* *link is the null child of `parent` (or the root) where the search ended.
 * update may be NULL. */
void rb_insert(struct rb_root *root, struct rb_node *node,
               struct rb_node *parent, struct rb_node **link,
               rb_update_fn *update);
void rb_erase(struct rb_root *root, struct rb_node *node, rb_update_fn *update);
/* Recomputes from `node` up to the root, stopping where nothing changes. */
void rb_propagate(struct rb_node *node, rb_update_fn *update);

struct rb_node *rb_first(const struct rb_root *root);
struct rb_node *rb_last(const struct rb_root *root);
struct rb_node *rb_next(const struct rb_node *node);
struct rb_node *rb_prev(const struct rb_node *node);
