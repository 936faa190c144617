/*
 * tests/user/badmaps.c - the memory calls with every combination of flags,
 * on memory of every kind, at the edges of the address space, under limits.
 * Lines and their comparison with Linux's: bad.h.
 */
#define _GNU_SOURCE
#include <sys/resource.h>

#include "bad.h"

#define AREA(i) (0x300000000ul + (i)*0x1000000ul)
#define PAGES(n) ((n)*PAGE)
#define END 0x7ffffffff000ul
#define LENGTH PAGES(4)

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif
#define DONTUNMAP 4 /* MREMAP_DONTUNMAP */

/* ---- memory of every kind ------------------------------------------------*/

enum {
    F_RW,
    F_RO,
    F_WO,
    F_PATH,
    F_DIR,
    F_SEALED,
    F_ZERO,
    F_PIPE,
    F_PROC,
    F_NULL,
    F_FUTURE,
    FILES
};

static const char *const file_names[] = {"rw",   "ro",     "wo",    "path",
                                         "dir",  "sealed", "zero",  "pipe",
                                         "proc", "null",   "future"};

static int file_fd(int file)
{
    return 40 + file;
}

static void open_at(int file, int fd)
{
    if (fd < 0) {
        printf("Bail out! %s: %s\n", file_names[file], strerror(errno));
        exit(1);
    }
    dup2(fd, file_fd(file));
    close(fd);
}

static int sealed(int seals)
{
    int fd = memfd_create("sealed", MFD_ALLOW_SEALING);

    if (ftruncate(fd, LENGTH))
        exit(1);
    fcntl(fd, F_ADD_SEALS, seals);
    return fd;
}

static void open_files(void)
{
    int p[2], fd = open("/tmp/badmaps", O_CREAT | O_RDWR | O_TRUNC, 0644);

    if (ftruncate(fd, PAGES(2) + 100) || pipe(p))
        exit(1);
    open_at(F_RW, fd);
    open_at(F_RO, open("/tmp/badmaps", O_RDONLY));
    open_at(F_WO, open("/tmp/badmaps", O_WRONLY));
    open_at(F_PATH, open("/tmp/badmaps", O_PATH));
    open_at(F_DIR, open("/tmp", O_RDONLY));
    open_at(F_SEALED, sealed(F_SEAL_WRITE | F_SEAL_SHRINK));
    open_at(F_FUTURE, sealed(0x10));
    open_at(F_ZERO, open("/dev/zero", O_RDWR));
    open_at(F_NULL, open("/dev/null", O_RDWR));
    open_at(F_PIPE, p[0]);
    open_at(F_PROC, open("/proc/version", O_RDONLY));
}

static const struct {
    const char *name;
    int prot, flags, file; /* file -1: none */
    int hole;              /* a page taken out again; 0: none */
} kinds[] = {
    {"anon", 3, MAP_PRIVATE | MAP_ANONYMOUS, -1},
    {"shared", 3, MAP_SHARED | MAP_ANONYMOUS, -1},
    {"filepriv", 3, MAP_PRIVATE, F_RW},
    {"file", 3, MAP_SHARED, F_RW},
    {"rofile", 1, MAP_SHARED, F_RO},
    {"ropriv", 1, MAP_PRIVATE, F_RO},
    {"none", 0, MAP_PRIVATE | MAP_ANONYMOUS, -1},
    {"locked", 3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1},
    {"holed", 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 2},
    {"exec", 5, MAP_PRIVATE | MAP_ANONYMOUS, -1},
    {"growsdown", 3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN, -1},
    {"sealed", 1, MAP_SHARED, F_SEALED},
    {"zero", 3, MAP_PRIVATE, F_ZERO},
    {"norsv", 3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1},
};

