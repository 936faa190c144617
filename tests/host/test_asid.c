/*
 * The choice of PCIDs against a TLB that remembers everything it was not told
 * to forget.
 *
 * HOST_SOURCES: mm/asid.c
 */
#include "shim.h"
#include <mm/asid.h>

#define SPACES 20

/* What a CPU knows under a number: whose, and of which generation. */
struct model {
    u64 owner, generation;
};

static void nothing_old_is_ever_used(void **state)
{
    struct asid_table table = {0};
    struct model tlb[NR_ASIDS] = {{0, 0}};
    u64 generation[SPACES + 1];
    u64 loaded = 0;
    size_t kept = 0, i;
    int round;

    (void)state;
    for (i = 0; i <= SPACES; i++)
        generation[i] = 1;
    for (round = 0; round < 100000; round++) {
        u64 id = 1 + host_random() % (round & 4096 ? SPACES : 4);
        bool flush;

        switch (host_random() % 8) {
        case 0: /* a change; the loaded one is flushed at once */
            generation[id]++;
            if (id == loaded) {
                table.slot[table.current].seen = generation[id];
                tlb[table.current].generation = generation[id];
            }
            break;
        case 1: /* a kernel page went: only the current number was flushed */
            if (host_random() % 16)
                break;
            asid_forget_others(&table);
            for (i = 0; i < NR_ASIDS; i++)
                if (i != table.current)
                    tlb[i].owner = ~0ull;
            break;
        default:
            flush = asid_choose(&table, id, generation[id]);
            assert_in_range(table.current, 0, NR_ASIDS - 1);
            if (flush)
                tlb[table.current] = (struct model){id, generation[id]};
            else
                kept++;
            assert_int_equal(tlb[table.current].owner, id);
            assert_int_equal(tlb[table.current].generation, generation[id]);
            loaded = id;
        }
    }
    assert_true(kept > 10000); /* and it is of use */
}

static void the_oldest_number_is_dealt_out_again(void **state)
{
    struct asid_table table = {0};
    u64 id;

    (void)state;
    for (id = 1; id <= NR_ASIDS; id++)
        assert_true(asid_choose(&table, id, 1));
    for (id = 1; id <= NR_ASIDS; id++)
        assert_false(asid_choose(&table, id, 1));
    assert_true(asid_choose(&table, 100, 1));
    assert_int_equal(table.current, 0);
    assert_false(asid_choose(&table, 2, 1));
    assert_true(asid_choose(&table, 1, 1));
    assert_int_equal(table.current, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_old_is_ever_used),
        cmocka_unit_test(the_oldest_number_is_dealt_out_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
