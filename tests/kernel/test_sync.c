/*
 * tests/kernel/test_sync.c - locks and wait queues, with kernel threads that
 * get into each other's way.
 */
#include <kernel/core/irq.h>
#include <kernel/core/ktest.h>
#include <kernel/core/panic.h>
#include <kernel/core/printk.h>
#include <kernel/core/time.h>
#include <kernel/lib/string.h>
#include <kernel/sync/atomic.h>
#include <kernel/sync/lockdep.h>
#include <kernel/sync/mutex.h>
#include <kernel/sync/rwsem.h>
#include <kernel/task/task.h>

#define THREADS 4
#define ROUNDS 50
#define LINGER (10 * NSEC_PER_USEC)

KTEST(sync, spinlock_counts_atomic_depth)
{
    DEFINE_SPINLOCK(lock);
    u32 depth = this_cpu_read(atomic_depth);
    u64 flags;

    KTEST_EXPECT(!spin_is_locked(&lock));
    flags = spin_lock_irqsave(&lock);
    KTEST_EXPECT(irqs_disabled());
    KTEST_EXPECT(spin_is_locked(&lock));
    KTEST_EXPECT(this_cpu_read(atomic_depth) == depth + 1);
    KTEST_EXPECT(!spin_trylock(&lock));
    spin_unlock_irqrestore(&lock, flags);
    KTEST_EXPECT(this_cpu_read(atomic_depth) == depth);
    KTEST_EXPECT(spin_trylock(&lock));
    spin_unlock(&lock);
}

KTEST(sync, spinlock_tickets_wrap)
{
    DEFINE_SPINLOCK(lock);

    for (u32 i = 0; i < 70000; i++) { /* more than 2^16 */
        spin_lock(&lock);
        spin_unlock(&lock);
    }
    KTEST_EXPECT(!spin_is_locked(&lock));
}

static struct {
    struct mutex mutex;
    struct rw_semaphore sem;
    struct wait_queue done;
    u32 finished;      /* atomic */
    u32 inside;        /* of the critical section */
    u32 readers, peak; /* atomic */
    u64 sum;
    bool broken;
} arena;

static void finish(void)
{
    __atomic_fetch_add(&arena.finished, 1, __ATOMIC_SEQ_CST);
    wake_up(&arena.done);
}

static void arena_init(void)
{
    memset(&arena, 0, sizeof(arena));
    mutex_init(&arena.mutex);
    rwsem_init(&arena.sem);
    wait_queue_init(&arena.done);
}

/* Lets the others run. */
static void rest(u64 ns)
{
    set_current_state(TASK_UNINTERRUPTIBLE);
    schedule_until(ktime_get() + ns);
    set_current_state(TASK_RUNNING);
}

static void start_and_wait(int (*fn)(void *arg), u32 n)
{
    u32 started = 0;

    for (u32 i = 0; i < n; i++)
        started += kthread_run(fn, (void *)(u64)i, "sync test", NULL) == 0;
    KTEST_EXPECT(started == n);
    wait_event(&arena.done, READ_ONCE(arena.finished) == started);
    rest(NSEC_PER_MSEC); /* they give back their stacks */
}

static int mutex_fighter(void *arg __maybe_unused)
{
    for (int i = 0; i < ROUNDS; i++) {
        mutex_lock(&arena.mutex);
        arena.broken |= arena.inside++ != 0 || !mutex_is_held(&arena.mutex);
        if (i % 8 == 0)
            rest(LINGER);
        arena.sum++;
        arena.inside--;
        mutex_unlock(&arena.mutex);
    }
    finish();
    return 0;
}

KTEST(sync, mutex_lets_one_in)
{
    arena_init();
    start_and_wait(mutex_fighter, THREADS);
    KTEST_EXPECT(!arena.broken);
    KTEST_EXPECT(arena.sum == THREADS * ROUNDS);
    KTEST_EXPECT(mutex_trylock(&arena.mutex));
    KTEST_EXPECT(!mutex_trylock(&arena.mutex));
    mutex_unlock(&arena.mutex);
}

