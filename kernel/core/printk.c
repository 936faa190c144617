/*
 * kernel/core/printk.c - the log ring, and how its lines reach the consoles.
 *
 * Structure  `ring` holds records one after the other, each a struct record
 *            and its text, 8-byte aligned; a record never wraps (a filler
 *            closes the end).  New ones push the oldest out.
 * Showing    every console has a cursor (seq).  Whoever adds a line tries to
 *            be the one that shows: it takes console_lock without waiting and
 *            feeds every console until no line is left.  If it cannot, the
 *            holder will see the new line.
 * Locking    ring_lock (raw, interrupts off) covers the ring; console_busy
 *            the consoles; ring_lock nests inside it.  Neither is a spinlock_t,
 *            whose debug checks print.  An NMI that interrupted the holder
 *            gives up and counts the line as lost.
 * Context    any.
 */
#include <kernel/core/cmdline.h>
#include <kernel/core/irq.h>
#include <kernel/core/percpu.h>
#include <kernel/core/printk.h>
#include <kernel/core/time.h>
#include <kernel/lib/format.h>
#include <kernel/lib/string.h>
#include <kernel/sync/atomic.h>
#include <kernel/x86/serial.h>

#define RING_SIZE (16 * KIB)
#define LINE_MAX_BYTES 400
#define LOCK_TRIES 10000000 /* then the holder is taken for dead */

struct record {
    u64 seq;
    u64 time; /* ns */
    u16 size; /* of the whole record */
    u16 len;  /* of the text */
    u8 level;
    bool filler;
    bool plain; /* shown without a time stamp */
};

static u8 ring[RING_SIZE] __aligned(8);
static size_t head, tail; /* (ring_lock) offsets: next write, oldest record */
static u64 first_seq, next_seq; /* (ring_lock) oldest kept, next to come */
static u64 lost;                /* (a) lines that found the ring locked */
static u32 ring_lock, console_busy;
static u32 ring_owner; /* CPU number + 1 */
static bool in_panic;

static LIST_HEAD(consoles); /* (console_busy) */
int console_loglevel = LOG_INFO;

static bool ring_acquire(u64 *flags)
{
    u32 me;

    *flags = local_irq_save();
    me = smp_processor_id() + 1;
    for (u32 i = 0; i < LOCK_TRIES; i++) {
        if (!__atomic_exchange_n(&ring_lock, 1, __ATOMIC_ACQUIRE)) {
            WRITE_ONCE(ring_owner, me);
            return true;
        }
        if (READ_ONCE(ring_owner) == me)
            break; /* an NMI, or a crash, inside the lock */
        cpu_relax();
    }
    if (in_panic)
        return true;
    local_irq_restore(*flags);
    return false;
}

static void ring_release(u64 flags)
{
    WRITE_ONCE(ring_owner, 0);
    __atomic_store_n(&ring_lock, 0, __ATOMIC_RELEASE);
    local_irq_restore(flags);
}

static struct record *record_at(size_t offset)
{
    return (struct record *)(ring + offset);
}

static size_t record_after(size_t offset)
{
    offset += record_at(offset)->size;
    return offset + sizeof(struct record) > RING_SIZE ? 0 : offset;
}

static void drop_oldest(void)
{
    if (!record_at(tail)->filler)
        first_seq++;
    tail = record_after(tail);
}

/* Whether [head, head + size) hits a record that is still kept. */
static bool hits_tail(size_t size)
{
    return first_seq != next_seq && tail >= head && tail < head + size;
}

/* Room of `size` bytes at head, the oldest records given up for it. */
static void make_room(size_t size)
{
    if (head + size > RING_SIZE) {
        while (hits_tail(RING_SIZE - head))
            drop_oldest();
        if (head + sizeof(struct record) <= RING_SIZE)
            *record_at(head) =
                (struct record){.size = RING_SIZE - head, .filler = true};
        head = 0;
    }
    while (hits_tail(size))
        drop_oldest();
}

static void ring_add(enum log_level level, u64 time, const char *text,
                     size_t len)
{
    size_t size = ALIGN_UP(sizeof(struct record) + len, 8);
    u64 flags;

    if (!ring_acquire(&flags)) {
        __atomic_fetch_add(&lost, 1, __ATOMIC_RELAXED);
        return;
    }
    make_room(size);
    if (first_seq == next_seq)
        tail = head;
    *record_at(head) = (struct record){.seq = next_seq,
                                       .time = time,
                                       .size = size,
                                       .len = len,
                                       .level = level & 7,
                                       .plain = level & LOG_PLAIN};
    memcpy(record_at(head) + 1, text, len);
    next_seq++;
    head = record_after(head);
    ring_release(flags);
}

/* The record with the lowest seq >= *seq, or NULL.  Under ring_lock. */
static const struct record *ring_find(u64 seq)
{
    size_t offset = tail;
    u64 n = first_seq;

    if (seq >= next_seq)
        return NULL;
    while (record_at(offset)->filler || n < seq) {
        n += !record_at(offset)->filler;
        offset = record_after(offset);
    }
    return record_at(offset);
}

/*
 * Copies the text of the first record from *seq on, with its prefix and a
 * newline; advances *seq.  Returns the length, 0 at the end.
 */
static size_t ring_read(u64 *seq, char *buf, size_t size, bool raw,
                        enum log_level *level)
{
    const struct record *record;
    size_t len = 0;
    u64 flags;

