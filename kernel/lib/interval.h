/*
 * kernel/lib/interval.h - ranges of numbers that may overlap, and which of
 * them touch a given range.
 *
 * A red-black tree by `first`, with the largest `last` of each subtree in its
 * top: O(log n) to change, O(log n + matches) to ask.  The nodes live in the
 * elements; no locking here.
 */
#pragma once

#include <kernel/lib/rbtree.h>

struct interval_node {
    struct rb_node rb;
    unsigned long first, last;  /* both inside; constant while in a tree */
    unsigned long subtree_last; /* the largest of this node and below */
};

/* A node of zeroes is in no tree.  Locks: the tree's, as for everything here;
 * a change elsewhere in the tree makes any node look like that for a moment. */
static inline bool interval_linked(const struct interval_node *node)
{
    return node->rb.parent_color;
}

/* Sorted by first; behind all that are equal. */
void interval_insert(struct rb_root *root, struct interval_node *node);
/* Right behind `before`, which is in the tree and has the same first. */
void interval_insert_after(struct rb_root *root, struct interval_node *node,
                           struct interval_node *before);
/* Nothing, if it is in no tree. */
void interval_erase(struct rb_root *root, struct interval_node *node);

/* Those that touch [first, last], in the order of the tree; NULL: no more. */
struct interval_node *interval_first(const struct rb_root *root,
                                     unsigned long first, unsigned long last);
struct interval_node *interval_next(const struct interval_node *node,
                                    unsigned long first, unsigned long last);
