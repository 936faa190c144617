/*
 * kernel/sync/lockdep.c - the order of locks, observed; debug builds only.
 *
 * Structure  a class per lock name and kind; before[a] has a bit for every
 *            class that was taken while `a` was held.  An order is wrong if
 *            the new edge closes a circle: found by a depth-first search when
 *            the edge is new, so the price of an old edge is one bit test.
 * Holders    a row per task that holds something, and one per CPU for its
 *            interrupts.  Who waits for a lock stands there already, so a
 *            lock that is left to another to release is passed on by name.
 * Locking    graph_lock (raw, interrupts off): its own locks are not watched,
 *            and neither is what printing a report takes.
 */
#include <kernel/core/irq.h>
#include <kernel/core/ksyms.h>
#include <kernel/core/panic.h>
#include <kernel/core/percpu.h>
#include <kernel/core/printk.h>
#include <kernel/lib/string.h>
#include <kernel/sync/atomic.h>
#include <kernel/sync/lockdep.h>

#ifdef PAGEWALK_DEBUG

#define CLASSES_MAX 192
#define HOLDERS_MAX 48
#define DEPTH_MAX 12
#define REPORTS_MAX 10 /* then it is silent: one mistake makes many */
#define BITS_PER_WORD 64

struct lock_class {
    const char *name;
    enum lock_kind kind;
    void *place_irq; /* first taken in an interrupt; NULL: never */
    void *place_on;  /* first taken with interrupts on */
};

struct held_lock {
    const void *lock;
    u16 class;
    void *place;
};

struct holder {
    const void *who; /* task, or a per-CPU address for interrupts */
    u32 depth;       /* 0: the row is free */
    struct held_lock held[DEPTH_MAX];
};

static struct lock_class classes[CLASSES_MAX];
static unsigned int nr_classes;
static u64 before[CLASSES_MAX][CLASSES_MAX / BITS_PER_WORD];
static struct holder holders[HOLDERS_MAX];
static unsigned int reports;
static u32 graph_lock;
static DEFINE_PER_CPU(u32, lockdep_busy); /* inside: watch nothing */

unsigned int lockdep_reports(void)
{
    return reports;
}

/* Whether it is our turn; false: we are called from inside ourselves. */
static bool enter(u64 *flags)
{
    *flags = local_irq_save();
    if (this_cpu_read(lockdep_busy) || this_cpu_read(nmi_depth)) {
        local_irq_restore(*flags);
        return false;
    }
    this_cpu_write(lockdep_busy, 1);
    while (__atomic_exchange_n(&graph_lock, 1, __ATOMIC_ACQUIRE))
        cpu_relax();
    return true;
}

static void leave(u64 flags)
{
    __atomic_store_n(&graph_lock, 0, __ATOMIC_RELEASE);
    this_cpu_write(lockdep_busy, 0);
    local_irq_restore(flags);
}

/* -1: no room; such a lock is not watched. */
static int class_of(const char *name, enum lock_kind kind)
{
    if (!name)
        return -1;
    for (unsigned int i = 0; i < nr_classes; i++)
        if (classes[i].kind == kind &&
            (classes[i].name == name || !strcmp(classes[i].name, name)))
            return i;
    if (nr_classes == CLASSES_MAX)
        return -1;
    classes[nr_classes] = (struct lock_class){.name = name, .kind = kind};
    return nr_classes++;
}

static const void *whoami(void)
{
    if (this_cpu_read(irq_depth))
        return this_cpu_ptr(&irq_depth);
    return this_cpu_read(current_task);
}

static struct holder *holder_of(const void *who)
{
    struct holder *vacant = NULL;

    for (int i = 0; i < HOLDERS_MAX; i++) {
        if (holders[i].depth && holders[i].who == who)
            return &holders[i];
        if (!holders[i].depth && !vacant)
            vacant = &holders[i];
    }
    if (vacant)
        vacant->who = who;
    return vacant;
}

static bool has_edge(unsigned int a, unsigned int b)
{
    return before[a][b / BITS_PER_WORD] & BIT(b % BITS_PER_WORD);
}

/* Whether `to` has been taken while `from` was held, in however many steps. */
static bool reaches(unsigned int from, unsigned int to, u64 *seen)
{
    seen[from / BITS_PER_WORD] |= BIT(from % BITS_PER_WORD);
    if (has_edge(from, to))
        return true;
    for (unsigned int next = 0; next < nr_classes; next++)
        if (has_edge(from, next) &&
            !(seen[next / BITS_PER_WORD] & BIT(next % BITS_PER_WORD)) &&
            reaches(next, to, seen))
            return true;
    return false;
}

static void print_place(const char *what, const void *place)
{
    char name[KSYM_NAME_MAX];
    unsigned long offset;

    if (ksym_lookup((u64)place, name, &offset, NULL))
        pr_err("  %s at %s+%#lx", what, name, offset);
}

static bool may_report(void)
{
    return reports++ < REPORTS_MAX;
}

