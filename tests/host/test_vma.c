/*
 * The map of a process: drawn cases of mmap, munmap, mprotect and mremap, each
 * again with every allocation failing in turn; errors, and where new mappings
 * go.
 *
 * HOST_SOURCES: mm/vma.c mm/change.c mm/account.c mm/mmap.c mm/munmap.c
 * HOST_SOURCES: mm/mprotect.c mm/mlock.c mm/mremap.c mm/brk.c mm/anon_vma.c
 * HOST_SOURCES: kernel/lib/rbtree.c kernel/lib/interval.c tests/host/vma_shim.c
 * HOST_SOURCES: tests/host/vma_strip.c
 */
#include "vma_strip.h"
#include <kernel/uapi/errno.h>

/* The operation, with the n-th allocation failing, until it succeeds. */
#define VMA_CASE(before, op, after)                                            \
    do {                                                                       \
        char strip_[2 * PAGES + 1];                                            \
        for (int n_ = 1;; n_++) {                                              \
            long ret_;                                                         \
            shim_mm_init(&mm);                                                 \
            set_up(before);                                                    \
            shim_fail_at = n_;                                                 \
            ret_ = (op);                                                       \
            check_tree();                                                      \
            draw(strip_);                                                      \
            if (shim_fail_at > 0) {                                            \
                shim_fail_at = 0;                                              \
                assert_true(ret_ >= 0);                                        \
                assert_string_equal(strip_, after);                            \
                clear();                                                       \
                break;                                                         \
            }                                                                  \
            assert_int_equal(ret_, -ENOMEM);                                   \
            assert_string_equal(strip_, before);                               \
            clear();                                                           \
        }                                                                      \
    } while (0)

static void merges_what_agrees(void **state)
{
    VMA_CASE("", map(2, 2, 'a'), "..aa");
    VMA_CASE("aa", map(2, 2, 'a'), "aaaa");
    VMA_CASE("..aa", map(0, 2, 'a'), "aaaa");
    VMA_CASE("aa..aa", map(2, 2, 'a'), "aaaaaa");
    VMA_CASE("aa..bb", map(2, 2, 'a'), "aaaabb");
    VMA_CASE("aa..bb", map(2, 2, 'b'), "aabbbb");
    VMA_CASE("aa..bb", map(2, 2, 'c'), "aaccbb");
    VMA_CASE("ff..ff", map(2, 2, 'f'), "ffffff");
    VMA_CASE("ff..ff", map(2, 2, 's'), "ffssff");
    VMA_CASE("dd", map(2, 2, 'd'), "dd|dd");
}

static void mmap_fixed_replaces(void **state)
{
    VMA_CASE("aaaaaa", map(2, 2, 'b'), "aabbaa");
    VMA_CASE("aaaaaa", map(2, 2, 'a'), "aaaaaa");
    VMA_CASE("abcabc", map(1, 4, 'a'), "aaaaac");
    VMA_CASE("bbbbbb", map(0, 6, 'a'), "aaaaaa");
    VMA_CASE("ssssss", map(2, 2, 'a'), "ssaass");
    VMA_CASE("dddddd", map(2, 2, 'a'), "ddaadd");
}

static void munmap_cuts(void **state)
{
    VMA_CASE("aaaaaa", unmap(2, 1), "aa.aaa");
    VMA_CASE("aaaaaa", unmap(0, 1), ".aaaaa");
    VMA_CASE("aaaaaa", unmap(5, 1), "aaaaa");
    VMA_CASE("aaaaaa", unmap(0, 6), "");
    VMA_CASE("abcabc", unmap(1, 4), "a....c");
    VMA_CASE("aa..bb", unmap(1, 4), "a....b");
    VMA_CASE("ffffff", unmap(2, 2), "ff..ff");
    VMA_CASE("dddddd", unmap(2, 2), "dd..dd");
    VMA_CASE("aa", unmap(4, 2), "aa");
}

static void mprotect_splits_and_merges(void **state)
{
    VMA_CASE("aaaaaa", protect(2, 2, 'b'), "aabbaa");
    VMA_CASE("aaaaaa", protect(0, 2, 'b'), "bbaaaa");
    VMA_CASE("aaaaaa", protect(4, 2, 'b'), "aaaabb");
    VMA_CASE("aaaaaa", protect(0, 6, 'b'), "bbbbbb");
    VMA_CASE("aabbaa", protect(2, 2, 'a'), "aaaaaa");
    VMA_CASE("aabbbb", protect(2, 2, 'a'), "aaaabb");
    /* What was writable stays charged, so it does not merge: Linux too. */
    VMA_CASE("aabbbb", protect(1, 1, 'b'), "ab|bbbb");
    VMA_CASE("aabbcc", protect(2, 2, 'a'), "aaaacc");
    VMA_CASE("aabbcc", protect(2, 2, 'c'), "aacccc");
    VMA_CASE("abcabc", protect(0, 6, 'a'), "aaaaaa");
    VMA_CASE("dddddd", protect(2, 2, 'd'), "dddddd");
}

