/*
 * The map of a process: drawn cases of mmap, munmap, mprotect and mremap, each
 * again with every allocation failing in turn; then random operations against
 * a flat model, a page at a time.
 *
 * A strip has one character a page, '.' for free, and '|' between neighbours
 * that look alike but are two VMAs:
 *     a read-write   b read-only   c no access   x read-execute
 *     f a file, private, offset = page number    s the same, shared
 *     d a driver's that must not be merged
 *     A B C X F with private pages
 *
 * HOST_SOURCES: mm/vma.c mm/change.c mm/account.c mm/mmap.c mm/munmap.c
 * HOST_SOURCES: mm/mprotect.c mm/mlock.c mm/mremap.c mm/brk.c mm/anon_vma.c
 * HOST_SOURCES: kernel/lib/rbtree.c kernel/lib/interval.c tests/host/vma_shim.c
 */
#include "shim.h"
#include "vma_shim.h"
#include <ctype.h>
#include <kernel/uapi/errno.h>
#include <kernel/uapi/mman.h>
#include <mm/anon_vma.h>

#define BASE 0x10000000ul
#define PAGES 24
#define AT(page) (BASE + (page)*PAGE_SIZE)

static struct mm_struct mm;
static struct file *const the_file = (struct file *)0x1000;

static void count_open(struct vm_area_struct *vma)
{
    shim_opens++;
}

static void count_close(struct vm_area_struct *vma)
{
    shim_closes++;
}

static const struct vm_operations_struct file_vm_ops;
static const struct vm_operations_struct driver_vm_ops = {
    .open = count_open,
    .close = count_close,
};

static int file_mmap(struct file *file, struct vm_area_struct *vma)
{
    vma->vm_ops = &file_vm_ops;
    return 0;
}

static int driver_mmap(struct file *file, struct vm_area_struct *vma)
{
    vma->vm_ops = &driver_vm_ops;
    shim_opens++; /* the mapping itself, so that opens and closes balance */
    return 0;
}

static int prot_of(char kind)
{
    switch (tolower(kind)) {
    case 'b':
        return PROT_READ;
    case 'c':
        return PROT_NONE;
    case 'x':
        return PROT_READ | PROT_EXEC;
    default:
        return PROT_READ | PROT_WRITE;
    }
}

static long map(int page, int n, char kind)
{
    struct mmap_request req = {
        .addr = AT(page),
        .len = n * PAGE_SIZE,
        .prot = prot_of(kind),
        .flags = MAP_FIXED | (kind == 's' ? MAP_SHARED : MAP_PRIVATE),
        .vm_flags_may = VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC,
    };

    if (strchr("fsd", kind)) {
        req.file = the_file;
        req.pgoff = page;
        req.mmap = kind == 'd' ? driver_mmap : file_mmap;
    } else {
        req.flags |= MAP_ANONYMOUS;
    }
    return do_mmap(&mm, &req);
}

/* As a write to the page does. */
static void touch(int page)
{
    assert_int_equal(anon_vma_prepare(find_vma(&mm, AT(page))), 0);
}

static long unmap(int page, int n)
{
    return do_munmap(&mm, AT(page), n * PAGE_SIZE);
}

static long protect(int page, int n, char kind)
{
    return do_mprotect(&mm, AT(page), n * PAGE_SIZE, prot_of(kind));
}

static long resize(int page, int n, int new_n)
{
    return do_mremap(&mm, AT(page), n * PAGE_SIZE, new_n * PAGE_SIZE, 0, 0);
}

static long move(int page, int n, int new_n, int to)
{
    return do_mremap(&mm, AT(page), n * PAGE_SIZE, new_n * PAGE_SIZE,
                     MREMAP_MAYMOVE | MREMAP_FIXED, AT(to));
}

static long lock(int page, int n)
{
    return do_mlock(&mm, AT(page), n * PAGE_SIZE, VM_LOCKED, true);
}

static char kind_of_untouched(const struct vm_area_struct *vma)
{
    if (vma->vm_flags & VM_LOCKED)
        return 'L';
    if (vma->vm_ops == &driver_vm_ops)
        return 'd';
    if (vma->vm_file)
        return vma->vm_flags & VM_SHARED ? 's' : 'f';
    if (vma->vm_flags & VM_EXEC)
        return 'x';
    if (vma->vm_flags & VM_WRITE)
        return 'a';
    return vma->vm_flags & VM_READ ? 'b' : 'c';
}

static char kind_of(const struct vm_area_struct *vma)
{
    char kind = kind_of_untouched(vma);

    return vma->anon_vma ? toupper(kind) : kind;
}

static void draw(char *strip)
{
    const struct vm_area_struct *vma = mm.first;
    char *start = strip, last = 0;

    for (int page = 0; page < PAGES; page++) {
        if (vma && vma->vm_start == AT(page) && vma->vm_prev &&
            vma->vm_prev->vm_end == vma->vm_start && last == kind_of(vma))
            *strip++ = '|';
        last = vma && vma->vm_start <= AT(page) ? kind_of(vma) : '.';
        *strip++ = last;
        if (vma && vma->vm_end == AT(page + 1))
            vma = vma->vm_next;
    }
    while (strip > start && strip[-1] == '.')
        strip--;
    *strip = 0;
}

static void clear(void)
{
    assert_int_equal(do_munmap(&mm, 0x10000, TASK_SIZE - 0x10000), 0);
    assert_null(mm.first);
    assert_int_equal(shim_vmas, 0);
    assert_int_equal(shim_file_refs, 0);
    assert_int_equal(shim_opens, shim_closes);
    assert_int_equal(mm.total_vm, 0);
    assert_int_equal(mm.data_vm, 0);
    assert_int_equal(mm.committed, 0);
    assert_int_equal(mm.locked_vm, 0);
}

static void set_up(const char *strip)
{
    int page = 0;

    while (*strip) {
        int n = 1;

        while (strip[n] == *strip)
            n++;
        if (*strip == '|') {
            strip++;
            continue;
        }
        if (*strip != '.')
            assert_int_equal(map(page, n, tolower(*strip)), AT(page));
        if (isupper(*strip))
            touch(page);
        page += n;
        strip += n;
    }
}

static void check_tree(void)
{
    const char *why;

    if (!vma_tree_check(&mm, &why))
        fail_msg("tree: %s", why);
}

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
        cmocka_unit_test(merges_what_agrees),
        cmocka_unit_test(mmap_fixed_replaces),
        cmocka_unit_test(munmap_cuts),
        cmocka_unit_test(mprotect_splits_and_merges),
        cmocka_unit_test(private_pages_decide_merging),
        cmocka_unit_test(private_pages_are_found_wherever_they_move),
        cmocka_unit_test(mlock_is_a_property),
        cmocka_unit_test(mremap_in_place),
        cmocka_unit_test(mremap_moves),
        cmocka_unit_test(errors_are_linux_s),
        cmocka_unit_test(addresses_come_from_the_top),
        cmocka_unit_test(stacks_keep_a_guard_gap),
        cmocka_unit_test(random_operations_match_the_model),
        cmocka_unit_test(gaps_are_the_highest_that_fit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
