/*
 * Pointers by index: random operations against a sorted list, with an
 * allocator that fails at random and counts what is out.
 *
 * HOST_SOURCES: kernel/lib/radix.c
 */
#include "shim.h"
#include <errno.h>
#include <kernel/lib/radix.h>

#define SLOTS 300

static long nodes_out;
static unsigned int fail_one_in; /* 0: never */

static void *node_alloc(size_t size)
{
    if (fail_one_in && host_random() % fail_one_in == 0)
        return NULL;
    nodes_out++;
    return calloc(1, size);
}

static void node_free(void *node)
{
    nodes_out--;
    free(node);
}

static const struct radix_ops ops = {node_alloc, node_free};

static struct {
    u64 index;
    bool in;
} model[SLOTS];

static int by_index(const void *a, const void *b)
{
    u64 x = *(const u64 *)a, y = *(const u64 *)b;

    return (x > y) - (x < y);
}

static void model_init(void)
{
    int i;

    for (i = 0; i < SLOTS; i++) {
        model[i].index = host_random() >> (host_random() % 64);
        model[i].in = false;
    }
    model[0].index = 0;
    model[1].index = ~0ull;
    qsort(model, SLOTS, sizeof(model[0]), by_index);
}

static bool same_index_in(int i)
{
    int j;

    for (j = 0; j < SLOTS; j++)
        if (model[j].index == model[i].index && model[j].in)
            return true;
    return false;
}

static void check_all(const struct radix_root *root, u64 from)
{
    u64 at = from;
    int i;

    for (i = 0; i < SLOTS; i++) {
        void *item;

        if (!model[i].in || model[i].index < from)
            continue;
        item = radix_next(root, &at);
        assert_ptr_equal(item, &model[i]);
        assert_true(at == model[i].index);
        assert_ptr_equal(radix_lookup(root, at), &model[i]);
        if (!++at)
            return;
    }
    assert_null(radix_next(root, &at));
}

static void random_operations(void **state)
{
    struct radix_root root = RADIX_ROOT_INIT;
    int round, i;

    (void)state;
    model_init();
    for (round = 0; round < 20000; round++) {
        fail_one_in = round % 2000 < 1000 ? 0 : 3;
        i = (int)(host_random() % SLOTS);
        if (!model[i].in) {
            bool taken = same_index_in(i);
            long before = nodes_out;
            int err = radix_insert(&root, model[i].index, &model[i]);

            if (err)
                assert_int_equal(nodes_out, before);
            if (err != -ENOMEM)
                assert_int_equal(err, taken ? -EEXIST : 0);
            model[i].in = !err;
        } else {
            assert_ptr_equal(radix_delete(&root, model[i].index), &model[i]);
            assert_null(radix_delete(&root, model[i].index));
            model[i].in = false;
        }
        if (round % 50 == 0) {
            check_all(&root, 0);
            check_all(&root, model[host_random() % SLOTS].index);
        }
    }
    for (i = 0; i < SLOTS; i++)
        if (model[i].in)
            radix_delete(&root, model[i].index);
    assert_null(root.node);
    assert_int_equal(nodes_out, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(random_operations)};

    radix_ops = &ops;
    host_random_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
