/*
 * threads.c - mutexes, conditions, raw futexes, robust lists, exit of a
 * process whose threads are everywhere.
 */
#include "stress.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <sys/syscall.h>

static long futex(uint32_t *word, int op, uint32_t val, unsigned long val2,
                  uint32_t *word2, uint32_t val3)
{
    return syscall(SYS_futex, word, op, val, val2, word2, val3);
}

/* ---- a bounded queue: every message arrives once ---- */

#define QUEUE 4

static struct {
    pthread_mutex_t lock;
    pthread_cond_t not_empty, not_full;
    unsigned int items[QUEUE], head, n;
    uint64_t sent, received;
    unsigned int writers, messages;
} queue = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER,
           PTHREAD_COND_INITIALIZER};

static void *put_messages(void *arg)
{
    for (unsigned int i = 0; i < queue.messages; i++) {
        unsigned int item = 1 + below(1000);

        pthread_mutex_lock(&queue.lock);
        while (queue.n == QUEUE)
            pthread_cond_wait(&queue.not_full, &queue.lock);
        queue.items[(queue.head + queue.n++) % QUEUE] = item;
        queue.sent += item;
        pthread_cond_signal(&queue.not_empty);
        pthread_mutex_unlock(&queue.lock);
    }
    pthread_mutex_lock(&queue.lock);
    if (--queue.writers == 0)
        pthread_cond_broadcast(&queue.not_empty);
    pthread_mutex_unlock(&queue.lock);
    return NULL;
}

static void *take_messages(void *arg)
{
    pthread_mutex_lock(&queue.lock);
    for (;;) {
        while (!queue.n && queue.writers)
            pthread_cond_wait(&queue.not_empty, &queue.lock);
        if (!queue.n)
            break;
        queue.received += queue.items[queue.head++ % QUEUE];
        queue.n--;
        pthread_cond_signal(&queue.not_full);
    }
    pthread_mutex_unlock(&queue.lock);
    return NULL;
}

void stress_locks(void)
{
    struct crew crew = {.n = 0};
    unsigned int writers = 1 + below(4), readers = 1 + below(4);

    queue.writers = writers;
    queue.messages = 200 + below(800);
    while (writers--)
        crew_add(&crew, put_messages, NULL);
    while (readers--)
        crew_add(&crew, take_messages, NULL);
    crew_join(&crew);
    must(queue.sent == queue.received, "%llu sent, %llu received",
         (unsigned long long)queue.sent, (unsigned long long)queue.received);
}

/* ---- one word handed to and fro, between processes or threads ---- */

static uint32_t *ball;
static unsigned int throws;
static int futex_flag;

static void play(uint32_t mine)
{
    for (unsigned int i = 0; i < throws; i++) {
        uint32_t seen;

        while ((seen = __atomic_load_n(ball, __ATOMIC_SEQ_CST)) % 2 != mine)
            futex(ball, FUTEX_WAIT | futex_flag, seen, 0, NULL, 0);
        __atomic_fetch_add(ball, 1, __ATOMIC_SEQ_CST);
        futex(ball, FUTEX_WAKE | futex_flag, 1, 0, NULL, 0);
    }
}

static void *play_other(void *arg)
{
    play(1);
    return NULL;
}

void stress_futex_pingpong(void)
{
    ball = shared_memory(PAGE);
    throws = 200 + below(2000);
    if (below(2)) {
        pid_t pid = fork_child();

        if (pid == 0) {
            play(1);
            _exit(0);
        }
        play(0);
        reap(pid, 0);
    } else {
        struct crew crew = {.n = 0};

        futex_flag = below(2) ? FUTEX_PRIVATE_FLAG : 0;
        crew_add(&crew, play_other, NULL);
        play(0);
        crew_join(&crew);
    }
    must(*ball == 2 * throws, "%u throws of %u", *ball, 2 * throws);
}

/* ---- waiters moved to another word, woken there: none stays ---- */

static struct {
    uint32_t from, to, waiting, woken;
} moved;

