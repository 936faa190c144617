/*
 * mappings.c - threads of one process map, protect, move and give back memory
 * at once, each in slots of its own, and know what every page must hold.
 *
 * The slots of the threads alternate, so that VMAs of different threads merge
 * and split all the time.
 */
#include "stress.h"

#include <sys/syscall.h>

#define SLOT_PAGES 16
#define SLOTS_EACH 6

enum page_state { HOLE, READ_ONLY, WRITABLE };

struct page_model {
    enum page_state state;
    uint64_t word; /* first and last of the page */
};

struct owner {
    unsigned int id, of;
    unsigned int generation;
    struct page_model slots[SLOTS_EACH][SLOT_PAGES];
};

static char *arena;
static pthread_barrier_t all_there; /* a stack must not land in a hole */

static char *address(const struct owner *owner, unsigned int slot,
                     unsigned int page)
{
    return arena + ((slot * owner->of + owner->id) * SLOT_PAGES + page) * PAGE;
}

static volatile uint64_t *last_word(char *page)
{
    return (volatile uint64_t *)(page + PAGE - 8);
}

static void check_range(struct owner *owner, unsigned int slot,
                        unsigned int first, unsigned int end)
{
    for (unsigned int i = first; i < end; i++) {
        const struct page_model *model = &owner->slots[slot][i];
        char *page = address(owner, slot, i);

        if (model->state == HOLE)
            continue;
        must(*(volatile uint64_t *)page == model->word &&
                 *last_word(page) == model->word,
             "%p holds %#llx and %#llx, not %#llx", page,
             *(unsigned long long *)page, (unsigned long long)*last_word(page),
             (unsigned long long)model->word);
    }
}

static void fill_range(struct owner *owner, unsigned int slot,
                       unsigned int first, unsigned int end)
{
    for (unsigned int i = first; i < end; i++) {
        struct page_model *model = &owner->slots[slot][i];
        char *page = address(owner, slot, i);

        if (model->state != WRITABLE)
            continue;
        model->word = (uint64_t)owner->id << 56 | (uint64_t)slot << 48 |
                      (uint64_t)i << 40 | ++owner->generation;
        *(volatile uint64_t *)page = model->word;
        *last_word(page) = model->word;
    }
}

static void set_range(struct page_model *slot, unsigned int first,
                      unsigned int end, enum page_state state, bool zero)
{
    for (; first < end; first++) {
        slot[first].state = state;
        if (zero)
            slot[first].word = 0;
    }
}

static void map_range(struct owner *owner, unsigned int slot,
                      unsigned int first, unsigned int end)
{
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
    char *at = address(owner, slot, first);

    if (below(4) == 0)
        flags |= MAP_POPULATE;
    if (mmap(at, (end - first) * PAGE, PROT_READ | PROT_WRITE, flags, -1, 0) !=
        at)
        lacking("mmap", errno);
    set_range(owner->slots[slot], first, end, WRITABLE, true);
}

static void unmap_range(struct owner *owner, unsigned int slot,
                        unsigned int first, unsigned int end)
{
    unsigned char vec[SLOT_PAGES];
    char *at = address(owner, slot, first);

    if (munmap(at, (end - first) * PAGE))
        lacking("munmap", errno);
    set_range(owner->slots[slot], first, end, HOLE, true);
    must(mincore(at, PAGE, vec) == -1 && (errno == ENOMEM || errno == EAGAIN),
         "mincore of a hole");
}

/* Only if all of it is mapped. */
static void protect_range(struct owner *owner, unsigned int slot,
                          unsigned int first, unsigned int end)
{
    bool writable = below(2);

    for (unsigned int i = first; i < end; i++)
        if (owner->slots[slot][i].state == HOLE)
            return;
    if (mprotect(address(owner, slot, first), (end - first) * PAGE,
                 writable ? PROT_READ | PROT_WRITE : PROT_READ))
        lacking("mprotect", errno);
    set_range(owner->slots[slot], first, end, writable ? WRITABLE : READ_ONLY,
              false);
}

/* A whole slot to another, with all it holds; it must be one mapping. */
static void move_slot(struct owner *owner, unsigned int slot,
                      unsigned int first, unsigned int end)
{
    unsigned int to = (slot + 1 + below(SLOTS_EACH - 1)) % SLOTS_EACH;
    struct page_model *from = owner->slots[slot];
    char *target = address(owner, to, 0);

    for (unsigned int i = 0; i < SLOT_PAGES; i++)
        if (from[i].state != from[0].state || from[i].state == HOLE)
            return;
    if (mremap(address(owner, slot, 0), SLOT_PAGES * PAGE, SLOT_PAGES * PAGE,
               MREMAP_MAYMOVE | MREMAP_FIXED, target) != target) {
        if (errno != EFAULT)
            lacking("mremap", errno);
        /* More than one VMA after all; the target is unmapped by then. */
        set_range(owner->slots[to], 0, SLOT_PAGES, HOLE, true);
        return;
    }
    memcpy(owner->slots[to], from, sizeof(owner->slots[to]));
    set_range(from, 0, SLOT_PAGES, HOLE, true);
}

static void forget_range(struct owner *owner, unsigned int slot,
                         unsigned int first, unsigned int end)
{
    char *at = address(owner, slot, first);
    int ret = madvise(at, (end - first) * PAGE, MADV_DONTNEED);

    must(!ret || errno == ENOMEM, "MADV_DONTNEED"); /* ENOMEM: with holes */
    for (unsigned int i = first; i < end; i++)
        owner->slots[slot][i].word = 0;
}

