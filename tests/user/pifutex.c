/*
 * pifutex.c - futexes with an owner: handing over, deadlock, dead owners.
 */
#define _GNU_SOURCE
#include "tap.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#ifndef FUTEX_LOCK_PI2
#define FUTEX_LOCK_PI2 13
#endif

static long futex(void *word, int op, struct timespec *timeout)
{
    return syscall(SYS_futex, word, op, 0, timeout, NULL, 0);
}

static uint32_t self(void)
{
    return syscall(SYS_gettid);
}

static void nap(long ms)
{
    struct timespec ts = {0, ms * 1000000};

    nanosleep(&ts, NULL);
}

/* A thread that takes the word, says so, and does `then` when told. */
struct holder {
    uint32_t word;
    volatile int state; /* 1: it has it; 2: let go */
    uint32_t tid;
    int unlock;
    pthread_t thread;
};

static void *hold(void *arg)
{
    struct holder *h = arg;

    h->tid = self();
    futex(&h->word, FUTEX_LOCK_PI_PRIVATE, NULL);
    h->state = 1;
    while (h->state != 2)
        nap(1);
    if (h->unlock)
        futex(&h->word, FUTEX_UNLOCK_PI_PRIVATE, NULL);
    return NULL;
}

static void holder_start(struct holder *h, int unlock)
{
    *h = (struct holder){.unlock = unlock};
    pthread_create(&h->thread, NULL, hold, h);
    while (h->state != 1)
        nap(1);
}

static void holder_end(struct holder *h)
{
    h->state = 2;
    pthread_join(h->thread, NULL);
}

static void test_alone(void)
{
    static uint32_t word;
    void *none =
        mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    is(futex(&word, FUTEX_LOCK_PI, NULL), 0, "a free lock");
    is(word, self(), "the word holds the thread's number");
    errno_is(futex(&word, FUTEX_LOCK_PI, NULL), EDEADLK, "once more");
    errno_is(futex(&word, FUTEX_TRYLOCK_PI, NULL), EDEADLK, "trying once more");
    is(futex(&word, FUTEX_UNLOCK_PI, NULL), 0, "unlock");
    is(word, 0, "the word is 0 again");
    errno_is(futex(&word, FUTEX_UNLOCK_PI, NULL), EPERM, "unlock what is free");
    is(futex(&word, FUTEX_TRYLOCK_PI_PRIVATE, NULL), 0, "try a free lock");
    is(futex(&word, FUTEX_UNLOCK_PI_PRIVATE, NULL), 0, "unlock");
    word = FUTEX_OWNER_DIED;
    is(futex(&word, FUTEX_LOCK_PI, NULL), 0, "one whose owner died");
    is(word, self() | FUTEX_OWNER_DIED, "that is still to be seen");
    is(futex(&word, FUTEX_UNLOCK_PI, NULL), 0, "unlock");
    word = 999999;
    errno_is(futex(&word, FUTEX_LOCK_PI, NULL), ESRCH, "owned by nobody");
    is(word, 999999 | FUTEX_WAITERS, "which leaves the waiters' bit");
    errno_is(futex(&word, FUTEX_TRYLOCK_PI, NULL), ESRCH, "trying it");
    errno_is(futex((char *)&word + 1, FUTEX_LOCK_PI, NULL), EINVAL,
             "not at a word");
    errno_is(futex(none, FUTEX_LOCK_PI, NULL), EFAULT, "no memory there");
    errno_is(futex(none, FUTEX_UNLOCK_PI, NULL), EFAULT, "nor to unlock");
    errno_is(futex(&word, FUTEX_LOCK_PI | FUTEX_CLOCK_REALTIME, NULL), ENOSYS,
             "LOCK_PI has its clock");
}

static void test_timeout(void)
{
    struct timespec ts, bad = {0, 1000000000};
    struct holder h;

    holder_start(&h, 1);
    is(h.word, h.tid, "another thread's");
    errno_is(futex(&h.word, FUTEX_TRYLOCK_PI_PRIVATE, NULL), EAGAIN, "try");
    is(h.word, h.tid | FUTEX_WAITERS, "the waiters' bit is set");
    clock_gettime(CLOCK_REALTIME, &ts);
    errno_is(futex(&h.word, FUTEX_LOCK_PI_PRIVATE, &ts), ETIMEDOUT,
             "a moment that is past");
    clock_gettime(CLOCK_MONOTONIC, &ts);
    ts.tv_sec++;
    ts.tv_nsec = ts.tv_nsec / 2;
    errno_is(futex(&h.word, FUTEX_LOCK_PI2 | FUTEX_PRIVATE_FLAG, &ts),
             ETIMEDOUT, "LOCK_PI2 on the monotonic clock");
    errno_is(futex(&h.word, FUTEX_LOCK_PI_PRIVATE, &bad), EINVAL,
             "no such time");
    errno_is(futex(&h.word, FUTEX_UNLOCK_PI_PRIVATE, NULL), EPERM,
             "another's lock");
    holder_end(&h);
    is(h.word, 0, "free at last");
}

static void *let_go(void *arg)
{
    nap(50);
    ((struct holder *)arg)->state = 2;
    return NULL;
}

static void test_hand_over(int unlock)
{
    pthread_t helper;
    struct holder h;

    holder_start(&h, unlock);
    pthread_create(&helper, NULL, let_go, &h);
    is(futex(&h.word, FUTEX_LOCK_PI_PRIVATE, NULL), 0,
       unlock ? "waiting for a lock" : "waiting for one that dies");
    is(h.word, self() | FUTEX_WAITERS | (unlock ? 0 : FUTEX_OWNER_DIED),
       "handed over");
    is(futex(&h.word, FUTEX_UNLOCK_PI_PRIVATE, NULL), 0, "unlocked");
    is(h.word, 0, "free");
    pthread_join(helper, NULL);
    pthread_join(h.thread, NULL);
}

