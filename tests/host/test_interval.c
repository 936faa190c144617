/*
 * The interval tree: random insertions and removals, and after each of them
 * questions whose answers a list of all intervals knows, order included.
 *
 * HOST_SOURCES: kernel/lib/interval.c kernel/lib/rbtree.c
 */
#include "shim.h"
#include <kernel/lib/interval.h>

#define NODES 120
#define SPAN 300

static struct interval_node nodes[NODES];
static struct rb_root root;

/* The largest last of the subtree, after checking every node's. */
static unsigned long check_last(const struct rb_node *rb)
{
    const struct interval_node *node;
    unsigned long last;

    if (!rb)
        return 0;
    node = rb_entry(rb, struct interval_node, rb);
    last = max(check_last(rb->left), check_last(rb->right));
    last = max(last, node->last);
    assert_int_equal(node->subtree_last, last);
    return last;
}

/* Exactly those that touch [first, last], ascending. */
static void ask(unsigned long first, unsigned long last)
{
    struct interval_node *node = interval_first(&root, first, last);
    unsigned long before = 0;
    size_t found = 0, there = 0;

    for (; node; node = interval_next(node, first, last)) {
        assert_true(interval_linked(node));
        assert_true(node->first <= last && node->last >= first);
        assert_true(node->first >= before);
        before = node->first;
        found++;
    }
    for (size_t i = 0; i < NODES; i++)
        there += interval_linked(&nodes[i]) && nodes[i].first <= last &&
                 nodes[i].last >= first;
    assert_int_equal(found, there);
}

static void draw(struct interval_node *node)
{
    node->first = host_random() % SPAN;
    node->last = node->first + host_random() % (host_random() % 8 ? 9 : SPAN);
    node->subtree_last = host_random(); /* rubbish: insertion must set it */
}

static void answers_are_those_of_a_list(void **state)
{
    root = RB_ROOT;
    memset(nodes, 0, sizeof(nodes));
    for (int round = 0; round < 20000; round++) {
        struct interval_node *node = &nodes[host_random() % NODES];
        unsigned long at = host_random() % SPAN;

        if (interval_linked(node)) {
            interval_erase(&root, node);
            assert_false(interval_linked(node));
            interval_erase(&root, node); /* again is fine */
        } else {
            draw(node);
            interval_insert(&root, node);
        }
        check_last(root.node);
        ask(at, at);
        ask(at, at + host_random() % 40);
        if (round % 256 == 0)
            ask(0, ~0ul);
    }
}

static void equal_ones_keep_the_order_that_was_asked_for(void **state)
{
    static int position[NODES]; /* of nodes[i] when all are listed */
    struct interval_node *node;
    int n = 0;

    root = RB_ROOT;
    memset(nodes, 0, sizeof(nodes));
    for (int i = 0; i < NODES; i++) {
        int parent = i ? (int)(host_random() % i) : 0;

        if (i % 3 == 0) {
            draw(&nodes[i]);
            interval_insert(&root, &nodes[i]);
        } else { /* a copy, as fork makes it */
            nodes[i].first = nodes[parent].first;
            nodes[i].last = nodes[parent].last;
            interval_insert_after(&root, &nodes[i], &nodes[parent]);
        }
        check_last(root.node);
        n = 0;
        for (node = interval_first(&root, 0, ~0ul); node;
             node = interval_next(node, 0, ~0ul))
            position[node - nodes] = n++;
        assert_int_equal(n, i + 1);
        if (i % 3)
            assert_int_equal(position[i], position[parent] + 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_those_of_a_list),
        cmocka_unit_test(equal_ones_keep_the_order_that_was_asked_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
