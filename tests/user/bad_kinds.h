/*
 * tests/user/bad_kinds.h - the kinds of argument a system call can have, a
 * good value of each, and the bad ones.
 *
 * A call is described by its arguments' kinds (struct arg); kinds_of() lists
 * for one argument the values to try.  What a pointer points to is a struct
 * content: its bytes when all is well, and patches that spoil it.
 */
#pragma once

#include <poll.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <time.h>

#include "bad_world.h"

enum arg_type {
    T_NONE,
    T_VALUE, /* always `good` */
    T_FD,    /* descriptor `good` */
    T_PATH,  /* set: SAFE or ANY; good: index into good_paths */
    T_IN,    /* set: content */
    T_OUT,   /* the same */
    T_BITS,  /* good, and each bit beside it */
    T_NUM,   /* set: numbers */
};

struct arg {
    uint8_t type, set;
    int64_t good;
};

#define V(value)                                                               \
    {                                                                          \
        T_VALUE, 0, (int64_t)(value)                                           \
    }
#define FD(fd)                                                                 \
    {                                                                          \
        T_FD, 0, (fd)                                                          \
    }
#define P(path)                                                                \
    {                                                                          \
        T_PATH, 0, (path)                                                      \
    } /* the call may change what it names */
#define PA(path)                                                               \
    {                                                                          \
        T_PATH, 1, (path)                                                      \
    } /* it only looks */
#define IN(content)                                                            \
    {                                                                          \
        T_IN, (content), 0                                                     \
    }
#define OUT(content)                                                           \
    {                                                                          \
        T_OUT, (content), 0                                                    \
    }
#define BITS(good)                                                             \
    {                                                                          \
        T_BITS, 64, (int64_t)(good)                                            \
    }
#define BITS_BUT(bit, good)                                                    \
    {                                                                          \
        T_BITS, (bit), (int64_t)(good)                                         \
    }
#define N(set, good)                                                           \
    {                                                                          \
        T_NUM, (set), (int64_t)(good)                                          \
    }

enum good_path { P_FILE, P_DIR, P_NEW, P_LINK, P_FULL, P_NEW2, P_FILE2 };
static const char *const good_paths[] = {"file", "dir",  "new",  "link",
                                         "full", "new2", "file2"};

/* ---- numbers -------------------------------------------------------------*/

enum numbers {
    SIZES,
    SMALL,
    PIDS,
    SIGNALS,
    IDS,
    MODES,
    OFFSETS,
    COUNTS,
    CLOCKS,
    FUTEX_OPS,
    GROUP_COUNTS,
    COMMANDS,
    OPTIONS
};

static const u64 sizes[] = {
    0,          1,          7,          8,         9,         16,
    128,        129,        4096,       8192,      8193,      0x7ffff000,
    0x7fffffff, 0x80000000, 0xffffffff, 1ul << 32, 1ul << 47, 1ul << 62,
    1ul << 63,  -4096ul,    -1ul};
static const u64 small[] = {0,  1,    2,    3,    4,    5,          6,
                            7,  8,    9,    10,   11,   12,         15,
                            16, 17,   18,   31,   32,   63,         64,
                            65, 1024, -1ul, -2ul, -6ul, 0x7fffffff, 0x80000000};
static const u64 pids[] = {0x3fffff, 0x7fffffff, 0x80000000, -0x3ffffful,
                           0x100000000ul + 0x3fffff};
static const u64 signals[] = {0,  1,  31,   32,         33,        64,
                              65, 99, -1ul, 0x7fffffff, 0x80000000};
static const u64 ids[] = {0,          1,    65535, 65536,     0x7fffffff,
                          0x80000000, -2ul, -1ul,  0xffffffff};
static const u64 modes[] = {0,       0644,    07777,   010000,  020600,
                            040000,  060600,  0100644, 0120777, 0140777,
                            0170000, 0177777, 0200000, -1ul};
static const u64 offsets[] = {0,
                              1,
                              4095,
                              9999,
                              10000,
                              0x7fffffff,
                              1ul << 32,
                              1ul << 46,
                              0x7ffffffffffff000,
                              0x7fffffffffffffff,
                              1ul << 63,
                              -4096ul,
                              -1ul};
static const u64 counts[] = {0,          1,          2,         1023,
                             1024,       1025,       65536,     0x7fffffff,
                             0x80000000, 0xffffffff, 1ul << 32, -1ul};

/* For sleeping: CPU time (2, -6) does not pass meanwhile. */
static const u64 clocks[] = {0,  1,  4,  5,    6,          7,
                             8,  9,  10, 11,   12,         15,
                             16, 32, 64, -5ul, 0x7fffffff, 0x80000000};
