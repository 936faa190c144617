/*
 * threads.c - threads, futexes, thread exit, exec and signals with threads.
 */
#define _GNU_SOURCE
#include "tap.h"

#include <linux/futex.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

static void *volatile bad_pointer = (void *)8;
#define BAD bad_pointer
#define THREADS 8

static long futex(uint32_t *word, int op, uint32_t val,
                  const struct timespec *timeout, uint32_t *word2,
                  uint32_t val3)
{
    return syscall(SYS_futex, word, op, val, timeout, word2, val3);
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static long counter;
static __thread int own;

static void *count(void *arg)
{
    for (int i = 0; i < 2000; i++) {
        pthread_mutex_lock(&mutex);
        counter++;
        pthread_mutex_unlock(&mutex);
        own++;
        if (i % 100 == 0)
            sched_yield();
    }
    return (void *)(uintptr_t)(own == 2000 ? (uintptr_t)arg : 0);
}

static void test_create(void)
{
    pthread_t threads[THREADS];
    void *result;
    int good = 0;

    for (uintptr_t i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, count, (void *)(i + 1));
    for (uintptr_t i = 0; i < THREADS; i++) {
        pthread_join(threads[i], &result);
        good += result == (void *)(i + 1);
    }
    is(good, THREADS, "each thread has its own TLS and result");
    is(counter, THREADS * 2000, "a mutex keeps them apart");
}

static void *tell_tid(void *arg)
{
    *(pid_t *)arg = syscall(SYS_gettid);
    return (void *)(uintptr_t)getpid();
}

static void test_ids(void)
{
    pthread_t thread;
    pid_t tid = 0;
    void *pid;

    pthread_create(&thread, NULL, tell_tid, &tid);
    pthread_join(thread, &pid);
    ok(tid != getpid() && tid > 0, "a thread has its own number");
    is((uintptr_t)pid, getpid(), "but its process's pid");
    is(syscall(SYS_gettid), getpid(), "the first thread's is the pid");
}

static uint32_t word;

static void *waker(void *arg)
{
    usleep(20000);
    __atomic_store_n(&word, 1, __ATOMIC_SEQ_CST);
    futex(&word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    return arg;
}

static void test_futex(void)
{
    struct timespec ts = {0, 5000000}, wrong = {0, 1000000000};
    pthread_t thread;
    uint32_t other = 0;

    word = 0;
    errno_is(futex(&word, FUTEX_WAIT, 1, NULL, NULL, 0), EAGAIN,
             "the word is another");
    errno_is(futex(&word, FUTEX_WAIT, 0, &ts, NULL, 0), ETIMEDOUT, "timeout");
    errno_is(futex(&word, FUTEX_WAIT, 0, &wrong, NULL, 0), EINVAL, "time");
    errno_is(
        futex((uint32_t *)((char *)&word + 1), FUTEX_WAIT, 0, NULL, NULL, 0),
        EINVAL, "unaligned");
    errno_is(futex(BAD, FUTEX_WAIT, 0, NULL, NULL, 0), EFAULT, "pointer");
    errno_is(futex(&word, FUTEX_WAIT, 0, BAD, NULL, 0), EFAULT, "time's");
    errno_is(futex(&word, 99, 0, NULL, NULL, 0), ENOSYS, "operation 99");
    errno_is(futex(&word, FUTEX_WAIT_BITSET, 0, NULL, NULL, 0), EINVAL,
             "no bits");
    is(futex(&word, FUTEX_WAKE, 1, NULL, NULL, 0), 0, "nobody to wake");
    pthread_create(&thread, NULL, waker, NULL);
    is(futex(&word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0), 0, "woken");
    pthread_join(thread, NULL);
    is(futex(&word, FUTEX_CMP_REQUEUE, 1, (void *)1, &other, 1), 0,
       "requeue of nobody");
    errno_is(futex(&word, FUTEX_CMP_REQUEUE, 1, (void *)1, &other, 7), EAGAIN,
             "requeue, another word");
    is(futex(&word, FUTEX_WAKE_OP, 1, (void *)1, &other,
             FUTEX_OP(FUTEX_OP_ADD, 5, FUTEX_OP_CMP_EQ, 0)),
       0, "wake op");
    is(other, 5, "adds");
}

static uint32_t crowd_word;

static void *wait_in_crowd(void *arg)
{
    futex(&crowd_word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
    return arg;
}

static void test_requeue(void)
{
    pthread_t threads[4];
    static uint32_t other;
    int woken = 0;

    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, wait_in_crowd, NULL);
    usleep(100000);
    is(futex(&crowd_word, FUTEX_REQUEUE_PRIVATE, 0, (void *)INT_MAX,
             &crowd_word, 0),
       4, "requeue to the same word ends");
    is(futex(&crowd_word, FUTEX_REQUEUE_PRIVATE, 1, (void *)2, &other, 0), 3,
       "requeue counts those woken and those moved");
    is(futex(&other, FUTEX_WAKE_PRIVATE, 9, NULL, NULL, 0), 2, "moved");
    while (woken < 1)
        woken += futex(&crowd_word, FUTEX_WAKE_PRIVATE, 9, NULL, NULL, 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
}

static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static int ready, woken;

static void *wait_cond(void *arg)
{
    pthread_mutex_lock(&mutex);
    ready++;
    while (ready < 100)
        pthread_cond_wait(&cond, &mutex);
    woken++;
    pthread_mutex_unlock(&mutex);
    return arg;
}

static void test_cond(void)
{
    pthread_t threads[THREADS];

    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, wait_cond, NULL);
    while (__atomic_load_n(&ready, __ATOMIC_SEQ_CST) < THREADS)
        usleep(1000);
    pthread_mutex_lock(&mutex);
    ready = 100;
    pthread_cond_broadcast(&cond);
    pthread_mutex_unlock(&mutex);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    is(woken, THREADS, "a broadcast wakes all");
}

static void test_shared_futex(void)
{
    uint32_t *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int status;
    pid_t pid = fork();

    if (!pid) {
        struct timespec ts = {5, 0};

        _exit(futex(shared, FUTEX_WAIT, 0, &ts, NULL, 0) == 0 ? 7 : 1);
    }
    usleep(30000);
    *shared = 1;
    is(futex(shared, FUTEX_WAKE, 1, NULL, NULL, 0), 1,
       "a shared word wakes another process");
    waitpid(pid, &status, 0);
    is(WEXITSTATUS(status), 7, "which returns");
}

static void test_robust(void)
{
    pthread_mutexattr_t attr;
    pthread_mutex_t *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
                                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t pid;

    pthread_mutexattr_init(&attr);
    pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(shared, &attr);
    pid = fork();
    if (!pid) {
        pthread_mutex_lock(shared);
        _exit(0);
    }
    waitpid(pid, NULL, 0);
    is(pthread_mutex_lock(shared), EOWNERDEAD, "the owner of a mutex died");
}

static void *forever(void *arg)
{
    for (;;)
        pause();
    return arg;
}

static void *spin(void *arg)
{
    for (;;)
        ;
    return arg;
}

static int exit_with_threads(void)
{
    pthread_t thread;

    pthread_create(&thread, NULL, forever, NULL);
    pthread_create(&thread, NULL, spin, NULL);
    usleep(5000);
    exit(13);
}

static void *leave_last(void *arg)
{
    usleep(20000);
    syscall(SYS_exit, 6);
    return arg;
}

static int first_leaves(void)
{
    pthread_t thread;

    pthread_create(&thread, NULL, leave_last, NULL);
    syscall(SYS_exit, 5);
    return 0;
}

static void *exec_thread(void *arg)
{
    char *argv[] = {arg, "pid", NULL};

    execv(arg, argv);
    return NULL;
}

static const char *self;
static char pid_text[16];

static int exec_from_thread(void)
{
    pthread_t thread;

    snprintf(pid_text, sizeof(pid_text), "%d", getpid());
    setenv("WANT", pid_text, 1);
    pthread_create(&thread, NULL, forever, NULL);
    pthread_create(&thread, NULL, exec_thread, (void *)self);
    pause();
    return 1;
}

static void *crash(void *arg)
{
    *(volatile int *)bad_pointer = 1;
    return arg;
}

static int crash_in_thread(void)
{
    pthread_t thread;

    pthread_create(&thread, NULL, crash, NULL);
    for (;;)
        pause();
    return 0;
}

static void test_ends(void)
{
    is(in_child(exit_with_threads), 13, "exit ends all threads");
    is(in_child(exec_from_thread), 21, "execve in a thread keeps the pid");
    is(in_child(crash_in_thread), -SIGSEGV, "a crash ends all threads");
    is(in_child(first_leaves), 6, "the last thread's status is the process's");
}

static volatile int signals;
static volatile pid_t signal_tid;

static void on_signal(int sig)
{
    (void)sig;
    signal_tid = syscall(SYS_gettid);
    signals++;
}

static void *open_mask(void *arg)
{
    sigset_t set;

    sigemptyset(&set);
    pthread_sigmask(SIG_SETMASK, &set, NULL);
    *(volatile pid_t *)arg = syscall(SYS_gettid);
    while (!signals)
        usleep(1000);
    return NULL;
}

static void test_signals(void)
{
    volatile pid_t tid = 0;
    pthread_t thread;
    sigset_t set, old;

    signal(SIGUSR1, on_signal);
    sigfillset(&set);
    pthread_sigmask(SIG_SETMASK, &set, &old);
    pthread_create(&thread, NULL, open_mask, (void *)&tid);
    while (!tid)
        usleep(1000);
    kill(getpid(), SIGUSR1);
    pthread_join(thread, NULL);
    is(signal_tid, tid, "a thread that lets it through takes the signal");
    pthread_sigmask(SIG_SETMASK, &old, NULL);
}

static void test_timeouts(void)
{
    struct timespec ts;
    sem_t sem;

    sem_init(&sem, 0, 0);
    clock_gettime(CLOCK_REALTIME, &ts);
    ts.tv_nsec += 10000000;
    if (ts.tv_nsec >= 1000000000) {
        ts.tv_nsec -= 1000000000;
        ts.tv_sec++;
    }
    errno_is(sem_timedwait(&sem, &ts), ETIMEDOUT, "sem_timedwait");
}

int main(int argc, char **argv)
{
    self = argv[0];
    if (argc > 1) /* the program that exec_thread runs */
        return atoi(getenv("WANT")) == getpid() &&
                       syscall(SYS_gettid) == getpid()
                   ? 21
                   : 22;
    test_create();
    test_ids();
    test_futex();
    test_requeue();
    test_cond();
    test_shared_futex();
    test_robust();
    test_ends();
    test_signals();
    test_timeouts();
    return done();
}
