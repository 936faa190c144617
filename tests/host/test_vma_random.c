/*
 * The map of a process under random operations: against a flat model, a page
 * at a time; private pages that are to be found wherever they move; gaps
 * against a search page by page.
 *
 * HOST_SOURCES: mm/vma.c mm/change.c mm/account.c mm/mmap.c mm/munmap.c
 * HOST_SOURCES: mm/mprotect.c mm/mlock.c mm/mremap.c mm/brk.c mm/anon_vma.c
 * HOST_SOURCES: kernel/lib/rbtree.c kernel/lib/interval.c tests/host/vma_shim.c
 * HOST_SOURCES: tests/host/vma_strip.c
 */
#include "vma_strip.h"
#include <mm/anon_vma.h>

/* ---- the flat model ---- */

struct model_page {
    char kind; /* 0: free */
    long pgoff;
};
static struct model_page model[PAGES];

static void model_set(int page, int n, char kind)
{
    for (int i = page; i < page + n; i++)
        model[i] = (struct model_page){
            kind, kind == 'f' || kind == 's' ? i : (long)(AT(i) >> PAGE_SHIFT)};
}

static void model_protect(int page, int n, char kind)
{
    for (int i = page; i < page + n; i++)
        model[i].kind = kind;
}

/* Anonymous from end to end: mprotect of it does what the model says. */
static bool model_anonymous(int page, int n)
{
    for (int i = page; i < page + n; i++)
        if (!model[i].kind || strchr("fs", model[i].kind))
            return false;
    return true;
}

static void compare_model(void)
{
    const struct vm_area_struct *vma;

    check_tree();
    for (int page = 0; page < PAGES; page++) {
        vma = find_vma_intersection(&mm, AT(page), AT(page + 1));
        assert_int_equal(vma != NULL, model[page].kind != 0);
        if (!vma)
            continue;
        assert_int_equal(kind_of(vma), model[page].kind);
        assert_int_equal(vma_pgoff(vma, AT(page)), model[page].pgoff);
    }
    for (vma = mm.first; vma && vma->vm_next; vma = vma->vm_next) {
        const struct vm_area_struct *next = vma->vm_next;

        assert_false(vma->vm_end == next->vm_start &&
                     vma->vm_flags == next->vm_flags &&
                     vma->vm_file == next->vm_file &&
                     vma_pgoff(vma, vma->vm_end) == next->vm_pgoff);
    }
}

static void random_operation(void)
{
    static const char kinds[] = "abcxfs";
    int page = host_random() % PAGES;
    int n = 1 + host_random() % (PAGES - page);
    char kind = kinds[host_random() % 6];
    int to = host_random() % PAGES;

    switch (host_random() % 4) {
    case 0:
        assert_int_equal(map(page, n, kind), AT(page));
        model_set(page, n, kind);
        break;
    case 1:
        assert_int_equal(unmap(page, n), 0);
        model_set(page, n, 0);
        break;
    case 2:
        kind = kinds[host_random() % 4];
        if (model_anonymous(page, n)) {
            assert_int_equal(protect(page, n, kind), 0);
            model_protect(page, n, kind);
        }
        break;
    default: { /* moves inside one VMA */
        const struct vm_area_struct *vma = find_vma(&mm, AT(page));
        struct model_page copy[PAGES];

        if (!vma || vma->vm_start > AT(page))
            break;
        n = min((unsigned long)n, (vma->vm_end - AT(page)) >> PAGE_SHIFT);
        if (to + n > PAGES || (to < page + n && page < to + n))
            break;
        memcpy(copy, model, sizeof(copy));
        assert_int_equal(move(page, n, n, to), AT(to));
        for (int i = 0; i < n; i++) {
            bool file = strchr("fs", copy[page + i].kind);

            model[to + i] = copy[page + i];
            if (!file) /* untouched: it may merge where it is now */
                model[to + i].pgoff = AT(to + i) >> PAGE_SHIFT;
        }
        model_set(page, n, 0);
    }
    }
}

