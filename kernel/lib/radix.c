/*
 * kernel/lib/radix.c - pointers by index in a 64-way tree.
 *
 * Structure  a node at height h covers 64^h indexes.  Its bitmap says which
 *            slots are used, so the next one is a bit search.  The tree is as
 *            high as its largest index needs, and shrinks again.
 * Cost       one load per level and six bits of index; 256 KiB of file data
 *            in pages need one level, 16 MiB two.
 * Invariant  no node but the root's chain is ever empty, and an empty tree has
 *            no node.
 */
#include <kernel/lib/radix.h>
#include <kernel/uapi/errno.h>

#define RADIX_BITS 6
#define RADIX_SLOTS (1u << RADIX_BITS)
#define RADIX_HEIGHT_MAX 11 /* 11 * 6 >= 64 bits */

struct radix_node {
    u64 used; /* a bit per slot */
    void *slot[RADIX_SLOTS];
};

const struct radix_ops *radix_ops;

/* Index bits that select the slot in a node of this height. */
static inline unsigned int slot_of(u64 index, unsigned int height)
{
    return (index >> (RADIX_BITS * (height - 1))) & (RADIX_SLOTS - 1);
}

static inline bool height_covers(unsigned int height, u64 index)
{
    return height >= RADIX_HEIGHT_MAX || !(index >> (RADIX_BITS * height));
}

void *radix_lookup(const struct radix_root *root, u64 index)
{
    const struct radix_node *node = root->node;
    unsigned int height;

    if (!height_covers(root->height, index))
        return NULL;
    for (height = root->height; node && height > 1; height--)
        node = node->slot[slot_of(index, height)];
    return node ? node->slot[slot_of(index, 1)] : NULL;
}

void radix_replace(struct radix_root *root, u64 index, void *item)
{
    struct radix_node *node = root->node;

    for (unsigned int height = root->height; height > 1; height--)
        node = node->slot[slot_of(index, height)];
    node->slot[slot_of(index, 1)] = item;
}

static void node_set(struct radix_node *node, unsigned int slot, void *item)
{
    node->slot[slot] = item;
    node->used |= BIT(slot);
}

static void node_clear(struct radix_node *node, unsigned int slot)
{
    node->slot[slot] = NULL;
    node->used &= ~BIT(slot);
}

/* Takes levels off the top that only lead to slot 0. */
static void shrink(struct radix_root *root)
{
    while (root->node) {
        struct radix_node *top = root->node;

        if (!top->used) {
            root->node = NULL;
            root->height = 0;
        } else if (top->used == 1 && root->height > 1) {
            root->node = top->slot[0];
            root->height--;
        } else {
            return;
        }
        radix_ops->free(top);
    }
}

/* Frees empty nodes on the way to index; path[h] is the node of height h. */
static void prune(struct radix_root *root, struct radix_node **path,
                  unsigned int lowest, u64 index)
{
    unsigned int height;

    for (height = lowest; height < root->height; height++) {
        if (path[height]->used)
            break;
        radix_ops->free(path[height]);
        node_clear(path[height + 1], slot_of(index, height + 1));
    }
    shrink(root);
}

/* Levels on top until the tree covers index. */
static int grow(struct radix_root *root, u64 index)
{
    do {
        struct radix_node *top = radix_ops->alloc(sizeof(*top));

        if (!top)
            return -ENOMEM;
        if (root->node)
            node_set(top, 0, root->node);
        root->node = top;
        root->height++;
    } while (!height_covers(root->height, index));
    return 0;
}

int radix_insert(struct radix_root *root, u64 index, void *item)
{
    struct radix_node *path[RADIX_HEIGHT_MAX + 1];
    struct radix_node *node, *child;
    unsigned int height;

    if ((!root->node || !height_covers(root->height, index)) &&
        grow(root, index) < 0) {
        shrink(root);
        return -ENOMEM;
    }
    node = root->node;
    for (height = root->height; height > 1; height--, node = child) {
        path[height] = node;
        child = node->slot[slot_of(index, height)];
        if (child)
            continue;
        child = radix_ops->alloc(sizeof(*child));
        if (!child) {
            prune(root, path, height, index);
            return -ENOMEM;
        }
        node_set(node, slot_of(index, height), child);
    }
    if (node->slot[slot_of(index, 1)])
        return -EEXIST;
    node_set(node, slot_of(index, 1), item);
    return 0;
}

void *radix_delete(struct radix_root *root, u64 index)
{
    struct radix_node *path[RADIX_HEIGHT_MAX + 1];
    struct radix_node *node = root->node;
    unsigned int height;
    void *item;

    if (!node || !height_covers(root->height, index))
        return NULL;
    for (height = root->height; height > 1; height--) {
        path[height] = node;
        node = node->slot[slot_of(index, height)];
        if (!node)
            return NULL;
    }
    path[1] = node;
    item = node->slot[slot_of(index, 1)];
    if (!item)
        return NULL;
    node_clear(node, slot_of(index, 1));
    prune(root, path, 1, index);
    return item;
}

/*
 * Down to where index would be; at the first level that has nothing at or
 * after it, up again and on with the slot after.
 */
void *radix_next(const struct radix_root *root, u64 *index)
{
    const struct radix_node *path[RADIX_HEIGHT_MAX + 1];
    unsigned int height = root->height;
    u64 at = *index;

    if (!root->node || !height_covers(height, at))
        return NULL;
    path[height] = root->node;
    for (;;) {
        unsigned int slot = slot_of(at, height);
        u64 rest = path[height]->used >> slot;
        unsigned int shift = RADIX_BITS * (height - 1);

        if (!rest) {
            u64 next;

            /* the first index that this node does not cover */
            if (height == root->height)
                return NULL;
            next = ((at >> (shift + RADIX_BITS)) + 1) << (shift + RADIX_BITS);
            if (!next || !height_covers(root->height, next))
                return NULL;
            at = next;
            do /* up to a node that covers it */
                height++;
            while (height < root->height && !slot_of(at, height));
            continue;
        }
        if (__builtin_ctzll(rest)) {
            slot += __builtin_ctzll(rest);
            at = shift + RADIX_BITS >= 64
                     ? 0
                     : at >> (shift + RADIX_BITS) << (shift + RADIX_BITS);
            at |= (u64)slot << shift;
        }
        if (height == 1) {
            *index = at;
            return path[1]->slot[slot];
        }
        path[height - 1] = path[height]->slot[slot];
        height--;
    }
}