/* futex(2). */
static const u64 futex_ops[] = {1,     0,     2,     3,     4,     5,   9,
                                10,    14,    15,    127,   128,   129, 133,
                                0x100, 0x101, 0x109, 0x189, 0x201, -1ul};
/* Few groups, so that a struct cred is small. */
static const u64 group_counts[] = {0,     1,          2,          3,   32,
                                   65537, 0x7fffffff, 0x80000000, -1ul};
/* fcntl(2). */
static const u64 commands[] = {0,    1,    2,    3,    4,    5,    8,    9,
                               10,   11,   12,   13,   14,   15,   16,   17,
                               18,   31,   35,   36,   39,   1023, 1025, 1026,
                               1027, 1030, 1031, 1032, 1033, 1034, 1050, -1ul};
/* prctl(2): what both have. */
static const u64 options[] = {
    0,  1,  2,  3,  4,  7,  8,  9,  10,   11,   12,         13,
    14, 15, 16, 17, 18, 21, 22, 23, 29,   30,   31,         32,
    34, 36, 37, 38, 39, 41, 42, 99, 1000, -1ul, 0x7fffffff, 0x80000000};

static const struct {
    const u64 *values;
    size_t count;
} number_sets[] = {
    [SIZES] = {sizes, COUNT(sizes)},
    [SMALL] = {small, COUNT(small)},
    [PIDS] = {pids, COUNT(pids)},
    [SIGNALS] = {signals, COUNT(signals)},
    [IDS] = {ids, COUNT(ids)},
    [MODES] = {modes, COUNT(modes)},
    [OFFSETS] = {offsets, COUNT(offsets)},
    [COUNTS] = {counts, COUNT(counts)},
    [CLOCKS] = {clocks, COUNT(clocks)},
    [FUTEX_OPS] = {futex_ops, COUNT(futex_ops)},
    [GROUP_COUNTS] = {group_counts, COUNT(group_counts)},
    [COMMANDS] = {commands, COUNT(commands)},
    [OPTIONS] = {options, COUNT(options)},
};

/* ---- what pointers point to ----------------------------------------------*/

struct patch {
    const char *name;
    int offset, width;
    u64 value;
};

struct content {
    int size;
    u64 words[8];
    struct patch patches[9];
};

#define NSEC(at)                                                               \
    {"nsec=1e9", (at) + 8, 8, 1000000000}, {"nsec=-1", (at) + 8, 8, -1ul},     \
    {                                                                          \
        "sec=-1", (at), 8, -1ul                                                \
    }

enum contents {
    NOTHING,
    B1,
    B4,
    B8,
    B12,
    B16,
    B32,
    B64,
    B128,
    B144,
    B256,
    B390,
    TIME0,
    TIMEVAL0,
    TIMES2,
    TIMEVALS2,
    ITIMERVAL,
    ITIMERSPEC,
    UTIMBUF,
    NO_SIGNALS,
    ACTION,
    STACK,
    SIGINFO,
    SIGEVENT,
    VECTOR,
    LIMIT,
    EVENT,
    POLLFDS,
    FDSET,
    ROBUST,
    HOW,
    CAP_HEAD,
    PARAM,
    FUTEX,
    WORD,
    OFFSET,
    ARGV,
    CLONE_ARGS,
    CAP_DATA,
    PSELECT_MASK,
    GROUPS,
    TEXT,
    TIMEOUT,
    TIMEOUTVAL, /* without it a call would wait */
};

