/*
 * kernel/lib/interval.c - an interval tree: red-black, augmented.
 *
 * Searching goes left as long as something there ends late enough: either it
 * starts early enough, too, or nothing further right does.
 */
#include <kernel/lib/interval.h>

static inline struct interval_node *node_of(const struct rb_node *rb)
{
    return rb_entry(rb, struct interval_node, rb);
}

static bool update_last(struct rb_node *rb)
{
    struct interval_node *node = node_of(rb);
    unsigned long last = node->last;

    if (rb->left)
        last = max(last, node_of(rb->left)->subtree_last);
    if (rb->right)
        last = max(last, node_of(rb->right)->subtree_last);
    if (node->subtree_last == last)
        return false;
    node->subtree_last = last;
    return true;
}

static void link_node(struct rb_root *root, struct interval_node *node,
                      struct rb_node *parent, struct rb_node **link)
{
    node->subtree_last = node->last;
    rb_insert(root, &node->rb, parent, link, update_last);
}

void interval_insert(struct rb_root *root, struct interval_node *node)
{
    struct rb_node **link = &root->node, *parent = NULL;

    while (*link) {
        parent = *link;
        link = node->first < node_of(parent)->first ? &parent->left
                                                    : &parent->right;
    }
    link_node(root, node, parent, link);
}

void interval_insert_after(struct rb_root *root, struct interval_node *node,
                           struct interval_node *before)
{
    struct rb_node *parent = &before->rb, **link = &parent->right;

    while (*link) {
        parent = *link;
        link = &parent->left;
    }
    link_node(root, node, parent, link);
}

void interval_erase(struct rb_root *root, struct interval_node *node)
{
    if (!interval_linked(node))
        return;
    rb_erase(root, &node->rb, update_last);
    node->rb.parent_color = 0;
}

/* The leftmost of the subtree that touches; something in it ends at `first`
 * or later. */
static struct interval_node *search(struct rb_node *rb, unsigned long first,
                                    unsigned long last)
{
    while (rb) {
        struct interval_node *node = node_of(rb);

        if (rb->left && node_of(rb->left)->subtree_last >= first) {
            rb = rb->left;
            continue;
        }
        if (node->first > last)
            return NULL;
        if (node->last >= first)
            return node;
        rb = rb->right;
        if (rb && node_of(rb)->subtree_last < first)
            return NULL;
    }
    return NULL;
}

struct interval_node *interval_first(const struct rb_root *root,
                                     unsigned long first, unsigned long last)
{
    if (!root->node || node_of(root->node)->subtree_last < first)
        return NULL;
    return search(root->node, first, last);
}

struct interval_node *interval_next(const struct interval_node *node,
                                    unsigned long first, unsigned long last)
{
    const struct rb_node *rb = &node->rb, *below;

    if (rb->right && node_of(rb->right)->subtree_last >= first)
        return search(rb->right, first, last);
    do { /* up, until from the left */
        below = rb;
        rb = rb_parent(rb);
        if (!rb)
            return NULL;
        if (rb->left != below)
            continue;
        if (node_of(rb)->first > last)
            return NULL;
        if (node_of(rb)->last >= first)
            return node_of(rb);
        if (rb->right && node_of(rb->right)->subtree_last >= first)
            return search(rb->right, first, last);
    } while (true);
}