/* Places that are no mapping of ours. */
static const struct {
    const char *name;
    u64 addr;
} places[] = {
    {"nothing", AREA(20)},
    {"null", 0},
    {"low", 0x1000},
    {"odd", AREA(0) + 1},
    {"before", AREA(0) - PAGE},
    {"lastpage", END - PAGE},
    {"end", END},
    {"beyond", END + PAGE},
    {"noncanon", 1ul << 47},
    {"kernel", 0xffff888000000000},
    {"top", -PAGE},
    {"wrap", -PAGES(2)},
};

#define PLACES (COUNT(kinds) + COUNT(places))

static u64 place_addr(size_t i)
{
    return i < COUNT(kinds) ? AREA(i) : places[i - COUNT(kinds)].addr;
}

static const char *place_name(size_t i)
{
    return i < COUNT(kinds) ? kinds[i].name : places[i - COUNT(kinds)].name;
}

static void make_areas(void)
{
    for (size_t i = 0; i < COUNT(kinds); i++) {
        char *addr = (char *)AREA(i);

        mmap(addr, LENGTH, kinds[i].prot, kinds[i].flags | MAP_FIXED,
             kinds[i].file < 0 ? -1 : file_fd(kinds[i].file), 0);
        if (kinds[i].prot & 2)
            *addr = 1;
        if (kinds[i].hole)
            munmap(addr + PAGES(kinds[i].hole), PAGE);
    }
}

/* ---- trials: a call and its arguments, made beforehand -------------------*/

struct plan {
    long nr;
    u64 args[6];
    int wanted; /* the argument that an address may come out as; -1: number */
};

static struct plan plans[TRIALS_MAX];
static int limit_which = -1;
static u64 limit_value;
static bool as_user;

static void prepare(void)
{
    struct rlimit limit = {limit_value, limit_value};

    make_areas();
    if (limit_which >= 0)
        setrlimit(limit_which, &limit);
    if (as_user && (setgid(1000) || setuid(1000)))
        exit(1);
}

static long do_plan(int i, void *arg)
{
    const struct plan *p = &plans[i];
    long ret = call6(p->nr, p->args);

    (void)arg;
    if (ret < 0 && ret > -4096)
        return ret;
    if (p->wanted < 0)
        return ret;
    return (u64)ret == p->args[p->wanted] ? 0 : ANSWER_VARIES;
}

#define PLAN(nr, wanted, name, ...)                                            \
    (plans[trial name] = (struct plan){nr, {__VA_ARGS__}, wanted})

static void finish(const char *what, const char *which)
{
    series_run(do_plan, NULL, true, prepare);
    series_print("%s %s", what, which);
}

/* ---- mmap ----------------------------------------------------------------*/

static const struct flag {
    const char *name;
    u64 value;
} map_flags[] = {
    {"0", 0},
    {"fixed", MAP_FIXED},
    {"noreplace", MAP_FIXED_NOREPLACE},
    {"both", MAP_FIXED | MAP_FIXED_NOREPLACE},
    {"grows", MAP_GROWSDOWN},
    {"locked", MAP_LOCKED},
    {"norsv", MAP_NORESERVE},
    {"populate", MAP_POPULATE},
    {"nonblock", MAP_NONBLOCK | MAP_POPULATE},
    {"stack", MAP_STACK},
    {"32bit", MAP_32BIT},
    {"sync", 0x80000},
    {"denywrite", MAP_DENYWRITE},
    {"exe", MAP_EXECUTABLE},
    {"uninit", 0x4000000},
    {"b9", 0x200},
    {"b27", 1 << 27},
    {"b31", 1ul << 31},
    {"b40", 1ul << 40},
};

static const struct flag map_types[] = {
    {"type0", 0},    {"shared", MAP_SHARED}, {"private", MAP_PRIVATE},
    {"validate", 3}, {"type4", 4},           {"type15", 15},
};

