/*
 * kernel/lib/rbtree.c - red-black trees, optionally augmented.
 *
 * Invariant  (1) the root is black; (2) a red node has no red child; (3) each
 *            way from a node down to a NULL passes as many black nodes as any
 *            other.  So no way is longer than twice another.
 * Augmented  a rotation recomputes the two nodes it turns, lower one first;
 *            the sum of the whole subtree stays, so nobody above cares.
 * Cost       insertion at most 2 rotations, removal at most 3, recolouring and
 *            recomputing O(log n).
 */
#include <kernel/lib/rbtree.h>

#define RB_BLACK 1ul

static inline bool is_red(const struct rb_node *node)
{
    return node && !(node->parent_color & RB_BLACK);
}

static inline void set_parent(struct rb_node *node, struct rb_node *parent)
{
    node->parent_color = (unsigned long)parent | (node->parent_color & 1);
}

static inline void set_black(struct rb_node *node)
{
    node->parent_color |= RB_BLACK;
}

static inline void set_red(struct rb_node *node)
{
    node->parent_color &= ~RB_BLACK;
}

/* Puts `to` where `from` hangs; `to` may be NULL. */
static void replace_child(struct rb_root *root, struct rb_node *parent,
                          struct rb_node *from, struct rb_node *to)
{
    if (!parent)
        root->node = to;
    else if (parent->left == from)
        parent->left = to;
    else
        parent->right = to;
}

/* Turns `top` down to the left (or right); its other child comes up. */
static struct rb_node *rotate(struct rb_root *root, struct rb_node *top,
                              bool left, rb_update_fn *update)
{
    struct rb_node *up = left ? top->right : top->left;
    struct rb_node *middle = left ? up->left : up->right;
    struct rb_node *parent = rb_parent(top);

    if (left) {
        top->right = middle;
        up->left = top;
    } else {
        top->left = middle;
        up->right = top;
    }
    if (middle)
        set_parent(middle, top);
    set_parent(up, parent);
    set_parent(top, up);
    replace_child(root, parent, top, up);
    if (update) {
        update(top);
        update(up);
    }
    return up;
}

void rb_propagate(struct rb_node *node, rb_update_fn *update)
{
    while (node && update(node))
        node = rb_parent(node);
}

void rb_insert(struct rb_root *root, struct rb_node *node,
               struct rb_node *parent, struct rb_node **link,
               rb_update_fn *update)
{
    node->parent_color = (unsigned long)parent; /* red */
    node->left = NULL;
    node->right = NULL;
    *link = node;
    if (update) {
        update(node);
        rb_propagate(parent, update);
    }

    while (is_red(parent)) {
        struct rb_node *grand = rb_parent(parent); /* a red node has one */
        bool left = parent == grand->left;
        struct rb_node *uncle = left ? grand->right : grand->left;

        if (is_red(uncle)) {
            set_black(parent);
            set_black(uncle);
            set_red(grand);
            node = grand;
            parent = rb_parent(node);
            continue;
        }
        if (node == (left ? parent->right : parent->left))
            parent = rotate(root, parent, left, update);
        set_black(parent);
        set_red(grand);
        rotate(root, grand, !left, update);
        break;
    }
    set_black(root->node);
}

/*
 * The subtree at `node` (perhaps NULL), under `parent`, lacks one black node.
 * Cases by the sibling's colour and its children's, Cormen et al. 13.4.
 */
static void erase_fixup(struct rb_root *root, struct rb_node *node,
                        struct rb_node *parent, rb_update_fn *update)
{
    while (parent && !is_red(node)) {
        bool left = node == parent->left;
        struct rb_node *sibling = left ? parent->right : parent->left;
        struct rb_node *near, *far;

        if (is_red(sibling)) {
            set_black(sibling);
            set_red(parent);
            rotate(root, parent, left, update);
            sibling = left ? parent->right : parent->left;
        }
        near = left ? sibling->left : sibling->right;
        far = left ? sibling->right : sibling->left;
        if (!is_red(near) && !is_red(far)) {
            set_red(sibling);
            node = parent;
            parent = rb_parent(node);
            continue;
        }
        if (!is_red(far)) {
            set_black(near);
            set_red(sibling);
            far = sibling;
            sibling = rotate(root, sibling, !left, update);
        }
        sibling->parent_color = (sibling->parent_color & ~RB_BLACK) |
                                (parent->parent_color & RB_BLACK);
        set_black(parent);
        set_black(far);
        rotate(root, parent, left, update);
        return;
    }
    if (node)
        set_black(node);
}

/* `next` takes over the place, colour and children of `node`. */
static void take_place(struct rb_root *root, struct rb_node *node,
                       struct rb_node *next)
{
    next->parent_color = node->parent_color;
    next->left = node->left;
    next->right = node->right;
    if (next->left)
        set_parent(next->left, next);
    if (next->right)
        set_parent(next->right, next);
    replace_child(root, rb_parent(node), node, next);
}

void rb_erase(struct rb_root *root, struct rb_node *node, rb_update_fn *update)
{
    struct rb_node *out = node; /* the one whose place in the tree goes */
    struct rb_node *child, *parent;
    bool lost_black;

    if (node->left && node->right)
        for (out = node->right; out->left;)
            out = out->left;
    child = out->left ? out->left : out->right;
    parent = rb_parent(out);
    lost_black = !is_red(out);
    replace_child(root, parent, out, child);
    if (child)
        set_parent(child, parent);
    if (out != node) {
        take_place(root, node, out);
        if (parent == node)
            parent = out;
    }
    if (update && parent) {
        rb_propagate(parent, update);
        if (out != node) {
            update(out);
            rb_propagate(rb_parent(out), update);
        }
    }
    if (lost_black)
        erase_fixup(root, child, parent, update);
}

struct rb_node *rb_first(const struct rb_root *root)
{
    struct rb_node *node = root->node;

    while (node && node->left)
        node = node->left;
    return node;
}

struct rb_node *rb_last(const struct rb_root *root)
{
    struct rb_node *node = root->node;

    while (node && node->right)
        node = node->right;
    return node;
}

struct rb_node *rb_next(const struct rb_node *node)
{
    struct rb_node *parent;

    if (node->right) {
        node = node->right;
        while (node->left)
            node = node->left;
        return (struct rb_node *)node;
    }
    while ((parent = rb_parent(node)) && node == parent->right)
        node = parent;
    return parent;
}

struct rb_node *rb_prev(const struct rb_node *node)
{
    struct rb_node *parent;

    if (node->left) {
        node = node->left;
        while (node->right)
            node = node->right;
        return (struct rb_node *)node;
    }
    while ((parent = rb_parent(node)) && node == parent->left)
        node = parent;
    return parent;
}