static int rwsem_fighter(void *arg)
{
    bool writer = (u64)arg % 4 == 0;

    for (int i = 0; i < ROUNDS; i++) {
        if (writer) {
            down_write(&arena.sem);
            arena.broken |= arena.inside++ != 0 || arena.readers != 0;
            rest(LINGER);
            arena.inside--;
            if (i % 4 == 0) {
                downgrade_write(&arena.sem);
                up_read(&arena.sem);
            } else {
                up_write(&arena.sem);
            }
        } else {
            u32 now;

            down_read(&arena.sem);
            now = __atomic_add_fetch(&arena.readers, 1, __ATOMIC_SEQ_CST);
            arena.broken |= arena.inside != 0;
            if (now > arena.peak)
                arena.peak = now;
            rest(LINGER);
            __atomic_sub_fetch(&arena.readers, 1, __ATOMIC_SEQ_CST);
            up_read(&arena.sem);
        }
    }
    finish();
    return 0;
}

KTEST(sync, rwsem_readers_share_writers_do_not)
{
    arena_init();
    start_and_wait(rwsem_fighter, 2 * THREADS);
    KTEST_EXPECT(!arena.broken);
    KTEST_EXPECT(arena.peak > 1);
    KTEST_EXPECT(!rwsem_is_locked(&arena.sem));
}

KTEST(sync, rwsem_waiting_writer_holds_readers_back)
{
    struct rw_semaphore sem;

    rwsem_init(&sem);
    KTEST_EXPECT(down_read_trylock(&sem));
    KTEST_EXPECT(down_read_trylock(&sem));
    KTEST_EXPECT(!down_write_trylock(&sem));
    up_read(&sem);
    up_read(&sem);
    KTEST_EXPECT(down_write_trylock(&sem));
    KTEST_EXPECT(!down_read_trylock(&sem));
    KTEST_EXPECT(rwsem_is_write_locked(&sem));
    downgrade_write(&sem);
    KTEST_EXPECT(down_read_trylock(&sem));
    up_read(&sem);
    up_read(&sem);
    KTEST_EXPECT(!rwsem_is_locked(&sem));
}

static int waker(void *arg __maybe_unused)
{
    rest(LINGER);
    WRITE_ONCE(arena.sum, 1);
    wake_up_all(&arena.done);
    finish();
    return 0;
}

KTEST(sync, wait_event_returns_once_true)
{
    arena_init();
    KTEST_REQUIRE(kthread_run(waker, NULL, "waker", NULL) == 0);
    wait_event(&arena.done, READ_ONCE(arena.sum) == 1);
    KTEST_EXPECT(arena.sum == 1);
    wait_event(&arena.done, READ_ONCE(arena.finished) == 1);
    rest(NSEC_PER_MSEC);
}

KTEST(sync, wait_event_times_out)
{
    u64 start = ktime_get(), expires = start + 2 * NSEC_PER_MSEC;
    int err;

    arena_init();
    err = wait_event_until(&arena.done, arena.sum, expires);
    KTEST_EXPECT(err == -110);
    KTEST_EXPECT(ktime_get() >= expires);
    KTEST_EXPECT(ktime_get() < expires + NSEC_PER_SEC);
}

static void take_both(spinlock_t *outer, spinlock_t *inner)
{
    spin_lock(outer);
    spin_lock(inner);
    spin_unlock(inner);
    spin_unlock(outer);
}

/* Once per boot: the wrong order is remembered. */
KTEST(sync, wrong_order_of_locks_is_reported)
{
    static DEFINE_SPINLOCK(lock_order_a);
    static DEFINE_SPINLOCK(lock_order_b);
    static DEFINE_SPINLOCK(lock_order_c);
    static bool done;
    int level = console_loglevel;
    unsigned int reports = lockdep_reports();

    if (!DEBUG_ON || done) {
        ktest_skip(done ? "seen already" : "only debug builds watch");
        return;
    }
    done = true;
    take_both(&lock_order_a, &lock_order_b);
    take_both(&lock_order_b, &lock_order_c);
    KTEST_EXPECT(lockdep_reports() == reports);
    console_loglevel = LOG_EMERG;
    take_both(&lock_order_c, &lock_order_a); /* closes the circle */
    console_loglevel = level;
    KTEST_EXPECT(lockdep_reports() == reports + 1);
}