static void mmap_flags(const struct flag *type, int file)
{
    u64 base = type->value | (file < 0 ? MAP_ANONYMOUS : 0);
    u64 fd = file < 0 ? -1ul : (u64)file_fd(file);

    series_begin();
    for (size_t f = 0; f < COUNT(map_flags); f++)
        for (int place = 0; place < 2; place++)
            PLAN(SYS_mmap, 0, ("%s%s", map_flags[f].name, place ? "@anon" : ""),
                 place ? AREA(0) : AREA(20), LENGTH, 3,
                 base | map_flags[f].value, fd, 0);
    finish("mmap flags", file < 0 ? type->name : file_names[file]);
}

static void mmap_prots(int file)
{
    static const int types[] = {MAP_SHARED, MAP_PRIVATE};
    u64 fd = file < 0 ? -1ul : (u64)file_fd(file);

    series_begin();
    for (size_t t = 0; t < 2; t++)
        for (int prot = 0; prot < 8; prot++)
            PLAN(SYS_mmap, 0, ("%s%d", t ? "p" : "s", prot), AREA(20), LENGTH,
                 prot, types[t] | (file < 0 ? MAP_ANONYMOUS : 0), fd, 0);
    for (int bit = 3; bit < 33; bit++)
        PLAN(SYS_mmap, 0, ("b%d", bit), AREA(20), LENGTH, 1 | 1ul << bit,
             MAP_PRIVATE | (file < 0 ? MAP_ANONYMOUS : 0), fd, 0);
    finish("mmap prot", file < 0 ? "anon" : file_names[file]);
}

static void mmap_places(const char *what, u64 flags)
{
    static const u64 lengths[] = {0,     1,    LENGTH,    PAGES(5),
                                  -PAGE, -1ul, 1ul << 47, END};

    series_begin();
    for (size_t i = 0; i < PLACES; i++)
        for (size_t l = 0; l < COUNT(lengths); l++)
            PLAN(SYS_mmap, 0, ("%s/%ld", place_name(i), (long)l), place_addr(i),
                 lengths[l], 3,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | flags, -1, 0);
    finish("mmap at", what);
}

static void mmap_offsets(int file)
{
    static const u64 offsets[] = {
        0,         1,         PAGE,      PAGES(100),
        1ul << 32, 1ul << 44, 1ul << 62, (1ul << 63) - PAGE,
        1ul << 63, -PAGE,     -PAGES(4)};

    series_begin();
    for (size_t i = 0; i < COUNT(offsets); i++) {
        PLAN(SYS_mmap, 0, ("%#lx", offsets[i]), AREA(20), LENGTH, 1,
             MAP_SHARED | (file < 0 ? MAP_ANONYMOUS : 0), file_fd(file),
             offsets[i]);
        PLAN(SYS_mmap, 0, ("%#lx/long", offsets[i]), AREA(20), 1ul << 46, 1,
             MAP_PRIVATE | MAP_NORESERVE | (file < 0 ? MAP_ANONYMOUS : 0),
             file_fd(file), offsets[i]);
    }
    finish("mmap offset", file < 0 ? "anon" : file_names[file]);
}

static void mmap_huge(void)
{
    static const int logs[] = {0, 12, 16, 20, 21, 22, 25, 30, 34, 63};

    series_begin();
    for (size_t i = 0; i < COUNT(logs); i++)
        for (size_t t = 0; t < COUNT(map_types); t++)
            PLAN(SYS_mmap, 0, ("%d%s", logs[i], map_types[t].name), AREA(20),
                 1 << 21, 3,
                 map_types[t].value | MAP_ANONYMOUS | MAP_HUGETLB |
                     (u64)logs[i] << 26,
                 -1, 0);
    PLAN(SYS_mmap, 0, ("file"), AREA(20), 1 << 21, 3, MAP_PRIVATE | MAP_HUGETLB,
         file_fd(F_RW), 0);
    PLAN(SYS_mmap, 0, ("closed"), AREA(20), 1 << 21, 3,
         MAP_PRIVATE | MAP_HUGETLB, 99, 0);
    PLAN(SYS_mmap, 0, ("odd"), AREA(20), 1 << 21, 3,
         MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 1);
    finish("mmap", "hugetlb");
}