static const struct content contents[] = {
    [NOTHING] = {0},
    [B1] = {1},
    [B4] = {4},
    [B8] = {8},
    [B12] = {12},
    [B16] = {16},
    [B32] = {32},
    [B64] = {64},
    [B128] = {128},
    [B144] = {144},
    [B256] = {256},
    [B390] = {390},
    [TIME0] = {16, {0, 1}, {NSEC(0), {"sec=max", 0, 8, 1ul << 63}}},
    [TIMEVAL0] = {16,
                  {0, 1},
                  {{"usec=1e6", 8, 8, 1000000},
                   {"usec=-1", 8, 8, -1ul},
                   {"sec=-1", 0, 8, -1ul}}},
    [TIMES2] = {32,
                {1, 1, 1, 1},
                {NSEC(0),
                 {"m.nsec=1e9", 24, 8, 1000000000},
                 {"omit", 8, 8, 0x3ffffffe},
                 {"now", 8, 8, 0x3fffffff},
                 {"m.omit", 24, 8, 0x3ffffffe},
                 {"min", 0, 8, 1ul << 63}}},
    [TIMEVALS2] = {32,
                   {1, 1, 1, 1},
                   {{"usec=1e6", 8, 8, 1000000},
                    {"usec=-1", 8, 8, -1ul},
                    {"m.usec=1e6", 24, 8, 1000000},
                    {"sec=-1", 0, 8, -1ul}}},
    [ITIMERVAL] = {32,
                   {0, 0, 0, 0},
                   {{"usec=1e6", 8, 8, 1000000},
                    {"sec=-1", 0, 8, -1ul},
                    {"v.usec=1e6", 24, 8, 1000000},
                    {"v.sec=-1", 16, 8, -1ul}}},
    [ITIMERSPEC] = {32,
                    {0, 0, 0, 0},
                    {NSEC(0),
                     {"v.nsec=1e9", 24, 8, 1000000000},
                     {"v.sec=-1", 16, 8, -1ul}}},
    [UTIMBUF] = {16, {1, 1}, {{"-1", 0, 8, -1ul}}},
    [NO_SIGNALS] = {8, {0}, {{"all", 0, 8, -1ul}, {"kill", 0, 8, 1 << 8}}},
    [ACTION] = {32,
                {1, 0x04000000, 0, 0},
                {{"flags=-1", 8, 8, -1ul},
                 {"flags=b10", 8, 8, 1 << 10},
                 {"handler=-1", 0, 8, -1ul}}},
    [STACK] = {24,
               {0, 0, 65536},
               {{"flags=1", 8, 4, 1},
                {"flags=2", 8, 4, 2},
                {"flags=3", 8, 4, 3},
                {"flags=4", 8, 4, 4},
                {"flags=b31", 8, 4, 1u << 31},
                {"size=0", 16, 8, 0},
                {"size=2047", 16, 8, 2047},
                {"size=-1", 16, 8, -1ul},
                {"sp=kernel", 0, 8, KERNEL}}},
    [SIGINFO] = {128,
                 {0, 0xffffffff},
                 {{"code=0", 8, 4, 0},
                  {"code=128", 8, 4, 128},
                  {"code=tkill", 8, 4, -6ul},
                  {"signo=99", 0, 4, 99}}},
    [SIGEVENT] = {64,
                  {0, 1ul << 32 | 10},
                  {{"notify=0", 12, 4, 0},
                   {"notify=2", 12, 4, 2},
                   {"notify=3", 12, 4, 3},
                   {"notify=4", 12, 4, 4},
                   {"notify=5", 12, 4, 5},
                   {"notify=-1", 12, 4, -1ul},
                   {"signo=0", 8, 4, 0},
                   {"signo=65", 8, 4, 65},
                   {"signo=-1", 8, 4, -1ul}}},
    [VECTOR] = {32,
                {AREA_DATA + GOOD, 16, AREA_DATA + GOOD + 64, 16},
                {{"base=0", 0, 8, 0},
                 {"base=kernel", 0, 8, KERNEL},
                 {"base2=gone", 16, 8, AREA_DATA + GONE},
                 {"base2=kernel", 16, 8, KERNEL},
                 {"len=0", 8, 8, 0},
                 {"len=-1", 8, 8, -1ul},
                 {"len2=-1", 24, 8, -1ul},
                 {"len=max", 8, 8, -1ul >> 1},
                 {"len2=2^32", 24, 8, 1ul << 32}}},
    [LIMIT] = {16,
               {1 << 20, 1 << 20},
               {{"cur>max", 0, 8, 1 << 21},
                {"max=inf", 8, 8, -1ul},
                {"0", 0, 8, 0}}},
    [EVENT] = {12,
               {1, 0},
               {{"et", 0, 4, 1u << 31},
                {"excl", 0, 4, 1u << 28 | 1},
                {"excl+hup", 0, 4, 1u << 28 | 1 << 13},
                {"oneshot", 0, 4, 1u << 30 | 1},
                {"all", 0, 4, -1ul}}},
    [POLLFDS] = {16,
                 {1ul << 32 | FD_NULL, 1ul << 32 | FD_RW},
                 {{"fd=-1", 0, 4, -1ul},
                  {"fd=closed", 0, 4, FD_CLOSED},
                  {"events=-1", 4, 2, -1ul},
                  {"path", 8, 4, FD_PATH}}},
    [FDSET] = {128,
               {1ul << FD_RW | 1ul << FD_NULL},
               {{"none", 0, 8, 0}, {"path", 0, 8, 1ul << FD_PATH}}},
    [ROBUST] = {24, {AREA_DATA}},
    [HOW] = {24,
             {0, 0, 0},
             {{"flags=b60", 0, 8, 1ul << 60},
              {"flags=-1", 0, 8, -1ul},
              {"flags=b31", 0, 8, 1ul << 31},
              {"mode=1", 8, 8, 1},
              {"resolve=b7", 16, 8, 1 << 7},
              {"resolve=0x18", 16, 8, 0x18},
              {"creat", 0, 8, 0100},
              {"tmpfile", 0, 8, 020200000}}},
    [CAP_HEAD] = {8,
                  {0x20080522},
                  {{"v=0", 0, 4, 0},
                   {"v1", 0, 4, 0x19980330},
                   {"v2", 0, 4, 0x20071026},
                   {"pid=-1", 4, 4, -1ul},
                   {"pid=huge", 4, 4, 0x3fffff}}},
    [PARAM] = {4,
               {0},
               {{"1", 0, 4, 1},
                {"-1", 0, 4, -1ul},
                {"99", 0, 4, 99},
                {"100", 0, 4, 100}}},
    [FUTEX] = {4, {5}},
    [WORD] = {4, {0}},
    [OFFSET] =
        {8,
         {0},
         {{"-1", 0, 8, -1ul},
          {"9999", 0, 8, 9999},
          {"2^62", 0, 8, 1ul << 62},
          {"max", 0, 8, -1ul >> 1},
          {"max-8", 0, 8, (-1ul >> 1) - 8}}},
    [ARGV] = {16,
              {AREA_DATA + GOOD, 0},
              {{"0=kernel", 0, 8, KERNEL},
               {"0=gone", 0, 8, AREA_DATA + GONE},
               {"none", 0, 8, 0},
               {"1=low", 8, 8, 1}}},
    [CLONE_ARGS] = {64, {0}},
    [CAP_DATA] = {24, {-1ul, -1ul, -1ul}},
    [PSELECT_MASK] = {16,
                      {AREA_DATA + 0x800, 8},
                      {{"null", 0, 8, 0},
                       {"kernel", 0, 8, KERNEL},
                       {"gone", 0, 8, AREA_DATA + GONE},
                       {"size=0", 8, 8, 0},
                       {"size=16", 8, 8, 16}}},
    [GROUPS] = {128, {1ul << 32 | 1, 2}, {{"-1", 0, 4, -1ul}}},
    [TEXT] = {16, {0x78787878}}, /* "xxxx" */
    [TIMEOUT] = {16, {0, 1}, {NSEC(0), {"sec=max", 0, 8, 1ul << 63}}},
    [TIMEOUTVAL] =
        {16, {0, 1}, {{"usec=-1", 8, 8, -1ul}, {"sec=-1", 0, 8, -1ul}}},
};