/* As Linux 6.1 does: see anon_agrees() and could_be_one(). */
static void private_pages_decide_merging(void **state)
{
    VMA_CASE("AA", map(2, 2, 'a'), "AAAA");
    VMA_CASE("..AA", map(0, 2, 'a'), "AAAA");
    VMA_CASE("aa..AA", map(2, 2, 'a'), "aaAAAA"); /* not aa */
    VMA_CASE("AA..aa", map(2, 2, 'a'), "AAAAAA");
    VMA_CASE("AA..AA", map(2, 2, 'a'), "AA|AAAA"); /* two families */
    VMA_CASE("AAAAAA", protect(2, 2, 'c'), "AACCAA");
    VMA_CASE("AAccAA", protect(2, 2, 'a'), "AAAA|AA");
    VMA_CASE("AA", move(0, 2, 2, 10), "..........AA");
    VMA_CASE("AA..aa", move(0, 2, 2, 6), "....aaAA");
    VMA_CASE("AAAA", unmap(1, 2), "A..A");
    shim_mm_init(&mm);
    set_up("AAAA"); /* one family, even with a hole in it */
    unmap(1, 1);
    map(1, 1, 'a');
    assert_int_equal(mm.map_count, 1);
    protect(2, 2, 'b');
    assert_int_equal(mm.map_count, 2);
    protect(2, 2, 'a');
    assert_int_equal(mm.map_count, 1);
    clear();
    shim_mm_init(&mm);
    set_up("aaaa"); /* touched apart, but a neighbour lends its family */
    protect(2, 2, 'b');
    touch(0);
    touch(3);
    protect(2, 2, 'a');
    assert_int_equal(mm.map_count, 1);
    clear();
}

static void mlock_is_a_property(void **state)
{
    VMA_CASE("aaaaaa", lock(2, 2), "aaLLaa");
    VMA_CASE("aabb", lock(0, 4), "LL|LL");
}

static void mremap_in_place(void **state)
{
    VMA_CASE("aa....", resize(0, 2, 4), "aaaa");
    VMA_CASE("aaaa", resize(0, 4, 2), "aa");
    VMA_CASE("aaaa..", resize(2, 2, 4), "aaaaaa");
    VMA_CASE("ff....", resize(0, 2, 4), "ffff");
    VMA_CASE("dd....", resize(0, 2, 4), "dddd");
    VMA_CASE("aabb", resize(0, 1, 1), "aabb");
}

static void mremap_moves(void **state)
{
    VMA_CASE("aa", move(0, 2, 2, 10), "..........aa");
    VMA_CASE("aa", move(0, 2, 4, 10), "..........aaaa");
    VMA_CASE("aaaa", move(0, 4, 2, 10), "..........aa");
    VMA_CASE("aaaa", move(1, 2, 2, 10), "a..a......aa");
    VMA_CASE("aa..bbbb", move(0, 2, 2, 5), "....baab");
    VMA_CASE("aaaaaa", move(0, 2, 2, 3), "..aaaa");
    VMA_CASE("dd", move(0, 2, 2, 4), "....dd");
    VMA_CASE("ffff", move(0, 2, 2, 6), "..ff..ff");
}