static void test_mmap(void)
{
    for (size_t t = 0; t < COUNT(map_types); t++)
        mmap_flags(&map_types[t], -1);
    for (int file = 0; file < FILES; file++) {
        mmap_flags(&map_types[1], file);
        mmap_flags(&map_types[2], file);
        mmap_prots(file);
    }
    mmap_flags(&map_types[3], F_RW);
    mmap_flags(&map_types[0], F_RW);
    mmap_prots(-1);
    mmap_places("a hint", 0);
    mmap_places("fixed", MAP_FIXED);
    mmap_places("noreplace", MAP_FIXED_NOREPLACE);
    mmap_places("32bit", MAP_32BIT);
    mmap_offsets(F_RW);
    mmap_offsets(F_ZERO);
    mmap_offsets(-1);
    mmap_huge();
}

/* ---- what works on a range -----------------------------------------------*/

/* At every place: its whole, over its end, nothing, all there is. */
static void on_ranges(const char *what, long nr, u64 third)
{
    static const u64 lengths[] = {LENGTH, PAGES(5), 0,        1,
                                  -PAGE,  -1ul,     1ul << 47};

    series_begin();
    for (size_t i = 0; i < PLACES; i++)
        for (size_t l = 0; l < COUNT(lengths); l++) {
            if (nr == SYS_munmap && l >= 4 && place_addr(i) < AREA(0))
                continue; /* the program itself */
            PLAN(nr, -1, ("%s/%ld", place_name(i), (long)l), place_addr(i),
                 lengths[l], third);
        }
    finish(what, "ranges");
}

static void on_kinds(const char *what, long nr, const u64 *values, size_t count)
{
    series_begin();
    for (size_t v = 0; v < count; v++)
        for (size_t i = 0; i < COUNT(kinds); i++)
            PLAN(nr, -1, ("%s/%#lx", kinds[i].name, values[v]), AREA(i), LENGTH,
                 values[v]);
    finish(what, "values");
}

static void test_mprotect(void)
{
    static const u64 prots[] = {0, 1, 2, 3, 4, 5, 6, 7};
    static const u64 odd[] = {8,         0x10,    0x20,        1 << 23,
                              1 << 24,   1 << 25, 1 << 26,     0x80000000,
                              1ul << 32, 3 << 24, 1 << 24 | 3, 1 << 25 | 3};

    on_kinds("mprotect", SYS_mprotect, prots, COUNT(prots));
    on_kinds("mprotect odd", SYS_mprotect, odd, COUNT(odd));
    on_ranges("mprotect", SYS_mprotect, 1);
    on_ranges("mprotect odd", SYS_mprotect, 1 << 24 | 1);
}

/* Advice that both kernels have; not the poisoning of pages, nor
 * MADV_REMOVE, as tmpfs punches no holes here. */
static void test_madvise(void)
{
    static const u64 advice[] = {0,  1,  2,  3,  4,  8,  10, 11, 14,
                                 15, 16, 17, 18, 19, 20, 21, 22, 23};
    static const u64 none[] = {5, 6, 7, 26, 99, 102, -1ul, 0x80000000};

    on_kinds("madvise", SYS_madvise, advice, COUNT(advice));
    on_kinds("madvise unknown", SYS_madvise, none, COUNT(none));
    on_ranges("madvise normal", SYS_madvise, MADV_NORMAL);
    on_ranges("madvise dontneed", SYS_madvise, MADV_DONTNEED);
    on_ranges("madvise willneed", SYS_madvise, MADV_WILLNEED);
    on_ranges("madvise populate", SYS_madvise, 23);
    on_ranges("madvise unknown", SYS_madvise, 99);
}