static volatile int seen;

static void on_signal(int sig)
{
    (void)sig;
    seen++;
}

struct poke {
    pthread_t target;
    struct holder *holder;
};

static void *poke(void *arg)
{
    struct poke *p = arg;

    nap(50);
    pthread_kill(p->target, SIGUSR1);
    while (!seen)
        nap(1);
    p->holder->state = 2;
    return NULL;
}

static void test_signal(void)
{
    struct holder h;
    struct poke p = {pthread_self(), &h};
    pthread_t thread;

    signal(SIGUSR1, on_signal);
    holder_start(&h, 1);
    pthread_create(&thread, NULL, poke, &p);
    is(futex(&h.word, FUTEX_LOCK_PI_PRIVATE, NULL), 0,
       "a signal does not end the wait");
    is(seen, 1, "its handler has run");
    futex(&h.word, FUTEX_UNLOCK_PI_PRIVATE, NULL);
    pthread_join(thread, NULL);
    pthread_join(h.thread, NULL);
}

static uint32_t words[2];
static volatile int crossed[2];
static long results[2];
static int errors[2];

static void *cross(void *arg)
{
    int me = (long)arg;

    futex(&words[me], FUTEX_LOCK_PI_PRIVATE, NULL);
    crossed[me] = 1;
    while (!crossed[!me])
        nap(1);
    if (me)
        nap(50);
    results[me] = futex(&words[!me], FUTEX_LOCK_PI_PRIVATE, NULL);
    errors[me] = errno;
    if (!results[me])
        futex(&words[!me], FUTEX_UNLOCK_PI_PRIVATE, NULL);
    futex(&words[me], FUTEX_UNLOCK_PI_PRIVATE, NULL);
    return NULL;
}

static void test_deadlock(void)
{
    pthread_t threads[2];

    for (long i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, cross, (void *)i);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    is(results[1], -1, "each wants the other's: the second is refused");
    is(errors[1], EDEADLK, "EDEADLK");
    is(results[0], 0, "so the first gets it");
    is(words[0] | words[1], 0, "both are free");
}

static void *sleep_on(void *arg)
{
    return (void *)futex(arg, FUTEX_WAIT_PRIVATE, NULL);
}

static void *lock_it(void *arg)
{
    long ret = futex(arg, FUTEX_LOCK_PI_PRIVATE, NULL);

    futex(arg, FUTEX_UNLOCK_PI_PRIVATE, NULL);
    return (void *)ret;
}

static void test_mixed(void)
{
    static uint32_t plain;
    pthread_t thread;
    struct holder h;
    void *ret;

    pthread_create(&thread, NULL, sleep_on, &plain);
    nap(50);
    errno_is(futex(&plain, FUTEX_LOCK_PI_PRIVATE, NULL), EINVAL,
             "somebody sleeps there");
    is(futex(&plain, FUTEX_WAKE_PRIVATE, NULL), 1, "(woken)");
    pthread_join(thread, NULL);
    holder_start(&h, 1);
    pthread_create(&thread, NULL, lock_it, &h.word);
    nap(50);
    errno_is(futex(&h.word, FUTEX_WAKE_PRIVATE, NULL), EINVAL,
             "a waiter for a lock is not woken");
    holder_end(&h);
    pthread_join(thread, &ret);
    is((long)ret, 0, "it got the lock");
}

#define THREADS 4
#define ROUNDS 2000
static pthread_mutex_t mutex;
static int counter;

static void *add(void *arg)
{
    (void)arg;
    for (int i = 0; i < ROUNDS; i++) {
        pthread_mutex_lock(&mutex);
        int before = counter;

        if (i % 64 == 0)
            sched_yield();
        counter = before + 1;
        pthread_mutex_unlock(&mutex);
    }
    return NULL;
}

static void test_mutex(void)
{
    pthread_mutexattr_t attr;
    pthread_t threads[THREADS];

    pthread_mutexattr_init(&attr);
    is(pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT), 0,
       "PTHREAD_PRIO_INHERIT is there");
    pthread_mutex_init(&mutex, &attr);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, add, NULL);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    is(counter, THREADS * ROUNDS, "threads take turns");
    is(pthread_mutex_trylock(&mutex), 0, "then it is free");
    pthread_mutex_unlock(&mutex);
}

/* A process dies with a robust lock that another waits for. */
static void test_robust(void)
{
    pthread_mutexattr_t attr;
    pthread_mutex_t *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
                                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    volatile int *taken = (int *)(shared + 1);
    int status;
    pid_t pid;

    pthread_mutexattr_init(&attr);
    pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
    pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
    is(pthread_mutex_init(shared, &attr), 0, "a robust, shared one");
    pid = fork();
    if (!pid) {
        pthread_mutex_lock(shared);
        *taken = 1;
        nap(100);
        _exit(0);
    }
    while (!*taken)
        nap(1);
    is(pthread_mutex_lock(shared), EOWNERDEAD, "its owner died");
    is(pthread_mutex_consistent(shared), 0, "mended");
    is(pthread_mutex_unlock(shared), 0, "unlocked");
    is(pthread_mutex_lock(shared), 0, "and sound again");
    pthread_mutex_unlock(shared);
    waitpid(pid, &status, 0);
}

int main(void)
{
    test_alone();
    test_timeout();
    test_hand_over(1);
    test_hand_over(0);
    test_signal();
    test_deadlock();
    test_mixed();
    test_mutex();
    test_robust();
    return done();
}