/* ---- the values to try ---------------------------------------------------*/

struct kind {
    const char *name; /* NULL: the number says it */
    u64 value;
    const struct patch *patch; /* spoils the content */
    bool typical;              /* one of those tried in pairs */
};

#define KINDS_MAX 80

static const char *const bit_names[] = {
    "b0",  "b1",  "b2",  "b3",  "b4",  "b5",  "b6",  "b7",  "b8",  "b9",  "b10",
    "b11", "b12", "b13", "b14", "b15", "b16", "b17", "b18", "b19", "b20", "b21",
    "b22", "b23", "b24", "b25", "b26", "b27", "b28", "b29", "b30", "b31", "b32",
    "b33", "b34", "b35", "b36", "b37", "b38", "b39", "b40"};

static u64 good_of(const struct arg *arg, int i)
{
    switch (arg->type) {
    case T_IN:
    case T_OUT:
        return AREA(i) + GOOD;
    case T_PATH:
        return (u64)good_paths[arg->good];
    default:
        return arg->good;
    }
}

static int pointer_kinds(struct kind *out, int i, int size, bool null)
{
    const u64 area = AREA(i);
    int n = 0;

    if (null)
        out[n++] = (struct kind){"null", 0, NULL, true};
    out[n++] = (struct kind){"low", 16};
    out[n++] = (struct kind){"kernel", KERNEL, NULL, true};
    out[n++] = (struct kind){"noncanon", NON_CANONICAL};
    out[n++] = (struct kind){"userend", USER_END};
    out[n++] = (struct kind){"top", -8ul};
    out[n++] = (struct kind){"gone", area + GONE, NULL, true};
    out[n++] = (struct kind){"none", area + NO_ACCESS};
    out[n++] = (struct kind){"ro", area + READ_ONLY};
    if (size > 1)
        out[n++] = (struct kind){"half", area + GONE - size / 2};
    out[n++] = (struct kind){"last", area + GONE - 1};
    out[n++] = (struct kind){"fits", area + GONE - size};
    out[n++] = (struct kind){"odd", area + ODD};
    return n;
}