static void test_locks(void)
{
    static const u64 flags[] = {0, 1, 2, 3, 4, 0x80000000};

    on_ranges("mlock", SYS_mlock, 0);
    on_ranges("munlock", SYS_munlock, 0);
    on_ranges("mlock2", SYS_mlock2, 1);
    on_kinds("mlock2", SYS_mlock2, flags, COUNT(flags));
}

static void test_others(void)
{
    static const u64 flags[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 16, 0x80000000};

    on_kinds("msync", SYS_msync, flags, COUNT(flags));
    on_ranges("msync", SYS_msync, MS_SYNC);
    on_ranges("msync async", SYS_msync, MS_ASYNC);
    on_ranges("msync odd", SYS_msync, MS_ASYNC | MS_SYNC);
    on_ranges("munmap", SYS_munmap, 0);
    on_ranges("mincore", SYS_mincore, AREA(0));
}

/* ---- mremap --------------------------------------------------------------*/

static void mremap_with(const char *name, u64 flags)
{
    static const u64 lengths[][2] = {
        {LENGTH, LENGTH},     {LENGTH, PAGES(8)},  {LENGTH, PAGE},
        {PAGE, LENGTH},       {0, LENGTH},         {LENGTH, 0},
        {PAGES(5), PAGES(6)}, {LENGTH, -PAGE},     {-PAGE, LENGTH},
        {1ul << 47, PAGE},    {LENGTH, 1ul << 47},
    };

    series_begin();
    for (size_t i = 0; i < PLACES; i++)
        for (size_t l = 0; l < COUNT(lengths); l++)
            if (!(lengths[l][0] > END && place_addr(i) < AREA(0)))
                PLAN(SYS_mremap, 0, ("%s/%ld", place_name(i), (long)l),
                     place_addr(i), lengths[l][0], lengths[l][1], flags,
                     AREA(25));
    finish("mremap", name);
}

static void mremap_to(const char *name, u64 flags)
{
    series_begin();
    for (size_t i = 0; i < PLACES; i++) {
        PLAN(SYS_mremap, 4, ("%s", place_name(i)), AREA(0), LENGTH, LENGTH,
             flags, place_addr(i));
        PLAN(SYS_mremap, 4, ("%s/grow", place_name(i)), AREA(0), LENGTH,
             PAGES(5), flags, place_addr(i));
        PLAN(SYS_mremap, 4, ("%s/shrink", place_name(i)), AREA(0), LENGTH, PAGE,
             flags, place_addr(i));
    }
    PLAN(SYS_mremap, 4, ("over"), AREA(0), LENGTH, LENGTH, flags,
         AREA(0) + PAGE);
    finish("mremap to", name);
}

static void test_mremap(void)
{
    series_begin();
    for (u64 flags = 0; flags < 16; flags++)
        for (size_t i = 0; i < COUNT(kinds); i++)
            PLAN(SYS_mremap, 0, ("%s/%ld", kinds[i].name, flags), AREA(i),
                 LENGTH, LENGTH, flags, AREA(25));
    finish("mremap", "flags");
    mremap_with("in place", 0);
    mremap_with("may move", MREMAP_MAYMOVE);
    mremap_with("fixed", MREMAP_MAYMOVE | MREMAP_FIXED);
    mremap_with("dontunmap", MREMAP_MAYMOVE | DONTUNMAP);
    mremap_to("fixed", MREMAP_MAYMOVE | MREMAP_FIXED);
    mremap_to("dontunmap", MREMAP_MAYMOVE | DONTUNMAP);
    mremap_to("both", MREMAP_MAYMOVE | MREMAP_FIXED | DONTUNMAP);
}

/* ---- limits --------------------------------------------------------------*/