    if (!ring_acquire(&flags))
        return 0;
    record = ring_find(*seq);
    if (record) {
        u64 us = record->time / 1000;

        if (raw)
            len = scnprintf(buf, size, "<%d>", record->level);
        if (!record->plain)
            len += scnprintf(buf + len, size - len, "[%5llu.%06llu] ",
                             (unsigned long long)(us / 1000000),
                             (unsigned long long)(us % 1000000));
        len += scnprintf(buf + len, size - len, "%.*s\n", (int)record->len,
                         (const char *)(record + 1));
        *level = record->level;
        *seq = record->seq + 1;
    }
    ring_release(flags);
    return len;
}

/* The longest text of ring_read: "<7>[99999.123456] ", text, newline. */
#define OUTPUT_MAX (LINE_MAX_BYTES + 40)

static void show_one_console(struct console *con)
{
    char buf[OUTPUT_MAX];
    enum log_level level;
    size_t len;

    while ((len = ring_read(&con->seq, buf, sizeof(buf), false, &level)))
        if ((int)level <= console_loglevel || in_panic)
            con->write(con, buf, len);
}

static bool consoles_behind(void)
{
    struct console *con;

    list_for_each_entry(con, &consoles, link)
        if (con->seq < next_seq)
            return true;
    return false;
}

static void consoles_acquire(void)
{
    while (__atomic_exchange_n(&console_busy, 1, __ATOMIC_ACQUIRE) && !in_panic)
        cpu_relax();
}

static void consoles_release(void)
{
    __atomic_store_n(&console_busy, 0, __ATOMIC_RELEASE);
}

void printk_flush(void)
{
    struct console *con;

    do {
        if (__atomic_exchange_n(&console_busy, 1, __ATOMIC_ACQUIRE) &&
            !in_panic)
            return;
        list_for_each_entry(con, &consoles, link)
            show_one_console(con);
        consoles_release();
    } while (consoles_behind() && !in_panic);
}

void vprintk(enum log_level level, const char *fmt, va_list ap)
{
    char text[LINE_MAX_BYTES];
    u64 time = ktime_get();
    const char *line = text, *end, *newline;

    vsnprintf(text, sizeof(text), fmt, ap);
    end = text + strnlen(text, sizeof(text) - 1);
    do {
        newline = memchr(line, '\n', end - line);
        if (!newline)
            newline = end;
        ring_add(level, time, line, newline - line);
        line = newline + 1;
    } while (line < end);
    if (this_cpu_read(nmi_depth) == 0 || in_panic)
        printk_flush();
}

void printk(enum log_level level, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vprintk(level, fmt, ap);
    va_end(ap);
}

static void early_write(struct console *con __maybe_unused, const char *text,
                        size_t len)
{
    serial_early_write(text, len);
}

static struct console early_console = {.name = "ttyS0", .write = early_write};

void printk_init_early(void)
{
    if (serial_early_init())
        console_register(&early_console);
}

static bool is_registered(const struct console *con)
{
    return con->link.next && !list_empty(&con->link);
}

void console_register(struct console *con)
{
    u64 flags = local_irq_save();

    consoles_acquire();
    con->seq = first_seq;
    if (con != &early_console && is_registered(&early_console) &&
        strcmp(con->name, early_console.name) == 0) {
        con->seq = early_console.seq;
        list_del(&early_console.link);
    }
    list_add_tail(&con->link, &consoles);
    consoles_release();
    local_irq_restore(flags);
    printk_flush();
}

void console_unregister(struct console *con)
{
    u64 flags = local_irq_save();

    consoles_acquire();
    if (is_registered(con))
        list_del(&con->link);
    consoles_release();
    local_irq_restore(flags);
}

/* Linux's numbers: loglevel=N shows what is more urgent than N. */
void printk_init_options(void)
{
    const char *text = cmdline_get("loglevel"), *end;
    u64 level;

    if (cmdline_has("debug"))
        console_loglevel = LOG_DEBUG;
    if (cmdline_has("quiet"))
        console_loglevel = LOG_ERR;
    if (text && parse_u64(text, &end, &level) && *end == '\0')
        console_loglevel = (int)min(level, (u64)LOG_DEBUG + 1) - 1;
}

void printk_enter_panic(void)
{
    in_panic = true;
    if (console_loglevel < LOG_INFO)
        console_loglevel = LOG_INFO;
}

void printk_show_again(u64 from, u64 to)
{
    char buf[OUTPUT_MAX];
    enum log_level level;
    struct console *con;
    size_t len;

    while (from < to &&
           (len = ring_read(&from, buf, sizeof(buf), false, &level)))
        list_for_each_entry(con, &consoles, link)
            con->write(con, buf, len);
}

size_t log_read(u64 *seq, char *buf, size_t size, bool raw)
{
    char line[OUTPUT_MAX];
    enum log_level level;
    size_t done = 0, len;

    for (u64 next = *seq;; *seq = next) {
        len = ring_read(&next, line, sizeof(line), raw, &level);
        if (len == 0 || len > size - done)
            return done;
        memcpy(buf + done, line, len);
        done += len;
    }
}

u64 log_first_seq(void)
{
    return first_seq;
}

u64 log_next_seq(void)
{
    return next_seq;
}