static void report_order(const struct held_lock *held, unsigned int class,
                         void *place)
{
    if (!may_report())
        return;
    pr_err("LOCKDEP: wrong order: %s is taken while %s is held",
           classes[class].name, classes[held->class].name);
    print_place("taken", place);
    print_place("held", held->place);
    pr_err("  but the second has been taken while the first was held");
    dump_stack();
}

static void report_irq(const struct lock_class *class)
{
    if (!may_report())
        return;
    pr_err("LOCKDEP: spinlock %s is taken in interrupts and with interrupts "
           "on",
           class->name);
    print_place("in an interrupt", class->place_irq);
    print_place("with interrupts on", class->place_on);
}

static void note_interrupts(struct lock_class *class, void *place, bool irqs_on)
{
    bool known = class->place_irq && class->place_on;

    if (class->kind != LOCK_SPIN)
        return;
    if (this_cpu_read(irq_depth)) {
        if (!class->place_irq)
            class->place_irq = place;
    } else if (irqs_on && !class->place_on) {
        class->place_on = place;
    }
    if (!known && class->place_irq && class->place_on)
        report_irq(class);
}

static void note_order(const struct holder *holder, unsigned int class,
                       void *place)
{
    for (u32 i = 0; i < holder->depth; i++) {
        const struct held_lock *held = &holder->held[i];
        u64 seen[CLASSES_MAX / BITS_PER_WORD] = {0};

        if (held->class == class || has_edge(held->class, class))
            continue;
        if (reaches(class, held->class, seen))
            report_order(held, class, place);
        before[held->class][class / BITS_PER_WORD] |=
            BIT(class % BITS_PER_WORD);
    }
}

void may_sleep(void)
{
    u64 flags;

    if (likely(!this_cpu_read(atomic_depth)) || !enter(&flags))
        return;
    if (may_report()) {
        pr_err("LOCKDEP: this may sleep, in atomic context");
        dump_stack();
    }
    leave(flags);
}

static const struct holder *find_holder(const void *who)
{
    for (int i = 0; i < HOLDERS_MAX; i++)
        if (holders[i].depth && holders[i].who == who)
            return &holders[i];
    return NULL;
}

void lockdep_call_ends(u64 nr)
{
    const struct holder *holder = find_holder(whoami());
    u32 depth = this_cpu_read(atomic_depth);
    u64 flags;

    if (likely(!holder && !depth) || !enter(&flags))
        return;
    if (may_report()) {
        pr_err("LOCKDEP: system call %llu ends in atomic depth %u",
               (unsigned long long)nr, depth);
        for (u32 i = 0; holder && i < holder->depth; i++) {
            pr_err("  with %s held", classes[holder->held[i].class].name);
            print_place("taken", holder->held[i].place);
        }
    }
    leave(flags);
}

static void note(const void *lock, const char *name, enum lock_kind kind,
                 void *place, bool tried)
{
    struct holder *holder;
    u64 flags;
    int class;

    if (!enter(&flags))
        return;
    class = class_of(name, kind);
    holder = holder_of(whoami());
    if (class >= 0 && holder) {
        if (!tried)
            note_order(holder, class, place);
        note_interrupts(&classes[class], place, flags & BIT(9));
        if (holder->depth < DEPTH_MAX)
            holder->held[holder->depth++] =
                (struct held_lock){lock, class, place};
    }
    if (kind == LOCK_SLEEP && !tried && this_cpu_read(atomic_depth) &&
        may_report()) {
        pr_err("LOCKDEP: %s may sleep, in atomic context", name);
        dump_stack();
    }
    leave(flags);
}

void lockdep_acquire(const void *lock, const char *name, enum lock_kind kind,
                     void *place)
{
    note(lock, name, kind, place, false);
}

void lockdep_acquired_by_try(const void *lock, const char *name,
                             enum lock_kind kind, void *place)
{
    note(lock, name, kind, place, true);
}

static bool forget(struct holder *holder, const void *lock)
{
    for (u32 i = holder->depth; i-- > 0;) {
        if (holder->held[i].lock != lock)
            continue;
        for (u32 j = i + 1; j < holder->depth; j++)
            holder->held[j - 1] = holder->held[j];
        holder->depth--;
        return true;
    }
    return false;
}

void lockdep_pass(const void *lock, const char *name, const void *from)
{
    struct holder *holder;
    u64 flags;

    if (!enter(&flags))
        return;
    holder = (struct holder *)find_holder(from);
    if (holder && forget(holder, lock)) {
        holder = holder_of(whoami());
        if (holder && holder->depth < DEPTH_MAX)
            holder->held[holder->depth++] =
                (struct held_lock){lock, class_of(name, LOCK_SPIN), NULL};
    }
    leave(flags);
}

void lockdep_release(const void *lock)
{
    const void *who = whoami();
    u64 flags;

    if (!enter(&flags))
        return;
    for (int i = 0; i < HOLDERS_MAX; i++)
        if (holders[i].depth && holders[i].who == who &&
            forget(&holders[i], lock))
            goto out;
    for (int i = 0; i < HOLDERS_MAX; i++)
        if (holders[i].depth && forget(&holders[i], lock))
            break;
out:
    leave(flags);
}

#endif