static void lock_range(struct owner *owner, unsigned int slot,
                       unsigned int first, unsigned int end)
{
    char *at = address(owner, slot, first);

    (void)!mlock(at, (end - first) * PAGE); /* holes, limits: as it may be */
    check_range(owner, slot, first, end);
    munlock(at, (end - first) * PAGE);
}

/* Each is done to [first, end) of a slot; what stands twice, twice as often. */
static void (*const operations[])(struct owner *owner, unsigned int slot,
                                  unsigned int first, unsigned int end) = {
    map_range,    map_range,  unmap_range, protect_range, move_slot,
    forget_range, lock_range, check_range, fill_range,    fill_range,
};
#define OPERATIONS (sizeof(operations) / sizeof(operations[0]))

static void one_operation(struct owner *owner)
{
    unsigned int slot = below(SLOTS_EACH);
    unsigned int first = below(SLOT_PAGES);
    unsigned int end = first + 1 + below(SLOT_PAGES - first);

    if (below(3) == 0)
        first = 0, end = SLOT_PAGES;
    operations[below(OPERATIONS)](owner, slot, first, end);
}

static void *own_slots(void *arg)
{
    struct owner *owner = arg;

    pthread_barrier_wait(&all_there);
    for (int i = 300 + below(300); i > 0 && !is_long(); i--)
        one_operation(owner);
    for (unsigned int slot = 0; slot < SLOTS_EACH; slot++)
        check_range(owner, slot, 0, SLOT_PAGES);
    return NULL;
}

void stress_mappings(void)
{
    static struct owner owners[THREADS_MAX];
    unsigned int n = 1 + below(5);
    struct crew crew = {.n = 0};
    size_t size = n * SLOTS_EACH * SLOT_PAGES * PAGE;

    arena = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (arena == MAP_FAILED)
        lacking("mmap", errno);
    pthread_barrier_init(&all_there, NULL, n);
    for (unsigned int i = 0; i < n; i++)
        owners[i] = (struct owner){.id = i, .of = n};
    for (unsigned int i = 0; i < n; i++)
        crew_add(&crew, own_slots, &owners[i]);
    crew_join(&crew);
    munmap(arena, size);
}

/* ---- brk ---- */

static void check_bytes(const char *from, const char *to, char want)
{
    for (; from < to; from += PAGE / 2)
        must(*from == want, "%p holds %d, not %d", from, *from, want);
}

/* The C library here does not move the break, so that it is ours. */
void stress_heap(void)
{
    char *start = (char *)syscall(SYS_brk, 0), *end = start;

    for (int i = 0; i < 60; i++) {
        char *next = start + below(64) * 1000;
        char *got = (char *)syscall(SYS_brk, next);

        if (got != next)
            starved();
        if (next > end) { /* the page that end was in may have been kept */
            char *page = (char *)(((uintptr_t)end + PAGE - 1) & -PAGE);

            check_bytes(page, next, 0);
            memset(end, 'h', next - end);
        }
        check_bytes(start, next, 'h');
        end = next;
    }
    syscall(SYS_brk, start);
}

/* ---- ranges of huge pages, split and thrown away in parts ---- */

#define HUGE (2ul << 20)

static char *huge_range;
static size_t huge_size;

static void *use_part(void *arg)
{
    size_t part = huge_size / 4, chunk = 16 * PAGE;
    char *mine = huge_range + (uintptr_t)arg * part;
    uint64_t word = (uintptr_t)arg << 32 | below(1 << 30);

    for (int i = 0; i < 40 && !is_long(); i++) {
        char *at = mine + below(part / chunk) * chunk;
        size_t size = chunk / (1 + below(4));

        *(uint64_t *)at = word;
        *(uint64_t *)(at + size - PAGE) = word;
        switch (below(4)) {
        case 0:
            madvise(at, size, MADV_DONTNEED);
            must(!*(uint64_t *)at && !*(uint64_t *)(at + size - PAGE),
                 "not zero after MADV_DONTNEED");
            break;
        case 1:
            if (mprotect(at, size, PROT_READ) ||
                mprotect(at, size, PROT_READ | PROT_WRITE))
                lacking("mprotect", errno);
            must(*(uint64_t *)at == word, "lost in mprotect");
            break;
        case 2:
            if (mmap(at, size, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != at)
                lacking("mmap", errno);
            must(!*(uint64_t *)at, "a new mapping is not zero");
            break;
        default:
            must(*(uint64_t *)at == word &&
                     *(uint64_t *)(at + size - PAGE) == word,
                 "another's word");
        }
        *(uint64_t *)at = 0;
        *(uint64_t *)(at + size - PAGE) = 0;
    }
    return NULL;
}

void stress_huge(void)
{
    size_t size = (1 + below(2)) * HUGE, room = size + HUGE;
    struct crew crew = {.n = 0};
    char *p;

    if (ram_pages < 8192) /* two rounds would fill it */
        return;
    p = map_memory(room);
    huge_range = (char *)(((uintptr_t)p + HUGE - 1) & -HUGE);
    huge_size = size;
    if (below(2))
        madvise(huge_range, size, MADV_HUGEPAGE);
    for (uintptr_t i = 0; i < 4; i++)
        crew_add(&crew, use_part, (void *)i);
    if (below(2)) { /* a child has it all meanwhile */
        pid_t pid = fork_child();

        if (pid == 0)
            _exit(0);
        reap(pid, 0);
    }
    crew_join(&crew);
    munmap(p, room);
}