static void under_limit(const char *name)
{
    const u64 anon = MAP_PRIVATE | MAP_ANONYMOUS;

    series_begin();
    PLAN(SYS_mmap, 0, ("page"), AREA(20), PAGE, 3, anon, -1, 0);
    PLAN(SYS_mmap, 0, ("mib"), AREA(20), 1 << 20, 3, anon, -1, 0);
    PLAN(SYS_mmap, 0, ("gib"), AREA(20), 1 << 30, 3, anon | MAP_NORESERVE, -1,
         0);
    PLAN(SYS_mmap, 0, ("readonly"), AREA(20), 1 << 30, 1, anon, -1, 0);
    PLAN(SYS_mmap, 0, ("grows"), AREA(20), 1 << 20, 3, anon | MAP_GROWSDOWN, -1,
         0);
    PLAN(SYS_mmap, 0, ("lock"), AREA(20), 1 << 20, 3, anon | MAP_LOCKED, -1, 0);
    PLAN(SYS_mmap, 0, ("lockpage"), AREA(20), PAGE, 3, anon | MAP_LOCKED, -1,
         0);
    PLAN(SYS_mmap, 0, ("fixed"), AREA(0), 1 << 20, 3, anon | MAP_FIXED, -1, 0);
    PLAN(SYS_mlock, -1, ("mlock"), AREA(0), LENGTH);
    PLAN(SYS_mlock, -1, ("mlockpage"), AREA(0), PAGE);
    PLAN(SYS_mlock, -1, ("mlocklocked"), AREA(7), LENGTH);
    PLAN(SYS_mlock2, -1, ("onfault"), AREA(0), LENGTH, 1);
    PLAN(SYS_munlock, -1, ("munlock"), AREA(7), LENGTH);
    PLAN(SYS_mlockall, -1, ("all"), 1);
    PLAN(SYS_mlockall, -1, ("allfuture"), 2);
    PLAN(SYS_mlockall, -1, ("allonfault"), 5);
    PLAN(SYS_mlockall, -1, ("all4"), 4);
    PLAN(SYS_mremap, 0, ("grow"), AREA(0), LENGTH, 1 << 20, 1, 0);
    PLAN(SYS_mremap, 0, ("growlocked"), AREA(7), LENGTH, 1 << 20, 1, 0);
    PLAN(SYS_mremap, 0, ("same"), AREA(0), LENGTH, LENGTH, 3, AREA(25));
    PLAN(SYS_mprotect, -1, ("protect"), AREA(6), LENGTH, 3);
    PLAN(SYS_mmap, 0, ("low"), 0x1000, PAGE, 3, anon | MAP_FIXED, -1, 0);
    PLAN(SYS_mmap, 0, ("null"), 0, PAGE, 3, anon | MAP_FIXED, -1, 0);
    PLAN(SYS_mremap, 4, ("tolow"), AREA(0), PAGE, PAGE, 3, 0x1000);
    finish("limits", name);
}

static void test_limits(void)
{
    static const struct {
        const char *name;
        int which;
        u64 value;
    } limits[] = {
        {"none", -1, 0},
        {"AS 0", RLIMIT_AS, 0},
        {"AS 1G", RLIMIT_AS, 1 << 30},
        {"DATA 0", RLIMIT_DATA, 0},
        {"DATA 1M", RLIMIT_DATA, 1 << 20},
        {"STACK 0", RLIMIT_STACK, 0},
        {"MEMLOCK 0", RLIMIT_MEMLOCK, 0},
        {"MEMLOCK 32K", RLIMIT_MEMLOCK, 32768},
        {"MEMLOCK 1M", RLIMIT_MEMLOCK, 1 << 20},
    };
    char name[32];

    for (size_t i = 0; i < COUNT(limits); i++) {
        limit_which = limits[i].which;
        limit_value = limits[i].value;
        under_limit(limits[i].name);
        as_user = true;
        snprintf(name, sizeof(name), "%s by a user", limits[i].name);
        under_limit(name);
        as_user = false;
    }
    limit_which = -1;
}

int main(void)
{
    open_files();
    test_mmap();
    test_mprotect();
    test_madvise();
    test_locks();
    test_others();
    test_mremap();
    test_limits();
    unlink("/tmp/badmaps");
    return done();
}