static void *wait_to_be_moved(void *arg)
{
    __atomic_fetch_add(&moved.waiting, 1, __ATOMIC_SEQ_CST);
    while (!__atomic_load_n(&moved.from, __ATOMIC_SEQ_CST) ||
           !__atomic_load_n(&moved.to, __ATOMIC_SEQ_CST)) {
        struct timespec soon = {0, 1 + below(2000000)};
        bool timed = below(4) == 0;

        futex(&moved.from, FUTEX_WAIT_PRIVATE, 0,
              timed ? (unsigned long)&soon : 0, NULL, 0);
    }
    __atomic_fetch_add(&moved.woken, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

void stress_futex_requeue(void)
{
    struct crew crew = {.n = 0};
    unsigned int n = 1 + below(THREADS_MAX);

    for (unsigned int i = 0; i < n; i++)
        crew_add(&crew, wait_to_be_moved, NULL);
    while (__atomic_load_n(&moved.waiting, __ATOMIC_SEQ_CST) < n)
        sched_yield();
    for (int i = 0; i < 50; i++) {
        futex(&moved.from, FUTEX_CMP_REQUEUE_PRIVATE, below(2), below(4),
              &moved.to, 0);
        if (below(2))
            futex(&moved.to, FUTEX_WAKE_PRIVATE, 1, 0, NULL, 0);
    }
    __atomic_store_n(&moved.from, 1, __ATOMIC_SEQ_CST);
    __atomic_store_n(&moved.to, 1, __ATOMIC_SEQ_CST);
    futex(&moved.from, FUTEX_REQUEUE_PRIVATE, 1, n, &moved.to, 0);
    futex(&moved.to, FUTEX_WAKE_PRIVATE, n, 0, NULL, 0);
    futex(&moved.from, FUTEX_WAKE_PRIVATE, n, 0, NULL, 0);
    crew_join(&crew);
    must(moved.woken == n, "%u of %u woken", moved.woken, n);
}

/* ---- owners of a lock that die ---- */

static void die_with_it(pthread_mutex_t *mutex, uint64_t *sum)
{
    int error = pthread_mutex_lock(mutex);

    if (error == EOWNERDEAD)
        pthread_mutex_consistent(mutex);
    else
        must(!error, "robust lock gave %d", error);
    ++*sum;
    if (below(2))
        pthread_mutex_unlock(mutex);
    if (below(2))
        kill(getpid(), SIGKILL);
    raise(SIGKILL);
}

void stress_robust(void)
{
    struct {
        pthread_mutex_t mutex;
        uint64_t sum;
    } *shared = shared_memory(PAGE);
    pthread_mutexattr_t attr;
    pid_t pids[8];
    int error;

    pthread_mutexattr_init(&attr);
    pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&shared->mutex, &attr);
    for (int i = 0; i < 8; i++) {
        pids[i] = fork_child();
        if (pids[i] == 0)
            die_with_it(&shared->mutex, &shared->sum);
    }
    for (int i = 0; i < 8; i++)
        reap(pids[i], SIGKILL);
    error = pthread_mutex_lock(&shared->mutex);
    must(!error || error == EOWNERDEAD, "last lock gave %d", error);
    must(shared->sum == 8, "%d of 8 had the lock", (int)shared->sum);
}

/* ---- threads everywhere when the process ends ---- */

static uint32_t never;
static int quiet_pipe[2];

static void *be_somewhere(void *arg)
{
    char byte;

    switch (below(6)) {
    case 0:
        futex(&never, FUTEX_WAIT_PRIVATE, 0, 0, NULL, 0);
        break;
    case 1:
        if (read(quiet_pipe[0], &byte, 1) < 0)
            break;
        break;
    case 2:
        pause();
        break;
    case 3:
        for (;;)
            memset(map_memory(PAGE), 1, PAGE);
    case 4:
        for (;;)
            getppid();
    default:
        for (;;)
            ;
    }
    return NULL;
}

static void live_and_end(int code)
{
    struct crew crew = {.n = 0};

    if (pipe(quiet_pipe))
        lacking("pipe", errno);
    for (int n = below(5); n >= 0; n--)
        crew_add(&crew, be_somewhere, NULL);
    pause_us(below(2000));
    if (code)
        _exit(code);
    for (;;)
        pause();
}

void stress_group_exit(void)
{
    int code = below(2) ? 1 + below(60) : 0;
    pid_t pid = fork_child();

    if (pid == 0)
        live_and_end(code);
    if (!code) {
        pause_us(below(3000));
        kill(pid, SIGKILL);
    }
    reap(pid, code ? WEXIT(code) : SIGKILL);
}