static void errors_are_linux_s(void **state)
{
    struct mmap_request req = {
        .addr = AT(0), .len = PAGE_SIZE, .flags = MAP_PRIVATE | MAP_ANONYMOUS};

#define FAILS(field, value, errno)                                             \
    do {                                                                       \
        struct mmap_request r_ = req;                                          \
        r_.field = (value);                                                    \
        assert_int_equal(do_mmap(&mm, &r_), -(errno));                         \
    } while (0)
    shim_mm_init(&mm);
    FAILS(len, 0, EINVAL);
    FAILS(len, ~0ul, ENOMEM);
    FAILS(len, TASK_SIZE + PAGE_SIZE, ENOMEM);
    FAILS(flags, MAP_ANONYMOUS, EINVAL);
    FAILS(flags, MAP_SHARED_VALIDATE | MAP_ANONYMOUS, EINVAL);
    FAILS(pgoff, ~0ul, EOVERFLOW);
    FAILS(flags, MAP_SHARED | MAP_ANONYMOUS | MAP_GROWSDOWN, EINVAL);
    req.flags |= MAP_FIXED;
    FAILS(addr, AT(0) + 1, EINVAL);
    FAILS(addr, 0, EPERM);
    FAILS(addr, TASK_SIZE, ENOMEM);
    FAILS(addr, 0xffff800000000000, ENOMEM);
    assert_int_equal(map(0, 2, 'a'), AT(0));
    FAILS(flags, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, EEXIST);
    req.file = the_file;
    FAILS(vm_flags_may, VM_MAYWRITE, EACCES);
    FAILS(vm_flags_may, VM_MAYREAD, ENODEV);
    req.flags = MAP_SHARED;
    req.prot = PROT_WRITE;
    FAILS(vm_flags_may, VM_MAYREAD, EACCES);
    assert_int_equal(do_munmap(&mm, 1, PAGE_SIZE), -EINVAL);
    assert_int_equal(do_munmap(&mm, AT(0), 0), -EINVAL);
    assert_int_equal(do_munmap(&mm, TASK_SIZE, PAGE_SIZE), -EINVAL);
    assert_int_equal(do_mprotect(&mm, AT(1), 2 * PAGE_SIZE, 0), -ENOMEM);
    assert_int_equal(do_mprotect(&mm, AT(0), PAGE_SIZE, 64), -EINVAL);
    assert_int_equal(do_mremap(&mm, AT(9), 1, 1, 0, 0), -EFAULT);
    assert_int_equal(
        do_mremap(&mm, AT(0), 3 * PAGE_SIZE, 4 * PAGE_SIZE, MREMAP_MAYMOVE, 0),
        -EFAULT);
    assert_int_equal(do_mremap(&mm, AT(0), PAGE_SIZE, 0, 0, 0), -EINVAL);
    assert_int_equal(
        do_mremap(&mm, AT(0), PAGE_SIZE, PAGE_SIZE, MREMAP_FIXED, AT(4)),
        -EINVAL);
    clear();
}

static void addresses_come_from_the_top(void **state)
{
    struct mmap_request req = {.len = 4 * PAGE_SIZE,
                               .prot = PROT_READ,
                               .flags = MAP_PRIVATE | MAP_ANONYMOUS};
    long first, second, third;

    shim_mm_init(&mm);
    first = do_mmap(&mm, &req);
    assert_int_equal(first, mm.mmap_base - 4 * PAGE_SIZE);
    req.prot = PROT_NONE;
    second = do_mmap(&mm, &req);
    assert_int_equal(second, first - 4 * PAGE_SIZE);
    assert_int_equal(do_munmap(&mm, first, 4 * PAGE_SIZE), 0);
    third = do_mmap(&mm, &req);
    assert_int_equal(third, first); /* the highest gap that fits */
    req.addr = AT(3);
    assert_int_equal(do_mmap(&mm, &req), AT(3)); /* a free hint is taken */
    req.addr = AT(1);
    assert_int_equal(do_mmap(&mm, &req), second - 4 * PAGE_SIZE);
    req.addr = PAGE_SIZE;
    assert_int_equal(do_mmap(&mm, &req), mmap_min_addr);
    req.flags |= MAP_32BIT;
    req.addr = 0;
    assert_int_equal(do_mmap(&mm, &req), GIB);
    clear();
}

static void stacks_keep_a_guard_gap(void **state)
{
    unsigned long top = AT(4096);
    struct mmap_request req = {.len = PAGE_SIZE,
                               .prot = PROT_READ,
                               .flags = MAP_PRIVATE | MAP_ANONYMOUS};

    shim_mm_init(&mm);
    mm.mmap_base = top;
    assert_int_equal(mm_add_stack(&mm, top, 4 * PAGE_SIZE, 0), 0);
    assert_int_equal(do_mmap(&mm, &req),
                     top - 4 * PAGE_SIZE - STACK_GUARD_GAP - PAGE_SIZE);
    clear();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(merges_what_agrees),
        cmocka_unit_test(mmap_fixed_replaces),
        cmocka_unit_test(munmap_cuts),
        cmocka_unit_test(mprotect_splits_and_merges),
        cmocka_unit_test(private_pages_decide_merging),
        cmocka_unit_test(mlock_is_a_property),
        cmocka_unit_test(mremap_in_place),
        cmocka_unit_test(mremap_moves),
        cmocka_unit_test(errors_are_linux_s),
        cmocka_unit_test(addresses_come_from_the_top),
        cmocka_unit_test(stacks_keep_a_guard_gap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