static void random_operations_match_the_model(void **state)
{
    host_random_init();
    for (int round = 0; round < 200; round++) {
        shim_mm_init(&mm);
        memset(model, 0, sizeof(model));
        for (int i = 0; i < 100; i++) {
            random_operation();
            compare_model();
        }
        clear();
    }
}

/* ---- where private pages are found ---- */

struct private_page {
    const struct anon_vma *family; /* NULL: none */
    unsigned long index;
};
static struct private_page private_pages[PAGES];

/* Each is found by what it says of itself, where it is mapped now. */
static void find_private_pages(void)
{
    check_tree();
    for (int page = 0; page < PAGES; page++) {
        const struct private_page *p = &private_pages[page];
        const struct vm_area_struct *vma;
        struct interval_node *node;
        int found = 0;

        if (!p->family)
            continue;
        for (node = interval_first(&p->family->vmas, p->index, p->index); node;
             node = interval_next(node, p->index, p->index)) {
            vma = container_of(node, struct vm_area_struct, anon_node);
            found +=
                vma->vm_start + ((p->index - vma->vm_pgoff) << PAGE_SHIFT) ==
                AT(page);
        }
        assert_int_equal(found, 1);
    }
}

static void random_operation_on_pages(void)
{
    int page = host_random() % PAGES;
    int n = 1 + host_random() % min(PAGES - page, 6);
    const struct vm_area_struct *vma = find_vma(&mm, AT(page));
    struct private_page *there = &private_pages[page];
    int to = host_random() % PAGES;

    switch (host_random() % 6) {
    case 0:
        map(page, n, "aaf"[host_random() % 3]);
        memset(there, 0, n * sizeof(*there));
        break;
    case 1:
        unmap(page, n);
        memset(there, 0, n * sizeof(*there));
        break;
    case 2:
        protect(page, n, "ac"[host_random() % 2]);
        break;
    case 3:
        if (!vma || vma->vm_start > AT(page) || vma->vm_end < AT(page + n) ||
            to + n > PAGES || (to < page + n && page < to + n))
            break;
        assert_int_equal(move(page, n, n, to), AT(to));
        memcpy(&private_pages[to], there, n * sizeof(*there));
        memset(there, 0, n * sizeof(*there));
        break;
    default:
        if (!vma || vma->vm_start > AT(page) || there->family)
            break;
        touch(page);
        *there = (struct private_page){vma->anon_vma, vma_pgoff(vma, AT(page))};
    }
}

static void private_pages_are_found_wherever_they_move(void **state)
{
    host_random_init();
    for (int round = 0; round < 300; round++) {
        shim_mm_init(&mm);
        memset(private_pages, 0, sizeof(private_pages));
        for (int i = 0; i < 150; i++) {
            random_operation_on_pages();
            find_private_pages();
        }
        clear();
    }
}

/* Gaps against a search page by page, with many VMAs. */
static void gaps_are_the_highest_that_fit(void **state)
{
    enum { SPAN = 512 };
    unsigned long low = AT(0), high = AT(SPAN);
    static bool used[SPAN];

    host_random_init();
    shim_mm_init(&mm);
    memset(used, 0, sizeof(used));
    for (int i = 0; i < 4000; i++) {
        int len = 1 + host_random() % 12, page = host_random() % (SPAN - 12);
        unsigned long want = 0, found;

        for (int p = SPAN - len; p >= 0 && !want; p--)
            if (!memchr(used + p, 1, len))
                want = AT(p);
        found = vma_gap_topdown(&mm, len * PAGE_SIZE, low, high);
        assert_int_equal(found, want);
        want = 0;
        for (int p = 0; p + len <= SPAN && !want; p++)
            if (!memchr(used + p, 1, len))
                want = AT(p);
        found = vma_gap_bottomup(&mm, len * PAGE_SIZE, low, high);
        assert_int_equal(found, want);
        if (host_random() % 2) {
            map(page, len, "abcx"[host_random() % 4]);
            memset(used + page, 1, len);
        } else {
            unmap(page, len);
            memset(used + page, 0, len);
        }
        check_tree();
    }
    clear();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(private_pages_are_found_wherever_they_move),
        cmocka_unit_test(random_operations_match_the_model),
        cmocka_unit_test(gaps_are_the_highest_that_fit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
