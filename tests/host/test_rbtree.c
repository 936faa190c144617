/*
 * Red-black trees: random insertions and removals against a sorted array, the
 * tree's invariants and every node's sum checked after each.
 *
 * HOST_SOURCES: kernel/lib/rbtree.c
 */
#include "shim.h"
#include <kernel/lib/rbtree.h>

#define KEYS 200

struct item {
    struct rb_node node;
    int key;
    int weight;
    int max; /* of weight in the subtree */
    bool in;
};

static struct item items[KEYS];
static struct rb_root root;

static int subtree_max(const struct rb_node *node)
{
    return node ? rb_entry(node, struct item, node)->max : 0;
}

static bool update(struct rb_node *node)
{
    struct item *item = rb_entry(node, struct item, node);
    int m = item->weight;

    m = max(m, subtree_max(node->left));
    m = max(m, subtree_max(node->right));
    if (m == item->max)
        return false;
    item->max = m;
    return true;
}

/* Returns the black height. */
static int check(const struct rb_node *node, const struct rb_node *parent)
{
    int left, right, m;
    bool black;

    if (!node)
        return 1;
    black = node->parent_color & 1;
    assert_ptr_equal(rb_parent(node), parent);
    if (!black)
        assert_true(parent && (parent->parent_color & 1));
    left = check(node->left, node);
    right = check(node->right, node);
    assert_int_equal(left, right);
    m = rb_entry(node, struct item, node)->weight;
    m = max(m, subtree_max(node->left));
    m = max(m, subtree_max(node->right));
    assert_int_equal(m, rb_entry(node, struct item, node)->max);
    return left + black;
}

static void check_order(void)
{
    struct rb_node *node = rb_first(&root), *back = rb_last(&root);
    int i;

    for (i = 0; i < KEYS; i++) {
        if (!items[i].in)
            continue;
        assert_ptr_equal(node, &items[i].node);
        node = rb_next(node);
    }
    assert_null(node);
    for (i = KEYS - 1; i >= 0; i--) {
        if (!items[i].in)
            continue;
        assert_ptr_equal(back, &items[i].node);
        back = rb_prev(back);
    }
    assert_null(back);
}

static void insert(struct item *item, rb_update_fn *fn)
{
    struct rb_node **link = &root.node, *parent = NULL;

    while (*link) {
        parent = *link;
        link = item->key < rb_entry(parent, struct item, node)->key
                   ? &parent->left
                   : &parent->right;
    }
    item->max = (int)host_random(); /* rubbish: rb_insert must set it */
    rb_insert(&root, &item->node, parent, link, fn);
    item->in = true;
}

static void random_operations(void **state)
{
    int round, i;

    (void)state;
    root = RB_ROOT;
    for (i = 0; i < KEYS; i++)
        items[i] = (struct item){.key = i};
    for (round = 0; round < 20000; round++) {
        struct item *item = &items[host_random() % KEYS];

        if (!item->in) {
            item->weight = (int)(host_random() % 50);
            insert(item, update);
        } else if (host_random() % 4) {
            rb_erase(&root, &item->node, update);
            item->in = false;
        } else {
            item->weight = (int)(host_random() % 50);
            rb_propagate(&item->node, update);
        }
        check(root.node, NULL);
        assert_true(!root.node || (root.node->parent_color & 1));
        if (round % 64 == 0)
            check_order();
    }
}

static void ascending_and_descending(void **state)
{
    int i;

    (void)state;
    root = RB_ROOT;
    for (i = 0; i < KEYS; i++) {
        items[i] = (struct item){.key = i, .weight = i};
        insert(&items[i], update);
        check(root.node, NULL);
    }
    check_order();
    for (i = KEYS - 1; i >= 0; i--) {
        rb_erase(&root, &items[i].node, update);
        items[i].in = false;
        check(root.node, NULL);
    }
    assert_null(root.node);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_operations),
        cmocka_unit_test(ascending_and_descending),
    };

    host_random_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