static int content_kinds(struct kind *out, int i, const struct content *c)
{
    bool waits = c == &contents[TIMEOUT] || c == &contents[TIMEOUTVAL];
    int n = pointer_kinds(out, i, c->size, !waits);

    for (size_t p = 0; p < COUNT(c->patches) && c->patches[p].name; p++)
        out[n++] = (struct kind){c->patches[p].name, AREA(i) + GOOD,
                                 &c->patches[p], p == 0};
    return n;
}

static int path_kinds(struct kind *out, int i, bool safe)
{
    const u64 area = AREA(i);
    size_t count = safe ? SAFE_PATHS : COUNT(bad_paths);
    int n = 0;

    out[n++] = (struct kind){"null", 0};
    out[n++] = (struct kind){"kernel", KERNEL, NULL, true};
    out[n++] = (struct kind){"gone", area + GONE};
    out[n++] = (struct kind){"endless", area + GONE - 5};
    for (size_t p = 0; p < count; p++)
        out[n++] =
            (struct kind){bad_paths[p].name, (u64)bad_paths[p].path, NULL,
                          p < 2 || !strcmp(bad_paths[p].name, "dir")};
    return n;
}

static int bit_kinds(struct kind *out, u64 good, int without)
{
    int n = 0;

    for (int b = 0; b < 34; b++)
        if (b != without)
            out[n++] =
                (struct kind){bit_names[b], good | 1ul << b, NULL, b == 30};
    out[n++] = (struct kind){"b63", good | 1ul << 63};
    out[n++] = (struct kind){"-1", -1ul, NULL, true};
    return n;
}

static int number_kinds(struct kind *out, int set)
{
    int n = 0;

    for (size_t v = 0; v < number_sets[set].count; v++, n++)
        out[n] = (struct kind){NULL, number_sets[set].values[v]};
    out[0].typical = out[n - 1].typical = true;
    return n;
}

/* The values to try for argument i; how many. */
static int kinds_of(const struct arg *arg, int i, struct kind *out)
{
    int n = 0;

    memset(out, 0, KINDS_MAX * sizeof(*out));
    switch (arg->type) {
    case T_FD:
        for (size_t f = 0; f < COUNT(bad_fds); f++)
            out[n++] = (struct kind){bad_fds[f].name, bad_fds[f].value, NULL,
                                     f == 0 || bad_fds[f].value == FD_DIR ||
                                         bad_fds[f].value == FD_PIPE_R};
        return n;
    case T_PATH:
        return path_kinds(out, i, arg->set == 0);
    case T_IN:
    case T_OUT:
        return content_kinds(out, i, &contents[arg->set]);
    case T_BITS:
        return bit_kinds(out, arg->good, arg->set);
    case T_NUM:
        return number_kinds(out, arg->set);
    default:
        return 0;
    }
}

/* What the trial is called in the line. */
__attribute__((unused)) static const char *kind_name(const struct kind *kind,
                                                     char *buf)
{
    if (kind->name)
        return kind->name;
    if ((int64_t)kind->value < 0 && (int64_t)kind->value > -8192)
        sprintf(buf, "%ld", (long)kind->value);
    else
        sprintf(buf, kind->value < 65536 ? "%lu" : "%#lx", kind->value);
    return buf;
}

/* Puts the content where the argument points, as far as that is writable. */
static void put_content(const struct arg *arg, int i, u64 at)
{
    const struct content *c = &contents[arg->set];
    size_t n =
        c->size < (int)sizeof(c->words) ? (size_t)c->size : sizeof(c->words);
    u64 end = AREA(i) + GONE;

    if (at == AREA(i) + READ_ONLY) {
        mprotect((void *)(AREA(i) + 3 * PAGE), PAGE, PROT_READ | PROT_WRITE);
        memcpy((void *)at, c->words, n);
        mprotect((void *)(AREA(i) + 3 * PAGE), PAGE, PROT_READ);
    } else if (at >= AREA(i) && at < end) {
        memset((void *)at, 0, end - at < 512 ? end - at : 512);
        memcpy((void *)at, c->words, n < end - at ? n : end - at);
    }
}

static void spoil(u64 at, const struct patch *patch)
{
    memcpy((char *)at + patch->offset, &patch->value, patch->width);
}
